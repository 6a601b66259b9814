//! Rules about a role that a binding names.

use super::{WORD, rule, set};
use schemars::Schema;
use serde_json::json;

/// The name of a role that is there already.
pub fn role_name(schema: &mut Schema) {
    set(schema, json!({"minLength": 1, "maxLength": 64}));
    rule(
        schema,
        format!("self.matches(r'^{WORD}*$')"),
        "write the name of a role alone, without its path: letters, digits and _+=,.@- and no variables",
    );
}
