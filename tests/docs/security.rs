//! The page of the security model leaves out no statement of the operator's IAM policy and no rule of its RBAC.

use crate::files::{read, root};

#[test]
fn every_statement_and_every_rule_is_explained() {
    let page = read(&root().join("docs/security.md"));
    let named = |what: &str| assert!(page.contains(&format!("`{what}")), "docs/security.md says nothing of {what}");
    let mut statements = 0;
    for file in ["src/iam/permissions.rs", "src/iam/permissions/adoption.rs"] {
        let code = read(&root().join(file));
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for start in ["statement(\"", "\"Sid\": \""] {
            for rest in code.split(start).skip(1) {
                named(rest.split('"').next().unwrap_or_default());
                statements += 1;
            }
        }
    }
    assert!(statements > 15, "only {statements} statements found");
    let rules = read(&root().join("config/rbac/role.yaml")) + &read(&root().join("config/rbac/lease.yaml"));
    let lists = rules.lines().filter_map(|line| {
        let (key, list) = line.trim_start_matches([' ', '-']).split_once(": [")?;
        ["resources", "nonResourceURLs"].contains(&key).then(|| list.split(']').next().unwrap_or_default().to_owned())
    });
    let all: Vec<String> = lists.flat_map(|list| list.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    assert!(all.len() > 8, "only {} resources found", all.len());
    all.iter().filter(|name| !name.ends_with("/status")).for_each(|name| named(name));
}
