//! A whole vault: everything that an identity asks for.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use super::certificate::{Certificate, CertificateFacts};
use super::change::Subject;
use super::facts_of;
use super::files::VaultBytes;
use crate::names::{Credential, HostName, Secret, TreePath};

/// The certificate and key of one host or client.
#[derive(Debug)]
pub struct Pair {
    pub(super) certificate: Certificate,
    pub(super) certificate_pem: String,
    pub(super) key_pem: Secret,
}

impl Pair {
    /// The certificate as PEM text with a final line end.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The key as PEM text in PKCS#1 form (`BEGIN RSA PRIVATE KEY`), because curl on EL7 refuses others (el-hosts.md).
    #[must_use]
    pub const fn key_pem(&self) -> &Secret {
        &self.key_pem
    }

    /// What the certificate says; nothing secret.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.certificate.facts
    }
}

/// The identity of a cluster. It holds the CA's certificate but not its key: nothing that takes a vault can pass that on,
/// save for the files that go back into the vault directory.
#[derive(Debug)]
pub struct Vault {
    pub(super) created: OffsetDateTime,
    pub(super) ca: Certificate,
    pub(super) pairs: BTreeMap<Subject, Pair>,
    pub(super) credentials: BTreeMap<Credential, Secret>,
    pub(super) kept: BTreeMap<TreePath, VaultBytes>,
    pub(super) unused: BTreeSet<TreePath>,
    pub(super) writes: Vec<(TreePath, VaultBytes)>,
}

impl Vault {
    /// When the vault was made, UTC, in whole seconds. Every date in an artefact derives from it.
    #[must_use]
    pub const fn created(&self) -> OffsetDateTime {
        self.created
    }

    /// The CA's certificate as PEM text with a final line end.
    #[must_use]
    pub fn ca_certificate_pem(&self) -> String {
        self.ca.to_pem()
    }

    /// The pair of a host; nothing where the identity did not name the host.
    #[must_use]
    pub fn host(&self, host: &HostName) -> Option<&Pair> {
        self.pairs.get(&Subject::Host(host.clone()))
    }

    /// The pair of a client of PostgreSQL by its common name; nothing where the identity did not name it.
    #[must_use]
    pub fn client(&self, common_name: &str) -> Option<&Pair> {
        self.pairs.get(&Subject::Client(common_name.to_owned()))
    }

    /// A credential: the supplied one, else the generated one; nothing where the identity did not ask for it.
    #[must_use]
    pub fn credential(&self, name: Credential) -> Option<&Secret> {
        self.credentials.get(&name)
    }

    /// What all certificates say, the CA's first; nothing secret.
    #[must_use]
    pub fn facts(&self) -> Vec<(Subject, CertificateFacts)> {
        facts_of(Some(&self.ca), self.pairs.iter().map(|(who, pair)| (who, &pair.certificate)))
    }

    /// What this run made or changed, in the order in which it is best written: each file whole and with mode 0600, below
    /// directories of mode 0700. Empty where the vault was complete.
    #[must_use]
    pub fn writes(&self) -> &[(TreePath, VaultBytes)] {
        &self.writes
    }

    /// Every file of the vault after this run: what was there, foreign files included, with [`Vault::writes`] over it.
    #[must_use]
    pub fn files(&self) -> BTreeMap<&TreePath, &VaultBytes> {
        self.kept.iter().chain(self.writes.iter().map(|(path, bytes)| (path, bytes))).collect()
    }

    /// Files of hosts and clients that the identity no longer names; they stay.
    #[must_use]
    pub const fn unused(&self) -> &BTreeSet<TreePath> {
        &self.unused
    }
}
