//! The payload of a cluster: the directory with its packages, beside its spec.

mod add;
mod check;
mod medium;
mod overview;
mod repository;
mod split;
mod state;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::payload::lock::PACKAGES;
use crate::payload::{Comparison, LockedFile, Relation};
use crate::plan::{Attachment, AttachmentKind, PackageSource, Plan, RpmSource};

use super::{BuildError, Project};

use add::read_lock;
pub use add::{Added, add_to_payload};
pub use check::{Checked, check_payload};
pub(super) use medium::write_image;
pub use medium::{MEDIUM_LABEL, Medium, payload_medium};
pub use overview::{PayloadOverview, WantedOverview, Whereabouts, payload_overview};
pub use repository::repository;
pub(super) use repository::{bill, sign};
pub use split::split_box;
use state::read_keys;
pub use state::{Depth, Payload, read_payload};

/// What some hosts want installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The hosts, in words.
    pub hosts: String,
    /// What is to be there.
    pub packages: Vec<Relation>,
}

/// What hosts want, each group of hosts that want the same. The installer is among it where hosts can get it from nowhere else,
/// or where the payload has it; so are the operating system's packages where they come from the payload.
#[must_use]
pub fn wanted(plan: &Plan) -> Vec<Wanted> {
    let mut groups: BTreeMap<Vec<Relation>, Vec<&str>> = BTreeMap::new();
    for host in &plan.hosts {
        let mut packages: Vec<Relation> = host.packages.iter().map(|name| relation(name, None)).collect();
        if host.installs_cloudify() && plan.rpm != RpmSource::Preinstalled {
            packages.push(relation(&plan.contract.package, Some(plan.version.to_string())));
        }
        groups.entry(packages).or_default().push(host.name.as_str());
    }
    let group = |(packages, hosts): (Vec<Relation>, Vec<&str>)| {
        let hosts = if hosts.len() == plan.hosts.len() { "every host".to_owned() } else { hosts.join(", ") };
        Wanted { hosts, packages }
    };
    groups.into_iter().map(group).collect()
}

/// Whether hosts get this package from the payload alone.
fn from_payload(plan: &Plan, package: &Relation) -> bool {
    if package.name == plan.contract.package {
        plan.rpm == RpmSource::Payload
    } else {
        plan.packages == PackageSource::Payload
    }
}

fn relation(name: &str, version: Option<String>) -> Relation {
    let version = version.map(|version| (Comparison::Equal, version));
    Relation { name: name.to_owned(), version, before_scripts: false }
}

/// What is wrong where the installer is to come from this payload and its lock file has none of that version.
fn installer_missing(directory: &Utf8Path, plan: &Plan, place: Option<&Span>) -> Report {
    let lock = match read_lock(directory) {
        Ok(lock) => lock,
        Err(BuildError::Refused(report)) => return report,
        Err(error) => return Diagnostic::error(Code::UnreadableInput, error.to_string()).into(),
    };
    // The name of a file is that of its package, and a release has no hyphen.
    let (name, version) = (&plan.contract.package, plan.version);
    let start = format!("{PACKAGES}/{name}-{version}-");
    let is_it = |file: &LockedFile| file.path.as_str().strip_prefix(&start).is_some_and(|rest| !rest.contains('-'));
    if lock.files.iter().any(is_it) {
        return Report::default();
    }
    let others: Vec<&str> =
        lock.files.iter().map(|file| file.what.as_str()).filter(|what| what.starts_with(name)).collect();
    let has = if others.is_empty() { String::new() } else { format!("; it has {}", others.join(", ")) };
    let message = format!("{directory} has no package {name} {version}{has}");
    let mut finding = Diagnostic::error(Code::InstallerNotInPayload, message);
    if let Some(place) = place {
        finding = finding.at(*place, "hosts are to take it from there");
    }
    finding.help("add it with `cfy-seed payload add FILE`, or correct `cloudify.version`").into()
}

impl Project {
    /// Takes the keys of a payload, for hosts that install from it to check packages with. What is wrong with the files of keys is
    /// in the report.
    pub(super) fn take_payload_keys(&mut self, payload: &Utf8Path) {
        match read_keys(payload) {
            Ok((keys, report)) => {
                self.report.extend(report);
                let armour = keys.map(|keys| Attachment::Bytes(keys.to_armour().into_bytes()));
                self.attachments.remove(&AttachmentKind::PayloadKeys);
                self.attachments.extend(armour.map(|armour| (AttachmentKind::PayloadKeys, armour)));
            }
            Err(error) => {
                // Not passed over where the machine failed: hosts would check nothing.
                let failed = || Diagnostic::error(Code::UnreadableInput, error.to_string());
                self.report.push(error.diagnostic().unwrap_or_else(failed));
            }
        }
    }

    /// Looks whether hosts will find in the payload what the spec says is there; before that, where a payload is named, takes
    /// its keys instead of those of the one beside the spec. Commands that fill a payload do not ask.
    pub fn judge_payload(&mut self, named: Option<&Utf8Path>) {
        let Some(plan) = self.plan.take_if(|plan| plan.uses_payload()) else { return };
        let directory = self.payload_directory(named, &plan);
        if let Some(named) = named {
            self.take_payload_keys(named);
        }
        if plan.rpm == RpmSource::Payload {
            self.report.extend(installer_missing(&directory, &plan, self.installer.as_ref()));
        }
        self.plan = Some(plan).filter(|_| !self.report.has_errors());
    }

    /// The payload's directory: as named, or beside the spec.
    #[must_use]
    pub fn payload_directory(&self, named: Option<&Utf8Path>, plan: &Plan) -> Utf8PathBuf {
        named.map_or_else(|| self.directory.join(format!("{}.payload", plan.cluster)), Utf8Path::to_owned)
    }
}
