//! What one line of Cloudify versions accepts, needs, opens and leaves behind.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::names::{Credential, RoleKind};

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
    /// Roles, `agent` or `user`.
    pub from: Vec<String>,
    /// What listens there.
    pub what: String,
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
    /// A list.
    List,
}
