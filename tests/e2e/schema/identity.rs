//! The rules of those fields of IrsaClass that say who a cluster was, and whom else it trusts.

use super::{Case, no, yes};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    issuers(
        "takeOverFromIssuers",
        ["spec.takeOverFromIssuers", "spec.takeOverFromIssuers[0]", "spec.takeOverFromIssuers[1]"],
    )
}

fn issuers(field: &'static str, [list, first, second]: [&'static str; 3]) -> Vec<Case> {
    let issuers = |issuers: &[&str]| json!({"spec": {field: issuers}});
    let numbered = |count: usize| -> Value {
        json!({"spec": {field: (0..count).map(|i| format!("oidc.example/id/{i}")).collect::<Vec<_>>()}})
    };
    let form = "write an issuer without https:// and without a slash at its end";
    let long = |length: usize| format!("oidc.example/{}", "i".repeat(length - 13));
    vec![
        yes(
            "issuers of EKS and others",
            issuers(&["oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF", "a.example", "b.example/x/~y"]),
        ),
        no("an issuer with its scheme", issuers(&["https://oidc.example/id/A"]), first, form),
        no("an issuer with a slash at its end", issuers(&["oidc.example/id/A/"]), first, form),
        no("an issuer with a port", issuers(&["oidc.example:8443/id/A"]), first, form),
        no("an issuer with a *", issuers(&["oidc.example/id/*"]), first, form),
        yes("a long issuer", issuers(&[&long(247)])),
        no("one longer than IAM takes", issuers(&[&long(248)]), first, "may not be more than 247"),
        no("one issuer twice", issuers(&["a.example", "a.example"]), second, "Duplicate value"),
        yes("16 issuers", numbered(16)),
        no("17 issuers", numbered(17), list, "must have at most 16 items"),
    ]
}
