//! What spec and class say of a role that is there already.

use super::*;
use crate::api::{AdoptionPolicy, AdoptionSpec, AllowAdopt, AllowSpec};
use crate::iam::arn::RoleArn;

fn named(name: &str) -> impl FnOnce(&mut IrsaBindingSpec) {
    let name = name.to_owned();
    move |spec| role(spec).name = Some(name)
}

#[test]
fn a_role_that_the_spec_names_has_the_classs_path_until_it_is_found() {
    let desired = with(named("theirs"), |class| class.role.path = "/team/".into());
    let (there, found) =
        ("arn:aws-cn:iam::111122223333:role/team/theirs", "arn:aws-cn:iam::111122223333:role/eks/theirs");
    assert_eq!((desired.arn.as_str(), desired.name.as_str()), (there, "theirs"));
    let located = desired.clone().located(&RoleArn::parse(found).unwrap());
    assert_eq!((located.arn.as_str(), located.path.as_str()), (found, "/eks/"));
    assert_eq!(located.service_account.annotations, map(&[(annotation::ROLE_ARN, found)]));
    let template = with(|_| {}, |_| {});
    assert_eq!(template.clone().located(&RoleArn::parse(&template.arn.replace("/irsa/", "/x/")).unwrap()), template);
}

#[test]
fn a_name_that_iam_would_refuse_is_invalid() {
    for name in ["", "a/b", "arn:aws:iam::111122223333:role/x", "a b", "é", &"r".repeat(65), "$(name)"] {
        let error = try_with(named(name), |_| {}).unwrap_err();
        assert_eq!(error.category, crate::error::Category::Invalid);
        assert!(error.message.starts_with("spec.role.name: write the name of a role without its path"), "{error}");
    }
    assert!(try_with(named(&"r".repeat(64)), |_| {}).is_ok());
}

#[test]
fn what_is_asked_for_and_what_is_allowed() {
    let of = |adoption: Option<AdoptionSpec>, adopt: Option<AllowAdopt>| {
        with(|spec| spec.adoption = adoption, |class| class.allow = AllowSpec { adopt, ..AllowSpec::default() })
            .adoption
    };
    assert_eq!(with(|_| {}, |_| {}).adoption, Adoption::default());
    assert_eq!(of(None, None), Adoption::default());
    assert_eq!(
        of(Some(AdoptionSpec::default()), Some(AllowAdopt::default())),
        Adoption::default(),
        "Never, and nothing"
    );
    let asks = AdoptionSpec { policy: AdoptionPolicy::IfTagged, accept_removals: true };
    let asked = Adoption { asked: true, accepts_removals: true, ..Adoption::default() };
    assert_eq!(of(Some(asks.clone()), Some(AllowAdopt { enabled: false, delete: true })), asked);
    assert_eq!(of(Some(asks), Some(AllowAdopt { enabled: true, delete: false })), Adoption { allowed: true, ..asked });
    assert!(with(named("theirs"), |_| {}).adoption.named);
}

#[test]
fn annotate_takes_a_name_that_the_spec_gives() {
    let annotates = |binding: &mut IrsaBindingSpec| binding.mode = Mode::Annotate;
    assert!(try_with(annotates, |_| {}).is_err(), "the template has the cluster's id");
    let desired = try_with(
        |spec| {
            annotates(spec);
            role(spec).name = Some("theirs".into());
        },
        |_| {},
    )
    .unwrap();
    assert_eq!(desired.arn, "arn:aws-cn:iam::111122223333:role/irsa/theirs");
}
