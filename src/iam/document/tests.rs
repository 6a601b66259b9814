//! What is told apart and what is not, what is refused and how, by tables.

use super::*;
use serde_json::json;

/// A policy of one statement, some of whose elements are replaced; `null` removes one.
fn policy(changes: Value) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
    for (element, value) in changes.as_object().unwrap() {
        statement[element] = value.clone();
    }
    statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn fault(value: &Value) -> String {
    Document::identity(value).unwrap_err().to_string()
}

#[test]
fn the_same_in_other_words() {
    let plain = policy(json!({}));
    let statement = &plain["Statement"][0];
    let same = |a: Value, b: Value| assert_eq!(Document::lenient(&a), Document::lenient(&b), "{a} and {b}");
    same(plain.clone(), json!([plain]));
    same(plain.clone(), json!([[plain]]));
    same(json!([]), json!({}));
    same(plain.clone(), json!({"Version": "2012-10-17", "Statement": statement}));
    same(plain.clone(), policy(json!({"Action": ["s3:getobject"], "Resource": ["arn:aws:s3:::b/*"]})));
    same(plain.clone(), policy(json!({"Action": ["S3:GetObject", "s3:GetObject"], "Sid": "", "Condition": {}})));
    same(plain.clone(), policy(json!({"Condition": {"StringEquals": {}}, "Principal": {"AWS": []}})));
    same(policy(json!({"Action": ["a:B", "a:C"]})), policy(json!({"Action": ["a:C", "a:B"]})));
    same(policy(json!({"Principal": "*"})), policy(json!({"Principal": {"AWS": ["*"]}})));
    same(
        policy(json!({"Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:role/x"]}})),
        policy(json!({"Principal": {"AWS": ["arn:aws:iam::111122223333:role/x", "arn:aws:iam::111122223333:root"]}})),
    );
    same(
        policy(json!({"Condition": {"Bool": {"aws:SecureTransport": true}, "NumericLessThan": {"s3:max-keys": 5}}})),
        policy(
            json!({"Condition": {"numericlessthan": {"S3:Max-Keys": ["5"]}, "Bool": {"aws:securetransport": "true"}}}),
        ),
    );
    same(json!({"Statement": statement}), json!({"Version": "2008-10-17", "Statement": statement}));
    same(
        json!({"Version": "2012-10-17", "Statement": [statement, {"Effect": "Deny"}]}),
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny"}, statement]}),
    );
}

#[test]
fn another_meaning() {
    let plain = policy(json!({}));
    let statement = &plain["Statement"][0];
    let role = |name: &str| policy(json!({"Principal": {"AWS": name}}));
    let condition = |value: Value| policy(json!({"Condition": value}));
    for (a, b) in [
        (plain.clone(), json!({})),
        (plain.clone(), json!({"Statement": statement})),
        (plain.clone(), json!({"Version": "2012-10-17", "Statement": [statement, statement]})),
        (plain.clone(), json!({"Version": "2012-10-17", "Id": "x", "Statement": statement})),
        (plain.clone(), policy(json!({"Sid": "x"}))),
        (plain.clone(), policy(json!({"Effect": "Deny"}))),
        (plain.clone(), policy(json!({"Action": "s3:GetObject*"}))),
        (plain.clone(), policy(json!({"Action": null, "NotAction": "s3:GetObject"}))),
        (plain.clone(), policy(json!({"Resource": "arn:aws:s3:::B/*"}))),
        (plain.clone(), policy(json!({"Action": []}))),
        (plain.clone(), condition(json!({"Null": {"aws:x": true}}))),
        (policy(json!({"Sid": "x"})), policy(json!({"Sid": "X"}))),
        (policy(json!({"Principal": "*"})), policy(json!({"Principal": {"Federated": "*"}}))),
        (role("arn:aws:iam::111122223333:role/x"), role("AROAEXAMPLE")),
        (role("111122223333"), role("arn:aws:iam::111122223333:user/root")),
        (role("111122223333"), policy(json!({"Principal": {"Federated": "111122223333"}}))),
        (condition(json!({"StringEquals": {"a:b": "X"}})), condition(json!({"StringEquals": {"a:b": "x"}}))),
        (condition(json!({"StringEquals": {"a:b": "x"}})), condition(json!({"StringLike": {"a:b": "x"}}))),
        (condition(json!({"StringEquals": {"a:b": []}})), condition(json!({"StringEquals": {}}))),
        (condition(json!({"StringEquals": {"a:b": null}})), condition(json!({"StringEquals": {"a:b": "null"}}))),
        // Two conditions are not one condition with two values.
        (
            condition(json!({"StringEquals": {"a:b": "x"}, "stringequals": {"a:b": "y"}})),
            condition(json!({"StringEquals": {"a:b": ["x", "y"]}})),
        ),
        (
            condition(json!({"StringEquals": {"a:b": "x", "A:B": "y"}})),
            condition(json!({"StringEquals": {"a:b": ["x", "y"]}})),
        ),
        // Nor does one hide the other.
        (
            condition(json!({"StringEquals": {"a:b": "x", "A:B": "y"}})),
            condition(json!({"StringEquals": {"a:b": "x"}})),
        ),
        (
            condition(json!({"StringEquals": {"a:b": "x", "A:B": "y"}})),
            condition(json!({"StringEquals": {"a:b": "y"}})),
        ),
    ] {
        assert_ne!(Document::lenient(&a), Document::lenient(&b), "{a} and {b}");
    }
}

#[test]
fn what_aws_returns_is_read() {
    let plain = Document::lenient(&policy(json!({"Sid": "a"})));
    let text = plain.to_json();
    let encoded = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
    for text in [&text, &encoded, &format!(" \n{text} \n"), &format!("%20%0A{encoded}"), &encoded.replace("%7B", "%7b")]
    {
        assert_eq!(Document::stored(text).as_ref(), Ok(&plain), "{text}");
    }
    let plus = |text: &str| Document::stored(text).unwrap().to_json();
    assert_eq!(plus("%7B%22Id%22%3A%22a+b%2Bc%22%7D"), r#"{"Id":"a+b+c"}"#);
    assert_eq!(plus(r#"{"Id":"100%25 %7B"}"#), r#"{"Id":"100%25 %7B"}"#);
    assert_eq!(plus("%7B%22Id%22%3A%22%C3%A9%22%7D"), r#"{"Id":"é"}"#);
    for bad in ["", "{", "nonsense", "%7B", "%FF%FE", "{} {}"] {
        let error = Document::stored(bad).unwrap_err();
        assert!(error.path.is_empty() && error.message.starts_with("is no JSON ("), "{bad}: {error}");
    }
    for strange in
        ["[1,2]", "7", "null", "%22x%22", r#"{"Statement":7}"#, r#"{"Statement":[7,{"Effect":[],"Action":{}}]}"#]
    {
        assert_ne!(Document::stored(strange).as_ref(), Ok(&plain), "{strange}");
    }
}

#[test]
fn what_is_sent_is_compact_and_in_the_usual_order() {
    let value = json!({
        "Statement": [{"Resource": "*", "Condition": {"Bool": {"b:x": true, "a:x": 5}}, "Action": ["s3:Get*", "a:B"], "Effect": "Allow", "Sid": "One"}],
        "Version": "2012-10-17",
    });
    assert_eq!(
        Document::identity(&value).unwrap().to_json(),
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"Allow","Action":["s3:Get*","a:B"],"Resource":"*","Condition":{"Bool":{"a:x":5,"b:x":true}}}]}"#
    );
}

#[test]
fn white_space_is_not_counted() {
    let document = |sid: &str| Document::lenient(&json!({"Sid": sid}));
    assert_eq!(document("").size(), r#"{"Sid":""}"#.len());
    assert_eq!(document("a b\u{a0}c").size(), document("abc").size());
    assert_eq!(document("é").size(), document("e").size());
    let two = [document("a"), document("bc")];
    assert_eq!(inline_total(&two), two[0].size() + two[1].size());
    assert_eq!(inline_total([]), 0);
}

#[test]
fn only_denies() {
    let of =
        |statements: Value| Document::lenient(&json!({"Version": "2012-10-17", "Statement": statements})).only_denies();
    assert!(of(json!({"Effect": "Deny", "Action": "*", "Resource": "*"})));
    assert!(of(json!([{"Effect": "Deny"}, {"Effect": "deny"}])));
    assert!(!of(json!([])));
    assert!(!of(json!([{"Effect": "Deny"}, {"Effect": "Allow"}])));
    assert!(!of(json!([{"Effect": "Deny"}, {}])));
    assert!(!of(json!([{"Effect": ["Deny"]}])));
    assert!(!of(json!("Deny")));
    assert!(!Document::lenient(&json!([1, 2])).only_denies());
}

#[test]
fn good_identity_policies() {
    for value in [
        policy(json!({})),
        json!({"Version": "2012-10-17", "Id": "x y", "Statement": {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "*"}}),
        policy(
            json!({"Sid": "", "Action": ["*", "s3:*", "*:*", "s3:Get?bject", "execute-api:Invoke"], "Resource": ["*"]}),
        ),
        policy(json!({"Action": "vpc-lattice:AssociateViaAWSService-EventsAndStates"})),
        policy(json!({"Resource": ["arn:aws:s3:::${aws:PrincipalTag/team}/é*", "arn:*"]})),
        policy(json!({"Condition": {
            "ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a", 5, true]},
            "stringequals": {"aws:RequestTag/x": "\tÿ"},
            "Null": {"aws:x": true},
            "ForAnyValue:ArnLike": {"aws:PrincipalArn": "arn:*"},
        }})),
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "", "Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
        ]}),
    ] {
        assert_eq!(Document::identity(&value).map_err(|e| e.to_string()), Ok(Document::lenient(&value)), "{value}");
    }
}

#[test]
fn bad_documents() {
    let ok = json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]);
    let sids = json!([
        {"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "A", "Effect": "Allow", "Action": "*", "Resource": "*"},
    ]);
    for (value, expected) in [
        (json!([]), "a policy is an object with Version and Statement"),
        (json!("{}"), "a policy is an object with Version and Statement"),
        (json!({"Statement": ok}), "Version: is missing; write Version: \"2012-10-17\""),
        (
            json!({"Version": "2008-10-17", "Statement": ok}),
            "Version: is \"2008-10-17\"; write \"2012-10-17\", in quotes",
        ),
        (json!({"Version": 2012, "Statement": ok}), "Version: is 2012; write \"2012-10-17\", in quotes"),
        (
            json!({"version": "2012-10-17", "Statement": ok}),
            "version: is no element of a policy; did you mean Version?",
        ),
        (
            json!({"Version": "2012-10-17", "Statements": ok}),
            "Statements: is no element of a policy; did you mean Statement?",
        ),
        (
            json!({"Version": "2012-10-17", "Statement": ok, "x y": 1}),
            "[\"x y\"]: is no element that can stand here; those are Version, Id, Statement",
        ),
        (json!({"Version": "2012-10-17", "Statement": ok, "Id": 1}), "Id: must be a string"),
        (json!({"Version": "2012-10-17"}), "Statement: is missing; write a list of statements"),
        (json!({"Version": "2012-10-17", "Statement": []}), "Statement: is empty; write a list of statements"),
        (
            json!({"Version": "2012-10-17", "Statement": "x"}),
            "Statement: must be a list of statements, or one statement",
        ),
        (
            json!({"Version": "2012-10-17", "Statement": [ok]}),
            "Statement[0]: a statement is an object with Effect and Action",
        ),
        (
            json!({"Version": "2012-10-17", "Statement": sids}),
            "Statement[1].Sid: \"A\" is the Sid of Statement[0] too; each must be another, or leave it out",
        ),
        (
            json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow"}}),
            "Statement.Action: is missing; write Action (or NotAction)",
        ),
    ] {
        assert_eq!(fault(&value), expected, "{value}");
    }
}

#[test]
fn bad_statements() {
    let who = "does not belong into a role's permissions, whose principal is the role; who may assume the role follows \
               from serviceAccount and trust";
    for (changes, path, expected) in [
        (json!({"Effect": null}), "Effect", "is missing; write \"Allow\" or \"Deny\""),
        (json!({"Effect": "allow"}), "Effect", "must be \"Allow\" or \"Deny\", in this case of letters"),
        (json!({"Effect": null, "effect": "Allow"}), "effect", "is no element of a policy; did you mean Effect?"),
        (json!({"effect": "Allow"}), "effect", "is no element of a policy; Effect is there already"),
        (
            json!({"Action": null, "not_actions": "*"}),
            "not_actions",
            "is no element of a policy; did you mean NotAction?",
        ),
        (json!({"Principal": "*"}), "Principal", who),
        (json!({"NotPrincipal": {}}), "NotPrincipal", who),
        (json!({"principals": {}}), "principals", who),
        (json!({"Sid": "a b"}), "Sid", "must be a string of letters and digits only"),
        (json!({"Sid": 5}), "Sid", "must be a string of letters and digits only"),
        (json!({"Action": null}), "Action", "is missing; write Action (or NotAction)"),
        (json!({"NotAction": "*"}), "NotAction", "can't stand beside Action; keep one of the two"),
        (json!({"Resource": null}), "Resource", "is missing; write Resource (or NotResource)"),
        (json!({"NotResource": "*"}), "NotResource", "can't stand beside Resource; keep one of the two"),
        (json!({"Action": []}), "Action", "is an empty list, so the statement would do nothing"),
        (json!({"Action": {}}), "Action", "must be a string"),
        (json!({"Action": ["*", 5]}), "Action[1]", "must be a string"),
        (
            json!({"Action": ""}),
            "Action",
            "\"\" is no action; write service:Name, as s3:GetObject or s3:Get*, or \"*\"",
        ),
        (json!({"Action": ["*", "GetObject"]}), "Action[1]", "\"GetObject\" is no action;"),
        (json!({"Action": "s3:"}), "Action", "\"s3:\" is no action;"),
        (json!({"Action": ":x"}), "Action", "\":x\" is no action;"),
        (json!({"Action": "s3:Get:Object"}), "Action", "\"s3:Get:Object\" is no action;"),
        (json!({"Action": "s3: GetObject"}), "Action", "\"s3: GetObject\" is no action;"),
        (json!({"Action": null, "NotAction": "s3:${aws:x}"}), "NotAction", "\"s3:${aws:x}\" is no action;"),
        (
            json!({"Resource": "bucket"}),
            "Resource",
            "\"bucket\" is no ARN; write arn:$(partition):SERVICE:REGION:ACCOUNT:RESOURCE, or \"*\"",
        ),
        (json!({"Resource": ["*", ""]}), "Resource[1]", "\"\" is no ARN;"),
        (
            json!({"Resource": "arn:aws:s3:::日"}),
            "Resource",
            "holds the character '日', which IAM refuses; it takes Latin-1 only",
        ),
        (json!({"Resource": "arn:\u{8}"}), "Resource", "holds the character '\\u{8}', which IAM refuses;"),
        (json!({"日": 1}), "[\"日\"]", "holds the character '日', which IAM refuses;"),
    ] {
        let error = Document::identity(&policy(changes.clone())).unwrap_err();
        let path = if path.starts_with('[') { format!("Statement[0]{path}") } else { format!("Statement[0].{path}") };
        assert_eq!(error.path, path, "{changes}");
        assert!(error.message.starts_with(expected), "{changes}: {error}");
    }
}

#[test]
fn bad_conditions() {
    for (condition, path, expected) in [
        (json!([]), "", "must be an object of operators"),
        (json!({}), "", "is empty, and so no condition at all"),
        (json!({"StringEqual": {"a:b": "x"}}), ".StringEqual", "\"StringEqual\" is no condition operator"),
        (json!({"NullIfExists": {"a:b": "x"}}), ".NullIfExists", "\"NullIfExists\" is no condition operator"),
        (json!({"ForAll:StringLike": {"a:b": "x"}}), "[\"ForAll:StringLike\"]", "\"ForAll:StringLike\" is no"),
        (json!({"StringLike": "x"}), ".StringLike", "must be an object of condition keys and their values"),
        (json!({"StringLike": {}}), ".StringLike", "is empty, and so no condition at all"),
        (
            json!({"StringLike": {"": "x"}}),
            ".StringLike[\"\"]",
            "a condition key begins with a letter, as aws:SourceAccount",
        ),
        (json!({"Null": {"$x": true}}), ".Null[\"$x\"]", "a condition key begins with a letter, as aws:SourceAccount"),
        (json!({"StringLike": {"a:b": null}}), ".StringLike[\"a:b\"]", "must be a string, number or boolean"),
        (json!({"StringLike": {"a:b": {}}}), ".StringLike[\"a:b\"]", "must be a string, number or boolean"),
        (json!({"StringLike": {"a:b": ["x", []]}}), ".StringLike[\"a:b\"][1]", "must be a string, number or boolean"),
        (json!({"StringLike": {"a:b": []}}), ".StringLike[\"a:b\"]", "is an empty list, and so no condition at all"),
        (json!({"StringLike": {"a:b": "x", "A:b": "y"}}), ".StringLike[\"a:b\"]", "stands here twice"),
        (json!({"StringLike": {"a:b": "x"}, "stringLike": {"a:b": "y"}}), ".stringLike", "stands here twice"),
    ] {
        let error = Document::identity(&policy(json!({"Condition": condition}))).unwrap_err();
        assert_eq!(error.path, format!("Statement[0].Condition{path}"), "{condition}");
        assert!(error.message.starts_with(expected), "{condition}: {error}");
    }
}
