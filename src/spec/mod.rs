//! What the user WROTE.
//!
//! In: the text of a `cluster.yaml`. Out: a [`Spec`] whose every value knows its place, and a report. May not: fill in
//! defaults or judge what belongs together; that is `plan`'s.

mod reference;
mod schema;
mod v1;

pub use reference::reference;
pub use schema::json_schema;
pub use v1::{
    Access, ApiVersion, ByRole, Cloudify, Credentials, Edition, External, ExternalBroker, ExternalDatabase,
    ExternalMember, ExtraFile, FirstBoot, Host, HostNetwork, Ldap, LoadBalancer, Network, OsPackages, PackagesFrom,
    Pki, Repo, Role, Rpm, Spec,
};

use crate::diag::{Code, Diagnostic, Report, SourceId, Sources, Span};
use crate::yaml::{self, Field, NodeKind, decode};

/// What came out of reading a spec.
#[derive(Debug)]
pub struct Parsed {
    /// The spec; its bad values are marked. `None` where there is no mapping to speak of.
    pub spec: Option<Spec>,
    /// The place of the whole document.
    pub place: Span,
    /// What was found.
    pub report: Report,
}

/// Reads a spec. The text goes into `sources` with its secrets blanked out, so that no excerpt shows one.
#[must_use]
pub fn parse(name: &str, text: &str, sources: &mut Sources) -> Parsed {
    // Nothing of it can be shown before it is known what of it is secret.
    let id = sources.add(name, "*".repeat(text.len()));
    let start = Span { source: id, start: 0, end: 0 };
    let (node, found) = yaml::parse(text, id);
    let mut report: Report = found.into_iter().collect();
    let Some(node) = node else {
        sources.replace(id, mask_secret_lines(text));
        return Parsed { spec: None, place: start, report };
    };
    if node.kind == NodeKind::Null {
        sources.replace(id, mask_secret_lines(text));
        let empty = Diagnostic::error(Code::MissingKey, "the spec is empty").at(start, "");
        report.push(empty.help("`cfy-seed init` writes one to start from"));
        return Parsed { spec: None, place: start, report };
    }
    let decoded = decode::decode::<Spec>(&node);
    sources.replace(id, mask(text, &decoded.secrets, id));
    let version = node.get("apiVersion").map(|node| node.span);
    report.extend(decoded.report.iter().cloned().map(|found| of_version(found, version)).collect());
    if let Some(spec) = &decoded.value {
        require(&mut report, &spec.api_version, "apiVersion", "apiVersion: cfy-seed/v1", node.span);
    }
    Parsed { spec: decoded.value, place: node.span, report }
}

/// A word that is not known as `apiVersion` belongs to another version of cfy-seed.
fn of_version(mut found: Diagnostic, version: Option<Span>) -> Diagnostic {
    let at = found.labels.first().map(|label| label.span);
    if found.code == Code::UnknownWord && at.is_some() && at == version {
        found.code = Code::UnknownApiVersion;
        found.message = "this `apiVersion` is not one that this cfy-seed reads".into();
    }
    found
}

/// Reports a key that must be there and is not. `example` is what could be written.
pub fn require<T>(report: &mut Report, field: &Field<T>, key: &str, example: &str, parent: Span) {
    if field.is_absent() {
        let missing = Diagnostic::error(Code::MissingKey, format!("the key `{key}` is missing"));
        report.push(missing.at(parent, "in this mapping").help(format!("add `{example}`")));
    }
}

/// Blanks out the given places, byte for byte, so that all other places stay where they are.
fn mask(text: &str, secrets: &[Span], id: SourceId) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in secrets.iter().filter(|span| span.source == id) {
        let (start, end) = whole_value(text, span.start, span.end);
        for byte in bytes.get_mut(start..end).into_iter().flatten() {
            if *byte != b'\n' {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// A secret's place, with what a slip of the finger makes of it: an anchor or tag before it, a comment behind it.
fn whole_value(text: &str, start: usize, end: usize) -> (usize, usize) {
    let end = end.min(text.len());
    let start = start.min(end);
    let (Some(before), Some(behind)) = (text.get(..start), text.get(end..)) else { return (0, text.len()) };
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let key = [": ", ":\t"].iter().filter_map(|colon| before[line..].rfind(colon)).max();
    let first = key.map_or(start, |at| line + at + 2);
    let rest = behind.split('\n').next().unwrap_or_default();
    let comment = start == end || rest.trim_start().starts_with('#');
    (first, if comment { end + rest.len() } else { end })
}

/// Blanks out what stands behind a key that sounds like a secret, and what is indented below it. For texts that could
/// not be parsed, whose secrets are therefore not known by type.
fn mask_secret_lines(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut above: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        // A text that lost its quotes or its indentation goes on until something else begins.
        if above.is_some_and(|above| indent <= above && begins_entry(line)) {
            above = None;
        }
        let from = if above.is_some() { Some(0) } else { behind_secret_key(line) };
        if from.is_some() && above.is_none() {
            above = Some(indent);
        }
        let (shown, hidden) = line.split_at(from.unwrap_or(line.len()));
        masked.push_str(shown);
        masked.extend(hidden.chars().flat_map(|c| match c {
            ' ' | '\t' | '\r' | '\n' => std::iter::repeat_n(c, 1),
            other => std::iter::repeat_n('*', other.len_utf8()),
        }));
    }
    masked
}

/// Whether a line begins an entry of a mapping with a key that specs have: another word may be what a slip made of a
/// secret's key. An entry of a list is none here, because a dash may be a slip before a secret.
fn begins_entry(line: &str) -> bool {
    let entry = line.trim_start().split_once(':');
    entry.is_some_and(|(key, rest)| schema::keys().contains(key) && rest.starts_with(char::is_whitespace))
}

/// Where the value begins that stands behind the first key of a line that sounds like a secret.
fn behind_secret_key(line: &str) -> Option<usize> {
    let line = line.to_ascii_lowercase();
    let key = decode::SECRET_WORDS.iter().filter_map(|word| line.find(word)).min()?;
    line[key..].find(':').map(|colon| key + colon + 1)
}

#[cfg(test)]
mod tests;
