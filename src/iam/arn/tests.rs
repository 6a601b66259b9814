use super::*;

fn vars() -> Vars {
    Vars {
        namespace: "billing".into(),
        name: "invoices".into(),
        service_account: "robot".into(),
        cluster_id: "prod".into(),
        account: "111122223333".into(),
        partition: "aws-cn".into(),
        region: "cn-north-1".into(),
    }
}

#[test]
fn policies() {
    let longest = format!("account:{}", "n".repeat(POLICY_NAME_MAX));
    for (text, expected) in [
        ("aws:AmazonSQSReadOnlyAccess", "arn:aws-cn:iam::aws:policy/AmazonSQSReadOnlyAccess"),
        ("aws:service-role/AWSLambdaRole", "arn:aws-cn:iam::aws:policy/service-role/AWSLambdaRole"),
        ("account:x", "arn:aws-cn:iam::111122223333:policy/x"),
        ("account:team/$(namespace)/a+=,.@_-", "arn:aws-cn:iam::111122223333:policy/team/billing/a+=,.@_-"),
        ("arn:$(partition):iam::$(account):policy/x", "arn:aws-cn:iam::111122223333:policy/x"),
        ("arn:aws-cn:iam::aws:policy/job-function/Billing", "arn:aws-cn:iam::aws:policy/job-function/Billing"),
        (&longest, &format!("arn:aws-cn:iam::111122223333:policy/{}", "n".repeat(POLICY_NAME_MAX))),
    ] {
        assert_eq!(policy_arn(text, &vars()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_policy() {
    let long_name = format!("account:{}", "n".repeat(POLICY_NAME_MAX + 1));
    let long_path = format!("account:{}/x", "p".repeat(PATH_MAX - 1));
    for (text, expected) in [
        ("", "must be aws:PATH/NAME"),
        ("AmazonSQSReadOnlyAccess", "must be aws:PATH/NAME"),
        ("AWS:x", "must be aws:PATH/NAME"),
        ("aws:", "does not end in a policy's name"),
        ("aws:a/", "does not end in a policy's name"),
        ("aws:a b", "does not end in a policy's name"),
        ("aws:a:b", "does not end in a policy's name"),
        ("account:é", "does not end in a policy's name"),
        (&long_name, "does not end in a policy's name"),
        ("aws:/x", "has no valid path"),
        ("aws:a//b", "has no valid path"),
        ("account:a!/b", "has no valid path"),
        (&long_path, "has no valid path"),
        ("arn:aws:iam::aws:policy/x", "is of partition \"aws\", the role of \"aws-cn\""),
        ("arn:aws-cn:iam::222233334444:policy/x", "is of account \"222233334444\""),
        ("arn:aws-cn:iam:::policy/x", "is of account \"\""),
        ("arn:aws-cn:iam::111122223333:role/x", "is no managed policy"),
        ("arn:aws-cn:s3:::bucket", "is no ARN of IAM"),
        ("arn:aws-cn:iam:cn-north-1:aws:policy/x", "is no ARN of IAM"),
        ("arn:", "is no ARN of IAM"),
        ("account:$(nmae)", "$(nmae) is no variable"),
    ] {
        let error = policy_arn(text, &vars()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn roles_and_back() {
    for (path, name) in [("/", "x"), ("/irsa/", "prod_billing_invoices"), ("/a/b/", "n=abc")] {
        let text = role_arn("aws", "111122223333", path, name);
        let arn = RoleArn::parse(&text).unwrap();
        assert_eq!((arn.partition.as_str(), arn.account.as_str()), ("aws", "111122223333"));
        assert_eq!((arn.path.as_str(), arn.name.as_str()), (path, name));
        assert_eq!(arn.to_string(), text);
    }
    let long_name = role_arn("aws", "111122223333", "/", &"n".repeat(65));
    for text in [
        "",
        "AROAEXAMPLEID",
        "arn:aws:iam::111122223333:role",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:rolex/y",
        "arn:aws:iam::111122223333:user/x",
        "arn:aws:iam::11112222333:role/x",
        "arn:aws:iam::aws:role/x",
        "arn:aws:iam:eu-west-1:111122223333:role/x",
        "arn:gcp:iam::111122223333:role/x",
        "arn:aws:iam::111122223333:role/a b",
        "arn:aws:iam::111122223333:role/a:b",
        " arn:aws:iam::111122223333:role/x",
        &long_name,
    ] {
        assert_eq!(RoleArn::parse(text), None, "{text}");
    }
}

#[test]
fn providers() {
    assert_eq!(
        provider_arn("aws", "111122223333", "oidc.eks.eu-west-1.amazonaws.com/id/ABC"),
        "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
    );
}

#[test]
fn callers() {
    for (arn, partition) in [
        ("arn:aws:sts::111122223333:assumed-role/operator/session", "aws"),
        ("arn:aws-us-gov:sts::111122223333:assumed-role/a/b", "aws-us-gov"),
        ("arn:aws-eusc:sts::111122223333:federated-user/x", "aws-eusc"),
        ("arn:aws:iam::111122223333:user/x", "aws"),
        ("arn:aws:iam::111122223333:root", "aws"),
    ] {
        let expected = Caller { partition: partition.into(), account: "111122223333".into() };
        assert_eq!(Caller::parse(arn), Some(expected), "{arn}");
    }
    for text in ["", "arn:aws:sts::1:assumed-role/a/b", "arn:aws:s3:::b", "arn:aws:sts::111122223333", "111122223333"] {
        assert_eq!(Caller::parse(text), None, "{text}");
    }
}
