//! A binding that an operator is killed over, and what has to be true of it afterwards.

use crate::harness::{CLUSTER_ID, Space, condition, is};
use serde_json::{Value, json};

pub(super) const SQS: &str = "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess";
pub(super) const READ: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
pub(super) const INLINE: &str = "bucket";

/// A binding that was in the middle of something.
pub(super) struct Subject {
    pub(super) name: String,
    /// Whether its ServiceAccount is made for it.
    pub(super) creates: bool,
    /// Its role's id, from when it was first there.
    pub(super) role_id: Value,
}

pub(super) fn document() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::invoices/*"}],
    })
}

pub(super) fn spec(name: &str, creates: bool) -> Value {
    json!({
        "serviceAccount": {"name": name, "create": creates},
        "policies": {
            "managed": ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess"],
            "inline": [{"name": INLINE, "document": document()}],
        },
    })
}

pub(super) async fn make(space: &Space, name: &str, creates: bool) {
    if !creates {
        space.make_account(name).await;
    }
    space.make_binding(name, spec(name, creates)).await;
}

/// The role is there once, whole, and the one that was made first; and all that should say so does.
pub(super) async fn check(space: &Space, subject: &Subject) {
    let name = &subject.name;
    let role = space.role(name).await;
    let whose = json!({"name": role["name"], "path": role["path"], "id": role["id"]});
    let (role_name, arn) = (space.role_name(name), space.role_arn(name));
    assert_eq!(whose, json!({"name": role_name, "path": "/irsa/", "id": subject.role_id}), "{name}");
    let mut attached: Vec<&str> = role["attached"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    attached.sort_unstable();
    assert_eq!(attached, [SQS, READ], "{name}");
    assert_eq!(role["inline"], json!({INLINE: document()}), "{name}");
    let tag = |key: &str| role["tags"][format!("irsa-operator.io/{key}")].clone();
    assert_eq!([tag("cluster"), tag("namespace"), tag("binding")], [CLUSTER_ID, &*space.namespace, &**name], "{name}");
    let trust = role["trust"].to_string();
    assert!(trust.contains(&format!("system:serviceaccount:{}:{name}\"", space.namespace)), "{name}: {trust}");

    let binding = space.binding(name).await;
    assert!(is(&binding, "Ready", "True"), "{name}: {binding}");
    assert_eq!(condition(&binding, "Stalled")["status"], Value::Null, "{name}: {binding}");
    assert_eq!(binding["status"]["roleId"], subject.role_id, "{name}");
    assert_eq!(binding["status"]["roleArn"], arn, "{name}");
    assert_eq!(condition(&binding, "RoleReady")["reason"], "Ready", "{name}: {binding}");
    assert_eq!(space.annotated_role(name).await, arn, "{name}");
}

/// Nothing of ours is left on the ServiceAccount, or it went as it came.
pub(super) async fn check_account_left(space: &Space, subject: &Subject) {
    let account = space.kube.get(&space.account_path(&subject.name)).await;
    if subject.creates {
        assert_eq!(account, Value::Null, "{}", subject.name);
    } else {
        assert!(!account.is_null(), "{} was not ours to delete", subject.name);
        assert_eq!(account["metadata"]["annotations"], Value::Null, "{}", subject.name);
        let fields = account["metadata"]["managedFields"].to_string();
        assert!(!fields.contains("irsa-operator"), "{}: {fields}", subject.name);
    }
}

/// The names of all roles that were made by bindings of this namespace.
pub(super) async fn roles(space: &Space) -> Vec<String> {
    let path = format!("/_admin/state/roles?account={}&path=/irsa/", space.emulator.account);
    let answer = space.emulator.ask("GET", path, None).await;
    let names = answer["roles"].as_array().into_iter().flatten().filter_map(|role| role["name"].as_str());
    let prefix = format!("{CLUSTER_ID}_{}_", space.namespace);
    let mut names: Vec<String> = names.filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect();
    names.sort();
    names
}

pub(super) async fn warnings(space: &Space) -> Vec<Value> {
    let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", space.namespace);
    let mut events = space.kube.list(&path).await;
    events.retain(|event| event["type"] == "Warning");
    events
}
