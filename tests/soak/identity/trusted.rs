//! Another cluster's ServiceAccounts, and AWS principals, that a class trusts.

use super::*;
use crate::harness::{AwsAdmin, Keys, eventually, message};

async fn class_says(space: &Space, status: &str, part: &str) {
    let so = |c: &Value| {
        is(c, "ProviderReady", status) && message(c, "ProviderReady").contains(part) && is(c, "Ready", "True")
    };
    space.class_until("default", &format!("says of providers {part:?}"), so).await;
}

/// Each role gets the trust that the class says, by one call.
async fn set(space: &Space, spec: Value) {
    let since = space.mark().await;
    space.kube.patch(CLASS, &json!({ "spec": spec })).await;
    let query =
        format!("principal=*assumed-role/irsa-operator/identity-2&operation=UpdateAssumeRolePolicy&since={since}");
    space.emulator.journal_wait(APPS.len() + 1, &query).await;
    for app in APPS {
        space.ready(app).await;
        assert_eq!(space.changes(app, since).await, ["UpdateAssumeRolePolicy"], "{app}");
    }
}

/// A session of a role of somebody else in the account, that may try to assume all roles.
async fn ci(space: &Space) -> (String, AwsAdmin) {
    let (iam, account) = (&space.aws.iam, &space.emulator.account);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}}]});
    let role = iam.create_role().role_name("ci").assume_role_policy_document(trust.to_string()).send().await;
    let arn = role.expect("a role").role.expect("a role").arn;
    let may = crate::harness::documents::allow("sts:AssumeRole").to_string();
    iam.put_role_policy().role_name("ci").policy_name("ci").policy_document(may).send().await.expect("a policy");
    let session = eventually("STS knows the role", async || {
        let assume = space.aws.sts.assume_role().role_arn(&arn).role_session_name("ci");
        assume.send().await.map_err(|error| format!("{error:?}"))
    });
    let keys = session.await.credentials.expect("credentials");
    let keys = Keys {
        endpoint: format!("http://{}", space.emulator.address),
        region: "us-east-1".to_owned(),
        id: keys.access_key_id,
        secret: keys.secret_access_key,
        token: Some(keys.session_token),
    };
    (arn, AwsAdmin::new(&keys))
}

pub(super) async fn by_the_class(first: &Space, space: &Space) {
    let issuer = bare(&first.env.issuer).to_owned();
    let role = space.role_arn("app-1");
    let (arn, ci) = ci(space).await;
    let assume = async || {
        let call = ci.sts.assume_role().role_arn(&role).role_session_name("ci").send().await;
        call.map(drop).map_err(|error| format!("{error:?}"))
    };
    assert!(assume().await.is_err(), "not yet");
    set(space, json!({"trustedIssuers": [issuer], "trustedPrincipals": [arn]})).await;
    class_says(
        space,
        "False",
        &format!("of the trusted issuer {issuer} does not exist, so tokens of that cluster are refused"),
    )
    .await;
    let create = space.aws.iam.create_open_id_connect_provider().url(&first.env.issuer);
    create.client_id_list("sts.amazonaws.com").send().await.expect("a provider");
    class_says(space, "True", "is there").await;

    for token in [first.token("app-1").await, space.token("app-1").await] {
        space.aws.credentials(&role, &token).await;
    }
    let other = space.aws.web_identity(&role, &first.token("app-4").await).await;
    assert_eq!(other.unwrap_err(), "AccessDenied", "only of the same name");
    eventually("the principal assumes the role", assume).await;

    set(space, json!({"trustedIssuers": null, "trustedPrincipals": null})).await;
    space.aws.credentials(&role, &space.token("app-1").await).await;
    eventually("they are refused", async || {
        let refused =
            space.aws.web_identity(&role, &first.token("app-1").await).await.is_err() && assume().await.is_err();
        refused.then_some(()).ok_or_else(String::new)
    })
    .await;
}
