//! What the platform team has made: classes, policies, and what is nobody's business.

use super::Tenant;
use crate::harness::adoption::seed;
use crate::harness::documents::{allow, inline};
use serde_json::{Value, json};

/// A boundary that holds everybody to what they may read of S3 and SQS in `shop`.
pub const STRICT: &str = "arn:aws:iam::111122223333:policy/attack-strict";
/// One that holds nobody.
const LOOSE: &str = "arn:aws:iam::111122223333:policy/attack-loose";

/// What a class gives `shop`, and what else it says.
pub fn class(over: Value) -> Value {
    let mut spec = json!({
        "role": {"permissionsBoundaryArn": STRICT, "tags": {"team": "shop", "kind": "tenant"}},
        "allow": {
            "namespaces": {"names": ["shop"]},
            "serviceAccounts": {"names": ["app-*"], "additional": true},
            "managedPolicies": ["account:$(namespace)/*", "aws:AmazonSQS*"],
            "inlinePolicies": {"rules": [{"actions": ["s3:Get*"], "resources": ["arn:aws:s3:::$(namespace)/*"]}]},
            "tags": {"keys": ["cost-*", "team", "kind"]},
            "deletionPolicies": ["Delete"],
            "maxBindingsPerNamespace": 500,
        },
    });
    for (key, value) in over.as_object().into_iter().flatten() {
        for (inner, value) in value.as_object().into_iter().flatten() {
            spec[key][inner] = value.clone();
        }
        if !value.is_object() {
            spec[key] = value.clone();
        }
    }
    spec
}

/// A policy that `shop` may attach: it allows more than the strict boundary lets through.
pub fn reads() -> Value {
    json!({"policies": {"managed": ["account:shop/reads"]}})
}

/// An inline policy that `shop` may have.
pub fn gets() -> Value {
    let statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop/*"});
    json!({"policies": {"inline": [inline("gets", json!({"Version": "2012-10-17", "Statement": [statement]}))]}})
}

/// Both retained and deleted.
pub fn any_deletion() -> Value {
    json!({"allow": {"deletionPolicies": ["Delete", "Retain"]}})
}

pub async fn make(tenant: &Tenant) {
    let (space, iam) = (&tenant.space, &tenant.space.aws.iam);
    let strict = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:Get*", "sqs:*"], "Resource": ["arn:aws:s3:::shop/*", "arn:aws:sqs:*:*:shop_*"]},
    ]});
    let reads = allow("s3:Get*");
    for (path, name, document) in [
        ("/", "attack-strict", strict),
        ("/", "attack-loose", allow("*")),
        ("/shop/", "reads", reads.clone()),
        ("/shop-b/", "reads", reads),
    ] {
        let create = iam.create_policy().path(path).policy_name(name).policy_document(document.to_string());
        create.send().await.expect("a policy");
    }
    space.make_class("shop", class(json!({}))).await;
    let wide = json!({"allow": {"managedPolicies": ["aws:*", "account:*"], "serviceAccounts": {"names": ["app-*"]}}});
    space.make_class("wide", class(wide)).await;
    let makes = json!({"allow": {"serviceAccounts": {"names": ["app-*"], "create": true}}});
    space.make_class("makes", class(makes)).await;
    for (name, glob) in [("names", "$(namespace)_*"), ("names-more", "*$(namespace)*")] {
        space.make_class(name, class(json!({"allow": {"roleName": glob}}))).await;
    }
    // Who else there is, with a boundary that lets all through and tags that open doors.
    let platform = json!({"role": {"permissionsBoundaryArn": LOOSE, "tags": {"team": "platform"}},
        "allow": {"namespaces": {"names": ["platform", "shop-b"]}, "deletionPolicies": ["Delete", "Retain"]}});
    space.make_class("platform", class(platform)).await;

    let neighbour = &tenant.neighbour;
    neighbour.make_account("app-x").await;
    let spec = json!({"className": "platform", "serviceAccount": {"name": "app-x"},
        "policies": {"managed": ["account:shop-b/reads"]}});
    neighbour.make_binding("app-x", spec).await;
    neighbour.ready("app-x").await;
    let ec2 = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let strong = |name: &str, path: &str, tags: Value| {
        json!({"name": name, "path": path, "tags": tags, "trust": ec2,
            "attached": ["arn:aws:iam::aws:policy/AdministratorAccess"]})
    };
    let roles = vec![
        strong("admin", "/", json!({})),
        strong("OrganizationAccountAccessRole", "/", json!({})),
        strong("AWSReservedSSO_Admin_0123456789abcdef", "/aws-reserved/sso.amazonaws.com/", json!({})),
        strong("E2E_SHOP_APP-CASE", "/", json!({})),
        strong("e2e_shop_app-path", "/elsewhere/", json!({})),
        strong("e2e_shop_app-look-alike", "/irsa/", look_alike("green", "shop", "app-look-alike")),
        strong("e2e_shop_app-of-others", "/irsa/", look_alike("e2e", "shop-b", "app-of-others")),
        strong("offered-elsewhere", "/", json!({"irsa-operator.io/adoptable-by": "e2e/shop-b/app-x"})),
    ];
    seed(&space.emulator, roles).await;
}

/// Tags that are almost those of a role of the tenant's.
fn look_alike(cluster: &str, namespace: &str, binding: &str) -> Value {
    json!({"irsa-operator.io/cluster": cluster, "irsa-operator.io/namespace": namespace,
        "irsa-operator.io/binding": binding})
}
