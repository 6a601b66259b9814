//! What the API server refuses and with which sentence, what it accepts, and what it fills in. All but the transitions
//! are dry runs, so nothing of this is there for the operator to see.

mod allow;
mod bindings;
mod classes;
mod identity;
mod tags;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Client, Error};
use serde_json::{Value, json};

/// An object that is written over the smallest valid one, and what the API server says to it.
pub struct Case {
    name: &'static str,
    object: Value,
    /// Field and a part of the sentence, of all complaints; empty where it is accepted.
    refused: Vec<(&'static str, &'static str)>,
}

/// A change of an object, and what the API server says to it.
pub struct Change {
    name: &'static str,
    before: Value,
    after: Value,
    refused: Vec<(&'static str, &'static str)>,
}

fn yes(name: &'static str, object: Value) -> Case {
    Case { name, object, refused: vec![] }
}

fn no(name: &'static str, object: Value, field: &'static str, sentence: &'static str) -> Case {
    Case { name, object, refused: vec![(field, sentence)] }
}

/// One of the two kinds, with the smallest valid object of it.
pub struct Kind {
    api: Api<DynamicObject>,
    smallest: Value,
}

impl Kind {
    pub fn binding(client: &Client, namespace: &str) -> Self {
        let smallest = json!({
            "apiVersion": "irsa-operator.io/v1alpha1",
            "kind": "IrsaBinding",
            "metadata": {"name": "schema"},
            "spec": {"serviceAccount": {"name": "invoices"}},
        });
        Self {
            api: Api::namespaced_with(client.clone(), namespace, &resource("IrsaBinding", "irsabindings")),
            smallest,
        }
    }

    pub fn class(client: &Client) -> Self {
        let smallest = json!({
            "apiVersion": "irsa-operator.io/v1alpha1",
            "kind": "IrsaClass",
            "metadata": {"name": "schema"},
            "spec": {},
        });
        Self { api: Api::all_with(client.clone(), &resource("IrsaClass", "irsaclasses")), smallest }
    }

    fn object(&self, over: &Value) -> DynamicObject {
        let mut object = self.smallest.clone();
        merge(&mut object, over);
        serde_json::from_value(object).expect("an object")
    }

    async fn create(&self, over: &Value) -> Result<DynamicObject, Error> {
        let dry_run = PostParams { dry_run: true, field_manager: None };
        self.api.create(&dry_run, &self.object(over)).await
    }

    async fn check(&self, case: &Case) -> Result<(), String> {
        match self.create(&case.object).await {
            Ok(_) if !case.refused.is_empty() => Err(format!("{}: accepted", case.name)),
            Ok(made) => {
                let made = serde_json::to_value(made).expect("JSON");
                let whole = holds(&made, &case.object);
                whole.then_some(()).ok_or_else(|| format!("{}: {made} lost something of {}", case.name, case.object))
            }
            Err(error) => check_causes(case.name, &error, &case.refused),
        }
    }

    async fn check_change(&self, change: &Change) -> Result<(), String> {
        let name = self.real(&change.before).await;
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let answer = self.api.patch(&name, &dry_run, &Patch::Merge(&change.after)).await;
        self.api.delete(&name, &DeleteParams::default()).await.expect(change.name);
        match answer {
            Ok(_) if !change.refused.is_empty() => Err(format!("{}: accepted", change.name)),
            Ok(_) => Ok(()),
            Err(error) => check_causes(change.name, &error, &change.refused),
        }
    }

    async fn check_status(&self, status: Value, refused: &[(&str, &str)]) {
        // A class that is not there: the operator makes nothing of it.
        let name = self.real(&json!({"spec": {"className": "schema-none"}})).await;
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let answer = self.api.patch_status(&name, &dry_run, &Patch::Merge(json!({"status": status}))).await;
        self.api.delete(&name, &DeleteParams::default()).await.expect("deleted");
        match answer {
            Ok(_) => assert!(refused.is_empty(), "accepted: {status}"),
            Err(error) => check_causes("status", &error, refused).expect("the right complaints"),
        }
    }

    /// Not a dry run; the name is a new one.
    async fn real(&self, over: &Value) -> String {
        let mut object = self.object(over);
        object.metadata.name = None;
        object.metadata.generate_name = Some("schema-".into());
        let made = self.api.create(&PostParams::default(), &object).await.expect("made");
        made.metadata.name.expect("a name")
    }
}

fn resource(kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("irsa-operator.io", "v1alpha1", kind), plural)
}

/// Exactly these complaints, no other. Where limits are broken, the API server adds that it left rules out.
fn check_causes(name: &str, error: &Error, expected: &[(&str, &str)]) -> Result<(), String> {
    let Error::Api(status) = error else { return Err(format!("{name}: {error}")) };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut causes: Vec<(&str, &str)> = causes
        .map(|cause| (cause.field.as_str(), cause.message.as_str()))
        .filter(|(_, message)| !message.contains("some validation rules were not checked"))
        .collect();
    let count = causes.len();
    for (field, sentence) in expected {
        causes.retain(|(f, m)| f != field || !m.contains(sentence));
    }
    let exact = status.code == 422 && causes.is_empty() && count == expected.len();
    exact.then_some(()).ok_or_else(|| format!("{name}: expected {expected:?}, got {}", status.message))
}

/// JSON merge patch, but that null stays: the API server shall see it.
fn merge(into: &mut Value, over: &Value) {
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            for (key, value) in over {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, over) => *into = over.clone(),
    }
}

/// Whether all of `part` is in `whole`, but for null: the API server drops unknown fields without a word.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).map_or(value.is_null(), |w| holds(w, value)))
        }
        _ => whole == part,
    }
}

/// Every rule, broken and kept.
pub async fn every_rule(client: &Client, namespace: &str) {
    let (binding, class) = (Kind::binding(client, namespace), Kind::class(client));
    let mut failed = vec![];
    for case in bindings::cases() {
        failed.extend(binding.check(&case).await.err());
    }
    for case in classes::cases().into_iter().chain(allow::cases()) {
        failed.extend(class.check(&case).await.err());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What may be changed later and what not.
pub async fn every_transition(client: &Client, namespace: &str) {
    let (binding, class) = (Kind::binding(client, namespace), Kind::class(client));
    let mut failed = vec![];
    for change in bindings::changes() {
        failed.extend(binding.check_change(&change).await.err());
    }
    for change in classes::changes() {
        failed.extend(class.check_change(&change).await.err());
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The limits of status, so that no reader has to fear for its memory, and conditions as every tool expects them.
pub async fn every_status(client: &Client, namespace: &str) {
    let binding = Kind::binding(client, namespace);
    let condition = |over: Value| {
        let mut condition = json!({"type": "Ready", "status": "True", "reason": "Ready", "message": "",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"});
        merge(&mut condition, &over);
        condition
    };
    let steps = |count: usize| json!({"pendingSteps": vec!["s".repeat(512); count]});
    binding.check_status(json!({"observedGeneration": 1, "conditions": [condition(json!({}))]}), &[]).await;
    binding.check_status(steps(100), &[]).await;
    binding.check_status(steps(101), &[("status.pendingSteps", "at most 100 items")]).await;
    binding.check_status(json!({"observedGeneration": -2}), &[("status.observedGeneration", "equal to -1")]).await;
    let wrong = json!({"conditions": [condition(json!({"status": "Yes", "reason": ""}))]});
    let refused =
        [("status.conditions[0].status", "Unknown"), ("status.conditions[0].reason", "at least 1 chars long")];
    binding.check_status(wrong, &refused).await;
    let twice = json!({"conditions": [condition(json!({})), condition(json!({}))]});
    binding.check_status(twice, &[("status.conditions[1]", "Duplicate value")]).await;
    let one = |over: Value| json!({"conditions": [condition(over)]});
    let many: Vec<Value> = (0..17).map(|i| condition(json!({"type": format!("T{i}")}))).collect();
    let text = |length: usize| "t".repeat(length);
    for (status, field, sentence) in [
        (json!({"className": text(64)}), "className", "more than 63"),
        (json!({"accountId": text(13)}), "accountId", "more than 12"),
        (json!({"roleArn": text(2049)}), "roleArn", "more than 2048"),
        (json!({"roleId": text(129)}), "roleId", "more than 128"),
        (json!({"oidcProviderArn": text(2049)}), "oidcProviderArn", "more than 2048"),
        (json!({"pendingSteps": [text(513)]}), "pendingSteps[0]", "more than 512"),
        (json!({"conditions": many.clone()}), "conditions", "at most 16 items"),
        (one(json!({"type": "a b"})), "conditions[0].type", "should match"),
        (one(json!({"type": text(317)})), "conditions[0].type", "more than 316"),
        (one(json!({"reason": "a b"})), "conditions[0].reason", "should match"),
        (one(json!({"reason": text(1025)})), "conditions[0].reason", "more than 1024"),
        (one(json!({"message": text(32769)})), "conditions[0].message", "more than 32768"),
        (one(json!({"observedGeneration": -1})), "conditions[0].observedGeneration", "equal to 0"),
    ] {
        binding.check_status(status, &[(&format!("status.{field}"), sentence)]).await;
    }
    let class = Kind::class(client);
    for (status, field, sentence) in [
        (json!({"accountId": text(13)}), "accountId", "more than 12"),
        (json!({"issuer": text(1025)}), "issuer", "more than 1024"),
        (json!({"oidcProviderArn": text(2049)}), "oidcProviderArn", "more than 2048"),
        (json!({"conditions": many}), "conditions", "at most 16 items"),
        (
            json!({"bindings": {"total": 0, "ready": 0, "stalled": 0, "deleting": -1}}),
            "bindings.deleting",
            "equal to 0",
        ),
    ] {
        class.check_status(status, &[(&format!("status.{field}"), sentence)]).await;
    }
}

/// What the API server fills in: a status that says that nobody has looked, and a class's defaults.
pub async fn every_default(client: &Client, namespace: &str) {
    let binding = Kind::binding(client, namespace).create(&json!({})).await.expect("a binding");
    assert_eq!(binding.data["status"], json!({"observedGeneration": -1}));
    let spec = json!({"mode": "Manage", "serviceAccount": {"name": "invoices", "create": false}, "policies": {}});
    assert_eq!(binding.data["spec"], spec);
    let class = Kind::class(client).create(&json!({})).await.expect("a class");
    assert_eq!(class.data["status"], json!({"observedGeneration": -1}));
    let allow = json!({
        "namespaces": {},
        "serviceAccounts": {"create": false, "additional": false},
        "inlinePolicies": {},
        "tags": {},
        "deletionPolicies": ["Delete", "Retain"],
        "maxBindingsPerNamespace": 20,
    });
    let spec = json!({
        "mode": "Manage",
        "orphans": "Report",
        "allow": allow,
        "onViolation": "Keep",
        "oidcProvider": {"manage": true, "audiences": ["sts.amazonaws.com"], "deletionPolicy": "Retain"},
        "role": {"nameTemplate": "$(clusterId)_$(namespace)_$(name)", "path": "/irsa/", "deletionPolicy": "Delete"},
    });
    assert_eq!(class.data["spec"], spec);
    let partly = json!({"spec": {"role": {"path": "/prod/"}, "oidcProvider": {"manage": false}}});
    let class = Kind::class(client).create(&partly).await.expect("a class");
    let spec = json!({
        "mode": "Manage",
        "orphans": "Report",
        "allow": allow,
        "onViolation": "Keep",
        "oidcProvider": {"manage": false, "audiences": ["sts.amazonaws.com"], "deletionPolicy": "Retain"},
        "role": {"nameTemplate": "$(clusterId)_$(namespace)_$(name)", "path": "/prod/", "deletionPolicy": "Delete"},
    });
    assert_eq!(class.data["spec"], spec);
    let partly = json!({"spec": {"oidcProvider": {"audiences": ["a"]}}});
    let class = Kind::class(client).create(&partly).await.expect("a class");
    assert_eq!(class.data["spec"]["oidcProvider"]["manage"], true);
}

/// What `kubectl get irsa` and `kubectl get irsaclass` show: the columns, and those that `-o wide` adds.
pub async fn every_column(client: &Client) {
    let binding = columns(client, "irsabindings").await;
    assert_eq!(binding, ["Name", "Ready", "Role", "ServiceAccount", "Reason*", "Class*", "Account*", "Mode*", "Age"]);
    let class = columns(client, "irsaclasses").await;
    assert_eq!(class, ["Name", "Ready", "Default", "Account", "Bindings", "Reason*", "Issuer*", "Mode*", "Age"]);
}

async fn columns(client: &Client, plural: &str) -> Vec<String> {
    let request = http::Request::get(format!("/apis/irsa-operator.io/v1alpha1/{plural}"))
        .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(vec![])
        .expect("a request");
    let table: Value = client.request(request).await.expect("a table");
    let columns = table["columnDefinitions"].as_array().expect("columns").iter();
    columns
        .map(|c| format!("{}{}", c["name"].as_str().unwrap_or_default(), if c["priority"] == 0 { "" } else { "*" }))
        .collect()
}
