//! What holds for every wish and every role.

use super::world::{World, accounts, denying, roles, wishes};
use super::*;
use crate::iam::document::INLINE_TOTAL_MAX;
use proptest::prelude::*;

fn plan_in(world: &World, desired: &Desired) -> Plan {
    plan(desired, &world.observed(), &world.accounts, &[denying()].into()).unwrap()
}

/// Carries out all steps, and looks at each state on the way.
fn carry_out(world: &mut World, desired: &Desired, steps: &[Step], mut look: impl FnMut(&World)) {
    for step in steps {
        world.apply(desired, step);
        look(world);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_leads_to_where_nothing_is_to_be_done(
        desired in wishes(), role in prop::option::weighted(0.9, roles()), accounts in accounts(),
    ) {
        let mut world = World { role, accounts };
        let plan = plan_in(&world, &desired);
        carry_out(&mut world, &desired, &plan.steps, |_| {});
        let rest = plan_in(&world, &desired);
        prop_assert_eq!(words(&rest.steps), Vec::<String>::new());
        prop_assert_eq!(rest.notes, plan.notes, "what is left alone is told each time");
        let role = world.role.unwrap();
        prop_assert_eq!(role.trust.as_ref(), Some(&desired.trust));
        prop_assert!(role.attached.iter().all(|arn| desired.managed.contains(arn) || *arn == denying()));
        prop_assert!(role.attached.is_superset(&desired.managed));
    }

    #[test]
    fn a_kill_between_any_two_steps_changes_nothing_of_the_end(
        desired in wishes(), role in prop::option::weighted(0.9, roles()), accounts in accounts(), at: prop::sample::Index,
    ) {
        let begin = World { role, accounts };
        let steps = plan_in(&begin, &desired).steps;
        let (mut whole, mut killed) = (begin.clone(), begin);
        carry_out(&mut whole, &desired, &steps, |_| {});
        carry_out(&mut killed, &desired, &steps[..at.index(steps.len() + 1)], |_| {});
        let rest = plan_in(&killed, &desired).steps;
        carry_out(&mut killed, &desired, &rest, |_| {});
        prop_assert_eq!(killed, whole);
    }

    /// Whatever else changes: until then Pods get the other role, and from then on nothing of ours is missing.
    #[test]
    fn an_annotation_that_replaces_another_roles_is_the_last_step(
        desired in wishes(), role in prop::option::weighted(0.9, roles()), mut accounts in accounts(),
    ) {
        let foreign = annotated_by_another(OTHER).current.unwrap();
        let owned = accounts.current.take().map(|account| account.owned).unwrap_or_default();
        accounts.current = Some(Account { owned, ..foreign });
        let mut desired = desired;
        desired.service_account.replaces = Some(OTHER.to_owned());
        let mut world = World { role, accounts };
        let steps = plan_in(&world, &desired).steps;
        let (last, rest) = steps.split_last().unwrap();
        prop_assert_eq!(last, &reannotate(OTHER));
        prop_assert!(!rest.iter().any(|step| matches!(step, Step::Annotate | Step::Reannotate(_))), "{:?}", words(rest));
        let names = |world: &World| world.accounts.current.as_ref()?.annotations.get(annotation::ROLE_ARN).cloned();
        let mut named = BTreeSet::new();
        carry_out(&mut world, &desired, rest, |world| named.extend(names(world)));
        prop_assert!(named.iter().all(|role| role == OTHER), "{:?}", named);
        let ready = plan(&desired, &world.observed(), &settled(&desired), &[denying()].into()).unwrap();
        prop_assert_eq!(words(&ready.steps), Vec::<String>::new(), "the role is as it should be before");
        for done in 0..rest.len() {
            prop_assert!(!goes_on(&steps[done..rest.len()], last) || rest[done..].iter().all(|s| s.facet() == Facet::ServiceAccount));
        }
    }

    #[test]
    fn nobody_ever_has_what_neither_the_old_nor_the_new_state_gives(desired in wishes(), role in roles()) {
        let mut world = World { role: Some(role), accounts: settled(&desired) };
        let steps = plan_in(&world, &desired).steps;
        let mut end = world.clone();
        carry_out(&mut end, &desired, &steps, |_| {});
        let either: BTreeSet<_> = world.permissions().union(&end.permissions()).cloned().collect();
        let mut extra = Vec::new();
        carry_out(&mut world, &desired, &steps, |world| extra.extend(world.permissions().difference(&either).cloned()));
        prop_assert_eq!(extra, vec![], "{:?}", words(&steps));
    }

    /// Not with an unreadable inline policy, whose size nobody knows.
    #[test]
    fn no_step_is_refused_for_a_quota_that_holds_both_ends(desired in wishes(), mut role in roles()) {
        role.inline.retain(|_, document| document.is_some());
        let mut world = World { role: Some(role), accounts: settled(&desired) };
        let steps = plan_in(&world, &desired).steps;
        let mut end = world.clone();
        carry_out(&mut end, &desired, &steps, |_| {});
        let inline = INLINE_TOTAL_MAX.max(world.inline_size()).max(end.inline_size());
        let attached = 10.max(world.attached()).max(end.attached());
        let mut tags = 50;
        carry_out(&mut world, &desired, &steps, |world| {
            assert!(world.inline_size() <= inline, "{:?}", words(&steps));
            assert!(world.attached() <= attached, "{:?}", words(&steps));
            tags = tags.max(world.role.as_ref().unwrap().tags.len());
        });
        prop_assert_eq!(tags, 50);
    }

    #[test]
    fn a_role_that_is_as_desired_is_left_alone(desired in wishes(), accounts in accounts()) {
        let world = World { role: Some(role(&desired)), accounts };
        let plan = plan_in(&world, &desired);
        let only_accounts = plan.steps.iter().all(|step| step.facet() == Facet::ServiceAccount);
        prop_assert!(only_accounts, "{:?}", words(&plan.steps));
        let agreed = super::super::plan(&desired, &Observed::Agreed, &world.accounts, &none()).unwrap();
        prop_assert_eq!(agreed.steps, plan.steps, "as if it was not read again");
    }

    #[test]
    fn what_is_not_ours_is_never_touched(desired in wishes(), role in roles(), accounts in accounts()) {
        let mut world = World { role: Some(role.clone()), accounts };
        let steps = plan_in(&world, &desired).steps;
        carry_out(&mut world, &desired, &steps, |_| {});
        let after = world.role.unwrap();
        let get = crate::iam::tags::get;
        for key in ["auditor", "budget", "aws:x"] {
            prop_assert_eq!(get(&after.tags, key), get(&role.tags, key));
        }
        if get(&role.tags, "env") == Some("theirs") && get(&desired.tags, "env").is_none() {
            prop_assert_eq!(get(&after.tags, "env"), Some("theirs"), "put there by hand, not by a spec");
        }
        let touches = |step: &Step| match step {
            Step::Detach(arn) => *arn == denying(),
            Step::DeleteInline(name) | Step::PutInline(name) if !desired.inline.contains_key(name) => {
                role.inline[name].as_ref().is_some_and(Document::only_denies)
            }
            _ => false,
        };
        prop_assert!(!steps.iter().any(touches), "{:?}", words(&steps));
    }

    #[test]
    fn a_held_role_is_never_written(desired in wishes(), mut role in roles(), accounts in accounts()) {
        let free = plan_in(&World { role: Some(role.clone()), accounts: accounts.clone() }, &desired);
        role.tags.insert("Irsa-Operator.io/hold".into(), "incident 7".into());
        let held = plan_in(&World { role: Some(role), accounts }, &desired);
        prop_assert!(held.steps.iter().all(|step| step.facet() == Facet::ServiceAccount), "{:?}", words(&held.steps));
        prop_assert!(held.held.iter().all(|step| step.facet() != Facet::ServiceAccount), "{:?}", words(&held.held));
        prop_assert_eq!(held.held.len() + held.steps.len(), free.steps.len(), "all that waits is known");
    }

    #[test]
    fn removal_leaves_nothing_of_ours(
        desired in wishes(), role in prop::option::weighted(0.9, roles()), accounts in accounts(), disposable: bool,
    ) {
        let mut world = World { role, accounts };
        if let Some(account) = &mut world.accounts.current {
            account.disposable = disposable;
        }
        let live = world.role.clone();
        let inline: Vec<String> = live.iter().flat_map(|role| role.inline.keys().cloned()).collect();
        let steps = removal(&Removal {
            owner: &desired.owner,
            role: live.as_ref(),
            attached: &live.as_ref().map(|role| role.attached.clone()).unwrap_or_default(),
            inline: &inline,
            accounts: &world.accounts,
            account_name: "robot",
            extent: Extent::All,
        });
        let steps = steps.unwrap();
        let facets: Vec<Facet> = steps.iter().map(Step::facet).collect();
        let order = |facet: &Facet| [Facet::ServiceAccount, Facet::Policies, Facet::Role].iter().position(|f| f == facet);
        prop_assert!(facets.is_sorted_by_key(order), "{:?}", words(&steps));
        carry_out(&mut world, &desired, &steps, |_| {});
        prop_assert!(world.role.is_none());
        prop_assert!(world.accounts.former.is_empty());
        prop_assert!(world.accounts.current.is_none_or(|account| account.owned.is_empty()));
    }
}
