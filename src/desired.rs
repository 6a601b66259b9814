//! A binding, its class and the cluster give what must be true in AWS and on the ServiceAccount. Pure: the same input
//! always gives the same answer, and what can't be is an error that says where and what to write instead.

mod adoption;
mod parts;
#[cfg(test)]
mod tests;
mod trusted;

pub use adoption::{Adoption, makes};
pub use parts::TAGS_MAX;

use crate::api::names;
use crate::api::{DeletionPolicy, IrsaBindingSpec, IrsaClassSpec, Mode};
use crate::error::Error;
use crate::guardrails::{Revokes, Unfit};
use crate::iam::document::Document;
use crate::iam::owner::Owner;
use crate::iam::tags::Tags;
use crate::iam::trust::{Subject, trust_policy};
use crate::iam::vars::Vars;
use crate::iam::{arn, name};
use parts::{annotations, audience, description, inline, invalid, managed, role_tags};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use trusted::trust;

/// What is known of the place where roles are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
        self.provider_of(&self.issuer)
    }

    /// The ARN that the OIDC provider of this issuer has in this account.
    #[must_use]
    pub fn provider_of(&self, issuer: &str) -> String {
        arn::provider_arn(&self.partition, &self.account, issuer)
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
    /// How far to go for it.
    pub mode: Mode,
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
    /// What may be done about a role of the name that is there already.
    pub adoption: Adoption,
    /// What the spec asks for beside, and the class does not allow: see [`crate::guardrails`].
    pub unfit: Option<Box<Unfit>>,
    /// What its class takes off the role whatever the spec says, where it takes anything.
    pub revokes: Option<Box<Revokes>>,
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
    /// The role that another's annotation may name and be overwritten.
    pub replaces: Option<String>,
}

impl Desired {
    /// A number that is the same for the same AWS side, within one run of the program: what the ServiceAccount must
    /// look like and what deletion does are left out, because AWS knows nothing of them. The mode is in it, as a role that
    /// was looked at and left as it is agrees with no wish to change it. What the class revokes is in it where the role
    /// itself is judged by it; elsewhere it only says what goes first.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.mode, &self.owner, &self.arn, &self.description, self.max_session, &self.boundary).hash(&mut hasher);
        (&self.tags, &self.trust, &self.managed, &self.inline, &self.unfit).hash(&mut hasher);
        (self.adoption.accepts_removals, self.judges_live()).hash(&mut hasher);
        hasher.finish()
    }

    /// A number that is the same for what the class takes off its roles whatever specs say.
    #[must_use]
    pub fn revoked(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.revokes.hash(&mut hasher);
        hasher.finish()
    }

    /// What the class takes off the role of a binding that leaves it as it is.
    #[must_use]
    pub fn judges_live(&self) -> Option<&Revokes> {
        self.revokes.as_deref().filter(|_| self.mode != Mode::Manage)
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

/// The ARN and name of a binding's role: its identity, which nothing else of the spec takes part in. `named` is what its
/// `spec.role.name` says; such a role may have another path, which only AWS knows ([`Desired::located`]).
///
/// # Errors
/// `Invalid` where the class's template or path, or that name, can't be used.
pub fn identity(class: &IrsaClassSpec, named: Option<&str>, vars: &Vars) -> Result<(String, String), Error> {
    let name = match named {
        Some(name) => adoption::name(name)?,
        None => name::role_name(&class.role.name_template, vars)
            .map_err(|e| invalid("the class's spec.role.nameTemplate", e))?,
    };
    let path = vars.expand(&class.role.path).map_err(|e| invalid("the class's spec.role.path", e))?;
    Ok((arn::role_arn(&vars.partition, &vars.account, &path, &name), name))
}

/// What must be true for this binding.
///
/// # Errors
/// `Invalid`, with the JSON path at fault and what to write instead.
pub fn desired(who: Who<'_>, spec: &IrsaBindingSpec, class: &IrsaClassSpec, place: &Place) -> Result<Desired, Error> {
    let vars = vars(who, &spec.service_account.name, place);
    let mode = spec.mode.within(class.mode);
    let adoption = Adoption::of(spec, class, &vars);
    if mode == Mode::Annotate && !adoption.named {
        named_by_no_cluster(class)?;
    }
    let (arn, name) = identity(class, spec.role.as_ref().and_then(|role| role.name.as_deref()), &vars)?;
    let owner = Owner {
        cluster: place.cluster_id.clone(),
        namespace: who.namespace.to_owned(),
        binding: who.name.to_owned(),
        issuer: place.issuer.clone(),
        class: who.class.to_owned(),
        former: class.take_over_from_issuers.clone(),
    };
    let audience = audience(spec, class)?;
    let role = spec.role.clone().unwrap_or_default();
    let provider_arn = place.provider_arn();
    Ok(Desired {
        mode,
        account: place.account.clone(),
        path: vars.expand(&class.role.path).map_err(|e| invalid("the class's spec.role.path", e))?,
        description: description(role.description.as_deref().unwrap_or_default(), &vars)?,
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
        trust: trust(class, place, &audience, &subjects(who, spec), &vars)?,
        managed: managed(spec, &vars)?,
        inline: inline(spec, &vars)?,
        service_account: DesiredAccount {
            name: spec.service_account.name.clone(),
            create: spec.service_account.create,
            annotations: annotations(spec, &arn, &audience),
            replaces: spec.service_account.replace_role_arn.clone(),
        },
        unfit: None,
        revokes: None,
        retain: spec.deletion_policy.unwrap_or(class.role.deletion_policy) == DeletionPolicy::Retain,
        adoption,
        owner,
        provider_arn,
        arn,
        name,
    })
}

/// A trust policy that lets in nobody.
///
/// # Errors
/// `Invalid` as for [`desired`].
pub fn nobody(spec: &IrsaBindingSpec, class: &IrsaClassSpec, place: &Place) -> Result<Document, Error> {
    Ok(trust_policy(&place.provider_arn(), &place.issuer, &audience(spec, class)?, &[]))
}

/// The ServiceAccounts that may assume the role, all of the binding's namespace.
fn subjects(who: Who<'_>, spec: &IrsaBindingSpec) -> Vec<Subject> {
    let further = spec.trust.iter().flat_map(|trust| &trust.service_accounts);
    let names = std::iter::once(&spec.service_account.name).chain(further);
    names.map(|name| Subject { namespace: who.namespace.to_owned(), service_account: name.clone() }).collect()
}

/// The role of mode Annotate is made by another cluster, by that one's id.
fn named_by_no_cluster(class: &IrsaClassSpec) -> Result<(), Error> {
    const ID: &str = "$(clusterId)";
    if !class.role.name_template.contains(ID) {
        return Ok(());
    }
    let why = format!(
        "Annotate takes a role that another cluster makes, and the class's spec.role.nameTemplate has this cluster's \
         {ID} in its name; use a class with a template such as $(namespace)_$(name), or mode Manage or Observe"
    );
    Err(invalid("spec.mode", why))
}
