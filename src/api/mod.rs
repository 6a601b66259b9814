//! The custom resources and every name that goes over a wire: group, annotations, tags, conditions, reasons.
//!
//! Everything here is data. The rules that `kubectl apply` enforces stand beside the field that they guard, so that
//! the schema in `crds/` is the whole truth about what may be written.

mod binding;
mod class;
pub mod names;
pub mod reason;

pub use binding::{
    BindingStatus, DeletionPolicy, InlinePolicy, IrsaBinding, IrsaBindingSpec, PoliciesSpec, RoleSpec,
    ServiceAccountSpec, TrustSpec,
};
pub use class::{BindingCounts, ClassRoleSpec, ClassStatus, IrsaClass, IrsaClassSpec, OidcProviderSpec};
