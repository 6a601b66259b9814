data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  trusts = {
    irsa = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}" }
        Condition = { StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account}"
        } }
      }]
    })
    pod-identity = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Principal = { Service = "pods.eks.amazonaws.com" }
        Condition = { StringEquals = {
          "aws:RequestTag/kubernetes-namespace"       = var.namespace
          "aws:RequestTag/kubernetes-service-account" = var.service_account
        } }
      }]
    })
  }
  trust = local.trusts[var.identity]
}

resource "aws_iam_role" "operator" {
  name               = var.role_name
  path               = var.role_path
  description        = "irsa-operator of cluster ${var.cluster_id}"
  assume_role_policy = local.trust

  lifecycle {
    precondition {
      condition     = !contains(var.paths, var.role_path)
      error_message = "The operator's own role must be outside the paths of the roles that it makes."
    }
    precondition {
      condition     = var.identity != "irsa" || var.issuer != ""
      error_message = "identity irsa needs the issuer."
    }
  }
}

resource "aws_iam_role_policy" "operator" {
  name   = "irsa-operator"
  role   = aws_iam_role.operator.id
  policy = local.policy
}

resource "aws_eks_pod_identity_association" "operator" {
  count           = var.identity == "pod-identity" && var.eks_cluster_name != "" ? 1 : 0
  cluster_name    = var.eks_cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.operator.arn
}
