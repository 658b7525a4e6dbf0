//! Independent readers of what was emitted.
//!
//! In: trees and images as [`crate::load`] read them. Out: a [`crate::diag::Report`]. May not: call the writers in
//! `bundle` — a mistake made there would agree with itself here. Of that room only the manifest's types are shared.

mod evidence;
mod host;
pub mod iso9660;
mod medium;
mod nocloud;
mod parts;
pub mod pki;
mod recognise;
mod remedy;
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
pub use signature::{signature, signed, why_no_public_key};
pub use subject::{Request, Subject, Verification, subject};
pub use tree::{BundleCheck, HostTree, bundle};
pub use unpack::unpack;

use std::borrow::Borrow;

use time::OffsetDateTime;

use crate::diag::Report;
use crate::load::LoadedTree;
use crate::profile::Profiles;
use host::Agreement;
use nocloud::Comparison;

/// Bytes of bundles that stay in memory until those of all hosts are known: of a thousand hosts. Others are decoded again.
const MAX_KEPT: usize = 64 << 20;

/// What holds of every file that is verified by itself.
const UNSIGNED: &str = "who made it (no signature covers it by itself)";

/// What was checked, and what was found.
#[derive(Debug)]
pub struct Verified {
    /// The findings.
    pub report: Report,
    /// Hosts whose bundles were checked.
    pub hosts: usize,
    /// What could be compared with nothing, because nothing there tells what it should be.
    pub not_compared: Vec<String>,
}

/// Checks a built tree: everything that [`bundle`] does, and in each host's user-data the digests, certificates and keys.
/// `at` is when the certificates must be valid, `profiles` say what targets take.
#[must_use]
pub fn built_tree(tree: &LoadedTree, profiles: &Profiles, at: OffsetDateTime) -> Verified {
    let check = bundle(tree);
    let mut report = check.report.clone();
    let (mut hosts, mut agreement, mut room) = (Vec::new(), Agreement::default(), MAX_KEPT);
    for host in check.hosts() {
        let Some(bytes) = host.bytes("user-data") else { continue };
        let name = host.facts.name.as_str();
        let (found, bundle) = HostBundle::read(name, bytes);
        report.extend(found);
        let Some(seed) = bundle else { continue };
        report.extend(user_data::check_host(&host, &seed, profiles));
        agreement.collect(&seed);
        let left = room.checked_sub(seed.size());
        room = left.unwrap_or(room);
        hosts.push((name, bytes, left.map(|_| seed)));
    }
    let count = hosts.len();
    let again = hosts.into_iter().filter_map(|(name, bytes, kept)| kept.or_else(|| HostBundle::read(name, bytes).1));
    report.extend(agreed(agreement, again, at));
    Verified { report, hosts: count, not_compared: Vec::new() }
}

/// Checks one file of user-data by itself. `name` is the file's: as `user-data.<target>` it says for which target it is.
#[must_use]
pub fn user_data_file(name: &str, file: &[u8], profiles: &Profiles, at: OffsetDateTime) -> Verified {
    let target_name = name.strip_prefix(user_data::PREFIX);
    let target = target_name.map(|target_name| (target_name, profiles.target(target_name)));
    let mut compared = Comparison::of(name);
    compared.left.push(UNSIGNED.to_owned());
    let mut hosts = Vec::new();
    let mut report = match target {
        Some((target_name, None)) => user_data::unknown_target(name, target_name).into(),
        Some((_, Some(target))) => {
            let (found, bundle) = user_data::check(name, target, profiles, file, &[]);
            hosts.extend(bundle);
            found
        }
        None => {
            compared.left.push("encoding and size (its name does not say for which target it is)".to_owned());
            let (found, bundle) = user_data::check_text(name, file);
            hosts.extend(bundle);
            found
        }
    };
    report.extend(check_hosts(&hosts, at));
    if let (Some(bundle), Ok(text)) = (hosts.first(), user_data::decoded(file)) {
        compared.user_data(&text, bundle);
    }
    report.extend(compared.report);
    Verified { report, hosts: hosts.len(), not_compared: compared.left }
}

/// Checks one seed image by itself. `name` is what messages call it.
#[must_use]
pub fn seed_image(name: &str, image: &[u8], at: OffsetDateTime) -> Verified {
    let (mut report, files) = seed(name, image);
    let mut hosts = Vec::new();
    let mut compared = Comparison::of(name);
    compared.left.push(UNSIGNED.to_owned());
    if let Some(bytes) = files.get("user-data") {
        let (found, bundle) = HostBundle::read(name, bytes);
        report.extend(found);
        if let Some(facts) = bundle.as_ref().and_then(|bundle| compared.user_data(bytes, bundle)) {
            compared.beside(&files, &facts);
        }
        hosts.extend(bundle);
    }
    report.extend(compared.report);
    report.extend(check_hosts(&hosts, at));
    Verified { report, hosts: hosts.len(), not_compared: compared.left }
}

/// Checks a host that stands by itself, where there is one.
fn check_hosts(hosts: &[HostBundle], at: OffsetDateTime) -> Report {
    let mut agreement = Agreement::default();
    hosts.iter().for_each(|host| agreement.collect(host));
    agreed(agreement, hosts.iter(), at)
}

/// Checks hosts by what all of them say.
fn agreed(agreement: Agreement, hosts: impl Iterator<Item: Borrow<HostBundle>>, at: OffsetDateTime) -> Report {
    let mut report = agreement.report;
    // By one clock, all are too early or too late together.
    let mut dates = pki::Dates::default();
    for host in hosts {
        report.extend(host.borrow().check(&agreement.addresses, at, &mut dates));
    }
    report.extend(dates.findings(at));
    report
}
