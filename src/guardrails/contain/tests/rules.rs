//! What a class may say.

use super::*;

#[test]
fn rules_are_expanded_and_checked() {
    let fault = |actions: &[&str], resources: &[&str], deny: &[&str]| {
        expand(&[(&["s3:Get*"], &["*"]), (actions, resources)], deny).unwrap_err().to_string()
    };
    for (actions, resources, deny, expected) in [
        (&["s3"][..], &["*"][..], &[][..], "rules[1].actions[0]: \"s3\" is no action; write service:Name"),
        (
            &["s3:Get", "\u{212a}ms:x"],
            &["*"],
            &[],
            "rules[1].actions[1]: \"\u{212a}ms:x\" holds '\u{212a}' (U+212A), and no action does",
        ),
        (&["*"], &["*", "arn:aws:s3"], &[], "rules[1].resources[1]: \"arn:aws:s3\" has not all six parts"),
        (
            &["*"],
            &["arn:aws:s3:::${aws:x}"],
            &[],
            "rules[1].resources[0]: \"arn:aws:s3:::${aws:x}\" holds a policy variable",
        ),
        (
            &["*"],
            &["arn:aws:s3:::é"],
            &[],
            "rules[1].resources[0]: \"arn:aws:s3:::é\" holds 'é' (U+00E9), and only ASCII",
        ),
        (
            &["*"],
            &["arn:aws:s3:::$(nmae)"],
            &[],
            "rules[1].resources[0]: \"arn:aws:s3:::$(nmae)\" can't be used: $(nmae) is no",
        ),
        (&["*"], &["*"], &["s3:Get*", "x"], "deny[1]: \"x\" is no action;"),
    ] {
        let said = fault(actions, resources, deny);
        assert!(said.starts_with(expected), "{said}");
    }
    for value in ["", "*", "a?", "${x}", "é"] {
        let vars = Vars { namespace: value.into(), ..vars() };
        let texts = ["arn:aws:s3:::$(namespace)*".to_owned()];
        let error = Rules::expand([(&["s3:GetObject".to_owned()][..], &texts[..])], &[], &vars).unwrap_err();
        assert!(error.message.contains("$(namespace) is \""), "{error}");
    }
}

#[test]
fn patterns_that_reach_neighbours_are_known() {
    for (text, reaches) in [
        ("arn:aws:s3:::$(namespace)-*", true),
        ("arn:aws:s3:::$(namespace)*", true),
        ("arn:aws:s3:::$(namespace)-logs-*", true),
        ("arn:aws:s3:::$(namespace)-?", true),
        ("arn:aws:s3:::$(namespace)-$(name)", true),
        ("arn:aws:s3:::$(namespace)-$(account)-*", true),
        ("arn:aws:s3:::$(namespace)-$(account)/*", false),
        ("arn:aws:s3:::$(namespace)/*", false),
        ("arn:aws:s3:::$(namespace)_*", false),
        ("arn:aws:s3:::$(namespace)-logs", false),
        ("arn:aws:s3:::$(namespace)-logs/*", false),
        ("arn:aws:s3:::*", false),
        ("arn:aws:s3:::$(nmae)*", false),
    ] {
        assert_eq!(reaches_neighbours(text).is_some(), reaches, "{text}");
    }
    assert_eq!(
        reaches_neighbours("$(namespace)-*").unwrap(),
        "\"$(namespace)-*\" reaches from one namespace to others: that of team-a covers what namespace team-a-b has. Put a \
         character after $(namespace) that no namespace has in its name, as / or _"
    );
}
