//! What to do, by where it was found: only who has the project can build again.

use super::Subject;
use crate::diag::{Diagnostic, Report};

/// Words of advice that only who has the project can follow.
const BUILD: [&str; 2] = ["build again", "the next build"];

/// The advice for a file too many.
pub(super) const FOREIGN: &str = "move it away; the next build removes it";

/// Gives findings advice that can be followed where this was verified: the checks of a tree do not know whether it lies beside its
/// project, came in a box, or is a single file of one.
pub(super) fn fit(report: &mut Report, subject: Subject) {
    let Some(instead) = instead(subject) else { return };
    report.advise(|found: &Diagnostic| {
        let help = found.help.as_ref()?;
        if help == FOREIGN && subject == Subject::BoxDirectory {
            return Some("move it away: it did not come in the box".to_owned());
        }
        BUILD.iter().any(|words| help.contains(words)).then(|| instead.to_owned())
    });
}

/// None where it is beside its project, or may be.
const fn instead(subject: Subject) -> Option<&'static str> {
    match subject {
        Subject::BoxDirectory | Subject::Payload => {
            Some("unpack the box again, into another directory; where it is bad there too, bring the box again")
        }
        Subject::Box | Subject::BoxParts | Subject::BoxPart | Subject::PayloadImage => {
            Some("bring the box again, from where it was built")
        }
        Subject::SeedImage | Subject::UserData => Some("take it again out of the box or tree that it is from"),
        Subject::BuiltTree | Subject::Unrecognised => None,
    }
}
