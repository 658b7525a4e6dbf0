terraform {
  # Older ones know no `nullable`, which variables.tf uses; OpenTofu began with 1.6.
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}
