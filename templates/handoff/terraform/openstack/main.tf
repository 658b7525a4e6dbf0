locals {
  cluster = jsondecode(file("${path.module}/cluster.json"))
  hosts   = local.cluster.hosts

  # Hosts with the same roles replace one another, so they must not fail together.
  groups = { for name, host in local.hosts : host.group => name... }

  further = merge([
    for name, host in local.hosts : {
      for network in host.networks : "${name}/${network.name}" => merge(network, { host = name })
    }
  ]...)
}

resource "openstack_compute_servergroup_v2" "spread" {
  for_each = { for group, names in local.groups : group => names if length(names) > 1 }

  name     = "${local.cluster.cluster}-${each.key}"
  policies = [var.affinity_policy]
}

# Ports of their own: the addresses stay when a server is rebuilt.
resource "openstack_networking_port_v2" "host" {
  for_each = local.hosts

  name               = each.value.fqdn
  network_id         = var.network_id
  mac_address        = each.value.mac
  security_group_ids = [for role in each.value.roles : openstack_networking_secgroup_v2.role[role].id]
  tags               = var.tags

  fixed_ip {
    subnet_id  = var.subnet_id
    ip_address = each.value.private_ip
  }
}

resource "openstack_networking_port_v2" "further" {
  for_each = local.further

  name               = each.key
  network_id         = var.further_networks[each.value.name].network_id
  mac_address        = each.value.mac
  security_group_ids = [for role in local.hosts[each.value.host].roles : openstack_networking_secgroup_v2.role[role].id]
  tags               = var.tags

  fixed_ip {
    subnet_id  = var.further_networks[each.value.name].subnet_id
    ip_address = each.value.ip
  }
}

resource "openstack_compute_instance_v2" "host" {
  for_each = local.hosts

  name                    = each.value.fqdn
  image_id                = var.boot_from_volume ? null : var.image_id
  flavor_name             = try(var.flavors[each.key], var.flavors[each.value.group], null)
  availability_zone_hints = lookup(var.availability_zones, each.key, null)
  key_pair                = var.key_pair
  config_drive            = var.config_drive
  tags                    = var.tags

  # The provider sends what is base64 already as it is, which carries gzip unharmed.
  user_data = sensitive(filebase64("${path.module}/${each.value.files.user_data}"))

  network {
    port = openstack_networking_port_v2.host[each.key].id
  }

  dynamic "network" {
    for_each = each.value.networks

    content {
      port = openstack_networking_port_v2.further["${each.key}/${network.value.name}"].id
    }
  }

  dynamic "block_device" {
    for_each = var.boot_from_volume ? [each.value.disk_gb] : []

    content {
      uuid                  = var.image_id
      source_type           = "image"
      destination_type      = "volume"
      boot_index            = 0
      volume_size           = try(var.disk_gb[each.key], var.disk_gb[each.value.group], block_device.value)
      volume_type           = var.volume_type
      delete_on_termination = true
    }
  }

  dynamic "scheduler_hints" {
    for_each = length(local.groups[each.value.group]) > 1 ? [each.value.group] : []

    content {
      group = openstack_compute_servergroup_v2.spread[scheduler_hints.value].id
    }
  }

  lifecycle {
    # A running host never reads a new bundle, but a change of any of these would make a new server and destroy its data.
    # To rebuild one on purpose: terraform apply -replace.
    ignore_changes = [user_data, image_id, block_device, key_pair, config_drive, scheduler_hints]

    precondition {
      condition     = contains(keys(var.flavors), each.key) || contains(keys(var.flavors), each.value.group)
      error_message = "flavors has none for ${each.key}: give it one by ${each.value.group} or by its name. It needs ${each.value.vcpus} vCPUs and ${each.value.memory_mb} MiB."
    }
  }
}

# Public addresses that the spec names are in the hosts' certificates: they must be the project's own already.
resource "openstack_networking_floatingip_associate_v2" "public" {
  for_each = { for name, host in local.hosts : name => host.public_ip if host.public_ip != null }

  floating_ip = each.value
  port_id     = openstack_networking_port_v2.host[each.key].id
}
