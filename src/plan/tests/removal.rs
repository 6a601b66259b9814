//! The plan toward nothing.

use super::*;
use crate::api::reason;
use crate::error::Category;

struct Case {
    role: Option<Role>,
    accounts: Accounts,
    extent: Extent,
}

impl Case {
    /// A role and a ServiceAccount as desired, changed.
    fn new(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self { role: Some(role(&desired())), accounts: settled(&desired()), extent: Extent::All };
        change(&mut case);
        case
    }

    fn tag(&mut self, key: &str, value: &str) {
        self.role.as_mut().unwrap().tags.insert(key.into(), value.into());
    }

    fn steps(&self) -> Result<Vec<String>, Error> {
        let desired = desired();
        let inline: Vec<String> = desired.inline.keys().cloned().collect();
        removal(&Removal {
            owner: &desired.owner,
            role: self.role.as_ref(),
            attached: &desired.managed,
            inline: &inline,
            accounts: &self.accounts,
            account_name: "robot",
            extent: self.extent,
        })
        .map(|steps| words(&steps))
    }
}

const UNANNOTATE: &str = "take the annotations off the ServiceAccount robot";

#[test]
fn annotation_then_policies_then_role() {
    let mut all = vec![UNANNOTATE.to_owned(), "take the annotations off the ServiceAccount old".into()];
    all.extend([format!("detach {}", policy("A")), format!("detach {}", policy("B"))]);
    all.extend(["one", "two"].map(|name| format!("remove the inline policy {name}")));
    all.push("delete the role".into());
    let case = Case::new(|case| case.accounts.former.push(("old".into(), "u0".into())));
    assert_eq!(case.steps(), Ok(all));
}

#[test]
fn what_is_not_ours_is_left_and_the_account_is_cleaned() {
    let only_account = Ok(vec![UNANNOTATE.to_owned()]);
    assert_eq!(Case::new(|case| case.role = None).steps(), only_account, "gone already");
    assert_eq!(Case::new(|case| case.tag(tag::BINDING, "orders")).steps(), only_account, "another binding's");
    let foreign = Case::new(|case| case.role.as_mut().unwrap().tags.clear());
    assert_eq!(foreign.steps(), only_account, "somebody else's");
    let clone = Case::new(|case| case.tag(tag::ISSUER, "oidc.example/id/B"));
    assert_eq!(clone.steps(), Ok(vec![]), "this may be a copy of the cluster that owns it: not even the annotation");
}

#[test]
fn deletion_waits_where_it_must() {
    for extent in [Extent::All, Extent::Nothing] {
        let held = Case::new(|case| {
            case.extent = extent;
            case.tag(tag::HOLD, "");
        });
        let error = held.steps().unwrap_err();
        assert_eq!((error.category, error.reason), (Category::Conflict, reason::HELD));
        assert!(error.message.ends_with("its deletion waits until the tag is removed"), "{error}");
        let newer = Case::new(|case| {
            case.extent = extent;
            case.tag(tag::SCHEMA, "2");
        });
        assert!(newer.steps().unwrap_err().reason == reason::NEWER_SCHEMA);
    }
    let of_another = Case::new(|case| {
        case.tag(tag::HOLD, "");
        case.tag(tag::BINDING, "orders");
    });
    assert!(of_another.steps().is_ok(), "a hold on a role that is not ours is no matter of ours");
}

#[test]
fn retain_leaves_role_and_annotation_working_and_marks_the_role_once() {
    let retain = |change: fn(&mut Case)| {
        Case::new(|case| {
            case.extent = Extent::Nothing;
            case.accounts.current.as_mut().unwrap().disposable = true;
            change(case);
        })
        .steps()
        .unwrap()
    };
    assert_eq!(retain(|_| {}), ["set the tags irsa-operator.io/released-by"]);
    let none: [&str; 0] = [];
    assert_eq!(retain(|case| case.tag(tag::RELEASED_BY, "prod")), none);
    assert_eq!(retain(|case| case.role = None), none);
    assert_eq!(retain(|case| case.role.as_mut().unwrap().tags.clear()), none, "not ours to mark");
}

#[test]
fn an_account_goes_only_if_it_was_made_for_this_binding_and_nobody_else_came() {
    let with = |change: fn(&mut Account)| {
        Case::new(|case| {
            case.role = None;
            change(case.accounts.current.as_mut().unwrap());
        })
        .steps()
        .unwrap()
    };
    let none: [&str; 0] = [];
    assert_eq!(with(|account| account.disposable = true), ["delete the ServiceAccount robot"]);
    assert_eq!(with(|_| {}), [UNANNOTATE]);
    assert_eq!(with(|account| account.owned.clear()), none, "nothing on it is ours");
    assert_eq!(Case::new(|case| (case.role, case.accounts) = (None, Accounts::default())).steps(), Ok(vec![]));
}

/// In mode Annotate the role is another's, or will be: it is let go of where it still is ours.
#[test]
fn where_only_the_account_is_ours_the_role_stays() {
    let with = |change: fn(&mut Case)| {
        Case::new(|case| {
            case.extent = Extent::Account;
            change(case);
        })
        .steps()
        .unwrap()
    };
    assert_eq!(with(|case| case.role = None), [UNANNOTATE]);
    assert_eq!(with(|_| {}), [UNANNOTATE, "set the tags irsa-operator.io/released-by"]);
    assert_eq!(with(|case| case.tag(tag::RELEASED_BY, "prod")), [UNANNOTATE]);
    assert_eq!(with(|case| case.tag(tag::CLUSTER, "green")), [UNANNOTATE], "another's");
    assert_eq!(with(|case| case.tag(tag::HOLD, "")), [UNANNOTATE], "what is not written holds nothing up");
    assert_eq!(with(|case| case.tag(tag::SCHEMA, "2")), [UNANNOTATE]);
    let none: [&str; 0] = [];
    assert_eq!(with(|case| case.tag(tag::ISSUER, "oidc.example/id/B")), none, "perhaps a copy of the cluster");
}
