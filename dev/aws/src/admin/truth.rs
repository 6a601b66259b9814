//! The state as it is: never stale, never throttled, never journaled.

use chrono::Utc;
use fakecloud_iam::{IamRole, IamState, Tag};
use serde_json::{Map, Value, json};

use super::{Answer, Ask, bad, missing};
use crate::authorise::{Layers, session_may, try_out};
use crate::sts::web_identity;
use crate::world::World;
use crate::world::keys::{Key, Who};

/// A document as JSON; as text where it is none.
fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn tags(tags: &[Tag]) -> Value {
    Value::Object(tags.iter().map(|tag| (tag.key.clone(), Value::String(tag.value.clone()))).collect())
}

fn look(world: &World, ask: &Ask<'_>, show: impl FnOnce(&IamState) -> Value) -> Answer {
    let Some(account) = ask.account() else { return bad("account= is needed") };
    match world.iam.read().get(account) {
        Some(state) => Ok(show(state)),
        None => missing("account"),
    }
}

pub fn roles(world: &World, ask: &Ask<'_>) -> Answer {
    look(world, ask, |state| {
        let named = ask.query.get("name");
        let path = ask.query.get("path").map_or("/", String::as_str);
        let all: Vec<Value> = state
            .roles
            .values()
            .filter(|role| named.is_none_or(|name| role.role_name == *name) && role.path.starts_with(path))
            .map(|role| show(state, role))
            .collect();
        json!({"count": all.len(), "roles": all})
    })
}

fn show(state: &IamState, role: &IamRole) -> Value {
    let name = &role.role_name;
    let inline: Map<String, Value> = state
        .role_inline_policies
        .get(name)
        .into_iter()
        .flatten()
        .map(|(name, text)| (name.clone(), document(text)))
        .collect();
    let profiles: Vec<&String> = state
        .instance_profiles
        .values()
        .filter(|profile| profile.roles.contains(name))
        .map(|profile| &profile.instance_profile_name)
        .collect();
    let none = Vec::new();
    json!({
        "name": name,
        "id": role.role_id,
        "arn": role.arn,
        "path": role.path,
        "description": role.description,
        "maxSessionDuration": role.max_session_duration,
        "created": role.created_at.to_rfc3339(),
        "tags": tags(&role.tags),
        "trust": document(&role.assume_role_policy_document),
        "attached": state.role_policies.get(name).unwrap_or(&none),
        "inline": inline,
        "boundary": role.permissions_boundary,
        "instanceProfiles": profiles,
    })
}

/// A decision on policies, action, resource and context of the asker's own: nothing of the state is looked at.
pub fn evaluate(ask: &Ask<'_>) -> Answer {
    let list = |name: &str| match ask.body.get(name) {
        Some(Value::Array(many)) => Some(many.clone()),
        Some(Value::Null) | None => None,
        Some(one) => Some(vec![one.clone()]),
    };
    let layers =
        Layers { identity: list("policies").unwrap_or_default(), boundary: list("boundary"), session: list("session") };
    let (action, resource) = (ask.text("action")?, ask.text("resource")?);
    Ok(try_out(&layers, &action, &resource, ask.body.get("context").unwrap_or(&Value::Null)))
}

/// What a session of a role may do: nobody needs to have one, nothing is journaled, and no trust is asked.
pub fn can(world: &World, ask: &Ask<'_>) -> Answer {
    let (account, name) = (ask.text("account")?, ask.text("role")?);
    let key = {
        let accounts = world.iam.read();
        let Some(role) = accounts.get(&account).and_then(|state| state.roles.get(&name)) else {
            return missing("role");
        };
        let partition = role.arn.split(':').nth(1).unwrap_or("aws");
        Key {
            id: String::new(),
            secret: String::new(),
            token: None,
            arn: format!("arn:{partition}:sts::{account}:assumed-role/{name}/can"),
            user_id: format!("{}:can", role.role_id),
            who: Who::Session {
                role: name.clone(),
                role_id: role.role_id.clone(),
                role_arn: role.arn.clone(),
                policies: Vec::new(),
            },
            account,
            issued: Utc::now(),
            expires: None,
        }
    };
    let context = ask.body.get("context").unwrap_or(&Value::Null);
    let Some(Value::Array(probes)) = ask.body.get("probes") else { return bad("the body needs \"probes\", a list") };
    let answer = |probe: &Value| {
        let text = |name: &str| probe.get(name).and_then(Value::as_str);
        match (text("action"), text("resource")) {
            (Some(action), Some(resource)) => Ok(session_may(world, &key, action, resource, context)),
            _ => bad("a probe needs \"action\" and \"resource\""),
        }
    };
    Ok(json!({"answers": probes.iter().map(answer).collect::<Result<Vec<_>, _>>()?}))
}

/// The roles that a token gets by their trust as it is, and why none where the token is no good in the account.
pub fn trusting(world: &World, ask: &Ask<'_>) -> Answer {
    match web_identity::roles_for(world, &ask.text("account")?, &ask.text("token")?) {
        Ok(roles) => Ok(json!({"roles": roles})),
        Err(refusal) => Ok(json!({"roles": [], "refused": refusal.code, "message": refusal.message})),
    }
}

pub fn providers(world: &World, ask: &Ask<'_>) -> Answer {
    look(world, ask, |state| {
        let all: Vec<Value> = state
            .oidc_providers
            .values()
            .map(|one| {
                json!({
                    "arn": one.arn,
                    "url": one.url,
                    "clientIds": one.client_id_list,
                    "thumbprints": one.thumbprint_list,
                    "tags": tags(&one.tags),
                })
            })
            .collect();
        json!({"count": all.len(), "providers": all})
    })
}

pub fn policies(world: &World, ask: &Ask<'_>) -> Answer {
    look(world, ask, |state| {
        let all: Vec<Value> = state
            .policies
            .values()
            .map(|policy| {
                let default = policy.versions.iter().find(|version| version.is_default);
                json!({
                    "arn": policy.arn,
                    "name": policy.policy_name,
                    "path": policy.path,
                    "attached": policy.attachment_count,
                    "versions": policy.versions.len(),
                    "document": default.map(|version| document(&version.document)),
                    "tags": tags(&policy.tags),
                })
            })
            .collect();
        json!({"count": all.len(), "policies": all})
    })
}
