variable "image_id" {
  description = "Image of the hosts' operating system: RHEL, or a rebuild of it, of the release that `os` of the spec names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-fA-F-]{32,36}$", var.image_id))
    error_message = "An image is named by its id, a UUID."
  }
}

variable "network_id" {
  description = "Network of the hosts' private addresses."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "Subnet of that network, which holds the addresses. It needs DHCP, or hosts boot from a config drive."
  type        = string
  nullable    = false
}

variable "further_networks" {
  description = "The further networks that the spec gives its hosts, by their names."
  type        = map(object({ network_id = string, subnet_id = string }))
  default     = {}
  nullable    = false
}

variable "flavors" {
  description = "Flavour of each host, by the name of its roles, such as database, or by its own. README.md has what each needs."
  type        = map(string)
  nullable    = false
}

variable "boot_from_volume" {
  description = "Whether root disks are volumes of the sizes in disk_gb; without it, disks are local and the flavours decide."
  type        = bool
  default     = true
  nullable    = false
}

variable "volume_type" {
  description = "Type of the volumes; null for the cloud's default."
  type        = string
  default     = null
}

variable "disk_gb" {
  description = "Sizes of the volumes in GiB other than the chosen ones, by the name of a host or of its roles."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for size in values(var.disk_gb) : size >= 10])
    error_message = "A host needs 10 GiB at the least."
  }
}

variable "affinity_policy" {
  description = "How strictly hosts with the same roles stay off one hypervisor: soft-anti-affinity where there are fewer hypervisors than hosts."
  type        = string
  default     = "anti-affinity"
  nullable    = false

  validation {
    condition     = contains(["anti-affinity", "soft-anti-affinity"], var.affinity_policy)
    error_message = "Either anti-affinity or soft-anti-affinity."
  }
}

variable "availability_zones" {
  description = "Availability zones of single hosts, by their names."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "config_drive" {
  description = "Whether hosts get a config drive, on which the hypervisor keeps a copy of user-data. Needed where no metadata service answers."
  type        = bool
  default     = false
  nullable    = false
}

variable "key_pair" {
  description = "Key pair for the image's own user; null where `access` of the spec has the keys."
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

variable "tags" {
  description = "Tags of servers, ports and security groups."
  type        = set(string)
  default     = []
  nullable    = false
}
