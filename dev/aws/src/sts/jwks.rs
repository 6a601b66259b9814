//! The keys of an issuer and the signatures made with them. The keys come by admin call, because the issuer of a
//! test has a name that nothing serves.
//! Source: JWA (RS256, RS384, RS512, ES256, ES384 are what STS takes); STS's sentence for keys that it cannot get,
//! two spaces and all. How STS words a wrong signature is not known.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;

use super::token::{Token, invalid};
use crate::answer::Refusal;

/// STS takes so many keys of each kind from a provider.
const MOST_KEYS: usize = 100;

#[derive(Clone, Default)]
pub struct Issuer {
    pub unreachable: bool,
    pub keys: Vec<Value>,
}

/// By account, `None` for all, and issuer.
#[derive(Default)]
pub struct Issuers(HashMap<(Option<String>, String), Issuer>);

impl Issuers {
    pub fn put(&mut self, account: Option<String>, url: &str, issuer: Issuer) {
        self.0.insert((account, url.to_owned()), issuer);
    }

    /// As this account sees it.
    pub fn get(&self, account: &str, url: &str) -> Option<&Issuer> {
        let own = (Some(account.to_owned()), url.to_owned());
        self.0.get(&own).or_else(|| self.0.get(&(None, url.to_owned())))
    }

    pub fn forget(&mut self, account: &str) {
        self.0.retain(|(owner, _), _| owner.as_deref() != Some(account));
    }
}

fn no_keys() -> Refusal {
    invalid(
        "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    )
}

/// Checks the token's signature; an issuer that nobody told us of has no keys when `needed`, and passes otherwise.
pub fn verify(token: &Token, issuer: Option<&Issuer>, needed: bool) -> Result<(), Refusal> {
    let issuer = match issuer {
        Some(issuer) => issuer,
        None if needed => return Err(no_keys()),
        None => return Ok(()),
    };
    let of_kind = |kind: &str| issuer.keys.iter().filter(|key| key["kty"] == kind).count();
    if issuer.unreachable || of_kind("RSA") > MOST_KEYS || of_kind("EC") > MOST_KEYS {
        return Err(no_keys());
    }
    let named = |key: &&Value| token.kid.is_none() || key["kid"].as_str() == token.kid.as_deref();
    let mut fitting = issuer.keys.iter().filter(named).peekable();
    if fitting.peek().is_none() {
        return Err(no_keys());
    }
    if fitting.any(|key| fits(token, key).unwrap_or(false)) { Ok(()) } else { Err(invalid("Token signature invalid")) }
}

fn bytes(key: &Value, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok()
}

fn fits(token: &Token, key: &Value) -> Option<bool> {
    let (message, signature) = (token.signed.as_bytes(), token.signature.as_slice());
    let rsa = |parameters| {
        let (n, e) = (bytes(key, "n")?, bytes(key, "e")?);
        Some(RsaPublicKeyComponents { n: &n, e: &e }.verify(parameters, message, signature).is_ok())
    };
    let curve = |algorithm: &'static signature::EcdsaVerificationAlgorithm| {
        let point = [vec![4], bytes(key, "x")?, bytes(key, "y")?].concat();
        Some(UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok())
    };
    match token.algorithm.as_str() {
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "ES256" => curve(&signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => curve(&signature::ECDSA_P384_SHA384_FIXED),
        _ => None,
    }
}
