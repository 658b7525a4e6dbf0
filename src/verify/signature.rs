//! The signature over the digests of a box.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use crate::diag::{Code, Diagnostic};
use crate::load::LoadedTree;
use crate::names::Digest256;

const SUMS: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.sig";
/// The public key that lies in a box.
const PUBLIC_KEY: &str = "box-key.pem";

/// Checks the signature of a box or of a payload: with the key that is given, or else with its own, which anybody can have made.
/// Gives the fingerprint of the key.
///
/// # Errors
/// The finding.
pub fn signature(tree: &LoadedTree, given: Option<&[u8]>) -> Result<Digest256, Diagnostic> {
    let file = |name: &str| {
        let bytes = tree.files.get(name).and_then(|file| file.bytes.as_deref());
        bytes.ok_or_else(|| wrong(&format!("{name} is missing, so nobody vouches for what is in it")))
    };
    signed(file(SUMS)?, file(SIGNATURE)?, file(PUBLIC_KEY)?, given)
}

/// As [`signature`], of the bytes of the three files.
///
/// # Errors
/// The finding.
pub fn signed(sums: &[u8], signature: &[u8], inside: &[u8], given: Option<&[u8]>) -> Result<Digest256, Diagnostic> {
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

fn wrong(why: &str) -> Diagnostic {
    let help = "do not use it: ask whoever built it for the box, and for the fingerprint of its key";
    Diagnostic::error(Code::BoxSignature, why.to_owned()).help(help)
}

/// The DER in a PEM file with a public key.
fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    (pem.label == "PUBLIC KEY").then_some(pem.contents)
}
