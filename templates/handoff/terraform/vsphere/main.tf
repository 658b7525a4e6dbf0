locals {
  cluster = jsondecode(file("${path.module}/cluster.json"))
  hosts   = local.cluster.hosts

  # Hosts with the same roles replace one another, so they must not fail together.
  groups = { for name, host in local.hosts : host.group => name... }

  sizes = {
    for name, host in local.hosts : name => {
      for key in ["vcpus", "memory_mb", "disk_gb"] :
      key => coalesce(try(var.sizes[name][key], null), try(var.sizes[host.group][key], null), host[key])
    }
  }

  # As cfy-seed packed it for vSphere: gzip+base64, or `#cloud-config` as it is.
  user_data = { for name, host in local.hosts : name => sensitive(file("${path.module}/${host.files.user_data}")) }
}

data "vsphere_datacenter" "this" {
  name = var.datacenter
}

data "vsphere_compute_cluster" "this" {
  name          = var.compute_cluster
  datacenter_id = data.vsphere_datacenter.this.id
}

data "vsphere_datastore" "this" {
  name          = var.datastore
  datacenter_id = data.vsphere_datacenter.this.id
}

data "vsphere_network" "private" {
  name          = var.network
  datacenter_id = data.vsphere_datacenter.this.id
}

data "vsphere_network" "further" {
  for_each = var.further_networks

  name          = each.value
  datacenter_id = data.vsphere_datacenter.this.id
}

data "vsphere_virtual_machine" "template" {
  name          = var.template
  datacenter_id = data.vsphere_datacenter.this.id
}

# The medium of the payload, one for all hosts, which only read it. It holds no secret.
resource "vsphere_file" "payload" {
  count = var.payload == null ? 0 : 1

  datacenter       = var.datacenter
  datastore        = var.datastore
  source_file      = var.payload
  destination_file = "${local.cluster.cluster}-payload.iso"

  lifecycle {
    ignore_changes = [source_file]
  }
}

resource "vsphere_virtual_machine" "host" {
  for_each = local.hosts

  name             = "${local.cluster.cluster}-${each.key}"
  folder           = var.folder
  resource_pool_id = data.vsphere_compute_cluster.this.resource_pool_id
  datastore_id     = data.vsphere_datastore.this.id
  num_cpus         = local.sizes[each.key].vcpus
  memory           = local.sizes[each.key].memory_mb
  guest_id         = data.vsphere_virtual_machine.template.guest_id
  firmware         = data.vsphere_virtual_machine.template.firmware
  scsi_type        = data.vsphere_virtual_machine.template.scsi_type
  enable_disk_uuid = true

  # The address stands in guestinfo.metadata; nothing is gained by waiting for Tools to tell it.
  wait_for_guest_net_timeout = 0

  network_interface {
    network_id     = data.vsphere_network.private.id
    adapter_type   = data.vsphere_virtual_machine.template.network_interface_types[0]
    use_static_mac = each.value.mac != null
    mac_address    = each.value.mac
  }

  dynamic "network_interface" {
    for_each = each.value.networks

    content {
      network_id     = data.vsphere_network.further[network_interface.value.name].id
      adapter_type   = data.vsphere_virtual_machine.template.network_interface_types[0]
      use_static_mac = network_interface.value.mac != null
      mac_address    = network_interface.value.mac
    }
  }

  disk {
    label            = "disk0"
    size             = max(local.sizes[each.key].disk_gb, data.vsphere_virtual_machine.template.disks[0].size)
    thin_provisioned = data.vsphere_virtual_machine.template.disks[0].thin_provisioned
    eagerly_scrub    = data.vsphere_virtual_machine.template.disks[0].eagerly_scrub
  }

  dynamic "cdrom" {
    for_each = vsphere_file.payload

    content {
      datastore_id = data.vsphere_datastore.this.id
      path         = cdrom.value.destination_file
    }
  }

  # Without `customize`: a customisation may reboot the guest in the middle of its first boot.
  clone {
    template_uuid = data.vsphere_virtual_machine.template.id
  }

  extra_config = {
    "guestinfo.metadata"          = sensitive(file("${path.module}/${each.value.files.metadata}"))
    "guestinfo.metadata.encoding" = "gzip+base64"
    "guestinfo.userdata"          = startswith(local.user_data[each.key], "#") ? base64encode(local.user_data[each.key]) : local.user_data[each.key]
    "guestinfo.userdata.encoding" = startswith(local.user_data[each.key], "#") ? "base64" : "gzip+base64"
  }

  lifecycle {
    # A running host never reads a new bundle and empties guestinfo when it is READY; putting it back would reboot the
    # host and show its keys again. A new template would destroy its data. To rebuild one on purpose: apply -replace.
    ignore_changes = [extra_config, clone, cdrom, disk[0].thin_provisioned, disk[0].eagerly_scrub]
  }
}

resource "vsphere_compute_cluster_vm_anti_affinity_rule" "spread" {
  for_each = { for group, names in local.groups : group => names if length(names) > 1 }

  name                = "${local.cluster.cluster}-${each.key}"
  compute_cluster_id  = data.vsphere_compute_cluster.this.id
  virtual_machine_ids = [for name in each.value : vsphere_virtual_machine.host[name].id]
  mandatory           = var.separate_strictly

  lifecycle {
    # The provider cannot always change a rule while its machines are being replaced (its issue 1362).
    replace_triggered_by = [vsphere_virtual_machine.host]
  }
}
