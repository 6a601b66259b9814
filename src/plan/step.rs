//! One step: one API call, one metric sample, one line for people.

use crate::api::names::INLINE_PREFIX;
use crate::iam::tags::Tags;
use std::fmt;

/// One change, in AWS or on a ServiceAccount. What it carries beyond names stands in `Desired`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make the role with trust, boundary, tags, path, description and session.
    CreateRole,
    /// Set these tags.
    Tag(Tags),
    /// Remove tags of these keys.
    Untag(Vec<String>),
    /// Set the permissions boundary.
    PutBoundary(String),
    /// Write the trust policy.
    UpdateTrust,
    /// Attach the managed policy.
    Attach(String),
    /// Detach the managed policy.
    Detach(String),
    /// Write the inline policy of this name.
    PutInline(String),
    /// Remove the inline policy of this name.
    DeleteInline(String),
    /// Set description and session length.
    UpdateRole,
    /// Remove the role.
    DeleteRole,
    /// Make the ServiceAccount.
    CreateServiceAccount,
    /// Set exactly our annotations.
    Annotate,
    /// The same where the annotation names this other role, which Pods get until then: not before ours serves them.
    Reannotate(String),
    /// Take our annotations off this ServiceAccount.
    Unannotate {
        /// Its name.
        name: String,
        /// Its uid, so that another of the same name is left alone.
        uid: String,
    },
    /// Delete the ServiceAccount that we made.
    DeleteServiceAccount {
        /// Its name.
        name: String,
    },
}

/// The condition that a step's failure belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// `RoleReady`.
    Role,
    /// `PoliciesReady`.
    Policies,
    /// `ServiceAccountReady`.
    ServiceAccount,
}

/// All that [`Step::label`] says.
pub const LABELS: [&str; 15] = [
    "create_role",
    "tag",
    "untag",
    "boundary",
    "trust",
    "attach",
    "detach",
    "put_inline",
    "delete_inline",
    "update_role",
    "delete_role",
    "create_service_account",
    "annotate",
    "unannotate",
    "delete_service_account",
];

impl Step {
    /// What kind of step it is, as a metric label: one of [`LABELS`].
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::CreateRole => "create_role",
            Self::Tag(_) => "tag",
            Self::Untag(_) => "untag",
            Self::PutBoundary(_) => "boundary",
            Self::UpdateTrust => "trust",
            Self::Attach(_) => "attach",
            Self::Detach(_) => "detach",
            Self::PutInline(_) => "put_inline",
            Self::DeleteInline(_) => "delete_inline",
            Self::UpdateRole => "update_role",
            Self::DeleteRole => "delete_role",
            Self::CreateServiceAccount => "create_service_account",
            Self::Annotate | Self::Reannotate(_) => "annotate",
            Self::Unannotate { .. } => "unannotate",
            Self::DeleteServiceAccount { .. } => "delete_service_account",
        }
    }

    /// The condition that this step is about.
    #[must_use]
    pub fn facet(&self) -> Facet {
        match self {
            Self::Attach(_) | Self::Detach(_) | Self::PutInline(_) | Self::DeleteInline(_) => Facet::Policies,
            Self::CreateServiceAccount
            | Self::Annotate
            | Self::Reannotate(_)
            | Self::Unannotate { .. }
            | Self::DeleteServiceAccount { .. } => Facet::ServiceAccount,
            _ => Facet::Role,
        }
    }
}

/// Whether `step` may still be tried, where the steps of `undone` came before it in a plan and failed or were left out.
///
/// A policy that can't be added keeps no other from being added, and description and session hold up no policy. All else
/// waits: what is taken away may have to be replaced first, and what is added may be meant for others than those who are
/// trusted so far. Steps for ServiceAccounts hold up only each other: a Pod that has its annotation already keeps working.
/// One that takes Pods from another role waits for all that the role is to have, and so does our own quarantine. What only
/// holds a role to its class waits for nothing: see [`super::restricts`].
#[must_use]
pub fn goes_on(undone: &[Step], step: &Step) -> bool {
    let adds = |step: &Step| matches!(step, Step::Attach(_) | Step::PutInline(_));
    if *step == Step::Annotate && undone.contains(&Step::CreateServiceAccount) {
        return false;
    }
    let grants = matches!(step, Step::Attach(_) | Step::Detach(_) | Step::PutInline(_) | Step::UpdateTrust)
        || matches!(step, Step::DeleteInline(name) if !name.starts_with(INLINE_PREFIX));
    let matters = |undone: &&Step| undone.facet() != Facet::ServiceAccount && !(grants && **undone == Step::UpdateRole);
    let mut undone = undone.iter().filter(matters).peekable();
    undone.peek().is_none() || (adds(step) && undone.all(adds))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateRole => write!(f, "create the role"),
            Self::Tag(tags) => write!(f, "set the tags {}", list(tags.keys())),
            Self::Untag(keys) => write!(f, "remove the tags {}", list(keys.iter())),
            Self::PutBoundary(arn) => write!(f, "set the permissions boundary {arn}"),
            Self::UpdateTrust => write!(f, "write the trust policy"),
            Self::Attach(arn) => write!(f, "attach {arn}"),
            Self::Detach(arn) => write!(f, "detach {arn}"),
            Self::PutInline(name) => write!(f, "write the inline policy {name}"),
            Self::DeleteInline(name) => write!(f, "remove the inline policy {name}"),
            Self::UpdateRole => write!(f, "set description and session length"),
            Self::DeleteRole => write!(f, "delete the role"),
            Self::CreateServiceAccount => write!(f, "create the ServiceAccount"),
            Self::Annotate => write!(f, "annotate the ServiceAccount"),
            Self::Reannotate(other) => write!(f, "annotate the ServiceAccount in place of {other}"),
            Self::Unannotate { name, .. } => write!(f, "take the annotations off the ServiceAccount {name}"),
            Self::DeleteServiceAccount { name } => write!(f, "delete the ServiceAccount {name}"),
        }
    }
}

fn list<'a>(keys: impl Iterator<Item = &'a String>) -> String {
    keys.map(String::as_str).collect::<Vec<_>>().join(", ")
}
