//! What waits until somebody says that a role which was taken over may lose it.

use super::adoption::{ALL, THERE, offered, plan_for, wish};
use super::world::{World, accounts, denying, roles, wishes};
use super::*;
use crate::desired::Adoption;
use crate::plan::adoption::part;
use proptest::prelude::*;

/// What is lost waits, what is added does not, unless it would be for others or without the boundary.
#[test]
fn what_waits() {
    type Change = fn(&mut Desired, &mut Role);
    let add = "attach arn:aws:iam::aws:policy/A";
    let cases: [(&str, Change, &[&str], &[&str]); 13] = [
        ("nothing", |_, _| {}, &[], &[]),
        ("trust", |_, r| r.trust = Some(trust(&["x"])), &[], &["write the trust policy"]),
        ("trust no JSON", |_, r| r.trust = None, &[], &["write the trust policy"]),
        ("a subject more", |d, _| d.trust = trust(&["robot", "x"]), &["write the trust policy"], &[]),
        ("a subject less", |_, r| r.trust = Some(trust(&["robot", "x"])), &[], &["write the trust policy"]),
        ("boundary", |_, r| r.boundary = None, &[], &["set the permissions boundary arn:aws:iam::aws:policy/edge"]),
        ("shorter session", |_, r| r.max_session = 7200, &[], &["set description and session length"]),
        ("longer session", |d, _| d.max_session = 7200, &["set description and session length"], &[]),
        ("description", |_, r| r.description.clear(), &["set description and session length"], &[]),
        ("stray", |_, r| r.attached.extend([policy("X")]), &[], &["detach arn:aws:iam::aws:policy/X"]),
        (
            "stray inline",
            |_, r| drop(r.inline.insert("x".into(), Some(allows("*")))),
            &[],
            &["remove the inline policy x"],
        ),
        (
            "inline replaced",
            |_, r| drop(r.inline.insert("one".into(), Some(allows("*")))),
            &[],
            &["write the inline policy one"],
        ),
        ("inline new", |_, r| drop(r.inline.remove("one")), &["write the inline policy one"], &[]),
    ];
    for (what, change, now, waits) in cases {
        for adds in [false, true] {
            let mut desired = wish(Adoption { accepts_removals: false, ..ALL });
            let mut role = offered(&desired, |role| {
                if adds {
                    role.attached.remove(&policy("A"));
                }
            });
            change(&mut desired, &mut role);
            let plan = plan_for(&desired, &role).unwrap();
            let narrows = waits.iter().any(|step| step.contains("trust") || step.contains("boundary"));
            let added = |here: bool| (adds && here).then_some(add);
            let mut expected: Vec<&str> = now.iter().copied().chain(added(!narrows)).collect();
            let mut waiting: Vec<&str> = waits.iter().copied().chain(added(narrows)).collect();
            let mut steps = words(&plan.steps[2..]);
            let mut later = words(&plan.waiting);
            assert!(plan.adopts && steps.iter().chain(&later).all(|step| !step.contains("ServiceAccount")), "{what}");
            [&mut steps, &mut later].into_iter().for_each(|list| list.sort());
            [&mut expected, &mut waiting].into_iter().for_each(|list| list.sort_unstable());
            assert_eq!(
                (steps, later),
                (expected.iter().map(|s| (*s).to_owned()).collect(), waiting.iter().map(|s| (*s).to_owned()).collect()),
                "{what}"
            );
        }
    }
}

#[test]
fn values_of_tags_are_kept_until_somebody_accepts() {
    let desired = wish(Adoption { accepts_removals: false, ..ALL });
    let role = offered(&desired, |role| drop(role.tags.insert("Team".into(), "theirs".into())));
    let plan = plan_for(&desired, &role).unwrap();
    assert!(matches!(&plan.steps[0], Step::Tag(tags) if !tags.contains_key("team") && tags.contains_key(DECLARED)));
    assert_eq!(plan.waiting, [Step::Tag([("team".to_owned(), "billing".to_owned())].into())]);
    let mut former = role.clone();
    former.tags.extend(tags_of(&[("cost", "1")]));
    former.tags.insert(tag::BINDING.into(), "former".into());
    let plan = plan_for(&desired, &former).unwrap();
    assert!(plan.waiting.contains(&Step::Untag(vec!["cost".into()])), "{:?}", words(&plan.waiting));
    let remembers =
        |steps: &[Step]| steps.iter().any(|step| matches!(step, Step::Tag(tags) if tags.contains_key(DECLARED)));
    assert!(!remembers(&plan.steps) && remembers(&plan.waiting), "or nobody would know of it later");
}

/// While its trust policy waits nobody is sent to a role that may not let them in.
#[test]
fn a_service_account_is_annotated_once_the_role_trusts_it() {
    let desired = wish(Adoption { accepts_removals: false, ..ALL });
    let role = offered(&desired, |role| role.trust = Some(trust(&["x"])));
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: Vec::new() };
    let of = |desired: &Desired, accounts: &Accounts| plan(desired, &present(&role), accounts, &none()).unwrap();
    let waits = of(&desired, &bare);
    assert_eq!(waits.waiting, [Step::UpdateTrust, Step::Annotate]);
    assert!(!waits.steps.contains(&Step::Annotate));
    let (steps, waiting) = unannotated(&desired, &bare, &[Step::UpdateTrust], vec![Step::Annotate]);
    assert_eq!((steps, waiting), (vec![], vec![Step::Annotate]), "also where the role was not read again");
    let replaces = vec![Step::Reannotate(OTHER.into())];
    for (waits, stays) in [(vec![Step::Detach(policy("X"))], true), (vec![Step::UpdateTrust], true), (vec![], false)] {
        let (steps, waiting) = unannotated(&desired, &annotated_by_another(OTHER), &waits, replaces.clone());
        assert_eq!(
            (steps.is_empty(), waiting.is_empty()),
            (stays, !stays),
            "Pods keep the role that they have: {waits:?}"
        );
    }
    let theirs = annotated_by_another(THERE);
    assert!(of(&desired, &theirs).steps.contains(&Step::Annotate), "it names the role already, and is shared");
    assert!(of(&wish(ALL), &bare).steps.contains(&Step::Annotate));
}

#[test]
fn a_hold_sends_nobody_to_a_role_that_does_not_trust_them_yet() {
    let desired = wish(Adoption { accepts_removals: false, ..ALL });
    let mut live = role(&desired);
    live.tags.extend([(tag::ADOPTED.to_owned(), "prod".to_owned()), (tag::HOLD.to_owned(), String::new())]);
    live.trust = Some(trust(&["x"]));
    live.max_session = 1800;
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: Vec::new() };
    let plan = plan(&desired, &present(&live), &bare, &none()).unwrap();
    assert_eq!((plan.steps, plan.held), (vec![], vec![Step::UpdateRole]));
    assert_eq!(plan.waiting, [Step::UpdateTrust, Step::Annotate]);
}

#[test]
fn parting_loses_no_step() {
    let desired = wish(ALL);
    let mut role = offered(&desired, |role| role.tags.extend(tags_of(&[("cost", "1")])));
    role.attached.clear();
    role.boundary = None;
    role.max_session = 7200;
    role.trust = None;
    let all = plan_for(&desired, &role).unwrap().steps;
    let (now, later) = part(&desired, &role, all.clone());
    let flat = |steps: &[Step]| {
        let mut flat: Vec<String> = steps
            .iter()
            .flat_map(|step| match step {
                Step::Tag(tags) => tags.iter().map(|(k, v)| format!("tag {k}={v}")).collect(),
                Step::Untag(keys) => keys.iter().map(|key| format!("untag {key}")).collect(),
                step => vec![step.to_string()],
            })
            .collect();
        flat.sort();
        flat
    };
    assert_eq!(flat(&[now, later].concat()), flat(&all));
}

/// A role of nobody, or of a former binding, that is offered to this one.
fn others() -> impl Strategy<Value = Role> {
    (roles(), any::<bool>()).prop_map(|(mut role, former)| {
        let reserved = |key: &str| key.to_lowercase().starts_with(tag::PREFIX);
        if former {
            role.tags.retain(|key, _| !key.eq_ignore_ascii_case(tag::BINDING));
            role.tags.insert(tag::BINDING.into(), "former".into());
        } else {
            role.tags.retain(|key, _| !reserved(key));
        }
        role.tags.insert(tag::ADOPTABLE_BY.into(), "prod/billing/invoices".into());
        role
    })
}

fn steps_in(world: &World, desired: &Desired) -> Vec<Step> {
    plan(desired, &world.observed(), &world.accounts, &[denying()].into()).unwrap().steps
}

fn carry_out(world: &mut World, desired: &Desired, steps: &[Step]) {
    steps.iter().for_each(|step| world.apply(desired, step));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_before_somebody_accepts_and_then_all_is_as_declared(
        desired in wishes(), role in others(), accounts in accounts(), at: prop::sample::Index,
    ) {
        let accepting = |accepts_removals| Desired {
            revokes: None,
            adoption: Adoption { asked: true, allowed: true, accepts_removals, ..Adoption::default() },
            ..desired.clone()
        };
        let (holds, accepts) = (accepting(false), accepting(true));
        let begin = World { role: Some(role.clone()), accounts };
        let mut world = begin.clone();
        let steps = steps_in(&world, &holds);
        prop_assert!(claims(&steps[0]), "first whose it is: {:?}", words(&steps));
        for step in &steps {
            world.apply(&holds, step);
            let now = world.role.as_ref().unwrap();
            prop_assert!(world.permissions().is_superset(&begin.permissions()), "{step}");
            prop_assert!(now.attached.is_superset(&role.attached) && now.max_session >= role.max_session, "{step}");
            prop_assert_eq!(&now.boundary, &role.boundary);
            for (key, value) in role.tags.iter().filter(|(key, _)| !key.to_lowercase().starts_with(tag::PREFIX)) {
                prop_assert_eq!(crate::iam::tags::get(&now.tags, key), Some(value.as_str()), "{}", step);
            }
        }
        prop_assert_eq!(steps_in(&world, &holds), vec![], "what waits waits");

        let mut killed = begin.clone();
        carry_out(&mut killed, &holds, &steps[..at.index(steps.len() + 1)]);
        let rest = steps_in(&killed, &holds);
        carry_out(&mut killed, &holds, &rest);
        prop_assert_eq!(&killed, &world, "a kill changes nothing of the end");

        let rest = steps_in(&world, &accepts);
        carry_out(&mut world, &accepts, &rest);
        let mut at_once = begin;
        let steps = steps_in(&at_once, &accepts);
        carry_out(&mut at_once, &accepts, &steps);
        prop_assert_eq!(&world, &at_once, "as if it had been accepted at once");
        prop_assert_eq!(steps_in(&world, &accepts), vec![]);
        let role = world.role.unwrap();
        prop_assert_eq!(role.trust.as_ref(), Some(&desired.trust));
        prop_assert!(is_adopted(&role.tags));
    }
}
