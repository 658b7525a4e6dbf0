# For Packer 1.7 and newer: `packer init .` fetches the builder. Packer 1.6 has it built in and does not know this block:
# remove this file there.
packer {
  required_plugins {
    qemu = {
      version = ">= 1.0.0"
      source  = "github.com/hashicorp/qemu"
    }
  }
}
