//! Whom the class trusts beside the ServiceAccount.

use super::*;

#[test]
fn other_clusters_and_principals_of_the_class() {
    let got = with(
        |_| {},
        |class| {
            class.trusted_issuers = vec!["b.example/id".into(), "oidc.example/id/A".into()];
            class.trusted_principals = vec!["arn:$(partition):iam::$(account):role/ci/$(namespace)".into()];
        },
    );
    let own = Trusted { issuer: "oidc.example/id/A".into(), provider_arn: got.provider_arn.clone() };
    let other = Trusted {
        issuer: "b.example/id".into(),
        provider_arn: "arn:aws-cn:iam::111122223333:oidc-provider/b.example/id".into(),
    };
    let subject = Subject { namespace: "billing".into(), service_account: "robot".into() };
    let principal = "arn:aws-cn:iam::111122223333:role/ci/billing".to_owned();
    let expected = wide_trust_policy(own, &[other], "sts.amazonaws.com", &[subject], &[principal].into());
    assert_eq!(got.trust, expected);
    assert_ne!(got.fingerprint(), with(|_| {}, |_| {}).fingerprint());
}

#[test]
fn what_was_once_the_issuer_changes_no_wish() {
    let rebuilt = with(|_| {}, |class| class.take_over_from_issuers = vec!["former.example".into()]);
    assert_eq!(rebuilt.owner.former, ["former.example"]);
    assert_eq!(rebuilt.fingerprint(), with(|_| {}, |_| {}).fingerprint());
}

#[test]
fn what_can_be_no_principal_is_refused() {
    let refusal =
        |arn: &str| try_with(|_| {}, |class| class.trusted_principals = vec![arn.into()]).unwrap_err().message;
    for arn in [
        "*",
        "111122223333",
        "arn:aws-cn:iam::111122223333:role/*",
        "arn:aws-cn:iam::111122223333:group/x",
        "arn:aws-cn:iam::x:root",
    ] {
        let text = refusal(arn);
        assert!(
            text.starts_with("the class's spec.trustedPrincipals[0]: ") && text.contains("write one, without *"),
            "{text}"
        );
    }
    assert!(refusal("arn:aws:iam::111122223333:root").contains("write $(partition)"));
    assert!(refusal("arn:aws-cn:iam::111122223333:role/$(nmae)").contains("$(nmae) is no variable"));
}

#[test]
fn a_trust_policy_that_no_account_takes_is_refused() {
    let many = |count: usize| {
        let arn = |i: usize| format!("arn:aws-cn:iam::111122223333:role/{}{i:02}", "r".repeat(440));
        try_with(|_| {}, |class| class.trusted_principals = (0..count).map(arn).collect())
    };
    assert!(many(16).is_ok());
    let text = many(17).unwrap_err().message;
    assert!(text.contains("AWS takes 8192 at most; list fewer"), "{text}");
}
