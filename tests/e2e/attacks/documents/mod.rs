//! Inline policies by which a tenant would get more than its class allows. What they would give is AWS's word, that is the
//! emulator's: each of them gives something outside if it is not refused, and what passes gives nothing outside.

mod table;

use crate::harness::Env;
use irsa_operator::guardrails::contain::{Rules, violations};
use irsa_operator::iam::document::Document;
use irsa_operator::iam::vars::Vars;
use serde_json::{Value, json};
use table::{ATTACKS, Attack};

/// The class, for namespace `team-a`.
fn class() -> Rules {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let rules = [
        (texts(&["s3:*", "kms:Decrypt"]), texts(&["arn:aws:s3:::$(namespace)/*"])),
        (texts(&["s3:ListBucket"]), texts(&["arn:aws:s3:::$(namespace)"])),
        (texts(&["sqs:*"]), texts(&["arn:aws:sqs:*:111122223333:$(namespace)_?"])),
    ];
    let rules = rules.iter().map(|(actions, resources)| (&actions[..], &resources[..]));
    Rules::expand(rules, &texts(&["s3:DeleteObject"]), &vars()).unwrap()
}

fn vars() -> Vars {
    let text = |text: &str| text.to_owned();
    Vars {
        namespace: text("team-a"),
        name: text("app"),
        service_account: text("app"),
        cluster_id: text("e2e"),
        account: text("111122223333"),
        partition: text("aws"),
        region: text("us-east-1"),
    }
}

/// What is asked of AWS, and whether the class means to allow it: by hand, and not by the code that is on trial.
const PROBES: &[(&str, &str, bool)] = &[
    ("s3:GetObject", "arn:aws:s3:::team-a/x", true),
    ("s3:PutObject", "arn:aws:s3:::team-a/a/b", true),
    ("s3:ListBucket", "arn:aws:s3:::team-a", true),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:team-a_q", true),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:team-a_queue", false),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:444455556666:team-a_q", false),
    ("sqs:SetQueueAttributes", "arn:aws:sqs:us-east-1:111122223333:team-a_q", false),
    ("s3:DeleteObject", "arn:aws:s3:::team-a/x", false),
    ("s3:GetObject", "arn:aws:s3:::team-a-b/x", false),
    ("s3:GetObject", "arn:aws:s3:::team-b/x", false),
    ("s3:GetObject", "arn:aws:s3:::app/x", false),
    ("s3:GetObject", "arn:aws:s3:::other/x", false),
    ("s3:ListBucket", "arn:aws:s3:::team-a-b", false),
    ("s3:PutBucketPolicy", "arn:aws:s3:::team-a", false),
    ("s3:PutObjectAcl", "arn:aws:s3:::team-a/x", false),
    ("kms:CreateGrant", "arn:aws:s3:::team-a/x", false),
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/x", false),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/admin", false),
    ("iam:PassRole", "arn:aws:s3:::team-a/x", false),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/admin", false),
];

/// As the operator takes it on: read, variables filled in, checked; then judged by the class.
fn judged(attack: &Attack) -> Result<Document, String> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, attack.statements);
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let value = vars().expand_value(&value).map_err(|error| error.to_string())?;
    let document = Document::identity(&value).map_err(|error| error.to_string())?;
    let said: Vec<String> = violations(&document, &class()).iter().map(ToString::to_string).collect();
    if said.is_empty() { Ok(document) } else { Err(said.join("; ")) }
}

#[tokio::test]
async fn no_document_gives_more_than_the_class() {
    let (env, _) = Env::shared();
    let mut wrong = Vec::new();
    for attack in ATTACKS {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, attack.statements);
        // What AWS would make of it: of two keys the last, as every parser does here.
        let tried: Value = serde_json::from_str(&text.replace("$(name)", "app")).unwrap();
        let mut outside = Vec::new();
        for (action, resource, inside) in PROBES {
            let context = json!({"aws:PrincipalTag/bucket": ["other"], "aws:SecureTransport": ["true"]});
            let body = json!({"policies": [tried], "action": action, "resource": resource, "context": context});
            let answer = env.emulator.ask("POST", "/_admin/evaluate".to_owned(), Some(body)).await;
            if answer["allowed"] == true && !inside {
                outside.push(format!("{action} on {resource}"));
            }
        }
        let said = match (judged(attack), attack.refused) {
            (Ok(_), None) if outside.is_empty() => None,
            (Ok(_), None) => Some("passes, and gives something outside".to_owned()),
            (Err(error), Some(part)) if error.contains(part) => {
                (outside.is_empty() == attack.gains).then(|| format!("gains is {}", attack.gains))
            }
            (other, _) => Some(format!("{other:?}")),
        };
        wrong.extend(said.map(|said| format!("{}: {said}; outside of the class: {outside:?}", attack.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
