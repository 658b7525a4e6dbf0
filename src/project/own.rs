//! `--profiles` and `--templates`: files of the operator's own, in place of embedded ones or beside them.

use camino::{Utf8Path, Utf8PathBuf};

use crate::diag::{Code, Diagnostic, Report, Sources, Span};
use crate::handoff::Packing;
use crate::load::{self, Limits, LoadError};
use crate::plan::Plan;
use crate::profile::{BadProfile, OwnFile, Profiles};
use crate::render::{RenderError, Templates};

use super::build::BuildError;
use super::{Project, footprint};

/// Where files of the operator's own are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnDirectories {
    /// With `contracts/`, `platforms/` and `shapes/`.
    pub profiles: Option<Utf8PathBuf>,
    /// With `role/` and `balancer/`.
    pub templates: Option<Utf8PathBuf>,
}

/// The largest embedded one has 20 KiB.
const LIMITS: Limits = Limits { files: 1000, depth: 4, keep: 1 << 20, kept: 16 << 20, file: 1 << 20, digested: &[] };

impl OwnDirectories {
    /// The operator's own profiles and the embedded ones behind them.
    ///
    /// # Errors
    /// When a profile in the binary is wrong: a bug.
    pub fn profiles(&self, sources: &mut Sources, report: &mut Report) -> Result<Profiles, BadProfile> {
        if self.profiles.is_none() {
            return Profiles::embedded();
        }
        let files = self.read_profiles(sources, report);
        Ok(Profiles::with(&files, sources, report))
    }

    /// The operator's own profiles.
    #[must_use]
    pub fn read_profiles(&self, sources: &mut Sources, report: &mut Report) -> Vec<OwnFile> {
        let is_profile = |path: &str| {
            let name = path.strip_suffix(".yaml").and_then(|path| path.split_once('/'));
            name.is_some_and(|(kind, name)| {
                ["contracts", "platforms", "shapes"].contains(&kind) && !name.contains('/')
            })
        };
        let known = "profiles are `contracts/*.yaml`, `platforms/*.yaml` and `shapes/*.yaml`";
        read(self.profiles.as_deref(), is_profile, known, sources, report)
    }

    /// The operator's own templates.
    #[must_use]
    pub fn read_templates(&self, sources: &mut Sources, report: &mut Report) -> Vec<OwnFile> {
        let names: Vec<&str> = Templates::names().collect();
        let known = format!("templates are `{}`", names.join("`, `"));
        read(self.templates.as_deref(), |path| names.contains(&path), &known, sources, report)
    }
}

/// Reads a directory; what is no file of ours is reported, and so is what cannot be read.
fn read(
    directory: Option<&Utf8Path>,
    is_ours: impl Fn(&str) -> bool,
    known: &str,
    sources: &mut Sources,
    report: &mut Report,
) -> Vec<OwnFile> {
    let Some(directory) = directory else { return Vec::new() };
    let tree = match load::tree(directory, LIMITS) {
        Ok(tree) => tree,
        Err(error) => {
            report.push(unreadable(&error));
            return Vec::new();
        }
    };
    let foreign = |path: &str, what: &str| {
        let message = format!("{}: {what}", directory.join(path).as_str().escape_debug());
        Diagnostic::error(Code::OwnFileForeign, message).help(known)
    };
    for path in tree.others.keys() {
        report.push(foreign(path, "only plain files are read, no symbolic links or devices"));
    }
    let mut files = Vec::new();
    for (path, file) in tree.files {
        // What git and editors leave, and what explains the rest.
        if path.split('/').any(|part| part.starts_with('.') || part == "README.md") {
            continue;
        }
        if !is_ours(&path) {
            report.push(foreign(&path, "no file of this name and place is read"));
            continue;
        }
        match String::from_utf8(file.bytes.unwrap_or_default()) {
            Ok(text) => {
                let source = sources.add(directory.join(&path).as_str(), text.as_str());
                files.push(OwnFile { path, source, text });
            }
            Err(error) => {
                let (path, offset) = (directory.join(&path), error.utf8_error().valid_up_to());
                report.push(unreadable(&LoadError::NotUtf8 { path, offset }));
            }
        }
    }
    files
}

/// What is said about a file that cannot be read.
pub(super) fn unreadable(error: &LoadError) -> Diagnostic {
    error.diagnostic().unwrap_or_else(|| {
        Diagnostic::error(Code::UnreadableInput, error.to_string()).help("check the file's permissions")
    })
}

/// The embedded templates with the operator's own in their place.
pub(super) fn templates(own: &[OwnFile], report: &mut Report) -> Templates {
    let mut templates = Templates::default();
    for file in own {
        if let Err(error) = templates.replace(&file.path, &file.text) {
            report.push(wrong(&error, own, None));
        }
    }
    templates
}

/// Renders every host with stand-ins for what comes from the vault, so that a template or contract of the operator's own
/// that does not work is found before anything is built.
pub(super) fn rehearse(project: &Project, plan: &Plan, templates: &[OwnFile]) -> Report {
    match footprint(project, plan, None, Packing::Auto) {
        Err(BuildError::Render(error)) => wrong(&error, templates, Some(plan)).into(),
        _ => Report::default(),
    }
}

/// What is wrong with a template of the operator's own, or with a contract that an embedded one does not fit.
fn wrong(error: &RenderError, own: &[OwnFile], plan: Option<&Plan>) -> Diagnostic {
    let (name, reason) = match error {
        RenderError::Template { name, reason, .. } | RenderError::Contract { name, reason, .. } => {
            (*name, reason.as_str())
        }
        other => ("", &*other.to_string()),
    };
    let reason = reason.trim().replace('\n', " ");
    let Some(file) = own.iter().find(|file| file.path == name) else {
        let contract = plan.map_or("", |plan| plan.contract.contract.as_str());
        let message =
            format!("the contract `{}` does not fit the template {name}: {reason}", contract.escape_debug());
        let help = "give the contract the key, or bring a template of your own: `--templates`";
        return Diagnostic::error(Code::ProfileNotWhole, message).help(help);
    };
    let place = match error {
        RenderError::Template { place, .. } => place.clone(),
        RenderError::Contract { key, .. } => line_of(&file.text, key),
        _ => None,
    };
    let place = place.unwrap_or(0..0);
    let span =
        Span { source: file.source, start: place.start.min(file.text.len()), end: place.end.min(file.text.len()) };
    let message = format!("the template {name} is wrong: {reason}");
    let help = match error {
        RenderError::Contract { .. } => {
            "the contract's `keys` say what a role's config may have; add the key there if it is right"
        }
        _ => "docs/profiles.md says what a template may use",
    };
    Diagnostic::error(Code::TemplateWrong, message).at(span, "").help(help)
}

/// Where a template writes this key: the first line that begins with it.
fn line_of(text: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let starts = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start + line.len() - line.trim_start().len(), line.trim_start()))
    });
    let is_key = |line: &str| !key.is_empty() && line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    starts.into_iter().find(|(_, line)| is_key(line)).map(|(start, _)| start..start + key.len())
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_key_is_found_where_its_line_begins() {
        let text = "a:\n  bc: 1\n  b: 2\n";
        assert_eq!(line_of(text, "b"), Some(13..14));
        assert_eq!(line_of(text, "x"), None);
        assert_eq!(line_of(text, ""), None);
    }
}
