//! One host's part of a plan.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::{HostAddress, HostName, InterfaceName, MacAddress, NetworkName, PublicAddress, RoleKind};
use crate::profile::Size;

use super::gate::Probe;

/// What a role does after an install that failed or was interrupted (gates.md §2, cloudify.md §3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// The same install again.
    Rerun,
    /// A database: look after etcd's authentication lock at these members, then the same install again.
    Database(Vec<HostAddress>),
    /// The first broker: keep its data where one of these has joined already.
    BrokerFirst(Vec<Member>),
    /// A joining broker: keep its data where it has joined already, else be forgotten by one of these peers first.
    BrokerJoin(Vec<Member>),
    /// A first manager: drop what it left half-made in the databases of these members, or of its own host where there are
    /// none.
    ManagerFirst(Vec<HostAddress>),
    /// A first manager whose database is somebody else's: stop and say what a person must do.
    Stop,
}

/// A host as others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Short name.
    pub name: HostName,
    /// Address inside the cluster.
    pub ip: HostAddress,
    /// Its addresses in further networks, by their names.
    pub networks: BTreeMap<NetworkName, HostAddress>,
}

/// Who has which role, in order of installation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Databases.
    pub databases: Vec<Member>,
    /// Brokers.
    pub brokers: Vec<Member>,
    /// Managers.
    pub managers: Vec<Member>,
    /// Balancers.
    pub balancers: Vec<Member>,
}

impl Members {
    /// The hosts of a role, in order of installation; an all-in-one has no peers.
    #[must_use]
    pub fn of(&self, kind: RoleKind) -> &[Member] {
        match kind {
            RoleKind::Database => &self.databases,
            RoleKind::Broker => &self.brokers,
            RoleKind::Manager => &self.managers,
            RoleKind::LoadBalancer => &self.balancers,
            RoleKind::AllInOne => &[],
        }
    }
}

/// One role on one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePlan {
    /// Which.
    pub kind: RoleKind,
    /// Place among the hosts of this role, from 1.
    pub index: usize,
    /// What must hold before it is installed.
    pub gate: Vec<Probe>,
    /// What must hold afterwards.
    pub health: Vec<Probe>,
    /// What happens after a failure.
    pub recovery: Recovery,
}

/// A network card that carries an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub interface: InterfaceName,
    /// Its MAC address, where it is found by that.
    pub mac: Option<MacAddress>,
    /// Whether DHCP gives the address.
    pub dhcp: bool,
    /// Length of the network prefix.
    pub prefix: u8,
    /// Default gateway, if there is one.
    pub gateway: Option<HostAddress>,
}

/// A network beside the one that every host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherNetwork {
    /// Its name, the same on all hosts.
    pub name: NetworkName,
    /// The host's address in it.
    pub ip: HostAddress,
    /// The card; without a gateway, because the way to everywhere else is the first card's.
    pub link: Link,
}

/// Why a host will refuse to start installing: known at build time, told by the host in its PREFLIGHT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The very code that `check` gave.
    pub code: crate::diag::Code,
    /// What is wrong.
    pub cause: String,
    /// What to do.
    pub fix: String,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPlan {
    /// Short name.
    pub name: HostName,
    /// Name with domain; the short name where there is no domain.
    pub fqdn: String,
    /// Address inside the cluster.
    pub ip: HostAddress,
    /// Where it is reached from outside.
    pub public: PublicAddress,
    /// The network card that carries `ip`.
    pub link: Link,
    /// Further networks, in the spec's order.
    pub networks: Vec<FurtherNetwork>,
    /// Its roles in the order in which they are installed.
    pub roles: Vec<RolePlan>,
    /// How large the machine should be.
    pub size: Size,
    /// Packages of the operating system that must be there.
    pub packages: Vec<String>,
    /// Known at build time: it cannot work so.
    pub refusals: Vec<Refusal>,
}

impl HostPlan {
    /// Whether it has this role.
    #[must_use]
    pub fn has(&self, kind: RoleKind) -> bool {
        self.roles.iter().any(|role| role.kind == kind)
    }

    /// The names of its roles, in the order in which they are installed.
    #[must_use]
    pub fn role_names(&self) -> Vec<&'static str> {
        self.roles.iter().map(|role| role.kind.as_str()).collect()
    }

    /// Whether it uploads the licence: the first manager does.
    #[must_use]
    pub fn uploads_license(&self) -> bool {
        self.roles.iter().any(|role| match role.kind {
            RoleKind::Manager => role.index == 1,
            RoleKind::AllInOne => true,
            _ => false,
        })
    }

    /// Whether it runs a manager, alone or beside everything else.
    #[must_use]
    pub fn manages(&self) -> bool {
        self.has(RoleKind::Manager) || self.has(RoleKind::AllInOne)
    }

    /// Whether Cloudify's RPM is installed on it.
    #[must_use]
    pub fn installs_cloudify(&self) -> bool {
        self.roles.iter().any(|role| role.kind.is_cloudify())
    }
}
