//! A web identity token: three parts of base64url, the claims that STS looks at.
//! Source: AssumeRoleWithWebIdentity (4 to 20,000 characters, whole-number times); sentences from reports.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::answer::Refusal;

pub struct Token {
    pub issuer: String,
    pub subject: String,
    pub audiences: Vec<String>,
    pub expires: i64,
    pub algorithm: String,
    pub kid: Option<String>,
    /// Header and claims as they were signed.
    pub signed: String,
    pub signature: Vec<u8>,
}

pub fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidIdentityToken", message)
}

fn part(text: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

pub fn parse(text: &str) -> Result<Token, Refusal> {
    if !(4..=20_000).contains(&text.len()) {
        return Err(Refusal::validation(
            "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length between 4 and 20000",
        ));
    }
    read(text).ok_or_else(|| {
        invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
    })
}

fn read(text: &str) -> Option<Token> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || signature.is_empty() {
        return None;
    }
    let signed = format!("{header}.{claims}");
    let header = part(header)?;
    let claims = part(claims)?;
    let algorithm = header.get("alg").and_then(Value::as_str)?.to_owned();
    // What STS does not take it does not call a token.
    if !["RS256", "RS384", "RS512", "ES256", "ES384"].contains(&algorithm.as_str()) {
        return None;
    }
    let word = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    // The authorised party stands for the audience where it is there.
    let audiences = match (word("azp"), claims.get("aud")) {
        (Some(party), _) => vec![party],
        (None, Some(Value::String(one))) => vec![one.clone()],
        (None, Some(Value::Array(many))) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    Some(Token {
        issuer: word("iss")?,
        subject: word("sub")?,
        audiences,
        expires: claims.get("exp")?.as_i64()?,
        algorithm,
        kid: header.get("kid").and_then(Value::as_str).map(str::to_owned),
        signed,
        signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
    })
}
