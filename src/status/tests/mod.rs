//! What the tests of the status share: a role, outcomes, and what kstatus makes of it all.

mod adoption;
mod class;
mod contested;
mod events;
mod kstatus;
mod modes;
mod parts;
mod states;
mod table;

use super::*;
use crate::api::names::tag;

const ARN: &str = "arn:aws:iam::111122223333:role/irsa/prod_billing_invoices";
const POLICY: &str = "arn:aws:iam::aws:policy/A";

fn at(seconds: i64) -> Time {
    Time(k8s_openapi::jiff::Timestamp::from_second(seconds).unwrap())
}

fn role(id: &str) -> RoleInfo {
    RoleInfo {
        account: "111122223333".into(),
        arn: ARN.into(),
        id: Some(id.into()),
        provider_arn: "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A".into(),
        service_account: "billing/robot".into(),
        grants: true,
    }
}

/// All is as this generation declares.
fn fine(generation: i64) -> Outcome {
    Outcome { generation, class: Some("default".into()), role: Some(role("AROA1")), ..Outcome::default() }
}

/// It failed before there was a plan.
fn failed(generation: i64, category: Category) -> Outcome {
    Outcome {
        failure: Some((None, Error::new(category, format!("{category:?} of all sorts")))),
        role: None,
        ..fine(generation)
    }
}

/// It failed at a step, and one more was to come.
fn failed_at(generation: i64, category: Category, facet: Facet) -> Outcome {
    let step = if facet == Facet::Role { Step::UpdateTrust } else { Step::Attach(POLICY.into()) };
    Outcome {
        failure: Some((Some(facet), Error::new(category, format!("{category:?} at a step")))),
        pending: vec![step, Step::Attach("arn:aws:iam::aws:policy/B".into())],
        ..fine(generation)
    }
}

/// The role carries the hold tag, and this differs.
fn held(generation: i64, step: Step) -> Outcome {
    Outcome { held: true, pending: vec![step], ..fine(generation) }
}

/// The status after these outcomes, a second apart.
fn after(outcomes: &[Outcome]) -> BindingStatus {
    let new = BindingStatus { observed_generation: Some(-1), ..BindingStatus::default() };
    outcomes.iter().zip(1..).fold(new, |previous, (outcome, second)| status(&previous, outcome, &at(second)))
}

/// `status reason` of a condition, empty where it is not there.
fn says(status: &BindingStatus, kind: &str) -> String {
    find(&status.conditions, kind).map(|c| format!("{} {}", c.status, c.reason)).unwrap_or_default()
}

fn message(status: &BindingStatus, kind: &str) -> String {
    find(&status.conditions, kind).map(|c| c.message.clone()).unwrap_or_default()
}

const ALL: [Category; 12] = [
    Category::Invalid,
    Category::Forbidden,
    Category::Conflict,
    Category::Missing,
    Category::Credentials,
    Category::Denied,
    Category::Quota,
    Category::Blocked,
    Category::ClassNotReady,
    Category::Throttled,
    Category::Settling,
    Category::Transient,
];

/// The rules that kstatus (kubernetes-sigs/cli-utils, `pkg/kstatus/status`, `GetObjectStatus`) has for kinds that it
/// does not know, restated: what Flux, Argo CD and `kubectl wait`-like tools conclude. An object on its way out is
/// Terminating before any of this is looked at.
fn kstatus(generation: i64, status: &BindingStatus) -> &'static str {
    if status.observed_generation.is_some_and(|observed| observed != generation) {
        return "InProgress";
    }
    for condition in status.conditions.iter().filter(|c| c.status == "True") {
        match condition.type_.as_str() {
            kind::RECONCILING => return "InProgress",
            kind::STALLED => return "Failed",
            _ => {}
        }
    }
    match find(&status.conditions, kind::READY).map(|c| c.status.as_str()) {
        Some("False" | "Unknown") => "InProgress",
        _ => "Current",
    }
}
