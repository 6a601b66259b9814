//! The rules of a class, expanded for one binding.

use super::glob::{self, Place};
use super::resource::Resource;
use crate::iam::json_path::{excerpt, item, member};
use crate::iam::vars::{Piece, Variable, Vars, pieces};

/// What inline policies may hold, by the class: variables expanded, patterns read.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(super) rules: Vec<Rule>,
    pub(super) deny: Vec<Action>,
}

/// Far longer than the longest action that there is.
const LONGEST_ACTION: usize = 256;

/// Some actions on some resources.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub actions: Vec<Action>,
    pub resources: Vec<(String, Resource)>,
}

/// A pattern of actions.
#[derive(Clone, Debug)]
pub(super) struct Action {
    pub text: String,
    pub places: Vec<Place>,
}

/// Why the rules of a class can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct RuleError {
    /// Where, below the field that holds rules and denials, as `rules[0].actions[1]`.
    pub path: String,
    /// What is wrong there and what to write instead.
    pub message: String,
}

impl Rules {
    /// The rules as a class has them, each as its actions and its resources, and the actions that it denies; with what the
    /// variables stand for in one binding.
    ///
    /// # Errors
    /// The first text that is no pattern, that names an unknown variable, or one whose value would be more than itself.
    pub fn expand<'a>(
        rules: impl IntoIterator<Item = (&'a [String], &'a [String])>,
        deny: &[String],
        vars: &Vars,
    ) -> Result<Self, RuleError> {
        let rule = |(index, (actions, resources)): (usize, (&[String], &[String]))| {
            let path = item("rules", index);
            Ok(Rule {
                actions: all(&member(&path, "actions"), actions, vars, Action::parse)?,
                resources: all(&member(&path, "resources"), resources, vars, resource)?,
            })
        };
        let rules = rules.into_iter().enumerate().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { rules, deny: all("deny", deny, vars, Action::parse)? })
    }
}

impl Rule {
    /// Whether one of its resources covers that one.
    pub fn covers(&self, tenant: &Resource) -> bool {
        self.resources.iter().any(|(_, ours)| ours.covers(tenant))
    }

    /// Whether it names this action itself, without a wildcard.
    pub fn names(&self, action: &Action) -> bool {
        self.actions.iter().any(|ours| ours.is_one() && ours.places == action.places)
    }
}

impl Action {
    /// A pattern of actions, by IAM's grammar. Its error is the end of a sentence that begins with the text.
    pub fn parse(text: String) -> Result<Self, String> {
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*?-_".contains(&byte))
        };
        let valid = text.len() <= LONGEST_ACTION
            && (text == "*" || text.split_once(':').is_some_and(|(service, name)| part(service) && part(name)));
        match text.chars().find(|c| !c.is_ascii()) {
            Some(c) => Err(format!("holds {c:?} (U+{:04X}), and no action does; write it in ASCII", u32::from(c))),
            None if valid => Ok(Self { places: glob::action(&text), text }),
            None => Err("is no action; write service:Name, as s3:GetObject or s3:Get*".to_owned()),
        }
    }

    pub fn covers(&self, tenant: &Self) -> bool {
        glob::covers(&self.places, &tenant.places)
    }

    pub fn intersects(&self, other: &Self) -> bool {
        glob::intersects(&self.places, &other.places)
    }

    /// Whether it is one action and no pattern.
    pub fn is_one(&self) -> bool {
        self.places.iter().all(|place| matches!(place, Place::Char(_)))
    }
}

fn resource(text: String) -> Result<(String, Resource), String> {
    let resource = Resource::parse(&text)?;
    if resource.varies() {
        return Err(
            "holds a policy variable, which covers nothing for certain; write *, or a variable of the binding as \
                    $(namespace)"
                .to_owned(),
        );
    }
    Ok((text, resource))
}

fn all<T>(
    path: &str,
    texts: &[String],
    vars: &Vars,
    parse: impl Fn(String) -> Result<T, String>,
) -> Result<Vec<T>, RuleError> {
    let one = |(index, text): (usize, &String)| {
        let parsed = expand(text, vars).and_then(&parse);
        parsed.map_err(|why| RuleError { path: item(path, index), message: format!("{:?} {why}", excerpt(text)) })
    };
    texts.iter().enumerate().map(one).collect()
}

/// `text` with its variables filled in. What a variable stands for is never a pattern, and never nothing:
/// `$(namespace)*` without a namespace would be everything.
fn expand(text: &str, vars: &Vars) -> Result<String, String> {
    let mut expanded = String::new();
    for piece in pieces(text).map_err(|unknown| format!("can't be used: {unknown}"))? {
        match piece {
            Piece::Text(text) => expanded.push_str(text),
            Piece::Variable(variable) => {
                let value = vars.get(variable);
                if value.is_empty() || value.chars().any(|c| !c.is_ascii() || "*?$".contains(c)) {
                    return Err(format!(
                        "can't be used: {variable} is {value:?} here; write what is meant instead of it"
                    ));
                }
                expanded.push_str(value);
            }
        }
    }
    Ok(expanded)
}

/// What to say where a pattern of a class reaches from one namespace to those whose names begin alike: `$(namespace)-*` is
/// `team-a-*` for `team-a`, and covers what `team-a-b` has. `None` where it does not.
#[must_use]
pub fn reaches_neighbours(text: &str) -> Option<String> {
    let mut open = false;
    for piece in pieces(text).ok()? {
        open = match piece {
            Piece::Variable(Variable::Namespace) => true,
            Piece::Variable(Variable::Name | Variable::ServiceAccount) if open => return Some(neighbours(text)),
            Piece::Variable(_) => open,
            Piece::Text(rest) if open => {
                let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
                match end.map(|end| rest.as_bytes()[end]) {
                    Some(b'*' | b'?') => return Some(neighbours(text)),
                    Some(_) => false,
                    None => true,
                }
            }
            Piece::Text(_) => false,
        };
    }
    None
}

fn neighbours(text: &str) -> String {
    format!(
        "{:?} reaches from one namespace to others: that of team-a covers what namespace team-a-b has. Put a character \
         after $(namespace) that no namespace has in its name, as / or _",
        excerpt(text)
    )
}
