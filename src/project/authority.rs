//! The CA that a spec names: its files, and what is wrong with them, where the spec says so.

use camino::Utf8Path;
use time::OffsetDateTime;

use crate::diag::{Code, Diagnostic, Span};
use crate::load::{self, LoadError};
use crate::names::Secret;
use crate::spec::Spec;
use crate::vault::{SuppliedCa, SuppliedFile, VaultBytes};
use crate::yaml::Field;

use super::{MAX_ATTACHMENT, Project};

/// A passphrase is a line.
const MAX_PASSPHRASE: u64 = 4 << 10;

impl Project {
    /// Reads the CA that the spec names, and says what is wrong with it.
    pub(super) fn read_authority(&mut self, spec: &Spec, now: OffsetDateTime) {
        let Some(named) = spec.pki.get().and_then(|pki| pki.ca.get()) else { return };
        let certificate = self.named(&named.cert, |path| load::bytes(path, MAX_ATTACHMENT));
        let key = self.named(&named.key, |path| load::bytes(path, MAX_ATTACHMENT).map(VaultBytes::new));
        let passphrase = self.named(&named.passphrase_file, passphrase);
        let certificate = certificate.as_ref().map(|(file, bytes)| (file.as_str(), bytes.as_slice()));
        let key = key.as_ref().map(|(file, bytes)| (file.as_str(), bytes));
        let passphrase = passphrase.as_ref().map(|(_, passphrase)| passphrase);
        let (ca, findings) = SuppliedCa::read(certificate, key, passphrase, now);
        for (about, found) in findings {
            let span = match about {
                SuppliedFile::Certificate => named.cert.span(),
                SuppliedFile::Key => named.key.span(),
                SuppliedFile::Passphrase => named.passphrase_file.span(),
            };
            self.report.push(found.at_opt(span, "this file"));
        }
        self.ca = ca;
    }

    /// A file that the spec names here, with its name as the spec has it; nothing where it cannot be read, which is reported.
    fn named<T>(
        &mut self,
        field: &Field<String>,
        read: impl FnOnce(&Utf8Path) -> Result<T, LoadError>,
    ) -> Option<(String, T)> {
        let (name, span) = field.spanned()?;
        match read(&self.directory.join(name)) {
            Ok(content) => Some((name.clone(), content)),
            Err(error) => {
                self.report.push(unreadable(&error, span));
                None
            }
        }
    }

    /// Whether the CA's key is encrypted and nobody gave its passphrase yet.
    #[must_use]
    pub fn is_ca_locked(&self) -> bool {
        self.ca.as_ref().is_some_and(SuppliedCa::is_locked)
    }

    /// Opens the CA's key with a passphrase.
    ///
    /// # Errors
    /// A passphrase that does not open it, or a key that is not the CA's.
    pub fn unlock_ca(&mut self, passphrase: &Secret) -> Result<(), Diagnostic> {
        self.ca.as_mut().map_or(Ok(()), |ca| ca.unlock(passphrase))
    }
}

/// The passphrase in a file: its first line, without the line end, as OpenSSL takes it.
///
/// # Errors
/// When the file cannot be read, is larger than 4 KiB, or is not UTF-8.
pub fn passphrase(path: &Utf8Path) -> Result<Secret, LoadError> {
    let text = Secret::new(load::text(path, MAX_PASSPHRASE)?);
    Ok(Secret::new(text.expose().lines().next().unwrap_or_default()))
}

fn unreadable(error: &LoadError, span: Span) -> Diagnostic {
    let message = format!("a file of the CA cannot be used: {error}");
    let found = Diagnostic::error(Code::PkiFileUnusable, message).at(span, "this file");
    found.help(match error {
        LoadError::Missing { .. } => "put it there, or correct the path: it starts at the directory of the spec",
        LoadError::Denied { .. } => "build as a user who may read it",
        LoadError::TooLarge { .. } => "is this the right file? One certificate or key has a few KiB",
        LoadError::NotUtf8 { .. } => "write the passphrase as UTF-8 text",
        _ => "name a regular file that can be read",
    })
}
