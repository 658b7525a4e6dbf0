output "hosts" {
  description = "The hosts by name: domain, address, roles."
  value = {
    for name, domain in libvirt_domain.host : name => {
      domain     = domain.name
      private_ip = local.hosts[name].private_ip
      roles      = local.hosts[name].roles
    }
  }
}
