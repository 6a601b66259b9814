//! Web identity tokens against the issuer's keys: RS256 as Kubernetes signs, ES256 too; rotated, unreachable.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::client::{Account, Answer, account, admin, web_identity};

const SUBJECT: &str = "system:serviceaccount:billing:invoices";

enum Signer {
    Rsa(RsaKeyPair),
    Curve(EcdsaKeyPair),
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa() -> Signer {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .expect("openssl, as the control plane needs it too");
    let pem = String::from_utf8(made.stdout).expect("text");
    let inner: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = base64::engine::general_purpose::STANDARD.decode(inner).expect("base64");
    Signer::Rsa(RsaKeyPair::from_pkcs8(&key).expect("a key"))
}

fn curve() -> Signer {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random);
    Signer::Curve(pair.expect("the key"))
}

impl Signer {
    fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                let (n, e) = (encode(public.n), encode(public.e));
                json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid, "n": n, "e": e})
            }
            Self::Curve(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
        }
    }

    fn token(&self, issuer: &str, kid: &str) -> String {
        let algorithm = match self {
            Self::Rsa(_) => "RS256",
            Self::Curve(_) => "ES256",
        };
        let now = chrono::Utc::now().timestamp();
        let head = json!({"alg": algorithm, "kid": kid}).to_string();
        let claims = json!({"iss": issuer, "sub": SUBJECT, "aud": ["sts.amazonaws.com"], "iat": now, "exp": now + 600});
        let text = format!("{}.{}", encode(head), encode(claims.to_string()));
        let signature = match self {
            Self::Rsa(pair) => {
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut out).expect("signed");
                out
            }
            Self::Curve(pair) => pair.sign(&SystemRandom::new(), text.as_bytes()).expect("signed").as_ref().to_vec(),
        };
        format!("{text}.{}", encode(signature))
    }
}

/// An account with the provider and a role that trusts the subject.
fn ready(issuer: &str) -> (Account, String) {
    let account = account();
    let host = issuer.trim_start_matches("https://");
    let provider = format!("arn:aws:iam::{}:oidc-provider/{host}", account.id);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {format!("{host}:sub"): SUBJECT}}}]})
    .to_string();
    let role = [("RoleName", "r"), ("AssumeRolePolicyDocument", trust.as_str())];
    let arn = account.admin.iam("CreateRole", &role).ok().tag("Arn");
    let url = [("Url", issuer), ("ClientIDList.member.1", "sts.amazonaws.com")];
    account.admin.iam("CreateOpenIDConnectProvider", &url).ok();
    (account, arn)
}

fn exchange(arn: &str, token: &str) -> Answer {
    web_identity(&[("RoleArn", arn), ("RoleSessionName", "pod"), ("WebIdentityToken", token)])
}

const NO_KEYS: &str = "Couldn't retrieve verification key from your identity provider,  please reference";

#[test]
fn keys_are_known_rotated_and_out_of_reach() {
    let issuer = "https://oidc.tokens.example/id/rotated";
    let (account, arn) = ready(issuer);
    let (old, new) = (rsa(), curve());
    let with = |keys: Value| {
        admin("POST", "issuers", json!({"issuer": issuer, "jwks": {"keys": keys}, "account": account.id}))
    };

    // Nobody told of the issuer: it passes until the layer is on.
    exchange(&arn, &old.token(issuer, "1")).ok();
    admin("POST", &format!("accounts/{}/switches", account.id), json!({"tokens": true}));
    exchange(&arn, &old.token(issuer, "1")).refused(400, "InvalidIdentityToken").says(NO_KEYS);

    with(json!([old.jwk("1")]));
    exchange(&arn, &old.token(issuer, "1")).ok();
    exchange(&arn, &new.token(issuer, "2")).refused(400, "InvalidIdentityToken").says(NO_KEYS);
    exchange(&arn, &rsa().token(issuer, "1")).refused(400, "InvalidIdentityToken").says("signature");

    with(json!([new.jwk("2")]));
    exchange(&arn, &new.token(issuer, "2")).ok();
    exchange(&arn, &old.token(issuer, "1")).refused(400, "InvalidIdentityToken").says(NO_KEYS);

    let mut many: Vec<Value> = (0..101).map(|i| old.jwk(&i.to_string())).collect();
    with(json!(many));
    exchange(&arn, &old.token(issuer, "1")).refused(400, "InvalidIdentityToken").says(NO_KEYS);
    many.truncate(100);
    with(json!(many));
    exchange(&arn, &old.token(issuer, "1")).ok();

    admin("POST", "issuers", json!({"issuer": issuer, "unreachable": true, "account": account.id}));
    exchange(&arn, &old.token(issuer, "1")).refused(400, "InvalidIdentityToken").says(NO_KEYS);
}

#[test]
fn a_token_that_was_changed_is_refused() {
    let issuer = "https://oidc.tokens.example/id/changed";
    let (_account, arn) = ready(issuer);
    let signer = curve();
    admin("POST", "issuers", json!({"issuer": issuer, "jwks": {"keys": [signer.jwk("k")]}}));
    let token = signer.token(issuer, "k");
    exchange(&arn, &token).ok();
    let parts: Vec<&str> = token.split('.').collect();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).expect("base64")).expect("text");
    let longer = encode(claims.replace("\"iat\"", "\"x\":1,\"iat\""));
    let forged = format!("{}.{longer}.{}", parts[0], parts[2]);
    exchange(&arn, &forged).refused(400, "InvalidIdentityToken").says("signature");
    let none = format!("{}.{}.{}", encode(r#"{"alg":"none"}"#), parts[1], parts[2]);
    exchange(&arn, &none).refused(400, "InvalidIdentityToken").says("not a valid JWT");
}

#[test]
fn expiry_goes_by_the_clock_of_the_account() {
    let issuer = "https://oidc.tokens.example/id/clock";
    let (account, arn) = ready(issuer);
    let signer = curve();
    admin("POST", "issuers", json!({"issuer": issuer, "jwks": {"keys": [signer.jwk("k")]}}));
    let session = super::client::Keys::of(&exchange(&arn, &signer.token(issuer, "k")).ok());
    session.sts("GetCallerIdentity", &[]).ok();
    let clock = |ms: i64| admin("POST", &format!("accounts/{}/clock", account.id), json!({"offsetMs": ms}));
    clock(11 * 60 * 1000);
    exchange(&arn, &signer.token(issuer, "k"))
        .refused(400, "ExpiredTokenException")
        .says("must be before the expiration");
    clock(61 * 60 * 1000);
    session.sts("GetCallerIdentity", &[]).refused(403, "ExpiredToken");
    clock(0);
    session.sts("GetCallerIdentity", &[]).ok();
}

/// The signatures of this file's own making are what `ring` verifies.
#[test]
fn the_signer_signs() {
    let Signer::Curve(pair) = curve() else { unreachable!() };
    let signed = pair.sign(&SystemRandom::new(), b"x").expect("signed");
    let key = UnparsedPublicKey::new(&ring::signature::ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref().to_vec());
    key.verify(b"x", signed.as_ref()).expect("verified");
}

#[test]
fn which_roles_a_token_gets() {
    let issuer = "https://oidc.tokens.example/id/trusting";
    let (account, _) = ready(issuer);
    let signer = curve();
    admin("POST", "issuers", json!({"issuer": issuer, "jwks": {"keys": [signer.jwk("k")]}, "account": account.id}));
    let host = issuer.trim_start_matches("https://");
    let of_others = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Federated": format!("arn:aws:iam::{}:oidc-provider/{host}", account.id)},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {format!("{host}:sub"): "other"}}}]});
    let role = [("RoleName", "others"), ("AssumeRolePolicyDocument", &*of_others.to_string())];
    account.admin.iam("CreateRole", &role).ok();
    let token = signer.token(issuer, "k");
    let asked = |token: &str| admin("POST", "trusting", json!({"account": account.id, "token": token}));
    assert_eq!(asked(&token), json!({"roles": ["r"]}));
    admin("POST", &format!("accounts/{}/switches", account.id), json!({"tokens": true}));
    assert_eq!(asked(&token), json!({"roles": ["r"]}));
    assert_eq!(asked(&curve().token(issuer, "k"))["refused"], "InvalidIdentityToken");
    assert_eq!(asked(&signer.token("https://oidc.tokens.example/id/unknown", "k"))["refused"], "InvalidIdentityToken");
}
