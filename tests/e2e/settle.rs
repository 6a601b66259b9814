//! An annotation that names another role: which may be replaced, and when.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Env, Operator, Space, eventually, is, message, reason};
use aws_sdk_iam::types::Tag;
use serde_json::{Value, json};

const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";
const AUDIENCE: &str = "eks.amazonaws.com/audience";

/// A role as eksctl makes it for this ServiceAccount, in use for long; its ARN.
async fn role_in_use(space: &Space, name: &str) -> String {
    let issuer = space.env.issuer.trim_start_matches("https://");
    let subject = format!("system:serviceaccount:{}:{name}", space.namespace);
    let condition =
        json!({"StringEquals": {format!("{issuer}:aud"): "sts.amazonaws.com", format!("{issuer}:sub"): subject}});
    let statement = json!({"Effect": "Allow", "Principal": {"Federated": space.env.provider_arn()},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition});
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    let role = format!("eksctl-{}-{name}", space.namespace);
    let body = json!({"account": space.emulator.account, "roles": [{"name": role, "path": "/", "trust": trust}]});
    space.emulator.ask("POST", "/_admin/state/roles".to_owned(), Some(body)).await;
    format!("arn:aws:iam::{}:role/{role}", space.emulator.account)
}

/// What another tool applies as its own.
async fn annotate(space: &Space, name: &str, manager: &str, annotations: Value) {
    let object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": space.namespace, "annotations": annotations},
    });
    space.kube.apply(&space.account_path(name), manager, &object).await;
}

fn spec(replaces: Option<&str>) -> Value {
    json!({"serviceAccount": {"name": "app", "replaceRoleArn": replaces},
        "policies": {"managed": ["aws:ReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]}})
}

/// As admission and the SDK in a Pod do it, again and again: what the annotation names at that moment serves.
async fn pods_are_served(space: &Space, until: &str) {
    let mut served = 0;
    eventually(&format!("Pods of {until}"), async || {
        let role = space.annotated_role("app").await;
        let role = role.as_str().expect("at every moment there is one").to_owned();
        let answer = space.aws.web_identity(&role, &space.token("app").await).await;
        assert!(answer.is_ok(), "a Pod that was admitted with {role} gets {answer:?}");
        served += u32::from(role == until);
        if served >= 20 { Ok(()) } else { Err(role) }
    })
    .await;
}

#[tokio::test]
async fn no_pod_is_ever_given_a_role_that_can_not_serve_it() {
    let env = Env::own("settle");
    let late = json!({"propagation": {"pattern": [true, false, true], "lapseMs": 4000, "youngMs": 4000}});
    env.emulator.switch(&late).await;
    let mut operator = Operator::start(&env, &["--resync", "10m", "--settle", "5s"]);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("settle", &operator).await;
    let theirs = role_in_use(&space, "app").await;
    annotate(&space, "app", "eksctl", json!({ROLE_ARN: theirs})).await;
    space.aws.credentials(&theirs, &space.token("app").await).await;

    space.make_binding("app", spec(Some(&theirs))).await;
    let binding = space.until("app", "waits", |b| reason(b, "Reconciling") == "Settling").await;
    assert_eq!(space.changes("app", 0).await, ["CreateRole", "AttachRolePolicy", "PutRolePolicy"]);
    let since = space.mark().await;
    for kind in ["Ready", "ServiceAccountReady"] {
        assert!(is(&binding, kind, "False") && reason(&binding, kind) == "Settling", "{binding}");
        assert!(message(&binding, kind).contains(&theirs), "{binding}");
    }
    assert!(is(&binding, "RoleReady", "True") && is(&binding, "PoliciesReady", "True"), "{binding}");
    let pending = format!("annotate the ServiceAccount in place of {theirs}");
    assert_eq!(binding["status"]["pendingSteps"], json!([pending]));
    pods_are_served(&space, &space.role_arn("app")).await;
    let binding = space.ready("app").await;
    assert!(is(&binding, "ServiceAccountReady", "True"), "{binding}");
    assert_eq!(space.operations("app", since).await, [""; 0], "nothing is asked while it waits, nor after");

    // A change of the role is a reason to wait anew; that the annotation was taken away is none.
    annotate(&space, "app", "eksctl", json!({ROLE_ARN: theirs})).await;
    space.patch_binding("app", json!({"spec": {"role": {"maxSessionDurationSeconds": 7200}}})).await;
    pods_are_served(&space, &space.role_arn("app")).await;
    space.ready("app").await;
    space.kube.patch(&space.account_path("app"), &json!({"metadata": {"annotations": null}})).await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    let events = space.kube.list("/apis/events.k8s.io/v1/namespaces/settle/events").await;
    let warnings: Vec<&Value> = events.iter().filter(|event| event["type"] == "Warning").collect();
    assert!(warnings.is_empty(), "{warnings:?}");
}

/// A binding that may, and what it costs: two writes more, for the wait to be said and for the first that is refused.
#[tokio::test]
async fn the_value_that_the_spec_names_is_replaced() {
    let space = Space::quiet("replaced").await;
    let theirs = role_in_use(&space, "app").await;
    for manager in ["eksctl", "helm"] {
        annotate(&space, "app", manager, json!({ROLE_ARN: theirs})).await;
    }
    space.make_binding("app", spec(Some(&theirs))).await;
    space.ready("app").await;
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));
    let fields = space.kube.get(&space.account_path("app")).await["metadata"]["managedFields"].to_string();
    assert!(!fields.contains("eksctl") && !fields.contains("helm"), "{fields}");
    let writes = [
        "patch irsabindings app 200",
        "patch irsabindings/status app 200",
        "patch serviceaccounts app 409",
        "patch serviceaccounts app 200",
        "patch irsabindings/status app 200",
    ];
    let mut ours = space.writes();
    ours.retain(|write| !write.starts_with("get"));
    assert_eq!(ours, writes);
    assert_eq!(space.changes("app", 0).await, ["CreateRole", "AttachRolePolicy", "PutRolePolicy"]);
    let role = format!("eksctl-{}-app", space.namespace);
    let touched =
        space.emulator.journal(&format!("principal=*assumed-role/irsa-operator/*&param.RoleName={role}")).await;
    assert!(touched.is_empty(), "the role that was there is nobody's business: {touched:?}");
}

/// Each time the sentence says which field to set to which value, and that done, it goes on.
#[tokio::test]
async fn any_other_value_stays_and_the_way_on_is_told() {
    let space = Space::quiet("not-replaced").await;
    let theirs = role_in_use(&space, "app").await;
    let third = format!("{theirs}-3");
    annotate(&space, "app", "terraform", json!({ROLE_ARN: theirs})).await;
    space.make_binding("app", spec(Some(&third))).await;
    let advice = format!("set spec.serviceAccount.replaceRoleArn, which says {third}, to {theirs} if");
    let said = |b: &Value| message(b, "Stalled").contains(&advice);
    space.until("app", "says it", |b| reason(b, "Stalled") == "Conflict" && said(b)).await;
    assert_eq!(space.changes("app", 0).await, [""; 0], "nothing is made before that");
    space.patch_binding("app", json!({"spec": spec(Some(&theirs))})).await;
    space.ready("app").await;
    space.annotated("app", Some(&space.role_arn("app"))).await;

    // On a role that is there it is told at once, whatever was written a moment ago, and nothing else of it fails.
    annotate(&space, "app", "terraform", json!({ROLE_ARN: third, AUDIENCE: "theirs"})).await;
    let advice = format!("replaceRoleArn, which says {theirs}, to {third} if this binding is to take over, or remove");
    let said = |b: &Value| message(b, "ServiceAccountReady").contains(&advice);
    let binding = space.until("app", "says it", |b| reason(b, "ServiceAccountReady") == "Conflict" && said(b)).await;
    assert!(is(&binding, "RoleReady", "True") && is(&binding, "Stalled", "True"), "{binding}");
    space.event("app", "Conflict", &advice).await;

    // Where more than the role is in the way, the one word is not enough.
    let both = json!({"spec": {"serviceAccount": {"replaceRoleArn": third}, "trust": {"audience": "ours"}}});
    space.make_class("not-replaced", json!({"oidcProvider": {"audiences": ["ours"]}})).await;
    space.delete("app").await;
    space.gone("app").await;
    let mut other = spec(Some(&third));
    other["className"] = json!("not-replaced");
    other["trust"] = both["spec"]["trust"].clone();
    space.make_binding("app", other).await;
    let advice = "remove eks.amazonaws.com/role-arn and eks.amazonaws.com/audience there and this binding goes on";
    let said = |b: &Value| message(b, "ServiceAccountReady").contains(advice);
    space.until("app", "says it", |b| reason(b, "ServiceAccountReady") == "Conflict" && said(b)).await;
    assert_eq!(space.annotations("app").await, json!({ROLE_ARN: third, AUDIENCE: "theirs"}));
    annotate(&space, "app", "terraform", json!({ROLE_ARN: third})).await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.ready("app").await;
}

/// Another binding's role is one of those that stay, until the word is said.
#[tokio::test]
async fn a_service_account_goes_from_one_binding_to_another() {
    let space = Space::quiet("handed-on").await;
    space.make_account("app").await;
    let mut first = spec(None);
    first["deletionPolicy"] = json!("Retain");
    space.make_binding("first", first).await;
    space.ready("first").await;
    let theirs = space.role_arn("first");
    space.make_binding("app", spec(Some(&theirs))).await;
    let binding = space.not_ready("app", "Conflict").await;
    assert!(message(&binding, "Stalled").contains("IrsaBinding first"), "while the other has it: {binding}");
    space.patch_binding("app", json!({"spec": {"serviceAccount": {"replaceRoleArn": null}}})).await;
    space.delete("first").await;
    space.gone("first").await;
    let said = |b: &Value| message(b, "Stalled").contains(&format!("replaceRoleArn to {theirs} if this binding"));
    space.until("app", "says what to do", |b| reason(b, "Stalled") == "Conflict" && said(b)).await;
    assert_eq!(space.annotated_role("app").await, theirs);
    space.patch_binding("app", json!({"spec": {"serviceAccount": {"replaceRoleArn": theirs}}})).await;
    space.until("app", "waits", |b| reason(b, "Reconciling") == "Settling").await;
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.ready("app").await;
}

/// What this very binding wrote needs no word, as after `Retain` and another class, and is replaced in the same order.
#[tokio::test]
async fn a_former_role_of_the_same_binding_is_replaced_last() {
    let space = Space::quiet("own-former").await;
    let former = role_in_use(&space, "app").await;
    annotate(&space, "app", "irsa-operator/app", json!({ROLE_ARN: former})).await;
    space.make_binding("app", spec(None)).await;
    let binding = space.until("app", "waits", |b| reason(b, "Reconciling") == "Settling").await;
    assert!(message(&binding, "ServiceAccountReady").contains(&former), "{binding}");
    assert_eq!(space.changes("app", 0).await, ["CreateRole", "AttachRolePolicy", "PutRolePolicy"]);
    assert_eq!(space.role("app").await["attached"], json!([aws("ReadOnlyAccess")]));
    space.ready("app").await;
    assert_eq!(space.annotated_role("app").await, space.role_arn("app"));
}

/// A role that somebody holds is not as declared, so Pods stay with the one that they have.
#[tokio::test]
async fn a_role_that_is_held_takes_no_pods_over() {
    let space = Space::quiet("held-flip").await;
    let theirs = role_in_use(&space, "app").await;
    annotate(&space, "app", "eksctl", json!({ROLE_ARN: theirs})).await;
    space.make_binding("app", spec(Some(&theirs))).await;
    space.ready("app").await;
    let hold = Tag::builder().key("irsa-operator.io/hold").value("incident 7").build().unwrap();
    space.aws.iam.tag_role().role_name(space.role_name("app")).tags(hold).send().await.expect("tagged");
    space.patch_binding("app", json!({"spec": {"role": {"maxSessionDurationSeconds": 7200}}})).await;
    space.until("app", "is held", |b| reason(b, "Stalled") == "Held").await;
    annotate(&space, "app", "eksctl", json!({ROLE_ARN: theirs})).await;
    let binding = space.until("app", "waits", |b| reason(b, "ServiceAccountReady") == "Held").await;
    assert!(message(&binding, "ServiceAccountReady").contains("irsa-operator.io/hold"), "{binding}");
    assert_eq!(space.annotated_role("app").await, theirs);
}
