//! Who must reach what over the network: the one port matrix behind the guest's firewall, security groups, tables and `plan`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::{PublicAddress, RoleKind};
use crate::profile::PortUser;

use super::gate::Probe;
use super::{HostPlan, Plan};

/// Where an address without a port is asked.
const HTTPS: u16 = 443;
/// Patroni's REST, which the probe `database` asks (templates/guest/cfy-firstboot).
const PATRONI: u16 = 8008;
/// The management of RabbitMQ, which the probe `broker` asks.
const BROKER_MANAGEMENT: u16 = 15671;

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

impl PortRule {
    /// Who connects, each in `words`, for people.
    #[must_use]
    pub fn askers(&self, words: impl Fn(Source) -> &'static str) -> String {
        self.from.iter().map(|source| words(*source)).collect::<Vec<_>>().join(", ")
    }
}

/// The matrix of this cluster: the contract's, without roles that it has not, and with what the gates of this very list of
/// hosts ask beyond it, or they would never open behind a firewall.
#[must_use]
pub fn matrix(plan: &Plan) -> Vec<PortRule> {
    let mut rules = of_contract(plan);
    for asking in &plan.hosts {
        for role in &asking.roles {
            for (asked, port) in role.gate.iter().flat_map(|probe| asked(plan, probe)) {
                let serves = |rule: &PortRule| rule.port == port && asked.has(rule.to);
                let lets = |rule: &PortRule| {
                    rule.from.iter().any(|from| matches!(from, Source::Role(kind) if asking.has(*kind)))
                };
                if asked.ip != asking.ip
                    && !rules.iter().any(|rule| serves(rule) && lets(rule))
                    && let Some(rule) = rules.iter_mut().find(|rule| serves(rule))
                {
                    rule.from.push(Source::Role(role.kind));
                }
            }
        }
    }
    rules
}

/// The hosts and the port that a probe connects to; services elsewhere are none of the matrix.
fn asked<'p>(plan: &'p Plan, probe: &Probe) -> Vec<(&'p HostPlan, u16)> {
    let (ips, port) = match probe {
        Probe::Tcp { host: PublicAddress::Ip(ip), port, .. } => (vec![*ip], *port),
        Probe::Http { url, .. } => {
            let authority = url.split('/').nth(2).unwrap_or_default();
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, port.parse().unwrap_or(HTTPS)),
                None => (authority, HTTPS),
            };
            (host.parse().into_iter().collect(), port)
        }
        Probe::Database { ips, .. } => (ips.clone(), PATRONI),
        Probe::Broker { ip, .. } => (vec![*ip], BROKER_MANAGEMENT),
        Probe::Tcp { .. } | Probe::Unit { .. } => (Vec::new(), 0),
    };
    plan.hosts.iter().filter(|host| ips.contains(&host.ip)).map(|host| (host, port)).collect()
}

fn of_contract(plan: &Plan) -> Vec<PortRule> {
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
