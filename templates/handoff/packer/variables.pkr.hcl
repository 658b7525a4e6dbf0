variable "image" {
  type        = string
  description = "The image to start from: URL or path of a qcow2 or raw cloud image of the cluster's system."
}

variable "image_checksum" {
  type        = string
  description = "Its digest, such as sha256:…; the vendor publishes it beside the image."
}

variable "ssh_private_key" {
  type        = string
  description = "File with the private half of a key of http/user-data; empty: the SSH agent has it."
  default     = ""
}

variable "rpm_file" {
  type        = string
  description = "Cloudify's installer as a file on this machine. Give this, or rpm_url, or payload."
  default     = ""
}

variable "rpm_url" {
  type        = string
  description = "Cloudify's installer as a URL that the machine can reach; goes with rpm_sha256."
  default     = ""
}

variable "rpm_sha256" {
  type        = string
  description = "SHA-256 of the installer; with rpm_url it must be given."
  default     = ""
}

variable "payload" {
  type        = string
  description = "The directory payload/ of a box of cfy-seed: prerequisites and installer come from there, and no network is needed."
  default     = ""
}

variable "image_name" {
  type        = string
  description = "File name of the result."
}

variable "output_directory" {
  type        = string
  description = "Where the result goes; Packer makes it."
  default     = "output"
}

variable "disk_size" {
  type        = string
  description = "Size of the result's disk; hosts may enlarge it."
  default     = "20G"
}

variable "accelerator" {
  type        = string
  description = "kvm, or tcg where there is no KVM."
  default     = "kvm"
}

variable "seed_directory" {
  type        = string
  description = "Where the machine's own user-data is served from; empty: http/ beside this file."
  default     = ""
}

variable "qemuargs" {
  type        = list(list(string))
  description = "What qemu is told besides, such as a kernel."
  default     = []
}

variable "ssh_timeout" {
  type        = string
  description = "How long the machine may take to boot."
  default     = "10m"
}
