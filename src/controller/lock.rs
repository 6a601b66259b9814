//! One writer a role.

use super::state::Ctx;

/// Holds a role's lock until dropped.
pub struct RoleLock<'a> {
    ctx: &'a Ctx,
    role: String,
}

impl<'a> RoleLock<'a> {
    /// The lock, if nobody else has it. Names of roles are unique without regard to case.
    pub fn try_take(ctx: &'a Ctx, arn: &str) -> Option<Self> {
        let role = arn.to_lowercase();
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
