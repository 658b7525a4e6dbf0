//! RSA keys: made, read in either PEM form, written as PKCS#1, used for signing.
//!
//! Only RSA, because Cloudify's validators and RabbitMQ's suites know nothing else (cloudify.md §6.3).

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use secrecy::zeroize::Zeroizing;

use super::encrypted::{self, UnlockError};
use super::files::VaultBytes;
use super::pem::{self, PemError};
use crate::names::{Digest256, RsaSize, Secret};

/// PKCS#1, "traditional" form: curl on EL7 uses NSS, which refuses some PKCS#8 keys with `SEC_ERROR_BAD_KEY`
/// (el-hosts.md), and everything else reads both.
const PKCS1: &str = "RSA PRIVATE KEY";
const PKCS8: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// An RSA private key. `Debug` shows nothing of it but the digest of its public half.
pub(super) struct PrivateKey {
    pair: KeyPair,
    pkcs1: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey([redacted], public {})", self.public_digest())
    }
}

/// Why a file holds no usable private key. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    #[error("{0}")]
    Pem(#[from] PemError),
    #[error("it holds no private key but a different kind of PEM block")]
    OtherBlock,
    #[error("it is encrypted with a passphrase")]
    Locked,
    #[error("{0}")]
    Unlock(#[from] UnlockError),
    #[error("its key is not RSA, and Cloudify works with nothing else")]
    NotRsa,
    #[error("its RSA key is damaged, or shorter than 2048 bits or longer than 8192")]
    Rejected,
}

/// The cryptographic library gave no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library could not make an RSA key")]
pub struct NoKey;

impl PrivateKey {
    /// Makes a new key. Takes 20 to 900 ms, by size and luck.
    ///
    /// # Errors
    /// When the library gives none.
    pub(super) fn generate(size: RsaSize) -> Result<Self, NoKey> {
        let size = match size {
            RsaSize::Rsa2048 => KeySize::Rsa2048,
            RsaSize::Rsa3072 => KeySize::Rsa3072,
            RsaSize::Rsa4096 => KeySize::Rsa4096,
        };
        let pair = KeyPair::generate(size).map_err(|_| NoKey)?;
        let pkcs8 = pair.as_der().map_err(|_| NoKey)?;
        let pkcs1 = Zeroizing::new(inner_rsa_key(pkcs8.as_ref()).ok_or(NoKey)?.to_vec());
        Ok(Self { pair, pkcs1 })
    }

    /// Reads the one private key of a PEM file, PKCS#1 or PKCS#8. A passphrase is used where the key is encrypted.
    ///
    /// # Errors
    /// When there is none, it is encrypted and cannot be opened, damaged or not RSA.
    pub(super) fn from_pem(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let blocks = pem::blocks(bytes)?;
        let mut keys = blocks.iter().filter(|block| block.label.ends_with(PKCS8));
        let (Some(block), None) = (keys.next(), keys.next()) else { return Err(KeyError::OtherBlock) };
        let opened;
        let der = match block.label.as_str() {
            PKCS1 => &block.der[..],
            PKCS8 => inner_rsa_key(&block.der).ok_or(KeyError::NotRsa)?,
            ENCRYPTED => {
                opened = encrypted::open(&block.der, passphrase.ok_or(KeyError::Locked)?)?;
                inner_rsa_key(opened.as_bytes()).ok_or(KeyError::NotRsa)?
            }
            _ => return Err(KeyError::NotRsa),
        };
        let pair = KeyPair::from_der(der).map_err(|_| KeyError::Rejected)?;
        Ok(Self { pair, pkcs1: Zeroizing::new(der.to_vec()) })
    }

    /// The key as PKCS#1 PEM text.
    pub(super) fn to_pem(&self) -> Secret {
        Secret::new(pem::text(PKCS1, &self.pkcs1))
    }

    /// The key as a file of the vault.
    pub(super) fn to_vault(&self) -> VaultBytes {
        VaultBytes::new(self.to_pem().expose().as_bytes().to_vec())
    }

    /// The public half as DER `RSAPublicKey` (RFC 8017 §A.1.1), which is what a certificate's `subjectPublicKey` holds.
    pub(super) fn public_der(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// SHA-256 of the public half.
    pub(super) fn public_digest(&self) -> Digest256 {
        Digest256::of(self.public_der())
    }

    /// Length of the modulus in bits.
    pub(super) fn bits(&self) -> usize {
        self.pair.public_modulus_len() * 8
    }
}

impl rcgen::PublicKeyData for PrivateKey {
    fn der_bytes(&self) -> &[u8] {
        self.public_der()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// Signs as PKCS#1 v1.5 with SHA-256: Cloudify's validator knows no RSA-PSS, and the same text gives the same signature.
impl rcgen::SigningKey for PrivateKey {
    fn sign(&self, text: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.pair
            .sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .map_err(|_| rcgen::Error::RingUnspecified)?;
        Ok(signature)
    }
}

/// `rsaEncryption`, 1.2.840.113549.1.1.1, with its NULL parameters (RFC 8017 §A.1).
const RSA_ENCRYPTION: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];

/// The `RSAPrivateKey` inside a PKCS#8 `PrivateKeyInfo` (RFC 5208 §5), or nothing where it is none of RSA.
fn inner_rsa_key(pkcs8: &[u8]) -> Option<&[u8]> {
    const INTEGER: u8 = 0x02;
    const OCTET_STRING: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let (info, rest) = element(SEQUENCE, pkcs8)?;
    let (version, info) = element(INTEGER, info)?;
    let (algorithm, info) = element(SEQUENCE, info)?;
    // Attributes may follow; nobody needs them.
    let (key, _) = element(OCTET_STRING, info)?;
    (rest.is_empty() && version == [0] && algorithm == RSA_ENCRYPTION).then_some(key)
}

/// Splits the content of the first element, which must have this tag, from what follows it. DER lengths of up to two
/// bytes are enough: an 8192-bit key has under 5 KiB.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, content) = match der {
        [first, short @ 0..=0x7f, content @ ..] if *first == tag => (usize::from(*short), content),
        [first, 0x81, length @ 0x80..=0xff, content @ ..] if *first == tag => (usize::from(*length), content),
        [first, 0x82, high @ 1..=0xff, low, content @ ..] if *first == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), content)
        }
        _ => return None,
    };
    content.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::{KeyError, PKCS8, PrivateKey, RSA_ENCRYPTION, element, inner_rsa_key};
    use crate::names::RsaSize;
    use crate::vault::pem;

    #[test]
    fn both_pem_forms_are_read_and_pkcs1_is_written() {
        let key = PrivateKey::generate(RsaSize::Rsa2048).expect("a key");
        let pkcs1 = key.to_pem();
        assert!(pkcs1.expose().starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        let again = PrivateKey::from_pem(pkcs1.expose().as_bytes(), None).expect("PKCS#1");
        assert_eq!(again.public_der(), key.public_der());
        let wrapped = pem::text(PKCS8, &pkcs8(&key.pkcs1));
        let again = PrivateKey::from_pem(wrapped.as_bytes(), None).expect("PKCS#8");
        assert_eq!(again.to_pem(), pkcs1);
        assert_eq!(again.bits(), 2048);
        let shown = format!("{key:?}");
        assert!(shown.contains("[redacted]") && !shown.contains("BEGIN"));
    }

    /// Wraps as RFC 5208 says, lengths of two bytes throughout.
    fn pkcs8(pkcs1: &[u8]) -> Vec<u8> {
        let long = |tag: u8, content: &[u8]| {
            let [high, low] = u16::try_from(content.len()).expect("short").to_be_bytes();
            [&[tag, 0x82, high, low], content].concat()
        };
        let algorithm = [&[0x30, 13], RSA_ENCRYPTION].concat();
        long(0x30, &[&[2, 1, 0][..], &algorithm, &long(4, pkcs1)].concat())
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(matches!(
            PrivateKey::from_pem(pem::text("CERTIFICATE", &[1]).as_bytes(), None),
            Err(KeyError::OtherBlock)
        ));
        assert!(matches!(
            PrivateKey::from_pem(pem::text("EC PRIVATE KEY", &[1]).as_bytes(), None),
            Err(KeyError::NotRsa)
        ));
        assert!(matches!(PrivateKey::from_pem(pem::text(PKCS8, &[0x30, 0]).as_bytes(), None), Err(KeyError::NotRsa)));
        let junk = pem::text("RSA PRIVATE KEY", &[0x30, 0]);
        assert!(matches!(PrivateKey::from_pem(junk.as_bytes(), None), Err(KeyError::Rejected)));
        assert_eq!(element(4, &[4, 5, 1]), None, "longer than what is there");
        assert_eq!(element(4, &[4, 0x81, 1, 1]), None, "a length that DER writes in one byte");
        assert_eq!(inner_rsa_key(&[]), None);
    }
}
