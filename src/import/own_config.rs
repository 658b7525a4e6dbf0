//! A machine's own `config.yaml` that `config_path` names: what of it is the operator's, and what cfy-seed makes itself.

use crate::diag::{Code, Diagnostic, Report, Sources, Span};
use crate::names::{Credential, RoleKind, Secret};
use crate::profile::Contract;
use crate::yaml::{self, Key, Mapping, Node, NodeKind, decode, mask, mask_secret_lines};

use super::vendor::{NamedFile, is_or_are, without_blanks};

/// What a config says that goes on.
#[derive(Debug, Default)]
pub(super) struct OwnConfig {
    /// Settings for `config` of the spec.
    pub settings: Mapping,
    /// Credentials, for the vault.
    pub credentials: Vec<(Credential, Secret, Span)>,
}

/// Reads a config of a role; nothing where it is no YAML, which is reported.
pub(super) fn read(
    named: &NamedFile,
    role: RoleKind,
    text: &str,
    contract: &Contract,
    (sources, report): (&mut Sources, &mut Report),
) -> Option<OwnConfig> {
    let id = sources.add(named.path.as_str(), "*".repeat(text.len()));
    let (node, found) = yaml::parse(text, id);
    report.extend(found.into_iter().collect());
    let hidden =
        || mask_secret_lines(text, |word| contract.settings.keys().any(|key| key.split('.').any(|p| p == word)));
    let Some(mut node) = node else {
        sources.replace(id, hidden());
        return None;
    };
    let decoded = decode::decode::<Mapping>(&node);
    report.extend(decoded.report);
    sources.replace(id, mask(text, &decoded.secrets, id));
    without_blanks(&mut node);
    let NodeKind::Map(entries) = &node.kind else { return Some(OwnConfig::default()) };
    let mut sorter = Sorter { role, contract, report, credentials: Vec::new(), ours: Vec::new() };
    let settings = Mapping { entries: sorter.entries(entries, &mut Vec::new()) };
    let Sorter { credentials, ours, .. } = sorter;
    if !ours.is_empty() {
        let message = format!("{} made by cfy-seed itself", is_or_are(&ours));
        let note = Diagnostic::note(Code::VendorNotCarried, message).at(named.span, "in this config");
        report
            .push(note.help("what they said is not looked at; `cfy-seed explain CFY-P047` says what to use instead"));
    }
    Some(OwnConfig { settings, credentials })
}

struct Sorter<'a> {
    role: RoleKind,
    contract: &'a Contract,
    report: &'a mut Report,
    credentials: Vec<(Credential, Secret, Span)>,
    /// Keys that cfy-seed answers for.
    ours: Vec<String>,
}

impl Sorter<'_> {
    /// The settings among these entries that `config` of a spec may have.
    fn entries<'n>(&mut self, entries: &'n [(Key, Node)], path: &mut Vec<&'n str>) -> Vec<(Key, Node)> {
        let mut kept = Vec::new();
        for (key, value) in entries {
            path.push(&key.text);
            if let Some(value) = self.entry(key, value, path) {
                kept.push((key.clone(), value));
            }
            path.pop();
        }
        kept
    }

    fn entry<'n>(&mut self, key: &Key, value: &'n Node, path: &mut Vec<&'n str>) -> Option<Node> {
        if let Some(credential) = credential(&path.join(".")) {
            match &value.kind {
                NodeKind::Text(text) => self.credentials.push((credential, Secret::new(text.as_str()), value.span)),
                _ => self.report.push(
                    Diagnostic::error(Code::WrongType, "expected a secret as text")
                        .at(value.span, "")
                        .help("put it in quotes, so that it stays text"),
                ),
            }
            return None;
        }
        if let NodeKind::Map(below) = &value.kind
            && self.contract.key_type(self.role, path).is_none()
        {
            let below = self.entries(below, path);
            return (!below.is_empty()).then(|| Node { kind: NodeKind::Map(below), ..value.clone() });
        }
        if self.contract.ours(path).is_some() {
            self.ours.push(format!("`{}`", path.join(".").escape_debug()));
            return None;
        }
        match self.contract.key_type(self.role, path) {
            Some(kind) if kind.fits(&value.kind) => Some(value.clone()),
            found => {
                let why = if found.is_some() { "is not of the type" } else { "is no setting" };
                let message = format!("`{}` {why} that this version has", path.join(".").escape_debug());
                let left = Diagnostic::warning(Code::VendorNotCarried, message).at(key.span, "left out");
                self.report.push(left.help("if it is right, add it to `config`, and its name to `config_allow`"));
                None
            }
        }
    }
}

/// The credential that this setting is (cloudify.md §1.2).
fn credential(path: &str) -> Option<Credential> {
    use Credential as C;
    Some(match path {
        "manager.security.admin_password" => C::AdminPassword,
        "postgresql_server.postgres_password" | "postgresql_client.server_password" => C::PostgresPassword,
        "postgresql_client.cloudify_password" => C::CloudifyDbPassword,
        "postgresql_server.cluster.etcd.cluster_token" => C::EtcdClusterToken,
        "postgresql_server.cluster.etcd.root_password" => C::EtcdRootPassword,
        "postgresql_server.cluster.etcd.patroni_password" => C::EtcdPatroniPassword,
        "postgresql_server.cluster.patroni.rest_password" => C::PatroniRestPassword,
        "postgresql_server.cluster.postgres.replicator_password" => C::ReplicatorPassword,
        "postgresql_server.db_monitoring.password" => C::DbMonitoringPassword,
        "rabbitmq.password" => C::RabbitmqPassword,
        "rabbitmq.erlang_cookie" => C::ErlangCookie,
        "prometheus.credentials.password" => C::PrometheusPassword,
        _ => return None,
    })
}
