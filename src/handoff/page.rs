//! Pages for people, and what else operators edit, from templates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Serialize;
use tera::{Context, Tera};

use super::HandoffError;
use super::cluster::group;
use super::payload::{Payload, takes_medium};
use crate::names::{HostAddress, MacAddress};
use crate::plan::ports::{self, PortRule, Source};
use crate::plan::{HostPlan, Plan};
use crate::profile::Target;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../templates/handoff/", $name)))),+]
    };
}

/// Name and text of each template.
const TEMPLATES: &[(&str, &str)] = templates![
    "firewall/README.md",
    "firewall/table.md",
    "instructions/alibaba.md",
    "instructions/azure.md",
    "instructions/begin.md",
    "instructions/cloudstack.md",
    "instructions/digitalocean.md",
    "instructions/end.md",
    "instructions/facts.md",
    "instructions/gcp.md",
    "instructions/hetzner.md",
    "instructions/hyperv.md",
    "instructions/kubevirt.md",
    "instructions/nocloud.md",
    "instructions/oci.md",
    "instructions/virtual-machines.yaml",
    "instructions/virtualbox.md",
    "libvirt/README.md",
    "machines.md",
    "payload/cloud.md",
    "payload/image.md",
    "payload/medium.md",
    "payload/notice.txt",
    "payload/places.md",
    "packer/README.md",
    "program.md",
    "proxmox/README.md",
    "sizes.md",
    "terraform/aws/README.md",
    "terraform/libvirt/README.md",
    "terraform/module.md",
    "terraform/openstack/README.md",
    "terraform/run.md",
    "terraform/state.md",
    "terraform/vsphere/README.md",
    "vsphere/README.md",
];

static ENGINE: LazyLock<Result<Tera, String>> = LazyLock::new(|| {
    let mut tera = Tera::default();
    // An included text brings no line end of its own: the page has one behind it.
    let texts = TEMPLATES.iter().map(|(name, text)| (*name, text.trim_end()));
    tera.add_raw_templates(texts).map_err(|error| error.to_string())?;
    Ok(tera)
});

/// The page of this name; `target` where it is about one.
pub fn render(plan: &Plan, name: &str, target: Option<&Target>) -> Result<String, HandoffError> {
    let wrong = |reason: String| HandoffError::Page { name: name.to_owned(), reason };
    let engine = ENGINE.as_ref().map_err(|reason| wrong(reason.clone()))?;
    let context = Context::from_serialize(&Page::new(plan, target)).map_err(|error| wrong(error.to_string()))?;
    Ok(engine.render(name, &context).map_err(|error| wrong(error.to_string()))? + "\n")
}

/// What templates see.
#[derive(Serialize)]
struct Page<'a> {
    cluster: &'a str,
    hosts: Vec<Host<'a>>,
    /// Every combination of roles that some host has.
    groups: BTreeSet<String>,
    ports: Vec<PortLine>,
    outside_balancer: bool,
    payload: Option<Payload<'a>>,
    /// Whether commands give the medium of the payload to machines: the spec names no web server.
    hosts_take_medium: bool,
    target: TargetFacts<'a>,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    private_ip: HostAddress,
    mac: Option<&'a MacAddress>,
    roles: String,
    group: String,
    /// From 1 to 3, in turn for the hosts of a group: clouds that have fault domains have three.
    fault_domain: usize,
    vcpus: u32,
    /// Oracle's unit, two vCPUs.
    ocpus: u32,
    memory_mb: u32,
    memory_gb: u32,
    disk_gb: u32,
    /// Some clouds make none smaller than 50 GiB.
    boot_volume_gb: u32,
    fetches_payload: bool,
    /// Whether it is to get the medium of the payload from the start.
    medium: bool,
}

#[derive(Serialize)]
struct PortLine {
    to: &'static str,
    port: u16,
    from: String,
    why: String,
}

#[derive(Default, Serialize)]
struct TargetFacts<'a> {
    quirks: &'a [String],
    unconfirmed: &'a [String],
    out_of_reach: &'a str,
}

impl<'a> Page<'a> {
    fn new(plan: &'a Plan, target: Option<&'a Target>) -> Self {
        let matrix = ports::matrix(plan);
        let outside_balancer = matrix.iter().any(|rule| rule.from.contains(&Source::OutsideBalancer));
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let hosts = plan.hosts.iter().map(|host| {
            let place = places.entry(group(host)).or_default();
            *place += 1;
            Host::new(plan, host, *place)
        });
        Self {
            cluster: plan.cluster.as_str(),
            hosts: hosts.collect(),
            groups: plan.hosts.iter().map(group).collect(),
            ports: matrix.into_iter().map(PortLine::new).collect(),
            outside_balancer,
            payload: Payload::new(plan),
            hosts_take_medium: plan.hosts.iter().any(|host| takes_medium(plan, host)),
            target: target.map(TargetFacts::new).unwrap_or_default(),
        }
    }
}

impl<'a> Host<'a> {
    /// `place` is that among the hosts of its group, from 1.
    fn new(plan: &Plan, host: &'a HostPlan, place: usize) -> Self {
        Self {
            name: host.name.as_str(),
            private_ip: host.ip,
            mac: host.link.mac.as_ref(),
            roles: host.role_names().join(", "),
            group: group(host),
            fault_domain: (place - 1) % 3 + 1,
            vcpus: host.size.vcpus,
            ocpus: host.size.vcpus.div_ceil(2),
            memory_mb: host.size.memory_mb,
            memory_gb: host.size.memory_mb.div_ceil(1024),
            disk_gb: host.size.disk_gb,
            boot_volume_gb: host.size.disk_gb.max(50),
            fetches_payload: plan.fetches_payload(host),
            medium: takes_medium(plan, host),
        }
    }
}

impl PortLine {
    fn new(rule: PortRule) -> Self {
        Self { to: rule.to.as_str(), port: rule.port, from: rule.askers(Source::as_str), why: rule.why }
    }
}

impl<'a> TargetFacts<'a> {
    fn new(target: &'a Target) -> Self {
        Self { quirks: &target.quirks, unconfirmed: &target.unconfirmed, out_of_reach: &target.out_of_reach }
    }
}
