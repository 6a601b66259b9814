//! Accounts, clusters, and many roles at once.

use fakecloud_iam::{IamRole, Tag};
use serde_json::{Value, json};

use super::{Answer, Ask, bad, missing};
use crate::eks::{self, Cluster};
use crate::exist::principals;
use crate::world::World;
use crate::world::accounts;
use crate::world::keys::unique_id;

fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

pub fn list(world: &World) -> Answer {
    let own = world.own.borrow();
    let all: Vec<Value> =
        own.accounts.iter().map(|(id, account)| json!({"account": id, "partition": account.partition})).collect();
    Ok(json!({"accounts": all}))
}

pub fn make(world: &World, ask: &Ask<'_>) -> Answer {
    let partition = ask.body.get("partition").and_then(Value::as_str).unwrap_or("aws");
    let id = match ask.body.get("account").and_then(Value::as_str) {
        Some(id) if is_account(id) => id.to_owned(),
        Some(id) => return bad(format!("{id} is no account number: 12 digits")),
        None => free(world),
    };
    let key = accounts::ensure(world, &id, partition);
    Ok(json!({
        "account": id,
        "partition": world.own.borrow().partition(&id),
        "accessKeyId": key.id,
        "secretAccessKey": key.secret,
    }))
}

/// A number that nobody has yet.
pub fn free(world: &World) -> String {
    let own = world.own.borrow();
    (100_000_000_001_u64..).map(|n| n.to_string()).find(|id| !own.accounts.contains_key(id)).unwrap_or_default()
}

pub fn forget(world: &World, id: &str) -> Answer {
    if accounts::forget(world, id) {
        world.ring();
        return Ok(json!({}));
    }
    missing("account")
}

pub fn cluster(world: &World, ask: Ask<'_>) -> Answer {
    let cluster: Cluster = serde_json::from_value(ask.body).or_else(|error| bad(error.to_string()))?;
    if !cluster.issuer.starts_with("https://") {
        return bad("an issuer begins with https://");
    }
    accounts::ensure(world, &cluster.account, "aws");
    let mut own = world.own.borrow_mut();
    let shown = eks::describe(&own, &cluster);
    let key = (cluster.account.clone(), cluster.region.clone(), cluster.name.clone());
    own.clusters.insert(key, cluster);
    Ok(shown)
}

pub fn seed(world: &World, ask: &Ask<'_>) -> Answer {
    let account = ask.text("account")?;
    let word = |name: &str, otherwise: &str| ask.body.get(name).and_then(Value::as_str).unwrap_or(otherwise).to_owned();
    let (path, prefix) = (word("path", "/seed/"), word("prefix", "seed-"));
    let count = ask.body.get("roles").and_then(Value::as_u64).unwrap_or(0);
    let tags: Vec<Tag> = match ask.body.get("tags") {
        Some(Value::Object(tags)) => tags
            .iter()
            .map(|(key, value)| Tag { key: key.clone(), value: value.as_str().unwrap_or("").to_owned() })
            .collect(),
        _ => Vec::new(),
    };
    accounts::ensure(world, &account, "aws");
    let (partition, now) = {
        let own = world.own.borrow();
        (own.partition(&account), own.now(&account))
    };
    let trust = match ask.body.get("trust") {
        Some(document) => document.to_string(),
        None => json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}})
        .to_string(),
    };
    principals::note(world, &trust);
    let mut all = world.iam.write();
    let state = all.get_or_create(&account);
    for i in 0..count {
        let name = format!("{prefix}{i:05}");
        let role = IamRole {
            role_name: name.clone(),
            role_id: unique_id("AROA"),
            arn: format!("arn:{partition}:iam::{account}:role{path}{name}"),
            path: path.clone(),
            assume_role_policy_document: trust.clone(),
            created_at: now,
            description: None,
            max_session_duration: 3600,
            tags: tags.clone(),
            permissions_boundary: None,
        };
        state.roles.insert(name, role);
    }
    Ok(json!({"roles": count}))
}
