//! What is written in AWS and on ServiceAccounts for a set of bindings: tests/golden/*.yaml, and beside each, as it is
//! sent, what comes of it. A difference may change every role that is there, at the first look after an upgrade: so it has to
//! stand in the changelog.
//!
//! `IRSA_GOLDEN_WRITE=1 cargo test --test golden` writes them anew.

use irsa_operator::api::{IrsaBinding, IrsaClass};
use irsa_operator::desired::{Desired, Place, Who, desired};
use irsa_operator::iam::role::Observed;
use irsa_operator::plan::{Account, Accounts, plan};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cases() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("tests/golden")).expect("tests/golden");
    let mut cases: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    cases.sort();
    cases
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn typed<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|why| panic!("{why}: {value}"))
}

/// What comes of each binding of a file.
fn rendered(text: &str) -> String {
    let documents = text.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).expect("YAML"));
    let (mut place, mut class, mut out) = (Place::default(), None, String::new());
    for value in documents {
        match value["kind"].as_str() {
            Some("IrsaClass") => class = Some(typed::<IrsaClass>(&value)),
            Some("IrsaBinding") => {
                let (binding, class) = (typed::<IrsaBinding>(&value), class.as_ref().expect("a class before it"));
                let name = |of: &Option<String>| of.clone().unwrap_or_default();
                let (namespace, own) = (name(&binding.metadata.namespace), name(&binding.metadata.name));
                let who = Who { namespace: &namespace, name: &own, class: &name(&class.metadata.name) };
                let wish =
                    desired(who, &binding.spec, &class.spec, &place).unwrap_or_else(|why| panic!("{own}: {why}"));
                describe(&mut out, &format!("{namespace}/{own}"), &wish);
            }
            _ => {
                let of = |key: &str| value["place"][key].as_str().unwrap_or_default().to_owned();
                place = Place {
                    cluster_id: of("cluster"),
                    issuer: of("issuer"),
                    account: of("account"),
                    partition: of("partition"),
                    region: of("region"),
                };
            }
        }
    }
    out
}

fn describe(out: &mut String, binding: &str, wish: &Desired) {
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key}{}{value}", if value.is_empty() { "" } else { " " });
    };
    line(&format!("# {binding}, {:?}", wish.mode), "");
    line("role:", &wish.arn);
    line("name:", &wish.name);
    line("path:", &wish.path);
    line("description:", &wish.description);
    line("session:", &wish.max_session.to_string());
    line("boundary:", wish.boundary.as_deref().unwrap_or_default());
    wish.tags.iter().for_each(|(key, value)| line("tag:", &format!("{key}={value}")));
    line("trust:", &wish.trust.to_json());
    wish.managed.iter().for_each(|arn| line("managed:", arn));
    wish.inline.iter().for_each(|(name, document)| line(&format!("inline {name}:"), &document.to_json()));
    let account = &wish.service_account;
    line("service account:", &format!("{}{}", account.name, if account.create { ", made" } else { "" }));
    account.annotations.iter().for_each(|(key, value)| line("annotation:", &format!("{key}={value}")));
    line("deletion:", if wish.retain { "Retain" } else { "Delete" });
    // How a new one comes about, with a ServiceAccount that nobody has annotated.
    let current = (!account.create).then(Account::default);
    let accounts = Accounts { current, ..Accounts::default() };
    if let Ok(plan) = plan(wish, &Observed::Absent, &accounts, &BTreeSet::new()) {
        plan.steps.iter().for_each(|step| line("step:", &step.to_string()));
    }
    line("", "");
}

/// What stands for all of them in the changelog.
fn digest(texts: &[String]) -> String {
    let sum = Sha256::digest(texts.concat().as_bytes());
    sum.iter().take(6).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[test]
fn what_is_rendered_is_what_is_stored() {
    let write = std::env::var_os("IRSA_GOLDEN_WRITE").is_some();
    let mut stale = Vec::new();
    for case in cases() {
        let (now, path) = (rendered(&read(&case)), case.with_extension("txt"));
        if write {
            std::fs::write(&path, &now).expect("written");
        }
        let stored = read(&path);
        let differs = now.lines().zip(stored.lines()).find(|(now, stored)| now != stored);
        if now != stored {
            let (now, stored) = differs.unwrap_or(("another number of lines", ""));
            stale.push(format!("{}\n  stored: {stored}\n  now:    {now}", path.display()));
        }
    }
    assert!(
        stale.is_empty(),
        "roles that are there would be changed by this version. If that is meant, IRSA_GOLDEN_WRITE=1 cargo test --test \
         golden stores it, and CHANGELOG.md has to say it:\n{}",
        stale.join("\n")
    );
    assert!(cases().len() >= 2);
}

#[test]
fn what_is_stored_stands_in_the_changelog() {
    let stored: Vec<String> = cases().iter().map(|case| read(&case.with_extension("txt"))).collect();
    let changelog = read(&root().join("CHANGELOG.md"));
    let mark = format!("(tests/golden: {})", digest(&stored));
    // The newest that says it: a version that changes nothing of it says nothing.
    let said = changelog.find("(tests/golden: ").and_then(|at| changelog.get(at..)).unwrap_or_default();
    assert!(
        said.starts_with(&mark),
        "what is written in AWS differs from what CHANGELOG.md knows: say under [Unreleased], `What roles look like`, what \
         becomes of roles that are there, and end it with {mark}"
    );
}

#[test]
fn nothing_of_it_is_left_to_chance() {
    let texts: Vec<String> = cases().iter().map(|case| rendered(&read(case))).collect();
    let again: Vec<String> = cases().iter().map(|case| rendered(&read(case))).collect();
    assert_eq!(texts, again);
    for wanted in
        ["trust: {", "inline ", "managed: ", "tag: irsa-operator.io/schema=", "step: create the role", "boundary: arn:"]
    {
        assert!(texts.iter().any(|text| text.contains(wanted)), "none shows {wanted}");
    }
    assert_ne!(digest(&texts), digest(&[]));
}
