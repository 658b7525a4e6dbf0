//! The key that boxes are signed with: an own one, because it signs for the cluster and issues nothing.

use super::ensure::VaultError;
use super::files::{SIGNING_KEY, VaultBytes};
use super::key::PrivateKey;
use super::pem;
use super::vault::Vault;
use super::writes::tree_path;
use crate::names::{Digest256, RsaSize, TreePath};

/// The key that boxes are signed with.
#[derive(Debug)]
pub struct SigningKey {
    key: PrivateKey,
    write: Option<(TreePath, VaultBytes)>,
}

impl SigningKey {
    /// The vault's, or a new one where it has none yet.
    ///
    /// # Errors
    /// When the one in the vault cannot be used, or the machine gives none.
    pub fn of(vault: &Vault, size: RsaSize) -> Result<Self, VaultError> {
        let path = tree_path(SIGNING_KEY)?;
        if let Some(bytes) = vault.files().get(&path) {
            let key = PrivateKey::from_pem(bytes.expose(), None).map_err(|error| unusable(&error))?;
            return Ok(Self { key, write: None });
        }
        let key = PrivateKey::generate(size)?;
        let write = Some((path, key.to_vault()));
        Ok(Self { key, write })
    }

    /// The file that is to be written to the vault, where the key is new.
    #[must_use]
    pub const fn write(&self) -> Option<&(TreePath, VaultBytes)> {
        self.write.as_ref()
    }

    /// Signs with RSA (PKCS#1 v1.5) and SHA-256: the same bytes have the same signature, and openssl of EL 7 checks it.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        rcgen::SigningKey::sign(&self.key, bytes).ok()
    }

    /// The public half as PEM (`BEGIN PUBLIC KEY`), which `openssl dgst -verify` reads.
    #[must_use]
    pub fn public_pem(&self) -> String {
        pem::text("PUBLIC KEY", &rcgen::PublicKeyData::subject_public_key_info(&self.key))
    }

    /// SHA-256 of the public half in DER: what people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Digest256 {
        Digest256::of(&rcgen::PublicKeyData::subject_public_key_info(&self.key))
    }
}

impl Vault {
    /// Makes the key that boxes are signed with, where there is none yet; it is then among [`Vault::writes`].
    ///
    /// # Errors
    /// As [`SigningKey::of`].
    pub fn ensure_signing_key(&mut self, size: RsaSize) -> Result<(), VaultError> {
        let key = SigningKey::of(self, size)?;
        self.writes.extend(key.write);
        Ok(())
    }

    /// The public half of that key as PEM; nothing where there is none that can be used.
    #[must_use]
    pub fn signing_public_pem(&self) -> Option<String> {
        let bytes = self.files().get(&tree_path(SIGNING_KEY).ok()?).copied()?;
        let key = PrivateKey::from_pem(bytes.expose(), None).ok()?;
        Some(SigningKey { key, write: None }.public_pem())
    }
}

fn unusable(error: &dyn std::fmt::Display) -> VaultError {
    use crate::diag::{Code, Diagnostic};
    let message = format!("{SIGNING_KEY} in the vault cannot be used: {error}");
    let help =
        "take it from a copy of the vault; or remove it, and tell everybody who has the public half that it changes";
    VaultError::Refused(Diagnostic::error(Code::VaultDamaged, message).help(help).into())
}
