//! Public keys.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::armor;
use super::packet::Bytes;
use crate::payload::read::hexadecimal;

/// Tags of packets (RFC 4880 §4.3).
const SECRET_KEY: u8 = 5;
const PUBLIC_KEY: u8 = 6;
const SECRET_SUBKEY: u8 = 7;
const USER_ID: u8 = 13;
const PUBLIC_SUBKEY: u8 = 14;
/// RSA, and RSA for signatures only (§9.1).
const RSA: [u8; 2] = [1, 3];

/// Longest name of an owner that is kept, in characters.
const MAX_OWNER: usize = 256;

/// Why a file is no public key to check packages with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Something else.
    #[error("is no OpenPGP public key")]
    NotAKey,
    /// A private key, which is nobody's business here.
    #[error("holds a private key")]
    Private,
    /// A public key that is not whole.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// No key that signs packages of EL 7 or EL 8.
    #[error("has no RSA key of 2048 bits or more")]
    NoRsa,
}

/// A key that may have signed packages.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// The last 8 bytes of its fingerprint, by which signatures name it.
    pub id: [u8; 8],
    /// `RSAPublicKey` of RFC 8017 in DER.
    pub der: Vec<u8>,
    /// Bytes of its modulus, and so of its signatures.
    pub modulus: usize,
}

/// Public keys that packages may be signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKeys {
    pub(super) keys: Vec<PublicKey>,
    owners: Vec<String>,
    /// The packets of each key with what belongs to it, subkeys and signatures.
    certificates: Vec<Vec<u8>>,
}

impl std::fmt::Debug for PublicKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| hexadecimal(&key.id))).finish()
    }
}

impl PublicKeys {
    /// Reads a file of keys, armoured or not.
    ///
    /// # Errors
    /// When it is no such file, has a private key, or no RSA key.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        let binary = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let packets = match std::str::from_utf8(bytes) {
            Ok(text) if !binary => armor::decode(text)?,
            _ if binary => bytes.to_vec(),
            _ => return Err(KeyError::NotAKey),
        };
        let (mut keys, mut owners, mut certificates) = (Vec::new(), Vec::new(), Vec::<Vec<u8>>::new());
        let mut rest = Bytes(packets.as_slice());
        let mut begun = false;
        while !rest.0.is_empty() {
            let whole = || KeyError::Damaged("it is cut off, or no packet follows where one should".to_owned());
            let from = rest.0;
            let (tag, body) = rest.packet().ok_or_else(if begun { whole } else { || KeyError::NotAKey })?;
            match tag {
                SECRET_KEY | SECRET_SUBKEY => return Err(KeyError::Private),
                PUBLIC_KEY | PUBLIC_SUBKEY => keys.extend(public_key(body)),
                // Anybody may have written it, and it is shown and written down.
                USER_ID => {
                    let name = String::from_utf8_lossy(body);
                    owners.push(name.chars().filter(|c| !c.is_control()).take(MAX_OWNER).collect());
                }
                _ if !begun => return Err(KeyError::NotAKey),
                _ => {}
            }
            let packet = from.get(..from.len() - rest.0.len()).unwrap_or_default();
            match certificates.last_mut().filter(|_| tag != PUBLIC_KEY) {
                Some(certificate) => certificate.extend_from_slice(packet),
                None => certificates.push(packet.to_vec()),
            }
            begun = true;
        }
        if keys.is_empty() { Err(KeyError::NoRsa) } else { Ok(Self { keys, owners, certificates }) }
    }

    /// All keys of several files.
    #[must_use]
    pub fn together(files: impl IntoIterator<Item = Self>) -> Option<Self> {
        files.into_iter().reduce(|mut all, more| {
            all.keys.extend(more.keys);
            all.owners.extend(more.owners);
            all.certificates.extend(more.certificates);
            all
        })
    }

    /// The keys in ASCII armour with its checksum, which rpm of EL 7 wants, and each in a block of its own, as rpm takes one key
    /// from a block.
    #[must_use]
    pub fn to_armour(&self) -> String {
        self.certificates.iter().map(|packets| armor::encode(packets)).collect()
    }

    /// The numbers of the keys, 16 hexadecimal digits each.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.keys.iter().map(|key| hexadecimal(&key.id)).collect()
    }

    /// Whose keys they say they are.
    #[must_use]
    pub fn owners(&self) -> &[String] {
        &self.owners
    }
}

/// The key in a packet of version 4 (§5.5.2); none where it is no RSA key of a size that is still safe.
fn public_key(body: &[u8]) -> Option<PublicKey> {
    let mut rest = Bytes(body);
    let (version, _created, algorithm) = (rest.byte()?, rest.u32()?, rest.byte()?);
    if version != 4 || !RSA.contains(&algorithm) {
        return None;
    }
    let (modulus, exponent) = (rest.number()?, rest.number()?);
    if !(256..=1024).contains(&modulus.len()) {
        return None;
    }
    // §12.2: SHA-1 over the packet; its collisions would need two keys of the same owner.
    let length = u16::try_from(body.len()).ok()?.to_be_bytes();
    let fingerprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&[0x99], &length[..], body].concat());
    let id = fingerprint.as_ref().get(12..)?.try_into().ok()?;
    let der = element(0x30, &[integer(modulus), integer(exponent)].concat());
    Some(PublicKey { id, der, modulus: modulus.len() })
}

/// An element of DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut element = vec![tag];
    match length.as_slice() {
        [] => element.push(0),
        [short] if *short < 0x80 => element.push(*short),
        long => {
            // At most 8 bytes of length.
            element.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            element.extend_from_slice(long);
        }
    }
    element.extend_from_slice(content);
    element
}

/// A positive INTEGER.
fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_none_or(|first| first & 0x80 != 0) { &[0] } else { &[] };
    element(2, &[sign, number].concat())
}
