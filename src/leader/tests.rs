mod model;

use super::*;
use Move::{Lost, Read, Wait, Write};

fn by(holder: &str, version: u32) -> Option<Seen> {
    Some(Seen { version: version.to_string(), holder: Some(holder.to_owned()).filter(|h| !h.is_empty()) })
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A leader since `now`.
fn leader(now: Instant) -> Election {
    let mut election = Election::new("me".to_owned());
    election.seen(None, now);
    election.wrote("1".to_owned(), now, now);
    election
}

#[test]
fn who_may_claim_and_when() {
    let now = Instant::now();
    // What is seen at which second, and what is done a moment later.
    type Row<'a> = (&'a str, &'a [(f64, Option<Seen>)], f64, Move);
    let table: &[Row<'_>] = &[
        ("nothing is known", &[], 0.0, Read),
        ("there is none", &[(0.0, None)], 0.0, Write),
        ("it was released", &[(0.0, by("", 1))], 0.0, Write),
        ("it is ours: the answer was lost", &[(0.0, by("me", 1))], 0.0, Write),
        ("another has it", &[(0.0, by("other", 1))], 1.0, Wait(now + DURATION)),
        ("another had it", &[(0.0, by("other", 1))], 15.0, Write),
        ("it was renewed", &[(0.0, by("other", 1)), (14.0, by("other", 2))], 15.0, Wait(now + secs(29.0))),
        ("it was only read again", &[(0.0, by("other", 1)), (14.0, by("other", 1))], 15.0, Write),
        ("it was released after a while", &[(0.0, by("other", 1)), (3.0, by("", 2))], 3.0, Write),
        ("somebody deleted it", &[(0.0, by("other", 1)), (1.0, None)], 2.0, Wait(now + secs(16.0))),
        ("and nobody made it again", &[(0.0, by("other", 1)), (1.0, None)], 16.0, Write),
    ];
    for (what, sights, at, expected) in table {
        let mut election = Election::new("me".to_owned());
        for (second, lease) in *sights {
            election.seen(lease.clone(), now + secs(*second));
        }
        let at = now + secs(*at);
        assert_eq!(election.next(at), *expected, "{what}");
        assert!(!election.leads() && !election.fence().holds(at), "{what}");
    }
}

#[test]
fn the_right_counts_from_the_start_of_the_last_good_renewal() {
    let now = Instant::now();
    let mut election = leader(now);
    let fence = election.fence();
    assert_eq!(election.next(now), Wait(now + RENEW_EVERY));
    assert_eq!(election.next(now + RENEW_EVERY), Write);
    election.wrote("2".to_owned(), now + RENEW_EVERY, now + secs(3.5));
    assert!(fence.holds(now + secs(7.9)) && !fence.holds(now + secs(8.0)));
    assert_eq!(election.patience(now + secs(7.0)), secs(1.0));
    for second in [4.0, 5.5, 7.5] {
        assert_eq!(election.next(now + secs(second)), Write);
        election.failed(now + secs(second) + secs(0.1));
    }
    assert_eq!(election.next(now + secs(7.8)), Wait(now + secs(8.0)), "not beyond the right");
    assert_eq!(election.next(now + secs(8.0)), Lost);
    election.wrote("3".to_owned(), now + secs(7.5), now + secs(8.1));
    assert!(
        election.next(now + secs(8.1)) == Lost && !fence.holds(now + secs(8.1)),
        "what was lost does not come back"
    );
}

#[test]
fn a_leader_meets_conflicts() {
    let now = Instant::now();
    for (what, lease, expected) in [
        ("an answer of ours was lost, or somebody labelled it", by("me", 7), Write),
        ("somebody deleted it", None, Write),
        ("somebody took the holder off", by("", 8), Write),
        ("another has it", by("other", 9), Lost),
    ] {
        let mut election = leader(now);
        let later = now + RENEW_EVERY;
        election.conflict(later);
        let later = later + YIELD;
        assert_eq!(election.next(later), Read, "{what}");
        election.seen(lease, later);
        assert_eq!(election.next(later), expected, "{what}");
        assert_eq!(election.fence().holds(later), expected == Write, "{what}");
    }
}

#[test]
fn an_answer_that_took_too_long_gives_no_right() {
    let now = Instant::now();
    let mut election = Election::new("me".to_owned());
    election.seen(None, now);
    election.wrote("1".to_owned(), now, now + RENEW_DEADLINE);
    assert!(!election.leads() && !election.fence().holds(now + RENEW_DEADLINE));
    assert_eq!(election.next(now + RENEW_DEADLINE), Write, "it is ours, and one renewal away");
}

#[test]
fn who_gives_up_gives_up_for_ever_and_without_an_election_there_is_no_fence() {
    let now = Instant::now();
    let mut election = leader(now);
    let fence = election.fence();
    assert!(fence.holds(now));
    election.end();
    election.wrote("2".to_owned(), now, now);
    assert!(!fence.holds(now) && election.next(now) == Lost);
    assert!(Fence::open().holds(now));
}
