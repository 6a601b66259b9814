//! What can't be: each with the place at fault and what to write instead.

use super::*;
use crate::error::Category;

/// What a spec at fault is answered: the place, and the whole sentence.
fn fault(binding: impl FnOnce(&mut IrsaBindingSpec), class: impl FnOnce(&mut IrsaClassSpec)) -> (String, String) {
    let error = try_with(binding, class).unwrap_err();
    assert_eq!(error.category, Category::Invalid);
    let (at, _) = error.message.split_once(": ").unwrap();
    (at.to_owned(), error.message)
}

#[test]
fn what_can_not_be_is_said_with_its_place() {
    let statement = |statement: Value| json!({"Version": "2012-10-17", "Statement": [statement]});
    type Change = Box<dyn FnOnce(&mut IrsaBindingSpec)>;
    let inline = |policies: Vec<InlinePolicy>| -> Change { Box::new(move |spec| spec.policies.inline = policies) };
    let ok = || policy("ok", reads("*"));
    let cases: Vec<(Change, &str, &str)> = vec![
        (Box::new(|spec| role(spec).description = Some("$(x)".into())), "spec.role.description", "$(x) is no variable"),
        (
            Box::new(|spec| role(spec).description = Some(format!("{}$(name)", "d".repeat(993)))),
            "spec.role.description",
            "has 1001 characters once its variables are filled in, IAM takes 1000",
        ),
        (Box::new(|spec| role(spec).tags = map(&[("a", "$(")])), "spec.role.tags[a]", "lacks its closing"),
        (
            Box::new(|spec| role(spec).tags = map(&[("a", &format!("{}$(name)", "v".repeat(249)))])),
            "spec.role.tags[a]",
            "has 257 characters",
        ),
        (
            Box::new(|spec| role(spec).tags = map(&[("IRSA-Operator.io/Cluster", "x")])),
            "spec.role.tags[IRSA-Operator.io/Cluster]",
            "reserved; use another key",
        ),
        (Box::new(|spec| role(spec).tags = map(&[("AWS:x", "x")])), "spec.role.tags[AWS:x]", "reserved"),
        (Box::new(|spec| role(spec).tags = map(&[("Ü", "x"), ("ü", "y")])), "spec.role.tags[Ü]", "is there twice"),
        (
            Box::new(|spec| spec.policies.managed = vec!["aws:A".into(), "team/queues".into()]),
            "spec.policies.managed[1]",
            "must be aws:PATH/NAME",
        ),
        (
            Box::new(|spec| spec.policies.managed = vec!["arn:aws:iam::aws:policy/A".into()]),
            "spec.policies.managed[0]",
            "write $(partition)",
        ),
        (
            Box::new(|spec| spec.policies.managed = vec!["account:$(team)/A".into()]),
            "spec.policies.managed[0]",
            "$(team) is no variable",
        ),
        (
            inline(vec![ok(), policy("Irsa-Operator-x", reads("*"))]),
            "spec.policies.inline[1].name",
            "the operator's own",
        ),
        (inline(vec![ok(), ok()]), "spec.policies.inline[1].name", "ok is there twice"),
        (
            inline(vec![ok(), policy("x", reads("$(y)"))]),
            "spec.policies.inline[1].document.Statement[0].Resource",
            "$(y) is no variable",
        ),
        (inline(vec![policy("x", json!({}))]), "spec.policies.inline[0].document.Version", "2012-10-17"),
        (
            inline(vec![policy("x", statement(json!({"Effect": "Maybe", "Action": "*", "Resource": "*"})))]),
            "spec.policies.inline[0].document.Statement[0].Effect",
            "",
        ),
        (
            inline(vec![policy(
                "x",
                statement(json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"})),
            )]),
            "spec.policies.inline[0].document.Statement[0].Principal",
            "",
        ),
        (
            inline(vec![
                policy("a", reads(&format!("arn:{}", "a".repeat(5120)))),
                policy("b", reads(&format!("arn:{}", "b".repeat(5120)))),
            ]),
            "spec.policies.inline",
            "IAM takes 10240; move some into a managed policy",
        ),
    ];
    for (change, at, says) in cases {
        let (place, sentence) = fault(change, |_| {});
        assert_eq!(place, at, "{sentence}");
        assert!(sentence.contains(says), "{sentence}");
    }
}

#[test]
fn what_the_class_gets_wrong_is_said_to_be_the_class() {
    type Change = Box<dyn FnOnce(&mut IrsaClassSpec)>;
    let cases: Vec<(Change, &str)> = vec![
        (Box::new(|class| class.role.name_template = "$(name)".into()), "the class's spec.role.nameTemplate"),
        (Box::new(|class| class.role.path = "/$(x)/".into()), "the class's spec.role.path"),
        (
            Box::new(|class| class.role.permissions_boundary_arn = Some("edge".into())),
            "the class's spec.role.permissionsBoundaryArn",
        ),
        (Box::new(|class| class.role.tags = map(&[("aws:x", "")])), "the class's spec.role.tags[aws:x]"),
        (Box::new(|class| class.oidc_provider.audiences.clear()), "the class's spec.oidcProvider.audiences"),
    ];
    for (change, at) in cases {
        assert_eq!(fault(|_| {}, change).0, at);
    }
}

#[test]
fn inline_policies_fill_iams_room_to_the_last_character() {
    let empty = crate::iam::document::Document::lenient(&reads("arn:")).size();
    let fits = |more: usize| {
        let room = crate::iam::document::INLINE_TOTAL_MAX - 2 * empty;
        let names = [("a", room / 2), ("b", room - room / 2 + more)];
        try_with(
            |spec| {
                spec.policies.inline =
                    names.map(|(name, size)| policy(name, reads(&format!("arn:{}", "x".repeat(size))))).into()
            },
            |_| {},
        )
    };
    assert!(fits(0).is_ok());
    assert!(fits(1).unwrap_err().message.contains("10241 characters together"));
}

#[test]
fn forty_tags_fit_and_one_more_does_not() {
    let many = |from: usize, to: usize| (from..to).map(|i| (format!("key-{i}"), "v".to_owned())).collect();
    let count = |binding: usize, class: (usize, usize)| {
        try_with(|spec| role(spec).tags = many(0, binding), |of| of.role.tags = many(class.0, class.1))
    };
    let full = count(20, (20, 40)).unwrap();
    assert!(full.tags.len() + 2 < 50, "room for the marks released-by and hold, and IAM's limit kept");
    assert!(count(30, (10, 40)).is_ok(), "what both have counts once");
    let error = count(20, (20, 41)).unwrap_err();
    assert!(error.message.starts_with("spec.role.tags: class and binding have 41 tags together"), "{error}");
}

/// Another cluster makes the role of mode Annotate, and would not have named it by this one's id.
#[test]
fn who_only_annotates_needs_a_name_that_holds_no_cluster() {
    use Mode::{Annotate, Manage, Observe};
    let try_modes = |binding, class, template: &str| {
        try_with(|spec| spec.mode = binding, |of| (of.mode, of.role.name_template) = (class, template.to_owned()))
    };
    for (binding, class) in [(Annotate, Manage), (Manage, Annotate), (Annotate, Annotate)] {
        let error = try_modes(binding, class, names::DEFAULT_NAME_TEMPLATE).unwrap_err();
        assert_eq!(error.category, Category::Invalid);
        assert_eq!(
            error.message,
            "spec.mode: Annotate takes a role that another cluster makes, and the class's spec.role.nameTemplate has this \
             cluster's $(clusterId) in its name; use a class with a template such as $(namespace)_$(name), or mode Manage \
             or Observe"
        );
        let desired = try_modes(binding, class, "$(namespace)_$(name)").unwrap();
        assert_eq!((desired.mode, desired.name.as_str()), (Annotate, "billing_invoices"));
    }
    for (binding, class) in [(Observe, Annotate), (Annotate, Observe), (Observe, Manage), (Manage, Observe)] {
        assert_eq!(try_modes(binding, class, names::DEFAULT_NAME_TEMPLATE).unwrap().mode, Observe, "any name will do");
    }
    assert_eq!(try_modes(Manage, Manage, names::DEFAULT_NAME_TEMPLATE).unwrap().mode, Manage);
}
