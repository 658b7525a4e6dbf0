//! The hosts' operating system: known, and one that the vendor made this version for.

use crate::diag::{Code, Diagnostic, Report};
use crate::profile::{Contract, Platform, Profiles};
use crate::spec::Spec;

use super::cloudify::suggest;

/// What is taken where nobody says anything, and the version has it.
const USUAL: &str = "el8";

/// The operating system.
pub fn platform<'p>(
    report: &mut Report,
    spec: &Spec,
    profiles: &'p Profiles,
    contract: Option<&Contract>,
) -> Option<&'p Platform> {
    let default = contract.and_then(|contract| contract.platforms.first()).map_or(USUAL, String::as_str);
    let name = spec.os.get().map_or(default, String::as_str);
    let Some(known) = profiles.platform(name) else {
        let message = format!("no operating system `{}` is known", name.escape_debug());
        let wrong = Diagnostic::error(Code::UnsupportedPlatform, message).at_opt(spec.os.span(), "");
        report.push(wrong.help(what_instead(name, profiles)));
        return None;
    };
    let version = spec.cloudify.get().map(|cloudify| &cloudify.version);
    let written = version.and_then(|version| version.get()).map(ToString::to_string).unwrap_or_default();
    if let Some(contract) = contract.filter(|contract| !contract.platforms.iter().any(|p| p == name)) {
        let message = format!("Cloudify {written} was never made for {name}");
        let wrong = Diagnostic::error(Code::UnsupportedPlatform, message).at_opt(spec.os.span(), "");
        let (own, others) =
            (contract.platforms.join(" or "), profiles.versions_on(name).collect::<Vec<_>>().join(", "));
        report.push(wrong.help(format!("write `os: {own}`; versions for {name} are {others}")));
        return None;
    }
    if spec.os.is_absent() && default != USUAL {
        let message = format!("`os` is not given: {default}, for which Cloudify {written} was made");
        let span = version.and_then(crate::yaml::Field::span);
        let taken = Diagnostic::note(Code::PlatformTaken, message).at_opt(span, "not made for el8");
        report.push(taken.help(format!("write `os: {default}` to say so yourself")));
    }
    if contract.is_some() && !known.let_through.is_empty() {
        let message = format!(
            "{} are let through by `validations.supported_distros`; the vendor supports {} only",
            known.let_through.join(", "),
            known.supported.join(" and ")
        );
        report.push(Diagnostic::note(Code::RebuildsLetThrough, message));
    }
    Some(known)
}

/// What to write instead of a word such as `rhel8`, `rocky-8` or `el9`: a family and a major version.
fn what_instead(written: &str, profiles: &Profiles) -> String {
    let lower = written.to_ascii_lowercase();
    let at = lower.find(|c: char| c.is_ascii_digit()).unwrap_or(lower.len());
    let (family, version) = lower.split_at(at);
    let (family, major) = (family.trim_end_matches(['-', '_', ' ']), version.split('.').next().unwrap_or_default());
    let names: Vec<&str> = profiles.platforms().iter().map(|platform| platform.platform.as_str()).collect();
    let known_family = profiles.platforms().iter().any(|platform| stands_for(platform, family));
    match profiles.platforms().iter().find(|platform| platform.major == major) {
        Some(platform) if stands_for(platform, family) => {
            format!("write `os: {}`, which stands for {}", platform.platform, platform.title)
        }
        Some(platform) if known_family => {
            format!("of this family only {} are supported by the vendor", platform.title)
        }
        None if known_family && !major.is_empty() => {
            let known = names.join(", ");
            format!("the vendor never released Cloudify for it, and its installer refuses it; known are {known}")
        }
        _ => suggest(written, &names),
    }
}

/// Whether hosts of this platform may have a system of this family: `el` itself, or the start of an ID, such as `alma`.
fn stands_for(platform: &Platform, family: &str) -> bool {
    let mut ids = platform.supported.iter().chain(&platform.let_through).chain(&platform.supported_distros);
    family == "el" || (family.len() > 1 && ids.any(|id| id.starts_with(family)))
}
