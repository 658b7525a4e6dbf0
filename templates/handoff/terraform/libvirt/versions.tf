terraform {
  # Older ones know no optional attributes, which variables.tf uses; OpenTofu began with 1.6.
  required_version = ">= 1.3"

  required_providers {
    libvirt = {
      source = "dmacvicar/libvirt"
      # 0.9.0 is a rewrite with another schema, and 0.9.1 changed it once more.
      version = ">= 0.9.1, < 0.10"
    }
  }
}
