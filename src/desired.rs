//! A binding, its class and the cluster give what must be true in AWS and on the ServiceAccount. Pure: the same input
//! always gives the same answer, and what can't be is an error that says where and what to write instead.

use crate::api::names::{self, annotation};
use crate::api::{DeletionPolicy, IrsaBindingSpec, IrsaClassSpec};
use crate::error::{Category, Error};
use crate::iam::document::{Document, INLINE_TOTAL_MAX, inline_total};
use crate::iam::owner::Owner;
use crate::iam::tags::{self, Tags};
use crate::iam::trust::{Subject, trust_policy};
use crate::iam::vars::Vars;
use crate::iam::{arn, name};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most tags that class and binding may have together, so that the operator's own fit into IAM's 50
/// (IAM quotas, "Tags that can be attached to a role").
pub const TAGS_MAX: usize = 40;

/// What is known of the place where roles are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `--cluster-id`.
    pub cluster_id: String,
    /// The issuer of ServiceAccount tokens, without `https://`.
    pub issuer: String,
    /// Twelve digits.
    pub account: String,
    /// `aws`, `aws-cn`, …
    pub partition: String,
    /// Region of the operator's AWS configuration; for the variable `$(region)` only, as IAM has none.
    pub region: String,
}

impl Place {
    /// The ARN of the cluster's OIDC provider in this account.
    #[must_use]
    pub fn provider_arn(&self) -> String {
        arn::provider_arn(&self.partition, &self.account, &self.issuer)
    }
}

/// A binding's names and the class that it uses.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Namespace of the binding.
    pub namespace: &'a str,
    /// Name of the binding.
    pub name: &'a str,
    /// Name of the class.
    pub class: &'a str,
}

/// What must be true.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desired {
    /// Whose it is.
    pub owner: Owner,
    /// Account of the role.
    pub account: String,
    /// ARN of the role, known before it exists.
    pub arn: String,
    /// Name of the role.
    pub name: String,
    /// Path of the role.
    pub path: String,
    /// Description, empty where there is none.
    pub description: String,
    /// Longest session in seconds.
    pub max_session: i32,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// All tags, the owner's among them.
    pub tags: Tags,
    /// The trust policy.
    pub trust: Document,
    /// ARNs of managed policies.
    pub managed: BTreeSet<String>,
    /// Inline policies by name.
    pub inline: BTreeMap<String, Document>,
    /// ARN of the provider that the role trusts.
    pub provider_arn: String,
    /// The ServiceAccount.
    pub service_account: DesiredAccount,
    /// What deletion of the binding does.
    pub retain: bool,
}

/// What must be true of the ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DesiredAccount {
    /// Its name.
    pub name: String,
    /// Whether we make it where it is missing.
    pub create: bool,
    /// Exactly the annotations that we own on it.
    pub annotations: BTreeMap<String, String>,
}

impl Desired {
    /// A number that is the same for the same AWS side, within one run of the program: what the ServiceAccount must
    /// look like and what deletion does are left out, because AWS knows nothing of them.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.owner, &self.arn, &self.description, self.max_session, &self.boundary).hash(&mut hasher);
        (&self.tags, &self.trust, &self.managed, &self.inline).hash(&mut hasher);
        hasher.finish()
    }
}

/// The variables of a binding.
#[must_use]
pub fn vars(who: Who<'_>, service_account: &str, place: &Place) -> Vars {
    Vars {
        namespace: who.namespace.to_owned(),
        name: who.name.to_owned(),
        service_account: service_account.to_owned(),
        cluster_id: place.cluster_id.clone(),
        account: place.account.clone(),
        partition: place.partition.clone(),
        region: place.region.clone(),
    }
}

/// The ARN and name of a binding's role: its identity, which nothing else of the spec takes part in.
///
/// # Errors
/// `Invalid` where the class's template or path can't be used.
pub fn identity(class: &IrsaClassSpec, vars: &Vars) -> Result<(String, String), Error> {
    let name = name::role_name(&class.role.name_template, vars)
        .map_err(|e| invalid("the class's spec.role.nameTemplate", e))?;
    let path = vars.expand(&class.role.path).map_err(|e| invalid("the class's spec.role.path", e))?;
    Ok((arn::role_arn(&vars.partition, &vars.account, &path, &name), name))
}

/// What must be true for this binding.
///
/// # Errors
/// `Invalid`, with the JSON path at fault and what to write instead.
pub fn desired(who: Who<'_>, spec: &IrsaBindingSpec, class: &IrsaClassSpec, place: &Place) -> Result<Desired, Error> {
    let vars = vars(who, &spec.service_account.name, place);
    let (arn, name) = identity(class, &vars)?;
    let owner = Owner {
        cluster: place.cluster_id.clone(),
        namespace: who.namespace.to_owned(),
        binding: who.name.to_owned(),
        issuer: place.issuer.clone(),
        class: who.class.to_owned(),
    };
    let audience = audience(spec, class)?;
    let role = spec.role.clone().unwrap_or_default();
    let provider_arn = place.provider_arn();
    let subject = Subject { namespace: who.namespace.to_owned(), service_account: spec.service_account.name.clone() };
    let expand = |text: &str, at: &str| vars.expand(text).map_err(|e| invalid(at, e));
    Ok(Desired {
        account: place.account.clone(),
        path: vars.expand(&class.role.path).map_err(|e| invalid("the class's spec.role.path", e))?,
        description: expand(role.description.as_deref().unwrap_or_default(), "spec.role.description")?,
        max_session: role
            .max_session_duration_seconds
            .or(class.role.max_session_duration_seconds)
            .unwrap_or(names::DEFAULT_SESSION_SECONDS),
        boundary: class
            .role
            .permissions_boundary_arn
            .as_deref()
            .map(|text| {
                arn::policy_arn(text, &vars).map_err(|e| invalid("the class's spec.role.permissionsBoundaryArn", e))
            })
            .transpose()?,
        tags: role_tags(&role.tags, &class.role.tags, &owner, &vars)?,
        trust: trust_policy(&provider_arn, &place.issuer, &audience, &[subject]),
        managed: managed(spec, &vars)?,
        inline: inline(spec, &vars)?,
        service_account: DesiredAccount {
            name: spec.service_account.name.clone(),
            create: spec.service_account.create,
            annotations: annotations(spec, &arn, &audience),
        },
        retain: spec.deletion_policy.unwrap_or(class.role.deletion_policy) == DeletionPolicy::Retain,
        owner,
        provider_arn,
        arn,
        name,
    })
}

fn audience(spec: &IrsaBindingSpec, class: &IrsaClassSpec) -> Result<String, Error> {
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

fn annotations(spec: &IrsaBindingSpec, role_arn: &str, audience: &str) -> BTreeMap<String, String> {
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

fn role_tags(binding: &Tags, class: &Tags, owner: &Owner, vars: &Vars) -> Result<Tags, Error> {
    let mut all = Tags::new();
    for (place, tags) in [("spec.role.tags", binding), ("the class's spec.role.tags", class)] {
        for (key, value) in tags {
            if tags::is_reserved(key) || key.to_lowercase().starts_with("aws:") {
                return Err(invalid(
                    &format!("{place}[{key}]"),
                    "the prefixes irsa-operator.io/ and aws: are reserved; use another key",
                ));
            }
            // The class's tags come second and win, whatever the case of the binding's key: they become
            // aws:PrincipalTag, which other people's policies trust.
            all.retain(|k, _| k.to_lowercase() != key.to_lowercase());
            let value = vars.expand(value).map_err(|e| invalid(&format!("{place}[{key}]"), e))?;
            if value.chars().count() > 256 {
                return Err(invalid(
                    &format!("{place}[{key}]"),
                    "is longer than IAM's 256 characters once its variables are filled in",
                ));
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

fn managed(spec: &IrsaBindingSpec, vars: &Vars) -> Result<BTreeSet<String>, Error> {
    let listed = spec.policies.managed.iter().enumerate();
    listed
        .map(|(i, text)| arn::policy_arn(text, vars).map_err(|e| invalid(&format!("spec.policies.managed[{i}]"), e)))
        .collect()
}

fn inline(spec: &IrsaBindingSpec, vars: &Vars) -> Result<BTreeMap<String, Document>, Error> {
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

fn invalid(at: &str, why: impl std::fmt::Display) -> Error {
    Error::new(Category::Invalid, format!("{at}: {why}"))
}
