//! Names, grammar, quotas.

use super::*;

#[test]
fn names_lengths_and_patterns() {
    let account = with(json!({"shape": true}));
    let long = "x".repeat(65);
    create(&account, &long, &[]).refused(400, "ValidationError").says(&format!(
        "1 validation error detected: Value '{long}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"
    ));
    let cases: [(&str, &[(&str, &str)], &str, &str); 10] = [
        ("a b", &[], "ValidationError", r"Member must satisfy regular expression pattern: [\w+=,.@-]+"),
        ("ok", &[("Path", "irsa/")], "ValidationError", "The specified value for path is invalid."),
        ("ok", &[("Description", "an em — dash")], "ValidationError", "at 'description'"),
        ("ok", &[("MaxSessionDuration", "60")], "ValidationError", "greater than or equal to 3600"),
        ("ok", &[("PermissionsBoundary", "arn:x")], "ValidationError", "at 'permissionsBoundary'"),
        (
            "ok",
            &[("Tags.member.1.Key", "a#b"), ("Tags.member.1.Value", "")],
            "ValidationError",
            "at 'tags.1.member.key'",
        ),
        (
            "ok",
            &[("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "a{b}")],
            "ValidationError",
            "at 'tags.1.member.value'",
        ),
        ("ok", &[("Tags.member.1.Key", "aws:x"), ("Tags.member.1.Value", "")], "InvalidInput", "reserved"),
        (
            "ok",
            &[
                ("Tags.member.1.Key", "Owner"),
                ("Tags.member.1.Value", ""),
                ("Tags.member.2.Key", "owner"),
                ("Tags.member.2.Value", ""),
            ],
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        ("a b", &[("MaxSessionDuration", "50000")], "ValidationError", "2 validation errors detected"),
    ];
    for (name, more, code, sentence) in cases {
        create(&account, name, more).refused(400, code).says(sentence);
    }
    create(&account, "ok+=,.@-_1", &[("Path", "/a/b-c/"), ("Description", "Ünïcode of Latin-1\n")]).ok();
    for url in ["http://a.example", "https://a.example:8443/x", "https://a.example/x?y=1", "https://"] {
        account.admin.iam("CreateOpenIDConnectProvider", &[("Url", url)]).refused(400, "ValidationError");
    }
}

#[test]
fn the_grammar_of_trust_policies() {
    let account = with(json!({"shape": true}));
    let trust = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let good = || json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"});
    let set = |name: &str, value: Value| {
        let mut one = good();
        one[name] = value;
        trust(one)
    };
    let without = |name: &str| {
        let mut one = good();
        one.as_object_mut().expect("an object").remove(name);
        trust(one)
    };
    let cases = [
        ("no json".to_owned(), "This policy contains invalid Json"),
        (" {}".to_owned(), "JSON strings must not have leading spaces"),
        ("{}".to_owned(), "Syntax errors in policy."),
        (set("Resource", json!("*")), "Has prohibited field Resource"),
        (without("Principal"), "Missing required field Principal"),
        (without("Action"), "Missing required field Action"),
        (without("Effect"), "Missing required field Effect"),
        (set("Action", json!("s3:GetObject")), "AssumeRole policy may only specify STS AssumeRole actions."),
        (
            set("Principal", json!({"Federated": "arn:aws:iam::1:oidc-provider/x"})),
            "Federated principals must be valid domain names or SAML metadata ARNs",
        ),
        (set("Condition", json!({"StringSame": {"a": "b"}})), "Invalid Condition type"),
        (set("Sid", json!("a b")), "Statement IDs (SID) must be alpha-numeric."),
        (set("Nonsense", json!(1)), "Syntax errors in policy."),
    ];
    for (document, sentence) in &cases {
        create(&account, "t", &[("AssumeRolePolicyDocument", document)])
            .refused(400, "MalformedPolicyDocument")
            .says(sentence);
    }
    create(&account, "t", &[]).ok();
    for (document, sentence) in &cases {
        account
            .admin
            .iam("UpdateAssumeRolePolicy", &[("RoleName", "t"), ("PolicyDocument", document)])
            .refused(400, "MalformedPolicyDocument")
            .says(sentence);
    }
    let pods = set("Action", json!(["sts:AssumeRole", "sts:TagSession"]));
    account.admin.iam("UpdateAssumeRolePolicy", &[("RoleName", "t"), ("PolicyDocument", &pods)]).ok();
}

#[test]
fn the_grammar_of_identity_policies() {
    let account = with(json!({"shape": true}));
    create(&account, "r", &[]).ok();
    let put = |document: &Value| {
        let text = document.to_string();
        account.admin.iam("PutRolePolicy", &[("RoleName", "r"), ("PolicyName", "p"), ("PolicyDocument", &text)])
    };
    let allow = |more: Value| {
        let mut one = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        for (name, value) in more.as_object().expect("an object") {
            one[name] = value.clone();
        }
        one
    };
    let of = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]});
    for (document, sentence) in [
        (json!({"Version": "2012-10-17"}), "Syntax errors in policy."),
        (json!({"Statement": [allow(json!({}))]}), "Policy document must be version 2012-10-17 or greater."),
        (of(allow(json!({"Principal": "*"}))), "Policy document should not specify a principal."),
        (of(json!({"Effect": "Allow", "Resource": "*"})), "Policy statement must contain actions."),
        (of(json!({"Effect": "Allow", "Action": "s3:*"})), "Policy statement must contain resources."),
        (of(allow(json!({"NotAction": "s3:Put"}))), "Syntax errors in policy."),
        (of(allow(json!({"Action": "GetObject"}))), "Actions/Conditions must be prefaced by a vendor"),
        (of(allow(json!({"Resource": "bucket"}))), "must be in ARN format or \"*\"."),
        (
            json!({"Version": "2012-10-17", "Statement": [allow(json!({"Sid": "a"})), allow(json!({"Sid": "a"}))]}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
    ] {
        put(&document).refused(400, "MalformedPolicyDocument").says(sentence);
    }
    put(&of(allow(json!({"Resource": "arn:aws-eusc:s3:::b/*"})))).ok();
}

#[test]
fn quotas_are_kept() {
    let account = with(json!({"sizes": true}));
    let aws = &account.admin;
    let quota = |change: Value| admin("POST", &format!("accounts/{}/quotas", account.id), change);
    let spaced = EC2.replace(',', &format!(",{}", " ".repeat(3000)));
    create(&account, "spaced", &[("AssumeRolePolicyDocument", &spaced)]).ok();
    let long = EC2.replace("ec2", &"e".repeat(2000));
    create(&account, "long", &[("AssumeRolePolicyDocument", &long)])
        .refused(409, "LimitExceeded")
        .says("Cannot exceed quota for ACLSizePerRole: 2048");
    quota(json!({"trustPolicySize": 4096}));
    create(&account, "long", &[("AssumeRolePolicyDocument", &long)]).ok();

    let document = |size: usize| {
        let base =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Sid":""}]}"#;
        base.replace(r#""Sid":"""#, &format!(r#""Sid":"{}""#, "x".repeat(size - base.len())))
    };
    let put = |name: &str, size: usize| {
        let text = document(size);
        aws.iam("PutRolePolicy", &[("RoleName", "long"), ("PolicyName", name), ("PolicyDocument", &text)])
    };
    put("a", 6000).ok();
    put("b", 4240).ok();
    put("b", 4241).refused(409, "LimitExceeded").says("Maximum policy size of 10240 bytes exceeded for role long");
    let managed = |size: usize| {
        aws.iam("CreatePolicy", &[("PolicyName", &format!("p{size}")), ("PolicyDocument", &document(size))])
    };
    managed(6144).ok();
    managed(6145).refused(409, "LimitExceeded").says("Cannot exceed quota for PolicySize: 6144");

    quota(json!({"policiesPerRole": 1, "roles": 4}));
    let attach = |name: &str| {
        aws.iam("AttachRolePolicy", &[("RoleName", "long"), ("PolicyArn", &format!("arn:aws:iam::aws:policy/{name}"))])
    };
    attach("ReadOnlyAccess").ok();
    attach("ReadOnlyAccess").ok();
    attach("AmazonSQSReadOnlyAccess").refused(409, "LimitExceeded").says("Cannot exceed quota for PoliciesPerRole: 1");
    // Two of this test and the two that every account has.
    create(&account, "more", &[]).refused(409, "LimitExceeded").says("Cannot exceed quota for RolesPerAccount: 4");
    create(&account, "long", &[]).refused(409, "EntityAlreadyExists");
    let names: Vec<(String, String)> = (1..=50).map(|i| (format!("Tags.member.{i}.Key"), format!("k{i}"))).collect();
    let tags: Vec<(&str, &str)> = names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    aws.iam("TagRole", &[tags.as_slice(), &[("RoleName", "long")]].concat()).ok();
    aws.iam("TagRole", &[("RoleName", "long"), ("Tags.member.1.Key", "K1")]).ok();
    aws.iam("TagRole", &[("RoleName", "long"), ("Tags.member.1.Key", "k51")]).refused(409, "LimitExceeded");
}
