//! The cluster manager's file as it was written.

use serde::Deserialize;

use crate::diag::{Code, Diagnostic, Report, Sources, Span};
use crate::names::{DatabaseName, DatabaseUser, DomainName, HostAddress, LdapUrl, PublicAddress, RoleKind, Secret};
use crate::yaml::{self, Field, Key, Mapping, Node, NodeKind, decode, mask, mask_secret_lines};

/// What its own tool logs in with; nobody logs in here.
const LOGIN: &[&str] = &["ssh_user", "ssh_password", "ssh_key_path", "machine_username", "key_file_path"];
/// Keys with which its lines begin, to tell where a secret ends in a text that is no YAML.
const KEYS: &[&str] = &[
    "existing_vms",
    "credentials",
    "ldap",
    "external_db_configuration",
    "ca_cert_path",
    "load_balancer_ip",
    "cloudify_license_path",
    "manager_rpm_path",
    "manager_rpm_download_link",
    "private_ip",
    "public_ip",
    "hostname",
    "cert_path",
    "key_path",
    "config_path",
    "username",
];

/// With three machines, the keys of their configs.
const CONFIGS: &[(&str, RoleKind)] = &[
    ("postgresql_config_path", RoleKind::Database),
    ("rabbitmq_config_path", RoleKind::Broker),
    ("manager_config_path", RoleKind::Manager),
];

/// The file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Vendor {
    pub(super) cloudify_license_path: Field<String>,
    pub(super) manager_rpm_path: Field<String>,
    /// The name of `manager_rpm_path` up to 1.0.8.
    pub(super) manager_rpm_download_link: Field<String>,
    pub(super) ldap: Field<Ldap>,
    pub(super) ca_cert_path: Field<String>,
    /// No version of the tool documents it; its own configs have it, and files of users do.
    pub(super) ca_key_path: Field<String>,
    pub(super) load_balancer_ip: Field<PublicAddress>,
    pub(super) existing_vms: Field<Mapping>,
    pub(super) external_db_configuration: Field<ExternalDatabase>,
    pub(super) credentials: Field<Credentials>,
    /// The machines of `existing_vms`, in the order in which they are written.
    #[serde(skip)]
    pub(super) vms: Vec<(Key, Vm)>,
}

/// One machine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Vm {
    pub(super) private_ip: Field<HostAddress>,
    pub(super) public_ip: Field<PublicAddress>,
    pub(super) hostname: Field<String>,
    pub(super) cert_path: Field<String>,
    pub(super) key_path: Field<String>,
    /// A path, or with three machines a path for each role.
    pub(super) config_path: Option<Node>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ldap {
    pub server: Field<LdapUrl>,
    pub domain: Field<DomainName>,
    pub is_active_directory: Field<bool>,
    pub ca_cert: Field<String>,
    pub username: Field<String>,
    pub password: Field<Secret>,
    pub dn_extra: Field<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExternalDatabase {
    pub host: Field<String>,
    pub ca_path: Field<String>,
    pub server_db_name: Field<DatabaseName>,
    pub server_username: Field<DatabaseUser>,
    pub server_password: Field<Secret>,
    pub cloudify_db_name: Field<DatabaseName>,
    pub cloudify_username: Field<DatabaseUser>,
    pub cloudify_password: Field<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Credentials {
    pub manager: Field<ManagerCredentials>,
    pub postgresql: Field<DatabaseCredentials>,
    pub rabbitmq: Field<BrokerCredentials>,
    pub prometheus: Field<Login>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ManagerCredentials {
    pub admin_username: Field<String>,
    pub admin_password: Field<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct DatabaseCredentials {
    pub postgres_password: Field<Secret>,
    pub cluster: Field<ClusterCredentials>,
    pub db_monitoring: Field<Login>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterCredentials {
    pub etcd: Field<EtcdCredentials>,
    pub patroni: Field<PatroniCredentials>,
    pub postgres: Field<ReplicationCredentials>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EtcdCredentials {
    pub cluster_token: Field<Secret>,
    pub root_password: Field<Secret>,
    pub patroni_password: Field<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct PatroniCredentials {
    pub rest_user: Field<String>,
    pub rest_password: Field<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicationCredentials {
    pub replicator_password: Field<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct BrokerCredentials {
    pub username: Field<String>,
    pub password: Field<Secret>,
    pub erlang_cookie: Field<Secret>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Login {
    pub username: Field<String>,
    pub password: Field<Secret>,
}

/// What a named file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileUse {
    /// The licence.
    License,
    /// The installer, where it is a file.
    Installer,
    /// The certificate of the CA that signed the external database's.
    DatabaseCa,
    /// The certificate of the CA that signed the directory's.
    LdapCa,
    /// The certificate of the CA that signed the hosts'.
    Ca,
    /// The key of that CA.
    CaKey,
    /// The certificate of the n-th machine.
    Certificate(usize),
    /// The key of the n-th machine.
    Key(usize),
    /// A config of a role of the n-th machine.
    Config(usize, RoleKind),
}

/// A file that the vendor's file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// What for.
    pub usage: FileUse,
    /// Its path as it is written.
    pub path: String,
    /// Where.
    pub span: Span,
}

/// What came out of reading.
#[derive(Debug)]
pub struct Read {
    /// The file; bad values are marked. `None` where it is none of the cluster manager's.
    pub vendor: Option<Vendor>,
    /// What was found.
    pub report: Report,
}

/// Reads the text. It goes into `sources` with its secrets blanked out, so that no excerpt shows one.
#[must_use]
pub fn read(name: &str, text: &str, sources: &mut Sources) -> Read {
    let id = sources.add(name, "*".repeat(text.len()));
    let start = Span { source: id, start: 0, end: 0 };
    let (node, found) = yaml::parse(text, id);
    let mut report: Report = found.into_iter().collect();
    let is_key = |word: &str| KEYS.contains(&word);
    let Some(mut node) = node else {
        sources.replace(id, mask_secret_lines(text, is_key));
        return Read { vendor: None, report };
    };
    let has_machines = node.get("existing_vms").is_some();
    without_blanks(&mut node);
    let mut secrets = login(&mut node, &mut report);
    let decoded = decode::decode::<Vendor>(&node);
    secrets.extend(decoded.secrets);
    report.extend(decoded.report.iter().cloned().map(unknown_key).collect());
    let mut vendor = decoded.value.filter(|_| has_machines);
    if let Some(vendor) = &mut vendor {
        machines(vendor, &mut secrets, &mut report);
    } else {
        let message = "this is no configuration of the cluster manager: it has no `existing_vms`";
        let foreign = Diagnostic::error(Code::VendorForeign, message).at(start, "");
        report.push(foreign.help("name the file that `cfy_cluster_manager generate-config` wrote and you filled in"));
    }
    let shown = if vendor.is_some() { mask(text, &secrets, id) } else { mask_secret_lines(text, is_key) };
    sources.replace(id, shown);
    Read { vendor, report }
}

/// Takes out what is written and empty: the tool writes every key with `''` for people to fill in.
pub(super) fn without_blanks(node: &mut Node) {
    let NodeKind::Map(entries) = &mut node.kind else { return };
    for (key, value) in entries.iter_mut() {
        if key.text == "existing_vms" {
            machines_without_blanks(value);
            continue;
        }
        without_blanks(value);
        // PyYAML, which the tool reads the file with, takes these words of YAML 1.1 for booleans.
        if let (NodeKind::Text(word), "is_active_directory") = (&value.kind, key.text.as_str()) {
            match word.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => value.kind = NodeKind::Bool(true),
                "false" | "no" | "off" => value.kind = NodeKind::Bool(false),
                _ => {}
            }
        }
    }
    let blank = |value: &Node| match &value.kind {
        NodeKind::Null => true,
        NodeKind::Text(text) => text.trim().is_empty(),
        NodeKind::Map(entries) => entries.is_empty(),
        _ => false,
    };
    entries.retain(|(_, value)| !blank(value));
}

/// As [`without_blanks`], but a machine stays of which nothing is filled in: how many there are says what they run.
fn machines_without_blanks(node: &mut Node) {
    let NodeKind::Map(entries) = &mut node.kind else { return };
    entries.iter_mut().for_each(|(_, machine)| without_blanks(machine));
}

/// Takes out how the tool logs in, and says why. Gives the places of what is secret in it.
fn login(node: &mut Node, report: &mut Report) -> Vec<Span> {
    let NodeKind::Map(entries) = &mut node.kind else { return Vec::new() };
    let (taken, kept): (Vec<_>, Vec<_>) =
        std::mem::take(entries).into_iter().partition(|(key, _)| LOGIN.contains(&key.text.as_str()));
    *entries = kept;
    if let Some((key, _)) = taken.first() {
        let names: Vec<String> = taken.iter().map(|(key, _)| format!("`{}`", key.text)).collect();
        let message = format!("{} not needed: nobody logs in to install", is_or_are(&names));
        let note = Diagnostic::note(Code::VendorNotCarried, message).at(key.span, "left out");
        report.push(note.help("hosts install themselves; who may log in later is `access` in the spec"));
    }
    taken.iter().filter(|(key, _)| key.text == "ssh_password").map(|(_, value)| value.span).collect()
}

/// So many words, with the verb that fits.
pub(super) fn is_or_are(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// A key that nobody knows is not carried over; it stops nothing, as it stopped nothing there.
fn unknown_key(found: Diagnostic) -> Diagnostic {
    if found.code != Code::UnknownKey {
        return found;
    }
    Diagnostic { code: Code::VendorNotCarried, severity: crate::diag::Severity::Warning, ..found }
}

/// Decodes the machines, whose names are keys.
fn machines(vendor: &mut Vendor, secrets: &mut Vec<Span>, report: &mut Report) {
    let Some(entries) = vendor.existing_vms.get() else { return };
    for (key, node) in &entries.entries {
        let decoded = decode::decode::<Vm>(node);
        secrets.extend(decoded.secrets);
        report.extend(decoded.report.iter().cloned().map(unknown_key).collect());
        vendor.vms.push((key.clone(), decoded.value.unwrap_or_default()));
    }
}

impl Vendor {
    /// The installer: where it is, whatever the key is called.
    pub(super) fn installer(&self) -> &Field<String> {
        if self.manager_rpm_path.is_absent() { &self.manager_rpm_download_link } else { &self.manager_rpm_path }
    }

    /// The files that must be looked at.
    #[must_use]
    pub fn files(&self) -> Vec<NamedFile> {
        let ldap = self.ldap.get().filter(|ldap| !ldap.server.is_absent());
        let database = self.external_db_configuration.get();
        let installer = self.installer().spanned().filter(|(path, _)| !path.contains("://"));
        let own = [
            (FileUse::License, self.cloudify_license_path.spanned()),
            (FileUse::Installer, installer),
            (FileUse::DatabaseCa, database.and_then(|database| database.ca_path.spanned())),
            (FileUse::LdapCa, ldap.and_then(|ldap| ldap.ca_cert.spanned())),
            (FileUse::Ca, self.ca_cert_path.spanned()),
            (FileUse::CaKey, self.ca_key_path.spanned()),
        ];
        let mut files: Vec<NamedFile> = own
            .into_iter()
            .filter_map(|(usage, file)| file.map(|(path, span)| NamedFile { usage, path: path.clone(), span }))
            .collect();
        for (at, (_, vm)) in self.vms.iter().enumerate() {
            let pair = [(FileUse::Certificate(at), &vm.cert_path), (FileUse::Key(at), &vm.key_path)];
            // Without a CA the tool does not look at them either.
            for (usage, field) in pair.into_iter().filter(|_| !self.ca_cert_path.is_absent()) {
                files.extend(field.spanned().map(|(path, span)| NamedFile { usage, path: path.clone(), span }));
            }
            files.extend(vm.configs(at, self));
        }
        files
    }
}

impl Vm {
    /// The configs of its own that a machine brings.
    fn configs(&self, at: usize, vendor: &Vendor) -> Vec<NamedFile> {
        let Some(node) = &self.config_path else { return Vec::new() };
        let named = |role, node: &Node| match &node.kind {
            NodeKind::Text(path) => {
                Some(NamedFile { usage: FileUse::Config(at, role), path: path.clone(), span: node.span })
            }
            _ => None,
        };
        match &node.kind {
            NodeKind::Map(_) if vendor.is_compact() => {
                CONFIGS.iter().filter_map(|(key, role)| named(*role, node.get(key)?)).collect()
            }
            _ => vendor.role_of(at).and_then(|role| named(role, node)).into_iter().collect(),
        }
    }
}

impl Vendor {
    /// Says which sections and values nobody looks at, as the tool does not either.
    pub(super) fn unused(&self, report: &mut Report) {
        let mut unused = |span: Span, message: &str, help: &str| {
            let found = Diagnostic::warning(Code::VendorNotCarried, message).at(span, "left out");
            report.push(found.help(help));
        };
        for (_, vm) in &self.vms {
            let Some(node) = &vm.config_path else { continue };
            match &node.kind {
                NodeKind::Map(entries) if self.is_compact() => {
                    let known = |key: &Key, value: &Node| {
                        CONFIGS.iter().any(|(known, _)| *known == key.text) && matches!(value.kind, NodeKind::Text(_))
                    };
                    for (key, _) in entries.iter().filter(|(key, value)| !known(key, value)) {
                        unused(
                            key.span,
                            "this names no config",
                            "known are `manager_config_path`, `postgresql_config_path` and `rabbitmq_config_path`",
                        );
                    }
                }
                NodeKind::Text(_) if !self.is_compact() => {}
                _ if self.is_compact() => {
                    unused(
                        node.span,
                        "with three machines `config_path` names a file for each role",
                        "write a mapping with `manager_config_path` and so on",
                    );
                }
                _ => unused(node.span, "a machine with one role has one config", "write its path as `config_path`"),
            }
        }
        if let Some((ldap, _)) = self.ldap.spanned().filter(|(ldap, _)| ldap.server.is_absent()) {
            let spans = [
                ldap.domain.span(),
                ldap.ca_cert.span(),
                ldap.username.span(),
                ldap.password.span(),
                ldap.dn_extra.span(),
            ];
            if let Some(span) = spans.into_iter().flatten().next() {
                unused(span, "`ldap` without `server` is not used", "name the server, or leave the section empty");
            }
        }
        if let (Some(span), true) = (self.ca_key_path.span(), self.ca_cert_path.is_absent()) {
            unused(span, "`ca_key_path` without `ca_cert_path` is not used", "name the certificate of this CA too");
        }
    }
}
