//! All that one test needs, in one call: an account with the operator's role and policy, a boundary, a cluster and
//! its issuer, and credentials of a session of that role. Tests run in parallel, each in an account of its own.

use chrono::Duration;
use fakecloud_iam::{IamPolicy, IamRole, PolicyVersion};
use serde_json::{Value, json};

use super::accounts::free;
use super::settings::{quotas_of, switches_of};
use super::{Answer, Ask, bad};
use crate::eks::{self, Cluster};
use crate::sts::jwks::Issuer;
use crate::world::World;
use crate::world::accounts::{ADMINISTRATOR, ensure};
use crate::world::keys::{self, Key, Who, unique_id};

fn word<'a>(ask: &'a Ask<'_>, name: &str, otherwise: &'a str) -> &'a str {
    ask.body.get(name).and_then(Value::as_str).unwrap_or(otherwise)
}

pub fn make(world: &World, ask: &Ask<'_>) -> Answer {
    let id = ask.body.get("account").and_then(Value::as_str).map_or_else(|| free(world), str::to_owned);
    let partition = word(ask, "partition", "aws");
    let (region, cluster) = (word(ask, "region", "us-east-1"), word(ask, "cluster", "test"));
    let issuer = match ask.body.get("issuer").and_then(Value::as_str) {
        Some(issuer) if issuer.starts_with("https://") => issuer.to_owned(),
        Some(_) => return bad("an issuer begins with https://"),
        None => format!("https://oidc.eks.{region}.amazonaws.com/id/{}", keys::random(32, b"0123456789ABCDEF")),
    };
    let admin = ensure(world, &id, partition);
    if let Some(change) = ask.body.get("switches") {
        switches_of(world, &id, change.clone())?;
    }
    if let Some(change) = ask.body.get("quotas") {
        quotas_of(world, &id, change.clone())?;
    }
    let boundary = ask.body.get("boundary").map(|given| boundary(world, &id, partition, given)).transpose()?;
    let operator = operator(world, &id, partition, ask);

    let mut own = world.own.borrow_mut();
    if let Some(keys) = ask.body.pointer("/jwks/keys").and_then(Value::as_array) {
        own.issuers.put(Some(id.clone()), &issuer, Issuer { unreachable: false, keys: keys.clone() });
    }
    let made = Cluster {
        account: id.clone(),
        region: region.to_owned(),
        name: cluster.to_owned(),
        issuer: issuer.clone(),
        status: "ACTIVE".to_owned(),
        version: "1.33".to_owned(),
    };
    let shown = eks::describe(&own, &made);
    own.clusters.insert((id.clone(), region.to_owned(), cluster.to_owned()), made);
    Ok(json!({
        "account": id,
        "partition": partition,
        "region": region,
        "issuer": issuer,
        "cluster": shown,
        "boundaryArn": boundary,
        "admin": {"accessKeyId": admin.id, "secretAccessKey": admin.secret},
        "operator": operator,
    }))
}

/// `{"name","document"}` → the policy's ARN.
fn boundary(world: &World, id: &str, partition: &str, given: &Value) -> Result<String, (u16, String)> {
    let Some(document) = given.get("document") else { return bad("\"boundary\" is {\"name\", \"document\"}") };
    let name = given.get("name").and_then(Value::as_str).unwrap_or("irsa-boundary");
    let arn = format!("arn:{partition}:iam::{id}:policy/{name}");
    let now = world.own.borrow().now(id);
    let version = PolicyVersion {
        version_id: "v1".to_owned(),
        document: document.to_string(),
        is_default: true,
        created_at: now,
    };
    let policy = IamPolicy {
        policy_name: name.to_owned(),
        policy_id: unique_id("ANPA"),
        arn: arn.clone(),
        path: "/".to_owned(),
        description: String::new(),
        created_at: now,
        tags: Vec::new(),
        default_version_id: "v1".to_owned(),
        versions: vec![version],
        next_version_num: 2,
        attachment_count: 0,
    };
    world.iam.write().get_or_create(id).policies.insert(arn.clone(), policy);
    Ok(arn)
}

/// The role, with the policy given or an administrator's, and a session of twelve hours.
fn operator(world: &World, id: &str, partition: &str, ask: &Ask<'_>) -> Value {
    let (name, path) = (word(ask, "operatorRole", "irsa-operator"), word(ask, "operatorPath", "/operators/"));
    let now = world.own.borrow().now(id);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:{partition}:iam::{id}:root")}}]});
    let role = IamRole {
        role_name: name.to_owned(),
        role_id: unique_id("AROA"),
        arn: format!("arn:{partition}:iam::{id}:role{path}{name}"),
        path: path.to_owned(),
        assume_role_policy_document: trust.to_string(),
        created_at: now,
        description: None,
        max_session_duration: 43200,
        tags: Vec::new(),
        permissions_boundary: None,
    };
    let key = Key {
        id: unique_id("ASIA"),
        secret: keys::secret(),
        token: Some(keys::session_token()),
        account: id.to_owned(),
        arn: format!("arn:{partition}:sts::{id}:assumed-role/{name}/operator"),
        user_id: format!("{}:operator", role.role_id),
        who: Who::Session {
            role: name.to_owned(),
            role_id: role.role_id.clone(),
            role_arn: role.arn.clone(),
            policies: Vec::new(),
        },
        issued: now,
        expires: Some(now + Duration::hours(12)),
    };
    let shown = json!({
        "roleArn": role.arn,
        "principal": key.arn,
        "accessKeyId": key.id,
        "secretAccessKey": key.secret,
        "sessionToken": key.token,
    });
    world.own.borrow_mut().keys.add(key);
    let mut accounts = world.iam.write();
    let state = accounts.get_or_create(id);
    state.roles.insert(name.to_owned(), role);
    match ask.body.get("operatorPolicy") {
        Some(document) => {
            let inline = state.role_inline_policies.entry(name.to_owned()).or_default();
            inline.insert("operator".to_owned(), document.to_string());
        }
        None => {
            state.role_policies.insert(name.to_owned(), vec![format!("arn:aws:iam::aws:policy/{ADMINISTRATOR}")]);
        }
    }
    shown
}
