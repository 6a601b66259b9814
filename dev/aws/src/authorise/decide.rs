//! The decision, layer by layer, so that it can be said which layer refused.
//! Source: IAM user guide, "Policy evaluation logic": an explicit deny in any policy wins; then identity policies,
//! the permissions boundary and session policies must each allow. A boundary that is not there any more allows nothing.

use fakecloud_core::auth::{ConditionContext, Principal, PrincipalType};
use fakecloud_iam::evaluator::{self, EvalRequest, PolicyDocument};
use fakecloud_iam::{IamState, managed_policies};
use serde_json::Value;

use super::special::specialised;
use crate::world::World;
use crate::world::keys::{Key, Who};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    DeniedByIdentity,
    DeniedByBoundary,
    DeniedBySession,
    NoIdentity,
    NoBoundary,
    NoSession,
}

/// The policies that a caller stands under; `None` is a layer that is not there.
#[derive(Default)]
pub struct Layers {
    pub identity: Vec<Value>,
    pub boundary: Option<Vec<Value>>,
    pub session: Option<Vec<Value>>,
}

pub struct Asked<'a> {
    pub action: &'a str,
    pub resource: &'a str,
    pub context: &'a ConditionContext,
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

fn managed(state: &IamState, arn: &str) -> Option<Value> {
    if let Some(policy) = state.policies.get(arn) {
        return policy.versions.iter().find(|version| version.is_default).map(|version| parsed(&version.document));
    }
    // The catalogue has the partition aws; the others' are the same by name.
    let (_, name) = arn.split_once(":iam::aws:policy/")?;
    managed_policies::default_document(&format!("arn:aws:iam::aws:policy/{name}")).map(parsed)
}

impl Layers {
    pub fn of(world: &World, key: &Key) -> Self {
        let accounts = world.iam.read();
        let Some(state) = accounts.get(&key.account) else { return Self::default() };
        let (inline, attached, boundary) = match &key.who {
            Who::User { name } => (
                state.user_inline_policies.get(name),
                state.user_policies.get(name),
                state.users.get(name).and_then(|user| user.permissions_boundary.as_ref()),
            ),
            Who::Session { role, .. } => (
                state.role_inline_policies.get(role),
                state.role_policies.get(role),
                state.roles.get(role).and_then(|role| role.permissions_boundary.as_ref()),
            ),
        };
        let mut identity: Vec<Value> = inline.into_iter().flatten().map(|(_, text)| parsed(text)).collect();
        identity.extend(attached.into_iter().flatten().filter_map(|arn| managed(state, arn)));
        let session = match &key.who {
            Who::Session { policies, .. } if !policies.is_empty() => {
                Some(policies.iter().map(|text| parsed(text)).collect())
            }
            _ => None,
        };
        Self { identity, boundary: boundary.map(|arn| managed(state, arn).into_iter().collect()), session }
    }
}

pub fn evaluate(layers: &Layers, asked: &Asked<'_>) -> Decision {
    let identity = one(&layers.identity, asked);
    let boundary = layers.boundary.as_ref().map(|policies| one(policies, asked));
    let session = layers.session.as_ref().map(|policies| one(policies, asked));
    let denied = evaluator::Decision::ExplicitDeny;
    let silent = |layer: Option<evaluator::Decision>| layer.is_some_and(|decision| !decision.is_allow());
    if identity == denied {
        Decision::DeniedByIdentity
    } else if boundary == Some(denied) {
        Decision::DeniedByBoundary
    } else if session == Some(denied) {
        Decision::DeniedBySession
    } else if !identity.is_allow() {
        Decision::NoIdentity
    } else if silent(boundary) {
        Decision::NoBoundary
    } else if silent(session) {
        Decision::NoSession
    } else {
        Decision::Allow
    }
}

fn one(policies: &[Value], asked: &Asked<'_>) -> evaluator::Decision {
    let documents: Vec<PolicyDocument> =
        policies.iter().map(|policy| PolicyDocument::from_value(&specialised(policy, asked.context))).collect();
    // Identity policies name no principal: who asks stands in the context.
    let nobody = Principal {
        arn: String::new(),
        user_id: String::new(),
        account_id: String::new(),
        principal_type: PrincipalType::Unknown,
        source_identity: None,
        tags: None,
    };
    let request = EvalRequest {
        principal: &nobody,
        action: asked.action.to_owned(),
        resource: asked.resource.to_owned(),
        context: asked.context.clone(),
    };
    evaluator::evaluate(&documents, &request)
}
