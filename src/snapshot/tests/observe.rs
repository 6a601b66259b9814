//! Roles that are only looked at, and that nobody puts right.

use super::*;

/// Nobody makes it: it is looked for again when a sweep shows it, and not before.
#[test]
fn a_role_that_is_only_looked_for_is_doubted_when_it_comes() {
    let (mut snapshot, start) = (Snapshot::default(), Instant::now());
    let a = role("a", 3600);
    sweep(&mut snapshot, &[], start);
    assert_eq!(ask(&mut snapshot, &a, true, start), Judgement::Look);
    snapshot.absent(&a.arn, None);
    assert!(sweep(&mut snapshot, &[], start + SETTLE).doubtful.is_empty());
    assert_eq!(
        sweep(&mut snapshot, std::slice::from_ref(&a), start + SETTLE).doubtful,
        [a.arn.clone().into_boxed_str()]
    );
    // Whatever came of the look: it is not asked for at each sweep from now on.
    assert_eq!(ask(&mut snapshot, &role("a", 7200), true, start + SETTLE), Judgement::Look);
    assert!(sweep(&mut snapshot, std::slice::from_ref(&a), start + SETTLE * 2).doubtful.is_empty());
}

/// A role that differs from what is wanted, and is left so, is remembered as it was read.
#[test]
fn what_is_left_as_it_is_is_read_once_and_again_when_it_changes() {
    let (mut snapshot, start) = (Snapshot::default(), Instant::now());
    let (wanted, live) = (role("a", 3600), role("a", 7200));
    ask(&mut snapshot, &wanted, true, start);
    let foreseen = vec![crate::plan::Step::UpdateRole];
    let extras = Extras { foreseen: foreseen.clone(), ..Extras::default() };
    snapshot.agree(1, &live, Seen { id: live.id.clone(), extras, due: None }, true, SETTLE, start);
    let later = start + SETTLE;
    assert!(sweep(&mut snapshot, std::slice::from_ref(&live), later).doubtful.is_empty());
    let Judgement::Agreed(seen) = ask(&mut snapshot, &wanted, true, later) else { panic!() };
    assert_eq!(seen.extras.foreseen, foreseen);
    assert_eq!(sweep(&mut snapshot, &[wanted], later).doubtful, [live.arn.clone().into_boxed_str()], "it changed");
    // In another mode the wish is another, and the role is read before anything is done.
    let question = Question { arn: &live.arn, wish: 2, wanted: Prints::of(&live), was_true: false, due: None };
    assert_eq!(snapshot.judge(&question, SETTLE, later), Judgement::Look);
}
