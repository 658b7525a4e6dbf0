//! Private keys that are encrypted with a passphrase: PKCS#8 `EncryptedPrivateKeyInfo` with PBES2 (RFC 8018 §6.2).

use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};

use crate::names::Secret;

/// Most rounds of PBKDF2: a few seconds. OpenSSL takes 2048, careful people a million.
const MAX_ROUNDS: u32 = 5_000_000;

/// Most memory of scrypt, 128·N·r bytes. OpenSSL takes 16 MiB.
const MAX_MEMORY: u64 = 256 << 20;

/// Most lanes of scrypt, one after the other. OpenSSL takes one.
const MAX_LANES: u16 = 16;

/// Why an encrypted key was not opened. Says nothing of its content or of the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnlockError {
    #[error("its encryption is of another kind than PBES2 with PBKDF2 or scrypt and AES")]
    Scheme,
    #[error("its encryption asks for more work than is done for one key")]
    Costly,
    #[error("the passphrase does not open it")]
    Passphrase,
}

/// Opens an `EncryptedPrivateKeyInfo`; gives the DER of the `PrivateKeyInfo` inside, which is wiped when dropped.
///
/// # Errors
/// An encryption that is not known or would keep us busy, or a passphrase that does not fit.
pub(super) fn open(der: &[u8], passphrase: &Secret) -> Result<SecretDocument, UnlockError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| UnlockError::Scheme)?;
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else { return Err(UnlockError::Scheme) };
    let affordable = match &parameters.kdf {
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_ROUNDS,
        Kdf::Scrypt(scrypt) => {
            let memory = scrypt.cost_parameter.saturating_mul(128 * u64::from(scrypt.block_size));
            // A cost of zero or one is none, and the crate takes a logarithm of it.
            scrypt.cost_parameter > 1 && memory <= MAX_MEMORY && scrypt.parallelization <= MAX_LANES
        }
        _ => return Err(UnlockError::Scheme),
    };
    if !affordable {
        return Err(UnlockError::Costly);
    }
    info.decrypt(passphrase.expose()).map_err(|error| match error {
        // SHA-1 and DES are not compiled in.
        pkcs8::Error::EncryptedPrivateKey(
            pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs8::pkcs5::Error::AlgorithmParametersInvalid { .. },
        ) => UnlockError::Scheme,
        // A wrong passphrase gives wrong padding, or once in 256 times bytes that are no key.
        _ => UnlockError::Passphrase,
    })
}

#[cfg(test)]
mod tests {
    use pkcs8::der::Encode as _;
    use pkcs8::der::asn1::OctetString;
    use pkcs8::pkcs5::pbes2::{EncryptionScheme as Cipher, Kdf, Parameters, Pbkdf2Params, ScryptParams};
    use pkcs8::{EncryptedPrivateKeyInfoOwned, pkcs5::EncryptionScheme};

    use super::{UnlockError, open};
    use crate::names::Secret;

    /// A file that asks for this derivation before anybody can know that the rest of it is nonsense.
    fn hostile(kdf: Kdf) -> Result<(), UnlockError> {
        let parameters = Parameters { kdf, encryption: Cipher::Aes256Cbc { iv: [7; 16] } };
        let info = EncryptedPrivateKeyInfoOwned {
            encryption_algorithm: EncryptionScheme::Pbes2(parameters),
            encrypted_data: OctetString::new(vec![0; 64]).expect("short"),
        };
        open(&info.to_der().expect("DER"), &Secret::new("x")).map(drop)
    }

    fn scrypt(n: u64, r: u16, p: u16) -> Result<(), UnlockError> {
        let salt = b"salt".as_slice().try_into().expect("short");
        let params = ScryptParams { salt, cost_parameter: n, block_size: r, parallelization: p, key_length: None };
        hostile(Kdf::Scrypt(params))
    }

    #[test]
    fn no_file_keeps_us_busy() {
        for (n, r, p) in [(1 << 40, 8, 1), (1 << 20, u16::MAX, 1), (16384, 8, u16::MAX), (0, 8, 1), (1, 8, 1)] {
            assert_eq!(scrypt(n, r, p), Err(UnlockError::Costly), "{n} {r} {p}");
        }
        assert_eq!(scrypt(16383, 8, 1), Err(UnlockError::Scheme), "no power of two");
        assert_eq!(scrypt(16, 0, 1), Err(UnlockError::Scheme));
        assert_eq!(scrypt(16, 8, 1), Err(UnlockError::Passphrase));
        let salt = b"salt".as_slice();
        let pbkdf2 = |rounds| Kdf::Pbkdf2(Pbkdf2Params::hmac_sha256(rounds, salt).expect("parameters"));
        assert_eq!(hostile(pbkdf2(100_000_000)), Err(UnlockError::Costly));
        assert_eq!(hostile(pbkdf2(2)), Err(UnlockError::Passphrase));
    }

    #[test]
    fn nonsense_is_refused() {
        for der in [&[][..], &[0x30], &[0x30, 0x82, 0xff, 0xff], &[0; 300]] {
            assert_eq!(open(der, &Secret::new("x")).map(drop), Err(UnlockError::Scheme));
        }
    }
}
