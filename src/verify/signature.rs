//! The signature over the digests of a box.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use base64::Engine as _;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::sums::{PUBLIC_KEY, SIGNATURE, SUMS};
use crate::diag::{Code, Diagnostic};
use crate::load::LoadedTree;
use crate::names::Digest256;

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
    let own =
        public_key(inside, true).ok_or_else(|| wrong(&format!("{PUBLIC_KEY} is damaged, or not one of ours")))?;
    let key = given.map_or_else(|| Some(own.clone()), |given| public_key(given, false));
    let key = key.ok_or_else(|| wrong("the public key that was given cannot be read"))?;
    if UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key).verify(sums, signature).is_err() {
        let whose =
            if given.is_some() { "the key that was given".to_owned() } else { format!("the key in {PUBLIC_KEY}") };
        return Err(wrong(&format!("{SIGNATURE} is not a signature of {SUMS} by {whose}")));
    }
    if own != key {
        return Err(wrong(&format!("{PUBLIC_KEY} in it is another key than the one that was given")));
    }
    Ok(Digest256::of(&key))
}

fn wrong(why: &str) -> Diagnostic {
    let help = "do not use it: ask whoever built it for the box, and for the fingerprint of its key";
    Diagnostic::error(Code::BoxSignature, why.to_owned()).help(help)
}

/// Why a file is not a public key that can have signed a box; none where it is one.
#[must_use]
pub fn why_no_public_key(file: &[u8]) -> Option<&'static str> {
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(file) else { return Some("it is not a PEM file") };
    match pem.label.as_str() {
        "PUBLIC KEY" => {}
        "RSA PUBLIC KEY" => return Some("it holds a public key in the form of PKCS#1"),
        "CERTIFICATE" => return Some("it holds a certificate"),
        "CERTIFICATE REQUEST" => return Some("it holds a request for a certificate"),
        private if private.ends_with("PRIVATE KEY") => {
            return Some("it holds a private key, which stays where the box is built");
        }
        _ => return Some("it holds something else than a public key"),
    }
    let Ok((rest, key)) = SubjectPublicKeyInfo::from_der(&pem.contents) else { return Some("its key is damaged") };
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rest.is_empty() && (2048..=8192).contains(&rsa.key_size()) => None,
        Ok(PublicKey::RSA(_)) if rest.is_empty() => Some("its key is shorter or longer than any that signs boxes"),
        Ok(PublicKey::RSA(_)) | Err(_) => Some("its key is damaged"),
        Ok(_) => Some("its key is not RSA"),
    }
}

/// The DER in a PEM file with a public key. Of a key that nobody has named only the one form that we write is taken (RFC 7468, lines of
/// 64): readers of PEM pass over much, and nothing else says what its bytes should be.
fn public_key(pem: &[u8], strict: bool) -> Option<Vec<u8>> {
    let (_, read) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    let encoded = base64::engine::general_purpose::STANDARD.encode(&read.contents);
    let lines: Vec<&str> = encoded.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let ours = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    (read.label == "PUBLIC KEY" && (!strict || pem == ours.as_bytes())).then_some(read.contents)
}
