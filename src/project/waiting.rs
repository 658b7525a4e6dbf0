//! Whom a host waits for, by name and in words.

use serde::Serialize;

use crate::names::{HostAddress, PublicAddress, RoleKind};
use crate::plan::gate::Probe;
use crate::plan::{HostPlan, Plan, RolePlan};

/// A role of a host that another one waits for, or a service that no host installs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Peer {
    /// The host's name, or the service's address.
    pub name: String,
    /// The role there; nothing for a service that no host installs.
    pub role: Option<&'static str>,
}

/// Whom a host waits for before it installs a role, each once. The probe of the databases asks all of them; what it waits for is
/// done by those before it, or two of them would wait for each other.
pub(super) fn waits_on(role: &RolePlan, plan: &Plan) -> Vec<Peer> {
    let later: Vec<&str> =
        plan.members.of(role.kind).iter().skip(role.index - 1).map(|member| member.name.as_str()).collect();
    let mut all: Vec<Peer> = role.gate.iter().flat_map(|probe| peers(probe, plan)).collect();
    all.retain(|peer| peer.role != Some(role.kind.as_str()) || !later.contains(&peer.name.as_str()));
    all.sort();
    all.dedup();
    all
}

/// Whom a probe asks.
fn peers(probe: &Probe, plan: &Plan) -> Vec<Peer> {
    let of = |role: RoleKind, names: Vec<String>| -> Vec<Peer> {
        names.into_iter().map(|name| Peer { name, role: Some(role.as_str()) }).collect()
    };
    let host = |ip: &HostAddress| plan.hosts.iter().find(|host| host.ip == *ip);
    match probe {
        Probe::Database { ips, .. } => {
            of(RoleKind::Database, ips.iter().filter_map(host).map(|host| host.name.to_string()).collect())
        }
        Probe::Broker { names, .. } => of(RoleKind::Broker, names.clone()),
        Probe::Tcp { host: PublicAddress::Ip(ip), port, .. } if host(ip).is_some() => {
            host(ip).into_iter().map(|host| peer(host, *port, plan)).collect()
        }
        Probe::Tcp { host, .. } => vec![Peer { name: host.to_string(), role: None }],
        Probe::Http { url, .. } => {
            let (address, port) = authority(url);
            let asked = plan.hosts.iter().find(|host| host.ip.to_string() == address);
            vec![asked.map_or_else(|| Peer { name: address.to_owned(), role: None }, |host| peer(host, port, plan))]
        }
        Probe::Unit { .. } => Vec::new(),
    }
}

/// Address and port of a URL, those of HTTPS where it has none.
fn authority(url: &str) -> (&str, u16) {
    let authority = url.split('/').nth(2).unwrap_or_default();
    let (address, port) = authority.split_once(':').unwrap_or((authority, "443"));
    (address, port.parse().unwrap_or_default())
}

/// The role of a host that listens on this port.
fn peer(host: &HostPlan, port: u16, plan: &Plan) -> Peer {
    let listens = |role: &&RolePlan| {
        plan.contract.roles.get(&role.kind).is_some_and(|contract| contract.ports.iter().any(|p| p.port == port))
    };
    Peer { name: host.name.to_string(), role: host.roles.iter().find(listens).map(|role| role.kind.as_str()) }
}

/// A probe in words, peers by name.
pub(super) fn words(probe: &Probe, plan: &Plan) -> String {
    let name = |ip: &HostAddress| {
        plan.hosts.iter().find(|host| host.ip == *ip).map_or_else(|| ip.to_string(), |host| host.name.to_string())
    };
    match probe {
        Probe::Tcp { host: PublicAddress::Ip(ip), port, .. } => format!("port {port} of {}", name(ip)),
        Probe::Tcp { host: PublicAddress::Name(name), port, .. } => format!("port {port} of {name}"),
        Probe::Http { url, .. } => {
            let (address, _) = authority(url);
            let host = plan.hosts.iter().find(|host| host.ip.to_string() == address);
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            host.map_or_else(|| url.clone(), |host| format!("/{path} of {}", host.name))
        }
        Probe::Database { need, .. } => {
            format!("a leader, a synchronous standby and {need} streaming among the databases")
        }
        Probe::Broker { ip, names, .. } => format!("{} running, asked of {}", names.join(", "), name(ip)),
        Probe::Unit { name } => format!("unit {name}"),
    }
}
