//! The parts of what is wanted, each from its part of the spec.

use crate::api::names::{self, annotation};
use crate::api::{IrsaBindingSpec, IrsaClassSpec};
use crate::error::{Category, Error};
use crate::iam::arn;
use crate::iam::document::{Document, INLINE_TOTAL_MAX, inline_total};
use crate::iam::owner::Owner;
use crate::iam::tags::{self, Tags};
use crate::iam::vars::Vars;
use std::collections::{BTreeMap, BTreeSet};

/// The most tags that class and binding may have together, so that the operator's own fit into IAM's 50
/// (IAM quotas, "Tags that can be attached to a role").
pub const TAGS_MAX: usize = 40;

/// The longest description of a role, in characters (IAM API reference, `roleDescriptionType`).
const DESCRIPTION_MAX: usize = 1000;
/// The longest value of a tag, in characters (IAM API reference, `tagValueType`).
const TAG_VALUE_MAX: usize = 256;

pub(super) fn description(text: &str, vars: &Vars) -> Result<String, Error> {
    let text = vars.expand(text).map_err(|e| invalid("spec.role.description", e))?;
    let length = text.chars().count();
    if length > DESCRIPTION_MAX {
        let why = format!(
            "has {length} characters once its variables are filled in, IAM takes {DESCRIPTION_MAX}; shorten it"
        );
        return Err(invalid("spec.role.description", why));
    }
    Ok(text)
}

pub(super) fn audience(spec: &IrsaBindingSpec, class: &IrsaClassSpec) -> Result<String, Error> {
    let allowed = &class.oidc_provider.audiences;
    match spec.trust.as_ref().and_then(|trust| trust.audience.as_ref()) {
        Some(audience) if allowed.contains(audience) => Ok(audience.clone()),
        Some(audience) => Err(invalid(
            "spec.trust.audience",
            format!(
                "{audience} is not one of the class's audiences ({}); use one of them, or have it added to the class",
                allowed.join(", ")
            ),
        )),
        None => allowed.first().cloned().ok_or_else(|| {
            invalid("the class's spec.oidcProvider.audiences", "is empty; list at least sts.amazonaws.com")
        }),
    }
}

pub(super) fn annotations(spec: &IrsaBindingSpec, role_arn: &str, audience: &str) -> BTreeMap<String, String> {
    let account = &spec.service_account;
    [
        (annotation::ROLE_ARN, Some(role_arn.to_owned())),
        (annotation::AUDIENCE, (audience != names::DEFAULT_AUDIENCE).then(|| audience.to_owned())),
        (annotation::TOKEN_EXPIRATION, account.token_expiration_seconds.map(|s| s.to_string())),
        (annotation::STS_REGIONAL, account.sts_regional_endpoints.map(|b| b.to_string())),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key.to_owned(), value?)))
    .collect()
}

pub(super) fn role_tags(binding: &Tags, class: &Tags, owner: &Owner, vars: &Vars) -> Result<Tags, Error> {
    let mut all = Tags::new();
    for (place, tags) in [("spec.role.tags", binding), ("the class's spec.role.tags", class)] {
        for (key, value) in tags {
            if tags::is_reserved(key) || key.to_lowercase().starts_with("aws:") {
                return Err(invalid(
                    &format!("{place}[{key}]"),
                    "the prefixes irsa-operator.io/ and aws: are reserved; use another key",
                ));
            }
            // The schema refuses twins of ASCII; IAM knows more letters.
            if tags.keys().any(|other| other != key && other.to_lowercase() == key.to_lowercase()) {
                return Err(invalid(
                    &format!("{place}[{key}]"),
                    "is there twice but for upper and lower case, and IAM takes both for one; remove one",
                ));
            }
            // The class's tags come second and win, whatever the case of the binding's key: they become
            // aws:PrincipalTag, which other people's policies trust.
            all.retain(|k, _| k.to_lowercase() != key.to_lowercase());
            let value = vars.expand(value).map_err(|e| invalid(&format!("{place}[{key}]"), e))?;
            let length = value.chars().count();
            if length > TAG_VALUE_MAX {
                let why = format!(
                    "has {length} characters once its variables are filled in, IAM takes {TAG_VALUE_MAX}; shorten it"
                );
                return Err(invalid(&format!("{place}[{key}]"), why));
            }
            all.insert(key.clone(), value);
        }
    }
    if all.len() > TAGS_MAX {
        return Err(invalid(
            "spec.role.tags",
            format!("class and binding have {} tags together, at most {TAGS_MAX} fit; remove some", all.len()),
        ));
    }
    let declared = tags::declared(all.keys());
    all.extend(declared.map(|marks| (tags::DECLARED.to_owned(), marks)));
    all.extend(owner.tags());
    Ok(all)
}

pub(super) fn managed(spec: &IrsaBindingSpec, vars: &Vars) -> Result<BTreeSet<String>, Error> {
    let listed = spec.policies.managed.iter().enumerate();
    listed
        .map(|(i, text)| arn::policy_arn(text, vars).map_err(|e| invalid(&format!("spec.policies.managed[{i}]"), e)))
        .collect()
}

pub(super) fn inline(spec: &IrsaBindingSpec, vars: &Vars) -> Result<BTreeMap<String, Document>, Error> {
    let mut all = BTreeMap::new();
    for (i, policy) in spec.policies.inline.iter().enumerate() {
        let at = format!("spec.policies.inline[{i}]");
        if policy.name.to_lowercase().starts_with(names::INLINE_PREFIX) {
            return Err(invalid(
                &format!("{at}.name"),
                format!("names beginning {} are the operator's own; choose another", names::INLINE_PREFIX),
            ));
        }
        let value = serde_json::Value::Object(policy.document.clone().into_iter().collect());
        let value = vars.expand_value(&value).map_err(|e| invalid(&join(&at, &e.path), e.message))?;
        let document = Document::identity(&value).map_err(|e| invalid(&join(&at, &e.path), e.message))?;
        if all.insert(policy.name.clone(), document).is_some() {
            return Err(invalid(
                &format!("{at}.name"),
                format!("{} is there twice; a role has each name once", policy.name),
            ));
        }
    }
    let total = inline_total(all.values());
    if total > INLINE_TOTAL_MAX {
        return Err(invalid(
            "spec.policies.inline",
            format!(
                "the documents have {total} characters together, IAM takes {INLINE_TOTAL_MAX}; move some into a managed policy"
            ),
        ));
    }
    Ok(all)
}

fn join(at: &str, path: &str) -> String {
    match path {
        "" => format!("{at}.document"),
        path if path.starts_with('[') => format!("{at}.document{path}"),
        path => format!("{at}.document.{path}"),
    }
}

pub(super) fn invalid(at: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Category::Invalid, format!("{at}: {why}"))
}
