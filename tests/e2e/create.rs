//! From `kubectl apply` to credentials, and what that costs.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Space, eventually};
use serde_json::json;

/// The numbers that a new binding is held to: 1 + M + I calls of AWS, three writes to the API server.
#[tokio::test]
async fn a_new_binding_costs_no_more_than_it_must() {
    let space = Space::quiet("create").await;
    let policies = json!({
        "managed": ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess"],
        "inline": [inline("bucket", allow("s3:GetObject"))],
    });
    let binding = space.make_ready("app", policies).await;
    assert_eq!(
        space.operations("app", 0).await,
        ["CreateRole", "AttachRolePolicy", "AttachRolePolicy", "PutRolePolicy"]
    );
    let writes = eventually("three writes are in the audit log", async || {
        let writes = space.writes();
        if writes.len() >= 3 { Ok(writes) } else { Err(format!("{writes:?}")) }
    })
    .await;
    let expected = ["patch irsabindings app 200", "patch serviceaccounts app 200", "patch irsabindings/status app 200"];
    assert_eq!(writes, expected);
    assert_eq!(binding["status"]["roleArn"], space.role_arn("app"));
    assert_eq!(binding["status"]["accountId"], space.emulator.account);
    assert_eq!(binding["status"]["className"], "default");
    assert_eq!(binding["status"]["roleId"], space.role("app").await["id"]);
    assert_eq!(binding["status"]["pendingSteps"], json!(null));
    assert_eq!(space.annotations("app").await, json!({"eks.amazonaws.com/role-arn": space.role_arn("app")}));
    space.event("app", "RoleCreated", &space.role_arn("app")).await;
}

/// What a Pod does with its token works for this ServiceAccount and this audience, and for no other.
#[tokio::test]
async fn only_the_service_account_of_the_binding_gets_credentials() {
    let space = Space::quiet("exchange").await;
    space.make_account("other").await;
    space.make_ready("app", json!({})).await;
    let role = space.role_arn("app");
    let session = space.aws.credentials(&role, &space.token("app").await).await;
    assert_eq!(session.arn, format!("arn:aws:sts::{}:assumed-role/e2e_exchange_app/pod", space.emulator.account));
    let refused = space.aws.web_identity(&role, &space.token("other").await).await;
    assert_eq!(refused.unwrap_err(), "AccessDenied");
    let audience = space.kube.token("exchange", "app", Some("https://elsewhere.example")).await;
    let refused = space.aws.web_identity(&role, &audience).await.unwrap_err();
    assert!(["AccessDenied", "InvalidIdentityToken"].contains(&refused.as_str()), "{refused}");
    let namesake = Space::quiet("exchange-2").await;
    namesake.make_account("app").await;
    let refused = space.aws.web_identity(&role, &namesake.token("app").await).await;
    assert_eq!(refused.unwrap_err(), "AccessDenied", "a ServiceAccount of the same name elsewhere");
}

/// All that spec and class say stands on the role, in the one call that makes it.
#[tokio::test]
async fn everything_that_is_declared_is_in_aws() {
    let space = Space::quiet("declared").await;
    let boundary = space.aws.policy("declared-boundary", &allow("s3:*").to_string()).await;
    let class = json!({
        "oidcProvider": {"audiences": ["sts.amazonaws.com", "vault.example"]},
        "role": {
            "path": "/team/apps/",
            "nameTemplate": "$(namespace)_$(serviceAccount)",
            "permissionsBoundaryArn": "arn:$(partition):iam::$(account):policy/declared-boundary",
            "tags": {"team": "$(namespace)", "Cost": "class"},
        },
    });
    space.make_class("declared", class).await;
    space.make_account("sa").await;
    let spec = json!({
        "className": "declared",
        "serviceAccount": {"name": "sa", "tokenExpirationSeconds": 3600, "stsRegionalEndpoints": true},
        "policies": {
            "managed": ["account:declared-boundary", "arn:$(partition):iam::aws:policy/ReadOnlyAccess"],
            "inline": [inline("bucket", json!({
                "Version": "2012-10-17",
                "Statement": {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource":
                    "arn:$(partition):s3:::$(namespace)-$(name)-$(serviceAccount)-$(clusterId)-$(region)/${aws:PrincipalTag/team}"},
            }))],
        },
        "role": {"description": "of $(name)", "maxSessionDurationSeconds": 7200, "tags": {"app": "$(name)", "cost": "binding"}},
        "trust": {"audience": "vault.example"},
    });
    space.make_binding("app", spec).await;
    space.ready("app").await;
    let role = space.emulator.role("declared_sa").await;
    let account = &space.emulator.account;
    let arn = format!("arn:aws:iam::{account}:role/team/apps/declared_sa");
    assert_eq!(role["arn"], arn);
    assert_eq!(role["description"], "of app");
    assert_eq!(role["maxSessionDuration"], 7200);
    assert_eq!(role["boundary"], boundary);
    let mut attached: Vec<&str> = role["attached"].as_array().unwrap().iter().filter_map(|a| a.as_str()).collect();
    attached.sort_unstable();
    assert_eq!(attached, [boundary.as_str(), &aws("ReadOnlyAccess")]);
    let resource = &role["inline"]["bucket"]["Statement"];
    assert!(
        resource.to_string().contains("arn:aws:s3:::declared-app-sa-e2e-us-east-1/${aws:PrincipalTag/team}"),
        "{resource}"
    );
    let issuer = space.env.issuer.trim_start_matches("https://");
    let owner = json!({
        "irsa-operator.io/cluster": "e2e",
        "irsa-operator.io/namespace": "declared",
        "irsa-operator.io/binding": "app",
        "irsa-operator.io/class": "declared",
        "irsa-operator.io/issuer": issuer,
        "irsa-operator.io/schema": "1",
        "team": "declared",
        "app": "app",
        "Cost": "class",
    });
    for (key, value) in owner.as_object().unwrap() {
        assert_eq!(&role["tags"][key], value, "{key}");
    }
    assert_eq!(role["tags"]["cost"], json!(null), "the class's tag wins whatever the case of the binding's");
    let trust = role["trust"]["Statement"].to_string();
    for part in [space.env.provider_arn(), "system:serviceaccount:declared:sa".into(), "vault.example".into()] {
        assert!(trust.contains(&part), "{part} in {trust}");
    }
    let annotations = json!({
        "eks.amazonaws.com/role-arn": arn,
        "eks.amazonaws.com/audience": "vault.example",
        "eks.amazonaws.com/token-expiration": "3600",
        "eks.amazonaws.com/sts-regional-endpoints": "true",
    });
    assert_eq!(space.annotations("sa").await, annotations);
    let token = space.kube.token("declared", "sa", Some("vault.example")).await;
    space.aws.credentials(&arn, &token).await;
}

/// A binding without policies is a role that may be assumed and may do nothing: allowed, and said.
#[tokio::test]
async fn a_binding_without_policies_says_so() {
    let space = Space::quiet("no-policies").await;
    let binding = space.make_ready("app", json!({})).await;
    assert_eq!(crate::harness::reason(&binding, "PoliciesReady"), "NoPolicies");
    assert_eq!(space.operations("app", 0).await, ["CreateRole"]);
}
