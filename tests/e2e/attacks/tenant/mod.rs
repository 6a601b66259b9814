//! Somebody with all rights in the namespace `shop` and none elsewhere, what the platform team allows that namespace, and
//! a neighbour, `shop-b`, who is not to notice any of it.

mod acts;
mod classes;
mod hold;
mod specs;

use crate::harness::adoption::allow_adoption;
use crate::harness::{Env, Kube, Operator, Space, eventually, kubectl, message, operator_policy, paths, reason};
use classes::STRICT;
use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::pin::Pin;

/// As many acts are under way at a time.
const AT_A_TIME: usize = 12;

/// One who tries.
pub struct Tenant {
    /// What administrators see of its namespace.
    pub space: Space,
    /// The neighbour's.
    pub neighbour: Space,
    /// The API server as the tenant.
    pub own: Kube,
    /// The admission policies are there.
    pub guarded: bool,
    /// All roles that are none of the tenant's, as they were before anything was tried.
    before: Vec<Value>,
}

/// Something to try that is more than one spec.
pub struct Act {
    pub name: &'static str,
    run: for<'a> fn(&'a Tenant) -> Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// How many attacks are tried, beside documents.
pub fn count() -> usize {
    specs::all().iter().filter(|spec| spec.is_refused()).count() + acts::ALL.len()
}

/// Names, each of which is there once.
pub fn names() -> Vec<&'static str> {
    specs::all().iter().map(|spec| spec.name).chain(acts::ALL.iter().map(|act| act.name)).collect()
}

/// Tries all of it, with the admission policies or without.
pub async fn attack(guarded: bool) {
    let env = Env::own(if guarded { "attacked-guarded" } else { "attacked" });
    allow_adoption(&env).await;
    let mut bounds = operator_policy(&["--account", &env.emulator.account, "--adoption", "--boundary", STRICT]);
    let own = |statement: &Value| statement["Sid"].to_string().contains("Adopted");
    bounds["Statement"].as_array_mut().unwrap().retain(own);
    let put = env.aws().iam.put_role_policy().role_name("irsa-operator").policy_name("bounds");
    put.policy_document(bounds.to_string()).send().await.unwrap();
    env.emulator.switch(&json!({"propagation": {"pattern": [], "lapseMs": 0}})).await;
    let mut operator = Operator::start(&env, &["--resync", "3s"]);
    operator.ready().await;
    let (space, neighbour) = (env.space("shop", &operator).await, env.space("shop-b", &operator).await);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if guarded {
        for what in ["config/admission", "config/admission/labels"] {
            kubectl(&env.dir, &["apply", "-k", &root.join(what).display().to_string()]);
        }
    }
    kubectl(
        &env.dir,
        &["create", "rolebinding", "tenant", "--clusterrole=cluster-admin", "--user=tenant", "-n", "shop"],
    );
    let own = Kube::as_user(&env.dir.join("kubeconfig"), "tenant").await;
    let mut tenant = Tenant { space, neighbour, own, guarded, before: Vec::new() };
    classes::make(&tenant).await;
    tenant.before = tenant.others().await;
    tenant.allowed_to_be_there().await;

    let acts = acts::ALL.iter().map(|act| {
        let tenant = &tenant;
        async move {
            let done = AssertUnwindSafe((act.run)(tenant)).catch_unwind().await;
            done.err().map(|cause| format!("{}: {}", act.name, panic_text(&*cause)))
        }
    });
    let acts = futures::stream::iter(acts).buffer_unordered(AT_A_TIME).collect::<Vec<_>>();
    let (mut wrong, acts) = futures::join!(specs::attack(&tenant), acts);
    wrong.extend(acts.into_iter().flatten());
    wrong.extend(tenant.holds().await);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), count(), wrong.join("\n"));
}

fn panic_text(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().cloned();
    text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

impl Tenant {
    /// Waits until the policies work, where there are some.
    async fn allowed_to_be_there(&self) {
        if !self.guarded {
            return;
        }
        eventually("the policies work", async || {
            let spec = json!({"className": "shop", "serviceAccount": {"name": "web"}});
            let path = format!("{}?dryRun=All", paths::bindings("shop"));
            let object = self.space.binding_object("probe", spec);
            self.own.try_create(&path, &object).await.err().map(drop).ok_or_else(|| "accepted".to_owned())
        })
        .await;
    }

    /// Makes a ServiceAccount and a binding of the same name, or says why not.
    pub async fn make(&self, name: &str, class: &str, more: Value) -> Result<(), String> {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        if self.space.kube.get(&self.space.account_path(name)).await.is_null() {
            self.own.create(&paths::accounts("shop"), &account).await;
        }
        let mut spec = json!({"className": class, "serviceAccount": {"name": name}});
        for (key, value) in more.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        let object = self.space.binding_object(name, spec);
        self.own.try_create(&paths::bindings("shop"), &object).await.map(drop).map_err(text)
    }

    /// [`Self::make`] of what is allowed.
    pub async fn ready(&self, name: &str, class: &str, more: Value) -> Value {
        self.make(name, class, more).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        self.space.ready(name).await
    }

    /// Changes a binding, or says why not.
    pub async fn patch(&self, name: &str, patch: Value) -> Result<(), String> {
        self.own.try_patch(&self.space.binding_path(name), &patch).await.map(drop).map_err(text)
    }

    /// Changes a binding as it may not. Admission says so, where it is there: then `false`.
    pub async fn tries(&self, name: &str, patch: Value, said: &str) -> bool {
        let done = self.patch(name, patch).await;
        let refused = done.as_ref().is_err_and(|error| error.contains(said));
        assert!(if self.guarded { refused } else { done.is_ok() }, "{said:?}: {done:?}");
        !self.guarded
    }

    /// Deletes a binding.
    pub async fn delete(&self, name: &str) {
        self.own.delete(&self.space.binding_path(name)).await;
    }

    /// Waits until the operator says of a binding that it is not Ready for this reason, and this of it.
    pub async fn told(&self, name: &str, why: &str, said: &str) -> Value {
        let so = |b: &Value| reason(b, "Ready") == why && message(b, "Ready").contains(said);
        self.space.until(name, &format!("is told {why}: {said}"), so).await
    }

    /// Waits until the operator waits for this, and says this of it.
    pub async fn waits(&self, name: &str, why: &str, said: &str) {
        let so = |b: &Value| reason(b, "Reconciling") == why && message(b, "Reconciling").contains(said);
        self.space.until(name, &format!("waits, {why}: {said}"), so).await;
    }

    /// Which policy is on a role.
    pub async fn policies(&self, name: &str) -> (Vec<String>, Vec<String>) {
        let role = self.space.role(name).await;
        let attached = role["attached"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let inline = role["inline"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
        (attached.map(str::to_owned).collect(), inline.collect())
    }
}

pub fn text(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        error => panic!("{error}"),
    }
}
