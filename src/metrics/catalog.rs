//! Every metric, told once: `/metrics` and `docs/metrics.md` say the same because both are made from this.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name without prefix, unit and the suffix of its type.
    pub name: &'static str,
    /// The last part of its name, in base units; empty where it counts things.
    pub unit: &'static str,
    /// Its OpenMetrics type.
    pub kind: &'static str,
    /// Its labels, in order.
    pub labels: &'static [&'static str],
    /// What it tells, without a full stop.
    pub help: &'static str,
}

/// What the names of all metrics begin with but for those of the process.
pub const PREFIX: &str = "irsa_operator";

macro_rules! catalog {
    ($($constant:ident = $kind:literal $name:literal $unit:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $constant: About =
            About { name: $name, unit: $unit, kind: $kind, labels: &[$($label),*], help: $help };)*
        /// All of them, in the order of the documentation.
        pub const ALL: &[About] = &[$($constant),*];
    };
}

catalog! {
    BINDINGS = "gauge" "bindings" "" ["class", "reason", "ready"]
        "IrsaBindings by class, by the reason of their condition Ready, and by whether it is True; class is empty where \
         the binding names none or one that does not exist";
    NOTED = "gauge" "bindings_noted" "" ["class", "reason"]
        "IrsaBindings by what stands on their condition RoleReady and is no failure: Contested, Held, MassChangeHeld, \
         Restricted or RoleRecreated; those of which there are none are left out";
    CLASSES = "gauge" "class_conditions" "" ["class", "condition", "reason", "status"]
        "The conditions in the status of each IrsaClass: 1 for each that is there, with its reason and whether it is True";
    DELETIONS = "gauge" "deletions_pending" "" ["class"]
        "IrsaBindings whose deletion was asked for and that still hold the finalizer";
    OLDEST_DELETION = "gauge" "longest_pending_deletion" "seconds" ["class"]
        "How long ago the oldest of the pending deletions was asked for, 0 where there is none";
    HELD = "gauge" "removals_held" "" ["class", "held_namespace"]
        "Removals that wait until somebody allows them, by the namespace that is held by itself; held_namespace is empty where \
         they are held with the whole class";
    DRIFT_FOUND = "counter" "drift_found" "" ["step"]
        "Steps that were found to be needed although nobody asked for a change; each once, however often it is tried";
    DRIFT_CORRECTED = "counter" "drift_corrected" "" ["step"]
        "Those of them that were done";
    STEPS = "counter" "steps" "" ["step"]
        "Changes that were made to roles and ServiceAccounts, for whatever reason";
    RECONCILES = "counter" "reconciles" "" ["object", "kind", "outcome"]
        "Reconciles by object (binding, class), by why it was its turn, and by what came of it: changed, unchanged, stale \
         (what it was computed from had changed; it is done again) or the category of the error";
    RECONCILE_DURATION = "histogram" "reconcile_duration" "seconds" ["object", "kind"]
        "How long a reconcile took, all waiting for AWS and the API server included";
    QUEUE = "gauge" "queue_depth" "" ["kind", "state"]
        "Objects in the queue by why it is their turn: due now, delayed (for the next look or a back-off), in flight";
    WATCH = "gauge" "watch_up" "" ["resource"]
        "1 while the watch on this resource works";
    LEADER = "gauge" "leader" "" []
        "1 while this replica is the one that works";
    CALLS = "counter" "aws_calls" "" ["account", "operation", "result"]
        "Requests that were sent to AWS, by result: ok, AWS's error code where we know it and else other, or no_answer; \
         account is unknown until AWS has told it";
    CALL_DURATION = "histogram" "aws_call_duration" "seconds" ["operation"]
        "How long AWS took to answer, without any waiting before";
    DENIED = "counter" "aws_denied_calls" "" ["account", "action"]
        "Requests that AWS refused for lack of permission, but for those where it says so of a role that is not there";
    BUDGET_WAIT = "histogram" "aws_budget_wait" "seconds" ["kind"]
        "How long a request waited for its turn before it was sent, by what it was for";
    BUDGET = "gauge" "aws_budget_requests_per_second" "" ["account"]
        "The request rate that the operator allows itself now";
    SNAPSHOT_AGE = "gauge" "snapshot_age" "seconds" ["account"]
        "How long ago the last complete snapshot of the account's roles was begun, or where there is none yet the first";
    SNAPSHOT_DURATION = "gauge" "snapshot_duration" "seconds" ["account"]
        "How long that snapshot took";
    SNAPSHOT_ROLES = "gauge" "snapshot_roles" "" ["account"]
        "Roles that were kept of it: tagged as ours, or expected";
    SNAPSHOT_SUSPECT = "gauge" "snapshot_suspect" "" ["account"]
        "1 while so many roles differ from the snapshot before that nothing is done until another says the same";
    ORPHANS = "gauge" "orphans" "" ["account", "state"]
        "Roles of this cluster whose binding does not exist, reported or quarantined; known after two snapshots further apart than --settle";
    CONTESTED = "gauge" "contested" "" ["account"]
        "IrsaBindings whose role or annotation another tool undoes again and again; known since this process started";
    QUOTA_USED = "gauge" "aws_quota_used" "" ["account", "quota"]
        "How much of a quota of the account (roles) is in use, by whomever";
    QUOTA_LIMIT = "gauge" "aws_quota_limit" "" ["account", "quota"]
        "How much of it there is";
    BUILD = "info" "build" "" ["version"]
        "Which version runs";
    PROCESS_CPU = "counter" "process_cpu" "seconds" []
        "User and system CPU time spent";
    PROCESS_MEMORY = "gauge" "process_resident_memory" "bytes" []
        "Resident memory";
    PROCESS_FDS = "gauge" "process_open_fds" "" []
        "Open file descriptors";
    PROCESS_MAX_FDS = "gauge" "process_max_fds" "" []
        "The most file descriptors that it may open";
    PROCESS_START = "gauge" "process_start_time" "seconds" []
        "When the process started, in seconds since 1970";
}

impl About {
    /// Whether it is a standard metric of processes, which have no prefix.
    #[must_use]
    pub fn is_process(&self) -> bool {
        self.name.starts_with("process_")
    }

    /// The name that queries use, as `irsa_operator_aws_calls_total`.
    #[must_use]
    pub fn full_name(&self) -> String {
        let mut name = if self.is_process() { String::new() } else { format!("{PREFIX}_") };
        name.push_str(self.name);
        let suffix = match self.kind {
            "counter" => "total",
            "info" => "info",
            _ => "",
        };
        for part in [self.unit, suffix].into_iter().filter(|part| !part.is_empty()) {
            name.push('_');
            name.push_str(part);
        }
        name
    }
}

/// The table of `docs/metrics.md`.
#[must_use]
pub fn table() -> String {
    let mut table = "| name | type | labels | what it tells |\n|---|---|---|---|\n".to_owned();
    for about in ALL {
        let (name, kind, labels, help) = (about.full_name(), about.kind, about.labels.join(", "), about.help);
        table.push_str(&format!("| `{name}` | {kind} | {labels} | {help} |\n"));
    }
    table
}
