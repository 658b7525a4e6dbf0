//! Who must reach what over the network: the one port matrix behind the guest's firewall, security groups, tables and `plan`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::RoleKind;
use crate::profile::PortUser;

use super::{HostPlan, Plan};

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Hosts that have this role.
    Role(RoleKind),
    /// A balancer that is none of the hosts.
    OutsideBalancer,
    /// Cloudify's agents, on the machines that it manages.
    Agent,
    /// People and their programs.
    User,
}

impl Source {
    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Role(kind) => kind.as_str(),
            Self::OutsideBalancer => "outside_balancer",
            Self::Agent => "agent",
            Self::User => "user",
        }
    }

    /// Whether it is outside the cluster.
    #[must_use]
    pub const fn is_outside(self) -> bool {
        !matches!(self, Self::Role(_))
    }
}

impl Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A TCP port that somebody must reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PortRule {
    /// The role that listens.
    pub to: RoleKind,
    /// TCP port.
    pub port: u16,
    /// Who connects; never empty.
    pub from: Vec<Source>,
    /// What listens there.
    pub why: String,
}

/// The matrix of this cluster: the contract's, without roles that it has not.
#[must_use]
pub fn matrix(plan: &Plan) -> Vec<PortRule> {
    let roles = RoleKind::ALL.into_iter().filter(|kind| has(plan, *kind));
    let ports = roles.filter_map(|to| Some((to, plan.contract.roles.get(&to)?)));
    ports
        .flat_map(|(to, contract)| contract.ports.iter().map(move |port| (to, port)))
        .map(|(to, port)| PortRule {
            to,
            port: port.port,
            from: port.from.iter().filter_map(|user| source(plan, *user)).collect(),
            why: port.what.clone(),
        })
        .filter(|rule| !rule.from.is_empty())
        .collect()
}

/// The ports of one host, each once, and whether somebody outside the cluster needs it.
#[must_use]
pub fn of_host(plan: &Plan, host: &HostPlan) -> BTreeMap<u16, bool> {
    let mut open: BTreeMap<u16, bool> = BTreeMap::new();
    for rule in matrix(plan).into_iter().filter(|rule| host.has(rule.to)) {
        *open.entry(rule.port).or_default() |= rule.from.iter().any(|source| source.is_outside());
    }
    open
}

fn has(plan: &Plan, kind: RoleKind) -> bool {
    plan.hosts.iter().any(|host| host.has(kind))
}

/// Who that is in this cluster, if there is any.
fn source(plan: &Plan, user: PortUser) -> Option<Source> {
    let role = |kind| has(plan, kind).then_some(Source::Role(kind));
    match user {
        PortUser::Database => role(RoleKind::Database),
        PortUser::Broker => role(RoleKind::Broker),
        PortUser::Manager => role(RoleKind::Manager),
        PortUser::LoadBalancer if plan.members.balancers.is_empty() => {
            plan.balancer.is_some().then_some(Source::OutsideBalancer)
        }
        PortUser::LoadBalancer => role(RoleKind::LoadBalancer),
        PortUser::Agent => Some(Source::Agent),
        PortUser::User => Some(Source::User),
    }
}
