//! Attacks that are one spec: a binding that asks for more than its class allows.

mod table;

use super::Tenant;
use crate::harness::{message, paths, reason};
use futures::future::join_all;
use serde_json::{Value, json};
pub use table::all;

/// Who says no.
enum Refusal {
    /// The definition itself, so that it never gets into the cluster.
    Schema(&'static str),
    /// The operator, in its status; and admission before that, where it can tell.
    Told { why: &'static str, said: &'static str, admission: Option<&'static str> },
    /// Admission, for caution: the operator lets the class win.
    Admission(&'static str),
    /// Nobody: it gives nothing that is not allowed.
    Harmless,
}

/// A binding.
pub struct Spec {
    pub name: &'static str,
    class: &'static str,
    spec: Value,
    by: Refusal,
}

impl Spec {
    pub fn is_refused(&self) -> bool {
        !matches!(self.by, Refusal::Harmless)
    }

    fn says(&self, error: &str) -> bool {
        matches!(self.by, Refusal::Told { said, .. } if error.contains(said))
    }

    fn binding(&self) -> String {
        format!("app-{}", self.name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"))
    }
}

/// Makes all of them, and says which were not dealt with as they should be.
pub async fn attack(tenant: &Tenant) -> Vec<String> {
    let all = all();
    let made = all.iter().map(|spec| async { tenant.make(&spec.binding(), spec.class, spec.spec.clone()).await });
    let made = join_all(made).await;
    let mut wrong = Vec::new();
    // One after another: whoever asks for all of them at once keeps the API server from all else.
    for (spec, made) in all.iter().zip(made) {
        let checked = one(tenant, spec, made).await.err();
        wrong.extend(checked.map(|error| format!("{}: {error}", spec.name)));
    }
    wrong
}

async fn one(tenant: &Tenant, spec: &Spec, made: Result<(), String>) -> Result<(), String> {
    let (space, name) = (&tenant.space, spec.binding());
    let at_once = match &spec.by {
        Refusal::Schema(said) => Some(*said),
        Refusal::Told { admission, .. } => admission.filter(|_| tenant.guarded),
        Refusal::Admission(said) => Some(*said).filter(|_| tenant.guarded),
        Refusal::Harmless => None,
    };
    match (at_once, made) {
        (Some(said), Err(error)) if error.contains(said) => {
            return if space.binding(&name).await.is_null() { Ok(()) } else { Err("it is there".to_owned()) };
        }
        (Some(said), made) => return Err(format!("expected {said:?} at once, got {made:?}")),
        // Said sooner than it has to be.
        (None, Err(error)) if tenant.guarded && spec.says(&error) => return Ok(()),
        (None, Err(error)) => return Err(format!("the API server says {error}")),
        (None, Ok(())) => {}
    }
    let before = ["", "Progressing", "Reconciling", "ClassNotReady"];
    let binding = space.until(&name, "is decided", |b| !before.contains(&reason(b, "Ready"))).await;
    let (found, told) = (reason(&binding, "Ready"), message(&binding, "Ready"));
    let role = space.role(&name).await;
    match &spec.by {
        Refusal::Told { why, said, .. } => {
            if found != *why || !told.contains(said) {
                return Err(format!("expected {why}: {said:?}, got {found}: {told}"));
            }
            if !role.is_null() && *why != "Conflict" && *why != "NotFound" {
                return Err(format!("there is a role: {role}"));
            }
        }
        _ if found != "Ready" => return Err(format!("expected nothing, got {found}: {told}")),
        _ => {}
    }
    let can = tenant.can_too_much(&[&name]).await;
    if can.is_empty() { Ok(()) } else { Err(format!("its tokens can {can:?}")) }
}

/// Both say it, in words that have this in common.
fn both(name: &'static str, class: &'static str, spec: Value, said: &'static str) -> Spec {
    Spec { name, class, spec, by: Refusal::Told { why: "Forbidden", said, admission: Some(said) } }
}

fn operator(name: &'static str, class: &'static str, spec: Value, why: &'static str, said: &'static str) -> Spec {
    Spec { name, class, spec, by: Refusal::Told { why, said, admission: None } }
}

fn schema(name: &'static str, spec: Value, said: &'static str) -> Spec {
    Spec { name, class: "shop", spec, by: Refusal::Schema(said) }
}

fn harmless(name: &'static str, spec: Value) -> Spec {
    Spec { name, class: "shop", spec, by: Refusal::Harmless }
}

/// The tenant's own rights: what RBAC alone refuses.
pub async fn rbac(tenant: &Tenant) {
    let class = format!("{}/shop", paths::CLASSES);
    let admit = json!({"spec": {"allow": {"managedPolicies": ["aws:*"]}}});
    let theirs = tenant.neighbour.binding_path("app-x");
    let token = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["sts.amazonaws.com"]}});
    let own = &tenant.own;
    let tried = [
        own.try_patch(&class, &admit).await,
        own.try_patch(&format!("{class}/status"), &json!({"status": {"issuer": "x"}})).await,
        own.try_patch(&theirs, &json!({"spec": {"policies": null}})).await,
        own.try_patch(&format!("{theirs}/status"), &json!({"status": {"roleArn": "x"}})).await,
        own.try_create(&format!("{}/app-x/token", paths::accounts("shop-b")), &token).await,
        own.try_create(&format!("{}/irsa-operator/token", paths::accounts("irsa-operator")), &token).await,
        own.try_delete(&theirs).await,
    ];
    for answer in tried {
        let refused = answer.as_ref().is_err_and(|error| matches!(error, kube::Error::Api(s) if s.code == 403));
        assert!(refused, "{answer:?}");
    }
}
