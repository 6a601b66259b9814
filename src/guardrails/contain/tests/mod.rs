//! What is refused and how it is said, by tables.

mod rules;
mod sent;

use super::*;
use crate::iam::vars::Vars;
use serde_json::json;

const OBJECTS: &str = "arn:$(partition):s3:::$(namespace)/*";

fn vars() -> Vars {
    Vars {
        namespace: "team-a".into(),
        name: "invoices".into(),
        service_account: "robot".into(),
        cluster_id: "prod".into(),
        account: "111122223333".into(),
        partition: "aws".into(),
        region: "eu-west-1".into(),
    }
}

fn expand(rules: &[(&[&str], &[&str])], deny: &[&str]) -> Result<Rules, RuleError> {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    let rules: Vec<_> = rules.iter().map(|(actions, resources)| (owned(actions), owned(resources))).collect();
    Rules::expand(rules.iter().map(|(actions, resources)| (&actions[..], &resources[..])), &owned(deny), &vars())
}

/// A class as teams know it.
fn team() -> Rules {
    expand(
        &[
            (&["s3:Get*", "s3:PutObject", "s3:AbortMultipartUpload"], &[OBJECTS]),
            (&["s3:ListBucket"], &["arn:aws:s3:::$(namespace)"]),
            (&["sqs:*", "sqs:SetQueueAttributes"], &["arn:$(partition):sqs:*:$(account):$(namespace)_*"]),
            (&["iam:PassRole"], &["arn:aws:iam::$(account):role/tasks/?"]),
        ],
        &["s3:GetObjectTorrent", "*:Purge*"],
    )
    .unwrap()
}

fn statement(action: Value, resource: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
}

fn said(value: &Value, rules: &Rules) -> Vec<String> {
    violations(&Document::lenient(value), rules).iter().map(ToString::to_string).collect()
}

fn passes(action: &str, resource: &str) -> bool {
    said(&statement(action.into(), resource.into()), &team()).is_empty()
}

#[test]
fn what_lies_inside() {
    let object = "arn:aws:s3:::team-a/x";
    for (action, resource, inside) in [
        ("s3:GetObject", object, true),
        ("S3:gEtObJeCt", object, true),
        ("s3:GetObject*", "arn:aws:s3:::team-a/*", false),
        ("s3:GetObject?cl", "arn:aws:s3:::team-a/*", true),
        ("s3:GetObjectA*", "arn:aws:s3:::team-a/*", true),
        ("s3:GetObject", "arn:aws:s3:::team-a/a/?/*", true),
        ("s3:GetObject", "arn:aws:s3:::team-a/${aws:PrincipalTag/team}/*", true),
        ("s3:GetObject", "arn:aws:s3:::team-a/${aws:PrincipalTag/team, 'x'}", true),
        ("s3:GetObject", "arn:aws:s3:::team-a/${*}${?}${$}", true),
        ("s3:GetObject", "arn:aws:s3:::team-a", false),
        ("s3:GetObject", "arn:aws:s3:::team-b/x", false),
        ("s3:GetObject", "arn:aws:s3:::team-?/x", false),
        ("s3:GetObject", "arn:aws:s3:::TEAM-A/x", false),
        ("s3:GetObject", "arn:aws:s3:::team-a*", false),
        ("s3:GetObject", "*", false),
        ("s3:ListBucket", "arn:aws:s3:::team-a", true),
        ("s3:ListBucket", object, false),
        ("s3:PutObject", object, true),
        ("s3:PutObject*", object, false),
        ("s3:*", object, false),
        ("*", object, false),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:team-a_x", true),
        ("sqs:SendMessage", "arn:aws:sqs:*:111122223333:team-a_*", true),
        ("sqs:SendMessage", "arn:aws:sqs:*:*:team-a_*", false),
        ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:444455556666:team-a_x", false),
        ("sqs:SetQueueAttributes", "arn:aws:sqs:eu-west-1:111122223333:team-a_x", true),
        ("SQS:setqueueattributes", "arn:aws:sqs:eu-west-1:111122223333:team-a_x", true),
        ("sqs:SetQueue*", "arn:aws:sqs:eu-west-1:111122223333:team-a_x", false),
        ("sqs:PurgeQueue", "arn:aws:sqs:eu-west-1:111122223333:team-a_x", false),
        ("sqs:Purg?Queue", "arn:aws:sqs:eu-west-1:111122223333:team-a_x", false),
        ("s3:GetObjectTorrent", object, false),
        ("s3:GetObjectT*", object, false),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/tasks/a", true),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/tasks/?", false),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/tasks/*", false),
        ("iam:PassRole", "arn:aws:iam::111122223333:role/tasks/${aws:x}", false),
        ("iam:PassRol?", "arn:aws:iam::111122223333:role/tasks/a", false),
        ("iam:GetRole", "arn:aws:iam::111122223333:role/tasks/a", false),
    ] {
        assert_eq!(passes(action, resource), inside, "{action} on {resource}");
    }
}

/// Where IAM may read a pattern in two ways, it has to lie inside by both.
#[test]
fn colons_are_crossed_only_where_nobody_doubts_it() {
    for (class, tenant, inside) in [
        ("arn:aws:s3:::*", "arn:aws:s3:::a:b", true),
        ("arn:aws:s3:::*", "arn:aws:s3:::*", true),
        ("arn:aws:s3:::*-logs/*", "arn:aws:s3:::*-logs/*", true),
        ("arn:aws:s3:::*-logs/*", "arn:aws:s3:::a-logs/?", true),
        ("arn:aws:logs:*:*:log-group:a*:*", "arn:aws:logs:*:1:log-group:a:x:y", true),
        ("arn:aws:logs:*:*:log-group:a*", "arn:aws:logs:*:1:log-group:a*:x", true),
        // What ends a segment reaches over its colon, what stands in it may not.
        ("arn:aws:s3:::a*b", "arn:aws:s3:::a:b", false),
        ("arn:aws:s3:::a*b", "arn:aws:s3:::a*:b", false),
        ("arn:aws:s3:::a*b", "arn:aws:s3:::a?b", true),
        ("arn:aws:s3:::a?b", "arn:aws:s3:::a:b", false),
        ("arn:aws:*:::x", "arn:aws:s3:r:a:::x", false),
        ("arn:aws:*:x:::y", "arn:aws:a:b:x:::y", false),
        // Each part by itself, as in conditions on ARNs.
        ("arn:aws:sqs:*:*:*", "arn:aws:sqs:*:*:a", true),
        ("arn:aws:sqs:*:1:q:*", "arn:aws:sqs:r:2:1:q:x", false),
        ("arn:*:sqs:*:1:q", "arn:aws:s3:r:1:sqs:r:1:q", false),
        ("*", "arn:aws:s3:::${aws:x}", true),
    ] {
        let rules = expand(&[(&["s3:*"], &[class])], &[]).unwrap();
        let said = said(&statement("s3:GetObject".into(), tenant.into()), &rules);
        assert_eq!(said.is_empty(), inside, "{class} covers {tenant}: {said:?}");
    }
}

#[test]
fn a_pair_lies_inside_one_rule_and_not_between_two() {
    let value =
        statement(json!(["s3:GetObject", "s3:ListBucket"]), json!(["arn:aws:s3:::team-a", "arn:aws:s3:::team-a/*"]));
    assert_eq!(
        said(&value, &team()),
        [
            "Statement[0].Resource[0]: \"arn:aws:s3:::team-a\" is outside of what the class allows s3:GetObject on, which \
             is arn:aws:s3:::team-a/*",
            "Statement[0].Resource[1]: \"arn:aws:s3:::team-a/*\" is outside of what the class allows s3:ListBucket on, \
             which is arn:aws:s3:::team-a",
        ]
    );
    let value = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::team-a/*"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::team-a"},
        {"Effect": "Deny", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::é"},
        {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
    ]});
    assert_eq!(said(&value, &team()), [""; 0]);
}

#[test]
fn refusals_help() {
    let object = "arn:aws:s3:::team-a/x";
    for (action, resource, expected) in [
        (
            "dynamodb:GetItem",
            object,
            "Statement[0].Action: dynamodb:GetItem is in no rule of the class; they allow s3:Get*, s3:PutObject, \
             s3:AbortMultipartUpload, s3:ListBucket, sqs:*, sqs:SetQueueAttributes and 1 more",
        ),
        (
            "s3:*",
            object,
            "Statement[0].Action: s3:* can be s3:GetObjectTorrent, which the class denies; name the actions that you need \
             instead",
        ),
        (
            "s3:Put*",
            object,
            "Statement[0].Action: s3:Put* can be s3:PutBucketPolicy, which says who else may use the resource; name the \
             actions that you need instead",
        ),
        (
            "kms:CreateGrant",
            object,
            "Statement[0].Action: kms:CreateGrant gives the use of a key to others; so a rule of the class has to name it \
             without a wildcard, and none does",
        ),
        (
            "sqs:Se*",
            object,
            "Statement[0].Action: sqs:Se* can be sqs:SetQueueAttributes, which sets a queue's policy, too; name the actions \
             that you need instead",
        ),
        (
            "s3:GetObjectTorrent",
            object,
            "Statement[0].Action: s3:GetObjectTorrent is denied by the class; leave it out",
        ),
        (
            "sqs:PurgeQueue",
            object,
            "Statement[0].Action: sqs:PurgeQueue is denied by the class, as *:Purge* is; leave it out",
        ),
        (
            "\u{212a}ms:Decrypt",
            object,
            "Statement[0].Action: \"\u{212a}ms:Decrypt\" holds '\u{212a}' (U+212A), and no action does; write it in ASCII",
        ),
        (
            "s3:GetObject",
            "arn:aws:s3:::team-a/é",
            "Statement[0].Resource: \"arn:aws:s3:::team-a/é\" holds 'é' (U+00E9), and only ASCII can be compared with certainty; \
             write * in its place",
        ),
        (
            "s3:GetObject",
            "arn:aws:s3",
            "Statement[0].Resource: \"arn:aws:s3\" has not all six parts of an ARN, and IAM puts * for each that is \
             missing; write arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE",
        ),
        (
            "s3:GetObject",
            "arn:aws:s3:::team-a/${aws:x",
            "Statement[0].Resource: \"arn:aws:s3:::team-a/${aws:x\" holds a $ that begins no policy variable as IAM \
             documents them; write ${aws:KEY}, or ${$} for the character itself",
        ),
        (
            "s3:GetObject",
            "arn:aws:s3:::${aws:PrincipalTag/team}/*",
            "Statement[0].Resource: \"arn:aws:s3:::${aws:PrincipalTag/team}/*\" is outside of what the class allows \
             s3:GetObject on, which is arn:aws:s3:::team-a/*. A policy variable can turn out as anything, so nothing but a \
             * of the class covers it",
        ),
    ] {
        assert_eq!(said(&statement(action.into(), resource.into()), &team()), [expected]);
    }
    let none = statement("s3:GetObject".into(), object.into());
    assert_eq!(
        said(&none, &Rules::default()),
        [
            "Statement[0].Action: s3:GetObject is in no rule of the class, which has none for inline policies; use managed ones"
        ]
    );
}

#[test]
fn what_is_not_an_action_and_a_resource_is_refused() {
    let rules = expand(&[(&["*"], &["*"])], &[]).unwrap();
    let plain = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    let document = |statement: &Value| json!({"Version": "2012-10-17", "Statement": [statement]});
    assert_eq!(said(&document(&plain), &rules), [""; 0]);
    for (element, value, at) in [
        (
            "NotAction",
            json!("s3:GetObject"),
            "Statement[0].NotAction: allows all but what it lists, AWS's next actions",
        ),
        ("NotResource", json!("*"), "Statement[0].NotResource: allows all but what it lists; write Resource"),
        ("Principal", json!("*"), "Statement[0].Principal: is nothing that a statement"),
        ("NotPrincipal", json!("*"), "Statement[0].NotPrincipal: is nothing that a statement"),
        ("action", json!("*"), "Statement[0].action: is nothing that a statement"),
        ("Effect", json!("deny"), "Statement[0].Effect: is neither \"Allow\" nor \"Deny\""),
        ("Effect", json!(["Deny"]), "Statement[0].Effect: is neither \"Allow\" nor \"Deny\""),
        ("Action", json!([]), "Statement[0]: allows something, and so needs Action and Resource"),
        ("Resource", json!([]), "Statement[0]: allows something, and so needs Action and Resource"),
        ("Action", json!([["s3:GetObject"]]), "Statement[0].Action[0]: \"\" is no action;"),
        ("Resource", json!({"a": "*"}), "Statement[0].Resource: \"\" has not all six parts"),
    ] {
        let mut changed = plain.clone();
        changed[element] = value;
        let said = said(&document(&changed), &rules);
        assert!(said.len() == 1 && said[0].starts_with(at), "{changed}: {said:?}");
    }
    for strange in [json!([]), json!("x"), json!({"Statement": "x"}), json!({"Statement": [[plain]]}), json!([plain])] {
        assert_eq!(said(&strange, &rules).len(), 1, "{strange}");
    }
    // What takes long to compare is compared with nothing, white space too, which IAM does not count.
    let long = format!("arn:aws:s3:::team-a/{}", " ".repeat(100_000));
    let expected = "has 100020 characters, and no ARN has more than 2048; shorten it";
    let told = said(&statement("s3:GetObject".into(), long.into()), &rules);
    assert!(told.len() == 1 && told[0].ends_with(expected) && told[0].len() < 250, "{told:?}");
    let told = said(&statement(format!("s3:{}", "a".repeat(300)).into(), "*".into()), &rules);
    assert!(told.len() == 1 && told[0].contains("is no action"), "{told:?}");
    // Ten are enough to begin with.
    let many: Vec<String> = (0..50).map(|n| format!("iam:Get{n}")).collect();
    assert_eq!(said(&statement(json!(many), "*".into()), &rules).len(), 10);
}
