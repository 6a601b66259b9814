use super::*;
use crate::api::names::DEFAULT_NAME_TEMPLATE as DEFAULT;
use proptest::prelude::*;

fn vars(namespace: &str, name: &str, service_account: &str) -> Vars {
    Vars {
        namespace: namespace.into(),
        name: name.into(),
        service_account: service_account.into(),
        cluster_id: "prod-1".into(),
        account: "111122223333".into(),
        partition: "aws".into(),
        region: "eu-west-1".into(),
    }
}

#[test]
fn short_names_are_what_the_template_says() {
    let vars = vars("billing", "invoices", "robot");
    assert_eq!(role_name(DEFAULT, &vars).as_deref(), Ok("prod-1_billing_invoices"));
    let template = "App-$(namespace)+x.$(serviceAccount),$(account)@$(region)";
    assert_eq!(role_name(template, &vars).as_deref(), Ok("App-billing+x.robot,111122223333@eu-west-1"));
}

#[test]
fn sixty_four_characters_fit_and_one_more_is_cut() {
    let template = "$(namespace)_$(name)";
    let name = role_name(template, &vars("n", &"a".repeat(62), "x")).unwrap();
    assert_eq!(name, format!("n_{}", "a".repeat(62)));
    let name = role_name(template, &vars("n", &"a".repeat(63), "x")).unwrap();
    // Frozen: a change would orphan the roles of every binding with a long name.
    assert_eq!(name, format!("n_{}=kmppo5urleljkuod", "a".repeat(45)));
    assert_eq!(name.len(), 64);
}

#[test]
fn the_hash_is_base32_of_sha256() {
    // sha256("") = e3b0c44298fc1c149afb…
    assert_eq!(hash(""), "4oymiquy7qobjgx3");
}

#[test]
fn templates() {
    for template in [
        DEFAULT,
        "$(namespace)_$(name)",
        "$(namespace)-_-$(serviceAccount)",
        "a$(name),b$(namespace)c",
        "$(namespace)+$(name)@$(name)",
        "A.b-C_$(namespace)_$(name)",
    ] {
        assert_eq!(check_template(template), Ok(()), "{template}");
    }
    for (template, expected) in [
        ("", "must hold $(namespace)"),
        ("$(clusterId)_$(name)", "must hold $(namespace)"),
        ("$(namespace)", "must hold $(name) or $(serviceAccount)"),
        ("$(clusterId)_$(namespace)", "must hold $(name) or $(serviceAccount)"),
        ("$(namespace)$(name)", "needs one of _ + , @ between $(name) and"),
        ("$(namespace)-$(name)", "needs one of _ + , @ between $(name) and"),
        ("$(namespace)_$(name).$(region)", "needs one of _ + , @ between $(region) and"),
        ("_$(namespace)x$(name)_", "needs one of _ + , @ between $(name) and"),
        ("$(namespace)_$(name)=", "holds '=' in \"=\""),
        ("$(namespace)/$(name)", "holds '/'"),
        ("$(namespace)_$(name) ", "holds ' '"),
        ("$(namespace)_$(name)_é", "holds 'é'"),
        ("${namespace}_$(namespace)_$(name)", "holds '$'"),
        ("$(namespace)_$(nmae)", "is wrong: $(nmae) is no variable"),
        ("$(namespace)_$(name", "is wrong: $(name lacks its closing"),
    ] {
        let error = check_template(template).unwrap_err();
        assert!(error.contains(expected), "{template}: {error}");
        assert!(matches!(role_name(template, &vars("a", "b", "c")), Err(NameError::Template(_))), "{template}");
    }
}

#[test]
fn values_that_are_no_names_are_refused() {
    for bad in ["", "a_b", "A", "a=b", "a@b", "a,b", "a+b", "a/b", "é", "a b"] {
        let error = role_name(DEFAULT, &vars("ns", bad, "x")).unwrap_err();
        assert_eq!(error, NameError::Value { variable: "$(name)".into(), value: bad.into() });
    }
    assert!(role_name(DEFAULT, &vars("ns", "ok", "Not In The Template")).is_ok());
}

#[test]
fn iam_names() {
    assert!(is_iam_name("aZ0_+=,.@-", 64));
    for bad in ["", "a/b", "a b", "é", "a:b"] {
        assert!(!is_iam_name(bad, 64), "{bad}");
    }
    assert!(is_iam_name(&"a".repeat(64), 64) && !is_iam_name(&"a".repeat(65), 64));
}

/// Templates that the rule allows: variables in random order, texts between them with a separator somewhere.
fn template() -> impl Strategy<Value = String> {
    let second = prop::sample::select(vec!["$(name)", "$(serviceAccount)"]);
    let more = prop::sample::subsequence(
        vec!["$(clusterId)", "$(account)", "$(partition)", "$(region)", "$(name)", "$(namespace)"],
        0..4,
    );
    let order = (second, more).prop_flat_map(|(second, more)| {
        let mut variables = vec!["$(namespace)", second];
        variables.extend(more);
        Just(variables).prop_shuffle()
    });
    (order, prop::collection::vec("[A-Za-z0-9.-]{0,2}[_+,@][A-Za-z0-9_+,.@-]{0,2}", 6), "[A-Za-z0-9_+,.@-]{0,3}")
        .prop_map(|(variables, between, end)| {
            let mut template = end.clone();
            for (index, variable) in variables.iter().enumerate() {
                template.push_str(if index == 0 { "" } else { &between[index - 1] });
                template.push_str(variable);
            }
            template + &end
        })
}

/// A namespace, a binding's name and a ServiceAccount's name, from few letters so that near misses are frequent.
fn names() -> impl Strategy<Value = (String, String, String)> {
    let label = || prop_oneof!["[ab]([ab-]{0,3}[ab])?", "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"];
    let account = prop_oneof!["[ab]([ab.-]{0,3}[ab])?", "[a-z]([a-z0-9.-]{0,100}[a-z0-9])?"];
    (label(), label(), account)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Under any allowed template, bindings that differ in what the template names have different, valid names.
    #[test]
    fn names_are_valid_and_unique(template in template(), a in names(), b in names()) {
        prop_assert_eq!(check_template(&template), Ok(()));
        let named = |of: &(String, String, String)| role_name(&template, &vars(&of.0, &of.1, &of.2)).unwrap();
        let (first, second) = (named(&a), named(&b));
        prop_assert!(is_iam_name(&first, ROLE_NAME_MAX), "{}", first);
        prop_assert_eq!(&first, &named(&a));
        let differ = a.0 != b.0
            || template.contains("$(name)") && a.1 != b.1
            || template.contains("$(serviceAccount)") && a.2 != b.2;
        prop_assert_eq!(differ, !first.eq_ignore_ascii_case(&second), "{} {}", first, second);
    }

    /// The border between two values can move without the text around it changing only if a value held a separator.
    #[test]
    fn a_moved_border_is_another_name(template in template(), text in "[ab-]{2,120}", at in 1usize..119, to in 1usize..119) {
        let split = |at: usize| {
            let (namespace, name) = text.split_at(at.min(text.len() - 1));
            role_name(&template, &vars(namespace, name, name)).unwrap()
        };
        let same = at.min(text.len() - 1) == to.min(text.len() - 1);
        prop_assert_eq!(same, split(at).eq_ignore_ascii_case(&split(to)));
    }

    /// No binding can be given the name that another one's cut has made.
    #[test]
    fn only_cut_names_hold_an_equals_sign(template in template(), of in names()) {
        let vars = vars(&of.0, &of.1, &of.2);
        let name = role_name(&template, &vars).unwrap();
        let full = vars.expand(&template).unwrap();
        if full.len() <= ROLE_NAME_MAX {
            prop_assert_eq!(name, full);
        } else {
            prop_assert_eq!(name.len(), ROLE_NAME_MAX);
            let (start, hash) = name.split_once('=').unwrap();
            prop_assert!(full.starts_with(start));
            prop_assert!(hash.len() == HASH_LENGTH && hash.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)));
        }
    }
}
