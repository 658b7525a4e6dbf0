//! Reports as JSON for machines.

use serde::Serialize;

use super::{Diagnostic, Report, Severity, Sources};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    errors: usize,
    warnings: usize,
    /// Whether there was more than is listed.
    more: bool,
    diagnostics: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    code: super::Code,
    severity: Severity,
    message: &'a str,
    help: Option<&'a str>,
    places: Vec<Place<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    byte_start: usize,
    byte_end: usize,
    label: &'a str,
}

/// The report as one JSON document (`cfy-seed/report/v1`) with a final line end.
#[must_use]
pub fn json(report: &Report, sources: &Sources) -> String {
    let item = |d: &'_ Diagnostic| -> Vec<(usize, usize)> {
        d.labels.iter().map(|l| sources.line_column(l.span).unwrap_or((1, 1))).collect()
    };
    let diagnostics = report
        .sorted()
        .into_iter()
        .map(|d| Item {
            code: d.code,
            severity: d.severity,
            message: &d.message,
            help: d.help.as_deref(),
            places: d
                .labels
                .iter()
                .zip(item(d))
                .map(|(label, (line, column))| Place {
                    file: sources.get(label.span.source).map_or("", |s| s.name.as_str()),
                    line,
                    column,
                    byte_start: label.span.start,
                    byte_end: label.span.end,
                    label: &label.text,
                })
                .collect(),
        })
        .collect();
    let document = Document {
        schema: "cfy-seed/report/v1",
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
        more: report.has_more(),
        diagnostics,
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
