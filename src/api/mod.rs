//! The custom resources and every name that goes over a wire: group, annotations, tags, conditions, reasons.
//!
//! Everything here is data. Each field names the rule that `kubectl apply` enforces on it, the rules stand in `rules`,
//! and the schema in `crds/` is generated from both, so that it is the whole truth about what may be written.

mod adoption;
mod allow;
mod allow_rules;
mod binding;
mod catalog;
mod class;
mod identity;
mod mode;
pub mod names;
pub mod reason;
mod rules;
pub mod schema;

pub use adoption::{AdoptionPolicy, AdoptionSpec};
pub use allow::{
    AllowAdopt, AllowSpec, AllowedInline, AllowedNamespaces, AllowedServiceAccounts, AllowedTags, InlineRule,
    LabelOperator, LabelRequirement, MAX_BINDINGS, NamespaceSelector, OnViolation,
};
pub use binding::{
    BindingStatus, DeletionPolicy, InlinePolicy, IrsaBinding, IrsaBindingSpec, PoliciesSpec, RoleSpec,
    ServiceAccountSpec, TrustSpec,
};
pub use catalog::About;
pub use class::{
    AccountSpec, BindingCounts, ClassRoleSpec, ClassStatus, IrsaClass, IrsaClassSpec, OidcProviderSpec, OrphanPolicy,
    OrphanedRoles,
};
pub use mode::Mode;
