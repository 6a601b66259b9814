//! AWS as an administrator and as a Pod see it.

use aws_credential_types::Credentials;
use aws_sdk_iam::config::{BehaviorVersion, Region};
use aws_sdk_iam::error::ProvideErrorMetadata;

/// Keys, and the endpoint that they are for.
#[derive(Clone, Debug)]
pub struct Keys {
    pub endpoint: String,
    pub region: String,
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

/// Clients with an administrator's keys: who changes things behind the operator's back.
#[derive(Clone, Debug)]
pub struct AwsAdmin {
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
}

/// What a Pod gets for its token.
#[derive(Clone, Debug)]
pub struct Session {
    /// The ARN of the assumed role.
    pub arn: String,
}

impl AwsAdmin {
    pub fn new(keys: &Keys) -> Self {
        let credentials =
            Credentials::new(keys.id.clone(), keys.secret.clone(), keys.token.clone(), None, "end-to-end tests");
        let iam = aws_sdk_iam::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(keys.region.clone()))
            .endpoint_url(&keys.endpoint)
            .credentials_provider(credentials.clone())
            .build();
        let sts = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new(keys.region.clone()))
            .endpoint_url(&keys.endpoint)
            .credentials_provider(credentials)
            .build();
        Self { iam: aws_sdk_iam::Client::from_conf(iam), sts: aws_sdk_sts::Client::from_conf(sts) }
    }

    /// A role for the operator.
    pub async fn make_operator(&self, account: &str) {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        let role = self.iam.create_role().role_name("irsa-operator").assume_role_policy_document(trust).send().await;
        role.expect("the operator's role");
        for (name, document) in operator_policies(account) {
            let put = self.iam.put_role_policy().role_name("irsa-operator").policy_name(name).policy_document(document);
            put.send().await.expect("the operator's policy");
        }
    }

    /// A session of the operator's role, as an installation on EC2 or with access keys has it.
    pub async fn operator_session(&self, account: &str, name: &str, admin: &Keys) -> Keys {
        let arn = format!("arn:aws:iam::{account}:role/irsa-operator");
        // STS may not know a role yet that was made a moment ago.
        let session = super::eventually("STS knows the operator's role", async || {
            let assume = self.sts.assume_role().role_arn(&arn).role_session_name(name);
            assume.send().await.map_err(|error| format!("{error:?}"))
        });
        let session = session.await.credentials.expect("credentials");
        Keys {
            endpoint: admin.endpoint.clone(),
            region: admin.region.clone(),
            id: session.access_key_id,
            secret: session.secret_access_key,
            token: Some(session.session_token),
        }
    }

    /// What the AWS SDK in a Pod does with the projected token.
    ///
    /// # Errors
    /// The AWS error code.
    pub async fn web_identity(&self, role_arn: &str, token: &str) -> Result<Session, String> {
        let call = self.sts.assume_role_with_web_identity().role_arn(role_arn).web_identity_token(token);
        match call.role_session_name("pod").send().await {
            Ok(answer) => {
                assert!(answer.credentials().is_some_and(|c| !c.session_token().is_empty()), "credentials");
                Ok(Session { arn: answer.assumed_role_user().map(|user| user.arn().to_owned()).unwrap_or_default() })
            }
            Err(error) => Err(error.code().unwrap_or("no code").to_owned()),
        }
    }

    /// [`Self::web_identity`] that must be granted, as soon as STS has heard of the role or of its last change.
    pub async fn credentials(&self, role_arn: &str, token: &str) -> Session {
        super::eventually(&format!("credentials of {role_arn}"), async || self.web_identity(role_arn, token).await)
            .await
    }

    /// A customer managed policy; returns its ARN.
    pub async fn policy(&self, name: &str, document: &str) -> String {
        let made = self.iam.create_policy().policy_name(name).policy_document(document).send().await;
        made.expect("a policy").policy.and_then(|policy| policy.arn).expect("its ARN")
    }
}

/// The operator's role in another account, as its administrators make it: `trusted` is the operator's own role.
pub async fn operator_elsewhere(admin: &AwsAdmin, account: &str, trusted: &str) -> String {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{trusted}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    // A principal that was made a moment ago may not be known everywhere yet.
    let role = super::eventually("the operator's role elsewhere is made", async || {
        let create = admin.iam.create_role().role_name("irsa-operator").assume_role_policy_document(&trust);
        match create.send().await {
            Err(error) if error.message().is_some_and(|text| text.starts_with("Invalid principal")) => {
                Err(format!("{error:?}"))
            }
            made => Ok(made.expect("the operator's role").role.expect("a role")),
        }
    })
    .await;
    for (name, document) in operator_policies(account) {
        let put = admin.iam.put_role_policy().role_name("irsa-operator").policy_name(name).policy_document(document);
        put.send().await.expect("the operator's policy");
    }
    role.arn
}

/// What `irsa-operator iam-policy` prints.
pub fn operator_policy(flags: &[&str]) -> serde_json::Value {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_irsa-operator"));
    command.args(["iam-policy", "--cluster-id", super::CLUSTER_ID]).args(flags);
    let output = command.env_clear().output().expect("the operator's program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("a policy")
}

/// What `irsa-operator iam-policy` prints, and nothing more: a permission that is missing there fails a test. Some tests'
/// classes have a boundary and most have none, so the right to set one comes on top, from the same command.
fn operator_policies(account: &str) -> [(&'static str, String); 2] {
    let printed = |flags: &[&str]| {
        let paths = ["--path", "/irsa/", "--path", "/team/apps/"];
        operator_policy(&[&["--account", account], &paths[..], flags].concat())
    };
    let mut bounds = printed(&["--boundary", &format!("arn:aws:iam::{account}:policy/*")]);
    let statements = bounds["Statement"].as_array_mut().expect("statements");
    statements.retain(|statement| statement["Sid"] == "BoundOwnRoles");
    let own = printed(&["--eks-cluster", "us-east-1/dev", "--assume-role", "arn:aws:iam::*:role/irsa-operator"]);
    [("operator", own.to_string()), ("boundaries", bounds.to_string())]
}
