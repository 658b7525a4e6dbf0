output "hosts" {
  description = "The hosts by name: instance, addresses, roles."
  value = {
    for name, instance in aws_instance.host : name => {
      id         = instance.id
      private_ip = instance.private_ip
      public_ip  = local.hosts[name].public_ip
      roles      = local.hosts[name].roles
    }
  }
}

output "security_groups" {
  description = "Security groups by role, for rules of your own."
  value       = { for role, group in aws_security_group.role : role => group.id }
}
