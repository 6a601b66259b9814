//! The operator's own IAM policy: each statement of it is needed, and all of it does not suffice for the usual ways up.

use crate::harness::documents::{allow, aws, inline};
use crate::harness::{Emulator, Env, Operator, Space, is, operator_policy, paths, reason};
use aws_sdk_iam::error::ProvideErrorMetadata;
use serde_json::{Value, json};
use std::sync::Arc;

/// An environment whose operator has exactly what the command prints for an installation with a boundary.
async fn bounded(name: &str) -> (Arc<Env>, String, Value) {
    let env = Env::own(name);
    let admin = env.aws();
    let boundary = admin.policy("ceiling", &allow("s3:*").to_string()).await;
    let flags = ["--account", &env.emulator.account, "--boundary", &boundary, "--issuer", &env.issuer];
    let more = ["--managed-policies", "arn:aws:iam::aws:policy/*ReadOnlyAccess", "--eks-cluster", "us-east-1/dev"];
    let policy = operator_policy(&[&flags[..], &more[..], &["--adoption"]].concat());
    let role = || admin.iam.put_role_policy().role_name("irsa-operator");
    role().policy_name("operator").policy_document(policy.to_string()).send().await.expect("the policy");
    let old = admin.iam.delete_role_policy().role_name("irsa-operator").policy_name("boundaries");
    old.send().await.expect("deleted");
    (env, boundary, policy)
}

/// What the operator was allowed to do, as the emulator noted it.
async fn granted(emulator: &Emulator) -> Vec<Value> {
    let path = format!("/_admin/journal?account={}&principal=*assumed-role/irsa-operator*", emulator.account);
    let answer = emulator.ask("GET", path, None).await;
    let calls = answer["calls"].as_array().cloned().unwrap_or_default();
    let noted = calls.iter().flat_map(|call| call["authorised"].as_array().cloned().unwrap_or_default());
    noted.filter(|entry| entry["allowed"] == true).collect()
}

async fn allows(emulator: &Emulator, policy: &Value, entry: &Value) -> bool {
    let asked = json!({"policies": [policy], "action": entry["action"], "resource": entry["resource"],
        "context": entry["context"]});
    emulator.ask("POST", "/_admin/evaluate".to_owned(), Some(asked)).await["allowed"] == true
}

/// Everything that the operator ever does, once.
async fn everything(space: &Space, boundary: &str) {
    let iam = &space.aws.iam;
    space.make_class("bounded", json!({"role": {"permissionsBoundaryArn": boundary}})).await;
    space.make_account("app").await;
    space.make_account("other").await;
    let spec = json!({"className": "bounded", "serviceAccount": {"name": "app"}, "role": {"tags": {"team": "a"}},
        "policies": {"managed": ["aws:AmazonSQSReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]}});
    space.make_binding("app", spec).await;
    space.ready("app").await;
    let name = space.role_name("app");
    iam.delete_role_permissions_boundary().role_name(&name).send().await.expect("deleted");
    iam.attach_role_policy().role_name(&name).policy_arn(aws("AmazonS3ReadOnlyAccess")).send().await.expect("attached");
    let stray = iam.put_role_policy().role_name(&name).policy_name("stray").policy_document(allow("s3:*").to_string());
    stray.send().await.expect("put");
    let changed = json!({"spec": {"serviceAccount": {"name": "other"},
        "role": {"tags": {"team": null}, "maxSessionDurationSeconds": 7200}}});
    space.patch_binding("app", changed).await;
    space
        .role_until("app", "is put right", |role| {
            role["boundary"] == *boundary
                && role["inline"]["stray"].is_null()
                && role["attached"].as_array().is_some_and(|attached| attached.len() == 1)
                && role["maxSessionDuration"] == 7200
                && role["tags"]["team"].is_null()
                && role["trust"].to_string().contains(":other")
        })
        .await;
    // Deleted by hand: under this policy AWS refuses to say that it is not there.
    let id = space.role("app").await["id"].clone();
    space.emulator.delete_role(&name).await;
    space.role_until("app", "is made again", |role| !role.is_null() && role["id"] != id).await;
    space.until("app", "says so", |b| is(b, "Ready", "True") && reason(b, "RoleReady") == "RoleRecreated").await;
    let profile = || iam.create_instance_profile().instance_profile_name("profile");
    profile().send().await.expect("a profile");
    let add = iam.add_role_to_instance_profile().instance_profile_name("profile").role_name(&name);
    add.send().await.expect("added");
    space.delete("app").await;
    space.until("app", "waits", |b| reason(b, "Stalled") == "Conflict").await;
    let remove = iam.remove_role_from_instance_profile().instance_profile_name("profile").role_name(&name);
    remove.send().await.expect("removed");
    space.nudge("app").await;
    space.gone("app").await;
    taken_over(space, boundary).await;
    cut_off_and_given_back(space, boundary).await;
}

/// A role that somebody else made outside of its path: taken over, and all of it done that is done with its own.
async fn taken_over(space: &Space, boundary: &str) {
    let tags = json!({"irsa-operator.io/adoptable-by": format!("e2e/{}/taken", space.namespace), "owner": "somebody"});
    let role = json!({"name": "theirs", "path": "/theirs/", "tags": tags, "maxSessionDuration": 7200,
        "trust": json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}),
        "attached": [aws("AmazonS3ReadOnlyAccess")], "inline": {"stray": allow("s3:*")}});
    let body = json!({"account": space.emulator.account, "roles": [role]});
    space.emulator.ask("POST", "/_admin/state/roles".to_owned(), Some(body)).await;
    let class =
        json!({"role": {"permissionsBoundaryArn": boundary}, "allow": {"adopt": {"enabled": true, "delete": true}}});
    space.make_class("taking", class).await;
    space.make_account("taken").await;
    let spec = json!({"className": "taking", "serviceAccount": {"name": "taken"}, "role": {"name": "theirs"},
        "adoption": {"policy": "IfTagged", "acceptRemovals": true},
        "policies": {"managed": ["aws:AmazonSQSReadOnlyAccess"], "inline": [inline("bucket", allow("s3:GetObject"))]}});
    space.make_binding("taken", spec).await;
    space.ready("taken").await;
    let iam = &space.aws.iam;
    let profile = iam.add_role_to_instance_profile().instance_profile_name("profile").role_name("theirs");
    profile.send().await.expect("added");
    space.delete("taken").await;
    space.until("taken", "waits", |b| reason(b, "Stalled") == "Conflict").await;
    let remove = iam.remove_role_from_instance_profile().instance_profile_name("profile").role_name("theirs");
    remove.send().await.expect("removed");
    space.nudge("taken").await;
    space.gone("taken").await;
    assert!(space.emulator.role("theirs").await.is_null());
}

/// A role of a binding that nobody remembers.
async fn cut_off_and_given_back(space: &Space, boundary: &str) {
    let name = space.role_name("ghost");
    let issuer = space.env.issuer.trim_start_matches("https://");
    let owner = [("cluster", "e2e"), ("namespace", &space.namespace), ("binding", "ghost"), ("issuer", issuer)];
    let tags = owner.into_iter().chain([("class", "bounded"), ("schema", "1")]).map(|(key, value)| {
        let tag = aws_sdk_iam::types::Tag::builder().key(format!("irsa-operator.io/{key}")).value(value);
        tag.build().expect("a tag")
    });
    let trust = allow("sts:AssumeRole").to_string().replace(r#""Resource":"*""#, r#""Principal":{"AWS":"*"}"#);
    let role = space.aws.iam.create_role().role_name(&name).path("/irsa/").permissions_boundary(boundary);
    let made = role.assume_role_policy_document(trust).set_tags(Some(tags.collect())).send().await;
    made.expect("a role");
    let class = format!("{}/bounded", paths::CLASSES);
    for policy in ["Quarantine", "Report"] {
        space.kube.patch(&class, &json!({"spec": {"orphans": policy}})).await;
        let there = policy == "Quarantine";
        let so = |role: &Value| role["inline"]["irsa-operator-quarantine"].is_null() != there;
        space.role_until("ghost", policy, so).await;
    }
}

#[tokio::test]
async fn each_statement_is_needed() {
    let (env, boundary, policy) = bounded("permissions-needed").await;
    let mut operator = Operator::start(&env, &["--resync", "2s", "--eks-cluster", "dev"]);
    operator.ready().await;
    let space = env.space("needed", &operator).await;
    everything(&space, &boundary).await;
    let granted = granted(&env.emulator).await;
    assert!(granted.len() > 30, "{} calls were noted", granted.len());
    for entry in &granted {
        assert!(allows(&env.emulator, &policy, entry).await, "not by this policy: {entry}");
    }
    for (i, statement) in policy["Statement"].as_array().expect("statements").iter().enumerate() {
        let mut less = policy.clone();
        less["Statement"].as_array_mut().expect("statements").remove(i);
        let mut needed = false;
        for entry in &granted {
            needed |= !allows(&env.emulator, &less, entry).await;
        }
        assert!(needed, "nothing that the operator does needs {statement}");
    }
}

/// The ways up of the known taxonomies, each tried with the operator's own keys.
#[tokio::test]
async fn it_does_not_suffice_for_a_way_up() {
    let (env, boundary, _) = bounded("permissions-escalation").await;
    let admin = env.aws();
    let account = &env.emulator.account;
    let trust = allow("sts:AssumeRole").to_string().replace(r#""Resource":"*""#, r#""Principal":{"AWS":"*"}"#);
    for (name, path) in [("strong", "/"), ("untagged", "/irsa/")] {
        let role = admin.iam.create_role().role_name(name).path(path).assume_role_policy_document(&trust);
        role.send().await.expect("a role");
    }
    // Offered to another cluster, and to this one.
    for (name, by) in [("offered-elsewhere", "green/n/b"), ("offered", "e2e/n/b")] {
        let role = admin.iam.create_role().role_name(name).assume_role_policy_document(&trust);
        let offer = aws_sdk_iam::types::Tag::builder().key("irsa-operator.io/adoptable-by").value(by);
        role.tags(offer.build().expect("a tag")).send().await.expect("a role");
    }
    let laxer = admin.policy("laxer", &allow("*").to_string()).await;
    let iam = env.operator_aws().iam;
    let tagged = |key: &str, value: &str| {
        let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value);
        tag.build().expect("a tag")
    };
    let tag = |value: &str| tagged("irsa-operator.io/cluster", value);
    let create = |name: &str| iam.create_role().role_name(name).assume_role_policy_document(&trust);
    let everything = allow("*").to_string();
    let own = "irsa-operator";
    // One of its own, made as it may make them, to widen.
    let made = create("mine").path("/irsa/").permissions_boundary(&boundary).tags(tag("e2e")).send().await;
    made.expect("its own role");
    let anything = aws("AdministratorAccess");
    let tries: Vec<(&str, Result<(), String>)> = vec![
        ("a role without a boundary", said(create("a").path("/irsa/").tags(tag("e2e")).send().await)),
        (
            "a role below a laxer one",
            said(create("b").path("/irsa/").permissions_boundary(&laxer).tags(tag("e2e")).send().await),
        ),
        ("a role outside its path", said(create("c").permissions_boundary(&boundary).tags(tag("e2e")).send().await)),
        ("a role without its tag", said(create("d").path("/irsa/").permissions_boundary(&boundary).send().await)),
        (
            "a role of another cluster",
            said(create("e").path("/irsa/").permissions_boundary(&boundary).tags(tag("x")).send().await),
        ),
        ("rights for itself", said(iam.attach_role_policy().role_name(own).policy_arn(&anything).send().await)),
        (
            "inline rights for itself",
            said(iam.put_role_policy().role_name(own).policy_name("p").policy_document(&everything).send().await),
        ),
        (
            "an unlisted policy on its own",
            said(iam.attach_role_policy().role_name("mine").policy_arn(&anything).send().await),
        ),
        (
            "trust in a strong role",
            said(iam.update_assume_role_policy().role_name("strong").policy_document(&trust).send().await),
        ),
        (
            "trust in an untagged role",
            said(iam.update_assume_role_policy().role_name("untagged").policy_document(&trust).send().await),
        ),
        (
            "rights for an untagged role",
            said(
                iam.put_role_policy().role_name("untagged").policy_name("p").policy_document(&everything).send().await,
            ),
        ),
        ("its own role unbounded", said(iam.delete_role_permissions_boundary().role_name("mine").send().await)),
        (
            "its own role below a laxer one",
            said(iam.put_role_permissions_boundary().role_name("mine").permissions_boundary(&laxer).send().await),
        ),
        (
            "another version of the boundary",
            said(
                iam.create_policy_version()
                    .policy_arn(&boundary)
                    .policy_document(&everything)
                    .set_as_default(true)
                    .send()
                    .await,
            ),
        ),
        (
            "an older version of it",
            said(iam.set_default_policy_version().policy_arn(&boundary).version_id("v1").send().await),
        ),
        ("its mark on a strong role", said(iam.tag_role().role_name("strong").tags(tag("e2e")).send().await)),
        (
            "another issuer",
            said(iam.create_open_id_connect_provider().url("https://rogue.example").client_id_list("x").send().await),
        ),
        ("a policy of its own", said(iam.create_policy().policy_name("p").policy_document(&everything).send().await)),
        (
            "an offer of a strong role to itself",
            said(
                iam.tag_role()
                    .role_name("strong")
                    .tags(tagged("irsa-operator.io/adoptable-by", "e2e/n/b"))
                    .send()
                    .await,
            ),
        ),
        (
            "the mark of what it took over on a strong role",
            said(
                iam.tag_role()
                    .role_name("strong")
                    .tags(tag("e2e"))
                    .tags(tagged("irsa-operator.io/adopted", "e2e"))
                    .send()
                    .await,
            ),
        ),
        (
            "a role that is offered to another cluster",
            said(
                iam.tag_role()
                    .role_name("offered-elsewhere")
                    .tags(tag("e2e"))
                    .tags(tagged("irsa-operator.io/adopted", "e2e"))
                    .send()
                    .await,
            ),
        ),
        (
            "an offered role for another cluster",
            said(
                iam.tag_role()
                    .role_name("offered")
                    .tags(tag("green"))
                    .tags(tagged("irsa-operator.io/adopted", "e2e"))
                    .send()
                    .await,
            ),
        ),
        ("an offered role without the mark", said(iam.tag_role().role_name("offered").tags(tag("e2e")).send().await)),
        (
            "other tags on an offered role",
            said(iam.tag_role().role_name("offered").tags(tagged("team", "x")).send().await),
        ),
        (
            "trust in an offered role that is not its own yet",
            said(iam.update_assume_role_policy().role_name("offered").policy_document(&trust).send().await),
        ),
        (
            "rights for one",
            said(iam.put_role_policy().role_name("offered").policy_name("p").policy_document(&everything).send().await),
        ),
        ("the deletion of one", said(iam.delete_role().role_name("offered").send().await)),
        ("rights without a boundary for one that it took", {
            let take =
                iam.tag_role().role_name("offered").tags(tag("e2e")).tags(tagged("irsa-operator.io/adopted", "e2e"));
            take.send().await.expect("as it may");
            said(iam.put_role_policy().role_name("offered").policy_name("p").policy_document(&everything).send().await)
        }),
        ("a laxer boundary for one that it took", {
            said(iam.put_role_permissions_boundary().role_name("offered").permissions_boundary(&laxer).send().await)
        }),
        ("the deletion of a strong role", said(iam.delete_role().role_name("strong").send().await)),
    ];
    for (what, result) in tries {
        assert_eq!(result, Err("AccessDenied".to_owned()), "{what} in {account}");
    }
}

/// The error's code, if it failed.
fn said<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.code().unwrap_or("no code").to_owned())
}
