//! Inline policies by which a tenant would get more than its class allows. Each is tried twice: what it would give is AWS's
//! word, that is the emulator's; and a tenant makes a binding of it, after which the judge says what its tokens can do.

mod table;

use crate::harness::documents::inline;
use crate::harness::{Env, Probe, Space, condition, message, reason};
use serde_json::{Value, json};
use table::{ATTACKS, Attack};

/// How many of them ask for more than the class allows.
pub fn count() -> usize {
    ATTACKS.iter().filter(|attack| attack.refused.is_some()).count()
}

/// What the class allows.
fn allowed() -> Value {
    json!({
        "namespaces": {"names": ["team-a"]},
        "serviceAccounts": {"names": ["*"]},
        "maxBindingsPerNamespace": 200,
        "inlinePolicies": {
            "rules": [
                {"actions": ["s3:*", "kms:Decrypt"], "resources": ["arn:aws:s3:::$(namespace)/*"]},
                {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::$(namespace)"]},
                {"actions": ["sqs:*"], "resources": ["arn:aws:sqs:*:111122223333:$(namespace)_?"]},
            ],
            "deny": ["s3:DeleteObject"],
        },
    })
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

/// A document as a tenant sends it: of two keys the last, as the API server reads it too, and no key is special.
fn sent(attack: &Attack) -> Value {
    const SPECIAL: &str = "$serde_json::private::RawValue";
    fn special(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                members.into_iter().map(|(k, v)| (k.replace("SPECIAL", SPECIAL), special(v))).collect()
            }
            Value::Array(list) => list.into_iter().map(special).collect(),
            other => other,
        }
    }
    let text = attack.statements.replace(SPECIAL, "SPECIAL");
    special(serde_json::from_str(&format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#)).unwrap())
}

/// What AWS would give for it that is outside of the class.
async fn outside(env: &Env, attack: &Attack) -> Vec<String> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, attack.statements.replace("$(name)", "app"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut found = Vec::new();
    for (action, resource, inside) in PROBES {
        let context = json!({"aws:PrincipalTag/bucket": ["other"], "aws:SecureTransport": ["true"]});
        let body = json!({"policies": [document], "action": action, "resource": resource, "context": context});
        let answer = env.emulator.ask("POST", "/_admin/evaluate".to_owned(), Some(body)).await;
        if answer["allowed"] == true && !inside {
            found.push(format!("{action} on {resource}"));
        }
    }
    found
}

/// An attack that would not give anything proves nothing, and what passes must give nothing.
#[tokio::test]
async fn each_attack_is_one() {
    let (env, _) = Env::shared();
    for attack in ATTACKS {
        let outside = outside(&env, attack).await;
        assert_eq!(!outside.is_empty(), attack.gains, "{}: {outside:?}", attack.name);
        assert!(!attack.gains || attack.refused.is_some(), "{}", attack.name);
    }
}

#[tokio::test]
async fn no_document_gives_more_than_the_class() {
    let space = Space::new("team-a").await;
    space.make_class("attacked", json!({"allow": allowed()})).await;
    let names: Vec<String> = (0..ATTACKS.len()).map(|number| format!("a{number}")).collect();
    for (name, attack) in names.iter().zip(ATTACKS) {
        space.make_account(name).await;
        let policies = json!({"inline": [inline("p", sent(attack))]});
        let spec = json!({"className": "attacked", "serviceAccount": {"name": name}, "policies": policies});
        space.make_binding(name, spec).await;
    }
    let probes: Vec<Probe> = PROBES.iter().map(|(a, r, _)| ((*a).to_owned(), (*r).to_owned())).collect();
    let inside = |probe: &Probe| PROBES.iter().any(|(a, r, inside)| *inside && *a == probe.0 && *r == probe.1);
    let mut wrong = Vec::new();
    for (name, attack) in names.iter().zip(ATTACKS) {
        let decided = |b: &Value| ["Ready", "Forbidden", "Invalid"].contains(&reason(b, "Ready"));
        let binding = space.until(name, "is decided", decided).await;
        let (why, said) = (reason(&binding, "Ready"), message(&binding, "Stalled"));
        let role = space.role(name).await;
        let can = space.can(&[name], &probes).await;
        let fits = match attack.refused {
            Some(part) => why != "Ready" && said.contains(part) && role.is_null() && can.is_empty(),
            None => why == "Ready" && can.iter().all(inside),
        };
        if !fits {
            let told = condition(&binding, "Ready");
            wrong.push(format!("{}: {told} {said}; the role is {role}, its tokens can {can:?}", attack.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Some of it is of use to its owner, or the class would be safe because it allows nothing.
    let meant = space.can(&["a0"], &probes).await;
    assert!(meant.contains(&("s3:GetObject".to_owned(), "arn:aws:s3:::team-a/x".to_owned())), "{meant:?}");
}
