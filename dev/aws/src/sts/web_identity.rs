//! AssumeRoleWithWebIdentity: unsigned, decided in the account of the role named, by provider, audience, trust.
//! Source: AssumeRoleWithWebIdentity of the service model; the codes and sentences of each failure from reports.

use fakecloud_core::auth::ConditionContext;

use super::jwks;
use super::session::{duration, open, role_arn, session_name, within_the_role};
use super::token::{self, invalid};
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

    let issuer = token.issuer.strip_prefix("https://").unwrap_or("");
    let (role, provider) = {
        let accounts = world.iam.read();
        let state = accounts.get(&wanted.account);
        let provider = state.and_then(|state| state.oidc_providers.values().find(|one| one.url == issuer)).cloned();
        let role = state.and_then(|state| state.roles.get(&wanted.name)).filter(|role| role.arn == wanted.arn).cloned();
        (role, provider)
    };
    let provider = provider
        .ok_or_else(|| invalid(format!("No OpenIDConnect provider found in your account for {}", token.issuer)))?;
    if !token.audiences.iter().any(|audience| provider.client_id_list.contains(audience)) {
        return Err(invalid("Incorrect token audience"));
    }

    {
        let own = world.own.borrow();
        let issuer = own.issuers.get(&wanted.account, &token.issuer);
        jwks::verify(&token, issuer, own.switches(&wanted.account).tokens)?;
    }

    let mut context = ConditionContext {
        aws_current_time: Some(call.now),
        aws_epoch_time: Some(now),
        aws_federated_provider: Some(provider.arn.clone()),
        ..ConditionContext::default()
    };
    context.service_keys.insert(format!("{issuer}:aud"), token.audiences.clone());
    context.service_keys.insert(format!("{issuer}:sub"), vec![token.subject.clone()]);
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
