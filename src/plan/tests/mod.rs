//! What the tests of the plan share: a wish, the role that fulfils it, and ServiceAccounts.

mod accounts;
mod adopted;
mod adoption;
mod order;
mod ownership;
mod properties;
mod removal;
mod restrict;
mod taken;
mod waiting;
mod world;

use super::*;
use crate::api::Mode;
use crate::api::names::tag;
use crate::desired::{Adoption, DesiredAccount};
use crate::iam::document::Document;
use crate::iam::owner::Owner;
use crate::iam::role::Role;
use crate::iam::tags::{DECLARED, Tags, declared};
use crate::iam::trust::{Subject, Trusted, trust_policy, wide_trust_policy};
use serde_json::{Value, json};

const ARN: &str = "arn:aws:iam::111122223333:role/irsa/prod_billing_invoices";
const OTHER: &str = "arn:aws:iam::111122223333:role/someone-elses";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A";

fn owner() -> Owner {
    Owner {
        cluster: "prod".into(),
        namespace: "billing".into(),
        binding: "invoices".into(),
        issuer: "oidc.example/id/A".into(),
        class: "default".into(),
        former: Vec::new(),
    }
}

fn policy(name: &str) -> String {
    format!("arn:aws:iam::aws:policy/{name}")
}

fn statement(effect: &str, action: &str, resource: &str) -> Document {
    let statement: Value = json!({"Effect": effect, "Action": action, "Resource": resource});
    Document::lenient(&json!({"Version": "2012-10-17", "Statement": [statement]}))
}

fn allows(action: &str) -> Document {
    statement("Allow", action, "*")
}

fn denies() -> Document {
    statement("Deny", "*", "*")
}

/// A document of about this many characters.
fn sized(size: usize) -> Document {
    statement("Allow", "s3:GetObject", &"r".repeat(size))
}

/// A trust policy for these ServiceAccounts of the namespace.
fn trust(names: &[&str]) -> Document {
    let subject = |name: &&str| Subject { namespace: "billing".into(), service_account: (*name).into() };
    trust_policy(PROVIDER, "oidc.example/id/A", "sts.amazonaws.com", &names.iter().map(subject).collect::<Vec<_>>())
}

/// Tags as a spec with these keys leads to.
fn tags_of(spec: &[(&str, &str)]) -> Tags {
    let mut tags: Tags = spec.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let marks = declared(tags.keys());
    tags.extend(marks.map(|marks| (DECLARED.to_owned(), marks)));
    tags.extend(owner().tags());
    tags
}

fn desired() -> Desired {
    Desired {
        unfit: None,
        revokes: None,
        mode: Mode::Manage,
        owner: owner(),
        account: "111122223333".into(),
        arn: ARN.into(),
        name: "prod_billing_invoices".into(),
        path: "/irsa/".into(),
        description: "invoices".into(),
        max_session: 3600,
        boundary: Some(policy("edge")),
        tags: tags_of(&[("team", "billing")]),
        trust: trust(&["robot"]),
        managed: [policy("A"), policy("B")].into(),
        inline: [("one".to_owned(), allows("s3:GetObject")), ("two".to_owned(), allows("sqs:SendMessage"))].into(),
        provider_arn: PROVIDER.into(),
        service_account: DesiredAccount {
            name: "robot".into(),
            create: false,
            annotations: [(annotation::ROLE_ARN.to_owned(), ARN.to_owned())].into(),
            replaces: None,
        },
        retain: false,
        adoption: Adoption::default(),
    }
}

/// The role that is exactly as desired.
fn role(desired: &Desired) -> Role {
    Role {
        arn: desired.arn.clone(),
        id: "AROA1".into(),
        description: desired.description.clone(),
        max_session: desired.max_session,
        boundary: desired.boundary.clone(),
        tags: desired.tags.clone(),
        trust: Some(desired.trust.clone()),
        attached: desired.managed.clone(),
        inline: desired.inline.iter().map(|(name, doc)| (name.clone(), Some(doc.clone()))).collect(),
    }
}

/// A ServiceAccount with these annotations, all of them this binding's.
fn account(annotations: &BTreeMap<String, String>) -> Account {
    Account {
        uid: "u1".into(),
        annotations: annotations.clone(),
        owned: annotations.keys().cloned().collect(),
        disposable: false,
    }
}

/// The ServiceAccount as desired.
fn settled(desired: &Desired) -> Accounts {
    Accounts { current: Some(account(&desired.service_account.annotations)), former: Vec::new() }
}

/// The ServiceAccount with the role's annotation as somebody else wrote it.
fn annotated_by_another(value: &str) -> Accounts {
    let annotations = [(annotation::ROLE_ARN.to_owned(), value.to_owned())].into();
    Accounts { current: Some(Account { owned: BTreeSet::new(), ..account(&annotations) }), former: Vec::new() }
}

/// That step which takes Pods from another role.
fn reannotate(other: &str) -> Step {
    Step::Reannotate(other.to_owned())
}

fn present(role: &Role) -> Observed {
    Observed::Present(Box::new(role.clone()))
}

/// The plan in words, for a role that was changed from what is desired.
fn words(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

fn none() -> BTreeSet<String> {
    BTreeSet::new()
}
