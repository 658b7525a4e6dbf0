//! The payload of a cluster: the directory with its packages, beside its spec.

mod add;
mod check;
mod overview;
mod repository;
mod state;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::payload::{Comparison, Relation};
use crate::plan::{PackageSource, Plan, RpmSource};

use super::Project;

pub use add::{Added, add_to_payload};
pub use check::{Checked, check_payload};
pub use overview::{PayloadOverview, WantedOverview, Whereabouts, payload_overview};
pub use repository::repository;
pub use state::{Payload, read_payload};

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
    /// The payload's directory: as named, or beside the spec.
    #[must_use]
    pub fn payload_directory(&self, named: Option<&Utf8Path>, plan: &Plan) -> Utf8PathBuf {
        named.map_or_else(|| self.directory.join(format!("{}.payload", plan.cluster)), Utf8Path::to_owned)
    }
}
