//! The rules of IrsaClass.

use super::tags::tag_cases;
use super::{Case, Change, no, yes};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case> {
    [
        names(),
        mode(),
        account(),
        provider(),
        template(),
        path(),
        boundary(),
        tag_cases(),
        super::identity::cases(),
        largest(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const DOLLAR: &str = "$( begins a variable: write one of $(namespace) $(name) $(serviceAccount)";

fn names() -> Vec<Case> {
    let named = |name: String| json!({"metadata": {"name": name}});
    let session = |seconds: i64| json!({"spec": {"role": {"maxSessionDurationSeconds": seconds}}});
    let at = "spec.role.maxSessionDurationSeconds";
    vec![
        yes("the smallest class", json!({})),
        yes("a class's name of 63 characters", named("n".repeat(63))),
        no("one of 64", named("n".repeat(64)), "<nil>", "metadata.name: take a name of at most 63 characters"),
        yes("a session", session(43200)),
        no("a class's shorter session", session(3599), at, "greater than or equal to 3600"),
        no("a class's longer session", session(43201), at, "less than or equal to 43200"),
        yes("retained roles", json!({"spec": {"role": {"deletionPolicy": "Retain"}}})),
        no(
            "a class's other deletion policy",
            json!({"spec": {"role": {"deletionPolicy": "delete"}}}),
            "spec.role.deletionPolicy",
            "\"Delete\"",
        ),
    ]
}

fn mode() -> Vec<Case> {
    let class = |mode: &str, template: &str| json!({"spec": {"mode": mode, "role": {"nameTemplate": template}}});
    let sentence = "mode Annotate takes roles that another cluster makes, and nameTemplate has this cluster's id";
    vec![
        yes("a class that only observes", json!({"spec": {"mode": "Observe"}})),
        yes("a class that only annotates", class("Annotate", "$(namespace)_$(name)")),
        no("one whose names hold the cluster's id", json!({"spec": {"mode": "Annotate"}}), "spec", sentence),
        no("the same, written", class("Annotate", "x$(clusterId)_$(namespace)_$(name)"), "spec", sentence),
        yes("a class that cuts off what has no binding", json!({"spec": {"orphans": "Quarantine"}})),
        no("one that deletes it", json!({"spec": {"orphans": "Delete"}}), "spec.orphans", "\"Quarantine\""),
        no("a class's other mode", json!({"spec": {"mode": "observe"}}), "spec.mode", "\"Observe\""),
    ]
}

fn account() -> Vec<Case> {
    let account = |arn: &str| json!({"spec": {"account": {"assumeRoleArn": arn}}});
    let at = "spec.account.assumeRoleArn";
    let form = "write the ARN of a role, as arn:aws:iam::111122223333:role/irsa-operator";
    vec![
        yes("another account", account("arn:aws-cn:iam::111122223333:role/a/b/irsa-operator")),
        no("an account without a role", json!({"spec": {"account": {}}}), at, "Required value"),
        no("an account by its number", account("111122223333-and-more"), at, form),
        no("a user in another account", account("arn:aws:iam::111122223333:user/operator"), at, form),
        no(
            "a role's name of 65 characters",
            account(&format!("arn:aws:iam::111122223333:role/{}", "r".repeat(65))),
            at,
            form,
        ),
    ]
}

fn provider() -> Vec<Case> {
    let audiences = |list: &[&str]| json!({"spec": {"oidcProvider": {"audiences": list}}});
    let numbered = |count: usize| json!({"spec": {"oidcProvider": {"audiences": (0..count).map(|i| format!("a{i}")).collect::<Vec<_>>()}}});
    let list = "spec.oidcProvider.audiences";
    let at = "spec.oidcProvider.audiences[0]";
    let form = "an audience holds ASCII characters without spaces and dollar signs";
    vec![
        yes(
            "all of a provider",
            json!({"spec": {"oidcProvider": {"manage": false, "audiences": ["a", "b"], "deletionPolicy": "Delete"}}}),
        ),
        no(
            "a provider's other deletion policy",
            json!({"spec": {"oidcProvider": {"deletionPolicy": "Keep"}}}),
            "spec.oidcProvider.deletionPolicy",
            "\"Retain\"",
        ),
        no("no audience", audiences(&[]), list, "at least 1 items"),
        yes("100 audiences", numbered(100)),
        no("101 audiences", numbered(101), list, "must have at most 100 items"),
        no("one audience twice", audiences(&["a", "a"]), "spec.oidcProvider.audiences[1]", "Duplicate value: \"a\""),
        no("an empty audience", audiences(&[""]), at, "at least 1 chars long"),
        no("an audience of 256 characters", audiences(&[&"a".repeat(256)]), at, "may not be more than 255"),
        no("an audience with a space", audiences(&["a b"]), at, form),
    ]
}

fn template() -> Vec<Case> {
    let template = |text: &str| json!({"spec": {"role": {"nameTemplate": text}}});
    let at = "spec.role.nameTemplate";
    let characters =
        "a template holds letters, digits and _+,.@- beside variables; = is kept for names that had to be cut";
    let namespace = "a template holds $(namespace), or roles of two namespaces would have one name";
    let name = "a template holds $(name) or $(serviceAccount), or all roles of a namespace would have one name";
    let apart = "write one of _ + , @ between two variables, as in $(namespace)_$(name)";
    let broken = |name, text: &str, refused: &[&'static str]| Case {
        refused: refused.iter().map(|sentence| (at, *sentence)).collect(),
        ..yes(name, template(text))
    };
    vec![
        yes("names without the cluster", template("$(namespace)_$(name)")),
        yes("names of ServiceAccounts", template("irsa.$(namespace)-x+y$(serviceAccount).role")),
        yes(
            "all variables",
            template("$(clusterId),$(account)@$(partition)+$(region)_$(namespace)_$(name)_$(serviceAccount)"),
        ),
        broken("no namespace", "$(clusterId)_$(name)", &[namespace]),
        broken("no name", "$(clusterId)_$(namespace)", &[name]),
        broken("no variable", "role", &[namespace, name]),
        broken("an empty template", "", &[namespace, name]),
        broken("nothing between variables", "$(namespace)$(name)", &[apart]),
        broken("a hyphen between variables", "$(clusterId)_$(namespace)-$(name)", &[apart]),
        broken("a word between variables", "$(namespace).x.$(name)", &[apart]),
        broken("an equals sign", "$(namespace)_$(name)=x", &[characters]),
        broken("a slash", "team/$(namespace)_$(name)", &[characters]),
        broken("a letter beyond ASCII", "\u{e9}$(namespace)_$(name)", &[characters]),
        broken("an unknown variable", "$(namespace)_$(name)_$(team)", &[DOLLAR]),
        broken("a variable in another case", "$(Namespace)_$(namespace)_$(name)", &[DOLLAR]),
        broken("a dollar sign", "$x_$(namespace)_$(name)", &[characters]),
        broken("a variable that has no end", "$(namespace)_$(name)_$(region", &[DOLLAR, characters]),
        yes("a template of 256 characters", template(&format!("$(namespace)_$(name)_{}", "t".repeat(235)))),
        broken("257 characters", &format!("$(namespace)_$(name)_{}", "t".repeat(236)), &["may not be more than 256"]),
    ]
}

fn path() -> Vec<Case> {
    let path = |text: &str| json!({"spec": {"role": {"path": text}}});
    let refused = |name, text: &str, sentence| no(name, path(text), "spec.role.path", sentence);
    let form = "write a path with / at both ends and a name between, such as /irsa/ or /prod/apps/";
    let aws = "/aws-service-role/ and /aws-reserved/ are kept for AWS; take another path";
    vec![
        yes("a deep path", path("/prod/a_b+=,.@-C/")),
        yes("a path that only begins like one of AWS", path("/aws-reserved-not/")),
        refused("/ alone", "/", form),
        refused("an empty path", "", form),
        refused("no slash at the front", "irsa/", form),
        refused("no slash at the end", "/irsa", form),
        refused("two slashes in a path", "/irsa//x/", form),
        refused("a space in a path", "/a b/", form),
        refused("a variable in a path", "/$(namespace)/", form),
        refused("a line break after a path", "/irsa/\n", form),
        refused("a path of AWS", "/aws-service-role/eks/", aws),
        refused("another path of AWS", "/AWS-Reserved/", aws),
        yes("a path of 512 characters", path(&format!("/{}/", "p".repeat(510)))),
        refused("a path of 513 characters", &format!("/{}/", "p".repeat(511)), "may not be more than 512"),
    ]
}

fn boundary() -> Vec<Case> {
    let boundary = |text: &str| json!({"spec": {"role": {"permissionsBoundaryArn": text}}});
    let refused = |name, text: &str, sentence| no(name, boundary(text), "spec.role.permissionsBoundaryArn", sentence);
    let form = "write the ARN of a managed policy, for example arn:$(partition):iam::$(account):policy/irsa-boundary";
    let arn = |path: usize, name: usize| {
        format!("arn:aws:iam::111122223333:policy/{}/{}", "d".repeat(path), "p".repeat(name))
    };
    vec![
        yes("a boundary", boundary("arn:aws:iam::aws:policy/PowerUserAccess")),
        yes("a boundary with variables", boundary("arn:$(partition):iam::$(account):policy/$(clusterId)/$(namespace)")),
        refused("a boundary in short", "account:irsa-boundary", form),
        refused("a boundary by name", "irsa-boundary", form),
        refused("an empty boundary", "", form),
        refused("a boundary that is a role", "arn:aws:iam::111122223333:role/x", form),
        refused("a boundary with an unknown variable", "arn:aws:iam::aws:policy/$(team)", DOLLAR),
        yes("the longest boundary", boundary(&arn(510, 128))),
        refused("a boundary with a long name", &arn(1, 129), "a policy's name has at most 128 characters"),
        refused("a boundary with a long path", &arn(511, 1), "a policy's path has at most 512 characters"),
        refused("a boundary of 1025 characters", &arn(1025, 1), "may not be more than 1024"),
    ]
}

fn largest() -> Vec<Case> {
    let audiences: Vec<String> = (0..100).map(|i| format!("{i:03}{}", "a".repeat(252))).collect();
    let tags: serde_json::Map<String, Value> =
        (0..40).map(|i| (format!("{}{i:02}", "\u{4e16}".repeat(126)), json!("\u{4e16}".repeat(256)))).collect();
    let boundary = format!("arn:$(partition):iam::$(account):policy/{}", "$(serviceAccount)/".repeat(53) + "name");
    vec![yes(
        "everything as large as it may be",
        json!({
            "metadata": {"name": "n".repeat(63)},
            "spec": {
                "oidcProvider": {"audiences": audiences},
                "role": {
                    "nameTemplate": format!("$(namespace)_$(name)_{}", "t".repeat(235)),
                    "path": format!("/{}/", "p".repeat(510)),
                    "permissionsBoundaryArn": boundary,
                    "maxSessionDurationSeconds": 43200,
                    "tags": tags,
                },
            },
        }),
    )]
}

pub fn changes() -> Vec<Change> {
    let change = |name, before, after, refused| Change { name, before, after, refused };
    let role = |role: Value| json!({"spec": {"role": role}});
    let template = "nameTemplate can't be changed, because roles can't be renamed; make another class for new bindings";
    let path = "path can't be changed, because roles can't be moved; make another class for new bindings";
    let boundary = "permissionsBoundaryArn can be changed but not removed";
    let (a, b) = ("arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B");
    let account = |arn: &str| json!({"spec": {"account": {"assumeRoleArn": arn}}});
    let (here, there) = ("arn:aws:iam::111122223333:role/x", "arn:aws:iam::444455556666:role/x");
    let stays = "account can't be changed, because roles can't be moved; make another class for new bindings";
    vec![
        change("another account", account(here), account(there), vec![("spec", stays)]),
        change("an account that is added", json!({}), account(there), vec![("spec", stays)]),
        change("an account that is removed", account(here), json!({"spec": {"account": null}}), vec![("spec", stays)]),
        change("the same account", account(here), account(here), vec![]),
        change(
            "another template",
            role(json!({})),
            role(json!({"nameTemplate": "$(namespace)_$(name)"})),
            vec![("spec.role.nameTemplate", template)],
        ),
        change("another path", role(json!({})), role(json!({"path": "/other/"})), vec![("spec.role.path", path)]),
        change(
            "a path that falls back to the default",
            role(json!({"path": "/other/"})),
            role(json!({"path": null})),
            vec![("spec.role.path", path)],
        ),
        change(
            "a role that falls back to the default",
            role(json!({"path": "/other/"})),
            json!({"spec": {"role": null}}),
            vec![("spec.role.path", path)],
        ),
        change("a boundary is set", role(json!({})), role(json!({"permissionsBoundaryArn": a})), vec![]),
        change(
            "another boundary",
            role(json!({"permissionsBoundaryArn": a})),
            role(json!({"permissionsBoundaryArn": b})),
            vec![],
        ),
        change(
            "a boundary is removed",
            role(json!({"permissionsBoundaryArn": a})),
            role(json!({"permissionsBoundaryArn": null})),
            vec![("spec.role", boundary)],
        ),
        change(
            "a boundary is removed with its role",
            role(json!({"permissionsBoundaryArn": a})),
            json!({"spec": {"role": null}}),
            vec![("spec.role", boundary)],
        ),
        change(
            "all else",
            role(json!({})),
            json!({"spec": {
                "oidcProvider": {"manage": false, "audiences": ["a"], "deletionPolicy": "Delete"},
                "role": {"maxSessionDurationSeconds": 7200, "tags": {"team": "a"}, "deletionPolicy": "Retain"},
            }}),
            vec![],
        ),
    ]
}
