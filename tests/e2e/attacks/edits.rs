//! What a tenant tries on a binding that is Ready: worse policies, changes in a row, and edits of what is not its own.

use crate::harness::documents::inline;
use crate::harness::{Probe, Space, message, reason};
use serde_json::{Value, json};

/// A policy that allows one action on objects of a bucket.
fn policy(action: &str, bucket: &str) -> Value {
    let resource = format!("arn:aws:s3:::{bucket}/*");
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

fn probe(action: &str, resource: &str) -> Probe {
    (action.to_owned(), resource.to_owned())
}

/// A class whose bindings may read what is their namespace's, and a binding `app` that does.
async fn tenant(name: &str) -> Space {
    let space = Space::new(name).await;
    let rules = json!([{"actions": ["s3:*"], "resources": ["arn:aws:s3:::$(namespace)/*"]}]);
    let allow = json!({"namespaces": {"names": [name]}, "serviceAccounts": {"names": ["*"]}, "inlinePolicies": {"rules": rules}});
    space.make_class(name, json!({"allow": allow})).await;
    space.make_account("app").await;
    space.make_account("bare").await;
    space.make_binding("app", spec(name, &[policy("s3:GetObject", name)])).await;
    space.ready("app").await;
    space
}

fn spec(class: &str, policies: &[Value]) -> Value {
    let inline: Vec<Value> =
        policies.iter().enumerate().map(|(number, one)| inline(&format!("p{number}"), one.clone())).collect();
    json!({"className": class, "serviceAccount": {"name": "app"}, "policies": {"inline": inline}})
}

/// Asks the judge: of all this the tenant can do what it was given, and nothing else.
async fn judge(space: &Space, given: &[&str]) {
    let own = format!("arn:aws:s3:::{}/x", space.namespace);
    let mut asked: Vec<Probe> = given.iter().map(|action| probe(action, &own)).collect();
    asked.extend([
        probe("s3:GetObject", "arn:aws:s3:::other/x"),
        probe("s3:PutObjectAcl", &own),
        probe("iam:PassRole", "arn:aws:iam::111122223333:role/admin"),
        probe("sts:AssumeRole", "*"),
        probe("dynamodb:GetItem", "*"),
    ]);
    let can = space.can(&["app", "bare"], &asked).await;
    let mut expected = asked[..given.len()].to_vec();
    expected.sort();
    assert_eq!(can.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_good_policy_that_becomes_a_bad_one_gives_nothing_more() {
    let space = tenant("attack-worse").await;
    let own = space.namespace.as_str();
    judge(&space, &["s3:GetObject"]).await;
    let bad = [
        ("beside it", vec![policy("s3:GetObject", own), policy("iam:PassRole", own)], "has to name it"),
        ("in its place", vec![policy("s3:*", own)], "s3:* can be s3:PutBucketPolicy"),
        ("elsewhere", vec![policy("s3:GetObject", "other")], "is outside of what the class allows"),
        ("everywhere", vec![policy("s3:GetObject", "*")], "is outside of what the class allows"),
    ];
    for (how, policies, said) in bad {
        space.kube.patch(&space.binding_path("app"), &json!({"spec": spec(own, &policies)})).await;
        let so = |b: &Value| reason(b, "Ready") == "Forbidden" && message(b, "Ready").contains(said);
        space.until("app", &format!("is Forbidden: {how}"), so).await;
        judge(&space, &["s3:GetObject"]).await;
    }
    let better = json!({"spec": spec(own, &[policy("s3:PutObject", own)])});
    space.kube.patch(&space.binding_path("app"), &better).await;
    space.ready("app").await;
    judge(&space, &["s3:PutObject"]).await;
}
