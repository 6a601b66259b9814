//! The order of steps: every row of the table at the head of `plan`, and every sentence of the design's "Order of steps".

use super::*;
use crate::plan::Note;

/// The plan for a role that differs from the desired one by `change`; its ServiceAccount is in order.
fn plan_for(change: impl FnOnce(&mut Desired, &mut Role)) -> Plan {
    let mut desired = desired();
    let mut role = role(&desired);
    change(&mut desired, &mut role);
    plan(&desired, &present(&role), &settled(&desired), &none()).unwrap()
}

fn steps_for(change: impl FnOnce(&mut Desired, &mut Role)) -> Vec<Step> {
    plan_for(change).steps
}

fn attach(name: &str) -> Step {
    Step::Attach(policy(name))
}
fn detach(name: &str) -> Step {
    Step::Detach(policy(name))
}
fn put(name: &str) -> Step {
    Step::PutInline(name.into())
}
fn delete(name: &str) -> Step {
    Step::DeleteInline(name.into())
}
fn tag(pairs: &[(&str, &str)]) -> Step {
    Step::Tag(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn nothing_is_to_be_done_where_nothing_differs() {
    assert_eq!(plan_for(|_, _| {}), Plan::default());
    let desired = desired();
    assert_eq!(plan(&desired, &Observed::Agreed, &settled(&desired), &none()), Ok(Plan::default()));
}

#[test]
fn a_new_role_is_annotated_at_once_and_gets_its_policies_then() {
    let desired = desired();
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: vec![("old".into(), "u0".into())] };
    let plan = plan(&desired, &Observed::Absent, &bare, &none()).unwrap();
    let former = Step::Unannotate { name: "old".into(), uid: "u0".into() };
    assert_eq!(
        plan.steps,
        [Step::CreateRole, Step::Annotate, attach("A"), attach("B"), put("one"), put("two"), former]
    );
    assert_eq!((plan.held, plan.notes), (vec![], vec![]));
}

#[test]
fn a_role_that_somebody_deleted_is_made_again() {
    let desired = desired();
    let plan = plan(&desired, &Observed::Absent, &settled(&desired), &none()).unwrap();
    assert_eq!(plan.steps, [Step::CreateRole, attach("A"), attach("B"), put("one"), put("two")]);
}

#[test]
fn each_difference_is_one_step() {
    type Change = fn(&mut Desired, &mut Role);
    let cases: [(&str, Change, Step); 15] = [
        ("description", |_, r| r.description.clear(), Step::UpdateRole),
        ("session", |_, r| r.max_session = 7200, Step::UpdateRole),
        ("boundary gone", |_, r| r.boundary = None, Step::PutBoundary(policy("edge"))),
        ("boundary replaced", |_, r| r.boundary = Some(policy("x")), Step::PutBoundary(policy("edge"))),
        ("tag gone", |_, r| drop(r.tags.remove("team")), tag(&[("team", "billing")])),
        ("tag changed", |_, r| drop(r.tags.insert("team".into(), "x".into())), tag(&[("team", "billing")])),
        ("owner tag", |_, r| drop(r.tags.remove(tag::CLASS)), tag(&[(tag::CLASS, "default")])),
        ("trust edited", |_, r| r.trust = Some(trust(&["thief"])), Step::UpdateTrust),
        ("trust no JSON", |_, r| r.trust = None, Step::UpdateTrust),
        ("detached", |_, r| r.attached.retain(|arn| *arn != policy("A")), attach("A")),
        ("stray managed", |_, r| r.attached.extend([policy("X")]), detach("X")),
        ("inline gone", |_, r| drop(r.inline.remove("one")), put("one")),
        ("inline edited", |_, r| drop(r.inline.insert("one".into(), Some(allows("*")))), put("one")),
        ("inline no JSON", |_, r| drop(r.inline.insert("one".into(), None)), put("one")),
        ("stray inline", |_, r| drop(r.inline.insert("x".into(), Some(allows("*")))), delete("x")),
    ];
    for (what, change, step) in cases {
        assert_eq!(steps_for(change), [step], "{what}");
    }
    assert_eq!(steps_for(|_, r| drop(r.inline.insert("x".into(), None))), [delete("x")], "a stray that is no JSON");
}

/// A role on which everything differs that can.
fn all_differs(desired: &mut Desired, role: &mut Role) {
    role.tags = tags_of(&[("cost", "1")]);
    role.tags.remove(tag::CLASS);
    role.tags.insert("auditor".into(), "somebody else".into());
    role.boundary = Some(policy("old-edge"));
    role.attached = [policy("A"), policy("X")].into();
    role.inline.insert("one".into(), Some(allows("*")));
    role.inline.remove("two");
    role.inline.insert("stray".into(), Some(allows("*")));
    role.description = "old".into();
    desired.max_session = 7200;
}

/// What comes before and after policies and trust, whatever these are.
fn framed(steps: &[Step]) -> &[Step] {
    let [Step::Untag(withdrawn), Step::Tag(tags), Step::PutBoundary(_), between @ .., Step::UpdateRole] = steps else {
        panic!("{:?}", words(steps));
    };
    assert_eq!(withdrawn, &["cost"]);
    assert_eq!(tags.keys().collect::<Vec<_>>(), [tag::CLASS, DECLARED, "team"]);
    between
}

#[test]
fn trust_unchanged_additions_come_before_removals() {
    let steps = steps_for(all_differs);
    assert_eq!(framed(&steps), [attach("B"), put("one"), put("two"), detach("X"), delete("stray")]);
}

#[test]
fn subjects_only_added_policies_then_trust() {
    let steps = steps_for(|desired, role| {
        all_differs(desired, role);
        desired.trust = trust(&["robot", "second"]);
    });
    assert_eq!(framed(&steps), [attach("B"), put("one"), put("two"), detach("X"), delete("stray"), Step::UpdateTrust]);
}

#[test]
fn subjects_only_removed_trust_then_policies() {
    let steps = steps_for(|desired, role| {
        all_differs(desired, role);
        role.trust = Some(trust(&["robot", "thief"]));
    });
    assert_eq!(framed(&steps), [Step::UpdateTrust, attach("B"), put("one"), put("two"), detach("X"), delete("stray")]);
}

#[test]
fn subjects_replaced_removals_then_trust_then_additions() {
    for live in [Some(trust(&["former"])), Some(allows("sts:AssumeRole")), None] {
        let steps = steps_for(|desired, role| {
            all_differs(desired, role);
            role.trust = live;
        });
        assert_eq!(
            framed(&steps),
            [detach("X"), delete("stray"), delete("one"), Step::UpdateTrust, attach("B"), put("one"), put("two")],
            "a changed inline document is deleted before, a new one is not there to be deleted"
        );
    }
}

#[test]
fn removals_come_first_where_a_quota_would_not_hold_both() {
    let names = |from: u8, count: u8| (from..from + count).map(|i| policy(&format!("{}", char::from(i)))).collect();
    let swap = |live: u8, wanted: u8| {
        steps_for(|desired, role| {
            desired.managed = names(b'A', wanted);
            role.attached = names(b'a', live);
        })
    };
    assert!(matches!(swap(5, 5)[0], Step::Attach(_)), "ten fit under any quota");
    assert!(matches!(swap(6, 5)[0], Step::Detach(_)), "eleven may not");
    let inline = |old: usize, new: usize| {
        steps_for(|desired, role| {
            desired.inline = [("new".to_owned(), sized(new))].into();
            role.inline = [("old".to_owned(), Some(sized(old)))].into();
        })
    };
    assert_eq!(inline(4000, 4000), [put("new"), delete("old")]);
    assert_eq!(inline(6000, 6000), [delete("old"), put("new")]);
}

#[test]
fn inline_policies_that_shrink_are_written_before_those_that_grow() {
    let steps = steps_for(|desired, role| {
        desired.inline = [("a", 6000), ("b", 3900), ("c", 10)].map(|(n, size)| (n.to_owned(), sized(size))).into();
        role.inline = [("a", 10), ("b", 9800), ("c", 10)].map(|(n, size)| (n.to_owned(), Some(sized(size)))).into();
    });
    assert_eq!(steps, [put("b"), put("a")], "in the order of names the first would not fit");
}

#[test]
fn what_only_takes_away_stays_and_is_said() {
    let denying = [policy("AWSDenyAll")].into();
    let desired = Desired { boundary: None, ..desired() };
    let mut role = role(&desired);
    role.boundary = Some(policy("quarantine"));
    role.attached.extend([policy("AWSDenyAll"), policy("X")]);
    role.inline.insert("AWSRevokeOlderSessions".into(), Some(denies()));
    let plan = plan(&desired, &present(&role), &settled(&desired), &denying).unwrap();
    assert_eq!(plan.steps, [detach("X")]);
    let kept = vec![
        policy("AWSDenyAll"),
        "AWSRevokeOlderSessions".into(),
        format!("the permissions boundary {}", policy("quarantine")),
    ];
    assert_eq!(plan.notes, [Note::Restricted(kept)]);
    let listed = Desired { managed: [policy("AWSDenyAll")].into(), ..desired };
    let plan = super::plan(&listed, &present(&role), &settled(&listed), &denying).unwrap();
    assert!(!format!("{:?}", plan.notes).contains("AWSDenyAll"), "a policy that the spec lists is no stray");
}

#[test]
fn tags_of_others_stay_and_keys_are_one_in_any_case() {
    let steps = steps_for(|_, role| {
        role.tags.insert("auditor".into(), "x".into());
        role.tags.insert("aws:cloudformation:stack-id".into(), "x".into());
        role.tags.insert("irsa-operator.io/adoptable-by".into(), "blue/shop/invoices".into());
    });
    assert_eq!(steps, []);
    let steps = steps_for(|_, role| {
        role.tags = role.tags.iter().map(|(k, v)| (k.to_uppercase(), v.clone())).collect();
    });
    assert_eq!(steps, [], "IAM takes them for the same");
    let steps = steps_for(|desired, role| {
        role.tags = tags_of(&[("Team", "billing"), ("Cost", "1")]);
        desired.tags = tags_of(&[]);
    });
    let [Step::Untag(gone)] = &steps[..] else { panic!("{:?}", words(&steps)) };
    assert_eq!(gone, &["Cost", "Team", DECLARED], "in the case in which they are there, and in one call");
}

/// The memory of which tags were declared is itself a tag. If it were written first, a kill would make a withdrawn tag
/// look like somebody else's.
#[test]
fn a_kill_between_two_calls_leaves_no_withdrawn_tag_behind() {
    let mut desired = desired();
    let mut live = role(&desired);
    desired.tags = tags_of(&[("squad", "x")]);
    let plans = |role: &Role| plan(&desired, &present(role), &settled(&desired), &none()).unwrap().steps;
    let steps = plans(&live);
    assert_eq!(steps.len(), 2, "{:?}", words(&steps));
    after(&mut live, &desired, &steps[0]);
    assert!(!live.tags.contains_key("team"));
    assert_eq!(plans(&live), steps[1..]);
}

#[test]
fn what_may_still_be_tried_after_a_failure() {
    use Step::{Annotate, CreateServiceAccount, UpdateRole, UpdateTrust};
    let unannotate = Step::Unannotate { name: "x".into(), uid: "u".into() };
    assert!(goes_on(&[], &UpdateTrust));
    assert!(goes_on(&[attach("A"), put("x")], &attach("B")), "one missing policy holds up no other");
    assert!(!goes_on(&[attach("A")], &detach("X")), "nothing goes before its replacement is there");
    assert!(!goes_on(&[attach("A")], &UpdateTrust) && !goes_on(&[attach("A")], &UpdateRole));
    assert!(!goes_on(&[detach("X"), UpdateTrust], &attach("A")), "it would be for those who are trusted so far");
    let replaces = reannotate(OTHER);
    assert!(!goes_on(&[attach("A")], &replaces), "one that replaces another waits for the policies");
    assert!(goes_on(std::slice::from_ref(&unannotate), &replaces), "and for no other ServiceAccount");
    assert!(goes_on(&[Annotate], &UpdateTrust), "a ServiceAccount holds up no role");
    assert!(!goes_on(&[CreateServiceAccount], &Annotate) && goes_on(&[CreateServiceAccount], &unannotate));
}

/// What a plan once found for a role is told in the same order later, beside what the ServiceAccount needs by then.
#[test]
fn the_steps_for_a_role_are_told_again_in_the_same_order() {
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: vec![("old".into(), "u0".into())] };
    let mut live = role(&desired());
    live.attached.clear();
    for observed in [Observed::Absent, present(&live), present(&role(&desired()))] {
        let all = plan(&desired(), &observed, &bare, &none()).unwrap().steps;
        let of_role: Vec<Step> = all.iter().filter(|step| step.facet() != Facet::ServiceAccount).cloned().collect();
        assert_eq!(whole(&desired(), of_role.clone(), &bare), all);
        assert_eq!(
            whole(&desired(), of_role.clone(), &settled(&desired())),
            of_role,
            "the ServiceAccount is right by now"
        );
    }
}

/// What one class allowed never meets the boundary and the tags of another, wherever a kill ends it.
#[test]
fn a_role_that_moves_to_another_class_loses_what_it_had_first() {
    let steps = steps_for(|desired, role| {
        desired.owner.class = "other".into();
        desired.tags.insert("irsa-operator.io/class".into(), "other".into());
        desired.boundary = Some(policy("looser"));
        role.attached.insert(policy("Stray"));
        role.inline.insert("one".into(), None);
    });
    let moved = [tag(&[("irsa-operator.io/class", "other")]), Step::PutBoundary(policy("looser")), put("one")];
    assert_eq!(steps, [&[detach("Stray"), delete("one")][..], &moved].concat());
}
