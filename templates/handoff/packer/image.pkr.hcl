# An image with everything that hosts of this cluster need before they get a seed: the prerequisites of the system, the
# installer of Cloudify, and the first boot's own files. README.md says how to use it.

source "qemu" "image" {
  iso_url          = var.image
  iso_checksum     = var.image_checksum
  disk_image       = true
  disk_size        = var.disk_size
  format           = "qcow2"
  disk_compression = true
  output_directory = var.output_directory
  vm_name          = var.image_name

  accelerator = var.accelerator
  cpus        = 2
  memory      = 2048
  headless    = true

  # cloud-init of the image finds its seed by the serial number of the machine; no ISO tool is needed for it.
  http_directory = var.seed_directory == "" ? "${path.root}/http" : var.seed_directory
  qemuargs = concat([
    ["-smbios", "type=1,serial=ds=nocloud-net;s=http://{{ .HTTPIP }}:{{ .HTTPPort }}/"],
    ["-serial", "file:${var.image_name}.console.log"],
    ["-device", "virtio-net,netdev=user.0"],
    ["-device", "virtio-rng-pci"],
  ], var.qemuargs)

  communicator         = "ssh"
  ssh_username         = "cfy-bake"
  ssh_private_key_file = var.ssh_private_key
  ssh_agent_auth       = var.ssh_private_key == ""
  ssh_timeout          = var.ssh_timeout

  # bake/seal, which comes last, switches the machine off: by then there is nobody left who could.
  shutdown_command = "true"
  shutdown_timeout = "10m"
}

build {
  sources = ["source.qemu.image"]

  provisioner "shell" {
    inline = ["mkdir -p /var/tmp/cfy-bake/rpm"]
  }

  provisioner "file" {
    sources     = ["${path.root}/bake", "${path.root}/files"]
    destination = "/var/tmp/cfy-bake/"
  }

  # A source is needed in any case; `none` is an empty file.
  provisioner "file" {
    source      = var.rpm_file == "" ? "${path.root}/bake/none" : var.rpm_file
    destination = "/var/tmp/cfy-bake/rpm/"
  }

  provisioner "file" {
    source      = var.payload == "" ? "${path.root}/bake/none" : var.payload
    destination = "/var/tmp/cfy-bake/"
  }

  provisioner "shell" {
    environment_vars = ["CFY_RPM_URL=${var.rpm_url}", "CFY_RPM_SHA256=${var.rpm_sha256}"]
    execute_command  = "sudo env {{ .Vars }} /bin/bash {{ .Path }}"
    script           = "${path.root}/bake/install"
  }

  # Fails the build where a secret or a machine's identity is left.
  provisioner "shell" {
    execute_command = "sudo /bin/bash {{ .Path }}"
    script          = "${path.root}/bake/seal"
    skip_clean      = true
  }
}
