//! What one line of Cloudify versions accepts, needs, opens and leaves behind.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::names::{Credential, RoleKind};
use crate::yaml::NodeKind;

/// A contract file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Its name, such as `cloudify-7.0`.
    pub contract: String,
    /// The versions that it speaks for, as `major.minor`.
    pub versions: Vec<String>,
    /// The operating systems that the vendor supports these versions on; the first is the default.
    pub platforms: Vec<String>,
    /// Name of the installer's RPM.
    pub package: String,
    /// What templates ask for instead of comparing versions.
    pub features: Features,
    /// What a host must have.
    pub needs: Needs,
    /// What the installer needs of the operating system, by platform.
    pub packages: BTreeMap<String, Vec<String>>,
    /// What holds for each role.
    pub roles: BTreeMap<RoleKind, RoleContract>,
    /// Keys, dotted, that cfy-seed itself answers for, with all below them: what somebody who wants to set one is told.
    pub ours: BTreeMap<String, String>,
    /// Further keys, dotted, that `config:` of a spec may set.
    pub settings: BTreeMap<String, Setting>,
}

/// The features of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Features(BTreeMap<Feature, bool>);

impl Features {
    /// Whether the versions have this feature; what is not named they have not.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.0.get(&feature).copied().unwrap_or(false)
    }

    /// Every feature that is named, and whether they have it.
    #[must_use]
    pub const fn all(&self) -> &BTreeMap<Feature, bool> {
        &self.0
    }
}

/// A difference between versions, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// PostgreSQL wants client certificates.
    ClientVerification,
    /// And one for the superuser.
    SuperuserClient,
    /// Without an external certificate managers make one that nobody trusts.
    ExternalCertificate,
    /// `rabbitmq.is_external` exists.
    ExternalBroker,
    /// RabbitMQ's management listens on the loopback unless told otherwise.
    LocalManagement,
    /// `/api/v3.1/ok` answers without a login.
    OpenOk,
    /// LDAP is part of the installation.
    Ldap,
}

/// What a host must have before anything is installed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Memory in MiB.
    pub memory_mb: u32,
    /// Where the space must be.
    pub disk_path: String,
    /// Free space in MiB.
    pub disk_mb: u32,
}

/// What holds for one role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleContract {
    /// `services_to_install`.
    pub services: Vec<String>,
    /// The service whose markers prove that the role is installed.
    #[serde(default)]
    pub marker: Option<String>,
    /// The credentials that the role's config names.
    pub credentials: Vec<Credential>,
    /// Packages of the operating system that this role alone needs.
    #[serde(default)]
    pub packages: Vec<String>,
    /// What the vendor tells to plan for on a host that has it.
    pub size: Size,
    /// What it listens on.
    pub ports: Vec<Port>,
    /// What proves its health, by name.
    pub probes: BTreeMap<String, Probe>,
    /// The keys that its config may have, dotted; `*` stands for any one name.
    pub keys: BTreeMap<String, KeyRule>,
}

/// A port and who needs it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// TCP port.
    pub port: u16,
    /// Who asks.
    pub from: Vec<PortUser>,
    /// What listens there.
    pub what: String,
}

/// Who asks a port: a role, or somebody outside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortUser {
    /// Databases.
    Database,
    /// Brokers.
    Broker,
    /// Managers.
    Manager,
    /// The balancer, ours or another.
    LoadBalancer,
    /// Cloudify's agents, on the machines that it manages.
    Agent,
    /// People and their programs.
    User,
}

/// How large a machine should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mb: u32,
    /// The system's disk in GiB.
    pub disk_gb: u32,
}

impl Size {
    /// What a host needs that has both: processors add up, memory and disk are the larger ones. This gives the vendor's own
    /// figures for the three roles on one host (8, 16 GB, 64 GB; cloudify.md §5.1).
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            vcpus: self.vcpus.saturating_add(other.vcpus),
            memory_mb: self.memory_mb.max(other.memory_mb),
            disk_gb: self.disk_gb.max(other.disk_gb),
        }
    }
}

/// What to ask and what proves health: a port that accepts, or an address with status and body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// TCP port to connect to.
    #[serde(default)]
    pub port: Option<u16>,
    /// Address; `{ip}` stands for the peer's.
    #[serde(default)]
    pub url: Option<String>,
    /// Expected HTTP status.
    #[serde(default)]
    pub status: Option<u16>,
    /// Extended regular expression that the body must match.
    #[serde(default)]
    pub body: Option<String>,
    /// As whom to ask; without one, without a login.
    #[serde(default)]
    pub login: Option<Login>,
}

/// A user of Cloudify's own services as whom a probe asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Login {
    /// The manager's user `admin`.
    Admin,
    /// The user of `RabbitMQ`.
    Broker,
    /// The user of the monitoring endpoint.
    Monitoring,
}

/// What a key of a role's config must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRule {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: KeyType,
    /// Whether the install fails without it.
    #[serde(default)]
    pub required: bool,
    /// The dotted mapping that it is required in, where the config may lack that as a whole.
    #[serde(default)]
    pub within: Option<String>,
}

/// Types of config values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A list.
    List,
    /// A mapping with anything in it.
    Mapping,
}

impl KeyType {
    /// Whether a value is of this type.
    #[must_use]
    pub const fn fits(self, value: &NodeKind) -> bool {
        match self {
            Self::String => matches!(value, NodeKind::Text(_)),
            Self::Boolean => matches!(value, NodeKind::Bool(_)),
            Self::Integer => matches!(value, NodeKind::Int(_)),
            Self::List => matches!(value, NodeKind::List(_)),
            Self::Mapping => matches!(value, NodeKind::Map(_)),
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Boolean => "`true` or `false`",
            Self::Integer => "a whole number",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

/// A key that `config:` of a spec may set and that cfy-seed itself does not write.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: KeyType,
    /// The roles whose config has it.
    pub roles: Vec<RoleKind>,
}

impl Contract {
    /// Why `config:` may not set a key, as help: what else to do. `None` where it may.
    #[must_use]
    pub fn ours(&self, path: &[&str]) -> Option<&str> {
        let covering = self.ours.iter().filter(|(pattern, _)| covers(pattern, path));
        covering.max_by_key(|(pattern, _)| pattern.len()).map(|(_, instead)| instead.as_str())
    }

    /// The type of a key in a role's config; that of a mapping also for what is below it.
    #[must_use]
    pub fn key_type(&self, role: RoleKind, path: &[&str]) -> Option<KeyType> {
        let written = self.roles.get(&role).into_iter().flat_map(|contract| &contract.keys);
        let settings = self.settings.iter().filter(|(_, setting)| setting.roles.contains(&role));
        let all = written.map(|(key, rule)| (key, rule.kind)).chain(settings.map(|(key, s)| (key, s.kind)));
        let fits = |key: &str, kind| covers(key, path) && (kind == KeyType::Mapping || length(key) == path.len());
        // A key that is named goes before a mapping that would let everything through.
        all.filter(|(key, kind)| fits(key, *kind)).max_by_key(|(key, _)| length(key)).map(|(_, kind)| kind)
    }

    /// What a contract must have beyond its types, and this one has not.
    #[must_use]
    pub fn lacks(&self, is_platform: impl Fn(&str) -> bool) -> Vec<String> {
        let mut lacks = Vec::new();
        let line = |version: &str| {
            let parts: Vec<&str> = version.split('.').collect();
            parts.len() == 2 && parts.iter().all(|part| part.parse::<u16>().is_ok())
        };
        let versions = self.versions.iter().filter(|version| !line(version));
        lacks.extend(
            versions.map(|version| format!("`versions` has `{}`, not one such as `7.0`", version.escape_debug())),
        );
        for platform in &self.platforms {
            if !is_platform(platform) {
                lacks.push(format!("there is no platform `{}`", platform.escape_debug()));
            }
            if !self.packages.contains_key(platform) {
                lacks.push(format!("`packages` has no list for `{}`", platform.escape_debug()));
            }
        }
        let roles = RoleKind::ALL.iter().filter(|kind| !self.roles.contains_key(kind));
        lacks.extend(roles.map(|kind| format!("`roles.{}` is missing", kind.as_str())));
        lacks
    }

    /// The keys that `config:` may set for a role.
    pub fn settable(&self, role: RoleKind) -> impl Iterator<Item = &str> {
        let written = self.roles.get(&role).into_iter().flat_map(|contract| contract.keys.keys());
        let settings = self.settings.iter().filter(move |(_, setting)| setting.roles.contains(&role));
        let all = written.chain(settings.map(|(key, _)| key)).map(String::as_str);
        all.filter(|key| self.ours(&key.split('.').collect::<Vec<_>>()).is_none())
    }
}

fn length(pattern: &str) -> usize {
    pattern.split('.').count()
}

/// Whether a dotted pattern, in which `*` stands for any one name, is this path or the beginning of it.
#[must_use]
pub fn covers(pattern: &str, path: &[&str]) -> bool {
    length(pattern) <= path.len() && pattern.split('.').zip(path).all(|(p, name)| p == "*" || p == *name)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_one_name_and_a_key_for_what_is_below_it() {
        assert!(covers("a.*.ip", &["a", "db-1", "ip"]));
        assert!(covers("a", &["a", "b"]));
        assert!(!covers("a.*.ip", &["a", "ip"]));
        assert!(!covers("a.b", &["a.b"]));
        assert!(!covers("a", &["b"]));
    }
}
