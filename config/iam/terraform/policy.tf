# What `irsa-operator iam-policy` prints. A test of the operator's compares the two.
locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  issuer    = trimprefix(var.issuer, "https://")
  tag       = "irsa-operator.io/cluster"
  roles     = [for path in var.paths : "arn:${local.partition}:iam::${local.account}:role${path}*"]

  own     = { StringEquals = { "aws:ResourceTag/${local.tag}" = var.cluster_id } }
  bounded = length(var.boundaries) > 0 ? { ArnLike = { "iam:PermissionsBoundary" = var.boundaries } } : {}
  attached = length(var.boundaries) + length(var.managed_policies) == 0 ? {} : {
    ArnLike = merge(
      length(var.boundaries) > 0 ? { "iam:PermissionsBoundary" = var.boundaries } : {},
      length(var.managed_policies) > 0 ? { "iam:PolicyARN" = var.managed_policies } : {},
    )
  }

  on_roles = concat(
    [
      {
        Sid       = "CreateOwnRoles"
        Action    = ["iam:CreateRole"]
        Condition = merge(local.bounded, { StringEquals = { "aws:RequestTag/${local.tag}" = var.cluster_id } })
      },
      {
        Sid       = "TagOwnRoles"
        Action    = ["iam:TagRole"]
        Condition = { StringEqualsIfExists = { "aws:ResourceTag/${local.tag}" = var.cluster_id } }
      },
      {
        Sid       = "ChangeOwnRoles"
        Action    = ["iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UntagRole", "iam:DeleteRole"]
        Condition = local.own
      },
      {
        Sid       = "AttachToOwnRoles"
        Action    = ["iam:AttachRolePolicy"]
        Condition = merge(local.attached, local.own)
      },
    ],
    [for needed in [length(var.boundaries) > 0] : {
      Sid       = "BoundOwnRoles"
      Action    = ["iam:PutRolePermissionsBoundary"]
      Condition = merge(local.bounded, local.own)
    } if needed],
    [
      {
        Sid       = "WriteInlineOnOwnRoles"
        Action    = ["iam:PutRolePolicy"]
        Condition = merge(local.bounded, local.own)
      },
      {
        Sid       = "TakeFromOwnRoles"
        Action    = ["iam:DetachRolePolicy", "iam:DeleteRolePolicy"]
        Condition = local.own
      },
      {
        Sid = "ReadOwnRoles"
        Action = [
          "iam:GetRole",
          "iam:ListAttachedRolePolicies",
          "iam:ListRolePolicies",
          "iam:GetRolePolicy",
          "iam:ListInstanceProfilesForRole",
        ]
        Condition = local.own
      },
    ],
  )

  elsewhere = concat(
    [
      {
        Sid = "ReadWhatCanNotBeScoped"
        Action = [
          "iam:GetAccountAuthorizationDetails",
          "iam:ListRoles",
          "iam:GetAccountSummary",
          "iam:GetPolicy",
          "iam:GetPolicyVersion",
        ]
        Resource = "*"
      },
      {
        Sid = "KeepTheProvider"
        Action = [
          "iam:GetOpenIDConnectProvider",
          "iam:CreateOpenIDConnectProvider",
          "iam:TagOpenIDConnectProvider",
          "iam:AddClientIDToOpenIDConnectProvider",
          "iam:DeleteOpenIDConnectProvider",
        ]
        Resource = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer != "" ? local.issuer : "*"}"
      },
    ],
    [for needed in [length(var.assume_roles) > 0] : {
      Sid      = "GoToOtherAccounts"
      Action   = "sts:AssumeRole"
      Resource = var.assume_roles
    } if needed],
    [for needed in [var.eks_cluster_name != ""] : {
      Sid      = "AskForTheIssuer"
      Action   = "eks:DescribeCluster"
      Resource = "arn:${local.partition}:eks:${data.aws_region.current.id}:${local.account}:cluster/${var.eks_cluster_name}"
    } if needed],
  )

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for statement in local.on_roles : merge(statement, { Effect = "Allow", Resource = local.roles })],
      [for statement in local.elsewhere : merge(statement, { Effect = "Allow" })],
    )
  })
}
