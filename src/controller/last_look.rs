//! Whose the role of a binding is that goes: nothing of it is touched before that is known.

use super::adopt;
use super::state::Ctx;
use crate::api::Mode;
use crate::aws::Aws;
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Owner;
use crate::iam::role::Role;
use crate::plan::with_flag;
use crate::store::LeanBinding;

/// Where a role may be.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// So it is called, as far as we know.
    pub arn: &'a RoleArn,
    /// The spec names it: its path is where it is.
    pub named: bool,
    /// How far it was gone for it.
    pub mode: Mode,
}

/// The role, or `None` where it can be believed that there is none, or that it is another's.
///
/// # Errors
/// Where that is not known.
pub async fn last_look(
    ctx: &Ctx,
    aws: &Aws,
    object: &LeanBinding,
    owner: &Owner,
    Sought { arn, named, mode }: Sought<'_>,
) -> Result<Option<Role>, Error> {
    let path = if named { "/" } else { &arn.path };
    let role = match aws.role_head(&arn.name, path, !named && ctx.missed(&arn.to_string())).await {
        Ok(Some(role)) if named => Some(role),
        // One of that name on another path is not ours, whatever we remember.
        Ok(Some(role)) => Some(role).filter(|role| role.arn == arn.to_string()),
        // Shortly after a write of ours AWS may not show the role everywhere: then it is as we wrote it.
        Ok(None) => unseen(ctx, object, arn)?,
        // It was left to another cluster, which has taken it.
        Err(error) if error.category == Category::Denied && mode != Mode::Manage => None,
        // The fence of our own IAM policy hides what is not ours, and this binding never had a role that it knew of.
        Err(error) if error.category == Category::Denied && object.status().role_id.is_none() => {
            unseen(ctx, object, arn)?
        }
        Err(error) => {
            let error = if named { with_flag(&arn.to_string(), error) } else { error };
            not_shown(ctx, object, arn, error).map_or(Ok(None), Err)?
        }
    };
    ctx.witness(owner, role.as_ref());
    role.map(|role| adopt::as_taken(ctx, object, owner, role)).transpose()
}

/// A role that AWS does not show: as we remember it, or `None` where it can be believed that there is none.
fn unseen(ctx: &Ctx, object: &LeanBinding, arn: &RoleArn) -> Result<Option<Role>, Error> {
    let own = ctx.own_role(&arn.to_string());
    let late = ctx.may_have_missed(object.head.created.as_ref()) || ctx.may_be_on_its_way(&object.head.key);
    if own.is_none() && late {
        let text = format!("AWS does not show {arn}, but may do so yet, as it may have been made a moment ago");
        return Err(Error::new(Category::Settling, text));
    }
    Ok(own)
}

/// Why a role can't be looked at; `None` where a sweep has shown that another cluster has it by now.
fn not_shown(ctx: &Ctx, object: &LeanBinding, arn: &RoleArn, mut error: Error) -> Option<Error> {
    let (arn, mut state) = (arn.to_string(), ctx.state());
    if error.category != Category::Denied || state.snapshot.is_ours(&arn) {
        return Some(error);
    }
    if state.snapshot.is_theirs(&arn, ctx.settings.settle) {
        return None;
    }
    // It goes with the binding.
    state.memory.entry(object.head.key.clone()).or_default().role_arn.get_or_insert_with(|| arn.as_str().into());
    state.snapshot.expect(&arn);
    error
        .message
        .push_str("; if the role is another cluster's by now, set spec.mode to Annotate, and it is left as it is");
    Some(error)
}
