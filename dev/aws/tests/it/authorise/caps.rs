//! Boundaries and session policies cap; and what the journal notes of each question.

use serde_json::{Value, json};

use super::*;

#[test]
fn boundaries_and_session_policies_cap() {
    let w = World::new();
    let all = || allow("*", "*");
    let deny = || json!([all(), {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}]);
    let under = |policy: Value, boundary: Option<Value>, session: Option<Value>| Under { policy, boundary, session };
    let cases = [
        (
            "Identity policy and boundary must both allow [boundaries]",
            under(all(), Some(allow("iam:Get*", "*")), None),
            "",
        ),
        (
            "A boundary that does not allow is an implicit deny [boundaries]",
            under(all(), Some(allow("s3:*", "*")), None),
            "because no permissions boundary allows the iam:GetRole action",
        ),
        (
            "An explicit deny in a boundary wins [boundaries]",
            under(all(), Some(deny()), None),
            "with an explicit deny in a permissions boundary",
        ),
        ("A boundary grants nothing by itself [boundaries]", under(Value::Null, Some(all()), None), IDENTITY),
        (
            "A session has what both policies allow [session policies]",
            under(all(), None, Some(allow("iam:GetRole", "*"))),
            "",
        ),
        (
            "A session has what both policies allow [session policies]",
            under(all(), None, Some(allow("s3:*", "*"))),
            "because no session policy allows the iam:GetRole action",
        ),
        (
            "A session policy cannot give more than the role has [session policies]",
            under(Value::Null, None, Some(all())),
            IDENTITY,
        ),
        (
            "An explicit deny in a session policy wins [session policies]",
            under(all(), None, Some(deny())),
            "with an explicit deny in a session policy",
        ),
        ("All three must allow [session policies]", under(all(), Some(all()), Some(all())), ""),
    ];
    for (rests_on, under, expected) in cases {
        w.case(rests_on, under, "GetRole", &MINE, expected);
    }
}

#[test]
fn every_question_is_noted() {
    let w = World::new();
    let keys = w.session(&policy(allow("iam:GetRole", &w.own("role/irsa/*"))));
    keys.iam("GetRole", &MINE).ok();
    keys.iam("GetRole", &[("RoleName", "gone")]).refused(403, "AccessDenied");
    let calls = w.account.calls("operation=GetRole&principal=*assumed-role/op/*");
    assert_eq!(calls[0]["authorised"][0]["action"], "iam:GetRole");
    assert_eq!(calls[0]["authorised"][0]["resource"], w.own("role/irsa/mine"));
    assert_eq!(calls[0]["authorised"][0]["allowed"], true);
    assert_eq!(calls[0]["authorised"][0]["context"]["aws:ResourceTag/irsa-operator.io/cluster"], json!(["blue"]));
    assert_eq!(calls[1]["authorised"][0]["why"], "because no identity-based policy allows");

    // What was noted can be asked again of other policies.
    let noted = &calls[0]["authorised"][0];
    let ask = |condition: Value| {
        let statement = when(allow("iam:*", "*"), condition);
        let policies = json!([{"Version": "2012-10-17", "Statement": [statement]}]);
        let asked = json!({"policies": policies, "action": noted["action"], "resource": noted["resource"], "context": noted["context"]});
        admin("POST", "evaluate", asked)["allowed"].clone()
    };
    assert_eq!(ask(json!({"StringEquals": {"aws:ResourceTag/irsa-operator.io/cluster": "blue"}})), true);
    assert_eq!(ask(json!({"StringEquals": {"aws:ResourceTag/irsa-operator.io/cluster": "green"}})), false);
}
