//! Annotations: the first one, one that replaces another, those of others, and ServiceAccounts that were left.

use super::*;
use crate::error::Category;

fn steps(observed: &Observed, accounts: &Accounts) -> Vec<Step> {
    plan(&desired(), observed, accounts, &none()).unwrap().steps
}

fn observed() -> Observed {
    present(&role(&desired()))
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn annotations_are_exactly_ours() {
    let ours = || account(&map(&[(annotation::ROLE_ARN, ARN)]));
    let with = |change: fn(&mut Account)| {
        let mut account = ours();
        change(&mut account);
        let accounts = Accounts { current: Some(account), former: Vec::new() };
        let steps = steps(&Observed::Agreed, &accounts);
        assert_eq!(super::super::plan(&desired(), &observed(), &accounts, &none()).unwrap().steps, steps);
        steps
    };
    type Change = fn(&mut Account);
    let put_right: [(&str, Change); 4] = [
        ("removed", |a| *a = account(&BTreeMap::new())),
        ("empty", |a| *a = account(&map(&[(annotation::ROLE_ARN, "")]))),
        ("equal, but written by another: shared from now on", |a| a.owned.clear()),
        ("no longer wanted", |a| {
            a.annotations.insert(annotation::TOKEN_EXPIRATION.into(), "900".into());
            a.owned.insert(annotation::TOKEN_EXPIRATION.into());
        }),
    ];
    for (what, change) in put_right {
        assert_eq!(with(change), [Step::Annotate], "{what}");
    }
    let left: [(&str, Change); 2] = [
        ("as it should be", |_| {}),
        ("another's, of which we want nothing", |a| {
            a.annotations.insert(annotation::STS_REGIONAL.into(), "true".into());
        }),
    ];
    for (what, change) in left {
        assert_eq!(with(change), [], "{what}");
    }
}

#[test]
fn a_missing_account_is_waited_for_or_made() {
    let nobody = Accounts::default();
    assert_eq!(steps(&observed(), &nobody), []);
    assert_eq!(steps(&Observed::Agreed, &nobody), []);
    assert_eq!(steps(&Observed::Absent, &nobody)[0], Step::CreateRole, "the role is made all the same");
    let mut desired = desired();
    desired.service_account.create = true;
    let plan = |observed: &Observed| plan(&desired, observed, &nobody, &none()).unwrap().steps;
    assert_eq!(plan(&observed()), [Step::CreateServiceAccount, Step::Annotate]);
    assert_eq!(plan(&Observed::Absent)[..3], [Step::CreateRole, Step::CreateServiceAccount, Step::Annotate]);
}

#[test]
fn the_first_annotation_goes_first_and_one_that_replaces_another_goes_last() {
    let mut role = role(&desired());
    role.attached.clear();
    role.description.clear();
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: Vec::new() };
    assert_eq!(steps(&present(&role), &bare).first(), Some(&Step::Annotate));
    let mut replaced = annotated_by_another(OTHER);
    replaced.former.push(("old".into(), "u0".into()));
    let steps = steps(&present(&role), &replaced);
    let former = Step::Unannotate { name: "old".into(), uid: "u0".into() };
    assert_eq!(steps[steps.len() - 3..], [Step::UpdateRole, former, reannotate(OTHER)]);
}

#[test]
fn a_foreign_annotation_stops_a_new_role_and_only_the_last_step_of_one_that_is_there() {
    let foreign = annotated_by_another(OTHER);
    let error = plan(&desired(), &Observed::Absent, &foreign, &none()).unwrap_err();
    assert_eq!(error.category, Category::Conflict);
    assert_eq!(
        error.message,
        format!(
            "ServiceAccount robot is annotated with another role, {OTHER}; set spec.serviceAccount.replaceRoleArn to {OTHER} \
             if this binding is to take over, or remove its annotation eks.amazonaws.com/role-arn, or delete this binding"
        )
    );
    assert_eq!(steps(&observed(), &foreign), [reannotate(OTHER)]);
    for same in [ARN, ""] {
        assert!(plan(&desired(), &Observed::Absent, &annotated_by_another(same), &none()).is_ok(), "{same:?}");
    }
}

#[test]
fn what_this_binding_wrote_itself_is_no_foreign_annotation() {
    let former_role = Accounts { current: Some(account(&map(&[(annotation::ROLE_ARN, OTHER)]))), former: Vec::new() };
    let steps = steps(&Observed::Absent, &former_role);
    assert_eq!((steps.first(), steps.last()), (Some(&Step::CreateRole), Some(&reannotate(OTHER))));
}

#[test]
fn the_one_value_that_may_be_replaced_stops_no_new_role() {
    let plan = |replaces: &str, live: &str| {
        let mut desired = desired();
        desired.service_account.replaces = Some(replaces.to_owned());
        plan(&desired, &Observed::Absent, &annotated_by_another(live), &none()).map(|plan| plan.steps)
    };
    let steps = plan(OTHER, OTHER).unwrap();
    assert_eq!((steps.first(), steps.last()), (Some(&Step::CreateRole), Some(&reannotate(OTHER))));
    let third = "arn:aws:iam::111122223333:role/third";
    let error = plan(third, OTHER).unwrap_err();
    let said = format!("set spec.serviceAccount.replaceRoleArn, which says {third}, to {OTHER} if");
    assert!(error.category == Category::Conflict && error.message.contains(&said), "{error}");
    // What names no role can't be said in the spec.
    let error = plan(OTHER, "team-a").unwrap_err();
    assert!(error.message.contains("robot is annotated with another role, team-a; remove its annotation"), "{error}");
    assert!(!error.message.contains("replaceRoleArn"), "{error}");
}

#[test]
fn accounts_that_the_binding_left_are_cleaned_up_at_last() {
    let mut accounts = settled(&desired());
    accounts.former = vec![("a".into(), "u2".into()), ("b".into(), "u3".into())];
    let mut live = role(&desired());
    live.trust = Some(trust(&["a"]));
    let steps = steps(&present(&live), &accounts);
    assert_eq!(
        words(&steps),
        [
            "write the trust policy",
            "take the annotations off the ServiceAccount a",
            "take the annotations off the ServiceAccount b"
        ]
    );
    assert_eq!(steps[2], Step::Unannotate { name: "b".into(), uid: "u3".into() });
}
