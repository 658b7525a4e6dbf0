//! Independent readers of what was emitted.
//!
//! In: trees and images as [`crate::load`] read them. Out: a [`crate::diag::Report`]. May not: call the writers in
//! `bundle` — a mistake made there would agree with itself here. Of that room only the manifest's types are shared.

mod evidence;
mod host;
pub mod iso9660;
mod medium;
mod parts;
pub mod pki;
mod seed;
mod signature;
mod subject;
mod sums;
mod tree;
mod unpack;
mod user_data;

pub use evidence::{Circumstances, Evidence, FileRecord, Outcome, Verdict};
pub use host::{Addresses, HostBundle};
pub use medium::signed_files;
pub use parts::{check_parts, parts};
pub use seed::{SEED_FILES, SeedFiles, seed};
pub use signature::{signature, signed};
pub use subject::{Request, Subject, Verification, subject};
pub use tree::{BundleCheck, HostTree, bundle};
pub use unpack::unpack;

use time::OffsetDateTime;

use crate::diag::Report;
use crate::load::LoadedTree;
use crate::profile::Profiles;

/// What was checked, and what was found.
#[derive(Debug)]
pub struct Verified {
    /// The findings.
    pub report: Report,
    /// Hosts whose bundles were checked.
    pub hosts: usize,
}

/// Checks a built tree: everything that [`bundle`] does, and in each host's user-data the digests, certificates and keys.
/// `at` is when the certificates must be valid, `profiles` say what targets take.
#[must_use]
pub fn built_tree(tree: &LoadedTree, profiles: &Profiles, at: OffsetDateTime) -> Verified {
    let check = bundle(tree);
    let mut report = check.report.clone();
    let mut hosts = Vec::new();
    for host in check.hosts() {
        let Some(bytes) = host.bytes("user-data") else { continue };
        let (found, bundle) = HostBundle::read(host.facts.name.as_str(), bytes);
        report.extend(found);
        if let Some(seed) = &bundle {
            report.extend(user_data::check_host(&host, seed, profiles));
        }
        hosts.extend(bundle);
    }
    report.extend(check_hosts(&hosts, at));
    Verified { report, hosts: hosts.len() }
}

/// Checks one file `user-data.<target>` by itself. `name` is the file's.
#[must_use]
pub fn user_data_file(name: &str, file: &[u8], profiles: &Profiles, at: OffsetDateTime) -> Verified {
    let target_name = name.strip_prefix(user_data::PREFIX).unwrap_or(name);
    let mut hosts = Vec::new();
    let mut report = match profiles.target(target_name) {
        None => user_data::unknown_target(name, target_name).into(),
        Some(target) => {
            let (found, bundle) = user_data::check(name, target, profiles, file, &[]);
            hosts.extend(bundle);
            found
        }
    };
    report.extend(check_hosts(&hosts, at));
    Verified { report, hosts: hosts.len() }
}

/// Checks one seed image by itself. `name` is what messages call it.
#[must_use]
pub fn seed_image(name: &str, image: &[u8], at: OffsetDateTime) -> Verified {
    let (mut report, files) = seed(name, image);
    let mut hosts = Vec::new();
    if let Some(bytes) = files.get("user-data") {
        let (found, bundle) = HostBundle::read(name, bytes);
        report.extend(found);
        hosts.extend(bundle);
    }
    report.extend(check_hosts(&hosts, at));
    Verified { report, hosts: hosts.len() }
}

fn check_hosts(hosts: &[HostBundle], at: OffsetDateTime) -> Report {
    let mut report = host::same_ca(hosts);
    let addresses = Addresses::of(hosts);
    for host in hosts {
        report.extend(host.check(&addresses, at));
    }
    report
}
