//! Names that bindings give their roles.

use super::*;

fn role(name: &str) -> Value {
    json!({"role": {"name": name}})
}

#[test]
fn a_role_is_made_under_a_name_that_the_class_allows() {
    let names = |glob: &str| json!({"allow": {"roleName": glob}});
    let wanted = |name: &str, of_class: Value| full(WHO, &spec(role(name)), &class(of_class));
    for (glob, name) in [("$(namespace)_*", "team-a_own"), ("$(clusterId)-$(name)", "prod-app"), ("shop*", "shop")] {
        assert_eq!(said(role(name), names(glob)), [""; 0], "{glob}");
        let desired = wanted(name, names(glob));
        assert!(!desired.adoption.named, "{glob}: one is made");
        assert_eq!(desired.arn, format!("arn:aws:iam::111122223333:role/irsa/{name}"));
    }
    for name in ["team-ab_own", "TEAM-a_own", "x", "team-a_own=abcdefghijklmnop"] {
        let told = one(role(name), names("$(namespace)_*"));
        assert!(told.starts_with(&format!("spec.role.name: IrsaClass teams does not allow {name} (")), "{told}");
        assert!(told.contains("it allows team-a_*, without =: take such a name, or leave it out"), "{told}");
        assert!(wanted(name, names("$(namespace)_*")).adoption.named, "{name}: none is made");
    }
    assert!(wanted("team-a_own", json!({})).adoption.named, "nothing is allowed where nothing is said");
}

/// A namespace that is called like the cluster does not get the names of all others.
#[test]
fn names_that_are_made_for_bindings_are_not_given_away() {
    for glob in ["prod_*", "p*", "*"] {
        let of_class = json!({"allow": {"roleName": glob}});
        assert!(
            full(WHO, &spec(role("prod_billing_invoices")), &class(of_class)).adoption.named,
            "{glob}: none is made"
        );
    }
    let of_class = json!({"allow": {"roleName": "$(clusterId)_$(namespace)_*"}});
    assert!(!full(WHO, &spec(role("prod_team-a_x")), &class(of_class)).adoption.named, "the class says so itself");
}

#[test]
fn some_names_are_never_taken() {
    for name in ["AWSx", "aws-x", "Cdk-x", "stackSets-x", "organizationAccountAccessRole", "OPERATOR"] {
        let prefix: String = name.chars().take(3).collect();
        let told = one(role(name), json!({"allow": {"roleName": format!("{prefix}*")}}));
        assert!(told.contains("are never taken; take another spec.role.name, within IrsaClass teams"), "{told}");
    }
}

/// Its consent stands on the role.
#[test]
fn a_role_that_is_taken_over_has_the_name_that_it_has() {
    let of_class = json!({"allow": {"roleName": "$(namespace)_*", "adopt": {"enabled": true}}});
    let mut adopts = role("AWSReserved");
    adopts["adoption"] = json!({"policy": "IfTagged"});
    assert_eq!(said(adopts.clone(), of_class.clone()), [""; 0]);
    adopts["role"]["name"] = json!("team-a_own");
    assert!(full(WHO, &spec(adopts.clone()), &class(of_class.clone())).adoption.named, "and none is made");
    adopts["role"]["name"] = json!("operator");
    assert!(one(adopts, of_class.clone()).contains("are never taken"), "but the operator's own");
    let mut annotates = role("any");
    annotates["mode"] = json!("Annotate");
    assert_eq!(said(annotates, of_class), [""; 0], "another cluster makes it");
}

/// A class that allows other names from now on takes nothing away: its name is all that is against it.
#[test]
fn a_role_that_was_made_stays_as_it_is() {
    let (of_class, mut asks) =
        (class(json!({"allow": {"roleName": "shop-*"}, "onViolation": "Revoke"})), role("team-a_own"));
    asks["policies"] = json!({"managed": ["aws:AmazonSQSFullAccess"]});
    let asks = spec(asks);
    let (wanted, vars) = (full(WHO, &asks, &of_class), vars(WHO, "app", &place()));
    let against = violations(&usual(), &asks, &of_class);
    assert_eq!(against.iter().map(|v| v.part.clone()).collect::<Vec<_>>(), [Part::Name]);
    let fits = confine(WHO, &asks, &of_class, &place(), (&wanted, &vars), &against).unwrap();
    assert_eq!((&fits.managed, &fits.trust, &fits.arn), (&wanted.managed, &wanted.trust, &wanted.arn));
}
