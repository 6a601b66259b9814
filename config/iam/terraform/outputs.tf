output "role_arn" {
  description = "The operator's own role: aws.roleArn of the chart for identity irsa."
  value       = aws_iam_role.operator.arn
}

output "policy" {
  description = "Its policy."
  value       = local.policy
}
