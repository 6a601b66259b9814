//! The condition keys of a question: the global ones, tags of resource, request and principal, and those of IAM.
//! Source: Service Authorization Reference of IAM (keys by action); IAM user guide, "Global condition context keys":
//! `aws:PrincipalArn` of a session is its role's ARN.

use std::collections::HashMap;

use fakecloud_core::auth::ConditionContext;
use fakecloud_iam::Tag;
use serde_json::{Map, Value, json};

use super::needs::Need;
use crate::call::{Call, Service};
use crate::world::World;
use crate::world::keys::{Key, Who};

fn map(tags: &[Tag]) -> HashMap<String, String> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// What is known of who asks.
pub fn caller(context: &mut ConditionContext, world: &World, key: &Key) {
    match &key.who {
        Who::User { name } => {
            context.aws_username = Some(name.clone());
            context.aws_principal_arn = Some(key.arn.clone());
            context.aws_principal_type = Some("User".to_owned());
        }
        Who::Session { role, role_arn, .. } => {
            context.aws_principal_arn = Some(role_arn.clone());
            context.aws_principal_type = Some("AssumedRole".to_owned());
            context.aws_token_issue_time = Some(key.issued);
            let accounts = world.iam.read();
            let role = accounts.get(&key.account).and_then(|state| state.roles.get(role));
            context.principal_tags = role.filter(|role| !role.tags.is_empty()).map(|role| map(&role.tags));
        }
    }
}

pub fn of(world: &World, call: &Call, key: &Key, need: &Need) -> ConditionContext {
    let mut context = ConditionContext {
        aws_userid: Some(key.user_id.clone()),
        aws_principal_account: Some(key.account.clone()),
        aws_source_ip: call.wire.source,
        aws_current_time: Some(call.now),
        aws_epoch_time: Some(call.now.timestamp()),
        // As it would have come to AWS.
        aws_secure_transport: Some(true),
        aws_requested_region: Some(match call.service {
            Service::Iam => "us-east-1".to_owned(),
            _ => call.region.clone(),
        }),
        ..ConditionContext::default()
    };
    caller(&mut context, world, key);
    if !need.tags.is_empty() {
        context.resource_tags = Some(map(&need.tags));
        for tag in &need.tags {
            context.service_keys.insert(format!("iam:resourcetag/{}", tag.key.to_lowercase()), vec![tag.value.clone()]);
        }
    }
    let tags = call.tags();
    if !tags.is_empty() {
        context.request_tags = Some(tags.into_iter().collect());
    }
    let untagged = call.list("TagKeys");
    if !untagged.is_empty() {
        context.service_keys.insert("aws:tagkeys".to_owned(), untagged);
    }
    if let Some(arn) = &need.boundary {
        context.service_keys.insert("iam:permissionsboundary".to_owned(), vec![arn.clone()]);
    }
    for (name, value) in &need.more {
        context.service_keys.insert((*name).to_owned(), vec![value.clone()]);
    }
    context
}

/// What of it is worth a line in the journal.
pub fn shown(context: &ConditionContext) -> Value {
    let mut out = Map::new();
    for (name, values) in &context.service_keys {
        out.insert(name.clone(), json!(values));
    }
    for (kind, tags) in [
        ("ResourceTag", &context.resource_tags),
        ("RequestTag", &context.request_tags),
        ("PrincipalTag", &context.principal_tags),
    ] {
        for (key, value) in tags.iter().flatten() {
            out.insert(format!("aws:{kind}/{key}"), json!([value]));
        }
    }
    if let Some(tags) = &context.request_tags {
        let mut keys: Vec<&String> = tags.keys().collect();
        keys.sort();
        out.insert("aws:TagKeys".to_owned(), json!(keys));
    }
    if let Some(arn) = &context.aws_principal_arn {
        out.insert("aws:PrincipalArn".to_owned(), json!([arn]));
    }
    Value::Object(out)
}

/// A context as it stands in the journal, back again.
pub fn given(value: &Value) -> ConditionContext {
    let mut context = ConditionContext::default();
    for (name, value) in value.as_object().into_iter().flatten() {
        let values: Vec<String> = match value {
            Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(one) => vec![one.clone()],
            _ => Vec::new(),
        };
        let lower = name.to_ascii_lowercase();
        let first = || values.first().cloned().unwrap_or_default();
        let tags = [
            ("aws:resourcetag/", &mut context.resource_tags),
            ("aws:requesttag/", &mut context.request_tags),
            ("aws:principaltag/", &mut context.principal_tags),
        ];
        let mut is_tag = false;
        for (prefix, tags) in tags {
            if lower.starts_with(prefix) {
                tags.get_or_insert_default().insert(name[prefix.len()..].to_owned(), first());
                is_tag = true;
            }
        }
        match lower.as_str() {
            _ if is_tag => {}
            "aws:principalarn" => context.aws_principal_arn = Some(first()),
            // The request's tags say the same.
            "aws:tagkeys" if value.as_array().is_some_and(|keys| !keys.is_empty()) => {
                context.service_keys.insert(lower, values);
            }
            _ => {
                context.service_keys.insert(lower, values);
            }
        }
    }
    context
}
