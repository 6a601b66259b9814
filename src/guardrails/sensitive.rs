//! Actions by which somebody gets, or gives to others, more than the statement says that allows them. A rule of a class
//! holds them only where it names them, one by one and without a wildcard: `s3:*` in a rule was not meant to hand out the
//! bucket's own policy.
//!
//! So a tenant's action that can be one of these is inside a rule only if it is no pattern and the rule has the very same.
//! Whatever else a pattern stands for, as it can be what `*:Put*Policy` can be too, it is refused: it grows with each
//! action that AWS adds.
//!
//! A line ends up here if its action changes who may do what (access level "Permissions management" in the Service
//! Authorization Reference), gives out credentials of another principal, or lets somebody run code or commands as one
//! that exists. What merely destroys or costs belongs into a class's `deny`.
//!
//! No pattern here begins with `*` behind the service, unless it is all of the service: it would take `s3:Get*` along. Where `Get` gives out
//! credentials, as with `redshift:GetClusterCredentials`, the `Get*` of that service is refused.
//!
//! `docs/sensitive-actions.md` has the same table; a test holds the two together.

#[cfg(test)]
mod tests;

/// An action, or a pattern of actions, and what is grave about it.
#[derive(Clone, Copy, Debug)]
pub struct Sensitive {
    /// As in a policy.
    pub action: &'static str,
    /// The end of a sentence that begins with the action.
    pub why: &'static str,
    /// Where AWS says so: a page of the Service Authorization Reference ("Actions, resources, and condition keys for …"),
    /// unless it names another.
    pub source: &'static str,
}

const fn row(action: &'static str, why: &'static str, source: &'static str) -> Sensitive {
    Sensitive { action, why, source }
}

/// All of them. The first that fits is the one that a refusal names, so single actions stand before the patterns that
/// cover them too.
pub const SENSITIVE: &[Sensitive] = &[
    // Who there is, and what they may do.
    row("iam:PassRole", PASS, "IAM user guide: Grant a user permissions to pass a role to an AWS service"),
    row("iam:*", "tells or changes who may do what in the account", "AWS Identity and Access Management (IAM)"),
    row("sts:AssumeRole", BECOME, "AWS Security Token Service"),
    row("sts:AssumeRole*", BECOME, "AWS Security Token Service"),
    row("sts:AssumeRoot", "gives root's credentials of a member account", "AWS Security Token Service"),
    row("sts:GetFederationToken", "gives credentials under another name", "AWS Security Token Service"),
    row("eks-auth:AssumeRoleForPodIdentity", BECOME, "Amazon EKS Auth"),
    row("rolesanywhere:*", "says whose certificates become roles", "AWS Identity and Access Management Roles Anywhere"),
    row("organizations:*", "reaches into the organization and its policies", "AWS Organizations"),
    row("account:*", "changes the account itself", "AWS Account Management"),
    row("sso:*", "says who may enter which account", "AWS IAM Identity Center"),
    row("sso-directory:*", "changes users and groups", "AWS IAM Identity Center directory"),
    row("identitystore:*", "changes users and groups", "AWS Identity Store"),
    row("cognito-identity:SetIdentityPoolRoles", "says which role strangers get", "Amazon Cognito Identity"),
    row("cognito-identity:UpdateIdentityPool", "says which strangers get a role", "Amazon Cognito Identity"),
    row("ds:CreateTrust", "changes whom the directory trusts", "AWS Directory Service"),
    // Clusters.
    row("eks:CreateAccessEntry", CLUSTER, "Amazon Elastic Kubernetes Service"),
    row("eks:CreatePodIdentityAssociation", "gives a role to Pods", "Amazon Elastic Kubernetes Service"),
    row("eks:Create*", CLUSTER, "Amazon Elastic Kubernetes Service"),
    row("eks:UpdateAccessEntry", CLUSTER, "Amazon Elastic Kubernetes Service"),
    row("eks:AssociateAccessPolicy", CLUSTER, "Amazon Elastic Kubernetes Service"),
    row("eks:AssociateIdentityProviderConfig", CLUSTER, "Amazon Elastic Kubernetes Service"),
    row("eks:UpdatePodIdentityAssociation", "gives a role to Pods", "Amazon Elastic Kubernetes Service"),
    row("eks:UpdateClusterConfig", "opens the cluster's API server to others", "Amazon Elastic Kubernetes Service"),
    // Policies on resources.
    row("s3:PutBucketPolicy", POLICY, "Amazon S3"),
    row("s3:PutBucketAcl", POLICY, "Amazon S3"),
    row("s3:PutObjectAcl", POLICY, "Amazon S3"),
    row("s3:PutObjectVersionAcl", POLICY, "Amazon S3"),
    row("s3:PutAccessPointPolicyForObjectLambda", POLICY, "Amazon S3"),
    row("s3:PutBucketOwnershipControls", POLICY, "Amazon S3"),
    row("s3:PutBucketPublicAccessBlock", "can open a bucket to everybody", "Amazon S3"),
    row("s3:PutAccountPublicAccessBlock", "can open all buckets to everybody", "Amazon S3"),
    row("s3:PutAccessPointPublicAccessBlock", "can open an access point to everybody", "Amazon S3"),
    row("s3:PutReplicationConfiguration", "copies a bucket elsewhere", "Amazon S3"),
    row("s3:ObjectOwnerOverrideToBucketOwner", POLICY, "Amazon S3"),
    row("s3:BypassGovernanceRetention", "lifts a lock that others set", "Amazon S3"),
    row("s3:CreateAccessGrant*", GRANT, "Amazon S3"),
    row("s3:UpdateAccessGrant*", GRANT, "Amazon S3"),
    row("s3:AssociateAccessGrant*", GRANT, "Amazon S3"),
    row("s3-object-lambda:PutObject*Acl", POLICY, "Amazon S3 Object Lambda"),
    row("s3-outposts:PutObjectAcl", POLICY, "Amazon S3 on Outposts"),
    row("kms:PutKeyPolicy", POLICY, "AWS Key Management Service"),
    row("kms:CreateGrant", "gives the use of a key to others", "AWS Key Management Service"),
    row("secretsmanager:PutResourcePolicy", POLICY, "AWS Secrets Manager"),
    row("sqs:SetQueueAttributes", "sets a queue's policy, too", "Amazon SQS"),
    row("sqs:AddPermission", POLICY, "Amazon SQS"),
    row("sqs:CreateQueue", "sets a queue's policy, too", "Amazon SQS"),
    row("sns:SetTopicAttributes", "sets a topic's policy, too", "Amazon SNS"),
    row("sns:AddPermission", POLICY, "Amazon SNS"),
    row("sns:CreateTopic", "sets a topic's policy, too", "Amazon SNS"),
    row("lambda:AddPermission", POLICY, "AWS Lambda"),
    row("lambda:AddLayerVersionPermission", POLICY, "AWS Lambda"),
    row("lambda:CreateFunctionUrlConfig", "can let everybody call a function", "AWS Lambda"),
    row("lambda:UpdateFunctionUrlConfig", "can let everybody call a function", "AWS Lambda"),
    row("ecr:SetRepositoryPolicy", POLICY, "Amazon Elastic Container Registry"),
    row("ecr-public:SetRepositoryPolicy", POLICY, "Amazon Elastic Container Registry Public"),
    row("dynamodb:PutResourcePolicy", POLICY, "Amazon DynamoDB"),
    row("events:PutPermission", POLICY, "Amazon EventBridge"),
    row("ses:CreateEmailIdentityPolicy", POLICY, "Amazon Simple Email Service v2"),
    row("ses:UpdateEmailIdentityPolicy", POLICY, "Amazon Simple Email Service v2"),
    row("apigateway:UpdateRestApiPolicy", POLICY, "Amazon API Gateway Management"),
    row("glacier:SetVaultAccessPolicy", POLICY, "Amazon S3 Glacier"),
    row("acm-pca:PutPolicy", POLICY, "AWS Private Certificate Authority"),
    row("acm-pca:CreatePermission", POLICY, "AWS Private Certificate Authority"),
    row("es:UpdateDomainConfig", "sets a domain's access policy, too", "Amazon OpenSearch Service"),
    row("es:UpdateElasticsearchDomainConfig", "sets a domain's access policy, too", "Amazon OpenSearch Service"),
    row("aoss:CreateAccessPolicy", POLICY, "Amazon OpenSearch Serverless"),
    row("aoss:UpdateAccessPolicy", POLICY, "Amazon OpenSearch Serverless"),
    row("cloudsearch:UpdateServiceAccessPolicies", POLICY, "Amazon CloudSearch"),
    row("lex:CreateResourcePolicy*", POLICY, "Amazon Lex V2"),
    row("lex:UpdateResourcePolicy", POLICY, "Amazon Lex V2"),
    row("iot:AttachPolicy", "gives permissions to devices", "AWS IoT"),
    row("iot:CreatePolicyVersion", "changes the permissions of devices", "AWS IoT"),
    row("iot:SetDefaultPolicyVersion", "changes the permissions of devices", "AWS IoT"),
    row("*:Put*Policy", POLICY, "each service's page, access level Permissions management"),
    row("*:Set*Policy", POLICY, "each service's page, access level Permissions management"),
    row("*:Add*Permission", POLICY, "each service's page, access level Permissions management"),
    // Sharing.
    row("ram:*", "shares resources with other accounts", "AWS Resource Access Manager (RAM)"),
    row("ec2:ModifyImageAttribute", SHARE, "Amazon EC2"),
    row("ec2:ModifySnapshotAttribute", SHARE, "Amazon EC2"),
    row("ec2:Disable*BlockPublicAccess", SHARE, "Amazon EC2"),
    row("rds:ModifyDBSnapshotAttribute", SHARE, "Amazon RDS"),
    row("rds:ModifyDBClusterSnapshotAttribute", SHARE, "Amazon RDS"),
    row("redshift:Authorize*", SHARE, "Amazon Redshift"),
    row("redshift:ModifyClusterIamRoles", "gives a role to a cluster", "Amazon Redshift"),
    row("ssm:ModifyDocumentPermission", SHARE, "AWS Systems Manager"),
    row("lakeformation:GrantPermissions", "says who may read the lake", "AWS Lake Formation"),
    row("lakeformation:BatchGrantPermissions", "says who may read the lake", "AWS Lake Formation"),
    row("lakeformation:PutDataLakeSettings", "says who rules over the lake", "AWS Lake Formation"),
    row("servicecatalog:CreatePortfolioShare", SHARE, "AWS Service Catalog"),
    // Credentials of others.
    row("elasticmapreduce:GetClusterSessionCredentials", BECOME, "Amazon Elastic MapReduce"),
    row("emr-containers:GetManagedEndpointSessionCredentials", BECOME, "Amazon EMR on EKS (EMR Containers)"),
    row("iot:AssumeRoleWithCertificate", BECOME, "AWS IoT Core credential provider"),
    row("deadline:Assume*", BECOME, "AWS Deadline Cloud"),
    row("redshift:GetClusterCredentials*", LOGIN, "Amazon Redshift"),
    row("redshift-serverless:GetCredentials", LOGIN, "Amazon Redshift Serverless"),
    row("lightsail:GetInstanceAccessDetails", LOGIN, "Amazon Lightsail"),
    row("lightsail:DownloadDefaultKeyPair", LOGIN, "Amazon Lightsail"),
    row("gamelift:GetInstanceAccess", LOGIN, "Amazon GameLift Servers"),
    // Running as somebody else.
    row("ssm:SendCommand", RUN, "AWS Systems Manager"),
    row("ssm:StartSession", RUN, "AWS Systems Manager"),
    row("ssm:ResumeSession", RUN, "AWS Systems Manager"),
    row("ssm:CreateAssociation*", RUN, "AWS Systems Manager"),
    row("ssm:UpdateAssociation", RUN, "AWS Systems Manager"),
    row("ssm:StartAutomationExecution", RUN, "AWS Systems Manager"),
    row("ec2-instance-connect:*", RUN, "Amazon EC2 Instance Connect"),
    row("ec2:ModifyInstanceAttribute", "sets what an instance runs when it starts", "Amazon EC2"),
    row("ec2:AssociateIamInstanceProfile", "gives a role to an instance", "Amazon EC2"),
    row("ec2:ReplaceIamInstanceProfileAssociation", "gives a role to an instance", "Amazon EC2"),
    row("ssm:UpdateDocument*", "changes what is run where a document is used", "AWS Systems Manager"),
    row("codedeploy:CreateDeployment", CODE, "AWS CodeDeploy"),
    row("ecs:ExecuteCommand", RUN, "Amazon Elastic Container Service"),
    row("lambda:UpdateFunctionCode", CODE, "AWS Lambda"),
    row("lambda:UpdateFunctionConfiguration", CODE, "AWS Lambda"),
    row("codebuild:StartBuild*", CODE, "AWS CodeBuild"),
    row("codebuild:UpdateProject", CODE, "AWS CodeBuild"),
    row("glue:UpdateDevEndpoint", CODE, "AWS Glue"),
    row("glue:UpdateJob", CODE, "AWS Glue"),
    row("cloudformation:CreateStack*", CODE, "AWS CloudFormation"),
    row("cloudformation:UpdateStack*", CODE, "AWS CloudFormation"),
    row("cloudformation:ExecuteChangeSet", CODE, "AWS CloudFormation"),
    row("states:UpdateStateMachine", CODE, "AWS Step Functions"),
    row("apprunner:UpdateService", CODE, "AWS App Runner"),
    row("elasticbeanstalk:UpdateEnvironment", CODE, "AWS Elastic Beanstalk"),
    row("elasticmapreduce:AddJobFlowSteps", RUN, "Amazon Elastic MapReduce"),
    row("batch:SubmitJob", "runs a command with the role of a job definition", "AWS Batch"),
    row("sagemaker:CreatePresigned*Url", "opens a notebook with its role", "Amazon SageMaker AI"),
];

const PASS: &str = "hands a role to a service, which then acts with it";
const BECOME: &str = "gives the credentials of another role";
const CLUSTER: &str = "says who may enter a cluster, and as what";
const POLICY: &str = "says who else may use the resource";
const GRANT: &str = "says who gets credentials for a bucket";
const SHARE: &str = "shares what is stored with other accounts";
const LOGIN: &str = "gives credentials of another user";
const RUN: &str = "runs commands on machines that have roles of their own";
const CODE: &str = "changes what runs with a role that is there already";
