//! A binding keeps the role that it has.

use super::account::accounts;
use super::state::{Class, Ctx, State};
use crate::api::IrsaBindingSpec;
use crate::api::names::annotation;
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Ownership;
use crate::iam::role::Role;
use crate::plan::{identity_changed, with_flag};
use crate::store::LeanBinding;

/// A binding that has a role already is not given a second of another name. Where its role may be is hinted at by its
/// status, by the annotation that we wrote and by what we remember; the first may have been written by a tenant, so none
/// of them is believed before the role's own tags say the same.
pub async fn refuse_new_identity(
    ctx: &Ctx,
    class: &Class,
    object: &LeanBinding,
    spec: &IrsaBindingSpec,
    desired: &Desired,
) -> Result<(), Error> {
    let hints = role_hints(&ctx.state(), object, &spec.service_account.name);
    for hint in hints {
        let other = |arn: &RoleArn| hint != desired.arn && !desired.may_be(arn);
        let Some(arn) = RoleArn::parse(&hint).filter(other) else { continue };
        let aws =
            if arn.account == desired.account { Some(class.aws.clone()) } else { ctx.state().aws_of(&arn.account) };
        let Some(aws) = aws else {
            // Nobody can look there. To make another role would lose that one.
            return Err(identity_changed(&hint, &desired.arn));
        };
        // Shortly after a write of ours AWS may not show the role everywhere: then it is as we wrote it.
        let seen = match aws.role_head(&arn.name, &arn.path, ctx.missed(&hint)).await {
            // The fence of our own IAM policy hides what is not ours; and what was taken over, where that is no longer let in.
            Err(error) if error.category == Category::Denied && ctx.state().snapshot.is_ours(&hint) => {
                return Err(with_flag(&hint, error));
            }
            Err(error) if error.category == Category::Denied => None,
            seen => seen?,
        };
        ctx.witness(&desired.owner, seen.as_ref());
        let role = seen.or_else(|| ctx.own_role(&hint));
        let ours = |role: &Role| matches!(desired.owner.judge(&role.tags), Ownership::Ours { released: false });
        if role.is_some_and(|role| role.arn == hint && ours(&role)) {
            return Err(identity_changed(&hint, &desired.arn));
        }
    }
    Ok(())
}

impl State {
    /// Whether a role of ours may be this binding's, by what we remember and by what sweeps have shown.
    pub fn may_have_role(&self, object: &LeanBinding) -> bool {
        let account = object.service_account.as_deref().unwrap_or_default();
        let hints = role_hints(self, object, account);
        self.memory.get(&object.head.key).is_some_and(|memory| memory.under.is_some())
            || hints.iter().any(|arn| self.snapshot.may_be_ours(arn))
    }
}

/// The ARNs of roles that may be this binding's.
pub fn role_hints(state: &State, object: &LeanBinding, account: &str) -> Vec<String> {
    let account = accounts(state, &object.head.key, Some(account)).current;
    let ours = account.filter(|account| account.owned.contains(annotation::ROLE_ARN));
    let annotated = ours.and_then(|account| account.annotations.get(annotation::ROLE_ARN).cloned());
    let remembered =
        state.memory.get(&object.head.key).and_then(|memory| memory.role_arn.as_deref().map(str::to_owned));
    let mut hints: Vec<String> = [remembered, annotated, object.status().role_arn].into_iter().flatten().collect();
    hints.extend(state.strays.of(&object.head.key).map(str::to_owned));
    let mut known = std::collections::BTreeSet::new();
    hints.retain(|hint| known.insert(hint.clone()));
    hints
}
