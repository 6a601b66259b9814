//! What only the operator can know of a spec: said with the place at fault, and nothing is done.

use crate::harness::documents::{allow, inline};
use crate::harness::{Space, is, message, reason};
use serde_json::{Value, json};

/// Name, document, and what the message has to say, its place first.
fn documents() -> Vec<(&'static str, Value, &'static str)> {
    let statement = |over: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        for (key, value) in over.as_object().unwrap() {
            statement[key] = value.clone();
        }
        statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    vec![
        ("no-version", json!({"Statement": []}), ".Version: is missing"),
        ("old-version", json!({"Version": "2008-10-17", "Statement": []}), ".Version: is \"2008-10-17\""),
        ("version-date", json!({"Version": 2012, "Statement": []}), ".Version: is 2012"),
        ("no-statement", json!({"Version": "2012-10-17"}), ".Statement: is missing"),
        ("empty", json!({"Version": "2012-10-17", "Statement": []}), ".Statement: is empty"),
        ("no-effect", statement(json!({"Effect": null})), ".Statement[0].Effect: is missing"),
        ("effect", statement(json!({"Effect": "allow"})), ".Statement[0].Effect: must be"),
        ("principal", statement(json!({"Principal": "*"})), ".Statement[0].Principal: does not belong"),
        ("both", statement(json!({"NotAction": "s3:*"})), ".Statement[0].NotAction: can't stand beside Action"),
        ("no-action", statement(json!({"Action": null})), ".Statement[0].Action: is missing"),
        ("action", statement(json!({"Action": ["s3:Get*", "s3"]})), ".Statement[0].Action[1]: \"s3\" is no action"),
        ("no-resource", statement(json!({"Resource": null})), ".Statement[0].Resource: is missing"),
        ("resource", statement(json!({"Resource": "bucket"})), ".Statement[0].Resource: \"bucket\" is no ARN"),
        ("element", statement(json!({"Actions": "s3:*"})), ".Statement[0].Actions: "),
        ("unknown", statement(json!({"Note": "x"})), ".Statement[0].Note: is no element"),
        ("condition", statement(json!({"Condition": {"StringEqual": {"a": "b"}}})), ".Statement[0].Condition."),
        ("variable", statement(json!({"Resource": "arn:aws:s3:::$(bucket)"})), ".Statement[0].Resource: $(bucket)"),
        (
            "sid",
            json!({"Version": "2012-10-17", "Statement": [
                {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Sid": "A", "Effect": "Allow", "Action": "sqs:*", "Resource": "*"},
            ]}),
            ".Statement[1].Sid: ",
        ),
    ]
}

/// Every fault of a document is told with its JSON path, before anything is made.
#[tokio::test]
async fn a_document_that_is_no_identity_policy_is_told_with_its_place() {
    let space = Space::quiet("documents").await;
    let cases = documents();
    for (name, document, _) in &cases {
        // The fault is in the second one: the path says which.
        let policies = json!({"inline": [inline("fine", allow("s3:*")), inline("wrong", document.clone())]});
        space.make_binding(name, json!({"serviceAccount": {"name": name}, "policies": policies})).await;
    }
    let mut wrong = Vec::new();
    for (name, _, said) in &cases {
        let binding = space.not_ready(name, "Invalid").await;
        let expected = format!("spec.policies.inline[1].document{said}");
        let told = message(&binding, "Stalled");
        if !told.starts_with(&expected) || reason(&binding, "Stalled") != "Invalid" {
            wrong.push(format!("{name}: expected {expected}, got {told}"));
        }
        assert!(space.role(name).await.is_null());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    space.event("empty", "Invalid", "Statement").await;
    for (name, ..) in &cases {
        assert_eq!(space.operations(name, 0).await, [""; 0], "{name}");
        space.delete(name).await;
        space.gone(name).await;
    }
}

#[tokio::test]
async fn inline_policies_that_are_too_long_together_are_told() {
    let space = Space::quiet("too-long").await;
    let long = |name: &str| {
        let resources: Vec<String> = (0..100).map(|i| format!("arn:aws:s3:::{name}-{i:040}/*")).collect();
        let statement = json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": resources}]);
        inline(name, json!({"Version": "2012-10-17", "Statement": statement}))
    };
    let spec = json!({"serviceAccount": {"name": "app"}, "policies": {"inline": [long("a"), long("b")]}});
    space.make_binding("app", spec).await;
    let binding = space.not_ready("app", "Invalid").await;
    let told = message(&binding, "Stalled");
    assert!(told.starts_with("spec.policies.inline: ") && told.contains("10240"), "{told}");
    space.patch_binding("app", json!({"spec": {"policies": {"inline": [long("a")]}}})).await;
    space.ready("app").await;
}

#[tokio::test]
async fn more_tags_than_fit_together_are_told() {
    let space = Space::quiet("many-tags").await;
    let tags = |prefix: &str, count: usize| -> Value {
        (0..count).map(|i| (format!("{prefix}{i}"), json!("x"))).collect::<serde_json::Map<_, _>>().into()
    };
    space.make_class("many-tags", json!({"role": {"tags": tags("class", 21)}})).await;
    let spec = |count| json!({"className": "many-tags", "serviceAccount": {"name": "app"}, "role": {"tags": tags("own", count)}});
    space.make_binding("app", spec(20)).await;
    let binding = space.not_ready("app", "Invalid").await;
    let told = message(&binding, "Stalled");
    assert!(told.starts_with("spec.role.tags: ") && told.contains("41") && told.contains("40"), "{told}");
    space.patch_binding("app", json!({"spec": {"role": {"tags": {"own0": null}}}})).await;
    space.ready("app").await;
    assert_eq!(space.role("app").await["tags"].as_object().unwrap().len(), 40 + 7);
}

/// A mistake in an edit takes nothing away from what runs.
#[tokio::test]
async fn a_ready_binding_that_turns_invalid_keeps_its_role() {
    let space = Space::quiet("mistake").await;
    let ready = space.make_ready("app", json!({"managed": ["aws:ReadOnlyAccess"]})).await;
    let (since, before) = (space.mark().await, space.role("app").await);
    let mistake = json!({"managed": [], "inline": [inline("p", json!({"Version": "2012-10-17"}))]});
    space.patch_binding("app", json!({"spec": {"policies": mistake}})).await;
    let binding = space.not_ready("app", "Invalid").await;
    assert!(is(&binding, "Stalled", "True") && !is(&binding, "Reconciling", "True"));
    assert_eq!(binding["status"]["roleArn"], ready["status"]["roleArn"]);
    assert_eq!(space.role("app").await, before);
    assert_eq!(space.operations("app", since).await, [""; 0]);
    space.annotated("app", Some(&space.role_arn("app"))).await;
    space.patch_binding("app", json!({"spec": {"policies": {"inline": [inline("p", allow("s3:Get*"))]}}})).await;
    let binding = space.ready("app").await;
    assert!(!is(&binding, "Stalled", "True"));
}
