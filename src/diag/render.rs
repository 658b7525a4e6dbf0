//! Reports as text for people.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Report, Severity, Sources};

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With terminal colours.
    pub colour: bool,
    /// Columns to fold long source lines at.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 120 }
    }
}

/// The report as text: one block per finding in order of place, then a line that counts them.
#[must_use]
pub fn render(report: &Report, sources: &Sources, style: Style) -> String {
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(style.width);
    let mut text = String::new();
    for diagnostic in report.sorted() {
        text.push_str(&renderer.render(&[group(diagnostic, sources)]));
        if let (Some(help), true) = (&diagnostic.help, diagnostic.labels.is_empty()) {
            // Without an excerpt the renderer would hang the advice on an empty margin.
            text.extend(["\n  = help: ", &printable(help)]);
        }
        text.push_str("\n\n");
    }
    text.push_str(&summary(report));
    text
}

/// The text with a replacement character for each control character but the end of a line: names out of files that others made may
/// hold what a terminal obeys. The renderer of excerpts does the same with its own texts.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    // One snippet per text, so that two places in one file share their excerpt.
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let group = title.elements(snippets(diagnostic, sources));
    match diagnostic.help.as_deref().filter(|_| !diagnostic.labels.is_empty()) {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    }
}

fn snippets<'a>(
    diagnostic: &'a Diagnostic,
    sources: &'a Sources,
) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let mut ids: Vec<_> = diagnostic.labels.iter().map(|l| l.span.source).collect();
    ids.dedup();
    let mut snippets = Vec::new();
    for id in ids {
        let Some(source) = sources.get(id) else { continue };
        let length = source.text.len();
        let annotations =
            diagnostic.labels.iter().enumerate().filter(|(_, l)| l.span.source == id).map(|(i, label)| {
                let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let start = label.span.start.min(length);
                let annotation = kind.span(start..label.span.end.clamp(start, length));
                if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
            });
        snippets.push(Snippet::source(source.text.as_str()).path(source.name.as_str()).annotations(annotations));
    }
    snippets
}

fn summary(report: &Report) -> String {
    let word = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        n => Some(format!("{n} {one}s")),
    };
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
        .iter()
        .filter_map(|(severity, one)| word(report.count(*severity), one))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    let more = if report.has_more() { ", and more that are not shown" } else { "" };
    format!("{}{more}; `cfy-seed explain CODE` says more\n", parts.join(", "))
}
