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
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/iam/operator-policy.json");
    let file = std::fs::read_to_string(path).unwrap();
    assert_eq!(file, print(FLAGS), "run: cargo run -q -- iam-policy {FLAGS} > config/iam/operator-policy.json");
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
    let policy: Value = serde_json::from_str(&print(FLAGS)).unwrap();
    let size = policy.to_string().chars().filter(|c| !c.is_whitespace()).count();
    assert!(size < 6144, "{size}");
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
