//! From what is there and what is wanted to a whole vault: decides first, then makes what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};

use super::authority;
use super::certificate::Certificate;
use super::change::{Action, Changes, Subject};
use super::files::{CA_KEY, SECRETS, VaultBytes};
use super::issue::{self, IssueError, Leaf, Validity};
use super::key::{NoKey, PrivateKey};
use super::open::{Opened, Stored};
use super::record::{CaOrigin, Record};
use super::vault::{Pair, Vault};
use super::writes::{Writes, bug, tree_path};
use super::{credential, fit, generate};
use crate::diag::{Code, Diagnostic, Report};
use crate::names::{Credential, RsaSize, Secret};
use crate::plan::Identity;
use crate::plan::credential::check_credential;
use crate::world::{NoRandomness, World};

/// A leaf's end is announced this early.
const LEAF_NOTICE: Duration = Duration::days(30);

/// Why there is no whole vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Something that the user can mend.
    #[error("the vault cannot be completed")]
    Refused(Report),
    /// The machine gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The machine gave no key.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// Cannot happen; a bug of cfy-seed.
    #[error("{what}: {why}")]
    Bug {
        /// Which certificate or file.
        what: String,
        /// What was wrong with it.
        why: String,
    },
}

/// What is to be done for one leaf.
struct Task {
    subject: Subject,
    leaf: Leaf,
    action: Action,
}

/// What [`ensure`] would do, without doing it: for `plan` and `check`. Needs no key of the CA, and no passphrase: a build
/// can ask for that.
#[must_use]
pub fn preview(
    opened: Option<&Opened>,
    identity: &Identity,
    supplied: &BTreeMap<Credential, Secret>,
    now: OffsetDateTime,
) -> Changes {
    let nothing = Opened::default();
    let opened = opened.unwrap_or(&nothing);
    let ca_action = ca_action(opened);
    let mut report = opened.warnings.clone();
    if let Some(ca) = opened.ca.as_ref().filter(|_| !opened.ca_judged) {
        authority::check_validity(ca, now, &mut report);
    }
    let tasks = tasks(opened, identity, now, &mut report);
    let has_ca = opened.ca.is_some() || opened.record.is_some();
    let leaves: Vec<(Subject, Action)> = tasks.into_iter().map(|task| (task.subject, task.action)).collect();
    if has_ca && opened.ca_key.is_none() && !opened.ca_key_locked {
        report.extend(ca_key_missing(&leaves, opened).into_iter().collect());
    }
    note_key_sizes(opened, identity.key, &mut report);
    check_supplied(supplied, &mut report);
    let certificates = std::iter::once((Subject::Ca, ca_action)).chain(leaves).collect();
    let missing = |name: &&Credential| !opened.secrets.known.contains_key(name) && !supplied.contains_key(name);
    let generated = identity.credentials.iter().filter(missing).copied().collect();
    Changes { certificates, generated, report }
}

/// Completes a vault: issues what is missing or no longer fits, and nothing else. Removes nothing.
///
/// `supplied` are credentials that the spec gives; they are used and not stored. `progress` is called with the number of
/// keys made and of keys to make, from several threads but never at once; it is not called where no key is to be made.
///
/// Everything but the keys and credentials is a function of what goes in: all dates derive from the vault's creation
/// time (see `Validity::of_leaf` for the one choice that the clock has), serial numbers from what the certificate
/// says, and PKCS#1 v1.5 signatures have no random part.
///
/// # Errors
/// A CA that has expired or whose key is missing while something must be issued, a supplied credential that does not
/// work with Cloudify, or a machine without random bytes.
pub fn ensure(
    opened: Option<Opened>,
    identity: &Identity,
    supplied: &BTreeMap<Credential, Secret>,
    world: &dyn World,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(Vault, Changes), VaultError> {
    let mut opened = opened.unwrap_or_default();
    let now = whole_seconds(world.now());
    let mut changes = preview(Some(&opened), identity, supplied, now);
    if opened.ca_key_locked {
        changes.report.extend(ca_key_missing(&changes.certificates, &opened).into_iter().collect());
    }
    if changes.report.has_errors() {
        return Err(VaultError::Refused(changes.report));
    }
    let created = opened.record.as_ref().map_or(now, |record| record.created);
    let (mut out, mut leaf_files) = (Writes::default(), Writes::default());

    let new_ca = opened.ca.is_none();
    let new_ca_key = new_ca && opened.ca_key.is_none();
    let new_leaves = changes.certificates.iter().filter(|(who, what)| *who != Subject::Ca && *what == Action::Issued);
    let count = usize::from(new_ca_key) + new_leaves.count();
    let mut keys = generate::keys(identity.key, count, progress)?.into_iter();
    if new_ca_key {
        let key = keys.next().ok_or(NoKey)?;
        out.add(CA_KEY, key.to_vault())?;
        opened.ca_key = Some(Arc::new(key));
    }
    if let (true, Some(key)) = (new_ca, &opened.ca_key) {
        let ca = issue::authority(&identity.cluster, key, Validity::of_ca(created, identity.ca_days));
        opened.ca = Some(ca.map_err(|error| bug("the CA", &error))?);
    }
    let Some(ca) = opened.ca.take() else { return Err(bug("the CA", &IssueError::Unreadable)) };
    let ca_key = opened.ca_key.take();
    let signer = Signer { ca: &ca, ca_key: ca_key.as_deref(), created, now, leaf_days: identity.leaf_days };
    let leaves = tasks(&opened, identity, now, &mut Report::default());
    let pairs = signer.complete(leaves, &mut opened.leaves, &mut keys, &mut leaf_files)?;

    for name in &changes.generated {
        opened.secrets.known.insert(*name, credential::generate(world)?);
    }
    if !changes.generated.is_empty() || !opened.files.contains_key(&tree_path(SECRETS)?) {
        let text = opened.secrets.to_text().map_err(|error| bug(SECRETS, &error))?;
        out.add(SECRETS, VaultBytes::new(text.expose().as_bytes().to_vec()))?;
    }
    let record = Record {
        cluster: identity.cluster.clone(),
        created,
        key: identity.key,
        ca_origin: opened.ca_origin.unwrap_or(CaOrigin::Generated),
        ca_sha256: Some(ca.facts.sha256),
    };
    out.finish(&opened, &record, Some(&ca))?;
    out.files.append(&mut opened.imported);
    out.files.append(&mut leaf_files.files);

    let mut credentials = opened.secrets.known;
    credentials.extend(supplied.iter().map(|(name, value)| (*name, value.clone())));
    credentials.retain(|name, _| identity.credentials.contains(name));
    let vault =
        Vault { created, ca, pairs, credentials, kept: opened.files, unused: opened.unused, writes: out.files };
    Ok((vault, changes))
}

fn ca_action(opened: &Opened) -> Action {
    match (&opened.ca, &opened.record) {
        (None, Some(_)) => Action::Supplied,
        (None, None) => Action::Issued,
        (Some(_), None) if opened.ca_origin == Some(CaOrigin::Supplied) => Action::Supplied,
        (Some(_), _) => Action::Kept,
    }
}

/// Decides for each host and client what is to be done.
fn tasks(opened: &Opened, identity: &Identity, now: OffsetDateTime, report: &mut Report) -> Vec<Task> {
    Leaf::all_of(identity)
        .map(|(subject, leaf)| {
            let action = match opened.leaves.get(&subject) {
                None => Action::Issued,
                Some(stored) => {
                    let why = match &stored.certificate {
                        None => Some("it was missing".to_owned()),
                        Some(found) if opened.is_signed_outside() => fit::lacks(found, &leaf, now),
                        Some(found) => fit::differs(found, &leaf, now),
                    };
                    why.map_or(Action::Kept, Action::Reissued)
                }
            };
            if action == Action::Kept {
                warn_of_end(&subject, opened, now, report);
            }
            Task { subject, leaf, action }
        })
        .collect()
}

fn warn_of_end(subject: &Subject, opened: &Opened, now: OffsetDateTime, report: &mut Report) {
    let Some(certificate) = opened.leaves.get(subject).and_then(|stored| stored.certificate.as_ref()) else { return };
    let until = certificate.facts.not_after;
    // Where the CA ends at the same time, its own warning says what to do.
    let with_its_ca = opened.ca.as_ref().is_some_and(|ca| ca.facts.not_after <= until);
    if until - now < LEAF_NOTICE && !with_its_ca {
        let message = format!("the certificate of {subject} expires on {}", until.date());
        let file = subject.files().map(|[crt, _]| crt).unwrap_or_default();
        let help = if opened.is_signed_outside() {
            "have it signed again: `cfy-seed pki csr` writes the request for the same key".to_owned()
        } else {
            format!("remove `{file}` from the vault and keep its key: the next build issues a new one")
        };
        report.push(Diagnostic::warning(Code::LeafExpiring, message).help(help));
    }
}

fn note_key_sizes(opened: &Opened, wanted: RsaSize, report: &mut Report) {
    let bits = match wanted {
        RsaSize::Rsa2048 => 2048,
        RsaSize::Rsa3072 => 3072,
        RsaSize::Rsa4096 => 4096,
    };
    // A supplied CA's key was never ours to size.
    let generated = opened.ca_origin != Some(CaOrigin::Supplied);
    let ca = opened.ca.iter().filter(|_| generated).map(|ca| ca.facts.key_bits);
    let leaves = opened.leaves.values().map(|stored| stored.key.bits());
    let others = ca.chain(leaves).filter(|found| *found != bits).count();
    if others > 0 {
        let message =
            format!("{others} keys in the vault are not of the {bits} bits that the spec asks for; they stay");
        let help = "only new keys have the new size; remove a host's pair from the vault to give it a new one";
        report.push(Diagnostic::note(Code::KeySizeKept, message).help(help));
    }
}

/// Says so where something is to be issued and the CA's key is not at hand.
fn ca_key_missing(certificates: &[(Subject, Action)], opened: &Opened) -> Option<Diagnostic> {
    let mut missing = certificates.iter().filter(|(subject, action)| {
        *subject != Subject::Ca && matches!(action, Action::Issued | Action::Reissued(_))
    });
    let ((who, action), others) = (missing.next()?, missing.count());
    let why = match action {
        Action::Reissued(why) => format!(" ({why})"),
        _ => String::new(),
    };
    let what = format!("{} certificates are to be issued, {who}'s first{why}", others + 1);
    let (code, why, help) = if opened.ca_key_locked {
        (
            Code::CaKeyLocked,
            "the CA's key is encrypted",
            "give its passphrase with `--ca-passphrase-file FILE`, or as `pki.ca.passphrase_file` in the spec",
        )
    } else if opened.ca.is_none() {
        (
            Code::CertificatesAwaited,
            "requests wait for a CA outside",
            "have the requests signed that `cfy-seed pki csr` writes, then run `cfy-seed pki import DIR`",
        )
    } else if opened.is_signed_outside() {
        (
            Code::CaMissing,
            "the CA's key is not here",
            "name the CA's key under `pki.ca.key`, or have requests signed outside: `cfy-seed pki csr`",
        )
    } else {
        (
            Code::CaMissing,
            "the CA's key is not here",
            "restore `ca.key` from a backup of the vault; no new CA is made in its place",
        )
    };
    Some(Diagnostic::error(code, format!("{what}, and {why}")).help(help))
}

fn check_supplied(supplied: &BTreeMap<Credential, Secret>, report: &mut Report) {
    for (name, value) in supplied {
        if let Err(why) = check_credential(*name, value) {
            let message = format!("`credentials.{}` does not work with Cloudify: {why}", name.as_str());
            report.push(Diagnostic::error(Code::CredentialUnfit, message));
        }
    }
}

/// Signs what is to be signed.
struct Signer<'a> {
    ca: &'a Certificate,
    ca_key: Option<&'a PrivateKey>,
    created: OffsetDateTime,
    now: OffsetDateTime,
    leaf_days: u32,
}

impl Signer<'_> {
    fn complete(
        &self,
        tasks: Vec<Task>,
        stored: &mut BTreeMap<Subject, Stored>,
        keys: &mut impl Iterator<Item = PrivateKey>,
        out: &mut Writes,
    ) -> Result<BTreeMap<Subject, Pair>, VaultError> {
        let mut pairs = BTreeMap::new();
        for Task { subject, leaf, action } in tasks {
            let [crt_file, key_file] = subject.files().unwrap_or_default();
            let (key, kept) = match stored.remove(&subject) {
                Some(Stored { key, certificate }) => (key, certificate),
                None => {
                    let key = keys.next().ok_or(NoKey)?;
                    out.add(&key_file, key.to_vault())?;
                    (key, None)
                }
            };
            let certificate = match (action, kept) {
                (Action::Kept, Some(certificate)) => certificate,
                _ => {
                    let certificate = self.sign(&subject, &leaf, &key)?;
                    out.add(&crt_file, VaultBytes::new(certificate.to_pem().into_bytes()))?;
                    certificate
                }
            };
            let pair = Pair { certificate_pem: certificate.to_pem(), key_pem: key.to_pem(), certificate };
            pairs.insert(subject, pair);
        }
        Ok(pairs)
    }

    fn sign(&self, subject: &Subject, leaf: &Leaf, key: &PrivateKey) -> Result<Certificate, VaultError> {
        let ca_key = self.ca_key.ok_or_else(|| bug(&subject.to_string(), &"no key of the CA"))?;
        let ca = Validity { not_before: self.ca.facts.not_before, not_after: self.ca.facts.not_after };
        let validity = Validity::of_leaf(self.created, self.leaf_days, self.now, ca);
        issue::leaf(leaf, key, validity, self.ca, ca_key).map_err(|error| bug(&subject.to_string(), &error))
    }
}

/// X.509 and `vault.yaml` have no fractions of a second (RFC 5280 §4.1.2.5).
pub(super) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(time)
}
