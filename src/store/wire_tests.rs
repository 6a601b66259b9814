//! What an API server (1.37) wrote, through the decoders that kube's client uses.

use super::*;
use crate::api::names::annotation;
use kube::Resource;
use kube::core::{ObjectList, WatchEvent};

const BINDINGS: &str = include_str!("fixtures/bindings.json");
const BINDINGS_WATCH: &str = include_str!("fixtures/bindings.watch");
const REMOVED_FINALIZER: &str = include_str!("fixtures/removed-finalizer.json");
const MARKS_WATCH: &str = include_str!("fixtures/marks.watch");
const ACCOUNT: &str = include_str!("fixtures/service-account.json");
const ACCOUNTS: &str = include_str!("fixtures/service-accounts.json");
const ACCOUNTS_WATCH: &str = include_str!("fixtures/service-accounts.watch");

fn list<T: Kept>(text: &str) -> Vec<T> {
    let list: ObjectList<Watched<T>> = serde_json::from_str(text).unwrap();
    assert!(list.metadata.resource_version.is_some());
    list.items.into_iter().map(Watched::into_inner).collect()
}

fn events<T: Kept>(text: &str) -> Vec<WatchEvent<Watched<T>>> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn binding(name: &str) -> LeanBinding {
    list::<LeanBinding>(BINDINGS).into_iter().find(|b| &*b.head.key.name == name).unwrap()
}

fn account(name: &str) -> LeanServiceAccount {
    list::<LeanServiceAccount>(ACCOUNTS).into_iter().find(|a| &*a.head.key.name == name).unwrap()
}

fn custom_resource(rest: &str) -> String {
    format!(r#"{{"apiVersion":"irsa-operator.io/v1alpha1","kind":"X","metadata":{{"name":"a","uid":"1"{rest}}}"#)
}

#[test]
fn a_binding_keeps_what_a_reconcile_needs() {
    let good = binding("good");
    assert_eq!(good.head.key.to_string(), "orders/good");
    assert_eq!(good.head.generation, 1);
    assert!(good.head.version().is_some() && good.head.created.is_some() && good.head.deleted.is_none());
    assert!(good.head.has_finalizer(crate::api::names::FINALIZER) && !good.head.has_finalizer("other"));
    assert_eq!(good.service_account().unwrap().to_string(), "orders/invoices");
    assert_eq!(good.class_name.as_deref(), Some("default"));
    let condition = &good.decode().unwrap().policies.inline[0].document["Statement"][0]["Condition"];
    assert_eq!(condition["StringLike"]["s3:prefix"][1], "é\u{2028}<>&");
    assert_eq!(good.status().role_arn.as_deref(), Some("arn:aws:iam::1:role/irsa/a"));
}

#[test]
fn a_binding_knows_what_its_status_says_whatever_it_is() {
    let says = |status: &str| {
        let text = custom_resource("") + &format!(r#","spec":{{}},"status":{status}}}"#);
        serde_json::from_str::<LeanBinding>(&text).unwrap().says
    };
    let condition = |kind: &str, status: &str| {
        let more = r#""reason":"\u0041","message":"\"m\"","lastTransitionTime":null"#;
        format!(r#"{{"type":"{kind}","status":"{status}",{more}}}"#)
    };
    let conditions = |all: &[String]| format!(r#"{{"roleArn":"a","conditions":[{}]}}"#, all.join(","));
    let ready = Says::new(true, false, "Other", "Other");
    assert_eq!(says(&conditions(&[condition("RoleReady", "True"), condition("Ready", "True")])), ready);
    let stalled = Says::new(false, true, "Other", "Pending");
    assert_eq!(says(&conditions(&[condition("Ready", "False"), condition("Stalled", "True")])), stalled);
    for nothing in ["null", "{}", "[]", "3", r#"{"conditions":3}"#, r#"{"conditions":[{"type":"Ready"}]}"#] {
        assert_eq!(says(nothing), Says::default(), "{nothing}");
        assert_eq!(says(nothing).reason(), "Pending");
    }
    let known = conditions(&[condition("RoleReady", "True"), condition("Ready", "False")]);
    assert_eq!(says(&known).reason(), "Other", "a reason that we never write is no label");
    assert_eq!(says(&known.replace(r"\u0041", "Invalid")).reason(), "Invalid");
}

#[test]
fn whatever_a_spec_holds_stops_only_its_own_object() {
    let said = |name| binding(name).decode().unwrap_err().to_string();
    assert_eq!(list::<LeanBinding>(BINDINGS).len(), 9);
    assert_eq!(said("typo"), "spec.policies.inline[1].name: invalid type: integer `3`, expected a string");
    assert_eq!(said("odd"), "spec.className: invalid type: map, expected a string");
    for name in ["no-spec", "null", "number", "text", "list"] {
        assert_eq!(said(name), "spec: is not an object");
    }
    assert_eq!(binding("no-spec").spec.unpack(), "null");
    // The index finds a binding wherever its ServiceAccount can be made out, valid or not.
    let of = |name| binding(name).service_account.map(|n| n.to_string());
    assert_eq!([of("half"), of("typo")], [Some("invoices".into()), Some("invoices".into())]);
    assert_eq!([of("odd"), of("list"), of("text"), of("null"), of("no-spec")], [const { None }; 5]);
    assert_eq!(binding("half").class_name, None);
    // So does a status that somebody wrote by hand.
    for name in ["odd", "text", "half"] {
        assert!(binding(name).status.is_some() && binding(name).status() == Default::default());
    }
}

#[test]
fn raw_text_survives_a_watch_event_as_the_api_server_writes_it() {
    let events = events::<LeanBinding>(BINDINGS_WATCH);
    let [WatchEvent::Modified(deleting), WatchEvent::Deleted(odd), WatchEvent::Deleted(good)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(deleting.object.spec.unpack(), binding("good").spec.unpack());
    assert!(deleting.object.head.deleted.is_some() && deleting.object.differs(&binding("good")));
    assert_eq!(odd.object.spec.unpack(), binding("odd").spec.unpack());
    // A Delete has a version of its own: the one at which the object ceased to be.
    assert!(good.object.head.version() > deleting.object.head.version());
    // The watcher goes by these.
    assert_eq!(good.meta().resource_version.as_deref(), Some(&*good.object.head.resource_version));
    assert_eq!(good.meta().name.as_deref(), Some("good"));
}

#[test]
fn the_answer_that_removes_the_last_finalizer_changes_nothing() {
    // It has the version from before, because that version was never written: the object went instead.
    let answer: Watched<LeanBinding> = serde_json::from_str(REMOVED_FINALIZER).unwrap();
    let events = events::<LeanBinding>(BINDINGS_WATCH);
    let mut store = Store::new();
    let [WatchEvent::Modified(deleting), _, WatchEvent::Deleted(gone)] = &events[..] else { panic!("{events:?}") };
    store.apply(deleting.object.clone());
    assert!(matches!(store.write_through(answer.object.clone()), Change::Unchanged));
    assert!(store.delete(&gone.object).is_some());
    assert!(matches!(store.write_through(answer.object), Change::Unchanged));
    assert!(store.is_empty());
}

#[test]
fn bookmarks_and_errors_are_decoded_too() {
    let events = events::<LeanBinding>(MARKS_WATCH);
    let [WatchEvent::Bookmark(mark), WatchEvent::Error(expired)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((mark.metadata.resource_version.as_str(), expired.code), ("285", 410));
}

#[test]
fn a_class_knows_whether_it_is_the_default() {
    let class = |rest: &str| serde_json::from_str::<Watched<LeanClass>>(&custom_resource(rest)).unwrap().object;
    let annotated = r#","annotations":{"x":"y","irsa-operator.io/is-default-class":"true"}},"spec":{}"#;
    assert!(class(annotated).is_default && class(annotated).decode().is_ok());
    assert!(!class(&annotated.replace("true", "false")).is_default);
    assert!(!class(r#","annotations":null},"spec":[]"#).is_default);
    assert!(!class("}").is_default && class("}").decode().is_err());
    assert!(class(annotated).differs(&class(&annotated.replace("true", "false"))));
    assert_eq!(class(annotated).head.key.to_string(), "a");
}

#[test]
fn a_service_account_knows_who_owns_what() {
    let made = account("made");
    assert_eq!(made.role_arn(), Some("arn:aws:iam::1:role/irsa/a"));
    assert_eq!(made.annotation(annotation::TOKEN_EXPIRATION), Some("86400"));
    assert_eq!(made.annotation(annotation::AUDIENCE), None);
    assert_eq!(made.created_by.as_deref(), Some("invoices"));
    let owned: Vec<_> = made.owned_by("invoices").iter().collect();
    assert_eq!(owned, [annotation::ROLE_ARN, annotation::TOKEN_EXPIRATION]);
    assert!(made.is_only_of("invoices") && !made.is_only_of("other") && !made.foreign_managers);

    let shared = account("shared");
    assert!(shared.foreign_managers && !shared.is_only_of("invoices") && shared.created_by.is_none());
    assert_eq!(*shared.role_arn_owners, [Box::<str>::from("argocd-controller")]);
    let appliers: Vec<_> = shared.appliers.iter().map(|a| (&*a.binding, a.keys.iter().collect())).collect();
    assert_eq!(appliers, [("invoices", vec![annotation::TOKEN_EXPIRATION]), ("other", vec![annotation::ROLE_ARN])]);
    assert!(shared.owned_by("nobody").is_empty());
}

#[test]
fn a_label_of_somebody_else_makes_a_service_account_shared() {
    let events = events::<LeanServiceAccount>(ACCOUNTS_WATCH);
    let [WatchEvent::Modified(labelled), WatchEvent::Deleted(_)] = &events[..] else { panic!("{events:?}") };
    assert!(labelled.object.foreign_managers && !labelled.object.is_only_of("invoices"));
    assert!(labelled.object.role_arn_owners.is_empty());
    assert!(labelled.object.differs(&account("made")));
}

#[test]
fn a_whole_service_account_decodes_as_its_metadata_does() {
    let whole = serde_json::from_str::<Watched<LeanServiceAccount>>(ACCOUNT).unwrap().object;
    assert!(!whole.differs(&account("made")));
    let bare: LeanServiceAccount = serde_json::from_str(r#"{"metadata":{"name":"a","namespace":"b"}}"#).unwrap();
    assert!(!bare.foreign_managers && bare.role_arn().is_none());
}

#[test]
fn updates_under_our_prefix_are_not_ours() {
    // An apply is what a binding does; who else uses the name has to be reckoned with.
    let text = ACCOUNT.replace(r#""operation":"Apply""#, r#""operation":"Update""#);
    let account: LeanServiceAccount = serde_json::from_str(&text).unwrap();
    assert!(account.foreign_managers && account.owned_by("invoices").is_empty());
    let text = ACCOUNT.replace("irsa-operator/invoices", "irsa-operator2");
    assert!(serde_json::from_str::<LeanServiceAccount>(&text).unwrap().foreign_managers);
}

#[test]
fn kube_asks_for_the_right_things() {
    assert_eq!(<Watched<LeanBinding> as Resource>::url_path(&(), None), "/apis/irsa-operator.io/v1alpha1/irsabindings");
    assert_eq!(<Watched<LeanClass> as Resource>::url_path(&(), None), "/apis/irsa-operator.io/v1alpha1/irsaclasses");
    assert_eq!(<Watched<LeanServiceAccount> as Resource>::url_path(&(), None), "/api/v1/serviceaccounts");
    assert!(<Watched<LeanServiceAccount> as Resource>::metadata_api());
    assert!(!<Watched<LeanBinding> as Resource>::metadata_api());
}

#[test]
fn what_neighbours_have_in_common_is_held_once() {
    let mut store = Store::new();
    list::<LeanBinding>(BINDINGS).into_iter().for_each(|binding| drop(store.init_apply(binding)));
    let all: Vec<_> = store.iter().cloned().collect();
    let namespaces = all.windows(2).all(|two| Arc::ptr_eq(&two[0].head.key.namespace, &two[1].head.key.namespace));
    assert!(namespaces && all.len() > 2);
    // A later version shares the names of the one before it.
    let before = store.get(&binding("good").head.key).unwrap().clone();
    let mut newer = binding("good");
    newer.head.resource_version = "99999".into();
    assert!(matches!(store.apply(newer), Change::Updated(_)));
    let after = store.get(&before.head.key).unwrap();
    assert!(Arc::ptr_eq(&before.head.key.name, &after.head.key.name));
    assert!(Arc::ptr_eq(&before.head.finalizers, &after.head.finalizers));
    assert_eq!(after.class_name.as_ref().map(Arc::as_ptr), before.class_name.as_ref().map(Arc::as_ptr));
}

#[test]
fn ten_thousand_of_each_fit() {
    // What each entry costs in fixed parts, and in text. Measured with glibc's malloc, 10,000 bindings with 3.8 kB of
    // spec and status take 11 MiB, 10,000 ServiceAccounts 6, their queue and what is remembered of them 4, and a relist
    // in which everything has changed 3 more.
    assert!(size_of::<LeanBinding>() <= 208, "{}", size_of::<LeanBinding>());
    assert!(size_of::<LeanServiceAccount>() <= 256, "{}", size_of::<LeanServiceAccount>());
    assert!(size_of::<(NsName, Entry<LeanBinding>)>() <= 48);
    let kept = |b: &LeanBinding| b.spec.size() + b.status.as_ref().map_or(0, Packed::size);
    assert!(list::<LeanBinding>(BINDINGS).iter().map(kept).sum::<usize>() * 8 < BINDINGS.len());
}
