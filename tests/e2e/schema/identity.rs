//! The rules of those fields of IrsaClass that say who a cluster was, and whom else it trusts.

use super::{Case, no, yes};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    let former = ["spec.takeOverFromIssuers", "spec.takeOverFromIssuers[0]", "spec.takeOverFromIssuers[1]"];
    let trusted = ["spec.trustedIssuers", "spec.trustedIssuers[0]", "spec.trustedIssuers[1]"];
    let mut cases = issuers("takeOverFromIssuers", 16, "must have at most 16 items", former);
    cases.extend(issuers("trustedIssuers", 8, "must have at most 8 items", trusted));
    cases.extend(principals());
    cases.extend(cluster_id());
    cases
}

fn cluster_id() -> Vec<Case> {
    let one = |id: &str| json!({"spec": {"handOverTo": id}});
    let (at, form) = ("spec.handOverTo", "write the --cluster-id of the other cluster");
    vec![
        yes("another cluster's id", one(&"g-0".repeat(8))),
        no("an empty id", one(""), at, "at least 1 chars long"),
        no("an id of 25 characters", one(&"g".repeat(25)), at, "may not be more than 24"),
        no("an id with upper case", one("Green"), at, form),
    ]
}

fn principals() -> Vec<Case> {
    let one = |arn: &str| json!({"spec": {"trustedPrincipals": [arn]}});
    let numbered = |count: usize| -> Value {
        let arn = |i: usize| format!("arn:aws:iam::111122223333:role/{}{i:02}", "r".repeat(200));
        json!({"spec": {"trustedPrincipals": (0..count).map(arn).collect::<Vec<_>>()}})
    };
    let at = "spec.trustedPrincipals[0]";
    let form = "write the ARN of a role, a user or an account, without *";
    vec![
        yes("a role", one("arn:aws-cn:iam::111122223333:role/a/b/ci")),
        yes("a user", one("arn:aws:iam::111122223333:user/somebody@example")),
        yes("an account", one("arn:$(partition):iam::$(account):root")),
        yes("a role by namespace", one("arn:$(partition):iam::$(account):role/ci/$(namespace)_x")),
        no("everybody", one("*"), at, form),
        no("any role", one("arn:aws:iam::111122223333:role/*"), at, form),
        no("any account", one("arn:aws:iam::*:root"), at, form),
        no("a session", one("arn:aws:sts::111122223333:assumed-role/a/b"), at, form),
        no("an account by its number", one("111122223333"), at, form),
        no("a role without a name", one("arn:aws:iam::111122223333:role/"), at, form),
        no("an unknown variable", one("arn:aws:iam::111122223333:role/$(x)"), at, "$( begins a variable"),
        yes("20 principals", numbered(20)),
        no("21 principals", numbered(21), "spec.trustedPrincipals", "must have at most 20 items"),
    ]
}

fn issuers(
    field: &'static str,
    most: usize,
    many: &'static str,
    [list, first, second]: [&'static str; 3],
) -> Vec<Case> {
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
        yes("as many issuers as may be", numbered(most)),
        no("one more", numbered(most + 1), list, many),
    ]
}
