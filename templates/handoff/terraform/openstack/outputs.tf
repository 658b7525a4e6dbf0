output "hosts" {
  description = "The hosts by name: server, addresses, roles."
  value = {
    for name, server in openstack_compute_instance_v2.host : name => {
      id         = server.id
      private_ip = local.hosts[name].private_ip
      public_ip  = local.hosts[name].public_ip
      roles      = local.hosts[name].roles
    }
  }
}

output "security_groups" {
  description = "Security groups by role, for rules of your own."
  value       = { for role, group in openstack_networking_secgroup_v2.role : role => group.id }
}
