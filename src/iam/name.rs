//! The role's name: computed from the class's template, valid for IAM, and different for every binding.
//!
//! Why two bindings can't have one name: no value of a variable holds any of `_ + , @`, and between two variables of a
//! template stands at least one of them. So the full name falls apart at these characters in one way only, and each
//! part holds one value between texts that the template fixes. A name that had to be cut ends in `=` and a hash of the
//! full name, and neither a template nor a value holds a `=`.

use super::json_path::excerpt;
use super::vars::{Piece, Variable, Vars, pieces};
use sha2::{Digest, Sha256};

/// The longest name of a role (IAM API reference, `CreateRole`, `RoleName`).
pub const ROLE_NAME_MAX: usize = 64;

/// Characters of which one stands between two variables of a template, because no value holds them.
const SEPARATORS: [char; 4] = ['_', '+', ',', '@'];

/// Sixteen characters of base32 are 80 bits: 2^40 bindings before two of them are likely to share a hash.
const HASH_LENGTH: usize = 16;

/// Why there is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The template breaks a rule; the text says which and what to write instead.
    #[error("the role's name template {0}")]
    Template(String),
    /// A value that is no name of Kubernetes or AWS: names made with it would not be unique.
    #[error("{variable} is {value:?}: only lower-case letters, digits, \"-\" and \".\" can be part of a role's name")]
    Value {
        /// The variable, as `$(name)`.
        variable: String,
        /// Its value.
        value: String,
    },
}

/// The name of a binding's role: `template` expanded and, where that is longer than 64 characters, cut so that it ends
/// in `=` and a hash. Always matches `[\w+=,.@-]{1,64}`; IAM compares names without regard to case, and in that sense
/// too two bindings that differ in a variable of the template have different names.
///
/// # Errors
/// Where [`check_template`] refuses the template, or a value holds what no Kubernetes name may hold.
pub fn role_name(template: &str, vars: &Vars) -> Result<String, NameError> {
    check_template(template).map_err(NameError::Template)?;
    let mut full = String::new();
    for piece in pieces(template).map_err(|unknown| NameError::Template(unknown.to_string()))? {
        full.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Variable(variable) => checked_value(variable, vars)?,
        });
    }
    if full.len() <= ROLE_NAME_MAX {
        return Ok(full);
    }
    let hash = hash(&full);
    full.truncate(ROLE_NAME_MAX - 1 - HASH_LENGTH);
    Ok(format!("{full}={hash}"))
}

/// Whether a class may have this template. The same rule guards `spec.role.nameTemplate` at admission; it is checked
/// again because the operator can't know whether admission ran.
///
/// # Errors
/// A clause that says what is wrong and what to write instead.
pub fn check_template(template: &str) -> Result<(), String> {
    let pieces = pieces(template).map_err(|unknown| format!("is wrong: {unknown}"))?;
    let has = |variable| pieces.contains(&Piece::Variable(variable));
    if !has(Variable::Namespace) {
        return Err("must hold $(namespace), or bindings of two namespaces would have one role".to_owned());
    }
    if !has(Variable::Name) && !has(Variable::ServiceAccount) {
        return Err("must hold $(name) or $(serviceAccount), or two bindings would have one role".to_owned());
    }
    for piece in &pieces {
        if let Piece::Text(text) = piece
            && let Some(wrong) = text.chars().find(|c| *c == '=' || !is_name_char(*c))
        {
            return Err(format!(
                "holds {wrong:?} in {:?}; beside variables only letters, digits and _+,.@- may stand there",
                excerpt(text)
            ));
        }
    }
    let mut apart = true;
    for piece in &pieces {
        match piece {
            Piece::Text(text) => apart |= text.contains(SEPARATORS),
            Piece::Variable(variable) if !apart => {
                return Err(format!(
                    "needs one of _ + , @ between {variable} and the variable before it, or names would be ambiguous"
                ));
            }
            Piece::Variable(_) => apart = false,
        }
    }
    Ok(())
}

/// Whether `text` is a name that IAM takes for roles (up to 64 characters) and policies (up to 128):
/// `[\w+=,.@-]{1,max}` (IAM API reference).
pub(crate) fn is_iam_name(text: &str, max: usize) -> bool {
    !text.is_empty() && text.len() <= max && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn checked_value(variable: Variable, vars: &Vars) -> Result<&str, NameError> {
    let value = vars.get(variable);
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if value.is_empty() || !value.chars().all(plain) {
        return Err(NameError::Value { variable: variable.to_string(), value: excerpt(value) });
    }
    Ok(value)
}

/// The first 80 bits of the text's SHA-256, in base32 (RFC 4648) of lower case.
fn hash(text: &str) -> String {
    const ALPHABET: [u8; 32] = *b"abcdefghijklmnopqrstuvwxyz234567";
    let digest = Sha256::digest(text.as_bytes());
    let digit = |index: usize| {
        let bits = (0..5).fold(0, |bits, offset| {
            let bit = index * 5 + offset;
            (bits << 1) | usize::from((digest[bit / 8] >> (7 - bit % 8)) & 1)
        });
        char::from(ALPHABET[bits])
    };
    (0..HASH_LENGTH).map(digit).collect()
}

#[cfg(test)]
mod tests;
