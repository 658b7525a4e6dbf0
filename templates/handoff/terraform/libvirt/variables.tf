variable "image" {
  description = "Image of the hosts' operating system, qcow2: a path on the machine that runs Terraform, or a URL."
  type        = string
  nullable    = false
}

variable "pool" {
  description = "Storage pool of the disks."
  type        = string
  default     = "default"
  nullable    = false
}

variable "network" {
  description = "Network of the hosts' private addresses, as libvirt calls it."
  type        = string
  default     = "default"
  nullable    = false
}

variable "further_networks" {
  description = "Networks of libvirt for the further networks that the spec gives its hosts, by the spec's names."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "only" {
  description = "Names of the hosts that this hypervisor runs; null for all. With several hypervisors use the module once for each."
  type        = set(string)
  default     = null
}

variable "seeds" {
  description = "Whether the seed images are in the pool. To be false when all hosts are READY and their images are ejected."
  type        = bool
  default     = true
  nullable    = false
}

variable "payload" {
  description = "The medium of the payload, where hosts install from it: a path on the machine that runs Terraform. New hosts get it as a second CD."
  type        = string
  default     = null
}

variable "sizes" {
  description = "Sizes other than the chosen ones, by the name of a host or of its roles, such as database."
  type        = map(object({ vcpus = optional(number), memory_mb = optional(number), disk_gb = optional(number) }))
  default     = {}
  nullable    = false
}
