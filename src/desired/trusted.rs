//! Who may assume a role: this cluster's ServiceAccounts, and whom its class trusts beside them.

use super::Place;
use super::parts::invalid;
use crate::api::IrsaClassSpec;
use crate::error::Error;
use crate::iam::arn;
use crate::iam::document::Document;
use crate::iam::trust::{Subject, Trusted, wide_trust_policy};
use crate::iam::vars::Vars;

/// The most characters that a trust policy may have in any account: the highest quota that AWS gives
/// (service quota L-C07B4B0D). Where an account allows less, AWS says so.
const TRUST_LONGEST: usize = 8192;

pub(super) fn trust(
    class: &IrsaClassSpec,
    place: &Place,
    audience: &str,
    subjects: &[Subject],
    vars: &Vars,
) -> Result<Document, Error> {
    let trusted = |issuer: &String| Trusted { issuer: issuer.clone(), provider_arn: place.provider_of(issuer) };
    let others: Vec<Trusted> = class.trusted_issuers.iter().map(trusted).collect();
    let principals = class.trusted_principals.iter().enumerate().map(|(i, text)| {
        let at = format!("the class's spec.trustedPrincipals[{i}]");
        arn::principal_arn(text, vars).map_err(|why| invalid(&at, why))
    });
    let policy =
        wide_trust_policy(trusted(&place.issuer), &others, audience, subjects, &principals.collect::<Result<_, _>>()?);
    if policy.size() > TRUST_LONGEST {
        let why = format!(
            "the trust policy has {} characters with them and spec.trustedPrincipals, AWS takes {TRUST_LONGEST} at most; \
             list fewer",
            policy.size()
        );
        return Err(invalid("the class's spec.trustedIssuers", why));
    }
    Ok(policy)
}
