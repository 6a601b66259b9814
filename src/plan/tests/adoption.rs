//! Roles that somebody else made: what it takes, the first steps, and what waits.

use super::*;
use crate::desired::Adoption;
use crate::error::Category;
use crate::iam::arn::RoleArn;
use crate::plan::adoption::{hidden, offered as offered_to_us};

pub(super) const THERE: &str = "arn:aws:iam::111122223333:role/eks/eksctl-prod-Role1-ABC";
pub(super) const ALL: Adoption = Adoption { named: true, asked: true, allowed: true, accepts_removals: true };
const OFFER: &str = "aws iam tag-role --role-name eksctl-prod-Role1-ABC --tags \
                     Key=irsa-operator.io/adoptable-by,Value=prod/billing/invoices";

/// The wish for a role that the spec names.
pub(super) fn wish(adoption: Adoption) -> Desired {
    let mut desired = Desired { adoption, name: "eksctl-prod-Role1-ABC".into(), ..desired() };
    desired.arn = "arn:aws:iam::111122223333:role/irsa/eksctl-prod-Role1-ABC".into();
    desired.located(&RoleArn::parse(THERE).unwrap())
}

/// The role as others made it, with the consent.
pub(super) fn offered(desired: &Desired, change: impl FnOnce(&mut Role)) -> Role {
    let mut role = role(desired);
    role.tags = [(tag::ADOPTABLE_BY.to_owned(), "prod/billing/invoices".to_owned())].into();
    role.tags.insert("Owner".into(), "team-a".into());
    change(&mut role);
    role
}

pub(super) fn plan_for(desired: &Desired, role: &Role) -> Result<Plan, Error> {
    plan(desired, &present(role), &settled(desired), &none())
}

fn refusal(desired: &Desired, role: &Role) -> String {
    let error = plan_for(desired, role).unwrap_err();
    assert_eq!(error.category, Category::Conflict, "{error}");
    error.message
}

#[test]
fn a_role_is_where_it_is_and_its_account_and_name_are_fixed() {
    let named = wish(ALL);
    assert_eq!((named.arn.as_str(), named.path.as_str()), (THERE, "/eks/"));
    assert_eq!(named.service_account.annotations[annotation::ROLE_ARN], THERE);
    for other in ["arn:aws:iam::111122223333:role/eks/other", "arn:aws:iam::999922223333:role/x/eksctl-prod-Role1-ABC"]
    {
        assert_eq!(named.clone().located(&RoleArn::parse(other).unwrap()), named, "{other}");
    }
    let unnamed = Desired { adoption: Adoption { named: false, ..ALL }, ..named.clone() };
    let elsewhere = RoleArn::parse("arn:aws:iam::111122223333:role/x/eksctl-prod-Role1-ABC").unwrap();
    assert_eq!(unnamed.clone().located(&elsewhere), unnamed, "a template's role is where the class says");
}

/// Each thing that is missing is said with what to do, and nothing else is.
#[test]
fn what_it_takes() {
    let field = "set spec.adoption.policy to IfTagged";
    let class = "have it allowed by IrsaClass default (spec.allow.adopt.enabled: true)";
    let asked = [("asked", field), ("class", class), ("tag", OFFER)];
    for missing in 0..8 {
        let lacks = |i: usize| missing & 1 << i != 0;
        let desired = wish(Adoption { asked: !lacks(0), allowed: !lacks(1), ..ALL });
        let role = offered(&desired, |role| {
            if lacks(2) {
                role.tags.remove(tag::ADOPTABLE_BY);
            }
        });
        if missing == 0 {
            assert!(plan_for(&desired, &role).unwrap().adopts);
            continue;
        }
        let said = refusal(&desired, &role);
        assert!(
            said.starts_with(&format!(
                "role {THERE} exists and was not made by irsa-operator; to have it taken over: "
            ))
        );
        for (i, (what, sentence)) in asked.iter().enumerate() {
            assert_eq!(said.contains(sentence), lacks(i), "{what}: {said}");
        }
    }
}

#[test]
fn only_the_very_binding_is_offered_a_role() {
    let desired = wish(ALL);
    for other in [
        "prod/billing/orders",
        "prod/shop/invoices",
        "blue/billing/invoices",
        "prod/billing",
        "Prod/billing/invoices",
        "",
    ] {
        let role = offered(&desired, |role| drop(role.tags.insert(tag::ADOPTABLE_BY.into(), other.into())));
        let said = refusal(&desired, &role);
        assert!(said.contains(&format!("(it says {other}): {OFFER}")), "{said}");
    }
    let theirs = offered(&desired, |role| {
        role.tags.extend(owner().tags());
        role.tags.insert(tag::NAMESPACE.into(), "shop".into());
    });
    assert!(offered_to_us(&desired.owner, &theirs) && !offered_to_us(&desired.owner, &role(&desired)));
    assert!(
        plan_for(&desired, &theirs).unwrap().adopts,
        "offered by whoever may tag it, a role of another binding, too"
    );
    let kept = Role { tags: theirs.tags.into_iter().filter(|(key, _)| key != tag::ADOPTABLE_BY).collect(), ..theirs };
    assert!(refusal(&desired, &kept).starts_with(&format!("role {THERE} belongs to the binding prod/shop/invoices")));
}

#[test]
fn no_consent_reaches_a_role_of_a_clone_or_of_a_newer_operator() {
    let desired = wish(ALL);
    for (key, value) in [(tag::ISSUER, "oidc.example/id/B"), (tag::SCHEMA, "2")] {
        let role = offered(&desired, |role| {
            role.tags.extend(owner().tags());
            role.tags.insert(key.into(), value.into());
        });
        assert!(plan_for(&desired, &role).is_err(), "{key}");
    }
    let newer = offered(&desired, |role| {
        role.tags.extend(owner().tags());
        role.tags.insert(tag::CLUSTER.into(), "blue".into());
        role.tags.insert(tag::SCHEMA.into(), "2".into());
    });
    let said = refusal(&desired, &newer);
    assert!(said.ends_with("upgrade this irsa-operator, as a newer one wrote the role's tags (schema 2)"), "{said}");
}

#[test]
fn a_role_of_a_template_is_taken_over_only_on_the_path_of_its_class() {
    let unnamed = Desired { adoption: Adoption { named: false, ..ALL }, ..desired() };
    let role = offered(&unnamed, |_| {});
    assert!(plan_for(&unnamed, &role).unwrap().adopts);
    let elsewhere = Role { arn: "arn:aws:iam::111122223333:role/x/prod_billing_invoices".into(), ..role };
    let said = refusal(&unnamed, &elsewhere);
    assert!(said.contains("set spec.role.name to prod_billing_invoices, because it has another path"), "{said}");
}

#[test]
fn a_stack_that_would_delete_the_role_has_to_let_it_go() {
    let desired = wish(ALL);
    let with = |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        offered(&desired, |role| role.tags.extend(tags))
    };
    let stack = ("aws:cloudformation:stack-name", "eksctl-prod-addon");
    let (id, eksctl) = (("aws:cloudformation:stack-id", "arn:x"), ("alpha.eksctl.io/cluster-name", "prod"));
    let said = refusal(&desired, &with(&[stack, id]));
    let left = "aws iam tag-role --role-name eksctl-prod-Role1-ABC --tags Key=irsa-operator.io/left-stack,Value=eksctl-prod-addon";
    assert!(said.contains(
        "CloudFormation made it, and its stack eksctl-prod-addon would delete it: give it DeletionPolicy: Retain"
    ));
    assert!(said.ends_with(left), "{said}");
    assert!(refusal(&desired, &with(&[stack, eksctl])).contains("eksctl made it with CloudFormation, and its stack"));
    assert!(plan_for(&desired, &with(&[stack, id, eksctl, (tag::LEFT_STACK, "eksctl-prod-addon")])).is_ok());
    assert!(
        refusal(&desired, &with(&[stack, (tag::LEFT_STACK, "another")])).ends_with(left),
        "what was said of another"
    );
    let older = ("eksctl.cluster.k8s.io/v1alpha1/cluster-name", "prod");
    let said = refusal(&desired, &with(&[eksctl, older]));
    let untag = "then aws iam untag-role --role-name eksctl-prod-Role1-ABC --tag-keys alpha.eksctl.io/cluster-name \
                 eksctl.cluster.k8s.io/v1alpha1/cluster-name";
    assert!(said.ends_with(untag), "{said}");
    assert!(refusal(&desired, &with(&[("AWS:CloudFormation:Stack-Name", "s")])).contains("its stack s would"));
}

#[test]
fn owner_tags_come_first_and_the_consent_goes_then() {
    let desired = wish(ALL);
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: Vec::new() };
    let role = offered(&desired, |role| {
        role.attached.insert(policy("X"));
        role.tags.insert(tag::RELEASED_BY.into(), "blue".into());
    });
    let plan = plan(&desired, &present(&role), &bare, &none()).unwrap();
    let [Step::Tag(claim), rest @ ..] = plan.steps.as_slice() else { panic!("{:?}", words(&plan.steps)) };
    assert!(owner().tags().iter().all(|(key, value)| claim.get(key) == Some(value)), "{claim:?}");
    assert_eq!(
        (claim.get(tag::ADOPTED).map(String::as_str), claim.get("team").map(String::as_str)),
        (Some("prod"), Some("billing"))
    );
    let marks = [tag::ADOPTABLE_BY, tag::RELEASED_BY].map(str::to_owned).to_vec();
    assert_eq!(rest, [Step::Annotate, Step::Untag(marks), Step::Detach(policy("X"))]);
    assert_eq!(plan.waiting, []);
}

/// A role of a former binding remembers what that one declared until it is gone.
#[test]
fn tags_of_a_former_binding_go_though_its_memory_is_replaced() {
    let desired = wish(ALL);
    let role = offered(&desired, |role| {
        role.tags.extend(tags_of(&[("cost", "1"), ("team", "billing")]));
        role.tags.insert(tag::BINDING.into(), "former".into());
    });
    for killed in 0..4 {
        let mut live = role.clone();
        let first = plan_for(&desired, &live).unwrap().steps;
        first.iter().take(killed).for_each(|step| after(&mut live, &desired, step));
        for step in plan_for(&desired, &live).unwrap().steps {
            after(&mut live, &desired, &step);
        }
        let mut end = desired.tags.clone();
        end.extend([(tag::ADOPTED.to_owned(), "prod".to_owned()), ("Owner".to_owned(), "team-a".to_owned())]);
        assert_eq!(live.tags, end, "killed after {killed} of {:?}", words(&first));
    }
}

#[test]
fn a_held_role_is_not_even_taken_over() {
    let desired = wish(ALL);
    let role = offered(&desired, |role| {
        role.tags.insert(tag::HOLD.into(), String::new());
        role.trust = Some(trust(&["x"]));
    });
    let bare = Accounts { current: Some(account(&BTreeMap::new())), former: Vec::new() };
    let plan = plan(&desired, &present(&role), &bare, &none()).unwrap();
    assert_eq!((plan.steps, plan.adopts, plan.waiting), (vec![], false, vec![]));
    assert_eq!(plan.held.len(), 3, "{:?}", words(&plan.held));
}

#[test]
fn no_role_is_made_under_a_name_that_a_spec_gives() {
    let desired = wish(ALL);
    let error = plan(&desired, &Observed::Absent, &settled(&desired), &none()).unwrap_err();
    assert_eq!(
        (error.category, error.message.as_str()),
        (
            Category::Conflict,
            "there is no role eksctl-prod-Role1-ABC in account 111122223333: spec.role.name names a role that is there \
             already, and none is made under it; correct the name, or remove spec.role.name to have a role made"
        )
    );
}

#[test]
fn what_may_not_be_looked_at_is_told_with_all_that_may_lack() {
    let said = hidden(&wish(ALL)).message;
    assert!(said.contains(OFFER) && said.contains("irsa-operator iam-policy --adoption"), "{said}");
    assert!(!said.contains("spec."), "{said}");
    let said = hidden(&desired()).message;
    for part in [
        "not made by irsa-operator",
        "rename this binding",
        "spec.adoption.policy",
        "spec.allow.adopt",
        "spec.role.name",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn one_that_was_taken_over_stays_unless_its_class_lets_it_go() {
    let desired = wish(ALL);
    let mut adopted = role(&desired);
    adopted.tags.insert(tag::ADOPTED.into(), "prod".into());
    let of = |extent: Extent, role: Option<&Role>, may_go: bool| extent.with(&desired.owner, role, may_go);
    assert_eq!(of(Extent::All, Some(&adopted), false), Extent::Nothing);
    assert_eq!(of(Extent::All, Some(&adopted), true), Extent::All);
    assert_eq!(of(Extent::Account, Some(&adopted), false), Extent::Account);
    assert_eq!(of(Extent::All, Some(&role(&desired)), false), Extent::All);
    assert_eq!(of(Extent::All, None, false), Extent::All);
    adopted.tags.insert(tag::BINDING.into(), "other".into());
    assert_eq!(
        of(Extent::All, Some(&adopted), false),
        Extent::All,
        "another's role decides nothing about the annotation"
    );
}
