//! Everything that is wrong with a payload, at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Report};
use crate::payload::closure::{Closure, Question, Unmet, closure};
use crate::payload::{Relation, Rpm, Signed, rpm_of};
use crate::plan::Plan;

use super::{Payload, from_payload, wanted};

/// What was found.
#[derive(Debug)]
pub struct Checked {
    /// Everything that is wrong.
    pub report: Report,
    /// How many packages of the payload hosts install.
    pub installed: usize,
    /// Whether it is proven that nothing is missing: only where it is known what the image has.
    pub proven: bool,
}

/// Checks a payload against what hosts want.
#[must_use]
pub fn check_payload(payload: &Payload, plan: &Plan) -> Checked {
    let mut report = payload.report.clone();
    if payload.packages.is_empty() && report.is_empty() {
        let message = if payload.exists { "the payload has no package" } else { "there is no payload" };
        let help = if plan.uses_payload() {
            "`cfy-seed payload plan` lists what is needed, and `cfy-seed payload add FILE…` adds it"
        } else {
            "hosts take nothing from it: write `os_packages: {from: payload}` or `rpm: {payload: true}` into the spec, and then \
             `cfy-seed payload plan` lists what is needed"
        };
        report.push(Diagnostic::error(Code::PayloadEmpty, message).help(help));
        return Checked { report, installed: 0, proven: false };
    }
    signatures(payload, &mut report);
    architectures(payload, &mut report);
    let packages: Vec<&Rpm> = payload.packages.values().collect();
    let mut installed = BTreeSet::new();
    let mut open = BTreeSet::new();
    for group in wanted(plan) {
        let has = |relation: &Relation| packages.iter().any(|rpm| rpm.nevra.name == relation.name);
        let of_payload = group.packages.into_iter().filter(|relation| from_payload(plan, relation) || has(relation));
        let wanted: Vec<(String, Relation)> = of_payload.map(|relation| (group.hosts.clone(), relation)).collect();
        let image = payload.image.as_deref().unwrap_or_default();
        let rpm = rpm_of(&plan.platform.major);
        let answer = closure(&Question { image, payload: &packages, wanted: &wanted, rpm });
        if answer.exhausted {
            let message = "what the packages require of each other takes too long to compare";
            let help = "remove the packages that hosts do not need; those of a distribution are far from this";
            report.push(Diagnostic::error(Code::PayloadTooIntricate, message).help(help));
            return Checked { report, installed: 0, proven: false };
        }
        clashes(&answer, &mut report);
        installed.extend(answer.installed.iter().copied());
        if payload.image.is_some() {
            missing(&answer, &wanted, &mut report);
        } else {
            open.extend(answer.unmet.into_iter().map(|unmet| {
                let who = if is_wanted(&unmet, &wanted) { String::new() } else { unmet.who };
                (who, unmet.requirement)
            }));
        }
    }
    for (at, (path, rpm)) in payload.packages.iter().enumerate().filter(|(at, _)| !installed.contains(at)) {
        let message = format!("no host installs {path}: the image has {} or nothing needs it", rpm.nevra.name);
        debug_assert_eq!(packages.get(at).map(|rpm| &rpm.nevra), Some(&rpm.nevra));
        report
            .push(Diagnostic::warning(Code::PackageUnused, message).help("remove it, if nobody installs it by hand"));
    }
    if payload.image.is_none() {
        report.push(not_proven(&open));
    }
    if !plan.uses_payload() {
        let message = "hosts do not install from the payload: `os_packages.from` and `cloudify.rpm` say otherwise";
        let help = "write `os_packages: {from: payload}` into the spec";
        report.push(Diagnostic::warning(Code::PayloadNotUsed, message).help(help));
    }
    Checked { report, installed: installed.len(), proven: payload.image.is_some() }
}

/// With keys, hosts install nothing that is not signed by one of them.
fn signatures(payload: &Payload, report: &mut Report) {
    if payload.keys.is_none() {
        return;
    }
    for (path, rpm) in &payload.packages {
        let why = match &rpm.signed {
            Signed::Good(_) | Signed::Unchecked => continue,
            Signed::No => "it is not signed".to_owned(),
            Signed::UnknownKey(key) => format!("it is signed with the key {key}, which is not among them"),
            Signed::Bad(key) => format!("its signature is not one that the key {key} made"),
            Signed::Unusable(why) => format!("its signature cannot be checked: {why}"),
        };
        let message = format!("{path} is not signed with a key of the payload: {why}");
        let help = "add the key of its vendor, or bring the package from its vendor again";
        report.push(Diagnostic::error(Code::PackageNotSigned, message).help(help));
    }
}

/// All packages are for the machine that the image is for.
fn architectures(payload: &Payload, report: &mut Report) {
    let image = payload.image.iter().flatten().map(|installed| installed.nevra.arch.as_str());
    let packages = payload.packages.values().map(|rpm| rpm.nevra.arch.as_str());
    let Some(machine) = machine_of(image).or_else(|| machine_of(packages)) else { return };
    let fits = |arch: &str| arch == "noarch" || runs_on(arch) == machine;
    for (path, rpm) in payload.packages.iter().filter(|(_, rpm)| !fits(&rpm.nevra.arch)) {
        let message = format!("{path} is for {}, and the hosts are {machine}", rpm.nevra.arch);
        let help = format!("take the package that was built for {machine}");
        report.push(Diagnostic::error(Code::PackageArchitecture, message).help(help));
    }
}

/// The machine that packages of this architecture run on.
fn runs_on(arch: &str) -> &str {
    match arch {
        "i386" | "i486" | "i586" | "i686" => "x86_64",
        other => other,
    }
}

/// The machine that most of these are for, where one of them says.
fn machine_of<'a>(architectures: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for arch in architectures.map(runs_on).filter(|arch| ["aarch64", "x86_64"].contains(arch)) {
        *count.entry(arch).or_default() += 1;
    }
    count.into_iter().max_by_key(|(_, count)| *count).map(|(arch, _)| arch)
}

fn missing(answer: &Closure, wanted: &[(String, Relation)], report: &mut Report) {
    for unmet in &answer.unmet {
        let by_plan =
            wanted.iter().any(|(who, relation)| *who == unmet.who && relation.to_string() == unmet.requirement);
        report.push(if by_plan { not_there(unmet) } else { not_met(unmet) });
    }
}

/// Whether hosts want it, and no package requires it.
fn is_wanted(unmet: &Unmet, wanted: &[(String, Relation)]) -> bool {
    wanted.iter().any(|(who, relation)| *who == unmet.who && relation.to_string() == unmet.requirement)
}

fn not_there(unmet: &Unmet) -> Diagnostic {
    let message = format!("{} of {} is neither in the image nor in the payload", unmet.requirement, unmet.who);
    Diagnostic::error(Code::WantedMissing, message).help(near(unmet, "add the package that provides it"))
}

fn not_met(unmet: &Unmet) -> Diagnostic {
    let whose = if unmet.of_image { " of the image, with what the payload replaces there," } else { "" };
    let parts =
        if unmet.missing.is_empty() { String::new() } else { format!(" (of it: {})", unmet.missing.join(", ")) };
    let message = format!("{}{whose} requires `{}`{parts}, and nothing provides it", unmet.who, unmet.requirement);
    Diagnostic::error(Code::RequirementUnmet, message).help(near(unmet, "add a package that provides it"))
}

fn near(unmet: &Unmet, otherwise: &str) -> String {
    if unmet.near.is_empty() { otherwise.to_owned() } else { format!("{otherwise}; {}", unmet.near.join("; ")) }
}

fn clashes(answer: &Closure, report: &mut Report) {
    for clash in &answer.clashes {
        let message = format!("{} conflicts with {} (`{}`)", clash.who, clash.with, clash.conflict);
        let help = "bring versions that go together";
        report.push(Diagnostic::error(Code::PackagesConflict, message).help(help));
    }
}

/// With nothing known of the image: what would have to be there, as who requires what; nobody stands for the hosts.
fn not_proven(open: &BTreeSet<(String, String)>) -> Diagnostic {
    const SHOWN: usize = 8;
    let wanted = open.iter().filter(|(who, _)| who.is_empty()).count();
    let required = open.iter().filter(|(who, _)| !who.is_empty());
    let required: BTreeSet<&str> = required.map(|(_, requirement)| requirement.as_str()).collect();
    let some: Vec<&str> = required.iter().take(SHOWN).copied().collect();
    let more = if required.len() > SHOWN { format!(" and {} more", required.len() - SHOWN) } else { String::new() };
    let required = match some.as_slice() {
        [] => "packages of the payload require nothing else".to_owned(),
        some => format!("packages of the payload require {}{more}", some.join(", ")),
    };
    let message = format!(
        "it is not known what the image has: hosts want {wanted} packages that the payload lacks, and {required}"
    );
    Diagnostic::warning(Code::ImageUnknown, message)
        .help("add the list of what the image has; docs/payload.md says how to make it")
}
