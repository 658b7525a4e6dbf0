//! A host as a domain of libvirt.

use crate::names::MacAddress;
use crate::plan::{HostPlan, Plan};

use super::hypervisor::machine;
use super::payload::{medium, takes_medium};

/// Where libvirt's default pool is: disk and seed of a host lie there, because libvirt takes absolute paths only.
const POOL: &str = "/var/lib/libvirt/images";

/// The domain, as <https://libvirt.org/formatdomain.html> has it. All values are validated words and numbers, so nothing
/// needs an escape.
pub fn xml(plan: &Plan, host: &HostPlan) -> String {
    let name = machine(plan, host);
    let size = host.size;
    let mac =
        host.link.mac.as_ref().map_or_else(String::new, |mac: &MacAddress| format!("\n      <mac address='{mac}'/>"));
    let payload = if takes_medium(plan, host) { second_drive(&medium(plan)) } else { String::new() };
    format!(
        "<domain type='kvm'>
  <name>{name}</name>
  <title>{fqdn}</title>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <cpu mode='host-model'/>
  <clock offset='utc'/>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{POOL}/{name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='{POOL}/{name}-seed.iso'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>{payload}
    <interface type='network'>{mac}
      <source network='default'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <log file='/var/log/libvirt/qemu/{name}-console.log' append='on'/>
      <target port='0'/>
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
    </console>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
",
        fqdn = host.fqdn,
        memory = size.memory_mb,
        vcpus = size.vcpus,
    )
}

/// The drive of the payload's medium, which is one for all hosts. `optional`: the domain starts without it too, and the host waits.
fn second_drive(medium: &str) -> String {
    format!(
        "
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='{POOL}/{medium}' startupPolicy='optional'/>
      <target dev='sdb' bus='sata'/>
      <readonly/>
    </disk>"
    )
}
