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

use crate::diag::{Code, Diagnostic, Report, Sources, Span};
use crate::yaml::{self, Field, NodeKind, decode, mask, mask_secret_lines};

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
    let is_key = |word: &str| schema::keys().contains(word);
    let Some(node) = node else {
        sources.replace(id, mask_secret_lines(text, is_key));
        return Parsed { spec: None, place: start, report };
    };
    if node.kind == NodeKind::Null {
        sources.replace(id, mask_secret_lines(text, is_key));
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

#[cfg(test)]
mod tests;
