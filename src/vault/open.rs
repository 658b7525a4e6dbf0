//! An existing vault: read, checked, and everything wrong with it said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::authority;
use super::certificate::Certificate;
use super::change::Subject;
use super::facts_of;
use super::files::{CA_CERTIFICATE, CA_KEY, CLIENTS, HOSTS, Place, RECORD, SECRETS, VaultBytes, VaultFiles, place};
use super::key::PrivateKey;
use super::record::{CaOrigin, Record, Secrets, damaged};
use crate::diag::{Code, Diagnostic, Report};
use crate::names::{Credential, Secret, TreePath};
use crate::plan::credential::check_credential;
use crate::plan::{HostCertificate, Identity};

/// A vault that holds together: every piece in it fits the others. Whether it also fits the spec of today, and the day,
/// is for [`ensure`](super::ensure) to say.
#[derive(Debug, Default)]
pub struct Opened {
    pub(super) record: Option<Record>,
    pub(super) ca: Option<Certificate>,
    pub(super) ca_key: Option<Arc<PrivateKey>>,
    /// The key is named and encrypted, and nobody gave its passphrase.
    pub(super) ca_key_locked: bool,
    pub(super) ca_origin: Option<CaOrigin>,
    /// Whether the CA's dates were looked at where it was named.
    pub(super) ca_judged: bool,
    pub(super) leaves: BTreeMap<Subject, Stored>,
    /// Files that an import brought and that are not in the vault yet.
    pub(super) imported: Vec<(TreePath, VaultBytes)>,
    pub(super) secrets: Secrets,
    pub(super) files: BTreeMap<TreePath, VaultBytes>,
    pub(super) unused: BTreeSet<TreePath>,
    pub(super) warnings: Report,
}

/// The key of a host or client, and its certificate where there is one.
#[derive(Debug)]
pub(super) struct Stored {
    pub key: PrivateKey,
    pub certificate: Option<Certificate>,
}

impl Opened {
    /// Whether the certificates come from a CA outside, whose key is not at hand: they are taken as they are, as long
    /// as they do.
    pub(super) fn is_signed_outside(&self) -> bool {
        self.ca_origin == Some(CaOrigin::Supplied) && self.ca_key.is_none() && !self.ca_key_locked
    }

    /// What was found that does not stop a build.
    #[must_use]
    pub const fn warnings(&self) -> &Report {
        &self.warnings
    }

    /// Takes credentials that were chosen elsewhere, as if they had been generated into it.
    pub fn take_credentials(&mut self, credentials: BTreeMap<Credential, Secret>) {
        self.secrets.known.extend(credentials);
    }

    /// The credentials that were generated into it.
    #[must_use]
    pub const fn credentials(&self) -> &BTreeMap<Credential, Secret> {
        &self.secrets.known
    }

    /// What the certificates in it say, the CA's first; nothing secret.
    #[must_use]
    pub fn facts(&self) -> Vec<(Subject, super::CertificateFacts)> {
        let leaves = self.leaves.iter().filter_map(|(who, stored)| Some((who, stored.certificate.as_ref()?)));
        facts_of(self.ca.as_ref(), leaves)
    }
}

/// Reads a vault and checks that its pieces belong together: to this cluster, to this user, to each other.
///
/// The clock is not asked. An empty directory is a vault in which everything is missing.
///
/// # Errors
/// Everything wrong with it, found in one pass; nothing in a report is secret.
pub fn open(files: VaultFiles, identity: &Identity) -> Result<Opened, Report> {
    if files.is_blank() {
        return Ok(Opened::default());
    }
    let mut report = Report::default();
    files.check_permissions(&mut report);
    let mut reader = Reader { files: &files, begun: files.is_begun(), report: &mut report };
    let record = reader.record(identity);
    let (ca, ca_key) = reader.authority(record.as_ref());
    let leaves = reader.leaves(identity, ca.as_ref());
    let complete = record.as_ref().is_some_and(|record| record.ca_sha256.is_some());
    let secrets = reader.secrets(identity, complete);
    let unused = reader.strangers(identity);
    if report.has_errors() {
        return Err(report);
    }
    let ca_origin = record.as_ref().map(|record| record.ca_origin);
    let files = files.files.into_iter().map(|(path, (bytes, _))| (path, bytes)).collect();
    let ca_key = ca_key.map(Arc::new);
    Ok(Opened {
        record,
        ca,
        ca_key,
        ca_origin,
        leaves,
        secrets,
        files,
        unused,
        warnings: report,
        ..Opened::default()
    })
}

/// Whom a vault is for by what is in it, to look at it without a spec: the hosts and clients that have files in it, with
/// the names that their certificates have. Asks for no credential.
///
/// # Errors
/// A `vault.yaml` that cannot be read: without it, nobody knows whose vault it is.
pub fn identity_in(files: &VaultFiles) -> Result<Identity, Report> {
    let shown = format!("{}/{RECORD}", files.directory);
    let record = files.get(RECORD).ok_or_else(|| damaged(&shown, "it is missing"))?;
    let record = Record::parse(record.expose(), &shown)?;
    let facts = |stem: &str| {
        let found = files.get(&format!("{stem}.crt"));
        found.and_then(|bytes| Some(Certificate::from_pem(bytes.expose()).ok()?.facts))
    };
    let stems: BTreeSet<&str> = files
        .files
        .keys()
        .filter(|path| place(path) == Place::Leaf)
        .filter_map(|path| path.as_str().rsplit_once('.'))
        .map(|(stem, _)| stem)
        .collect();
    let mut hosts = Vec::new();
    for stem in &stems {
        let Some(host) = stem.strip_prefix(HOSTS).and_then(|name| name.strip_prefix('/')?.parse().ok()) else {
            continue;
        };
        let found = facts(stem);
        let common_name = found.as_ref().map(|facts| facts.common_name.clone()).unwrap_or_default();
        let (dns, ips) = found.map(|facts| (facts.dns, facts.ips)).unwrap_or_default();
        hosts.push(HostCertificate {
            host,
            common_name,
            dns: dns.into_iter().collect(),
            ips: ips.into_iter().collect(),
        });
    }
    let clients = stems.iter().filter_map(|stem| stem.strip_prefix(CLIENTS)?.strip_prefix('/'));
    Ok(Identity {
        cluster: record.cluster,
        key: record.key,
        ca_days: 1,
        leaf_days: 1,
        hosts,
        clients: clients.map(str::to_owned).collect(),
        credentials: Vec::new(),
    })
}

struct Reader<'a> {
    files: &'a VaultFiles,
    /// The first build was cut: nothing was published from it, so what is missing is made now, and what is there stays.
    begun: bool,
    report: &'a mut Report,
}

impl Reader<'_> {
    /// The name of a file in messages.
    fn shown(&self, path: &str) -> String {
        format!("{}/{path}", self.files.directory)
    }

    fn keep<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.report.push(diagnostic)).ok()
    }

    fn record(&mut self, identity: &Identity) -> Option<Record> {
        let shown = self.shown(RECORD);
        let record = match self.files.get(RECORD) {
            Some(bytes) => Record::parse(bytes.expose(), &shown),
            None if self.begun => return None,
            None => Err(damaged(&shown, "it is missing, and other files of a vault are there")),
        };
        let record = self.keep(record)?;
        if record.cluster != identity.cluster {
            let message = format!(
                "`{}` is the vault of `{}`, not of `{}`",
                self.files.directory, record.cluster, identity.cluster
            );
            let help = "name the right vault with --vault, or the right `name` in the spec";
            self.report.push(Diagnostic::error(Code::VaultOfAnotherCluster, message).help(help));
        }
        Some(record)
    }

    fn authority(&mut self, record: Option<&Record>) -> (Option<Certificate>, Option<PrivateKey>) {
        let shown = self.shown(CA_CERTIFICATE);
        let awaited = record.is_some_and(|record| record.ca_sha256.is_none());
        let ca = match self.files.get(CA_CERTIFICATE) {
            Some(bytes) => authority::certificate(bytes.expose(), &shown, damaged),
            None if awaited => return (None, None),
            None if self.begun => {
                let key = self.files.get(CA_KEY);
                let key = key.map(|bytes| authority::private_key(bytes.expose(), &self.shown(CA_KEY)));
                return (None, key.and_then(|key| self.keep(key)));
            }
            None => Err(Diagnostic::error(Code::CaMissing, format!("`{shown}` is missing"))
                .help("restore it from a backup: no new CA is made in its place, hosts that run would refuse it")),
        };
        let Some(ca) = self.keep(ca) else { return (None, None) };
        if record.and_then(|record| record.ca_sha256).is_some_and(|digest| digest != ca.facts.sha256) {
            let message = format!("`{shown}` is not the CA that `{RECORD}` was written for");
            let help = "put the former one back: all certificates of a cluster have one CA";
            self.report.push(Diagnostic::error(Code::CaChanged, message).help(help));
        }
        let key =
            self.files.get(CA_KEY).map(|bytes| authority::key(bytes.expose(), &self.shown(CA_KEY), &ca, &shown));
        let key = key.and_then(|key| self.keep(key));
        (Some(ca), key)
    }

    fn leaves(&mut self, identity: &Identity, ca: Option<&Certificate>) -> BTreeMap<Subject, Stored> {
        let wanted = Subject::all_of(identity);
        wanted
            .into_iter()
            .filter_map(|subject| {
                let stored = self.leaf(&subject, ca)?;
                Some((subject, stored))
            })
            .collect()
    }

    /// The pair of one host or client; nothing where it is missing altogether or was reported.
    fn leaf(&mut self, subject: &Subject, ca: Option<&Certificate>) -> Option<Stored> {
        let [crt, key] = subject.files()?;
        let (crt_shown, key_shown) = (self.shown(&crt), self.shown(&key));
        let (crt, key) = (self.files.get(&crt), self.files.get(&key));
        let Some(key) = key else {
            if crt.is_some() {
                let found = damaged(&key_shown, "it is missing beside its certificate");
                let help = format!("restore it from a backup, or remove `{crt_shown}` to have a new pair issued");
                self.report.push(found.help(help));
            }
            return None;
        };
        let both =
            format!("restore it from a backup, or remove `{crt_shown}` and `{key_shown}` to have a new pair issued");
        let key = authority::private_key(key.expose(), &key_shown).map_err(|found| found.help(&both));
        let key = self.keep(key)?;
        let Some(crt) = crt else { return Some(Stored { key, certificate: None }) };
        let certificate =
            Certificate::from_pem(crt.expose()).map_err(|error| damaged(&crt_shown, &error.to_string()).help(&both));
        let certificate = self.keep(certificate)?;
        if !certificate.belongs_to(&key) {
            let message = format!("`{key_shown}` is not the key of the certificate in `{crt_shown}`");
            self.report.push(Diagnostic::error(Code::KeyOfAnotherCertificate, message).help(both));
        } else if ca.is_some_and(|ca| !certificate.is_signed_by(ca)) {
            let message = format!("`{crt_shown}` is not signed by the CA of this vault");
            let help = "restore the right one, or remove it and keep its key to have a new certificate issued";
            self.report.push(Diagnostic::error(Code::LeafOfAnotherCa, message).help(help));
        }
        Some(Stored { key, certificate: Some(certificate) })
    }

    /// The credentials. They are made by the first build or import, and before that may be missing.
    fn secrets(&mut self, identity: &Identity, complete: bool) -> Secrets {
        let shown = self.shown(SECRETS);
        let Some(bytes) = self.files.get(SECRETS) else {
            if !identity.credentials.is_empty() && complete {
                let help = "restore it from a backup; where no host is installed yet, remove the whole vault instead";
                self.report.push(damaged(&shown, "it is missing").help(help));
            }
            return Secrets::default();
        };
        let Some(secrets) = self.keep(Secrets::parse(bytes.expose(), &shown)) else { return Secrets::default() };
        for (name, value) in &secrets.known {
            if let Err(why) = check_credential(*name, value) {
                let message = format!("`{}` in `{shown}` does not work with Cloudify: {why}", name.as_str());
                self.report.push(Diagnostic::error(Code::CredentialUnfit, message));
            }
        }
        secrets
    }

    /// Reports files that do not belong here, and gives those of hosts and clients that the spec no longer names.
    fn strangers(&mut self, identity: &Identity) -> BTreeSet<TreePath> {
        let wanted: BTreeSet<String> =
            Subject::all_of(identity).iter().filter_map(Subject::files).flatten().collect();
        let mut unused = BTreeSet::new();
        for path in self.files.files.keys().filter(|path| !wanted.contains(path.as_str())) {
            match place(path) {
                Place::Own => {}
                Place::Leaf => {
                    unused.insert(path.clone());
                }
                Place::Foreign => {
                    let message = format!("`{}` does not belong into a vault", self.shown(path.as_str()));
                    let found = Diagnostic::warning(Code::VaultForeignFile, message);
                    self.report.push(found.help("move it elsewhere; it is left alone"));
                }
            }
        }
        if let Some(first) = unused.first() {
            let message = format!(
                "{} files in `{HOSTS}/` and `{CLIENTS}/` are of nobody that the spec names, such as `{}`",
                unused.len(),
                self.shown(first.as_str())
            );
            self.report.push(Diagnostic::note(Code::LeafUnused, message).help("they stay and are in no bundle"));
        }
        unused
    }
}
