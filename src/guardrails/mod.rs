//! What a class allows its bindings. Pure: class, binding and what the cluster says of them give violations, each of
//! which names the rule, the class and what to change.
//!
//! - [`check`] finds them, after variables are filled in;
//! - [`confine`] gives what may still be wanted of a binding that has some: [`Unfit`] tells what of a role that is there
//!   may stay, and [`Revokes`] what a class that revokes takes off it;
//! - [`contain`] decides whether a policy document lies inside the rules, [`sensitive`] lists actions that lead to more
//!   power, `inline` makes the rules of one binding; `glob` is about all other patterns.

mod check;
mod class;
mod confine;
pub mod contain;
mod glob;
mod inline;
mod namespaces;
mod revoke;
pub mod sensitive;
#[cfg(test)]
mod tests;

pub use check::{Facts, check, may_be_named};
pub use class::{faults, warnings};
pub use confine::{Unfit, confine, what_stays};
pub use namespaces::{Labels, selects};
pub use revoke::{Revokes, held_to_class, revocations};

use crate::api::reason;
use crate::error::{Category, Error};

/// As many violations are told in full.
const TOLD: usize = 5;

/// Something that a binding asks for and its class does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is affected.
    pub part: Part,
    /// For people: where it is, what it says, which rule of which class is against it, and what to change.
    pub text: String,
}

/// What a violation is about, and so what goes without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The binding may not use the class at all: nothing of it fits.
    Whole,
    /// This managed policy of the spec, by its place in the list.
    Managed(usize),
    /// The inline policy of this name.
    Inline(String),
    /// The tag of this key.
    Tag(String),
    /// This one of the further ServiceAccounts.
    Subject(String),
    /// That the ServiceAccount is made.
    Create,
    /// The role's name, which it has or will not get.
    Name,
    /// The length of the session.
    Session,
    /// What deletion does.
    Deletion,
    /// Something that is missing, which nothing can go without.
    Missing,
}

/// The violations as one error, `None` where there are none.
#[must_use]
pub fn forbidden(violations: &[Violation]) -> Option<Error> {
    let text = match violations {
        [] => return None,
        [one] => one.text.clone(),
        several => {
            let told = several.iter().take(TOLD).enumerate().map(|(i, v)| format!("({}) {}", i + 1, v.text));
            let more = several.len().saturating_sub(TOLD);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            let told: Vec<String> = told.collect();
            format!("{} things are not allowed: {}{more}", several.len(), told.join("; "))
        }
    };
    Some(Error::because(Category::Forbidden, reason::FORBIDDEN, text))
}
