use super::*;

const ACCOUNT: &str = "111122223333";
const US: Cluster<'static> = Cluster { id: "prod", issuer: "new" };

fn arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn role(name: &str, issuer: &str) -> Detailed {
    let tags = tags(&[(tag::CLUSTER, "prod"), (tag::ISSUER, issuer)]);
    Detailed { arn: arn(name), id: name.to_owned(), tags, quarantined: false, print: 0 }
}

fn sweep(issuers: &mut Issuers, roles: &[Detailed]) {
    issuers.begin(ACCOUNT);
    roles.chunks(2).for_each(|page| issuers.page(ACCOUNT, page, US));
    issuers.end(ACCOUNT);
}

fn named(issuers: &Issuers) -> Option<(String, String)> {
    issuers.stranger(ACCOUNT).map(|s| (s.issuer.into(), s.role.rsplit('/').next().unwrap().to_owned()))
}

fn some(issuer: &str, role: &str) -> Option<(String, String)> {
    Some((issuer.to_owned(), role.to_owned()))
}

#[test]
fn one_role_of_another_issuer_is_enough() {
    let mut issuers = Issuers::default();
    assert!(!issuers.known(ACCOUNT));
    sweep(&mut issuers, &[role("a", "new"), role("b", "new"), role("c", "new")]);
    assert_eq!((issuers.known(ACCOUNT), named(&issuers)), (true, None));
    issuers.begin(ACCOUNT);
    issuers.page(ACCOUNT, &[role("a", "new"), role("b", "old")], US);
    assert_eq!(named(&issuers), some("old", "b"), "before the sweep is complete");
    assert_eq!(issuers.stranger("444455556666"), None, "each account by itself");
    // A sweep that never ends says nothing of what it has not shown.
    issuers.begin(ACCOUNT);
    assert_eq!(named(&issuers), some("old", "b"));
    sweep(&mut issuers, &[role("a", "new"), role("b", "new")]);
    assert_eq!(named(&issuers), None, "its tag is another now");
}

#[test]
fn the_same_role_is_named_for_as_long_as_it_is_shown() {
    let mut issuers = Issuers::default();
    sweep(&mut issuers, &[role("m", "old"), role("n", "old")]);
    sweep(&mut issuers, &[role("a", "old"), role("b", "old"), role("m", "old"), role("z", "old")]);
    assert_eq!(named(&issuers), some("old", "m"));
    sweep(&mut issuers, &[role("b", "old"), role("z", "old")]);
    assert_eq!(named(&issuers), some("old", "b"));
}

#[test]
fn what_is_nobodys_or_anothers_tells_nothing() {
    let with = |pairs: &[(&str, &str)]| {
        let mut role = role("a", "old");
        role.tags.extend(tags(pairs));
        role
    };
    let mut bare = role("bare", "old");
    bare.tags.remove(tag::ISSUER);
    let mut issuers = Issuers::default();
    let roles = [with(&[(tag::CLUSTER, "other")]), with(&[(tag::RELEASED_BY, "prod")]), bare];
    sweep(&mut issuers, &roles);
    assert_eq!(named(&issuers), None);
    let mut shouted = role("a", "old");
    shouted.tags = shouted.tags.into_iter().map(|(key, value)| (key.to_uppercase(), value)).collect();
    sweep(&mut issuers, &[shouted]);
    assert_eq!(named(&issuers), some("old", "a"), "IAM keeps the case of keys and knows none");
}

#[test]
fn a_listed_issuer_is_a_former_one_and_others_still_count() {
    let mut issuers = Issuers::default();
    sweep(&mut issuers, &[role("a", "old"), role("b", "older")]);
    issuers.list(ACCOUNT, ["old".to_owned()].into());
    assert_eq!(named(&issuers), some("older", "b"));
    issuers.list(ACCOUNT, ["old".to_owned(), "older".to_owned()].into());
    assert_eq!(named(&issuers), None);
    assert!(issuers.shows(ACCOUNT, "old") && issuers.lists(ACCOUNT, "old"));
    issuers.list(ACCOUNT, BTreeSet::new());
    assert_eq!(named(&issuers), some("old", "a"), "taken off the list while a role has it still");
}

#[test]
fn a_direct_read_counts_until_a_later_look() {
    let mut issuers = Issuers::default();
    let old = tags(&[(tag::CLUSTER, "prod"), (tag::ISSUER, "old")]);
    let new = tags(&[(tag::CLUSTER, "prod"), (tag::ISSUER, "new")]);
    issuers.saw(ACCOUNT, &arn("a"), &new, US);
    assert_eq!(named(&issuers), None);
    issuers.saw(ACCOUNT, &arn("a"), &old, US);
    issuers.saw(ACCOUNT, &arn("b"), &old, US);
    assert_eq!(named(&issuers), some("old", "a"));
    issuers.saw(ACCOUNT, &arn("c"), &new, US);
    assert_eq!(named(&issuers), some("old", "a"), "of another role that says nothing");
    issuers.saw(ACCOUNT, &arn("a"), &new, US);
    assert_eq!(named(&issuers), None);
    issuers.saw(ACCOUNT, &arn("b"), &old, US);
    issuers.cleared(ACCOUNT, &arn("b"));
    assert_eq!((named(&issuers), issuers.known(ACCOUNT)), (None, false));
}
