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

use crate::diag::{Code, Diagnostic};
use crate::payload::{Comparison, Relation};
use crate::plan::{Attachment, AttachmentKind, PackageSource, Plan, RpmSource};

use super::Project;

pub use add::{Added, add_to_payload};
pub use check::{Checked, check_payload};
pub(super) use medium::write_medium;
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
    package.name != plan.contract.package && plan.packages == PackageSource::Payload
}

fn relation(name: &str, version: Option<String>) -> Relation {
    let version = version.map(|version| (Comparison::Equal, version));
    Relation { name: name.to_owned(), version, before_scripts: false }
}

impl Project {
    /// Takes the keys of a payload, for hosts that install from it to check packages with. What is wrong with the files of keys is
    /// in the report.
    pub fn take_payload_keys(&mut self, payload: &Utf8Path) {
        match read_keys(payload) {
            Ok((keys, report)) => {
                self.report.extend(report);
                let armour = keys.map(|keys| Attachment::Bytes(keys.to_armour().into_bytes()));
                self.attachments.remove(&AttachmentKind::OsRepoKey);
                self.attachments.extend(armour.map(|armour| (AttachmentKind::OsRepoKey, armour)));
            }
            Err(error) => {
                // Not passed over where the machine failed: hosts would check nothing.
                let failed = || Diagnostic::error(Code::UnreadableInput, error.to_string());
                self.report.push(error.diagnostic().unwrap_or_else(failed));
            }
        }
    }

    /// The payload's directory: as named, or beside the spec.
    #[must_use]
    pub fn payload_directory(&self, named: Option<&Utf8Path>, plan: &Plan) -> Utf8PathBuf {
        named.map_or_else(|| self.directory.join(format!("{}.payload", plan.cluster)), Utf8Path::to_owned)
    }
}
