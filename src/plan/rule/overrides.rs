//! `config` and `cloud_init`: who gets what.

use crate::diag::{Code, Diagnostic, Report, Span};
use crate::names::{HostName, RoleKind};
use crate::plan::{HostOverrides, Overrides};
use crate::spec::{ByRole, Host, Spec};
use crate::yaml::{Field, Lists, Mapping};

use super::cloud_init::{self, Around};
use super::config::{self, Keys};

/// A host and what is installed on it.
pub struct Placed<'a> {
    /// Its name.
    pub name: &'a HostName,
    /// What is installed on it.
    pub kinds: &'a [RoleKind],
    /// What was written about it.
    pub host: &'a Host,
}

/// Checks everything that is said under `config` and `cloud_init`, and merges it for each host. `complete` tells whether
/// these are all hosts of the spec: else nothing can be said of roles that seem to be missing.
pub fn resolve(
    report: &mut Report,
    spec: &Spec,
    (hosts, complete): (&[Placed<'_>], bool),
    keys: &Keys<'_>,
    around: &Around<'_>,
) -> Overrides {
    let none = ByRole::default();
    let (config, cloud_init) = (spec.config.get().unwrap_or(&none), spec.cloud_init.get().unwrap_or(&none));
    let there = |kind: &RoleKind| !complete || hosts.iter().any(|placed| placed.kinds.contains(kind));
    let present: Vec<RoleKind> = RoleKind::ALL.into_iter().filter(there).collect();
    blocks(report, config, &present, "no host has", |report, block, span, kinds| {
        config::check(report, (block, span), kinds, keys);
    });
    blocks(report, cloud_init, &present, "no host has", |report, block, _, _| {
        cloud_init::check(report, block, around);
    });
    let mut overrides = Overrides::new();
    for Placed { name, kinds, host } in hosts {
        let own = host.config.get().unwrap_or(&none);
        blocks(report, own, kinds, &format!("`{name}` has not"), |report, block, span, kinds| {
            config::check(report, (block, span), kinds, keys);
        });
        if let Some(block) = host.cloud_init.get() {
            cloud_init::check(report, block, around);
        }
        let of_role = |kind: RoleKind| {
            let mut merged = Mapping::default();
            for by in [config, own] {
                merged
                    .lay(&by.all.get().map(|all| config::part(all, kind, keys)).unwrap_or_default(), Lists::Replace);
                merged.lay(by.of(kind).get().unwrap_or(&Mapping::default()), Lists::Replace);
            }
            merged
        };
        let merged = HostOverrides {
            config: kinds.iter().filter(|kind| kind.is_cloudify()).map(|kind| (*kind, of_role(*kind))).collect(),
            cloud_init: of_host(cloud_init, kinds, host),
        };
        overrides.insert((*name).clone(), merged);
    }
    overrides
}

/// Hands over each block with the roles that it is for, and reports those that are for nobody.
fn blocks(
    report: &mut Report,
    by: &ByRole,
    present: &[RoleKind],
    nobody: &str,
    mut check: impl FnMut(&mut Report, &Mapping, Span, &[RoleKind]),
) {
    if let Some((block, span)) = by.all.spanned() {
        check(report, block, span, present);
    }
    for kind in RoleKind::ALL {
        let Some((block, span)) = by.of(kind).spanned() else { continue };
        if present.contains(&kind) {
            check(report, block, span, &[kind]);
            continue;
        }
        let message = format!("{nobody} the role `{}`", kind.as_str());
        let help = match present {
            [RoleKind::AllInOne, ..] => "a host with all three roles is an all-in-one: write `all_in_one`",
            _ => "remove it, or write it for a role that is there",
        };
        report.push(Diagnostic::error(Code::OverrideUnused, message).at(span, "nobody gets this").help(help));
    }
}

/// The cloud-config of one host: for all, for its roles in the order of installation, for itself.
fn of_host(by: &ByRole, kinds: &[RoleKind], host: &Host) -> Mapping {
    let roles = kinds.iter().map(|kind| by.of(*kind));
    let layers = std::iter::once(&by.all).chain(roles).chain(std::iter::once(&host.cloud_init));
    let mut merged = Mapping::default();
    layers.filter_map(Field::get).for_each(|layer| merged.lay(layer, Lists::Append));
    merged
}
