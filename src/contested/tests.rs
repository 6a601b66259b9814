//! What is a fight, what waits, what is said, and when it is over.

use super::*;
use crate::iam::tags::Tags;

const HOUR: u64 = 3600;
const ROLE: &str = "arn:aws:iam::111122223333:role/irsa/r";

fn attach(name: &str) -> Step {
    Step::Attach(format!("arn:aws:iam::aws:policy/{name}"))
}

/// Bindings, and a clock that begins at zero.
struct World {
    contested: Contested,
    zero: Instant,
    uid: &'static str,
}

impl World {
    fn new() -> Self {
        Self { contested: Contested::new(Duration::from_secs(HOUR)), zero: Instant::now(), uid: "u1" }
    }
    fn at(&self, seconds: u64) -> Instant {
        self.zero + Duration::from_secs(seconds)
    }
    fn note(&mut self, seconds: u64, corrected: &[Step], pending: &[Step]) {
        let seen = Seen { account: "111122223333", uid: self.uid, who: [None, None], corrected, pending };
        let now = self.at(seconds);
        self.contested.note(&key_of("app"), &seen, now);
    }
    fn corrected(&mut self, seconds: u64, step: &Step) {
        self.note(seconds, std::slice::from_ref(step), &[]);
    }
    /// Seconds after the beginning.
    fn waits(&self, seconds: u64, step: &Step) -> Option<u64> {
        let until = self.contested.waits(&key_of("app"), self.uid, step, self.at(seconds));
        until.map(|until| (until - self.zero).as_secs())
    }
    fn says(&self) -> Contest {
        self.contested.says(&key_of("app"), ROLE)
    }
}

fn key_of(name: &str) -> NsName {
    NsName::new("n", name)
}

#[test]
fn the_third_correction_within_an_hour_is_a_fight() {
    for (times, fight) in [
        (vec![0, 100], false),
        (vec![0, 100, 200], true),
        (vec![0, 1800, HOUR], true),
        (vec![0, 1800, HOUR + 1], false),
        (vec![0, 3000, 6000, 9000], false),
        (vec![0, 3000, 6000, 6500], true),
    ] {
        let mut world = World::new();
        times.iter().for_each(|at| world.corrected(*at, &attach("A")));
        assert_eq!(world.says().role.is_some(), fight, "{times:?}");
        let last = times.last().unwrap();
        assert_eq!(world.waits(last + 1, &attach("A")), fight.then_some(last + HOUR), "{times:?}");
        assert_eq!(world.contested.count("111122223333"), usize::from(fight), "{times:?}");
        assert_eq!(world.contested.count("444455556666"), 0);
    }
}

#[test]
fn three_different_things_are_no_fight_and_what_is_fought_for_holds_up_nothing_else() {
    let mut world = World::new();
    for (at, step) in [attach("A"), attach("B"), Step::UpdateTrust].iter().enumerate() {
        world.corrected(at as u64, step);
    }
    assert_eq!(world.says(), Contest::default());
    (10..13).for_each(|at| world.corrected(at, &Step::UpdateTrust));
    assert!(world.waits(20, &Step::UpdateTrust).is_some());
    assert_eq!(world.waits(20, &attach("A")), None);
    assert!(world.says().role.is_some() && !world.says().policies && world.says().account.is_none());
}

#[test]
fn it_is_put_right_once_in_an_hour_and_said_all_the_time() {
    let mut world = World::new();
    [0, 100, 200].into_iter().for_each(|at| world.corrected(at, &attach("A")));
    let said = world.says();
    for round in 0..5 {
        let last = 200 + round * HOUR;
        world.note(last + 300, &[], &[attach("A")]);
        assert_eq!(world.contested.next(&key_of("app"), world.at(last + 300)), Some(world.at(last + HOUR)));
        // Whatever keeps it out then, it is not asked for at once again and again.
        assert_eq!(world.contested.next(&key_of("app"), world.at(last + HOUR)), None);
        assert_eq!(world.waits(last + HOUR - 1, &attach("A")), Some(last + HOUR));
        assert_eq!(world.waits(last + HOUR, &attach("A")), None, "its turn");
        // However long it takes until then.
        assert_eq!(world.contested.tidy(world.at(last + HOUR + 600)), []);
        assert_eq!(world.says(), said, "the same words each time");
        world.corrected(last + HOUR, &attach("A"));
        let over = last + 2 * HOUR;
        assert_eq!(
            world.contested.next(&key_of("app"), world.at(last + HOUR)),
            Some(world.at(over)),
            "nothing waits, but for the end"
        );
    }
}

#[test]
fn an_hour_without_need_ends_it() {
    let mut world = World::new();
    [0, 100, 200].into_iter().for_each(|at| world.corrected(at, &attach("A")));
    world.note(300, &[], &[attach("A")]);
    // The other tool, or somebody, has put it right.
    world.note(400, &[], &[]);
    assert_eq!(world.contested.next(&key_of("app"), world.at(400)), Some(world.at(300 + HOUR)));
    assert_eq!(world.contested.tidy(world.at(300 + HOUR - 1)), []);
    assert!(world.says().role.is_some());
    assert_eq!(world.contested.tidy(world.at(300 + HOUR)), [key_of("app")], "to be told");
    assert_eq!(world.says(), Contest::default());
    assert!(world.contested.fights.is_empty());
    [0, 100, 200].into_iter().for_each(|at| world.corrected(2 * HOUR + at, &attach("A")));
    world.note(3 * HOUR + 200, &[], &[]);
    assert_eq!(world.says(), Contest::default(), "a look at that time ends it as well");
    world.corrected(4 * HOUR, &attach("A"));
    assert_eq!(world.says(), Contest::default(), "it begins anew");
    assert_eq!(world.contested.tidy(world.at(5 * HOUR)), [], "what was no fight needs no word");
}

#[test]
fn an_annotation_is_fought_for_whatever_its_value_and_only_on_the_same_object() {
    let other = |name: &str| Step::Reannotate(name.to_owned());
    let mut world = World::new();
    world.corrected(0, &Step::Annotate);
    world.corrected(1, &other("x"));
    world.uid = "u2";
    world.corrected(2, &Step::Annotate);
    assert_eq!(world.says(), Contest::default(), "one that is made again needs it anew");
    world.uid = "u1";
    world.corrected(3, &other("y"));
    assert_eq!(world.waits(4, &other("z")), Some(3 + HOUR));
    let said = world.says();
    assert!(said.role.is_none() && said.account.unwrap().contains(ROLE));
    for step in [Step::CreateServiceAccount, Step::Unannotate { name: "a".into(), uid: "u1".into() }] {
        (10..20).for_each(|at| world.corrected(at, &step));
        assert_eq!(world.waits(20, &step), None, "{step}");
    }
}

#[test]
fn little_is_remembered() {
    let mut world = World::new();
    for at in 0..100 {
        world.corrected(at, &attach(&at.to_string()));
    }
    let fight = &world.contested.fights[&key_of("app")];
    assert_eq!(fight.corrections.len(), MAX.0);
    assert_eq!(fight.corrections.last().map(|c| &c.step), Some(&attach("99")), "the newest");
    for name in 0..MAX.1 * 2 {
        let seen = Seen { account: "a", uid: "", who: [None, None], corrected: &[attach("A")], pending: &[] };
        world.contested.note(&key_of(&name.to_string()), &seen, world.zero);
    }
    assert_eq!(world.contested.fights.len(), MAX.1);
    world.contested.gone(&key_of("app"));
    assert!(!world.contested.fights.contains_key(&key_of("app")));
    world.contested.tidy(world.at(2 * HOUR));
    assert!(world.contested.fights.is_empty());
}

#[test]
fn who_it_is_and_where_to_look() {
    let tags = |pairs: &[(&str, &str)]| -> Tags { pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect() };
    let declared = tags(&[("managed-by", "platform"), ("team", "a")]);
    for (live, who) in [
        (vec![], None),
        (vec![("team", "a"), ("Managed-By", "platform")], None),
        (
            vec![("aws:cloudformation:stack-name", "eksctl-dev"), ("ManagedBy", "x")],
            Some("the CloudFormation stack eksctl-dev (tag aws:cloudformation:stack-name)"),
        ),
        (
            vec![("alpha.eksctl.io/cluster-name", "dev")],
            Some("eksctl for the cluster dev (tag alpha.eksctl.io/cluster-name)"),
        ),
        (vec![("Created_By", "Terraform")], Some("what the role's tag Created_By=Terraform names")),
        (vec![("terraform", "true")], Some("what the role's tag terraform=true names")),
    ] {
        assert_eq!(suspect(&tags(&live), &declared).as_deref(), who, "{live:?}");
    }
    let text = who::role_text(ROLE, &[&attach("A"), &Step::UpdateTrust, &attach("A")], None);
    assert_eq!(
        text,
        format!(
            "another tool undoes this again and again: attach arn:aws:iam::aws:policy/A; write the trust policy. Which one \
             is not known: look in CloudTrail for DetachRolePolicy, UpdateAssumeRolePolicy on {ROLE}. Take the role out of \
             that tool, or change the spec to what it wants; until it stops, this is done once in a while only \
             (--contested-window)"
        )
    );
    let text = who::role_text(ROLE, &[&Step::UpdateRole], Some("the CloudFormation stack s"));
    assert!(text.contains("It may be the CloudFormation stack s; else look in CloudTrail for UpdateRole on"), "{text}");
}
