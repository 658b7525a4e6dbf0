//! What a host runs, and how large its keys are.

use serde::{Deserialize, Serialize};

/// What is installed in one go, with a config of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleKind {
    /// PostgreSQL, Patroni, etcd.
    Database,
    /// RabbitMQ.
    Broker,
    /// Cloudify Manager.
    Manager,
    /// All three from one config.
    AllInOne,
    /// HAProxy.
    LoadBalancer,
}

impl RoleKind {
    /// All, in the order of installation.
    pub const ALL: [Self; 5] = [Self::Database, Self::Broker, Self::Manager, Self::AllInOne, Self::LoadBalancer];

    /// The name on the guest: of the unit, the gate and the config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Broker => "broker",
            Self::Manager => "manager",
            Self::AllInOne => "all_in_one",
            Self::LoadBalancer => "load_balancer",
        }
    }

    /// Whether Cloudify's installer installs it.
    #[must_use]
    pub const fn is_cloudify(self) -> bool {
        !matches!(self, Self::LoadBalancer)
    }
}

/// RSA key sizes. Only RSA works with Cloudify, for hosts and for the CA (cloudify.md §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub enum RsaSize {
    /// 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}
