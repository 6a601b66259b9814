//! The operator's own IAM policy: the file in `config/iam` is what the command prints, and it fits into AWS.

use serde_json::Value;
use std::path::Path;
use std::process::Command;

const FLAGS: &str = "--cluster-id example --account 111122223333 --boundary arn:aws:iam::111122223333:policy/irsa-boundary \
                     --issuer https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE --eks-cluster eu-west-1/example";

fn print(flags: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_irsa-operator"));
    let output = command.arg("iam-policy").args(flags.split_whitespace()).env_clear().output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_example_is_what_the_command_prints() {
    for (name, more) in [("operator-policy.json", ""), ("operator-policy-adoption.json", " --adoption")] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/iam").join(name);
        let file = std::fs::read_to_string(path).unwrap();
        let flags = format!("{FLAGS}{more}");
        assert_eq!(file, print(&flags), "run: cargo run -q -- iam-policy {flags} > config/iam/{name}");
    }
}

/// The statements for roles of others have tags for a fence in the place of the path, and come by the flag alone.
#[test]
fn roles_of_others_are_fenced_by_their_tags() {
    let statements = |flags: &str| {
        let policy: Value = serde_json::from_str(&print(flags)).unwrap();
        policy["Statement"].as_array().unwrap().clone()
    };
    for flags in [FLAGS, "--cluster-id example --account 111122223333"] {
        let without = statements(flags);
        let with = statements(&format!("{flags} --adoption"));
        let more: Vec<&Value> = with.iter().filter(|statement| !without.contains(statement)).collect();
        assert_eq!((more.len(), with.len()), (5, without.len() + 5));
        for statement in more {
            assert_eq!(statement["Resource"], serde_json::json!(["arn:aws:iam::111122223333:role/*"]), "{statement}");
            let condition = &statement["Condition"];
            let offered = condition["StringLike"]["aws:ResourceTag/irsa-operator.io/adoptable-by"] == "example/*";
            let ours = condition["StringEquals"]["aws:ResourceTag/irsa-operator.io/cluster"] == "example"
                && condition["Null"]["aws:ResourceTag/irsa-operator.io/adopted"] == "false";
            assert!(offered != ours, "{statement}");
            let actions = statement["Action"].to_string();
            assert!(
                !actions.contains("CreateRole") && !actions.contains("DeleteRolePermissionsBoundary"),
                "{statement}"
            );
            let grants = actions.contains("AttachRolePolicy") || actions.contains("PutRole");
            let bounded = !condition["ArnLike"]["iam:PermissionsBoundary"].is_null();
            assert_eq!(bounded, grants && flags.contains("--boundary"), "{statement}");
        }
    }
}

#[test]
fn providers_of_several_issuers_may_be_named() {
    let flags =
        "--cluster-id example --account 111122223333 --issuer https://a.example,b.example/id --issuer c.example";
    let policy: Value = serde_json::from_str(&print(flags)).unwrap();
    let statement = policy["Statement"].as_array().unwrap().iter().find(|s| s["Sid"] == "KeepTheProvider").unwrap();
    let arn = |issuer: &str| format!("arn:aws:iam::111122223333:oidc-provider/{issuer}");
    assert_eq!(statement["Resource"], serde_json::json!(["a.example", "b.example/id", "c.example"].map(arn)));
}

/// IAM counts 6,144 characters at most, white space left out (IAM quotas, "Managed policy size").
#[test]
fn it_fits_into_a_managed_policy() {
    for more in ["", " --adoption"] {
        let policy: Value = serde_json::from_str(&print(&format!("{FLAGS}{more}"))).unwrap();
        let size = policy.to_string().chars().filter(|c| !c.is_whitespace()).count();
        assert!(size < 6144, "{size}");
    }
}

#[test]
fn every_statement_has_its_fence() {
    for flags in [FLAGS, "--cluster-id example --account 111122223333"] {
        let policy: Value = serde_json::from_str(&print(flags)).unwrap();
        let bounded = flags.contains("--boundary");
        for statement in policy["Statement"].as_array().unwrap() {
            let actions = statement["Action"].to_string();
            let condition = statement["Condition"].to_string();
            let on_roles = statement["Resource"].to_string().contains(":role/irsa/*");
            assert!(!actions.contains('*'), "{statement}");
            assert_eq!(on_roles, condition.contains("irsa-operator.io/cluster"), "{statement}");
            assert!(on_roles || !actions.contains("Role\"") || !actions.contains("Create"), "{statement}");
            for grant in ["CreateRole", "AttachRolePolicy", "PutRolePolicy"] {
                let grants = actions.contains(&format!("iam:{grant}\""));
                assert!(!grants || bounded == condition.contains("iam:PermissionsBoundary"), "{statement}");
            }
        }
        assert_eq!(policy.to_string().contains("PutRolePermissionsBoundary"), bounded);
        assert!(!policy.to_string().contains("DeleteRolePermissionsBoundary"));
    }
}
