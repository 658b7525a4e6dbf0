//! What is wrong, where, and what to do.
//!
//! In: findings of every room. Out: [`Report`]s, as text for people or JSON for machines. May not: know a room.
//!
//! A finding a user can mend is a [`Diagnostic`] and is collected, never thrown. Failures of the machine are typed
//! errors of the room that met them.

mod code;
mod explain;
mod json;
mod nearest;
mod render;
mod source;

pub use code::Code;
pub use explain::{Page, pages};
pub use json::json;
pub use nearest::nearest;
pub use render::{Style, printable, render};
pub use source::{Source, SourceId, Sources, Span};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// It is built; `--strict` makes it an error.
    Warning,
    /// Said aloud because it is a choice the user may not have noticed.
    Note,
}

/// A place in a source text and what is to be seen there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// One finding: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable code; `cfy-seed explain CODE` has a page for it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a final stop. Never holds a secret.
    pub message: String,
    /// Where, the most telling place first; empty where no text is to blame.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error of this code.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning of this code.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A note of this code.
    #[must_use]
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// Points at a place. The first place is the primary one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Points at a place if there is one.
    #[must_use]
    pub fn at_opt(self, span: Option<Span>, text: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, text),
            None => self,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The most findings of one severity that a report keeps: nobody reads more, and a file of garbage has 100,000 of them.
const MOST: usize = 200;

/// Everything that was found in one pass, up to [`MOST`] findings of each severity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
    more: bool,
}

impl Report {
    /// Adds a finding; the same finding twice is kept once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.count(diagnostic.severity) >= MOST {
            self.more = true;
        } else if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Adds all findings of another report.
    pub fn extend(&mut self, other: Self) {
        self.more |= other.more;
        for diagnostic in other.diagnostics {
            self.push(diagnostic);
        }
    }

    /// The findings: by place, then in the order in which they were found.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.diagnostics.iter().collect();
        all.sort_by_key(|d| d.labels.first().map_or((usize::MAX, usize::MAX), |l| (l.span.source.0, l.span.start)));
        all
    }

    /// The findings in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter()
    }

    /// How many findings are this bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Whether there is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether there was more than is kept.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.more
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Gives findings other advice, where there is some.
    pub fn advise(&mut self, advice: impl Fn(&Diagnostic) -> Option<String>) {
        for diagnostic in &mut self.diagnostics {
            if let Some(help) = advice(diagnostic) {
                diagnostic.help = Some(help);
            }
        }
    }

    /// Makes every warning an error, as `--strict` asks.
    pub fn make_strict(&mut self) {
        for diagnostic in &mut self.diagnostics {
            if diagnostic.severity == Severity::Warning {
                diagnostic.severity = Severity::Error;
            }
        }
    }
}

impl From<Diagnostic> for Report {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic], more: false }
    }
}

impl FromIterator<Diagnostic> for Report {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        let mut report = Self::default();
        iter.into_iter().for_each(|d| report.push(d));
        report
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Diagnostic, MOST, Report, Severity, Sources, Style, json, render};

    #[test]
    fn a_flood_of_findings_is_cut_and_hides_no_error() {
        let warnings = (0..10_000).map(|at| Diagnostic::warning(Code::UnknownKey, at.to_string()));
        let mut report: Report = warnings.collect();
        assert!(report.has_more() && !report.has_errors());
        report.push(Diagnostic::error(Code::UnknownKey, "an error"));
        assert!(report.has_errors());
        assert_eq!((report.count(Severity::Warning), report.iter().count()), (MOST, MOST + 1));
        let text = render(&report, &Sources::default(), Style::default());
        assert!(text.contains("200 warnings, and more that are not shown"), "{text}");
        assert!(json(&report, &Sources::default()).contains("\"more\": true"));
    }
}
