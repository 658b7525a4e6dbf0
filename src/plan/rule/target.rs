//! Where the bundles will be used.

use crate::diag::{Code, Diagnostic, Report};
use crate::profile::{Profiles, Target};
use crate::spec::Spec;
use crate::yaml::Field;

use super::cloudify::suggest;
use super::same;

/// The target whose seed every host gets, whatever else is asked for.
const SEED: &str = "nocloud";

/// The targets that are asked for, in the spec's order; the seed's where none is.
pub fn targets(report: &mut Report, spec: &Spec, profiles: &Profiles) -> Vec<Target> {
    let Some((named, list)) = spec.target.spanned() else { return seed(profiles).into_iter().collect() };
    if named.is_empty() {
        let empty = Diagnostic::error(Code::UnknownTarget, "no target is named").at(list, "empty");
        report.push(empty.help("write `target: [nocloud]`, or leave the key out"));
    }
    let mut seen = Vec::new();
    let mut targets = Vec::new();
    for (name, span) in named.iter().filter_map(Field::spanned) {
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == name) {
            let message = format!("the target `{}` is named twice", name.escape_debug());
            same(report, Code::TargetTwice, message, *first, span, "name it once");
            continue;
        }
        seen.push((name, span));
        let Some(target) = profiles.target(name) else {
            let names: Vec<&str> = profiles.targets().iter().map(|target| target.target.as_str()).collect();
            let message = format!("no target `{}` is known", name.escape_debug());
            report.push(Diagnostic::error(Code::UnknownTarget, message).at(span, "").help(suggest(name, &names)));
            continue;
        };
        targets.push(target.clone());
    }
    targets
}

/// What every host's seed is made for.
pub fn seed(profiles: &Profiles) -> Option<Target> {
    profiles.target(SEED).cloned()
}
