//! Who calls: the signature, the session token, the key's life.
//! Source: AWS Signature Version 4; the codes and sentences of the query protocol's common errors, and for EKS
//! those of AWS JSON services. Only AssumeRoleWithWebIdentity may come unsigned.

use fakecloud_aws::sigv4::{SigV4Error, VerifyRequest, headers_from_http, verify};

use crate::answer::Refusal;
use crate::call::{Call, Service};
use crate::world::World;
use crate::world::keys::Who;

fn refuse(call: &Call, status: u16, query: &str, json: &str, message: impl Into<String>) -> Refusal {
    let code = if call.service == Service::Eks { json } else { query };
    Refusal::new(status, code, message)
}

fn invalid_token(call: &Call) -> Refusal {
    refuse(
        call,
        403,
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )
}

pub fn verified(world: &World, call: &Call) -> Result<(), Refusal> {
    if call.service == Service::Sts && call.op == "AssumeRoleWithWebIdentity" {
        return Ok(());
    }
    let Some(signed) = &call.wire.signed else {
        return Err(refuse(
            call,
            403,
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
        ));
    };
    let Some(key) = &call.caller else {
        return Err(invalid_token(call));
    };
    let token = call.wire.headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
    if token != key.token.as_deref() {
        return Err(invalid_token(call));
    }
    let request = VerifyRequest {
        method: &call.wire.method,
        path: &call.wire.path,
        query: &call.wire.query,
        headers: &headers_from_http(&call.wire.headers),
        body: &call.wire.body,
    };
    // The wire's time is the machine's, whatever the account's clock says.
    if let Err(error) = verify(signed, &request, &key.secret, chrono::Utc::now()) {
        let message = match error {
            SigV4Error::RequestTimeTooSkewed { .. } => "Signature expired: the request's time is not within 15 minutes".to_owned(),
            _ => "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.".to_owned(),
        };
        return Err(refuse(call, 403, "SignatureDoesNotMatch", "InvalidSignatureException", message));
    }
    if key.expires.is_some_and(|end| end <= call.now) {
        return Err(refuse(
            call,
            403,
            "ExpiredToken",
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ));
    }
    alive(world, call)
}

/// A session's role must still be the one that it was made from: by its id, not by its name.
fn alive(world: &World, call: &Call) -> Result<(), Refusal> {
    let Some(key) = &call.caller else { return Ok(()) };
    let Who::Session { role, role_id, .. } = &key.who else {
        return Ok(());
    };
    let accounts = world.iam.read();
    let present = accounts.get(&key.account).and_then(|state| state.roles.get(role));
    if present.is_some_and(|present| present.role_id == *role_id) {
        return Ok(());
    }
    Err(invalid_token(call))
}
