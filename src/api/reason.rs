//! Types and reasons of conditions and Events: the one list, because people write alerts on them.

use super::catalog::catalog;

/// Condition types of a binding and a class.
pub mod condition {
    super::catalog! {
    /// The current generation is true in AWS and on the ServiceAccount.
    pub const READY: &str = "Ready";
    /// The role exists with the right trust, tags, boundary and session length.
    pub const ROLE_READY: &str = "RoleReady";
    /// Exactly the wanted policies are attached.
    pub const POLICIES_READY: &str = "PoliciesReady";
    /// The ServiceAccount is there and names the role.
    pub const SERVICE_ACCOUNT_READY: &str = "ServiceAccountReady";
    /// Abnormal-true: work is under way or will be tried again by itself.
    pub const RECONCILING: &str = "Reconciling";
    /// Abnormal-true: nothing happens until somebody changes something.
    pub const STALLED: &str = "Stalled";
    /// On a class: issuer and account are known and the OIDC provider is there.
    pub const PROVIDER_READY: &str = "ProviderReady";
    /// On a class: changes outside are found by snapshots of the account.
    pub const SNAPSHOT_READY: &str = "SnapshotReady";
    }
    /// All that a class has.
    pub const OF_CLASS: [&str; 5] = [READY, PROVIDER_READY, SNAPSHOT_READY, RECONCILING, STALLED];
}

catalog! {
/// All is as declared.
pub const READY: &str = "Ready";
/// Not looked at yet, or a step of it is still to be done.
pub const PENDING: &str = "Pending";
/// The spec can't be carried out as it is written.
pub const INVALID: &str = "Invalid";
/// Something that is not ours is in the way.
pub const CONFLICT: &str = "Conflict";
/// A policy or boundary that the spec names does not exist.
pub const NOT_FOUND: &str = "NotFound";
/// The operator's own AWS credentials do not work.
pub const CREDENTIALS: &str = "Credentials";
/// AWS or the API server refused the operator.
pub const ACCESS_DENIED: &str = "AccessDenied";
/// A quota of the account is used up.
pub const QUOTA_EXCEEDED: &str = "QuotaExceeded";
/// The request rate of the account is used up.
pub const THROTTLED: &str = "Throttled";
/// AWS has not caught up with its own last change.
pub const SETTLING: &str = "Settling";
/// AWS or the API server does not answer as it should.
pub const UNAVAILABLE: &str = "Unavailable";
/// The class is missing or not ready.
pub const CLASS_NOT_READY: &str = "ClassNotReady";
/// A role of ours was made for a cluster of the same id with another issuer.
pub const CLUSTER_IDENTITY_CONFLICT: &str = "ClusterIdentityConflict";
/// A newer version of the operator wrote the role's tags, so this one writes nothing of it.
pub const NEWER_SCHEMA: &str = "NewerSchema";
/// The class does not allow it.
pub const FORBIDDEN: &str = "Forbidden";
/// The change would give the role another account, path or name.
pub const IDENTITY_CHANGED: &str = "IdentityChanged";
/// A role that was taken over has what the spec does not list, and nobody said yet that it may be taken off.
pub const AWAITING_ACCEPT_REMOVALS: &str = "AwaitingAcceptRemovals";
/// Somebody deleted the role and it was made again, with another id.
pub const ROLE_RECREATED: &str = "RoleRecreated";
/// The role carries the hold tag and is not written.
pub const HELD: &str = "Held";
/// Somebody put a policy on the role that only denies; it stays.
pub const RESTRICTED: &str = "Restricted";
/// Another tool undoes the same again and again.
pub const CONTESTED: &str = "Contested";
/// The ServiceAccount that the binding names does not exist.
pub const SERVICE_ACCOUNT_NOT_FOUND: &str = "ServiceAccountNotFound";
/// The spec grants nothing.
pub const NO_POLICIES: &str = "NoPolicies";
/// The mode is Observe: it was looked at, and nothing is written.
pub const OBSERVED: &str = "Observed";
/// The class can't be deleted while bindings use it.
pub const IN_USE: &str = "InUse";

/// So many roles would go at once that somebody has to say how many may.
pub const MASS_CHANGE_HELD: &str = "MassChangeHeld";

/// Roles are watched by snapshots of the account.
pub const SNAPSHOT: &str = "Snapshot";
/// The account refuses the bulk call: roles are read one after another.
pub const BULK_READ_DENIED: &str = "BulkReadDenied";
/// So much differs at once that a second snapshot has to say the same.
pub const SNAPSHOT_SUSPECT: &str = "SnapshotSuspect";
/// None of these: written by another version, or by somebody else.
pub const OTHER: &str = "Other";
}

/// What stands on RoleReady and is no failure: somebody should know.
pub const NOTED: [&str; 5] = [ROLE_RECREATED, RESTRICTED, HELD, MASS_CHANGE_HELD, CONTESTED];

/// All reasons of conditions, so that a byte tells which.
pub const KNOWN: [&str; 30] = [
    PENDING,
    READY,
    INVALID,
    CONFLICT,
    NOT_FOUND,
    CREDENTIALS,
    ACCESS_DENIED,
    QUOTA_EXCEEDED,
    THROTTLED,
    SETTLING,
    UNAVAILABLE,
    CLASS_NOT_READY,
    CLUSTER_IDENTITY_CONFLICT,
    NEWER_SCHEMA,
    FORBIDDEN,
    IDENTITY_CHANGED,
    AWAITING_ACCEPT_REMOVALS,
    ROLE_RECREATED,
    HELD,
    RESTRICTED,
    CONTESTED,
    SERVICE_ACCOUNT_NOT_FOUND,
    NO_POLICIES,
    OBSERVED,
    IN_USE,
    MASS_CHANGE_HELD,
    SNAPSHOT,
    BULK_READ_DENIED,
    SNAPSHOT_SUSPECT,
    OTHER,
];

/// Reasons of Events that are no condition's.
pub mod event {
    super::catalog! {
    /// The role was made.
    pub const CREATED: &str = "RoleCreated";
    /// A role that is there is about to be taken over: what is done next, and what waits.
    pub const ADOPTING: &str = "AdoptingRole";
    /// A role that somebody else made is this binding's now.
    pub const ADOPTED: &str = "RoleAdopted";
    /// Something differed from what is declared and was put right.
    pub const DRIFT_CORRECTED: &str = "DriftCorrected";
    /// The spec changed and AWS with it.
    pub const UPDATED: &str = "Updated";
    /// The role was deleted with its binding.
    pub const DELETED: &str = "RoleDeleted";
    /// The role was left in AWS as `deletionPolicy: Retain` says.
    pub const RETAINED: &str = "RoleRetained";
    /// Roles of this cluster were found that have no binding.
    pub const ORPHANED: &str = "RolesOrphaned";
    /// The OIDC provider of a former issuer was deleted.
    pub const PROVIDER_DELETED: &str = "ProviderDeleted";
    /// Roles that have no binding were cut off, as `orphans: Quarantine` says.
    pub const QUARANTINED: &str = "RolesQuarantined";
    /// A role that has no binding could not be cut off.
    pub const QUARANTINE_FAILED: &str = "QuarantineFailed";
    /// They were given back what they allow, as `orphans: Report` says.
    pub const QUARANTINE_LIFTED: &str = "QuarantineLifted";
    /// Something was taken off roles that bindings have left behind, as their class does not allow it any more.
    pub const REVOKED: &str = "RolesRevoked";
    /// That could not be done.
    pub const REVOKE_FAILED: &str = "RevokeFailed";
    /// Somebody has said how many removals may go, of those that are held or that are to come.
    pub const REMOVALS_ALLOWED: &str = "RemovalsAllowed";
    /// The OIDC provider was made.
    pub const PROVIDER_CREATED: &str = "ProviderCreated";
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_has_all_of_them() {
        let mut values: Vec<&str> = super::CATALOG.iter().map(|about| about.name).collect();
        let mut listed = super::KNOWN.to_vec();
        assert_eq!((listed.first(), listed.last()), (Some(&super::PENDING), Some(&super::OTHER)));
        values.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, values);
        let lines = include_str!("reason.rs").lines().map(str::trim_start);
        let constants = lines.filter(|line| line.starts_with("pub const ") && line.contains(": &str = ")).count();
        let told = [super::CATALOG, super::condition::CATALOG, super::event::CATALOG].map(<[_]>::len);
        assert_eq!(constants, told.iter().sum::<usize>(), "a reason outside of catalog! is missing in docs/reference");
    }
}
