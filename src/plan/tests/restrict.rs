//! What a class takes off a role goes whatever else of a plan can't be done.

use super::world::{World, denying, roles, wishes};
use super::*;
use crate::api::IrsaClassSpec;
use crate::desired::{Place, Who, vars};
use crate::guardrails::{Revokes, held_to_class};
use proptest::prelude::*;

/// The same in a class that allows the managed policies A to H, and inline only to read from S3; what does not fit is not
/// wanted.
pub(super) fn revoking(desired: Desired) -> Desired {
    let managed: Vec<String> = (b'A'..=b'H').map(|c| format!("aws:{}", char::from(c))).collect();
    let rules = json!([{"actions": ["s3:GetObject"], "resources": ["*"]}]);
    let class = json!({"onViolation": "Revoke", "allow": {"managedPolicies": managed,
        "inlinePolicies": {"rules": rules}, "serviceAccounts": {"names": ["robot*"], "additional": true}}});
    let class: IrsaClassSpec = serde_json::from_value(class).unwrap();
    let place = Place {
        cluster_id: "prod".into(),
        issuer: "oidc.example/id/A".into(),
        account: "111122223333".into(),
        partition: "aws".into(),
        region: "eu-west-1".into(),
    };
    let who = Who { namespace: "billing", name: "invoices", class: "default" };
    let mut desired = held_to_class(desired, &class, &vars(who, "robot", &place), "default").unwrap();
    let revokes = desired.revokes.clone().unwrap();
    desired.managed.retain(|arn| !revokes.managed(arn));
    desired.inline.retain(|_, document| !revokes.inline(Some(document)));
    desired
}

pub(super) fn forbidden(revokes: &Revokes, role: &Role) -> Vec<String> {
    let attached = role.attached.iter().filter(|arn| revokes.managed(arn) && **arn != denying());
    let inline = role.inline.iter().filter(|(_, document)| revokes.inline(document.as_ref()));
    attached.chain(inline.map(|(name, _)| name)).cloned().collect()
}

/// Carries out what may be tried of a plan, as the controller does; those fail for which `fails` says so.
fn attempt(desired: &Desired, role: Role, fails: impl Fn(&Step) -> bool) -> (Role, Vec<Step>) {
    let mut world = World { role: Some(role), accounts: settled(desired) };
    let steps = plan(desired, &world.observed(), &world.accounts, &[denying()].into()).unwrap().steps;
    let mut undone = Vec::new();
    for step in steps {
        if !may_try(desired, world.role.as_ref(), &undone, &step) || fails(&step) {
            undone.push(step);
        } else {
            world.apply(desired, &step);
        }
    }
    (world.role.unwrap(), undone)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Nobody keeps what is allowed no more by asking for something that can't be.
    #[test]
    fn what_fails_keeps_nothing_on_a_role_that_its_class_takes_off(
        desired in wishes(), role in roles(), moved: bool, failing in prop::collection::vec(any::<bool>(), 7),
    ) {
        let mut desired = revoking(desired);
        if moved {
            desired.owner.class = "other".to_owned();
            desired.tags.insert(tag::CLASS.to_owned(), "other".to_owned());
        }
        let fails = |step: &Step| match step {
            Step::Detach(_) | Step::DeleteInline(_) => false,
            Step::Attach(arn) => failing[0] || (failing[1] && arn.ends_with('A')),
            Step::PutInline(name) => failing[2] || (failing[3] && name == "p"),
            Step::Tag(_) | Step::Untag(_) => failing[4],
            Step::UpdateRole => failing[5],
            _ => failing[6],
        };
        let before = role.clone();
        let (role, undone) = attempt(&desired, role, fails);
        prop_assert_eq!(forbidden(desired.revokes.as_ref().unwrap(), &role), Vec::<String>::new(), "{:?}", words(&undone));
        prop_assert!(failing[5] || role.max_session <= desired.max_session);
        prop_assert!(failing[6] || (moved && failing[4]) || desired.boundary.is_none() || role.boundary == desired.boundary);
        let narrows = before.trust.as_ref().is_some_and(|live| {
            crate::iam::trust::subjects_change(live, &desired.trust) == crate::iam::trust::Subjects::Removed
        });
        prop_assert!(failing[6] || !narrows || role.trust.as_ref() == Some(&desired.trust), "{:?}", words(&undone));
        // And another class's boundary and tags meet nothing that the former one allowed.
        let kept = |name: &String, live: &Option<Document>| desired.inline.get(name) == live.as_ref();
        let only_wanted = role.attached.iter().all(|arn| desired.managed.contains(arn) || *arn == denying())
            && role.inline.iter().all(|(name, live)| kept(name, live) || live.as_ref().is_some_and(Document::only_denies));
        prop_assert!(!moved || only_wanted);
    }

    /// What the class still allows is not gone before its replacement is there, nor does anybody new get it.
    #[test]
    fn all_else_waits_for_what_fails(desired in wishes(), mut role in roles()) {
        role.trust = Some(desired.trust.clone());
        role.attached.retain(|arn| !desired.managed.contains(arn) || *arn == policy("B"));
        let fails = |step: &Step| matches!(step, Step::Attach(_) | Step::PutInline(_));
        let revokes = desired.revokes.clone();
        let allowed: BTreeSet<String> =
            role.attached.iter().filter(|arn| !revokes.as_ref().is_some_and(|revokes| revokes.managed(arn))).cloned().collect();
        let crowded = role.attached.union(&desired.managed).count() > 10;
        let adds = desired.managed.difference(&role.attached).next().is_some();
        let inline: usize = role.inline.values().flatten().chain(desired.inline.values()).map(Document::size).sum();
        prop_assume!(adds && !crowded && inline < 10_000);
        let (after, undone) = attempt(&desired, role, fails);
        prop_assert!(after.attached.is_superset(&allowed), "{:?}", words(&undone));
    }
}

fn revoked(change: impl FnOnce(&mut Desired, &mut Role)) -> (Desired, Role) {
    let mut desired = revoking(desired());
    let mut role = role(&desired);
    change(&mut desired, &mut role);
    (desired, role)
}

/// The tenant has taken it out of the spec, and asks for what does not exist.
#[test]
fn what_is_allowed_no_more_goes_first_and_whatever_fails() {
    let (desired, live) = revoked(|desired, role| {
        desired.managed.insert(policy("C"));
        desired.boundary = Some(policy("tighter"));
        desired.max_session = 900;
        role.attached.extend([policy("X"), policy("G")]);
        role.inline.insert("stray".into(), Some(allows("iam:*")));
        role.inline.insert("old".into(), Some(allows("s3:GetObject")));
        role.inline.insert("one".into(), Some(allows("sqs:*")));
    });
    let steps = plan(&desired, &present(&live), &settled(&desired), &none()).unwrap().steps;
    let (detach, delete) = (|name: &str| Step::Detach(policy(name)), |name: &str| Step::DeleteInline(name.into()));
    let (boundary, attach) = (Step::PutBoundary(policy("tighter")), Step::Attach(policy("C")));
    let first = [detach("X"), delete("stray"), delete("one"), boundary, Step::UpdateRole];
    let then = [attach.clone(), Step::PutInline("one".into()), detach("G"), delete("old")];
    assert_eq!(words(&steps), words(&[&first[..], &then].concat()));
    let (role, undone) = attempt(&desired, live, |step| *step == attach);
    assert_eq!(words(&undone), words(&[attach.clone(), detach("G"), delete("old")]), "what is allowed waits");
    assert_eq!((role.boundary, role.max_session), (Some(policy("tighter")), 900));
}

#[test]
fn a_class_that_keeps_takes_nothing_before_its_replacement_is_there() {
    let mut wanted = desired();
    wanted.managed.insert(policy("C"));
    let mut live = role(&desired());
    live.attached.insert(policy("X"));
    let steps = plan(&wanted, &present(&live), &settled(&wanted), &none()).unwrap().steps;
    assert_eq!(words(&steps), words(&[Step::Attach(policy("C")), Step::Detach(policy("X"))]));
    let (role, undone) = attempt(&wanted, live, |step| matches!(step, Step::Attach(_)));
    assert!(role.attached.contains(&policy("X")) && undone.len() == 2);
}

/// Who is let in less, how long a session is and what bounds the role depend on nothing that may fail; who is let in more
/// does, and so does a boundary of another class.
#[test]
fn what_needs_nothing_to_have_been_done_before() {
    let failed = [Step::Attach(policy("C"))];
    let may = |desired: &Desired, role: &Role, step: Step| may_try(desired, Some(role), &failed, &step);
    let (desired, mut live) = revoked(|_, _| {});
    live.trust = Some(trust(&["robot", "thief"]));
    assert!(may(&desired, &live, Step::UpdateTrust));
    assert!(!may_try(&desired, None, &failed, &Step::UpdateTrust), "nobody knows whom it lets in");
    live.trust = Some(trust(&["former"]));
    assert!(!may(&desired, &live, Step::UpdateTrust));
    assert!(!may(&desired, &live, Step::UpdateRole));
    live.max_session = 43200;
    assert!(may(&desired, &live, Step::UpdateRole));
    let edge = Step::PutBoundary(policy("edge"));
    assert!(may(&desired, &live, edge.clone()));
    live.tags.insert(tag::CLASS.into(), "former".into());
    assert!(!may(&desired, &live, edge));
    live.inline.insert("irsa-operator-quarantine".into(), None);
    assert!(!may(&desired, &live, Step::DeleteInline("irsa-operator-quarantine".into())), "our own comes last");
    assert!(goes_on(&[Step::UpdateRole], &failed[0]), "a description that AWS refuses keeps no policy away");
    assert!(!goes_on(&[Step::UpdateRole], &Step::DeleteInline("irsa-operator-quarantine".into())));
}
