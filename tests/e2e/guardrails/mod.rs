//! What classes allow, and what becomes of what they do not: on the operator's side, whatever admission did.

mod admission;
mod cases;
mod cost;
mod held;
mod left;
mod names;
mod tightened;

use crate::harness::{Space, message, paths, reason};
use cases::{Case, cases, class_of, spec_of};
use futures::future::join_all;
use serde_json::{Value, json};

/// A namespace with labels as the cases want them.
async fn labelled(space: &Space) {
    let labels = json!({"metadata": {"labels": {"tier": "apps"}}});
    space.kube.patch(&format!("{}/{}", paths::NAMESPACES, space.namespace), &labels).await;
}

/// Every case, with an operator and no admission policy: what does not fit makes no role, and is told with class, rule and
/// what to change.
#[tokio::test]
async fn the_operator_decides_all_of_it() {
    let space = Space::quiet("allow-cases").await;
    labelled(&space).await;
    // ServiceAccount default has one binding.
    let cases: Vec<Case> = cases().into_iter().filter(|case| case.name() != "sa-default-named").collect();
    for case in &cases {
        space.make_class(&class_of("op", case), case.class()).await;
        space.make_binding(&case.name(), spec_of("op", case)).await;
    }
    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(check(&space, case).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    join_all(cases.iter().map(async |case| {
        space.delete(&case.name()).await;
        space.gone(&case.name()).await;
    }))
    .await;
}

async fn check(space: &Space, case: &Case) -> Result<(), String> {
    let name = case.name();
    let settled = |b: &Value| !reason(b, "Ready").is_empty() && reason(b, "Ready") != "ClassNotReady";
    let binding = space.until(&name, "is decided", settled).await;
    let told = message(&binding, "Stalled");
    if case.said.is_empty() {
        let fine = reason(&binding, "Ready") == "Ready" || reason(&binding, "Ready") == "Pending";
        return fine.then_some(()).ok_or_else(|| format!("{name}: expected nothing, got {told}"));
    }
    let class = class_of("op", case);
    let named = told.contains(&format!("IrsaClass {class}")) || case.why == "Invalid";
    if reason(&binding, "Ready") != case.why || !named || !case.said.iter().all(|part| told.contains(part)) {
        return Err(format!("{name}: expected {:?} of {class}, got {} {told}", case.said, reason(&binding, "Ready")));
    }
    let operations = space.changes(&name, 0).await;
    if !space.role(&name).await.is_null() || !operations.is_empty() {
        return Err(format!("{name}: a role was made: {operations:?}"));
    }
    let finalizers = &binding["metadata"]["finalizers"];
    finalizers.is_null().then_some(()).ok_or_else(|| format!("{name}: {finalizers}"))
}
