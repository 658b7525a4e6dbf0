//! Findings, with what stands between backquotes set as code.

use serde::Serialize;

use crate::diag::{Code, Severity};
use crate::project::Finding;

#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    pub severity: Severity,
    pub code: Code,
    pub message: Vec<Piece<'a>>,
    pub place: &'a str,
    pub help: Vec<Piece<'a>>,
    /// How many more there are of this code, behind the last one that is shown.
    pub more: usize,
}

/// So many of one code are shown: what is wrong with fifty hosts is usually one thing.
const OF_A_CODE: usize = 5;

/// A part of a sentence.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece<'a> {
    pub code: bool,
    pub text: &'a str,
}

/// The findings, the same order as in the plan, and the first few of each code.
pub(super) fn shown(findings: &[Finding]) -> Vec<Shown<'_>> {
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for finding in findings {
        let same = |other: &Shown<'_>| other.code == finding.code && other.severity == finding.severity;
        let count = shown.iter().filter(|other| same(other)).count();
        if count >= OF_A_CODE {
            if let Some(last) = shown.iter_mut().rfind(|other| same(other)) {
                last.more += 1;
            }
            continue;
        }
        shown.push(Shown {
            severity: finding.severity,
            code: finding.code,
            message: pieces(&finding.message),
            place: &finding.place,
            help: pieces(&finding.help),
            more: 0,
        });
    }
    shown
}

/// Every second part between backquotes is code; without a partner, a backquote is text.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![Piece { code: false, text }];
    }
    let pieces = parts.into_iter().enumerate().map(|(at, text)| Piece { code: at % 2 == 1, text });
    pieces.filter(|piece| !piece.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn code_is_what_stands_between_two_backquotes() {
        let words = |text| pieces(text).into_iter().map(|Piece { code, text }| (code, text)).collect::<Vec<_>>();
        assert_eq!(words("use `a` or `b`"), [(false, "use "), (true, "a"), (false, " or "), (true, "b")]);
        assert_eq!(words("one ` alone"), [(false, "one ` alone")]);
        assert!(words("").is_empty());
    }
}
