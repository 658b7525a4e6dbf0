terraform {
  # Older ones know no optional attributes, which variables.tf uses; OpenTofu began with 1.6.
  required_version = ">= 1.3"

  required_providers {
    vsphere = {
      source  = "vmware/vsphere"
      version = ">= 2.12, < 3.0"
    }
  }
}
