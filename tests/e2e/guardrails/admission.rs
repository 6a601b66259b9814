//! What the API server refuses by itself: the same cases, in an environment without an operator.

use super::cases::{By, Case, cases, class_of, spec_of};
use super::labelled;
use crate::harness::{Env, Kube, Operator, Space, eventually, paths};
use kube::Error;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Runs kubectl as this user, or as the administrator. Returns what it said, and whether it succeeded.
fn kubectl(env: &Env, user: Option<&str>, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env.dir.join("bin/kubectl"));
    command.args(args).env("KUBECONFIG", env.dir.join("kubeconfig")).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.args(user.map(|user| format!("--as={user}")));
    let output = command.output().expect("kubectl");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn apply(env: &Env, what: &str) {
    let (done, said) = kubectl(env, None, &["apply", "-k", what]);
    assert!(done, "{said}");
}

/// Says why a binding is refused, if it is.
async fn refusal(kube: &Kube, namespace: &str, name: &str, spec: Value) -> Option<String> {
    let object = json!({
        "apiVersion": "irsa-operator.io/v1alpha1",
        "kind": "IrsaBinding",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    });
    match kube.try_create(&format!("{}?dryRun=All", paths::bindings(namespace)), &object).await {
        Ok(_) => None,
        Err(Error::Api(status)) => Some(status.message),
        Err(error) => panic!("{name}: {error}"),
    }
}

/// An environment with the policies, of which it is known that they work.
async fn guarded(name: &str, more: &[&str]) -> (Arc<Env>, Operator, Space) {
    let env = Env::own(name);
    for what in ["config/admission"].iter().chain(more) {
        apply(&env, what);
    }
    let mut operator = Operator::start(&env, &["--resync", "1h"]);
    operator.ready().await;
    let space = env.space("allow-cases", &operator).await;
    space.make_class("closed", json!({"allow": {"managedPolicies": []}})).await;
    eventually("the policies work", async || {
        let spec = json!({"className": "closed", "serviceAccount": {"name": "app"}});
        refusal(&space.kube, &space.namespace, "probe", spec).await.ok_or("accepted".to_owned())
    })
    .await;
    (env, operator, space)
}

/// Every case that can be told by the object, its class and its namespace: refused with class, rule and what to change.
#[tokio::test]
async fn admission_decides_what_it_can() {
    let (_env, _operator, space) = guarded("allow-admission", &[]).await;
    labelled(&space).await;
    let cases = cases();
    for case in &cases {
        space.make_class(&class_of("ad", case), case.class()).await;
    }
    let mut wrong = Vec::new();
    for case in &cases {
        let checked = eventually_right(&space.kube, case).await;
        wrong.extend(checked.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn refusal_of(kube: &Kube, case: &Case) -> Option<String> {
    refusal(kube, "allow-cases", &case.name(), spec_of("ad", case)).await
}

async fn eventually_right(kube: &Kube, case: &Case) -> Result<(), String> {
    // The policies learn of classes, and of the namespace's label, by watches of their own.
    let (mut last, class) = (String::new(), class_of("ad", case));
    for _ in 0..20 {
        let refused = refusal_of(kube, case).await;
        let expected = case.by == By::Both && !case.said.is_empty();
        match &refused {
            None if !expected => return Ok(()),
            Some(said) if expected && case.said.iter().all(|part| said.contains(part)) => {
                let named = said.contains(&format!("IrsaClass {class}"));
                return named.then_some(()).ok_or_else(|| format!("{}: {class} is not named: {said}", case.name()));
            }
            _ => last = format!("{}: expected {:?}, got {refused:?}", case.name(), case.said),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Err(last)
}

/// A class guards what uses it without naming it, and nothing that names another.
#[tokio::test]
async fn the_default_class_the_finalizer_and_who_may_do_what() {
    let (env, _operator, space) = guarded("allow-others", &["config/admission/labels", "config/admission/use"]).await;
    let kube = &space.kube;
    let spec = json!({"serviceAccount": {"name": "app"}});
    assert_eq!(refusal(kube, "allow-cases", "app", spec.clone()).await, None, "no class is the default");
    let other = json!({"className": "nobody-made-it", "serviceAccount": {"name": "app"}});
    assert_eq!(refusal(kube, "allow-cases", "app", other).await, None, "the operator refuses it");
    let mark = json!({"metadata": {"annotations": {"irsa-operator.io/is-default-class": "true"}}});
    kube.patch(&format!("{}/closed", paths::CLASSES), &mark).await;
    eventually("the default class guards it", async || {
        let said = refusal(kube, "allow-cases", "app", spec.clone()).await.ok_or("accepted".to_owned())?;
        if said.contains("IrsaClass closed") { Ok(()) } else { Err(said) }
    })
    .await;

    space.make_class("open", json!({"allow": {"namespaces": {"selector": {"matchLabels": {"team": "a"}}}, "serviceAccounts": {"names": ["*"]}}})).await;
    kube.patch(&format!("{}/allow-cases", paths::NAMESPACES), &json!({"metadata": {"labels": {"team": "a"}}})).await;
    space.make_account("app").await;
    let spec = json!({"className": "open", "serviceAccount": {"name": "app"}});
    eventually("the namespace is let in", async || {
        refusal(kube, "allow-cases", "app", spec.clone()).await.map_or(Ok(()), Err)
    })
    .await;
    space.make_binding("app", spec).await;
    space.ready("app").await;

    // A tenant with all rights in its namespace, and on namespaces.
    for args in [
        &["create", "rolebinding", "tenant", "--clusterrole=cluster-admin", "--user=tenant", "-n", "allow-cases"][..],
        &["create", "clusterrole", "labeller", "--verb=get,list,patch,update", "--resource=namespaces"],
        &["create", "clusterrolebinding", "labeller", "--clusterrole=labeller", "--user=tenant"],
    ] {
        let (done, said) = kubectl(&env, None, args);
        assert!(done, "{said}");
    }
    let tenant = |args: &[&str]| kubectl(&env, Some("tenant"), &[args, &["-n", "allow-cases"]].concat());
    let (done, said) = tenant(&["patch", "irsa", "app", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
    assert!(
        !done && said.contains("metadata.finalizers: irsa-operator.io/finalizer is taken off by the operator"),
        "{said}"
    );
    let (done, said) = tenant(&["label", "irsa", "app", "x=y"]);
    assert!(done, "what is no change of the spec asks for nothing: {said}");
    let label = ["label", "namespace", "allow-cases", "--overwrite", "team=b"];
    let (done, said) = kubectl(&env, Some("tenant"), &label);
    assert!(!done && said.contains("metadata.labels: IrsaClass open lets namespaces in by the label team"), "{said}");
    let (done, said) = kubectl(&env, Some("tenant"), &["label", "namespace", "allow-cases", "color=blue"]);
    assert!(done, "{said}");
    let patch = ["patch", "irsa", "app", "--type=merge", "-p", r#"{"spec":{"deletionPolicy":"Retain"}}"#];
    let (done, said) = tenant(&patch);
    assert!(
        !done
            && said
                .contains("spec.className: tenant may not use IrsaClass open; ask who owns the class for the verb use"),
        "{said}"
    );
    let early = env.dir.join("early.json");
    let binding = json!({"apiVersion": "irsa-operator.io/v1alpha1", "kind": "IrsaBinding",
        "metadata": {"name": "early", "namespace": "allow-cases"},
        "spec": {"className": "yet-to-come", "serviceAccount": {"name": "early"}}});
    std::fs::write(&early, binding.to_string()).unwrap();
    let (done, said) = tenant(&["apply", "-f", &path(&early)]);
    assert!(!done && said.contains("tenant may not use IrsaClass yet-to-come"), "nor before it is there: {said}");
    let rule = json!({"apiGroups": ["irsa-operator.io"], "resources": ["irsaclasses"], "resourceNames": ["open"], "verbs": ["use"]});
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "use-open"}, "rules": [rule]});
    kube.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", &role).await;
    let (done, said) =
        kubectl(&env, None, &["create", "clusterrolebinding", "use-open", "--clusterrole=use-open", "--user=tenant"]);
    assert!(done, "{said}");
    eventually("the tenant may use the class", async || match tenant(&patch) {
        (true, _) => Ok(()),
        (false, said) => Err(said),
    })
    .await;

    let doubtful = env.dir.join("doubtful.json");
    let class = json!({"apiVersion": "irsa-operator.io/v1alpha1", "kind": "IrsaClass", "metadata": {"name": "doubtful"},
        "spec": {"allow": {"managedPolicies": ["account:$(namespace)-*"]}}});
    std::fs::write(&doubtful, class.to_string()).unwrap();
    let (done, said) = kubectl(&env, None, &["apply", "-f", &path(&doubtful)]);
    assert!(
        done && said.contains("Warning:") && said.contains("account:$(namespace)-* reaches from namespace team-a"),
        "{said}"
    );
}

fn path(path: &Path) -> String {
    path.display().to_string()
}
