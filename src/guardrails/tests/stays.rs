//! What of a role stays that was made while more of it was allowed.

use super::*;
use crate::api::names::tag;
use crate::iam::document::Document;
use crate::iam::role::{Observed, Role};
use crate::iam::trust::Subject;
use crate::plan::{Step, after, created};

/// What is wanted of a binding, and then of its role that was made while all of it was allowed.
fn confined(
    binding: Value,
    before: Value,
    of_class: Value,
    setting: &Setting,
    change: impl FnOnce(&mut Role),
) -> (Desired, Desired) {
    let (now, of_class) = (spec(binding), class(of_class));
    let whole = full(WHO, &spec(before), &of_class);
    let mut role = created(&whole, "AROA".into());
    let policies =
        whole.managed.iter().cloned().map(Step::Attach).chain(whole.inline.keys().cloned().map(Step::PutInline));
    policies.for_each(|step| after(&mut role, &whole, &step));
    change(&mut role);
    let all = full(WHO, &now, &of_class);
    let vars = vars(WHO, &now.service_account.name, &place());
    let found = violations(setting, &now, &of_class);
    assert!(!found.is_empty());
    let fits = confine(WHO, &now, &of_class, &place(), (&all, &vars), &found).unwrap();
    let stays = what_stays(&fits, &Observed::Present(Box::new(role))).unwrap();
    (fits, stays)
}

fn document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

#[test]
fn what_does_not_fit_stays_only_if_it_is_on_the_role_and_in_the_spec() {
    let policies = |managed: &[&str]| json!({"policies": {"managed": managed, "inline": [{"name": "p", "document": document("s3:Get*")}]}});
    let tight = json!({"allow": {"inlinePolicies": {"rules": []}}});
    let (sqs, x, y) =
        ("arn:aws:iam::aws:policy/AmazonSQSFullAccess", "arn:aws:iam::aws:policy/X", "arn:aws:iam::aws:policy/Y");
    let now = policies(&["aws:AmazonSQSFullAccess", "aws:X", "aws:Y"]);
    let before = policies(&["aws:X"]);
    let (fits, stays) = confined(now.clone(), before.clone(), tight.clone(), &usual(), |_| {});
    assert_eq!((fits.managed.iter().collect::<Vec<_>>(), fits.inline.len()), (vec![&sqs.to_owned()], 0));
    assert_eq!(stays.managed.iter().collect::<Vec<_>>(), [sqs, x], "{y} is never written");
    assert_eq!(stays.inline.len(), 1);
    let elsewhere = policies(&["aws:AmazonSQSFullAccess", "aws:Y"]);
    let (_, stays) = confined(elsewhere, before.clone(), tight.clone(), &usual(), |_| {});
    assert_eq!(stays.managed.iter().collect::<Vec<_>>(), [sqs], "X is not in the spec any more");
    // Another document of that name is neither what is asked for nor within bounds.
    let other = Document::identity(&document("iam:*")).unwrap();
    let drift = |role: &mut Role| drop(role.inline.insert("p".into(), Some(other)));
    let (_, stays) = confined(now.clone(), before.clone(), tight, &usual(), drift);
    assert_eq!(stays.inline.len(), 0);
    let revoke = json!({"onViolation": "Revoke", "allow": {"inlinePolicies": {"rules": []}}});
    let (fits, stays) = confined(now, before, revoke, &usual(), |_| {});
    assert_eq!((&stays.managed, stays.inline.len()), (&fits.managed, 0));
}

/// An edit that goes too far takes nothing away that was within bounds.
#[test]
fn what_was_there_before_and_fits_stays() {
    let policy = |action: &str| json!({"policies": {"inline": [{"name": "p", "document": document(action)}]}});
    let denied = |document: Value| {
        let found = [Violation { part: Part::Inline("p".into()), text: String::new() }];
        let (now, of_class) =
            (spec(json!({"policies": {"inline": [{"name": "p", "document": document}]}})), class(json!({})));
        let all = full(WHO, &now, &of_class);
        confine(WHO, &now, &of_class, &place(), (&all, &vars(WHO, "app", &place())), &found).unwrap()
    };
    let fits = denied(document("sqs:Get*"));
    let before = full(WHO, &spec(policy("s3:Get*")), &class(json!({})));
    let mut role = created(&before, "AROA".into());
    after(&mut role, &before, &Step::PutInline("p".into()));
    let stays = what_stays(&fits, &Observed::Present(Box::new(role))).unwrap();
    assert_eq!(stays.inline, before.inline);
}

#[test]
fn a_namespace_that_is_let_in_no_more_gets_nothing_new() {
    let out = Setting { labels: Labels::new(), ..usual() };
    let now = json!({"policies": {"managed": ["aws:AmazonSQSFullAccess", "aws:AmazonSQSReadOnlyAccess"]},
        "trust": {"serviceAccounts": ["app-2"]}, "serviceAccount": {"create": true}});
    let before = json!({"policies": {"managed": ["aws:AmazonSQSFullAccess"]}});
    let (fits, stays) = confined(now.clone(), before.clone(), json!({}), &out, |_| {});
    assert!(fits.managed.is_empty() && !fits.service_account.create);
    assert!(!lets_in(&fits, "app"), "nobody gets in by what is written now");
    assert_eq!(stays.managed.len(), 1, "what is there stays");
    assert!(lets_in(&stays, "app") && !lets_in(&stays, "app-2"), "who is in stays in");
    // A trust policy that somebody else has written is none that stays.
    let (_, stays) = confined(now.clone(), before.clone(), json!({}), &out, |role| role.trust = None);
    assert!(!lets_in(&stays, "app"));
    let other = json!({"serviceAccount": {"name": "app-9"}});
    let (_, stays) = confined(other, before.clone(), json!({}), &out, |_| {});
    assert!(!lets_in(&stays, "app-9") && !lets_in(&stays, "app"), "and nobody comes in place of it");
    let (_, stays) = confined(now, before, json!({"onViolation": "Revoke"}), &out, |_| {});
    assert!(stays.managed.is_empty() && !lets_in(&stays, "app"));
}

/// Tags, further ServiceAccounts and sessions follow the class at once.
#[test]
fn what_always_follows_the_class() {
    let now = json!({"role": {"tags": {"team": "team-a", "x": "y"}, "maxSessionDurationSeconds": 7200}, "deletionPolicy": "Retain",
        "trust": {"serviceAccounts": ["app-2", "web"]}});
    let (_, stays) = confined(now.clone(), now, json!({"allow": {"deletionPolicies": ["Delete"]}}), &usual(), |_| {});
    assert_eq!((stays.tags.contains_key("x"), stays.tags.contains_key("team"), stays.max_session), (false, true, 3600));
    assert!(lets_in(&stays, "app") && lets_in(&stays, "app-2") && !lets_in(&stays, "web"));
    assert!(!stays.retain);
}

fn lets_in(desired: &Desired, account: &str) -> bool {
    let subject = Subject { namespace: "team-a".into(), service_account: account.into() };
    crate::iam::trust::names(&desired.trust, &subject.claim())
}

#[test]
fn a_tighter_class_is_another_wish() {
    let of = |found: &[Violation], over: Value| {
        let (now, of_class) = (spec(json!({"policies": {"managed": ["aws:X"]}})), class(over));
        let all = full(WHO, &now, &of_class);
        confine(WHO, &now, &of_class, &place(), (&all, &vars(WHO, "app", &place())), found).unwrap().fingerprint()
    };
    let found = [Violation { part: Part::Managed(0), text: String::new() }];
    assert_ne!(of(&found, json!({})), of(&found, json!({"onViolation": "Revoke"})));
}

/// Where nobody carries out the spec, the role itself is judged.
#[test]
fn what_a_binding_that_only_looks_may_not_keep() {
    let of = |mode: &str, over: Value, whole: bool| {
        let (now, of_class) = (spec(json!({"mode": mode})), class(over));
        let vars = vars(WHO, "app", &place());
        let mut fits = full(WHO, &now, &of_class);
        if whole {
            let found = [Violation { part: Part::Whole, text: String::new() }];
            fits = confine(WHO, &now, &of_class, &place(), (&fits, &vars), &found).unwrap();
        }
        let before = json!({"policies": {"managed": ["aws:AmazonSQSFullAccess", "aws:X", "aws:D"], "inline": [
            {"name": "fits", "document": document("s3:Get*")}, {"name": "not", "document": document("iam:*")}]}});
        let before = full(WHO, &spec(before), &of_class);
        let mut role = created(&before, "AROA".into());
        let put =
            before.managed.iter().cloned().map(Step::Attach).chain(before.inline.keys().cloned().map(Step::PutInline));
        put.for_each(|step| after(&mut role, &before, &step));
        let denying = [String::from("arn:aws:iam::aws:policy/D")].into();
        let fits = held_to_class(fits, &of_class, &vars, "teams").unwrap();
        let held = Role { tags: [("irsa-operator.io/hold".into(), String::new())].into(), ..role.clone() };
        assert_eq!(revocations(&fits, &held, &denying).1, []);
        revocations(&fits, &role, &denying).1.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let revoke = json!({"onViolation": "Revoke"});
    let detach = |name: &str| format!("detach arn:aws:iam::aws:policy/{name}");
    let not = "remove the inline policy not".to_owned();
    assert_eq!(of("Observe", revoke.clone(), false), [detach("X"), not.clone()]);
    let all = [
        "write the trust policy".into(),
        detach("AmazonSQSFullAccess"),
        detach("X"),
        "remove the inline policy fits".into(),
        not,
    ];
    assert_eq!(of("Observe", revoke.clone(), true), all);
    assert_eq!(of("Manage", revoke, false), [""; 0], "there the plan does it");
    assert_eq!(of("Observe", json!({}), true), [""; 0], "Keep keeps");
    assert_eq!(
        of("Observe", json!({"onViolation": "Revoke", "mode": "Observe"}), true),
        [""; 0],
        "so does a class that only looks"
    );
}

/// A role that is left as it is: what of it follows each class, and what stays.
#[test]
fn what_of_a_role_that_is_left_as_it_is_follows_its_class() {
    let was = json!({"role": {"permissionsBoundaryArn": "aws:Old"}, "allow": {"maxSessionDurationSeconds": 43200}});
    let binding = json!({"mode": "Observe", "trust": {"serviceAccounts": ["app-2", "team-a"]},
        "role": {"maxSessionDurationSeconds": 7200, "description": "theirs"}});
    let role = created(&full(WHO, &spec(binding.clone()), &class(was)), "AROA".into());
    // What the spec says by now nobody carries out.
    let now = spec(json!({"mode": "Observe", "role": {"description": "other"}}));
    let of = |over: Value, role: &Role| {
        let mut of_class = json!({"onViolation": "Revoke", "role": {"permissionsBoundaryArn": "aws:Old"},
            "allow": {"maxSessionDurationSeconds": 7200}});
        merge(&mut of_class, &over);
        let of_class = class(of_class);
        let vars = vars(WHO, "app", &place());
        let fits = held_to_class(full(WHO, &now, &of_class), &of_class, &vars, "teams").unwrap();
        let (held, steps) = revocations(&fits, role, &std::collections::BTreeSet::new());
        let mut end = role.clone();
        steps.iter().for_each(|step| after(&mut end, &held, step));
        assert_eq!(revocations(&fits, &end, &std::collections::BTreeSet::new()).1, [], "once");
        (end, steps)
    };
    assert_eq!(of(json!({}), &role).1, []);
    let boundary = json!({"role": {"permissionsBoundaryArn": "aws:New"}});
    let (end, steps) = of(boundary.clone(), &role);
    assert_eq!((steps.len(), end.boundary.as_deref()), (1, Some("arn:aws:iam::aws:policy/New")));
    let (end, steps) = of(json!({"allow": {"maxSessionDurationSeconds": 3600}}), &role);
    assert_eq!((steps, end.max_session, end.description.as_str()), (vec![Step::UpdateRole], 3600, "theirs"));
    let let_in = |role: &Role| {
        crate::iam::trust::accounts(role.trust.as_ref().unwrap(), "team-a").into_iter().collect::<Vec<_>>()
    };
    let (end, _) = of(json!({"allow": {"serviceAccounts": {"names": ["app", "team-a"]}}}), &role);
    assert_eq!(let_in(&end), ["app", "team-a"]);
    let (end, _) = of(json!({"allow": {"serviceAccounts": {"additional": false}}}), &role);
    assert_eq!(let_in(&end), ["app"]);
    let moving = Role { tags: [("irsa-operator.io/class".into(), "former".into())].into(), ..role.clone() };
    assert_eq!(of(boundary.clone(), &moving).1, [], "another class's boundary");
    let mut kept = json!({"onViolation": "Keep", "oidcProvider": {"audiences": ["other"]}, "trustedIssuers": ["b.example"],
        "role": {"permissionsBoundaryArn": "aws:New", "tags": {"Cost": "1", "all": "new"}},
        "allow": {"maxSessionDurationSeconds": 3600, "serviceAccounts": {"additional": false}}});
    let (end, steps) = of(kept.clone(), &role);
    let words: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 4, "{words:?}");
    assert_eq!((end.boundary.as_deref(), end.max_session), (Some("arn:aws:iam::aws:policy/New"), 3600));
    assert_eq!(let_in(&end), ["app"]);
    let trust = end.trust.as_ref().unwrap().to_json();
    assert!(trust.contains(r#":aud":"other""#) && trust.contains("oidc-provider/b.example"), "{trust}");
    assert_eq!((&*end.tags["Cost"], &*end.tags["all"]), ("1", "new"));
    let mut less = end.tags.clone();
    less.retain(|key, _| !["Cost", "all"].contains(&&**key));
    assert_eq!(crate::iam::tags::withdrawn(&end.tags, &less).len(), 2, "that they were declared is remembered");
    kept["oidcProvider"]["audiences"] = json!(["other", "sts.amazonaws.com"]);
    assert!(of(kept.clone(), &role).0.trust.unwrap().to_json().contains(r#":aud":"sts.amazonaws.com""#), "allowed yet");
    // Who lost it by another word of the binding gets nothing back.
    kept["allow"]["serviceAccounts"] = json!({"names": ["other"]});
    assert_eq!(let_in(&of(kept.clone(), &role).0), ["app"], "its own stays, as a policy does");
    let marked = |key: &str| {
        let mut role = role.clone();
        role.tags.insert(key.to_owned(), "former".to_owned());
        role
    };
    let other = marked(tag::ISSUER);
    assert!(!of(kept.clone(), &other).0.trust.unwrap().to_json().contains("b.example"), "yet to be taken over");
    let adopted = marked(tag::ADOPTED);
    assert_eq!(of(kept.clone(), &adopted).1, [], "its owner has not accepted what the class takes");
    // Of such a role Revoke takes what it takes where a binding manages it, and no more.
    kept["onViolation"] = json!("Revoke");
    kept["allow"]["serviceAccounts"] = json!({"names": ["app"]});
    let mut adopted = adopted;
    adopted.tags.insert("all".to_owned(), "theirs".to_owned());
    let (end, steps) = of(kept.clone(), &adopted);
    let words: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert_eq!((let_in(&end), end.max_session), (vec!["app".to_owned()], 3600), "{words:?}");
    assert_eq!((&*end.tags["Cost"], end.tags["all"].as_str()), ("1", "theirs"), "a value is its owner's");
    assert!(!end.trust.unwrap().to_json().contains("b.example"), "so is the rest of its trust policy");
    // A role that lets in nobody has others that its class trusts, and trusts no more.
    let shut = |principals: Value| {
        let of_class = class(json!({"trustedPrincipals": principals}));
        let shut = crate::iam::narrow::letting_in(
            &full(WHO, &now, &of_class).trust,
            "team-a",
            &[].into(),
            "sts.amazonaws.com",
        );
        Role { trust: Some(shut), ..role.clone() }
    };
    let ci = "arn:aws:iam::111122223333:role/ci";
    let (end, steps) = of(json!({}), &shut(json!([ci])));
    assert_eq!((steps, let_in(&end)), (vec![Step::UpdateTrust], vec![]));
    assert_eq!(of(json!({"trustedPrincipals": [ci]}), &shut(json!([ci]))).1, []);
}
