//! Tables of what the snapshot says; the rules over random interleavings stand in `rules`.

mod interleavings;
mod observe;
mod rules;
mod sweeps;
mod world;

use super::*;
use std::collections::{BTreeMap, BTreeSet};

const SETTLE: Duration = Duration::from_secs(90);
const ACCOUNT: &str = "111122223333";

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/irsa/{name}")
}

fn role(name: &str, session: i32) -> Role {
    Role {
        arn: arn(name),
        id: format!("AROA{name}"),
        description: String::new(),
        max_session: session,
        boundary: None,
        tags: BTreeMap::from([(tag::CLUSTER.to_owned(), "c".to_owned())]),
        trust: None,
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
    }
}

fn detailed(role: &Role) -> Detailed {
    Detailed {
        arn: role.arn.clone(),
        id: role.id.clone(),
        tags: role.tags.clone(),
        quarantined: false,
        print: role_details(role),
    }
}

fn listed(role: &Role) -> Listed {
    let print = head(&role.description, role.max_session);
    Listed { arn: role.arn.clone(), id: role.id.clone(), print }
}

fn sweep(snapshot: &mut Snapshot, roles: &[Role], at: Instant) -> Verdict {
    let number = snapshot.begin(ACCOUNT, Source::Bulk, at);
    snapshot.details(ACCOUNT, number, at, roles.iter().map(detailed).collect(), "c");
    snapshot.heads(ACCOUNT, number, at, roles.iter().map(listed).collect());
    snapshot.end(ACCOUNT, number, SETTLE, at).unwrap()
}

fn ask(snapshot: &mut Snapshot, role: &Role, was_true: bool, now: Instant) -> Judgement {
    let arn = role.arn.clone();
    snapshot.judge(&Question { arn: &arn, wish: 1, wanted: Prints::of(role), was_true, due: None }, SETTLE, now)
}

fn agree(snapshot: &mut Snapshot, role: &Role, clean: bool, now: Instant) {
    ask(snapshot, role, true, now);
    snapshot.agree(1, role, Seen { id: role.id.clone(), ..Seen::default() }, clean, SETTLE, now);
}

#[test]
fn who_was_true_waits_for_the_first_sweep_and_who_is_new_does_not() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Wait);
    assert_eq!(ask(&mut snapshot, &a, false, now), Judgement::Look);
    assert_eq!(ask(&mut snapshot, &role("b", 3600), true, now), Judgement::Wait);
    sweep(&mut snapshot, std::slice::from_ref(&a), now);
    let Judgement::Agreed(seen) = ask(&mut snapshot, &a, true, now) else { panic!() };
    assert_eq!(seen.id, "AROAa", "without a single read");
    assert_eq!(ask(&mut snapshot, &role("b", 3600), true, now), Judgement::Look, "a missing one is read");
    assert!(snapshot.missed(&arn("b"), SETTLE) && !snapshot.missed(&arn("a"), SETTLE));
    ask(&mut snapshot, &role("d", 3600), true, now);
    assert!(!snapshot.missed(&arn("d"), SETTLE), "nobody cared whether it was listed");
}

#[test]
fn a_change_outside_is_doubted_once_and_a_page_from_before_our_own_write_says_nothing() {
    let (mut snapshot, start) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    snapshot.unknown(&a.arn);
    assert_eq!(ask(&mut snapshot, &a, true, start), Judgement::Look, "a write in flight");
    snapshot.wrote(&a.arn, Some(a.clone()), start);
    agree(&mut snapshot, &a, false, start);
    let stale = role("a", 7200);
    let verdict = sweep(&mut snapshot, std::slice::from_ref(&stale), start + SETTLE / 2);
    assert!(verdict.doubtful.is_empty(), "within the settle window");
    let later = start + SETTLE;
    assert_eq!(sweep(&mut snapshot, &[stale], later).doubtful, [a.arn.clone().into_boxed_str()]);
    assert_eq!(ask(&mut snapshot, &a, true, later), Judgement::Look);
    agree(&mut snapshot, &a, true, later);
    assert!(matches!(ask(&mut snapshot, &a, true, later), Judgement::Agreed(_)));
    assert!(sweep(&mut snapshot, &[a], later + SETTLE).doubtful.is_empty());
}

#[test]
fn what_a_bulk_call_always_shows_otherwise_is_learnt_at_the_second_read() {
    let (mut snapshot, mut now) = (Snapshot::default(), Instant::now());
    let mut a = role("a", 3600);
    a.boundary = Some("b".into());
    let shown = Role { boundary: None, ..a.clone() };
    agree(&mut snapshot, &a, true, now);
    let mut reads = 0;
    for _ in 0..10 {
        now += SETTLE;
        for _ in sweep(&mut snapshot, std::slice::from_ref(&shown), now).doubtful {
            reads += 1;
            agree(&mut snapshot, &a, true, now);
        }
    }
    assert_eq!(reads, 2);
    assert_eq!(sweep(&mut snapshot, &[Role { max_session: 7200, ..shown }], now).doubtful.len(), 1, "a real change");
}

#[test]
fn a_deleted_role_stays_deleted_for_sweeps_that_lag_behind() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    agree(&mut snapshot, &a, true, now);
    snapshot.deleted(&a.arn, Some(&a.id), now);
    sweep(&mut snapshot, std::slice::from_ref(&a), now + SETTLE / 2);
    assert!(snapshot.is_empty());
    sweep(&mut snapshot, std::slice::from_ref(&a), now + SETTLE);
    assert!(snapshot.is_empty(), "for as long as it is shown");
    sweep(&mut snapshot, &[], now + SETTLE);
    assert_eq!(snapshot.account(ACCOUNT).unwrap().tombs(), 0);
}

#[test]
fn when_very_many_differ_a_second_sweep_has_to_say_the_same() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let roles: Vec<Role> = (0..21).map(|n| role(&n.to_string(), 3600)).collect();
    for role in &roles {
        agree(&mut snapshot, role, true, now);
    }
    let first = sweep(&mut snapshot, &[], now);
    assert_eq!((first.doubtful.len(), first.suspect), (0, Some((21, 21))));
    assert!(snapshot.account(ACCOUNT).unwrap().suspect());
    assert!(matches!(ask(&mut snapshot, &roles[0], true, now), Judgement::Agreed(_)), "nothing is done yet");
    let second = sweep(&mut snapshot, &roles[..1], now);
    assert_eq!((second.doubtful.len(), second.suspect), (20, None));
    let third = sweep(&mut snapshot, &roles[..1], now);
    assert_eq!((third.doubtful.len(), third.suspect), (20, None), "until somebody has read them");
}

#[test]
fn roles_of_another_account_void_a_sweep() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    agree(&mut snapshot, &a, true, now);
    let number = snapshot.begin(ACCOUNT, Source::Bulk, now);
    let mut other = detailed(&a);
    other.arn = "arn:aws:iam::444455556666:role/irsa/a".into();
    snapshot.details(ACCOUNT, number, now, vec![other], "c");
    snapshot.heads(ACCOUNT, number, now, vec![]);
    assert_eq!(snapshot.end(ACCOUNT, number, SETTLE, now), None);
}

#[test]
fn what_others_hold_is_kept_only_where_somebody_asks_for_it() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let mut foreign = role("x", 3600);
    foreign.tags.clear();
    let mut expected = role("y", 3600);
    expected.tags.clear();
    ask(&mut snapshot, &expected, true, now);
    sweep(&mut snapshot, &[foreign, expected, role("orphan", 3600)], now);
    assert_eq!(snapshot.len(), 2);
}

#[test]
fn where_bulk_is_refused_each_role_has_its_time() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    agree(&mut snapshot, &a, true, now);
    let number = snapshot.begin(ACCOUNT, Source::Direct, now);
    snapshot.schedule(ACCOUNT, || Some(now + SETTLE));
    snapshot.heads(ACCOUNT, number, now, vec![listed(&a)]);
    assert!(snapshot.end(ACCOUNT, number, SETTLE, now).unwrap().doubtful.is_empty());
    assert!(snapshot.lapsed(ACCOUNT, now).is_empty());
    assert_eq!(snapshot.lapsed(ACCOUNT, now + SETTLE), [a.arn.clone().into_boxed_str()]);
    assert_eq!(ask(&mut snapshot, &a, true, now + SETTLE), Judgement::Look);
}

#[test]
fn a_quota_is_scarce_within_its_reserve() {
    let scarce = |used, limit, reserve| Quota { used, limit }.is_scarce(reserve);
    assert!(!scarce(899, 1000, 10) && scarce(900, 1000, 10) && scarce(1001, 1000, 10));
    assert!(!scarce(999, 1000, 0) && scarce(1000, 1000, 0));
}

/// Whether a sweep that shows it so brings a direct read of `a`, which then finds no difference.
fn looks(snapshot: &mut Snapshot, a: &Role, shown: &Role, now: Instant) -> bool {
    let looks = !sweep(snapshot, std::slice::from_ref(shown), now).doubtful.is_empty();
    if looks {
        agree(snapshot, a, true, now);
    }
    looks
}

#[test]
fn only_the_same_twice_in_a_row_is_learnt_and_only_for_what_was_read() {
    let (mut snapshot, mut now) = (Snapshot::default(), Instant::now());
    let a = role("a", 1);
    let [x, y] = ["x", "y"].map(|text| Role { description: text.into(), ..a.clone() });
    agree(&mut snapshot, &a, true, now);
    let first = [(&x, true), (&y, true), (&a, false), (&y, true), (&y, true), (&y, false)];
    for (shown, expected) in first.into_iter().chain([(&x, true), (&x, true), (&x, false)]) {
        assert_eq!(looks(&mut snapshot, &a, shown, now), expected, "{}", shown.description);
        now += SETTLE;
    }
    // Something was added that stays, and is gone again: then there is nothing any more to be told of it.
    let extra = Role { attached: BTreeSet::from(["deny".to_owned()]), ..a.clone() };
    let shown = Role { attached: extra.attached.clone(), ..x.clone() };
    assert!(looks(&mut snapshot, &extra, &shown, now));
    assert!(looks(&mut snapshot, &a, &x, now + SETTLE));
}

#[test]
fn what_was_shown_before_the_first_read_is_not_learnt_at_the_second() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 1);
    let drifted = role("a", 2);
    agree(&mut snapshot, &a, true, now);
    let number = snapshot.begin(ACCOUNT, Source::Bulk, now);
    snapshot.details(ACCOUNT, number, now, vec![detailed(&drifted)], "c");
    snapshot.heads(ACCOUNT, number, now, vec![listed(&drifted)]);
    snapshot.begin(ACCOUNT, Source::Direct, now);
    for _ in 0..3 {
        agree(&mut snapshot, &a, true, now + SETTLE);
        agree(&mut snapshot, &a, true, now + 3 * SETTLE);
    }
    assert!(looks(&mut snapshot, &a, &drifted, now + 5 * SETTLE));
}

#[test]
fn a_page_that_nobody_cared_for_does_not_count_as_one_that_missed_the_role() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 1);
    let number = snapshot.begin(ACCOUNT, Source::Bulk, now);
    snapshot.heads(ACCOUNT, number, now, vec![listed(&a)]);
    snapshot.details(ACCOUNT, number, now, vec![detailed(&a)], "c");
    agree(&mut snapshot, &a, true, now);
    assert!(snapshot.end(ACCOUNT, number, SETTLE, now).unwrap().doubtful.is_empty());
}

#[test]
fn what_an_older_sweep_showed_is_not_agreed_on() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 1);
    assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Wait);
    sweep(&mut snapshot, std::slice::from_ref(&a), now);
    sweep(&mut snapshot, &[], now);
    assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Look);
}

#[test]
fn who_is_presumed_to_be_as_desired_is_seen_twice_where_very_many_differ() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let roles: Vec<Role> = (0..30).map(|n| role(&n.to_string(), 3600)).collect();
    for role in &roles {
        assert_eq!(ask(&mut snapshot, role, true, now), Judgement::Wait);
    }
    let first = sweep(&mut snapshot, &roles[..5], now);
    assert_eq!((first.doubtful.len(), first.suspect), (0, Some((25, 30))));
    assert!(matches!(ask(&mut snapshot, &roles[0], true, now), Judgement::Agreed(_)));
    assert_eq!(ask(&mut snapshot, &roles[29], true, now), Judgement::Wait);
    assert_eq!(sweep(&mut snapshot, &roles[..5], now).doubtful.len(), 25);
    assert_eq!(ask(&mut snapshot, &roles[29], true, now), Judgement::Look);
}

#[test]
fn nobody_waits_for_sweeps_that_fail_nor_where_something_was_asked_for() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Wait);
    assert_eq!(ask(&mut snapshot, &a, false, now), Judgement::Look, "another generation");
    let arn = a.arn.clone();
    let other = Question { arn: &arn, wish: 2, wanted: Prints::of(&a), was_true: true, due: None };
    assert_eq!(snapshot.judge(&other, SETTLE, now), Judgement::Look, "another wish, as of its class");
    snapshot.set_trouble(ACCOUNT, Some(Error::new(crate::error::Category::Transient, "x")));
    assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Look);
    snapshot.set_trouble(ACCOUNT, None);
    assert_eq!(ask(&mut snapshot, &a, true, now), Judgement::Wait);
}

#[test]
fn where_bulk_is_refused_a_start_reads_one_after_another() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    let arn = a.arn.clone();
    snapshot.begin(ACCOUNT, Source::Direct, now);
    let question = Question { arn: &arn, wish: 1, wanted: Prints::of(&a), was_true: true, due: Some(now + SETTLE) };
    assert_eq!(snapshot.judge(&question, SETTLE, now), Judgement::Wait);
    assert!(snapshot.lapsed(ACCOUNT, now).is_empty());
    assert_eq!(snapshot.lapsed(ACCOUNT, now + SETTLE).len(), 1);
    assert_eq!(snapshot.judge(&question, SETTLE, now + SETTLE), Judgement::Look);
}

#[test]
fn of_no_more_roles_than_an_account_takes_writes_our_own_are_kept() {
    let (mut snapshot, now) = (Snapshot::default(), Instant::now());
    let write = |snapshot: &mut Snapshot, n: usize| {
        let role = role(&n.to_string(), 3600);
        snapshot.unknown(&role.arn);
        snapshot.wrote(&role.arn, Some(role.clone()), now);
        snapshot.own(&role.arn, SETTLE, now).is_some()
    };
    let kept = (0..4000).filter(|n| write(&mut snapshot, *n)).count();
    assert_eq!(kept, 2000);
    assert!(write(&mut snapshot, 0) && !write(&mut snapshot, 3999), "who has a place keeps it");
    snapshot.tidy(SETTLE, now + SETTLE);
    let later = role("3999", 3600);
    snapshot.wrote(&later.arn, Some(later.clone()), now + SETTLE);
    assert!(snapshot.own(&later.arn, SETTLE, now + SETTLE).is_some(), "and places become free");
}
