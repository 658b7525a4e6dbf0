output "hosts" {
  description = "The hosts by name: virtual machine, addresses, roles."
  value = {
    for name, machine in vsphere_virtual_machine.host : name => {
      id         = machine.id
      moid       = machine.moid
      private_ip = local.hosts[name].private_ip
      roles      = local.hosts[name].roles
    }
  }
}
