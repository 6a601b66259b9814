//! Whose a role is, and the tags by which people stop us.

use super::*;
use crate::api::reason;
use crate::error::Category;

fn with_tag(key: &str, value: Option<&str>) -> Role {
    let mut role = role(&desired());
    match value {
        Some(value) => role.tags.insert(key.to_owned(), value.to_owned()),
        None => role.tags.remove(key),
    };
    role
}

fn refusal(role: &Role) -> Error {
    let mut desired = desired();
    desired.managed.clear();
    let refused = plan(&desired, &present(role), &Accounts::default(), &none()).unwrap_err();
    assert_eq!(standing(&desired, role).as_ref(), Err(&refused));
    let without = check_owner(&desired.owner, &desired.arn, role).unwrap_err();
    assert!(refused.message.starts_with(&without.message), "what may be done beside taking it over: {refused}");
    refused
}

#[test]
fn a_role_that_is_not_ours_is_refused_with_what_to_do() {
    let mut foreign = role(&desired());
    foreign.tags = [("Owner".to_owned(), "me".to_owned())].into();
    let mut elsewhere = role(&desired());
    elsewhere.arn = "arn:aws:iam::111122223333:role/other/prod_billing_invoices".into();
    let cases = [
        (
            foreign,
            Category::Conflict,
            reason::CONFLICT,
            "was not made by irsa-operator; rename this binding, or delete",
        ),
        (
            with_tag(tag::BINDING, Some("orders")),
            Category::Conflict,
            reason::CONFLICT,
            "belongs to the binding prod/billing/orders (as cluster/namespace/name); rename this binding, or delete that",
        ),
        (
            with_tag(tag::SCHEMA, Some("2")),
            Category::Conflict,
            reason::NEWER_SCHEMA,
            "(tag irsa-operator.io/schema is 2, and this one writes 1); nothing of it is written before this one is upgraded",
        ),
        (
            with_tag(tag::ISSUER, Some("oidc.example/id/B")),
            Category::Blocked,
            reason::CLUSTER_IDENTITY_CONFLICT,
            "under the issuer oidc.example/id/B, but this cluster's issuer is oidc.example/id/A; nothing is written in \
             its account. If this cluster was rebuilt and the former one is gone, add oidc.example/id/B to \
             spec.takeOverFromIssuers of IrsaClass default; if two clusters run with --cluster-id prod, give one of them \
             another",
        ),
        (
            elsewhere,
            Category::Blocked,
            reason::IDENTITY_CHANGED,
            "this binding's role is arn:aws:iam::111122223333:role/other/prod_billing_invoices, and spec and class now ask \
             for arn:aws:iam::111122223333:role/irsa/prod_billing_invoices",
        ),
    ];
    for (role, category, reason, says) in cases {
        let error = refusal(&role);
        assert_eq!((error.category, error.reason), (category, reason), "{error}");
        assert!(error.message.contains(says) && error.message.contains(&role.arn), "{error}");
    }
}

#[test]
fn an_offer_to_another_cluster_is_taken_back_and_no_other() {
    let desired = desired();
    let steps = |offer: &str| {
        let role = with_tag("irsa-operator.io/Adoptable-By", Some(offer));
        words(&plan(&desired, &present(&role), &settled(&desired), &none()).unwrap().steps)
    };
    assert_eq!(steps("green/billing/invoices"), ["remove the tags irsa-operator.io/Adoptable-By"]);
    for other in ["green/billing/orders", "green/shop/invoices", "green/xbilling/invoices", "invoices", ""] {
        assert_eq!(steps(other), [""; 0], "{other}: somebody moves it elsewhere");
    }
}

#[test]
fn a_held_role_is_not_written_and_what_waits_is_known() {
    let mut held = with_tag("IRSA-operator.io/HOLD", Some(""));
    let desired = desired();
    let plan = |role: &Role, accounts: &Accounts| plan(&desired, &present(role), accounts, &none()).unwrap();
    assert_eq!(plan(&held, &settled(&desired)), Plan::default(), "nothing waits");
    held.attached.clear();
    held.inline.insert("revoked".into(), Some(denies()));
    held.tags.remove("team");
    let mut accounts = Accounts { current: Some(account(&BTreeMap::new())), former: Vec::new() };
    accounts.former.push(("old".into(), "u0".into()));
    let plan = plan(&held, &accounts);
    assert_eq!(
        words(&plan.steps),
        ["annotate the ServiceAccount", "take the annotations off the ServiceAccount old"],
        "ServiceAccounts are no part of the role"
    );
    assert_eq!(
        words(&plan.held),
        ["set the tags team".to_owned(), format!("attach {}", policy("A")), format!("attach {}", policy("B")),]
    );
    assert_eq!(plan.notes, [Note::Restricted(vec!["revoked".into()])]);
}

#[test]
fn a_released_role_is_taken_again_without_a_word() {
    let desired = desired();
    let mut released = with_tag("irsa-operator.io/Released-By", Some("prod"));
    assert_eq!(check_owner(&desired.owner, ARN, &released), Ok(true));
    let steps = |role: &Role| plan(&desired, &present(role), &settled(&desired), &none()).unwrap().steps;
    assert_eq!(steps(&released), [Step::Untag(vec!["irsa-operator.io/Released-By".into()])], "in the case it is there");
    released.tags.insert(tag::CLASS.into(), "former".into());
    released.trust = Some(trust(&["former"]));
    assert_eq!(
        words(&steps(&released)),
        [
            "remove the tags irsa-operator.io/Released-By",
            "set the tags irsa-operator.io/class",
            "write the trust policy"
        ]
    );
}
