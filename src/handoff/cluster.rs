//! What hand-offs say of a cluster: `cluster.json` for programs, and the same facts for pages.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::names::{HostAddress, MacAddress, PublicAddress, RoleKind};
use crate::plan::ports::{self, PortRule};
use crate::plan::{HostPlan, Plan};

use super::HandoffError;

/// Version of `cluster.json`.
const SCHEMA: &str = "cfy-seed/cluster/v1";

#[derive(Serialize)]
struct Facts<'a> {
    schema: &'static str,
    cluster: &'a str,
    roles: Vec<&'static str>,
    hosts: BTreeMap<&'a str, Host<'a>>,
    ports: Vec<PortRule>,
}

#[derive(Serialize)]
struct Host<'a> {
    fqdn: &'a str,
    private_ip: HostAddress,
    prefix: u8,
    gateway: Option<HostAddress>,
    mac: Option<&'a MacAddress>,
    /// An address beside the private one. A DNS name is left out: it is no address that a cloud could attach.
    public_ip: Option<HostAddress>,
    roles: Vec<&'static str>,
    /// The same for all hosts with these roles, which must not fail together.
    group: String,
    vcpus: u32,
    memory_mb: u32,
    disk_gb: u32,
    networks: Vec<Network<'a>>,
    /// Paths from the directory of this file to files of the host's bundle, by what they are.
    files: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Network<'a> {
    name: &'a str,
    ip: HostAddress,
    mac: Option<&'a MacAddress>,
}

/// `cluster.json` for a directory `depth` levels below the tree's root. It refers to `files` of each host's bundle, pairs of what
/// a file is and its name, and has no secret itself.
pub fn data(plan: &Plan, depth: usize, files: &[(&'static str, &str)]) -> Result<String, HandoffError> {
    let up = "../".repeat(depth);
    let of_host = |host: &HostPlan| {
        files.iter().map(|(what, name)| (*what, format!("{up}hosts/{}/{name}", host.name))).collect()
    };
    let facts = Facts {
        schema: SCHEMA,
        cluster: plan.cluster.as_str(),
        roles: roles(plan),
        hosts: plan.hosts.iter().map(|host| (host.name.as_str(), host_facts(host, of_host(host)))).collect(),
        ports: ports::matrix(plan),
    };
    Ok(serde_json::to_string_pretty(&facts)? + "\n")
}

fn host_facts<'a>(host: &'a HostPlan, files: BTreeMap<&'static str, String>) -> Host<'a> {
    let public = match &host.public {
        PublicAddress::Ip(ip) if *ip != host.ip => Some(*ip),
        _ => None,
    };
    Host {
        fqdn: &host.fqdn,
        private_ip: host.ip,
        prefix: host.link.prefix,
        gateway: host.link.gateway,
        mac: host.link.mac.as_ref(),
        public_ip: public,
        roles: host.role_names(),
        group: group(host),
        vcpus: host.size.vcpus,
        memory_mb: host.size.memory_mb,
        disk_gb: host.size.disk_gb,
        networks: host
            .networks
            .iter()
            .map(|network| Network { name: network.name.as_str(), ip: network.ip, mac: network.link.mac.as_ref() })
            .collect(),
        files,
    }
}

/// The host's roles as one word.
pub fn group(host: &HostPlan) -> String {
    let mut kinds: Vec<RoleKind> = host.roles.iter().map(|role| role.kind).collect();
    kinds.sort_unstable();
    kinds.into_iter().map(RoleKind::as_str).collect::<Vec<_>>().join("-")
}

/// The roles that some host has.
fn roles(plan: &Plan) -> Vec<&'static str> {
    let used = |kind: &RoleKind| plan.hosts.iter().any(|host| host.has(*kind));
    RoleKind::ALL.into_iter().filter(used).map(RoleKind::as_str).collect()
}
