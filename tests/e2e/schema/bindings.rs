//! The rules of IrsaBinding.

use super::tags::tag_cases;
use super::{Case, Change, no, yes};
use serde_json::{Map, Value, json};

pub fn cases() -> Vec<Case> {
    [names(), service_account(), managed(), inline(), role(), adoption(), tag_cases(), trust(), largest()]
        .into_iter()
        .flatten()
        .collect()
}

const SUBDOMAIN: &str = "write the name of an object: lower case letters, digits, - and ., with a letter or digit";

const DOLLAR: &str =
    "$( begins a variable: write one of $(namespace) $(name) $(serviceAccount) $(clusterId) $(account)";

fn names() -> Vec<Case> {
    let named = |name: String| json!({"metadata": {"name": name}});
    let class = |name: &str| json!({"spec": {"className": name}});
    vec![
        yes("the smallest binding", json!({})),
        yes("a name of 63 characters", named("n".repeat(63))),
        no(
            "a name of 64 characters",
            named("n".repeat(64)),
            "<nil>",
            "metadata.name: take a name of at most 63 characters",
        ),
        yes("a class", class("team-a.prod")),
        yes("a class's name of 63 characters", class(&"c".repeat(63))),
        no("a class's name of 64 characters", class(&"c".repeat(64)), "spec.className", "may not be more than 63"),
        no("a class in capitals", class("Default"), "spec.className", SUBDOMAIN),
        no("a class without a name", class(""), "spec.className", SUBDOMAIN),
        yes("a class that is null, which is as good as absent", json!({"spec": {"className": null}})),
        no("no ServiceAccount", json!({"spec": {"serviceAccount": null}}), "spec.serviceAccount", "Required value"),
        yes("a deletion policy", json!({"spec": {"deletionPolicy": "Retain"}})),
        no(
            "another deletion policy",
            json!({"spec": {"deletionPolicy": "Orphan"}}),
            "spec.deletionPolicy",
            "\"Retain\"",
        ),
        yes("a mode", json!({"spec": {"mode": "Observe"}})),
        no("another mode", json!({"spec": {"mode": "ReadOnly"}}), "spec.mode", "\"Observe\""),
    ]
}

fn adoption() -> Vec<Case> {
    let name = |name: &str| json!({"spec": {"role": {"name": name}}});
    let sentence = "write the name of a role alone, without its path: letters, digits and _+=,.@- and no variables";
    vec![
        yes("a role that is there", name("eksctl-prod-addon-Role1_+=,.@-")),
        yes("one with a name of 64 characters", name(&"r".repeat(64))),
        no("one with a name of 65 characters", name(&"r".repeat(65)), "spec.role.name", "may not be more than 64"),
        no("one without a name", name(""), "spec.role.name", "should be at least 1 chars long"),
        no("one with its path", name("team/app"), "spec.role.name", sentence),
        no("its ARN", name("arn:aws:iam::111122223333:role/x"), "spec.role.name", sentence),
        no("a name with a variable", name("$(namespace)"), "spec.role.name", sentence),
        yes("adoption", json!({"spec": {"adoption": {"policy": "IfTagged", "acceptRemovals": true}}})),
        yes("none of it", json!({"spec": {"adoption": {"policy": "Never"}}})),
        no(
            "another policy of it",
            json!({"spec": {"adoption": {"policy": "Always"}}}),
            "spec.adoption.policy",
            "\"IfTagged\"",
        ),
    ]
}

fn service_account() -> Vec<Case> {
    let account = |over: Value| json!({"spec": {"serviceAccount": over}});
    let name = |name: &str| account(json!({"name": name}));
    let long = format!("{0}.{0}.{0}.{0}", "s".repeat(62));
    let expiration = |seconds: i64| account(json!({"tokenExpirationSeconds": seconds}));
    let at = "spec.serviceAccount.tokenExpirationSeconds";
    let replaces = |role: &str| account(json!({"replaceRoleArn": role}));
    let role = "spec.serviceAccount.replaceRoleArn";
    let form = "write the ARN of the role that the annotation names, as arn:aws:iam::111122223333:role/invoices";
    vec![
        yes("all of a ServiceAccount", account(json!({"create": true, "stsRegionalEndpoints": false}))),
        yes("a ServiceAccount with dots", name("a.b-c.d")),
        yes("a ServiceAccount's name of 251 characters", name(&long)),
        no("one of 254", name(&format!("{long}xyz")), "spec.serviceAccount.name", "may not be more than 253"),
        no("a ServiceAccount with _", name("a_b"), "spec.serviceAccount.name", SUBDOMAIN),
        no("a ServiceAccount that ends in -", name("a-"), "spec.serviceAccount.name", SUBDOMAIN),
        no("a ServiceAccount with two dots", name("a..b"), "spec.serviceAccount.name", SUBDOMAIN),
        yes("a token of ten minutes", expiration(600)),
        yes("a token of a day", expiration(86400)),
        no("a token of less than ten minutes", expiration(599), at, "greater than or equal to 600"),
        no("a token of more than a day", expiration(86401), at, "less than or equal to 86400"),
        yes("a role to replace", replaces("arn:aws-us-gov:iam::111122223333:role/eksctl/a/b_+=,.@-C")),
        no("a role to replace by its name", replaces("eksctl-dev-addon-invoices"), role, form),
        no("a user to replace", replaces("arn:aws:iam::111122223333:user/invoices"), role, form),
        no("an account of 11 digits", replaces("arn:aws:iam::11112222333:role/invoices"), role, form),
        no("a variable in it", replaces("arn:$(partition):iam::$(account):role/invoices"), role, form),
        Case {
            refused: vec![(role, "should be at least 20 chars long"), (role, form)],
            ..no("an empty one", replaces(""), role, form)
        },
    ]
}

fn managed() -> Vec<Case> {
    let list = |list: &[&str]| json!({"spec": {"policies": {"managed": list}}});
    let numbered = |count: usize| json!({"spec": {"policies": {"managed": (0..count).map(|i| format!("account:p{i}")).collect::<Vec<_>>()}}});
    let at = "spec.policies.managed[0]";
    let form = "write aws:NAME for a managed policy of AWS (aws:AmazonSQSReadOnlyAccess), account:PATH/NAME for one of";
    let long_name = |n: usize| format!("account:team/{}", "p".repeat(n));
    let path = "d".repeat(100);
    // With the slashes at both ends: five times 101 is 505, and one more before them is 506.
    let long_path = |n: usize| format!("account:{path}/{path}/{path}/{path}/{path}/{}/p", "e".repeat(n));
    let long_arn_path = |n: usize| long_path(n).replace("account:", "arn:aws:iam::111122223333:policy/");
    vec![
        yes("an empty policies section", json!({"spec": {"policies": {}}})),
        yes("empty lists", json!({"spec": {"policies": {"managed": [], "inline": []}}})),
        yes(
            "the three forms",
            list(&[
                "aws:AmazonSQSReadOnlyAccess",
                "aws:service-role/AWSLambdaBasicExecutionRole",
                "account:queues",
                "account:team/a/queues_1+=,.@-x",
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws-us-gov:iam::111122223333:policy/team/x",
            ]),
        ),
        yes(
            "variables",
            list(&[
                "arn:$(partition):iam::$(account):policy/$(clusterId)/$(region)/$(namespace)-$(name)",
                "account:$(namespace)/$(serviceAccount)",
            ]),
        ),
        no("a bare name", list(&["AmazonSQSReadOnlyAccess"]), at, form),
        no("the ARN of a role", list(&["arn:aws:iam::111122223333:role/x"]), at, form),
        no("an account of 11 digits", list(&["arn:aws:iam::11112222333:policy/x"]), at, form),
        no("an ARN with a region", list(&["arn:aws:iam:us-east-1:aws:policy/x"]), at, form),
        no("a space", list(&["account:a b"]), at, form),
        no("no name", list(&["account:team/"]), at, form),
        no("two slashes", list(&["account:team//x"]), at, form),
        no("a slash at the front", list(&["account:/x"]), at, form),
        no("an empty entry", list(&[""]), at, form),
        no("a wildcard", list(&["account:team/*"]), at, form),
        no("an unknown variable", list(&["account:$(team)/x"]), at, DOLLAR),
        no("an unknown variable in an ARN", list(&["arn:aws:iam::aws:policy/$(NAME)"]), at, DOLLAR),
        no("IAM's own variables", list(&["account:${aws:username}"]), at, form),
        yes("a name of 128 characters", list(&[&long_name(128)])),
        no("a name of 129 characters", list(&[&long_name(129)]), at, "a policy's name has at most 128 characters"),
        yes("a path of 512 characters", list(&[&long_path(5)])),
        no("a path of 513 characters", list(&[&long_path(6)]), at, "a policy's path has at most 512 characters"),
        yes("a path of 512 characters in an ARN", list(&[&long_arn_path(5)])),
        no("513 in an ARN", list(&[&long_arn_path(6)]), at, "a policy's path has at most 512 characters"),
        no(
            "an entry of 1025 characters",
            list(&[&format!("account:{}", "x".repeat(1017))]),
            at,
            "may not be more than 1024",
        ),
        yes("25 policies", numbered(25)),
        no("26 policies", numbered(26), "spec.policies.managed", "must have at most 25 items"),
        no("one policy twice", list(&["aws:A", "aws:A"]), "spec.policies.managed[1]", "Duplicate value: \"aws:A\""),
    ]
}

fn document() -> Value {
    let statement = json!({"Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:$(partition):s3:::b/${aws:x}"});
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

fn inline() -> Vec<Case> {
    let named = |names: &[&str]| {
        let list: Vec<Value> = names.iter().map(|name| json!({"name": name, "document": document()})).collect();
        json!({"spec": {"policies": {"inline": list}}})
    };
    let of = |document: Value| json!({"spec": {"policies": {"inline": [{"name": "a", "document": document}]}}});
    let at = "spec.policies.inline[0].name";
    let many: Vec<String> = (0..21).map(|i| format!("p{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        yes("inline policies", named(&["bucket", "a_b+=,.@-C"])),
        yes("a document that only the operator can judge", of(json!({"Anything": {"goes": [1, null, {}]}}))),
        no("a document as a string", of(json!("{}")), "spec.policies.inline[0].document", "must be of type object"),
        no(
            "a document that is missing",
            json!({"spec": {"policies": {"inline": [{"name": "a"}]}}}),
            "spec.policies.inline[0].document",
            "Required value",
        ),
        yes("an inline name of 128 characters", named(&[&"n".repeat(128)])),
        no("an inline name of 129", named(&[&"n".repeat(129)]), at, "may not be more than 128"),
        no("an empty inline name", named(&[""]), at, "at least 1 chars long"),
        no("an inline name with a slash", named(&["a/b"]), at, "letters, digits and _+=,.@- and no variables"),
        no("an inline name with a variable", named(&["$(name)"]), at, "letters, digits and _+=,.@- and no variables"),
        no(
            "an inline name of ours",
            named(&["IRSA-Operator-quarantine"]),
            at,
            "names that begin with irsa-operator- are kept",
        ),
        no("one inline name twice", named(&["a", "a"]), "spec.policies.inline[1]", "Duplicate value"),
        no(
            "one inline name in two cases",
            named(&["Bucket", "bucket"]),
            "spec.policies.inline",
            "the same name but for upper and lower case",
        ),
        yes("20 inline policies", named(&many[..20])),
        no("21 inline policies", named(&many), "spec.policies.inline", "must have at most 20 items"),
    ]
}

fn role() -> Vec<Case> {
    let role = |role: Value| json!({"spec": {"role": role}});
    let description = |text: &str| role(json!({"description": text}));
    let session = |seconds: i64| role(json!({"maxSessionDurationSeconds": seconds}));
    let at = "spec.role.maxSessionDurationSeconds";
    let latin = "IAM takes only Latin-1 characters in a description";
    vec![
        yes("an empty role", role(json!({}))),
        yes("an empty description", description("")),
        yes(
            "a description of all that IAM takes",
            description("A line,\r\n\ta second: \u{20}~ \u{a1}\u{e9}\u{ff} 'x' \"y\" $$(name) $5 $$"),
        ),
        yes("a description of 1000 characters", description(&"\u{fc}".repeat(1000))),
        no(
            "a description of 1001",
            description(&"d".repeat(1001)),
            "spec.role.description",
            "may not be more than 1000",
        ),
        no("typographic quotes", description("the team\u{2019}s role"), "spec.role.description", latin),
        no("an emoji", description("\u{1f680}"), "spec.role.description", latin),
        no("a control character", description("a\u{7f}"), "spec.role.description", latin),
        no("a no-break space", description("a\u{a0}b"), "spec.role.description", latin),
        no("an unknown variable in a description", description("for $(z)"), "spec.role.description", DOLLAR),
        no("a variable without its end", description("for $$(name"), "spec.role.description", DOLLAR),
        yes("the shortest session", session(3600)),
        yes("the longest session", session(43200)),
        no("a shorter session", session(3599), at, "greater than or equal to 3600"),
        no("a longer session", session(43201), at, "less than or equal to 43200"),
    ]
}

fn trust() -> Vec<Case> {
    let audience = |audience: &str| json!({"spec": {"trust": {"audience": audience}}});
    let at = "spec.trust.audience";
    let form = "an audience holds ASCII characters without spaces and dollar signs";
    vec![
        yes("further ServiceAccounts", json!({"spec": {"trust": {"serviceAccounts": ["a", "b.c"]}}})),
        no(
            "one of another namespace",
            json!({"spec": {"trust": {"serviceAccounts": ["other/app"]}}}),
            "spec.trust.serviceAccounts[0]",
            "write the name of an object",
        ),
        no(
            "one twice",
            json!({"spec": {"trust": {"serviceAccounts": ["a", "a"]}}}),
            "spec.trust.serviceAccounts[1]",
            "Duplicate value",
        ),
        yes("an empty trust", json!({"spec": {"trust": {}}})),
        yes("an audience", audience("https://vault.example.com/v1?x=1")),
        yes("an audience of 255 characters", audience(&"a".repeat(255))),
        no("an audience of 256", audience(&"a".repeat(256)), at, "may not be more than 255"),
        no("an empty audience", audience(""), at, "at least 1 chars long"),
        no("an audience with a space", audience("a b"), at, form),
        no("an audience with IAM's variables", audience("${aws:x}"), at, form),
        no("an audience beyond ASCII", audience("\u{e9}"), at, form),
    ]
}

/// All at their limits at once: CEL has a budget for each object, too.
fn largest() -> Vec<Case> {
    let managed: Vec<String> = (0..25)
        .map(|i| format!("arn:aws-iso-b:iam::111122223333:policy/{}/{}{i:02}", "d".repeat(510), "p".repeat(126)))
        .collect();
    let inline: Vec<Value> =
        (0..20).map(|i| json!({"name": format!("{}{i:02}", "n".repeat(126)), "document": document()})).collect();
    let tags: Map<String, Value> =
        (0..40).map(|i| (format!("{}{i:02}", "\u{4e16}".repeat(126)), json!("\u{4e16}".repeat(256)))).collect();
    vec![yes(
        "everything as large as it may be",
        json!({
            "metadata": {"name": "n".repeat(63)},
            "spec": {
                "className": "c".repeat(63),
                "serviceAccount": {"name": "s".repeat(253)},
                "policies": {"managed": managed, "inline": inline},
                "role": {"description": "\u{ff}".repeat(1000), "maxSessionDurationSeconds": 43200, "tags": tags},
                "trust": {"audience": "a".repeat(255), "serviceAccounts": (0..20).map(|i| format!("s{i:0252}")).collect::<Vec<_>>()},
                "deletionPolicy": "Delete",
                "mode": "Annotate",
            },
        }),
    )]
}

pub fn changes() -> Vec<Change> {
    let change = |name, before, after| Change { name, before, after, refused: vec![] };
    // A class that is not there: the operator makes nothing of it.
    let before = json!({"spec": {"className": "schema-none"}});
    vec![
        change("another ServiceAccount", before.clone(), json!({"spec": {"serviceAccount": {"name": "other"}}})),
        change("another class", before.clone(), json!({"spec": {"className": "other"}})),
        change("no class", before, json!({"spec": {"className": null}})),
    ]
}
