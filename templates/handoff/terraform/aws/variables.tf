variable "ami" {
  description = "Image of the hosts' operating system: RHEL, or a rebuild of it, of the release that `os` of the spec names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.ami))
    error_message = "An image is written as ami-0123456789abcdef0."
  }
}

variable "subnet_id" {
  description = "Subnet that holds the hosts' private addresses."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^subnet-[0-9a-f]{8,17}$", var.subnet_id))
    error_message = "A subnet is written as subnet-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Subnets of single hosts, by their names, where it is another than `subnet_id`: one for each availability zone."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.subnet_ids) : can(regex("^subnet-[0-9a-f]{8,17}$", id))])
    error_message = "A subnet is written as subnet-0123456789abcdef0."
  }
}

variable "network_subnet_ids" {
  description = "Subnets of the further networks that the spec gives its hosts, by the networks' names."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "key_name" {
  description = "Key pair for the image's own user; null where `access` of the spec has the keys."
  type        = string
  default     = null
}

variable "instance_types" {
  description = "Instance types other than the chosen ones, by the name of a host or of its roles, such as database."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "disk_gb" {
  description = "Sizes of the root disks in GiB other than the chosen ones, by the name of a host or of its roles."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for size in values(var.disk_gb) : size >= 10])
    error_message = "A host needs 10 GiB at the least."
  }
}

variable "kms_key_id" {
  description = "Key that encrypts the disks; null for the account's default key."
  type        = string
  default     = null
}

variable "user_cidrs" {
  description = "Networks of people and programs that use Cloudify."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.user_cidrs : can(cidrnetmask(cidr))])
    error_message = "A network is written as 192.0.2.0/24."
  }
}

variable "agent_cidrs" {
  description = "Networks of the machines that Cloudify manages: its agents connect to the cluster."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.agent_cidrs : can(cidrnetmask(cidr))])
    error_message = "A network is written as 192.0.2.0/24."
  }
}

variable "balancer_cidrs" {
  description = "Addresses of the load balancer before the managers, where none of the hosts is it."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.balancer_cidrs : can(cidrnetmask(cidr))])
    error_message = "A network is written as 192.0.2.10/32."
  }
}

variable "admin_cidrs" {
  description = "Networks from which SSH is let in."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : can(cidrnetmask(cidr))])
    error_message = "A network is written as 192.0.2.0/24."
  }
}

variable "http_tokens" {
  description = "Whether the metadata service asks for a token (IMDSv2). Only an image whose cloud-init cannot ask with one needs optional."
  type        = string
  default     = "required"
  nullable    = false

  validation {
    condition     = contains(["required", "optional"], var.http_tokens)
    error_message = "Either required or optional."
  }
}

variable "termination_protection" {
  description = "Whether AWS refuses to terminate the hosts, Terraform's own destroy included."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
