use super::*;
use crate::guardrails::contain::{Rules, violations};
use crate::iam::document::Document;
use crate::iam::vars::Vars;
use serde_json::json;

const DOC: &str = include_str!("../../../docs/sensitive-actions.md");

/// Whether a class that allows everything allows this.
fn passes(action: &str) -> bool {
    let text = |text: &str| text.to_owned();
    let vars = Vars {
        namespace: text("n"),
        name: text("b"),
        service_account: text("s"),
        cluster_id: text("c"),
        account: text("1"),
        partition: text("aws"),
        region: text("r"),
    };
    let all = [text("*")];
    let rules = Rules::expand([(&all[..], &all[..])], &[], &vars).unwrap();
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
    violations(&Document::lenient(&json!({"Version": "2012-10-17", "Statement": statement})), &rules).is_empty()
}

#[test]
fn each_row_is_an_action_and_reads_as_a_sentence() {
    for (index, row) in SENSITIVE.iter().enumerate() {
        assert!(!passes(row.action), "{}", row.action);
        assert!(row.action.contains(':') && !row.source.is_empty(), "{}", row.action);
        assert!(!row.why.ends_with('.') && row.why.contains(' '), "{} {}", row.action, row.why);
        assert!(SENSITIVE[..index].iter().all(|other| other.action != row.action), "{} is there twice", row.action);
    }
}

#[test]
fn reading_stays_free() {
    let whole: Vec<&str> = SENSITIVE.iter().filter_map(|row| row.action.strip_suffix(":*")).collect();
    let mut services: Vec<&str> =
        SENSITIVE.iter().filter_map(|row| row.action.split_once(':')).map(|(s, _)| s).collect();
    services.extend(["logs", "cloudwatch", "kinesis", "athena", "ssmmessages"]);
    for service in services.into_iter().filter(|service| !["*", "sts"].contains(service) && !whole.contains(service)) {
        for verb in ["Get*", "List*", "Describe*", "BatchGet*", "Query*", "Delete*", "Receive*", "Publish"] {
            // Where a credential is got, `Get*` gets it.
            let gives = verb == "Get*" && SENSITIVE.iter().any(|r| r.action.starts_with(&format!("{service}:Get")));
            assert_eq!(passes(&format!("{service}:{verb}")), !gives, "{service}:{verb}");
        }
    }
    assert!(passes("s3:Get*") && passes("redshift:GetReservedNodeExchangeOfferings") && !passes("redshift:Get*"));
    assert!(passes("s3:PutObject") && passes("kms:Decrypt") && passes("lambda:InvokeFunction"));
    assert!(passes("sts:GetCallerIdentity") && passes("kms:GenerateDataKey*") && passes("dynamodb:*Item"));
}

#[test]
fn what_is_grave_is_known() {
    for action in [
        "*",
        "*:*",
        "i*:PassRole",
        "IAM:passrole",
        "iam:Get*",
        "?am:PassRole",
        "s3:*",
        "s3:PutBucketPolic?",
        "secretsmanager:*",
        "dynamodb:*",
        "sts:*",
        "sts:AssumeRoleWith*",
        "newservice:PutThingPolicy",
        "newservice:P*",
        "ecr:*",
        "eks:*",
        "ssm:S*",
        "lambda:*",
        "*:AddPermission",
    ] {
        assert!(!passes(action), "{action}");
    }
}

#[test]
fn the_documentation_has_the_same_table() {
    let rows: Vec<&str> = DOC.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> =
        SENSITIVE.iter().map(|row| format!("| `{}` | {} | {} |", row.action, row.why, row.source)).collect();
    assert_eq!(rows, expected);
}
