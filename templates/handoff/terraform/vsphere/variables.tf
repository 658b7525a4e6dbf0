variable "datacenter" {
  description = "Datacentre of the cluster below."
  type        = string
  nullable    = false
}

variable "compute_cluster" {
  description = "Cluster whose hypervisors run the hosts; with DRS it keeps hosts with the same roles apart."
  type        = string
  nullable    = false
}

variable "datastore" {
  description = "Datastore of the disks."
  type        = string
  nullable    = false
}

variable "network" {
  description = "Port group of the hosts' private addresses."
  type        = string
  nullable    = false
}

variable "further_networks" {
  description = "Port groups of the further networks that the spec gives its hosts, by the networks' names."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "template" {
  description = "Template of the hosts' operating system, with VMware Tools and a cloud-init that reads guestinfo (21.3 or newer)."
  type        = string
  nullable    = false
}

variable "folder" {
  description = "Folder of the virtual machines; null for the datacentre's own."
  type        = string
  default     = null
}

variable "payload" {
  description = "The medium of the payload, where hosts install from it: a path on the machine that runs Terraform. New hosts get it in a CD drive."
  type        = string
  default     = null
}

variable "sizes" {
  description = "Sizes other than the chosen ones, by the name of a host or of its roles, such as database."
  type        = map(object({ vcpus = optional(number), memory_mb = optional(number), disk_gb = optional(number) }))
  default     = {}
  nullable    = false
}

variable "separate_strictly" {
  description = "Whether vSphere rather leaves a host off than run it beside another with the same roles."
  type        = bool
  default     = false
  nullable    = false
}
