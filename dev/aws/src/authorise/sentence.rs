//! AWS's sentence for a denial: who, which action, on what, and which layer said so.
//! Source: IAM user guide, "Troubleshoot access denied error messages".

use super::decide::Decision;

/// The part that names the layer; empty for what is allowed.
pub fn layer(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "",
        Decision::DeniedByIdentity => "with an explicit deny in an identity-based policy",
        Decision::DeniedByBoundary => "with an explicit deny in a permissions boundary",
        Decision::DeniedBySession => "with an explicit deny in a session policy",
        Decision::NoIdentity => "because no identity-based policy allows",
        Decision::NoBoundary => "because no permissions boundary allows",
        Decision::NoSession => "because no session policy allows",
    }
}

pub fn of(who: &str, action: &str, resource: &str, decision: Decision) -> String {
    let end = match decision {
        Decision::NoIdentity | Decision::NoBoundary | Decision::NoSession => format!(" the {action} action"),
        _ => String::new(),
    };
    format!("User: {who} is not authorized to perform: {action} on resource: {resource} {}{end}", layer(decision))
}
