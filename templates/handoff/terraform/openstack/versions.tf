terraform {
  # Older ones know no `nullable`, which variables.tf uses; OpenTofu began with 1.6.
  required_version = ">= 1.3"

  required_providers {
    openstack = {
      source  = "terraform-provider-openstack/openstack"
      version = ">= 2.0, < 4.0"
    }
  }
}
