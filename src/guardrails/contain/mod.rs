//! Whether a policy document stays inside what a class allows. Decided, and not guessed: each pair of an action and a
//! resource of a statement lies inside one rule, patterns against patterns.
//!
//! - `glob` answers whether one pattern lies inside another, and whether two have a text in common;
//! - `resource` takes a resource apart, by each way in which IAM may read it;
//! - `rules` are what a class says, variables expanded.
//!
//! Conditions of the tenant can only take away, and are not looked at. Nor are statements that deny.

mod glob;
#[cfg(test)]
mod properties;
mod resource;
mod rules;
#[cfg(test)]
mod tests;

pub use rules::{RuleError, Rules, reaches_neighbours};

use super::sensitive::{SENSITIVE, Sensitive};
use crate::iam::document::Document;
use crate::iam::json_path::{excerpt, item, member};
use glob::Place;
use resource::Resource;
use rules::{Action, Rule};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The most that is said of one document.
const MOST: usize = 10;

/// The most patterns of a class that one sentence lists.
const LISTED: usize = 6;

/// What of a document the class does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Violation {
    /// The JSON path in the document, as `Statement[0].Action[1]`.
    pub path: String,
    /// What is not allowed there, what the class allows, and what to do.
    pub message: String,
}

impl Violation {
    fn new(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), message: message.into() }
    }
}

/// What of a document lies outside of `rules`; empty where nothing does. At most ten.
///
/// Looked at is the text that AWS would get, so that nothing can be between what is checked and what is sent.
#[must_use]
pub fn violations(document: &Document, rules: &Rules) -> Vec<Violation> {
    let Ok(Value::Object(found)) = serde_json::from_str(&document.to_json()) else {
        return vec![Violation::new("", "is no object with statements, so nobody can say what it allows")];
    };
    let statements: Vec<(String, &Value)> = match found.get("Statement") {
        Some(Value::Array(list)) => list.iter().enumerate().map(|(i, one)| (item("Statement", i), one)).collect(),
        Some(one) => vec![("Statement".to_owned(), one)],
        None => Vec::new(),
    };
    statements.into_iter().flat_map(|(path, one)| statement(&path, one, rules)).take(MOST).collect()
}

fn statement(path: &str, value: &Value, rules: &Rules) -> Vec<Violation> {
    let Value::Object(elements) = value else {
        return vec![Violation::new(path, "is no statement, so nobody can say what it allows")];
    };
    match elements.get("Effect").and_then(Value::as_str) {
        Some("Deny") => return Vec::new(),
        Some("Allow") => {}
        _ => return vec![Violation::new(&member(path, "Effect"), "is neither \"Allow\" nor \"Deny\"")],
    }
    if let Some(element) =
        elements.keys().find(|key| !["Sid", "Effect", "Action", "Resource", "Condition"].contains(&key.as_str()))
    {
        let why = match element.as_str() {
            "NotAction" => "allows all but what it lists, AWS's next actions among it; write Action with what you need",
            "NotResource" => "allows all but what it lists; write Resource with what you need",
            _ => "is nothing that a statement of a role's permissions may hold where it allows; take it out",
        };
        return vec![Violation::new(&member(path, element), why)];
    }
    let actions = texts(path, "Action", elements);
    let resources = texts(path, "Resource", elements);
    if actions.is_empty() || resources.is_empty() {
        return vec![Violation::new(path, "allows something, and so needs Action and Resource")];
    }
    pairs(&actions, &resources, rules)
}

/// The texts of an element with their places. What is no text is taken as none that could be allowed.
fn texts<'a>(path: &str, element: &str, elements: &'a Map<String, Value>) -> Vec<(String, &'a str)> {
    let path = member(path, element);
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    match elements.get(element) {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().enumerate().map(|(i, value)| (item(&path, i), text(value))).collect(),
        Some(value) => vec![(path, text(value))],
    }
}

/// Each pair of an action and a resource lies inside one rule.
fn pairs(actions: &[(String, &str)], resources: &[(String, &str)], rules: &Rules) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut allowed: Vec<(&str, Vec<usize>)> = Vec::new();
    for (path, text) in actions {
        match rules_with(text, rules) {
            Ok(inside) => allowed.push((text, inside)),
            Err(message) => found.push(Violation::new(path, message)),
        }
    }
    for (path, text) in resources {
        let resource = match Resource::parse(text) {
            Ok(resource) => resource,
            Err(why) => {
                found.push(Violation::new(path, format!("{:?} {why}", excerpt(text))));
                continue;
            }
        };
        // Each rule is asked once, however many actions there are.
        let around: Vec<bool> = rules.rules.iter().map(|rule| rule.covers(&resource)).collect();
        let mut outside = allowed.iter().filter(|(_, inside)| !inside.iter().any(|index| around[*index]));
        if let Some((action, inside)) = outside.next() {
            let resources =
                inside.iter().flat_map(|index| &rules.rules[*index].resources).map(|(text, _)| text.as_str());
            let more = match outside.count() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let hint = if resource.varies() {
                ". A policy variable can turn out as anything, so nothing but a * of the class covers it"
            } else {
                ""
            };
            found.push(Violation::new(
                path,
                format!(
                    "{:?} is outside of what the class allows {}{more} on, which is {}{hint}",
                    excerpt(text),
                    excerpt(action),
                    listed(resources)
                ),
            ));
        }
    }
    found
}

/// The rules that a tenant's action lies inside, by their index; or why it lies inside of none.
fn rules_with(text: &str, rules: &Rules) -> Result<Vec<usize>, String> {
    let action = Action::parse(text.to_owned()).map_err(|why| format!("{:?} {why}", excerpt(text)))?;
    let shown = excerpt(text);
    if let Some(denied) = rules.deny.iter().find(|denied| denied.intersects(&action)) {
        return Err(match (action.is_one(), denied.is_one()) {
            (true, true) => format!("{shown} is denied by the class; leave it out"),
            (true, false) => format!("{shown} is denied by the class, as {} is; leave it out", denied.text),
            (false, _) => format!(
                "{shown} can be {}, which the class denies; name the actions that you need instead",
                denied.text
            ),
        });
    }
    let sensitive = sensitive(&action);
    let inside = |rule: &Rule| match sensitive {
        Some(_) => rule.names(&action),
        None => rule.actions.iter().any(|ours| ours.covers(&action)),
    };
    let found: Vec<usize> = (0..rules.rules.len()).filter(|index| inside(&rules.rules[*index])).collect();
    match sensitive {
        _ if !found.is_empty() => Ok(found),
        _ if rules.rules.is_empty() => {
            Err(format!("{shown} is in no rule of the class, which has none for inline policies; use managed ones"))
        }
        Some(sensitive) if action.is_one() => Err(format!(
            "{shown} {}; so a rule of the class has to name it without a wildcard, and none does",
            sensitive.why
        )),
        Some(sensitive) => Err(format!(
            "{shown} can be {}, which {}; name the actions that you need instead",
            sensitive.action, sensitive.why
        )),
        None => {
            let allowed = rules.rules.iter().flat_map(|rule| &rule.actions).map(|action| action.text.as_str());
            Err(format!("{shown} is in no rule of the class; they allow {}", listed(allowed)))
        }
    }
}

/// The first entry of the table that an action or a pattern of actions can be.
fn sensitive(action: &Action) -> Option<&'static Sensitive> {
    static READ: LazyLock<Vec<Vec<Place>>> =
        LazyLock::new(|| SENSITIVE.iter().map(|entry| glob::action(entry.action)).collect());
    let found = READ.iter().position(|places| glob::intersects(places, &action.places))?;
    SENSITIVE.get(found)
}

/// Some texts for people, each once.
fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut once: Vec<&str> = Vec::new();
    for text in texts {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    let more = once.len().saturating_sub(LISTED);
    let shown: Vec<String> = once.iter().take(LISTED).map(|text| excerpt(text)).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", shown.join(", "))
}
