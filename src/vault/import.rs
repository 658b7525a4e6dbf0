//! Certificates that a CA outside signed: judged all at once, and taken into the vault all together or not at all.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::authority;
use super::certificate::{Certificate, CertificateError};
use super::change::Subject;
use super::ensure::VaultError;
use super::files::VaultBytes;
use super::fit;
use super::issue::Leaf;
use super::key::PrivateKey;
use super::open::{Opened, Stored};
use super::record::CaOrigin;
use super::request::own_ca;
use super::sheet;
use super::supplied::{unlock, unusable, validity};
use super::writes::Writes;
use crate::diag::{Code, Diagnostic, Report, Severity};
use crate::plan::Identity;

/// A directory with certificates, and with keys where the vault has none.
#[derive(Debug)]
pub struct Incoming {
    /// Its path as the user knows it, for messages.
    pub directory: String,
    /// The files in it by name.
    pub files: BTreeMap<String, VaultBytes>,
    /// What the user calls those that are not called `<directory>/<name>`.
    pub called: BTreeMap<String, String>,
}

/// What came in.
#[derive(Debug)]
pub struct Imported {
    /// The vault with it, to be completed by [`ensure`](super::ensure).
    pub opened: Opened,
    /// Certificates that are new to the vault, without the CA's.
    pub certificates: usize,
    /// Keys that are new to it.
    pub keys: usize,
    /// What was found that does not stop it.
    pub warnings: Report,
}

/// Judges what came in, and takes it. Files are called `ca.crt`, `<host>.crt`, `client-<name>.crt` (or `.pem`) and, where
/// the vault has no key for them, `<host>.key` and `client-<name>.key`.
///
/// # Errors
/// Everything that is missing, does not fit its host or client, or is not signed by the CA.
pub fn import(
    opened: Option<Opened>,
    identity: &Identity,
    incoming: &Incoming,
    now: OffsetDateTime,
) -> Result<Imported, VaultError> {
    let opened = opened.unwrap_or_default();
    let report = own_ca(&opened);
    let mut reader = Reader { incoming, now, used: BTreeSet::new(), report };
    let ca = reader.authority(opened.ca.as_ref());
    let mut leaves = BTreeMap::new();
    for (subject, leaf) in Leaf::all_of(identity) {
        if let Some(taken) = reader.leaf(&subject, &leaf, opened.leaves.get(&subject), ca.as_ref()) {
            leaves.insert(subject, taken);
        }
    }
    reader.strangers();
    let report = reader.report;
    let Some(ca) = ca.filter(|_| !report.has_errors()) else { return Err(VaultError::Refused(report)) };
    take(opened, ca, leaves, report)
}

/// What came in for one host or client and is good.
#[derive(Default)]
struct Taken {
    key: Option<PrivateKey>,
    certificate: Option<Certificate>,
}

/// Puts what is good into the vault.
fn take(
    mut opened: Opened,
    ca: Certificate,
    leaves: BTreeMap<Subject, Taken>,
    warnings: Report,
) -> Result<Imported, VaultError> {
    let mut writes = Writes::default();
    let (mut certificates, mut keys) = (0, 0);
    for (subject, Taken { key, certificate }) in leaves {
        let [crt_file, key_file] = subject.files().unwrap_or_default();
        // Each key before its certificate, as in every run.
        if let Some(key) = key {
            writes.add(&key_file, key.to_vault())?;
            opened.leaves.insert(subject.clone(), Stored { key, certificate: None });
            keys += 1;
        }
        if let (Some(certificate), Some(stored)) = (certificate, opened.leaves.get_mut(&subject)) {
            writes.add(&crt_file, VaultBytes::new(certificate.to_pem().into_bytes()))?;
            stored.certificate = Some(certificate);
            certificates += 1;
        }
    }
    opened.ca = Some(ca);
    opened.ca_origin = Some(CaOrigin::Supplied);
    opened.ca_judged = true;
    opened.imported = writes.files;
    Ok(Imported { opened, certificates, keys, warnings })
}

struct Reader<'a> {
    incoming: &'a Incoming,
    now: OffsetDateTime,
    /// The files that somebody asked for.
    used: BTreeSet<String>,
    report: Report,
}

impl<'a> Reader<'a> {
    fn shown(&self, name: &str) -> String {
        let called = self.incoming.called.get(name);
        called.map_or_else(|| format!("{}/{name}", self.incoming.directory), Clone::clone)
    }

    /// The first of these files that is there.
    fn file(&mut self, stem: &str, endings: &[&str]) -> Option<(String, &'a VaultBytes)> {
        let mut names = endings.iter().map(|ending| format!("{stem}.{ending}"));
        let (name, bytes) = names.find_map(|name| Some((name.clone(), self.incoming.files.get(&name)?)))?;
        let shown = self.shown(&name);
        self.used.insert(name);
        Some((shown, bytes))
    }

    fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.report.push(diagnostic)).ok()
    }

    /// The CA: the one that came in, which must be the vault's if that has one; or else the vault's.
    fn authority(&mut self, own: Option<&Certificate>) -> Option<Certificate> {
        let Some((shown, bytes)) = self.file(&Subject::Ca.stem(), &["crt", "pem"]) else {
            if own.is_none() {
                let message = format!("the CA's certificate, `{}`, is missing", self.shown("ca.crt"));
                let found = Diagnostic::error(Code::ImportIncomplete, message);
                self.report.push(found.help("put the certificate there that the CA signs itself with"));
            }
            return own.cloned();
        };
        let ca = self.keep(authority::certificate(bytes.expose(), &shown, unusable))?;
        if own.is_some_and(|own| own.der != ca.der) {
            let message = format!("`{shown}` is not the CA of the vault or of the spec");
            let help = "all certificates of a cluster have one CA: see `cfy-seed explain CFY-V015`";
            self.report.push(Diagnostic::error(Code::CaChanged, message).help(help));
        }
        self.report.extend(validity(&ca, self.now).into_iter().collect());
        Some(ca)
    }

    /// What is new for one host or client; nothing where something is wrong, which is reported.
    fn leaf(
        &mut self,
        subject: &Subject,
        wanted: &Leaf,
        stored: Option<&Stored>,
        ca: Option<&Certificate>,
    ) -> Option<Taken> {
        let stem = subject.stem();
        let brought = self.file(&stem, &["key"]);
        let found = self.file(&stem, &["crt", "pem"]);
        let key = match brought {
            Some((shown, pem)) => Some(self.key(&shown, pem)?),
            None => None,
        };
        let own = stored.map(|stored| &stored.key);
        let Some(holder) = own.or(key.as_ref()) else {
            let message = format!(
                "{subject} has no key: `{}` is missing, and the vault has none",
                self.shown(&format!("{stem}.key"))
            );
            let help = "add the key of its certificate, or have `cfy-seed pki csr` make keys and requests";
            self.report.push(Diagnostic::error(Code::ImportIncomplete, message).help(help));
            return None;
        };
        if let (Some(own), Some(key)) = (own, &key)
            && own.public_der() != key.public_der()
        {
            let message =
                format!("`{}` is not the key that the vault has for {subject}", self.shown(&format!("{stem}.key")));
            let [_, file] = subject.files().unwrap_or_default();
            let help = format!(
                "leave it out to keep the vault's, or remove `{file}` and its certificate from the vault to take it"
            );
            self.report.push(Diagnostic::error(Code::KeyOfAnotherCertificate, message).help(help));
            return None;
        }
        let certificate = match found {
            Some((shown, pem)) => Some(self.certificate(&shown, pem, subject, wanted, holder, ca)?),
            None => {
                self.still_good(subject, wanted, stored)?;
                None
            }
        };
        let certificate = certificate.filter(|new| {
            let old = stored.and_then(|stored| stored.certificate.as_ref());
            old.is_none_or(|old| old.der != new.der)
        });
        Some(Taken { key: key.filter(|_| own.is_none()), certificate })
    }

    /// A key that came in. Nobody is asked for the passphrase of a host's key: nobody is there at first boot either.
    fn key(&mut self, shown: &str, pem: &VaultBytes) -> Option<PrivateKey> {
        let key = unlock(shown, pem, None).map_err(|found| match found.code {
            Code::CaKeyLocked => Diagnostic::error(Code::KeyUnfit, found.message)
                .help("give it without: `openssl pkey -in KEY -out NEW` asks for the passphrase and removes it"),
            _ => found,
        });
        self.keep(key)
    }

    /// Whether a certificate that did not come in is in the vault already and does.
    fn still_good(&mut self, subject: &Subject, wanted: &Leaf, stored: Option<&Stored>) -> Option<()> {
        let old = stored.and_then(|stored| stored.certificate.as_ref());
        let why = match old.map(|old| fit::lacks(old, wanted, self.now)) {
            Some(None) => return Some(()),
            Some(Some(why)) => format!(", and the one in the vault does not do: {why}"),
            None => String::new(),
        };
        let file = self.shown(&format!("{}.crt", subject.stem()));
        let message = format!("the certificate of {subject}, `{file}`, is missing{why}");
        let help = "have its request signed; `cfy-seed pki csr` writes it again";
        self.report.push(Diagnostic::error(Code::ImportIncomplete, message).help(help));
        None
    }

    /// A certificate that came in and is good for this host or client.
    fn certificate(
        &mut self,
        shown: &str,
        pem: &VaultBytes,
        subject: &Subject,
        wanted: &Leaf,
        key: &PrivateKey,
        ca: Option<&Certificate>,
    ) -> Option<Certificate> {
        let before = self.report.count(Severity::Error);
        let unfit =
            |why: &str| Diagnostic::error(Code::ImportUnfit, format!("`{shown}` does not do for {subject}: {why}"));
        let read = Certificate::from_pem(pem.expose()).map_err(|error| match error {
            CertificateError::Several(_) => {
                unfit(&error.to_string()).help("keep its own certificate alone in the file")
            }
            other => unusable(shown, &other.to_string()),
        });
        let found = self.keep(read)?;
        let as_on_the_sheet =
            format!("have it signed as the signing sheet says; `{}` has what OpenSSL needs", sheet::EXTENSIONS);
        if found.public_key.is_none() {
            self.report
                .push(unfit("its key is not RSA, and Cloudify works with nothing else").help("make an RSA key"));
        } else if !found.belongs_to(key) {
            let message = format!("`{shown}` is not the certificate of {subject}'s key");
            let help = "was it signed for another request, or for one of another vault?";
            self.report.push(Diagnostic::error(Code::KeyOfAnotherCertificate, message).help(help));
        }
        if ca.is_some_and(|ca| !found.is_signed_by(ca)) {
            let message =
                format!("`{shown}` is not signed by the CA in `ca.crt` with RSA and SHA-256, SHA-384 or SHA-512");
            let help = "all certificates of a cluster are signed by one self-signed CA, without one between";
            self.report.push(Diagnostic::error(Code::LeafOfAnotherCa, message).help(help));
        }
        for why in fit::unfit(&found, wanted) {
            self.report.push(unfit(&why).help(&as_on_the_sheet));
        }
        self.dates(shown, &found);
        if let (Some(ca), true) = (ca, self.report.count(Severity::Error) == before)
            && let Err(why) = found.verify_path(ca, self.now)
        {
            self.report.push(unfit(&format!("a verifier refuses it: {why}")).help(&as_on_the_sheet));
        }
        (self.report.count(Severity::Error) == before).then_some(found)
    }

    fn dates(&mut self, shown: &str, found: &Certificate) {
        let (from, until) = (found.facts.not_before, found.facts.not_after);
        let why = if until < self.now {
            format!("expired on {}", until.date())
        } else if from > self.now {
            format!("is not valid before {}", from.date())
        } else {
            return;
        };
        let found = Diagnostic::error(Code::ImportValidity, format!("`{shown}` {why}"));
        self.report.push(found.help("have its request signed again, or look at the clock of this machine"));
    }

    /// Says what came in and nobody asked for. Our own files, and what OpenSSL leaves, come back with the rest.
    #[allow(clippy::case_sensitive_file_extension_comparisons, reason = "these are our names")]
    fn strangers(&mut self) {
        let known = |name: &str| {
            name == sheet::SHEET || name == sheet::EXTENSIONS || name.ends_with(".csr") || name.ends_with(".srl")
        };
        let strangers = self.incoming.files.keys().filter(|name| !self.used.contains(*name) && !known(name));
        let found: Vec<Diagnostic> = strangers
            .map(|name| {
                let message = format!("`{}` is of nobody that the spec names", self.shown(name));
                let help = match name.as_str() {
                    "ca.key" => "the CA's key is not needed here and was not looked at: keep it where it is safe",
                    _ => "it is left alone: files are called `<host>.crt` and `client-<name>.crt`",
                };
                Diagnostic::warning(Code::ImportForeignFile, message).help(help)
            })
            .collect();
        self.report.extend(found.into_iter().collect());
    }
}
