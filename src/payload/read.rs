//! An RPM read once from its first byte to its last.

use std::io::{self, Read};

use md5::Md5;
use rpm::{IndexSignatureTag as SignatureTag, IndexTag, PackageMetadata};
use sha2::{Digest as _, Sha256};

use super::header::{self, Headers, malformed};
use super::openpgp::{PublicKeys, Signature, Verification};
use super::{Digests, Rpm, RpmError, Signed};
use crate::names::Digest256;

/// Pieces in which the payload passes.
const PIECE: usize = 256 << 10;
/// `PAYLOADDIGESTALGO` for SHA-256, by RFC 4880 §9.4.
const SHA256: u32 = 8;

/// Reads a package, checks every digest it has for its header and the strongest for its payload, and its signature where
/// keys are given. Of the payload no more than 256 KiB are in memory at a time; it is not unpacked.
///
/// # Errors
/// When it is none, is not whole, contradicts itself, or cannot be read. A signature that is missing or bad is no error
/// here: [`Rpm::signed`] says so.
pub fn read_rpm(mut reader: impl Read, keys: Option<&PublicKeys>) -> Result<Rpm, RpmError> {
    let headers = header::headers(&mut reader)?;
    let metadata = PackageMetadata::parse(&mut headers.bytes.as_slice())
        .map_err(|error| malformed("header", error.to_string()))?;
    if metadata.is_source_package() {
        return Err(RpmError::Source);
    }
    let digested = check_header(&metadata, headers.header())?;
    let payload = Expected::of(&metadata)?;
    let signatures = Signatures::of(&metadata, payload.sha256.is_some());
    let verification = keys.and_then(|_| signatures.begin(headers.header()));
    let (digests, verification) = pass(&mut reader, &headers, &payload, verification)?;
    if !digested && payload.sha256.is_none() && payload.md5.is_none() {
        return Err(RpmError::NoDigest("header"));
    }
    let signed = match keys {
        Some(keys) => signatures.judge(verification, keys),
        None if signatures.is_empty() => Signed::No,
        None => Signed::Unchecked,
    };
    Rpm::of(&metadata, digests, signed)
}

/// Reads a package up to its payload, and takes size and digest of the file as they are known: for whoever reads the payload
/// later and compares it with that digest. None where the signature is over the payload too, so that all of it has to be read.
///
/// # Errors
/// As [`read_rpm`].
pub fn read_header(
    mut reader: impl Read,
    keys: Option<&PublicKeys>,
    size: u64,
    sha256: Digest256,
) -> Result<Option<Rpm>, RpmError> {
    let headers = header::headers(&mut reader)?;
    let metadata = PackageMetadata::parse(&mut headers.bytes.as_slice())
        .map_err(|error| malformed("header", error.to_string()))?;
    if metadata.is_source_package() {
        return Err(RpmError::Source);
    }
    check_header(&metadata, headers.header())?;
    let payload = Expected::of(&metadata)?;
    let signatures = Signatures::of(&metadata, payload.sha256.is_some());
    if signatures.both && keys.is_some() {
        return Ok(None);
    }
    let signed = match keys {
        Some(keys) => signatures.judge(signatures.begin(headers.header()), keys),
        None if signatures.is_empty() => Signed::No,
        None => Signed::Unchecked,
    };
    let (header_start, header_end) = (headers.header as u64, headers.bytes.len() as u64);
    Rpm::of(&metadata, Digests { size, sha256, header_start, header_end }, signed).map(Some)
}

/// Compares the header with its digests; says whether it has any.
fn check_header(metadata: &PackageMetadata, header: &[u8]) -> Result<bool, RpmError> {
    let stated = |tag| metadata.signature.get_entry_data_as_string(tag).ok();
    let sha256 = stated(SignatureTag::RPMSIGTAG_SHA256);
    let sha1 = stated(SignatureTag::RPMSIGTAG_SHA1);
    if let Some(stated) = sha256 {
        same("SHA-256", "header", stated, &Digest256::of(header).to_string())?;
    }
    if let Some(stated) = sha1 {
        // Shows damage, as in rpm; that nobody changed it on purpose is shown by signatures and by the lock file.
        let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, header);
        same("SHA-1", "header", stated, &hexadecimal(sha1.as_ref()))?;
    }
    Ok(sha256.is_some() || sha1.is_some())
}

fn same(digest: &'static str, part: &'static str, stated: &str, found: &str) -> Result<(), RpmError> {
    if stated == found {
        return Ok(());
    }
    let stated: String = stated.chars().take(128).map(|c| if c.is_ascii_alphanumeric() { c } else { '?' }).collect();
    Err(RpmError::Digest { digest, part, stated, found: found.to_owned() })
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a package says of its payload.
struct Expected {
    /// Of the payload as it is in the file, since rpm 4.14.
    sha256: Option<String>,
    /// Of header and payload together: all that a package of EL 7 has.
    md5: Option<String>,
    /// Bytes of header and payload together.
    size: Option<u64>,
}

impl Expected {
    fn of(metadata: &PackageMetadata) -> Result<Self, RpmError> {
        let header = &metadata.header;
        let kind = header.get_entry_data_as_u32(IndexTag::RPMTAG_PAYLOADSHA256ALGO).unwrap_or(SHA256);
        let sha256 = header.get_entry_data_as_string_array(IndexTag::RPMTAG_PAYLOADSHA256);
        let sha256 =
            sha256.ok().filter(|_| kind == SHA256).and_then(|list| list.first().map(|&text| text.to_owned()));
        let signature = &metadata.signature;
        let md5 = signature.get_entry_data_as_binary(SignatureTag::RPMSIGTAG_MD5).ok().map(hexadecimal);
        let long = signature.get_entry_data_as_u64(SignatureTag::RPMSIGTAG_LONGSIZE).ok();
        let short = || signature.get_entry_data_as_u32(SignatureTag::RPMSIGTAG_SIZE).ok().map(u64::from);
        if sha256.is_none() && md5.is_none() {
            return Err(RpmError::NoDigest("payload"));
        }
        Ok(Self { sha256, md5, size: long.or_else(short) })
    }
}

/// Lets the payload pass, and everything that is computed over it.
fn pass(
    reader: &mut impl Read,
    headers: &Headers,
    expected: &Expected,
    mut verification: Option<Verification>,
) -> Result<(Digests, Option<Verification>), RpmError> {
    let mut file = Sha256::new_with_prefix(&headers.bytes);
    let mut payload = Sha256::new();
    // The weak digest only where there is no better one.
    let mut md5 = expected.sha256.is_none().then(|| Md5::new_with_prefix(headers.header()));
    let mut size = headers.bytes.len() as u64;
    let mut buffer = vec![0; PIECE];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(RpmError::Machine(error)),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        size += count as u64;
        if let Some(stated) = expected.size.filter(|stated| size - headers.header as u64 > *stated) {
            // At once: nobody knows how much more there is.
            return Err(RpmError::WrongSize { stated, found: size - headers.header as u64 });
        }
        file.update(piece);
        match &mut md5 {
            Some(md5) => md5.update(piece),
            None => payload.update(piece),
        }
        if let Some(verification) = &mut verification {
            verification.payload(piece);
        }
    }
    if expected.size.is_some_and(|stated| size - (headers.header as u64) < stated) {
        return Err(RpmError::CutOff("payload"));
    }
    match (md5, &expected.sha256, &expected.md5) {
        (None, Some(stated), _) => {
            let found = Digest256::from_bytes(payload.finalize().into()).to_string();
            same("SHA-256", "payload", stated, &found)?;
        }
        (Some(md5), _, Some(stated)) => {
            same("MD5", "header and payload", stated, &hexadecimal(&md5.finalize()))?;
        }
        _ => return Err(RpmError::NoDigest("payload")),
    }
    let digests = Digests {
        size,
        sha256: Digest256::from_bytes(file.finalize().into()),
        header_start: headers.header as u64,
        header_end: headers.bytes.len() as u64,
    };
    Ok((digests, verification))
}

/// The signatures that say something of header and payload.
struct Signatures {
    /// Over the header, which has the digest of the payload; or over both.
    signature: Option<Result<Signature, String>>,
    /// Whether it is over both.
    both: bool,
}

impl Signatures {
    /// Prefers the signature over the header where that has a digest of the payload. On EL 7 it has none, and only the
    /// signature over both says anything of the payload.
    fn of(metadata: &PackageMetadata, payload_in_header: bool) -> Self {
        let binary = |tag| metadata.signature.get_entry_data_as_binary(tag).ok();
        let both = || binary(SignatureTag::RPMSIGTAG_PGP).or_else(|| binary(SignatureTag::RPMSIGTAG_GPG));
        let header = metadata.raw_signatures().map(|list| list.into_iter().next());
        let only_header = "it covers the header only, which has no digest of the payload";
        let (signature, both) = match (header, both()) {
            (Ok(Some(bytes)), _) if payload_in_header => (Some(Signature::parse(&bytes)), false),
            (_, Some(bytes)) => (Some(Signature::parse(bytes)), true),
            (Ok(Some(_)), None) => (Some(Err(only_header.to_owned())), false),
            (Ok(None), None) => (None, false),
            (Err(error), None) => (Some(Err(error.to_string())), false),
        };
        Self { signature, both }
    }

    const fn is_empty(&self) -> bool {
        self.signature.is_none()
    }

    /// Begins to check it.
    fn begin(&self, header: &[u8]) -> Option<Verification> {
        let signature = self.signature.as_ref()?.as_ref().ok()?;
        Some(signature.begin(header, self.both))
    }

    fn judge(&self, verification: Option<Verification>, keys: &PublicKeys) -> Signed {
        match (&self.signature, verification) {
            (None, _) => Signed::No,
            (Some(Err(why)), _) => Signed::Unusable(why.clone()),
            (Some(Ok(signature)), Some(verification)) => signature.judge(verification, keys),
            (Some(Ok(_)), None) => Signed::Unchecked,
        }
    }
}
