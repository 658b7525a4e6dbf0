//! A CA that is named from outside the vault: read, judged, and taken into one.

use std::sync::Arc;

use time::OffsetDateTime;

use super::authority;
use super::certificate::Certificate;
use super::files::VaultBytes;
use super::key::{KeyError, PrivateKey};
use super::open::Opened;
use super::pem::PemError;
use super::record::CaOrigin;
use crate::diag::{Code, Diagnostic, Report};
use crate::names::Secret;

/// A CA that the spec names. Its certificate is good; its key is used, and stored nowhere.
#[derive(Debug)]
pub struct SuppliedCa {
    file: String,
    certificate: Certificate,
    key: SuppliedKey,
}

/// The key of a CA that the spec names.
#[derive(Debug)]
enum SuppliedKey {
    /// Not named: nothing can be issued.
    Absent,
    /// Encrypted, and nobody gave the passphrase yet.
    Locked { file: String, pem: VaultBytes },
    /// Ready to sign.
    Open(Arc<PrivateKey>),
}

/// Which file a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppliedFile {
    /// The CA's certificate.
    Certificate,
    /// The CA's key.
    Key,
    /// The passphrase of the key.
    Passphrase,
}

/// What was found about the files of a supplied CA.
pub type SuppliedFindings = Vec<(SuppliedFile, Diagnostic)>;

impl SuppliedCa {
    /// Reads a CA's certificate and, where they are given, its key and the passphrase of that. The names of the files are
    /// for messages. Everything wrong is found at once; there is a CA only where its certificate is good.
    #[must_use]
    pub fn read(
        certificate: Option<(&str, &[u8])>,
        key: Option<(&str, &VaultBytes)>,
        passphrase: Option<&Secret>,
        now: OffsetDateTime,
    ) -> (Option<Self>, SuppliedFindings) {
        let mut findings = SuppliedFindings::new();
        let certificate = certificate.and_then(|(file, bytes)| {
            let read = authority::certificate(bytes, file, unusable);
            let good = read.map_err(|found| findings.push((SuppliedFile::Certificate, found))).ok()?;
            findings.extend(validity(&good, now).map(|found| (SuppliedFile::Certificate, found)));
            Some((file, good))
        });
        if let (Some((file, ca)), true) = (&certificate, key.is_some()) {
            findings.extend(authority::can_sign(ca, file).err().map(|found| (SuppliedFile::Certificate, found)));
        }
        let key = key.and_then(|(file, pem)| match unlock(file, pem, passphrase) {
            Ok(key) => Some((file, SuppliedKey::Open(Arc::new(key)))),
            Err(found) => {
                let locked = found.code == Code::CaKeyLocked;
                let about = match found.code {
                    Code::WrongPassphrase => SuppliedFile::Passphrase,
                    _ => SuppliedFile::Key,
                };
                findings.push((about, found));
                locked.then(|| (file, SuppliedKey::Locked { file: file.to_owned(), pem: pem.clone() }))
            }
        });
        let Some((file, certificate)) = certificate else { return (None, findings) };
        if let Some((key_file, SuppliedKey::Open(key))) = &key
            && !certificate.belongs_to(key)
        {
            findings.push((SuppliedFile::Key, of_another(key_file, file)));
        }
        let key = key.map_or(SuppliedKey::Absent, |(_, key)| key);
        (Some(Self { file: file.to_owned(), certificate, key }), findings)
    }

    /// The same CA as if its key were not here.
    #[must_use]
    pub fn without_key(&self) -> Self {
        Self { file: self.file.clone(), certificate: self.certificate.clone(), key: SuppliedKey::Absent }
    }

    /// Whether its key is encrypted and waits for a passphrase.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        matches!(self.key, SuppliedKey::Locked { .. })
    }

    /// Opens its key, where that is encrypted.
    ///
    /// # Errors
    /// A passphrase that does not fit, or a key that is not this CA's.
    pub fn unlock(&mut self, passphrase: &Secret) -> Result<(), Diagnostic> {
        let SuppliedKey::Locked { file, pem } = &self.key else { return Ok(()) };
        let key = unlock(file, pem, Some(passphrase))?;
        if !self.certificate.belongs_to(&key) {
            return Err(of_another(file, &self.file));
        }
        self.key = SuppliedKey::Open(Arc::new(key));
        Ok(())
    }
}

/// Takes a CA that the spec names: into a vault that has none yet, or to compare with the one it has. Its key may be
/// left out where nothing is to be issued; it is used and not stored.
///
/// # Errors
/// Another CA than the vault's.
pub fn adopt(opened: Option<Opened>, supplied: &SuppliedCa) -> Result<Opened, Report> {
    let mut opened = opened.unwrap_or_default();
    let ca = &supplied.certificate;
    if opened.ca.as_ref().is_some_and(|own| own.der != ca.der) {
        let message = format!("`{}` is not the CA of the vault", supplied.file);
        let help = "put the former CA back into the spec, or see `cfy-seed explain CFY-V015` for what a change means";
        return Err(Diagnostic::error(Code::CaChanged, message).help(help).into());
    }
    match &supplied.key {
        SuppliedKey::Absent => {}
        SuppliedKey::Locked { .. } => opened.ca_key_locked = true,
        SuppliedKey::Open(key) => opened.ca_key = Some(Arc::clone(key)),
    }
    opened.ca_origin = opened.ca_origin.or(Some(CaOrigin::Supplied));
    opened.ca = Some(ca.clone());
    opened.ca_judged = true;
    Ok(opened)
}

/// A file from outside that cannot be used, and what to do about it.
pub(super) fn unusable(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error(Code::PkiFileUnusable, format!("`{file}` cannot be used: {why}")).help(
        "give a whole PEM file: a certificate begins with `-----BEGIN CERTIFICATE-----`, a key with one of `PRIVATE KEY`; \
         `openssl x509 -inform DER -in FILE -out NEW` and `openssl pkey -inform DER -in FILE -out NEW` convert DER",
    )
}

/// Why a CA that is named today may not sign today.
pub(super) fn validity(ca: &Certificate, now: OffsetDateTime) -> Option<Diagnostic> {
    if now > ca.facts.not_after {
        return Some(authority::expired(ca));
    }
    let (name, from) = (&ca.facts.common_name, ca.facts.not_before);
    let early = || {
        let message = format!("the CA `{name}` is not valid before {}", from.date());
        Diagnostic::error(Code::CaValidity, message).help(
            "name a CA that is valid now, or look at the clock of this machine: hosts would refuse what it signs",
        )
    };
    (now < from).then(early)
}

/// Reads a private key from outside.
///
/// # Errors
/// What is wrong with it, or with the passphrase.
pub(super) fn unlock(file: &str, pem: &VaultBytes, passphrase: Option<&Secret>) -> Result<PrivateKey, Diagnostic> {
    use super::encrypted::UnlockError;
    PrivateKey::from_pem(pem.expose(), passphrase).map_err(|error| {
        let refused = |code| Diagnostic::error(code, format!("`{file}` cannot be used: {error}"));
        match error {
            KeyError::Locked => {
                Diagnostic::note(Code::CaKeyLocked, format!("`{file}` is encrypted with a passphrase")).help(
                    "a build that issues certificates asks for it, or reads it from `--ca-passphrase-file FILE`",
                )
            }
            KeyError::Unlock(UnlockError::Passphrase) => {
                let message = format!("the passphrase does not open `{file}`");
                Diagnostic::error(Code::WrongPassphrase, message)
                    .help("the first line of the passphrase file is taken, without its line end")
            }
            KeyError::Pem(PemError::Traditional) | KeyError::Unlock(_) => refused(Code::KeyEncryption)
                .help("convert it: `openssl pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA256 -in KEY -out NEW`"),
            KeyError::NotRsa | KeyError::Rejected => {
                refused(Code::KeyUnfit).help("give an RSA key of 2048 to 8192 bits")
            }
            other => unusable(file, &other.to_string()),
        }
    })
}

fn of_another(key_file: &str, file: &str) -> Diagnostic {
    let message = format!("`{key_file}` is not the key of the certificate in `{file}`");
    Diagnostic::error(Code::KeyOfAnotherCertificate, message).help("name the key and the certificate of one CA")
}
