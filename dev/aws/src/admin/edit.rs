//! Changes behind everybody's back: straight into the state, seen at once, in no journal. And one snapshot of an
//! account, held and restored.

use std::collections::BTreeMap;

use fakecloud_iam::{IamRole, IamState, OidcProvider, Tag};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Ask, bad, missing};
use crate::exist::principals;
use crate::world::World;
use crate::world::keys::unique_id;

/// What is given is set, what is not given stays (or is what CreateRole would make of it).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Role {
    name: String,
    path: Option<String>,
    id: Option<String>,
    trust: Option<Value>,
    description: Option<String>,
    max_session_duration: Option<i32>,
    tags: Option<Map<String, Value>>,
    attached: Option<Vec<String>>,
    inline: Option<Map<String, Value>>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    boundary: Option<Option<String>>,
}

fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn roles(world: &World, ask: Ask<'_>) -> Answer {
    let account = ask.text("account")?;
    let Some(list) = ask.body.get("roles").cloned() else { return bad("the body needs \"roles\", a list") };
    let roles: Vec<Role> = serde_json::from_value(list).or_else(|error| bad(error.to_string()))?;
    let (partition, now) = {
        let own = world.own.borrow();
        if !own.accounts.contains_key(&account) {
            return missing("account");
        }
        (own.partition(&account), own.now(&account))
    };
    for trust in roles.iter().filter_map(|role| role.trust.as_ref()) {
        principals::note(world, &text(trust));
    }
    let mut accounts = world.iam.write();
    let state = accounts.get_or_create(&account);
    let count = roles.len();
    for role in roles {
        let path = role.path.clone().unwrap_or_else(|| "/".to_owned());
        let base = state.roles.remove(&role.name).unwrap_or_else(|| IamRole {
            role_name: role.name.clone(),
            role_id: unique_id("AROA"),
            arn: format!("arn:{partition}:iam::{account}:role{path}{}", role.name),
            path,
            assume_role_policy_document: r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
            created_at: now,
            description: None,
            max_session_duration: 3600,
            tags: Vec::new(),
            permissions_boundary: None,
        });
        set(state, base, role);
    }
    Ok(json!({"roles": count}))
}

fn set(state: &mut IamState, mut base: IamRole, role: Role) {
    let name = role.name;
    base.role_id = role.id.unwrap_or(base.role_id);
    base.description = role.description.or(base.description);
    base.max_session_duration = role.max_session_duration.unwrap_or(base.max_session_duration);
    if let Some(trust) = &role.trust {
        base.assume_role_policy_document = text(trust);
    }
    if let Some(tags) = role.tags {
        base.tags = tags.iter().map(|(key, value)| Tag { key: key.clone(), value: text(value) }).collect();
    }
    if let Some(boundary) = role.boundary {
        base.permissions_boundary = boundary;
    }
    state.roles.insert(name.clone(), base);
    if let Some(attached) = role.attached {
        state.role_policies.insert(name.clone(), attached);
    }
    if let Some(inline) = role.inline {
        let inline: BTreeMap<String, String> = inline.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        state.role_inline_policies.insert(name, inline);
    }
}

pub fn remove_role(world: &World, ask: &Ask<'_>) -> Answer {
    let (Some(account), Some(name)) = (ask.account(), ask.query.get("name")) else {
        return bad("account= and name= are needed");
    };
    let mut accounts = world.iam.write();
    let Some(state) = accounts.get_mut(account) else { return missing("account") };
    state.role_policies.remove(name);
    state.role_inline_policies.remove(name);
    let Some(role) = state.roles.remove(name) else { return missing("role") };
    drop(accounts);
    principals::gone(world, &role.arn, &role.role_id);
    Ok(json!({}))
}

/// `{"account","url","clientIds":[…],"thumbprints":[…],"tags":{…}}`
pub fn provider(world: &World, ask: &Ask<'_>) -> Answer {
    let (account, url) = (ask.text("account")?, ask.text("url")?);
    let words = |name: &str| -> Vec<String> {
        ask.body.get(name).and_then(Value::as_array).into_iter().flatten().map(text).collect()
    };
    let tags = ask.body.get("tags").and_then(Value::as_object).into_iter().flatten();
    let host = url.strip_prefix("https://").unwrap_or(&url).to_owned();
    let (partition, now) = {
        let own = world.own.borrow();
        (own.partition(&account), own.now(&account))
    };
    let arn = format!("arn:{partition}:iam::{account}:oidc-provider/{host}");
    let provider = OidcProvider {
        arn: arn.clone(),
        url: host,
        client_id_list: words("clientIds"),
        thumbprint_list: words("thumbprints"),
        created_at: now,
        tags: tags.map(|(key, value)| Tag { key: key.clone(), value: text(value) }).collect(),
    };
    let mut accounts = world.iam.write();
    let Some(state) = accounts.get_mut(&account) else { return missing("account") };
    state.oidc_providers.insert(arn.clone(), provider);
    Ok(json!({"arn": arn}))
}

pub fn remove_provider(world: &World, ask: &Ask<'_>) -> Answer {
    let (Some(account), Some(arn)) = (ask.account(), ask.query.get("arn")) else {
        return bad("account= and arn= are needed");
    };
    let mut accounts = world.iam.write();
    let Some(state) = accounts.get_mut(account) else { return missing("account") };
    if state.oidc_providers.remove(arn).is_some() { Ok(json!({})) } else { missing("provider") }
}

/// Keeps the account as it is now, in the place of what was kept before.
pub fn snapshot(world: &World, id: &str) -> Answer {
    let Some(state) = world.iam.read().get(id).cloned() else { return missing("account") };
    world.own.borrow_mut().snapshot = Some((id.to_owned(), Box::new(state)));
    Ok(json!({}))
}

pub fn restore(world: &World, id: &str) -> Answer {
    let mut own = world.own.borrow_mut();
    let kept = own.snapshot.as_ref().filter(|(account, _)| account == id).map(|(_, state)| state.clone());
    let Some(kept) = kept else { return missing("snapshot of this account") };
    own.lags.forget(id);
    *world.iam.write().get_or_create(id) = *kept;
    Ok(json!({}))
}
