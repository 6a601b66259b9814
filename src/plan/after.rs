//! What a role is once a step is done.

use super::Step;
use crate::desired::Desired;
use crate::iam::role::Role;

/// A role as `CreateRole` makes it.
#[must_use]
pub fn created(desired: &Desired, id: String) -> Role {
    Role {
        arn: desired.arn.clone(),
        id,
        description: desired.description.clone(),
        max_session: desired.max_session,
        boundary: desired.boundary.clone(),
        tags: desired.tags.clone(),
        trust: Some(desired.trust.clone()),
        attached: Default::default(),
        inline: Default::default(),
    }
}

/// Does to `role` what `step` does in AWS. Steps on ServiceAccounts, creation and deletion leave it as it is.
pub fn after(role: &mut Role, desired: &Desired, step: &Step) {
    match step {
        Step::Tag(tags) => {
            for (key, value) in tags {
                // IAM keeps one tag for all spellings of a key.
                role.tags.retain(|live, _| live.to_lowercase() != key.to_lowercase());
                role.tags.insert(key.clone(), value.clone());
            }
        }
        Step::Untag(keys) => role.tags.retain(|live, _| !keys.iter().any(|k| k.to_lowercase() == live.to_lowercase())),
        Step::PutBoundary(arn) => role.boundary = Some(arn.clone()),
        Step::UpdateTrust => role.trust = Some(desired.trust.clone()),
        Step::Attach(arn) => {
            role.attached.insert(arn.clone());
        }
        Step::Detach(arn) => {
            role.attached.remove(arn);
        }
        Step::PutInline(name) => {
            role.inline.insert(name.clone(), desired.inline.get(name).cloned());
        }
        Step::DeleteInline(name) => {
            role.inline.remove(name);
        }
        Step::UpdateRole => {
            role.description.clone_from(&desired.description);
            role.max_session = desired.max_session;
        }
        Step::CreateRole
        | Step::DeleteRole
        | Step::CreateServiceAccount
        | Step::Annotate
        | Step::Reannotate(_)
        | Step::Unannotate { .. }
        | Step::DeleteServiceAccount { .. } => {}
    }
}
