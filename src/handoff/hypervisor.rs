//! Scripts that make a cluster's machines on a hypervisor: the same for every cluster, with the hosts as data beside them.

use std::fmt::Write as _;

use crate::bundle::Tree;
use crate::names::{FileMode, MacAddress};
use crate::plan::{HostPlan, Plan};

use super::{HandoffError, domain, page};

/// For libvirt: a script around virt-install, and a domain of each host as XML.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn libvirt(plan: &Plan) -> Result<Tree, HandoffError> {
    let script = include_str!("../../templates/handoff/libvirt/create");
    let mut tree = tree(plan, script, "libvirt/README.md")?;
    for host in &plan.hosts {
        tree.add(&format!("{}.xml", host.name), FileMode::PUBLIC, domain::xml(plan, host))?;
    }
    Ok(tree)
}

/// For a node of Proxmox VE: a script around `qm`.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn proxmox(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, include_str!("../../templates/handoff/proxmox/create"), "proxmox/README.md")
}

/// For vSphere: a script around `govc`.
///
/// # Errors
/// Only where cfy-seed itself is wrong.
pub fn vsphere(plan: &Plan) -> Result<Tree, HandoffError> {
    tree(plan, include_str!("../../templates/handoff/vsphere/create"), "vsphere/README.md")
}

fn tree(plan: &Plan, script: &str, readme: &str) -> Result<Tree, HandoffError> {
    let mut tree = Tree::default();
    tree.add("create", FileMode::PROGRAM, script)?;
    tree.add("hosts.tsv", FileMode::PUBLIC, table(plan))?;
    if plan.uses_payload() {
        // What the script says where it gets no medium.
        tree.add("payload.txt", FileMode::PUBLIC, page::render(plan, "payload/notice.txt", None)?)?;
    }
    tree.add("README.md", FileMode::PUBLIC, page::render(plan, readme, None)?)?;
    Ok(tree)
}

/// The name of a host's machine: several clusters may share a hypervisor.
pub(super) fn machine(plan: &Plan, host: &HostPlan) -> String {
    format!("{}-{}", plan.cluster, host.name)
}

/// What the scripts read: a line for each host, fields separated by tabs, `-` where there is nothing.
fn table(plan: &Plan) -> String {
    let mut text = String::from("#machine\thost\troles\taddress\tmac\tvcpus\tmemory_mb\tdisk_gb\tos\n");
    for host in &plan.hosts {
        let mac = host.link.mac.as_ref().map_or("-", MacAddress::as_str);
        let size = host.size;
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{mac}\t{}\t{}\t{}\t{}",
            machine(plan, host),
            host.name,
            host.role_names().join(","),
            host.ip,
            size.vcpus,
            size.memory_mb,
            size.disk_gb,
            plan.platform.platform,
        );
    }
    text
}
