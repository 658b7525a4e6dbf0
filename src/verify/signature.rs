//! The signature over the digests of a box.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::diag::{Code, Diagnostic};
use crate::load::LoadedTree;
use crate::names::Digest256;

const SUMS: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.sig";
/// The public key that lies in a box.
const PUBLIC_KEY: &str = "box-key.pem";

/// Checks the signature of a box: with the key that is given, or else with its own, which anybody can have made. Gives the
/// fingerprint of the key.
///
/// # Errors
/// The finding.
pub fn signature(tree: &LoadedTree, given: Option<&[u8]>) -> Result<Digest256, Diagnostic> {
    let wrong = |why: &str| {
        let help = "do not use it: ask whoever built it for the box, and for the fingerprint of its key";
        Diagnostic::error(Code::BoxSignature, why.to_owned()).help(help)
    };
    let file = |name: &str| tree.files.get(name).and_then(|file| file.bytes.as_deref());
    let missing = |name: &str| wrong(&format!("{name} is missing, so nobody vouches for what is in it"));
    let sums = file(SUMS).ok_or_else(|| missing(SUMS))?;
    let signature = file(SIGNATURE).ok_or_else(|| missing(SIGNATURE))?;
    let inside = file(PUBLIC_KEY).ok_or_else(|| missing(PUBLIC_KEY))?;
    let unreadable = || wrong("the public key cannot be read");
    let key = public_key(given.unwrap_or(inside)).ok_or_else(unreadable)?;
    if UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key).verify(sums, signature).is_err() {
        let whose = if given.is_some() { "the key that was given" } else { "the key in it" };
        return Err(wrong(&format!("{SIGNATURE} is not a signature of {SUMS} by {whose}")));
    }
    if public_key(inside).as_ref() != Some(&key) {
        return Err(wrong(&format!("{PUBLIC_KEY} in it is another key than the one that was given")));
    }
    Ok(Digest256::of(&key))
}

/// The DER in a PEM file with a public key.
fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    (pem.label == "PUBLIC KEY").then_some(pem.contents)
}
