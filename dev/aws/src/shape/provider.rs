//! A provider's URL and its lists.
//! Source: CreateOpenIDConnectProvider of the service model: `https://`, no port, no query, 1 to 255 characters;
//! thumbprints of exactly 40 hexadecimal characters, five at most.

use crate::answer::Refusal;
use crate::call::Call;

pub fn check(call: &Call) -> Result<(), Refusal> {
    if call.op == "CreateOpenIDConnectProvider" {
        url(&call.need("Url")?)?;
    }
    if call.op == "UpdateOpenIDConnectProviderThumbprint" && call.list("ThumbprintList").is_empty() {
        return Err(Refusal::invalid_input("Thumbprint list must contain at least one entry."));
    }
    for thumbprint in call.list("ThumbprintList") {
        if thumbprint.len() != 40 || !thumbprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Refusal::validation(format!(
                "1 validation error detected: Value '[{thumbprint}]' at 'thumbprintList' failed to satisfy constraint: Member must have length less than or equal to 40, Member must have length greater than or equal to 40"
            )));
        }
    }
    Ok(())
}

fn url(url: &str) -> Result<(), Refusal> {
    if !(1..=255).contains(&url.len()) {
        return Err(Refusal::validation(format!(
            "1 validation error detected: Value '{url}' at 'url' failed to satisfy constraint: Member must have length less than or equal to 255"
        )));
    }
    let invalid = || Refusal::new(400, "ValidationError", "Invalid Open ID Connect Provider URL");
    let rest = url.strip_prefix("https://").ok_or_else(invalid)?;
    let host = rest.split('/').next().unwrap_or("");
    if host.is_empty() || host.contains(':') || rest.contains(['?', '#', ' ']) {
        return Err(invalid());
    }
    Ok(())
}
