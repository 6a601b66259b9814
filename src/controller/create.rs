//! Making a role.

use super::execute::Run;
use super::state::Ctx;
use crate::aws::Created;
use crate::error::{Category, Error};
use crate::snapshot::Account;
use std::time::Instant;

/// Makes the role, if the account has room for more than repairs.
pub async fn create(ctx: &Ctx, run: &Run<'_>) -> Result<Created, Error> {
    let (account, reserve) = (&run.desired.account, ctx.settings.role_reserve);
    let quota = ctx.state().snapshot.account(account).and_then(Account::quota);
    // That there was one its status says, which anybody may have edited; and we remember.
    let repairs = run.had_role && ctx.state().memory.get(run.binding).is_some_and(|memory| memory.under.is_some());
    if let Some(quota) = quota.filter(|quota| !repairs && quota.is_scarce(reserve)) {
        // One that is there already takes no room, whosever it is.
        match run.aws.role_head(&run.desired.name, &run.desired.path, ctx.missed(&run.desired.arn)).await {
            Ok(None) => {}
            Err(error) if error.category != Category::Denied => return Err(error),
            _ => return Ok(Created::Exists),
        }
        let text = format!(
            "account {account} has {reserve} % of its {} roles left or less, which are kept for repairs \
             (--role-reserve): ask AWS for a higher quota of roles per account (L-FE177D64), or delete roles that nobody \
             needs",
            quota.limit
        );
        return Err(Error::new(Category::Quota, text));
    }
    ctx.state().memory.entry(run.binding.clone()).or_default().create_sent = Some(Instant::now());
    let made = run.aws.create_role(run.desired).await;
    // It may have waited long for its turn, and was sent no later than now.
    ctx.state().memory.entry(run.binding.clone()).or_default().create_sent = Some(Instant::now());
    let made = made?;
    if matches!(made, Created::New(_)) {
        ctx.state().snapshot.made(&run.desired.arn);
    }
    Ok(made)
}
