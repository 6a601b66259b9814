//! One writer a role.

use super::state::Ctx;
use crate::iam::arn::RoleArn;

/// Holds a role's lock until dropped.
pub struct RoleLock<'a> {
    ctx: &'a Ctx,
    role: String,
}

impl<'a> RoleLock<'a> {
    /// The lock, if nobody else has it. Names of roles are unique in an account, whatever their path and case.
    pub fn try_take(ctx: &'a Ctx, arn: &str) -> Option<Self> {
        let role = RoleArn::parse(arn).map_or_else(|| arn.to_owned(), |arn| format!("{}/{}", arn.account, arn.name));
        let role = role.to_lowercase();
        let taken = ctx.state().locked.insert(role.clone());
        // Not made where it was not taken: dropping it would free what somebody else holds.
        taken.then(|| Self { ctx, role })
    }
}

impl Drop for RoleLock<'_> {
    fn drop(&mut self) {
        self.ctx.state().locked.remove(&self.role);
    }
}
