//! A namespace for one test, with what tests do and ask in it.

use super::allow::open;
use super::operator::about;
use super::{AwsAdmin, Call, Emulator, Env, Kube, audit, eventually, is, paths, reason};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A namespace for one test. Where the test fails, it shows what is in it.
pub struct Space {
    /// What it is part of.
    pub env: Arc<Env>,
    /// Its name.
    pub namespace: String,
    /// The API server, as administrator.
    pub kube: Kube,
    /// AWS, as administrator.
    pub aws: AwsAdmin,
    /// AWS, from behind.
    pub emulator: Emulator,
    log: PathBuf,
}

impl Space {
    /// A namespace in the environment that all tests share.
    pub async fn new(name: &str) -> Self {
        let (env, log) = Env::shared();
        Self::within(env, name, &log).await
    }

    /// A namespace in the environment where nothing is looked at without a cause.
    pub async fn quiet(name: &str) -> Self {
        let (env, log) = Env::quiet();
        Self::within(env, name, &log).await
    }

    /// A namespace in an environment.
    pub async fn within(env: Arc<Env>, name: &str, log: &Path) -> Self {
        let kube = env.kube().await;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        if kube.get(&format!("{}/{name}", paths::NAMESPACES)).await.is_null() {
            kube.create(paths::NAMESPACES, &namespace).await;
        }
        let (aws, emulator) = (env.aws(), env.emulator.clone());
        Self { namespace: name.to_owned(), kube, aws, emulator, log: log.to_owned(), env }
    }

    /// Path of a binding.
    pub fn binding_path(&self, name: &str) -> String {
        format!("{}/{name}", paths::bindings(&self.namespace))
    }

    /// Path of a ServiceAccount.
    pub fn account_path(&self, name: &str) -> String {
        format!("{}/{name}", paths::accounts(&self.namespace))
    }

    /// Makes a ServiceAccount.
    pub async fn make_account(&self, name: &str) -> Value {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        self.kube.create(&paths::accounts(&self.namespace), &account).await
    }

    /// Makes a binding.
    pub async fn make_binding(&self, name: &str, spec: Value) -> Value {
        self.kube.create(&paths::bindings(&self.namespace), &self.binding_object(name, spec)).await
    }

    /// A binding as it is written.
    pub fn binding_object(&self, name: &str, spec: Value) -> Value {
        json!({
            "apiVersion": "irsa-operator.io/v1alpha1",
            "kind": "IrsaBinding",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        })
    }

    /// Makes a ServiceAccount and a binding of the same name, and waits until it is Ready.
    pub async fn make_ready(&self, name: &str, policies: Value) -> Value {
        self.make_account(name).await;
        self.make_binding(name, json!({"serviceAccount": {"name": name}, "policies": policies})).await;
        self.ready(name).await
    }

    /// Makes a class. Where its spec says nothing of it, it allows everything.
    pub async fn make_class(&self, name: &str, spec: Value) -> Value {
        let class = json!({
            "apiVersion": "irsa-operator.io/v1alpha1",
            "kind": "IrsaClass",
            "metadata": {"name": name},
            "spec": open(spec),
        });
        self.kube.create(paths::CLASSES, &class).await
    }

    /// A class, or null.
    pub async fn class(&self, name: &str) -> Value {
        self.kube.get(&format!("{}/{name}", paths::CLASSES)).await
    }

    /// Waits until this is so of a class.
    pub async fn class_until(&self, name: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        self.object_until(&format!("{}/{name}", paths::CLASSES), &format!("class {name}: {what}"), so).await
    }

    /// A binding, or null.
    pub async fn binding(&self, name: &str) -> Value {
        self.kube.get(&self.binding_path(name)).await
    }

    /// A merge patch of a binding.
    pub async fn patch_binding(&self, name: &str, patch: Value) -> Value {
        self.kube.patch(&self.binding_path(name), &patch).await
    }

    /// Makes the operator look at a binding at once: a new generation that asks for the same.
    pub async fn nudge(&self, name: &str) {
        let said = &self.binding(name).await["spec"]["deletionPolicy"];
        let policy = if said.is_null() { json!("Delete") } else { Value::Null };
        // It may go meanwhile.
        let _ = self.kube.try_patch(&self.binding_path(name), &json!({"spec": {"deletionPolicy": policy}})).await;
    }

    /// Waits until this is so of a binding.
    pub async fn until(&self, name: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        self.object_until(&self.binding_path(name), &format!("binding {name}: {what}"), so).await
    }

    /// Waits until this is so of an object.
    pub async fn object_until(&self, path: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            let object = self.kube.get(path).await;
            if so(&object) { Ok(object) } else { Err(object["status"].to_string()) }
        })
        .await
    }

    /// Waits until the binding's present generation is Ready.
    pub async fn ready(&self, name: &str) -> Value {
        self.until(name, "is Ready", |b| current(b, "Ready") && is(b, "Ready", "True")).await
    }

    /// Waits until the binding's present generation is not Ready for this reason.
    pub async fn not_ready(&self, name: &str, why: &str) -> Value {
        let so = |b: &Value| current(b, "Ready") && is(b, "Ready", "False") && reason(b, "Ready") == why;
        self.until(name, &format!("is not Ready: {why}"), so).await
    }

    /// Asks for the deletion of a binding.
    pub async fn delete(&self, name: &str) {
        self.kube.delete(&self.binding_path(name)).await;
    }

    /// Waits until there is no such binding.
    pub async fn gone(&self, name: &str) {
        self.until(name, "is gone", Value::is_null).await;
    }

    /// The annotations of a ServiceAccount, null where it has none.
    pub async fn annotations(&self, account: &str) -> Value {
        self.kube.get(&self.account_path(account)).await["metadata"]["annotations"].take()
    }

    /// The annotation that names the role, null where there is none.
    pub async fn annotated_role(&self, account: &str) -> Value {
        self.annotations(account).await["eks.amazonaws.com/role-arn"].take()
    }

    /// Waits until the ServiceAccount names this role, or none.
    pub async fn annotated(&self, account: &str, role: Option<&str>) {
        let what = format!("ServiceAccount {account} names {role:?}");
        let so = |a: &Value| a["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].as_str() == role;
        self.object_until(&self.account_path(account), &what, |a| !a.is_null() && so(a)).await;
    }

    /// The name of a binding's role.
    pub fn role_name(&self, binding: &str) -> String {
        let name = format!("{}_{}_{binding}", super::CLUSTER_ID, self.namespace);
        assert!(name.len() <= 64, "{name} would be cut; take shorter names");
        name
    }

    /// The ARN of a binding's role.
    pub fn role_arn(&self, binding: &str) -> String {
        format!("arn:aws:iam::{}:role/irsa/{}", self.emulator.account, self.role_name(binding))
    }

    /// The binding's role as it is in AWS, or null.
    pub async fn role(&self, binding: &str) -> Value {
        self.emulator.role(&self.role_name(binding)).await
    }

    /// Waits until this is so of the binding's role.
    pub async fn role_until(&self, binding: &str, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("role of {binding}: {what}"), async || {
            let role = self.role(binding).await;
            if so(&role) { Ok(role) } else { Err(role.to_string()) }
        })
        .await
    }

    /// All calls of the operator for the binding's role, in order.
    pub async fn calls(&self, binding: &str) -> Vec<Call> {
        self.emulator.journal(&self.query(binding)).await
    }

    /// The names of [`Self::calls`] after the call `since`.
    pub async fn operations(&self, binding: &str, since: u64) -> Vec<String> {
        let calls = self.calls(binding).await.into_iter();
        calls.filter(|call| call.seq > since).map(|call| call.operation).collect()
    }

    /// The operations of the operator after `since` that change the binding's role.
    pub async fn changes(&self, binding: &str, since: u64) -> Vec<String> {
        let mut all = self.operations(binding, since).await;
        all.retain(|operation| !operation.starts_with("Get") && !operation.starts_with("List"));
        all
    }

    /// The last call so far, whoever's: for `since`.
    pub async fn mark(&self) -> u64 {
        self.emulator.journal("").await.last().map_or(0, |call| call.seq)
    }

    /// Waits until the operator has swept the account `count` times from now on: each sweep ends with a look at the
    /// account's quota, and the first to end may have begun before.
    pub async fn sweeps(&self, count: usize) {
        let operator = "principal=*assumed-role/irsa-operator/*";
        let query = format!("{operator}&operation=GetAccountSummary&since={}", self.mark().await);
        self.emulator.journal_wait(count + 1, &query).await;
    }

    fn query(&self, binding: &str) -> String {
        format!("principal=*assumed-role/irsa-operator/*&param.RoleName={}", self.role_name(binding))
    }

    /// The operator's writes to this namespace so far, Events left out: `verb resource/subresource name code`.
    pub fn writes(&self) -> Vec<String> {
        audit::writes(&self.env.dir.join("audit.log"), &self.namespace)
    }

    /// Waits until there is an Event with this reason that speaks of this.
    pub async fn event(&self, about: &str, why: &str, part: &str) -> Value {
        eventually(&format!("an Event {why} of {about} that says {part:?}"), async || {
            let events = self.events(about, why).await;
            let found = events.iter().find(|e| e["note"].as_str().is_some_and(|note| note.contains(part)));
            found.cloned().ok_or_else(|| format!("{events:?}"))
        })
        .await
    }

    /// Events of this reason.
    pub async fn events(&self, about: &str, why: &str) -> Vec<Value> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        let mut events = self.kube.list(&path).await;
        events.retain(|event| event["regarding"]["name"] == about && event["reason"] == why);
        events
    }

    /// A token of a ServiceAccount as Pods have it.
    pub async fn token(&self, account: &str) -> String {
        self.kube.token(&self.namespace, account, Some("sts.amazonaws.com")).await
    }
}

/// Whether the condition speaks of the object's present generation.
fn current(object: &Value, kind: &str) -> bool {
    let generation = &object["metadata"]["generation"];
    super::condition(object, kind)["observedGeneration"] == *generation
        && object["status"]["observedGeneration"] == *generation
}

impl Drop for Space {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let kubectl = |args: &[&str]| {
            let mut command = Command::new(self.env.dir.join("bin/kubectl"));
            let output =
                command.args(args).args(["-n", &self.namespace]).env("KUBECONFIG", self.env.dir.join("kubeconfig"));
            output.output().map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default()
        };
        let namespace = &self.namespace;
        eprintln!(
            "---- what there was in {namespace}:\n{}",
            kubectl(&["get", "irsabindings,serviceaccounts", "-o", "yaml"])
        );
        eprintln!("---- Events:\n{}", kubectl(&["get", "events", "--sort-by=.metadata.creationTimestamp"]));
        eprintln!("---- calls:\n{}", self.emulator.report(&format!("*_{namespace}_*")));
        eprintln!("---- the operator's log of it ({}):\n{}", self.log.display(), about(&self.log, namespace, 40));
    }
}
