//! What there is but once in a cluster: the default class, the provider, the issuer, the definitions.

use crate::harness::{CLUSTER_ID, Env, Kube, Operator, Space, eventually, is, message, paths, reason};
use serde_json::{Value, json};

const DEFAULT: &str = "irsa-operator.io/is-default-class";

async fn alone(name: &str, flags: &[&str]) -> (Operator, Space) {
    let env = Env::own(name);
    let mut operator = Operator::start(&env, flags);
    operator.ready().await;
    let space = env.space(name, &operator).await;
    (operator, space)
}

async fn mark_default(space: &Space, class: &str, value: Value) {
    let path = format!("{}/{class}", paths::CLASSES);
    space.kube.patch(&path, &json!({"metadata": {"annotations": {DEFAULT: value}}})).await;
}

/// None, two, one: said each time, and a later default is for later bindings.
#[tokio::test]
async fn there_is_one_default_class() {
    let (_operator, space) = alone("defaults", &["--resync", "1h"]).await;
    space.make_class("a", json!({})).await;
    space.make_class("b", json!({"role": {"path": "/irsa/b/"}})).await;
    space.make_account("app").await;
    space.make_binding("app", json!({"serviceAccount": {"name": "app"}})).await;
    let said = |part: &'static str| move |b: &Value| message(b, "Reconciling").contains(part);
    let binding = space.until("app", "says that there is none", said("no IrsaClass is marked as default")).await;
    assert_eq!(reason(&binding, "Reconciling"), "ClassNotReady");
    assert!(space.role("app").await.is_null());
    mark_default(&space, "a", json!("true")).await;
    let binding = space.ready("app").await;
    assert_eq!(binding["spec"]["className"], "a");
    assert_eq!(space.role("app").await["path"], "/irsa/");

    let since = space.mark().await;
    mark_default(&space, "b", json!("true")).await;
    space.make_account("later").await;
    space.make_binding("later", json!({"serviceAccount": {"name": "later"}})).await;
    space.until("later", "says that there are two", said("a, b are all marked as default")).await;
    mark_default(&space, "a", Value::Null).await;
    let later = space.until("later", "is Ready", |b| is(b, "Ready", "True")).await;
    assert_eq!(later["spec"]["className"], "b");
    assert_eq!(later["status"]["roleArn"].as_str().map(|arn| arn.contains(":role/irsa/b/")), Some(true), "{later}");
    assert!(is(&space.binding("app").await, "Ready", "True"));
    assert_eq!(space.binding("app").await["spec"]["className"], "a", "a later default is for later bindings");
    assert_eq!(space.operations("app", since).await, [""; 0]);
}

/// One that is there is adopted, and only what is missing is added. One that we made goes with the class that says so,
/// once no role trusts it.
#[tokio::test]
async fn the_provider_is_shared() {
    let (_operator, space) = alone("provider", &["--resync", "3s"]).await;
    let (env, iam, path) = (&space.env, &space.aws.iam, format!("{}/p", paths::CLASSES));
    let ready = async || space.class_until("p", "is Ready", |c| is(c, "Ready", "True")).await;
    let gone = async || {
        space.kube.delete(&path).await;
        space.class_until("p", "is gone", Value::is_null).await;
    };
    let provider = async || space.emulator.providers().await.into_iter().next().unwrap_or_default();
    let deleting = json!({"oidcProvider": {"deletionPolicy": "Delete"}});

    let theirs = iam.create_open_id_connect_provider().url(&env.issuer).client_id_list("theirs");
    theirs.send().await.expect("a provider");
    space.make_class("p", deleting.clone()).await;
    let class = ready().await;
    assert_eq!(class["status"]["oidcProviderArn"], env.provider_arn());
    assert_eq!(class["status"]["issuer"], env.issuer);
    let adopted = provider().await;
    assert_eq!(adopted["clientIds"].as_array().map(Vec::len), Some(2), "{adopted}");
    assert_eq!(adopted["tags"], json!({}), "it is not ours");
    gone().await;
    assert_eq!(provider().await["arn"], env.provider_arn(), "what was there before stays");

    iam.delete_open_id_connect_provider()
        .open_id_connect_provider_arn(env.provider_arn())
        .send()
        .await
        .expect("deleted");
    space.make_class("p", json!({"oidcProvider": {"manage": false}})).await;
    let class = space.class_until("p", "says what is missing", |c| reason(c, "Ready") == "NotFound").await;
    assert!(message(&class, "Ready").contains(&env.provider_arn()), "{class}");
    assert_eq!(provider().await, Value::Null);
    gone().await;

    space.make_class("p", deleting.clone()).await;
    ready().await;
    space.kube.patch(&path, &json!({"spec": {"oidcProvider": {"manage": false}}})).await;
    gone().await;
    assert_eq!(provider().await["arn"], env.provider_arn(), "it was left to somebody else meanwhile");

    space.make_class("p", deleting.clone()).await;
    ready().await;
    let made = provider().await;
    assert_eq!(made["tags"]["irsa-operator.io/cluster"], CLUSTER_ID);
    // A role that is not ours trusts it, so it will stay.
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": env.provider_arn()},
        "Condition": {"StringEquals": {format!("{}:sub", env.issuer.trim_start_matches("https://")): "system:serviceaccount:a:b"}}}]});
    let role = iam.create_role().role_name("theirs").assume_role_policy_document(trust.to_string());
    role.send().await.expect("a role");

    // Somebody deletes it: it comes back at the next look.
    iam.delete_open_id_connect_provider()
        .open_id_connect_provider_arn(env.provider_arn())
        .send()
        .await
        .expect("deleted");
    eventually("the provider is there again", async || {
        let provider = provider().await;
        if provider["arn"] == env.provider_arn() { Ok(()) } else { Err(provider.to_string()) }
    })
    .await;

    gone().await;
    assert_eq!(provider().await["arn"], env.provider_arn(), "a role trusts it");
    iam.delete_role().role_name("theirs").send().await.expect("deleted");

    // A binding goes although its provider is gone.
    space.make_class("p", deleting).await;
    ready().await;
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "p", "serviceAccount": {"name": "app"}})).await;
    space.ready("app").await;
    iam.delete_open_id_connect_provider()
        .open_id_connect_provider_arn(env.provider_arn())
        .send()
        .await
        .expect("deleted");
    space.delete("app").await;
    space.gone("app").await;
    assert!(space.role("app").await.is_null());
    gone().await;
    assert_eq!(provider().await, Value::Null, "ours goes with the class that says so");
}

/// A wrong issuer makes every role useless in silence: two sources that disagree stop the class.
#[tokio::test]
async fn the_issuer_must_be_beyond_doubt() {
    let (operator, space) = alone("issuer", &["--resync", "1h", "--issuer", "https://elsewhere.example/id"]).await;
    space.make_class("c", json!({})).await;
    let class = space.class_until("c", "is not Ready", |c| is(c, "Ready", "False")).await;
    let said = message(&class, "Ready");
    let issuer = &space.env.issuer;
    let both = format!("--issuer says https://elsewhere.example/id, the API server says {issuer}");
    assert!(said.contains(&both), "{said}");
    assert_eq!(space.emulator.providers().await.len(), 0, "nothing is made for an issuer in doubt");
    space.make_account("app").await;
    space.make_binding("app", json!({"className": "c", "serviceAccount": {"name": "app"}})).await;
    space.until("app", "waits", |b| reason(b, "Reconciling") == "ClassNotReady").await;
    operator.kill();

    let cluster = space.env.variable("IRSA_EKS_CLUSTER");
    let mut operator = Operator::start(&space.env, &["--resync", "1h", "--issuer", issuer, "--eks-cluster", &cluster]);
    operator.ready().await;
    space.class_until("c", "is Ready", |c| is(c, "Ready", "True")).await;
    space.ready("app").await;
    let asked = space.emulator.journal("operation=DescribeCluster").await;
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(space.class("c").await["status"]["issuer"], *issuer);
}

async fn loosened(kube: &Kube) -> Value {
    let path = format!("{}/irsabindings.irsa-operator.io", paths::DEFINITIONS);
    let mut definition = kube.get(&path).await;
    let strict = definition["spec"]["versions"][0]["schema"].clone();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    schema["spec"] = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    kube.put(&path, &definition).await;
    strict
}

/// An object that an older or newer version has left: said with its place, no harm to any other, and it can go.
#[tokio::test]
async fn an_object_that_can_not_be_read() {
    let (_operator, space) = alone("unreadable", &["--resync", "1h"]).await;
    space.env.default_class().await;
    space.make_ready("was-good", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let path = format!("{}/irsabindings.irsa-operator.io", paths::DEFINITIONS);
    let strict = loosened(&space.kube).await;
    let spec = json!({"serviceAccount": {"name": "bad"}, "policies": {"managed": "aws:ReadOnlyAccess"}});
    // The new schema takes a moment to be in force.
    eventually("the API server takes an object of any kind", async || {
        let object = space.binding_object("bad", spec.clone());
        let made = space.kube.try_create(&paths::bindings(&space.namespace), &object).await;
        made.map(drop).map_err(|error| error.to_string())
    })
    .await;
    space.patch_binding("was-good", json!({"spec": {"policies": {"managed": 7}}})).await;
    for name in ["bad", "was-good"] {
        let binding = space.until(name, "says it", |b| reason(b, "Stalled") == "Invalid").await;
        assert!(message(&binding, "Stalled").contains("policies.managed"), "{binding}");
    }
    assert_eq!(space.role("was-good").await["attached"].as_array().map(Vec::len), Some(1), "it is kept as it was");
    space.make_ready("good", json!({})).await;
    for name in ["bad", "was-good"] {
        space.delete(name).await;
        space.gone(name).await;
        assert!(space.role(name).await.is_null());
    }
    assert_eq!(space.annotated_role("was-good").await, Value::Null);

    // The definition itself goes, and all bindings with it, which nobody means to be the end of all roles.
    let mut definition = space.kube.get(&path).await;
    definition["spec"]["versions"][0]["schema"] = strict;
    space.kube.put(&path, &definition).await;
    space.kube.delete(&path).await;
    space.object_until(&path, "the definition is gone", Value::is_null).await;
    let role = space.role("good").await;
    assert_eq!(role["tags"]["irsa-operator.io/released-by"], CLUSTER_ID, "{role}");
    assert_eq!(space.annotated_role("good").await, space.role_arn("good"));
}
