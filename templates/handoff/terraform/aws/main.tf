locals {
  cluster = jsondecode(file("${path.module}/cluster.json"))
  hosts   = local.cluster.hosts

  # The cheapest that is large enough comes first.
  instance_types = [
    { name = "t3.small", vcpus = 2, memory_mb = 2048 },
    { name = "c6i.large", vcpus = 2, memory_mb = 4096 },
    { name = "m6i.large", vcpus = 2, memory_mb = 8192 },
    { name = "r6i.large", vcpus = 2, memory_mb = 16384 },
    { name = "c6i.xlarge", vcpus = 4, memory_mb = 8192 },
    { name = "m6i.xlarge", vcpus = 4, memory_mb = 16384 },
    { name = "c6i.2xlarge", vcpus = 8, memory_mb = 16384 },
    { name = "m6i.2xlarge", vcpus = 8, memory_mb = 32768 },
    { name = "m6i.4xlarge", vcpus = 16, memory_mb = 65536 },
  ]
  fitting = {
    for name, host in local.hosts : name => [
      for type in local.instance_types : type.name if type.vcpus >= host.vcpus && type.memory_mb >= host.memory_mb
    ]
  }

  # Hosts with the same roles replace one another, so they must not fail together.
  groups = { for name, host in local.hosts : host.group => name... }

  further = merge([
    for name, host in local.hosts : {
      for at, network in host.networks : "${name}/${network.name}" => {
        host = name, network = network.name, ip = network.ip, index = at + 1
      }
    }
  ]...)

  tags = merge(var.tags, { "cfy-seed:cluster" = local.cluster.cluster })
}

resource "aws_placement_group" "spread" {
  for_each = { for group, names in local.groups : group => names if length(names) > 1 }

  name     = "${local.cluster.cluster}-${each.key}"
  strategy = "spread"
  tags     = local.tags

  lifecycle {
    # AWS's own bound: seven running instances of a group in one availability zone.
    precondition {
      condition     = length(each.value) <= 7 || length(var.subnet_ids) > 0
      error_message = "More than seven hosts of ${each.key}: give them subnets in several availability zones, see subnet_ids."
    }
  }
}

resource "aws_instance" "host" {
  for_each = local.hosts

  ami                    = var.ami
  instance_type          = try(var.instance_types[each.key], var.instance_types[each.value.group], local.fitting[each.key][0])
  subnet_id              = lookup(var.subnet_ids, each.key, var.subnet_id)
  private_ip             = each.value.private_ip
  vpc_security_group_ids = [for role in each.value.roles : aws_security_group.role[role].id]
  source_dest_check      = true
  key_name               = var.key_name
  placement_group        = try(aws_placement_group.spread[each.value.group].name, null)

  # gzip, which only this argument carries unharmed.
  user_data_base64        = sensitive(filebase64("${path.module}/${each.value.files.user_data}"))
  disable_api_termination = var.termination_protection
  tags                    = merge(local.tags, { Name = each.value.fqdn })

  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = var.http_tokens
    # No further than the host itself: user-data holds its private keys.
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = try(var.disk_gb[each.key], var.disk_gb[each.value.group], each.value.disk_gb)
    encrypted   = true
    kms_key_id  = var.kms_key_id
    tags        = merge(local.tags, { Name = each.value.fqdn })
  }

  lifecycle {
    # A running host never reads a new bundle, but a new value would stop it, and a new image would destroy its data. To
    # rebuild one on purpose: terraform apply -replace.
    ignore_changes = [ami, key_name, user_data_base64]

    precondition {
      condition     = contains(keys(var.instance_types), each.key) || contains(keys(var.instance_types), each.value.group) || length(local.fitting[each.key]) > 0
      error_message = "No instance type here is large enough for ${each.key}: name one in instance_types."
    }
  }
}

resource "aws_network_interface" "further" {
  for_each = local.further

  subnet_id       = var.network_subnet_ids[each.value.network]
  private_ips     = [each.value.ip]
  security_groups = [for role in local.hosts[each.value.host].roles : aws_security_group.role[role].id]
  tags            = merge(local.tags, { Name = each.key })

  attachment {
    instance     = aws_instance.host[each.value.host].id
    device_index = each.value.index
  }
}

# Public addresses that the spec names are in the hosts' certificates: they must be the account's own already.
data "aws_eip" "public" {
  for_each = { for name, host in local.hosts : name => host.public_ip if host.public_ip != null }

  public_ip = each.value
}

resource "aws_eip_association" "public" {
  for_each = data.aws_eip.public

  allocation_id = each.value.id
  instance_id   = aws_instance.host[each.key].id
}
