locals {
  cluster = jsondecode(file("${path.module}/cluster.json"))
  all     = local.cluster.hosts
  hosts   = { for name, host in local.all : name => host if var.only == null ? true : contains(var.only, name) }

  sizes = {
    for name, host in local.hosts : name => {
      for key in ["vcpus", "memory_mb", "disk_gb"] :
      key => coalesce(try(var.sizes[name][key], null), try(var.sizes[host.group][key], null), host[key])
    }
  }
}

resource "libvirt_volume" "image" {
  name = "${local.cluster.cluster}-image.qcow2"
  pool = var.pool

  target = { format = { type = "qcow2" } }
  create = { content = { url = var.image } }

  lifecycle {
    # The hosts' disks lie on it: a new image would destroy them all.
    ignore_changes = [create]

    precondition {
      condition     = var.only == null ? true : length(setsubtract(var.only, keys(local.all))) == 0
      error_message = "only names hosts that the cluster has not. It has ${join(", ", keys(local.all))}."
    }
  }
}

resource "libvirt_volume" "disk" {
  for_each = local.hosts

  name     = "${local.cluster.cluster}-${each.key}.qcow2"
  pool     = var.pool
  capacity = local.sizes[each.key].disk_gb * 1024 * 1024 * 1024

  target        = { format = { type = "qcow2" } }
  backing_store = { path = libvirt_volume.image.path, format = { type = "qcow2" } }

  lifecycle {
    # A disk with another size is another disk, without the host's data.
    ignore_changes = [capacity, backing_store]
  }
}

# The seed image goes to the pool as it is. It holds the host's private keys: README.md says when to delete it.
resource "libvirt_volume" "seed" {
  for_each = var.seeds ? local.hosts : {}

  name = "${local.cluster.cluster}-${each.key}-seed.iso"
  pool = var.pool

  target = { format = { type = "raw" } }
  create = { content = { url = abspath("${path.module}/${each.value.files.seed}") } }

  lifecycle {
    ignore_changes = [create]
  }
}

# The medium of the payload, one for all hosts, which only read it. It holds no secret.
resource "libvirt_volume" "payload" {
  count = var.payload == null ? 0 : 1

  name = "${local.cluster.cluster}-payload.iso"
  pool = var.pool

  target = { format = { type = "raw" } }
  create = { content = { url = abspath(var.payload) } }

  lifecycle {
    ignore_changes = [create]
  }
}

resource "libvirt_domain" "host" {
  for_each = local.hosts

  name        = "${local.cluster.cluster}-${each.key}"
  type        = "kvm"
  vcpu        = local.sizes[each.key].vcpus
  memory      = local.sizes[each.key].memory_mb
  memory_unit = "MiB"
  autostart   = true
  running     = true

  cpu = { mode = "host-passthrough" }
  os  = { type = "hvm", type_arch = "x86_64", type_machine = "q35", boot_devices = [{ dev = "hd" }] }

  features = { acpi = true }

  devices = {
    disks = concat(
      [
        {
          source = { volume = { pool = var.pool, volume = libvirt_volume.disk[each.key].name } }
          target = { dev = "vda", bus = "virtio" }
          driver = { name = "qemu", type = "qcow2" }
        },
        {
          device = "cdrom"
          source = { volume = { pool = var.pool, volume = try(libvirt_volume.seed[each.key].name, "") } }
          target = { dev = "sda", bus = "sata" }
          driver = { name = "qemu", type = "raw" }
        },
      ],
      [
        for medium in libvirt_volume.payload : {
          device = "cdrom"
          source = { volume = { pool = var.pool, volume = medium.name } }
          target = { dev = "sdb", bus = "sata" }
          driver = { name = "qemu", type = "raw" }
        }
      ],
    )
    interfaces = concat(
      [
        {
          model  = { type = "virtio" }
          source = { network = { network = var.network } }
          mac    = each.value.mac == null ? null : { address = each.value.mac }
        },
      ],
      [
        for network in each.value.networks : {
          model  = { type = "virtio" }
          source = { network = { network = var.further_networks[network.name] } }
          mac    = network.mac == null ? null : { address = network.mac }
        }
      ],
    )
    # What a guest says on its first boot: virsh console, or `cfy-seed status --console` with a log of it.
    serials  = [{ target = { port = 0 } }]
    consoles = [{ target = { type = "serial", port = 0 } }]
    # Old guests wait long for entropy when they make keys.
    rngs = [{ model = "virtio", backend = { random = "/dev/urandom" } }]
  }

  lifecycle {
    # An ejected seed image is no reason to touch a host.
    ignore_changes = [devices]
  }
}
