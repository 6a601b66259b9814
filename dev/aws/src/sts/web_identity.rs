//! AssumeRoleWithWebIdentity: unsigned, decided in the account of the role named, by provider, audience, trust.
//! Source: AssumeRoleWithWebIdentity of the service model; the codes and sentences of each failure from reports.

use chrono::{DateTime, Utc};
use fakecloud_core::auth::ConditionContext;
use fakecloud_iam::OidcProvider;

use super::jwks;
use super::session::{duration, open, role_arn, session_name, within_the_role};
use super::token::{self, Token, invalid};
use super::trust::trusts_provider;
use crate::answer::{Outcome, Refusal, escape, xml};
use crate::call::{Call, Service};
use crate::world::World;

pub fn handle(world: &World, call: &Call) -> Outcome {
    let wanted = role_arn(call)?;
    let session = session_name(call)?;
    let asked = duration(call)?;
    let token = token::parse(&call.need("WebIdentityToken")?)?;
    let now = call.now.timestamp();
    if token.expires <= now {
        return Err(Refusal::new(
            400,
            "ExpiredTokenException",
            format!("Token expired: current date/time {now} must be before the expiration date/time {}", token.expires),
        ));
    }

    let (provider, context) = recognised(world, &wanted.account, &token, call.now)?;
    let role = {
        let accounts = world.iam.read();
        let state = accounts.get(&wanted.account);
        state.and_then(|state| state.roles.get(&wanted.name)).filter(|role| role.arn == wanted.arn).cloned()
    };
    // A role that is not there and one that trusts somebody else sound the same.
    let role = role
        .filter(|role| trusts_provider(role, &provider.arn, &wanted.account, &context))
        .ok_or_else(|| Refusal::new(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"))?;
    let seconds = within_the_role(&role, asked)?;

    let inner = format!(
        "{}<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{}</Audience><Provider>{}</Provider>",
        open(world, call, &wanted.account, &role, &session, seconds),
        escape(&token.subject),
        escape(token.audiences.first().map_or("", String::as_str)),
        escape(&provider.arn),
    );
    Ok(xml(Service::Sts, &call.op, &inner, &call.request_id))
}

/// The provider in an account that vouches for a token, and what a trust policy is asked with.
fn recognised(
    world: &World,
    account: &str,
    token: &Token,
    now: DateTime<Utc>,
) -> Result<(OidcProvider, ConditionContext), Refusal> {
    let issuer = token.issuer.strip_prefix("https://").unwrap_or("");
    let provider = {
        let accounts = world.iam.read();
        let state = accounts.get(account);
        state.and_then(|state| state.oidc_providers.values().find(|one| one.url == issuer)).cloned()
    };
    let provider = provider
        .ok_or_else(|| invalid(format!("No OpenIDConnect provider found in your account for {}", token.issuer)))?;
    if !token.audiences.iter().any(|audience| provider.client_id_list.contains(audience)) {
        return Err(invalid("Incorrect token audience"));
    }
    {
        let own = world.own.borrow();
        let keys = own.issuers.get(account, &token.issuer);
        jwks::verify(token, keys, own.switches(account).tokens)?;
    }
    let mut context = ConditionContext {
        aws_current_time: Some(now),
        aws_epoch_time: Some(now.timestamp()),
        aws_federated_provider: Some(provider.arn.clone()),
        ..ConditionContext::default()
    };
    context.service_keys.insert(format!("{issuer}:aud"), token.audiences.clone());
    context.service_keys.insert(format!("{issuer}:sub"), vec![token.subject.clone()]);
    Ok((provider, context))
}

/// For the admin API: the names of all roles of an account that a token gets, as they are now.
pub fn roles_for(world: &World, account: &str, text: &str) -> Result<Vec<String>, Refusal> {
    let token = token::parse(text)?;
    let (provider, context) = recognised(world, account, &token, Utc::now())?;
    let accounts = world.iam.read();
    let roles = accounts.get(account).into_iter().flat_map(|state| state.roles.values());
    let trusting = roles.filter(|role| trusts_provider(role, &provider.arn, account, &context));
    Ok(trusting.map(|role| role.role_name.clone()).collect())
}
