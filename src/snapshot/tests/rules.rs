//! The rules of sweeps, each by itself over random numbers; `interleavings` has them all at once. Their letters:
//!
//! a. a page sent before the end of our last change, or during one, says nothing of that role;
//! b. nor does one sent within the settle window;
//! c. what is unknown is read directly;
//! d. a deleted role stays deleted, for as long as pages may show it;
//! e. what bulk calls render otherwise costs two reads;
//! f. each half has its own time;
//! g. what is kept is ours or expected;
//! h. a sweep that is hardly to be believed is not believed;
//! i. there is one store and one sweep for each account.

use super::world::{LAG, SETTLED, World};
use super::*;
use crate::snapshot::entry::LEARNT;
use proptest::prelude::*;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One page of a half, of these roles.
fn page(snapshot: &mut Snapshot, number: u32, head: bool, sent: Instant, roles: &[Role]) {
    match head {
        true => snapshot.heads(ACCOUNT, number, sent, roles.iter().map(listed).collect()),
        false => snapshot.details(ACCOUNT, number, sent, roles.iter().map(detailed).collect(), "c"),
    }
}

fn names(roles: &[Role]) -> Vec<Box<str>> {
    roles.iter().map(|role| role.arn.as_str().into()).collect()
}

fn sorted(mut arns: Vec<Box<str>>) -> Vec<Box<str>> {
    arns.sort();
    arns
}

/// A change of either half.
fn other(role: &Role, head: bool) -> Role {
    let mut role = role.clone();
    if head {
        role.description.push('x');
    } else {
        role.attached.insert("x".into());
    }
    role
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn abf_a_half_is_believed_if_it_was_sent_when_our_last_change_had_settled(
        begun in 0..300_u64, ended in 0..300_u64, lost: bool, sent in [0..500_u64, 0..500],
        differs: [bool; 2], heads_first: bool, in_flight: bool,
    ) {
        let (mut snapshot, start) = (Snapshot::default(), Instant::now());
        let (a, ended) = (role("a", 1), begun + ended);
        let number = snapshot.begin(ACCOUNT, Source::Bulk, start);
        ask(&mut snapshot, &a, true, start);
        snapshot.unknown(&a.arn);
        prop_assert_eq!(ask(&mut snapshot, &a, true, start + secs(begun)), Judgement::Look, "c");
        snapshot.wrote(&a.arn, (!lost).then(|| a.clone()), start + secs(ended));
        prop_assert_eq!(ask(&mut snapshot, &a, true, start + secs(ended)), Judgement::Look, "c");
        agree(&mut snapshot, &a, false, start + secs(ended));
        for head in [heads_first, !heads_first] {
            let shown = if differs[usize::from(head)] { other(&a, head) } else { a.clone() };
            page(&mut snapshot, number, head, start + secs(sent[usize::from(head)]), &[shown]);
        }
        if in_flight {
            snapshot.unknown(&a.arn);
        }
        let verdict = snapshot.end(ACCOUNT, number, SETTLE, start + secs(2000)).unwrap();
        let believed = |half: usize| differs[half] && sent[half] >= ended + SETTLED;
        prop_assert_eq!(!verdict.doubtful.is_empty(), !in_flight && (believed(0) || believed(1)));
    }

    #[test]
    fn c_no_page_makes_us_know_what_a_change_of_ours_made_unknown(
        lost: bool, answered: bool, forgotten: bool, pause in 1..SETTLED,
    ) {
        let (mut snapshot, start) = (Snapshot::default(), Instant::now());
        let a = role("a", 1);
        sweep(&mut snapshot, std::slice::from_ref(&a), start);
        prop_assert!(matches!(ask(&mut snapshot, &a, true, start), Judgement::Agreed(_)));
        snapshot.unknown(&a.arn);
        if answered {
            snapshot.wrote(&a.arn, (!lost).then(|| a.clone()), start);
        }
        if forgotten {
            snapshot.forget(&a.arn);
        }
        let now = start + secs(pause);
        sweep(&mut snapshot, &[], now);
        prop_assert!(!snapshot.missed(&a.arn, SETTLE));
        sweep(&mut snapshot, std::slice::from_ref(&a), now);
        prop_assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Look);
    }

    #[test]
    fn d_a_tombstone_stands_until_a_sweep_that_was_begun_late_enough_misses_the_role(
        sweeps in prop::collection::vec((1..60_u64, any::<bool>()), 1..12), again: bool,
    ) {
        let (mut snapshot, start) = (Snapshot::default(), Instant::now());
        let a = role("a", 1);
        agree(&mut snapshot, &a, true, start);
        let running = snapshot.begin(ACCOUNT, Source::Bulk, start);
        snapshot.deleted(&a.arn, Some(&a.id), start);
        page(&mut snapshot, running, false, start, std::slice::from_ref(&a));
        prop_assert!(snapshot.is_empty());
        let mut new = a.clone();
        new.id = "another".into();
        let (mut after, mut gone) = (0, false);
        for (pause, shown) in sweeps {
            after += pause;
            let shown = shown && !gone;
            let roles: Vec<Role> = [shown.then(|| a.clone()), again.then(|| new.clone())].into_iter().flatten().collect();
            sweep(&mut snapshot, &roles, start + secs(after));
            gone |= !shown && after >= SETTLED;
            prop_assert_eq!(snapshot.account(ACCOUNT).unwrap().tombs(), usize::from(!gone));
            prop_assert_eq!(snapshot.last(&a.arn).map(|seen| seen.id), again.then(|| new.id.clone()));
        }
    }

    #[test]
    fn e_a_difference_that_is_always_shown_costs_two_reads_and_one_more_each_day(
        seed: u64, pauses in prop::collection::vec(1..200_u64, 30), wishes in 0..3,
    ) {
        let mut world = World::new(seed, 3, true);
        world.calm = true;
        world.pass(LAG);
        world.drain();
        for wish in 0..=wishes {
            for binding in &mut world.bindings {
                binding.reads = 0;
            }
            for pause in &pauses {
                world.pass(*pause);
                world.whole();
            }
            world.pass(SETTLED);
            world.whole();
            world.whole();
            let most = if wish == 0 { 2 } else { 3 };
            prop_assert!(world.bindings.iter().all(|binding| binding.reads <= most), "{:?}", world.bindings);
            world.pass(LEARNT.as_secs() * 9 / 10);
            prop_assert_eq!(world.whole(), 0, "for a day");
            world.pass(LEARNT.as_secs() * 6 / 10);
            prop_assert_eq!(world.whole(), 3);
            world.pass(SETTLED);
            prop_assert_eq!(world.whole(), 0, "for another day");
            for i in 0..3 {
                let new = world.another(i);
                world.bindings[i].wish = Some((new.max_session.unsigned_abs().into(), new));
                world.bindings[i].woken = true;
            }
        }
    }

    #[test]
    fn e_what_a_read_may_have_missed_is_not_learnt(pauses in prop::collection::vec(1..50_u64, 2..20), head: bool) {
        let (mut snapshot, start) = (Snapshot::default(), Instant::now());
        let a = role("a", 1);
        let drifted = other(&a, head);
        agree(&mut snapshot, &a, true, start);
        let mut now = start;
        let mut found = false;
        for pause in pauses {
            now += secs(pause);
            let woken = !sweep(&mut snapshot, std::slice::from_ref(&drifted), now).doubtful.is_empty();
            let lags = now < start + secs(LAG);
            found |= woken && !lags;
            if woken && lags {
                agree(&mut snapshot, &a, true, now);
            }
            prop_assert!(found || now < start + secs(LAG + SETTLED), "it was learnt, and nobody will look");
        }
    }

    #[test]
    fn g_what_is_kept_is_ours_or_expected(roles in prop::collection::vec(any::<[bool; 4]>(), 1..12), now in 0..100_u64) {
        let (mut snapshot, start) = (Snapshot::default(), Instant::now());
        let tagged = |n: usize, ours: bool| {
            let mut role = role(&n.to_string(), 1);
            if !ours {
                role.tags.insert(tag::CLUSTER.into(), "another".into());
            }
            role
        };
        let (mut before, mut after, mut kept) = (Vec::new(), Vec::new(), 0);
        for (n, &[first, then, expected, forgotten]) in roles.iter().enumerate() {
            before.push(tagged(n, first));
            after.push(tagged(n, then));
            if expected {
                ask(&mut snapshot, &before[n], true, start);
            }
            if forgotten {
                snapshot.forget(&before[n].arn);
            }
            kept += usize::from(then || (expected && !forgotten));
        }
        sweep(&mut snapshot, &before, start);
        sweep(&mut snapshot, &after, start + secs(now));
        prop_assert_eq!(snapshot.len(), kept);
    }

    #[test]
    fn h_where_very_many_differ_a_second_sweep_has_to_say_so(
        of in 1..600_usize, many in 0..600_usize, how in 0..3, healed: bool, few in 0..3_usize,
    ) {
        let (mut snapshot, now) = (Snapshot::default(), Instant::now());
        let roles: Vec<Role> = (0..of).map(|n| role(&n.to_string(), 1)).collect();
        for role in &roles {
            agree(&mut snapshot, role, true, now);
        }
        let many = many.min(of);
        let mut seen = roles.clone();
        match how {
            0 => drop(seen.drain(..many)),
            1 => seen[..many].iter_mut().for_each(|role| *role = other(role, role.arn.ends_with('1'))),
            _ => seen[..many].iter_mut().for_each(|role| role.id.push('x')),
        }
        let first = sweep(&mut snapshot, &seen, now);
        if many <= 20.max(of / 20) {
            prop_assert_eq!((sorted(first.doubtful), first.suspect), (sorted(names(&roles[..many])), None));
            return Ok(());
        }
        prop_assert_eq!((first.doubtful.len(), first.suspect), (0, Some((many, of))));
        prop_assert!(roles.iter().all(|role| matches!(ask(&mut snapshot, role, true, now), Judgement::Agreed(_))));
        // A few more differ by then, and those are few.
        let few = few.min(of - many);
        let mut then = if healed { roles.clone() } else { seen };
        then.retain(|role| !names(&roles[many..many + few]).contains(&role.arn.as_str().into()));
        let second = sweep(&mut snapshot, &then, now);
        let expected = if healed { &roles[many..many + few] } else { &roles[..many + few] };
        prop_assert_eq!((sorted(second.doubtful), second.suspect), (sorted(names(expected)), None));
        prop_assert!(!snapshot.account(ACCOUNT).unwrap().suspect());
        for role in expected {
            prop_assert_eq!(ask(&mut snapshot, role, true, now), Judgement::Look, "and is confirmed by a read");
        }
    }

    #[test]
    fn hi_an_account_has_one_store_and_one_sweep_and_takes_no_other_accounts_roles(
        foreign in prop::option::of(any::<bool>()), first: bool, pages in prop::collection::vec((any::<bool>(), any::<bool>()), 0..8),
    ) {
        let (mut snapshot, now) = (Snapshot::default(), Instant::now());
        let a = role("a", 1);
        agree(&mut snapshot, &a, true, now);
        let taken = if first { None } else { sweep(&mut snapshot, std::slice::from_ref(&a), now); snapshot.account(ACCOUNT).unwrap().taken() };
        // Two classes make roles in it. Whatever the older sweep brings, which is void, the newer one decides.
        let older = snapshot.begin(ACCOUNT, Source::Bulk, now);
        let newer = snapshot.begin(ACCOUNT, Source::Bulk, now);
        let stray = Role { arn: a.arn.replace(ACCOUNT, "444455556666"), ..other(&a, true) };
        let mut late = pages.into_iter();
        for head in [false, true] {
            page(&mut snapshot, newer, head, now, std::slice::from_ref(&a));
            if foreign == Some(head) {
                page(&mut snapshot, newer, head, now, &[other(&a, head), stray.clone()]);
            }
            for (head, wrong) in late.by_ref().take(3) {
                page(&mut snapshot, older, head, now, &[if wrong { stray.clone() } else { other(&a, head) }]);
            }
            prop_assert_eq!(snapshot.end(ACCOUNT, older, SETTLE, now), None);
        }
        let verdict = snapshot.end(ACCOUNT, newer, SETTLE, now);
        prop_assert_eq!(verdict.is_none(), foreign.is_some());
        prop_assert!(verdict.is_none_or(|verdict| verdict.doubtful.is_empty()));
        prop_assert!(foreign.is_none() || snapshot.account(ACCOUNT).unwrap().taken() == taken);
        prop_assert!(matches!(ask(&mut snapshot, &a, true, now), Judgement::Agreed(_)));
        prop_assert_eq!((snapshot.accounts().count(), snapshot.len()), (1, 1));
    }

    /// Where the bulk call is refused, heads are swept, and each role is read when its time has come; also while that
    /// call is tried again.
    #[test]
    fn where_bulk_is_refused_a_change_is_found_by_sweep_or_by_read(
        due in 1..1000_u64, looks in prop::collection::vec((1..300_u64, any::<bool>()), 1..8), head: bool,
    ) {
        let (mut snapshot, start) = (Snapshot::default(), Instant::now());
        let a = role("a", 1);
        agree(&mut snapshot, &a, true, start);
        snapshot.begin(ACCOUNT, Source::Direct, start);
        snapshot.schedule(ACCOUNT, || Some(start + secs(due)));
        let (drifted, mut now) = (other(&a, head), start);
        for (pause, tried) in looks {
            now += secs(pause);
            if tried {
                let number = snapshot.begin(ACCOUNT, Source::Bulk, now);
                page(&mut snapshot, number, false, now, std::slice::from_ref(&drifted));
                prop_assert_eq!(snapshot.account(ACCOUNT).unwrap().source(), Source::Direct, "it may be refused again");
            }
            let number = snapshot.begin(ACCOUNT, Source::Direct, now);
            page(&mut snapshot, number, true, now, std::slice::from_ref(&drifted));
            let verdict = snapshot.end(ACCOUNT, number, SETTLE, now).unwrap();
            let lapsed = now >= start + secs(due);
            prop_assert_eq!(!verdict.doubtful.is_empty(), head);
            prop_assert_eq!(!snapshot.lapsed(ACCOUNT, now).is_empty(), lapsed);
            prop_assert_eq!(ask(&mut snapshot, &a, true, now) == Judgement::Look, head || lapsed);
        }
        sweep(&mut snapshot, &[drifted], now);
        snapshot.schedule(ACCOUNT, || None);
        prop_assert_eq!(snapshot.account(ACCOUNT).unwrap().source(), Source::Bulk);
        prop_assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Look);
    }
}
