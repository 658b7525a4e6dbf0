//! Keys and requests for a CA outside (PKCS#10): keys never travel.

use std::collections::BTreeSet;

use super::change::Subject;
use super::ensure::VaultError;
use super::files::VaultBytes;
use super::generate;
use super::issue::{self, Leaf};
use super::key::{NoKey, PrivateKey};
use super::open::{Opened, Stored};
use super::record::{CaOrigin, Record};
use super::sheet;
use super::writes::{Writes, bug};
use crate::diag::{Code, Diagnostic, Report};
use crate::names::{Digest256, TreePath};
use crate::plan::Identity;
use crate::world::World;

/// Requests for all certificates of a cluster.
#[derive(Debug)]
pub struct Requests {
    /// What goes to the CA's people, by file name, nothing of it secret: a request for each host and client, the
    /// extensions for OpenSSL, and the signing sheet.
    pub files: Vec<(String, String)>,
    /// How many requests there are.
    pub requests: usize,
    /// How many keys were made in this run.
    pub keys: usize,
    /// What there is to say about the vault.
    pub warnings: Report,
    writes: Vec<(TreePath, VaultBytes)>,
}

impl Requests {
    /// What goes into the vault, in the order in which it is best written. It must be there before the requests go out.
    #[must_use]
    pub fn writes(&self) -> &[(TreePath, VaultBytes)] {
        &self.writes
    }
}

/// One request.
pub(super) struct Request {
    pub subject: Subject,
    pub leaf: Leaf,
    pub pem: String,
    /// SHA-256 of the public key as `openssl req -pubkey` prints it, but in DER.
    pub public: Digest256,
    pub bits: usize,
}

/// Makes the keys that are missing, and a request for every host and client: those that have a certificate too, for it may
/// have to be renewed. The same vault and identity give the same requests.
///
/// # Errors
/// A vault that has a CA of its own, hosts whose names clash with those of other requests, or a machine without keys.
pub fn request(
    opened: Option<Opened>,
    identity: &Identity,
    world: &dyn World,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Requests, VaultError> {
    let mut opened = opened.unwrap_or_default();
    let mut report = own_ca(&opened);
    report.extend(clashes(identity));
    if report.has_errors() {
        return Err(VaultError::Refused(report));
    }
    let mut writes = Writes::default();
    if opened.record.is_none() {
        let record = Record {
            cluster: identity.cluster.clone(),
            created: super::ensure::whole_seconds(world.now()),
            key: identity.key,
            ca_origin: CaOrigin::Supplied,
            ca_sha256: None,
        };
        writes.finish(&opened, &record, None)?;
    }
    let missing = Leaf::all_of(identity).filter(|(subject, _)| !opened.leaves.contains_key(subject)).count();
    let mut keys = generate::keys(identity.key, missing, progress)?.into_iter();
    let mut requests = Vec::new();
    for (subject, leaf) in Leaf::all_of(identity) {
        let key = match opened.leaves.remove(&subject) {
            Some(Stored { key, .. }) => key,
            None => {
                let key = keys.next().ok_or(NoKey)?;
                let [_, file] = subject.files().unwrap_or_default();
                writes.add(&file, key.to_vault())?;
                key
            }
        };
        requests.push(requested(subject, leaf, &key)?);
    }
    let mut files: Vec<(String, String)> =
        requests.iter().map(|request| (format!("{}.csr", request.subject.stem()), request.pem.clone())).collect();
    files.push((sheet::EXTENSIONS.to_owned(), sheet::extensions(&requests)));
    files.push((sheet::SHEET.to_owned(), sheet::sheet(identity, &requests)));
    Ok(Requests { files, requests: requests.len(), keys: missing, warnings: opened.warnings, writes: writes.files })
}

fn requested(subject: Subject, leaf: Leaf, key: &PrivateKey) -> Result<Request, VaultError> {
    use rcgen::PublicKeyData as _;
    let pem = issue::request(&leaf, key).map_err(|error| bug(&subject.to_string(), &error))?;
    Ok(Request { subject, leaf, pem, public: Digest256::of(&key.subject_public_key_info()), bits: key.bits() })
}

/// Says so where the vault has a CA of its own: one cluster has one CA.
pub(super) fn own_ca(opened: &Opened) -> Report {
    let own = opened.ca_origin == Some(CaOrigin::Generated) || (opened.record.is_none() && opened.ca_key.is_some());
    let found = || {
        Diagnostic::error(
            Code::OwnCaInVault,
            "the vault has a CA of its own, and all certificates of a cluster have one CA",
        )
        .help("name another vault with `--vault`; hosts that run with this one's certificates must be rebuilt")
    };
    own.then(found).into_iter().collect()
}

/// Hosts may be called `ca` or `client-cloudify`, and then two files would have one name.
fn clashes(identity: &Identity) -> Report {
    let mut seen = BTreeSet::from([Subject::Ca.stem()]);
    let twice = Subject::all_of(identity).into_iter().filter(|subject| !seen.insert(subject.stem()));
    twice
        .map(|subject| {
            let message =
                format!("the files of {subject} would be called `{}.*`, as others are already", subject.stem());
            Diagnostic::error(Code::RequestNamesClash, message).help("give the host another name")
        })
        .collect()
}
