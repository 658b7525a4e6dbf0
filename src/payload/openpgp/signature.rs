//! Signatures.

use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};

use super::key::{PublicKey, PublicKeys};
use super::packet::Bytes;
use crate::payload::Signed;
use crate::payload::read::hexadecimal;

/// Tag of signature packets (RFC 4880 §4.3).
const SIGNATURE: u8 = 2;
/// Types of subpackets that name the key: its number (§5.2.3.5), and its fingerprint (RFC 9580 §5.2.3.35).
const ISSUER: u8 = 16;
const ISSUER_FINGERPRINT: u8 = 33;

/// A signature that can be checked.
#[derive(Debug, Clone)]
pub struct Signature {
    /// The number of its key, where it says that.
    issuer: Option<[u8; 8]>,
    digest: &'static Algorithm,
    scheme: &'static RsaParameters,
    /// What follows the signed bytes in the digest.
    trailer: Vec<u8>,
    value: Vec<u8>,
}

/// A digest over what was signed, on its way.
#[derive(Clone)]
pub struct Verification {
    context: Context,
    payload: bool,
}

impl Verification {
    /// A piece of the payload passes.
    pub fn payload(&mut self, piece: &[u8]) {
        if self.payload {
            self.context.update(piece);
        }
    }
}

impl Signature {
    /// Reads a packet.
    ///
    /// # Errors
    /// Why it cannot be checked.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        match Bytes(bytes).packet() {
            Some((SIGNATURE, body)) => match body.first() {
                Some(3) => version_3(Bytes(body)),
                Some(4) => version_4(Bytes(body)),
                _ => Err("its version is not known".to_owned()),
            },
            _ => Err("it is damaged".to_owned()),
        }
    }

    /// Begins to check it.
    pub fn begin(&self, header: &[u8], payload: bool) -> Verification {
        let mut context = Context::new(self.digest);
        context.update(header);
        Verification { context, payload }
    }

    /// Says what it is worth, now that all the bytes have passed.
    pub fn judge(&self, verification: Verification, keys: &PublicKeys) -> Signed {
        let mut context = verification.context;
        context.update(&self.trailer);
        let digest = context.finish();
        let named = |key: &&PublicKey| self.issuer.is_none_or(|issuer| issuer == key.id);
        let mut known = false;
        for key in keys.keys.iter().filter(named) {
            known = true;
            let Some(zeros) = key.modulus.checked_sub(self.value.len()) else { continue };
            let value = [vec![0; zeros], self.value.clone()].concat();
            if UnparsedPublicKey::new(self.scheme, &key.der).verify_digest(&digest, &value).is_ok() {
                return Signed::Good(hexadecimal(&key.id));
            }
        }
        let issuer = self.issuer.map_or_else(|| "no number".to_owned(), |issuer| hexadecimal(&issuer));
        if known && self.issuer.is_some() { Signed::Bad(issuer) } else { Signed::UnknownKey(issuer) }
    }
}

/// §5.2.2, which RHEL 7 and CentOS 7 sign with.
fn version_3(mut rest: Bytes<'_>) -> Result<Signature, String> {
    let damaged = || "it is damaged".to_owned();
    let (_version, hashed) = (rest.byte().ok_or_else(damaged)?, rest.byte().ok_or_else(damaged)?);
    let trailer = rest.take(5).filter(|_| hashed == 5).ok_or_else(damaged)?.to_vec();
    let issuer = rest.take(8).and_then(|id| id.try_into().ok()).ok_or_else(damaged)?;
    let (algorithm, digest) = (rest.byte().ok_or_else(damaged)?, rest.byte().ok_or_else(damaged)?);
    finish(rest, trailer.first().copied(), algorithm, digest, Some(issuer), trailer)
}

/// §5.2.3
fn version_4(mut rest: Bytes<'_>) -> Result<Signature, String> {
    let damaged = || "it is damaged".to_owned();
    let all = rest.0;
    let head = rest.take(4).ok_or_else(damaged)?;
    let &[_version, kind, algorithm, digest] = head else { return Err(damaged()) };
    let hashed = rest.u16().map(usize::from).and_then(|length| rest.take(length)).ok_or_else(damaged)?;
    let mut trailer = all.get(..6 + hashed.len()).ok_or_else(damaged)?.to_vec();
    // At most 6 bytes and 64 KiB.
    let length = u32::try_from(trailer.len()).map_err(|_| damaged())?;
    trailer.extend_from_slice(&[4, 0xff]);
    trailer.extend_from_slice(&length.to_be_bytes());
    let unhashed = rest.u16().map(usize::from).and_then(|length| rest.take(length)).ok_or_else(damaged)?;
    let issuer = issuer(Bytes(hashed)).or_else(|| issuer(Bytes(unhashed)));
    finish(rest, Some(kind), algorithm, digest, issuer, trailer)
}

fn issuer(mut subpackets: Bytes<'_>) -> Option<[u8; 8]> {
    while !subpackets.0.is_empty() {
        let length = subpackets.length()?;
        let mut body = Bytes(subpackets.take(length)?);
        match body.byte()? & 0x7f {
            ISSUER => return body.take(8)?.try_into().ok(),
            // A byte for the version of the key, 4, and 20 of its fingerprint.
            ISSUER_FINGERPRINT if body.0.len() == 21 => return body.0.get(13..)?.try_into().ok(),
            _ => {}
        }
    }
    None
}

fn finish(
    mut rest: Bytes<'_>,
    kind: Option<u8>,
    algorithm: u8,
    digest: u8,
    issuer: Option<[u8; 8]>,
    trailer: Vec<u8>,
) -> Result<Signature, String> {
    if kind != Some(0) {
        return Err("it is not one over bytes".to_owned());
    }
    if !matches!(algorithm, 1 | 3) {
        return Err(format!("it is not of RSA but of public-key algorithm {algorithm} of OpenPGP"));
    }
    // §9.4
    let (digest, scheme) = match digest {
        8 => (&SHA256, &RSA_PKCS1_2048_8192_SHA256),
        9 => (&SHA384, &RSA_PKCS1_2048_8192_SHA384),
        10 => (&SHA512, &RSA_PKCS1_2048_8192_SHA512),
        1 | 2 => return Err("its digest is MD5 or SHA-1, which can be forged".to_owned()),
        other => return Err(format!("its digest is number {other} of OpenPGP, which is not known here")),
    };
    let damaged = || "it is damaged".to_owned();
    let value = rest.u16().and_then(|_left_bits| rest.number()).ok_or_else(damaged)?.to_vec();
    Ok(Signature { issuer, digest, scheme, trailer, value })
}

impl std::fmt::Debug for Verification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verification(…)")
    }
}
