variable "cluster_id" {
  description = "--cluster-id of the operator"
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9-]{1,24}$", var.cluster_id))
    error_message = "Use 1 to 24 lower-case letters, digits and dashes."
  }
}

variable "paths" {
  description = "The paths of the classes. The operator's own role must be in none of them."
  type        = list(string)
  default     = ["/irsa/"]
}

variable "boundaries" {
  description = "ARNs of the permissions boundaries that roles must have one of. Without any, a role may be given anything."
  type        = list(string)
  default     = []
}

variable "managed_policies" {
  description = "ARNs of managed policies that may be attached, with *. Empty: all."
  type        = list(string)
  default     = []
}

variable "issuer" {
  description = "The issuer of the cluster's ServiceAccount tokens, with https://. Needed for identity irsa; without it, providers of all issuers may be made."
  type        = string
  default     = ""
}

variable "eks_cluster_name" {
  description = "The EKS cluster that is asked for its issuer (--eks-cluster). It is in the provider's region."
  type        = string
  default     = ""
}

variable "assume_roles" {
  description = "ARNs of the operator's roles in other accounts (spec.account.assumeRoleArn of classes)."
  type        = list(string)
  default     = []
}

variable "identity" {
  description = "How the operator gets this role: irsa, for which the issuer's provider has to be there, or pod-identity."
  type        = string
  default     = "pod-identity"
  validation {
    condition     = contains(["irsa", "pod-identity"], var.identity)
    error_message = "Write irsa or pod-identity."
  }
}

variable "namespace" {
  description = "The operator's namespace."
  type        = string
  default     = "irsa-operator"
}

variable "service_account" {
  description = "The operator's ServiceAccount."
  type        = string
  default     = "irsa-operator"
}

variable "role_name" {
  description = "The name of the operator's own role."
  type        = string
  default     = "irsa-operator"
}

variable "role_path" {
  description = "Its path, which must be none of paths."
  type        = string
  default     = "/"
}
