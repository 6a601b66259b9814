//! OIDC providers around the crate's handlers: keys without regard to what is missing, a thumbprint filled in.
//! Source: CreateOpenIDConnectProvider ("if omitted, IAM will retrieve and use the top intermediate CA thumbprint",
//! OpenIdIdpCommunicationError where it cannot reach the issuer); AddClientID is idempotent; at least one audience
//! stays.

use super::bridge;
use crate::answer::{Outcome, Refusal};
use crate::call::Call;
use crate::world::World;

const FILLED_IN: &str = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280";

pub fn create(world: &World, call: &mut Call) -> Outcome {
    let (rewrite, unreachable) = {
        let own = world.own.borrow();
        let issuer = own.issuers.get(&call.account, call.get("Url").unwrap_or(""));
        (own.switches(&call.account).rewrite, issuer.is_some_and(|issuer| issuer.unreachable))
    };
    if call.list("ThumbprintList").is_empty() {
        if unreachable {
            return Err(Refusal::new(
                400,
                "OpenIdIdpCommunicationError",
                "Could not reach the OpenID Connect provider to retrieve its thumbprint",
            ));
        }
        if rewrite {
            call.params.insert("ThumbprintList.member.1".to_owned(), FILLED_IN.to_owned());
        }
    }
    let url = call.get("Url").unwrap_or("").to_owned();
    bridge::handle(world, call).map_err(|refusal| match refusal.code.as_str() {
        "EntityAlreadyExists" => {
            Refusal::new(409, "EntityAlreadyExists", format!("Provider with url {url} already exists."))
        }
        _ => refusal,
    })
}
