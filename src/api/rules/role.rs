//! Rules about what a binding says of its role.

use super::{WORD, known_variables, rule, set};
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

/// The description of a role.
pub fn description(schema: &mut Schema) {
    set(schema, json!({"maxLength": 1000}));
    known_variables(schema);
    rule(
        schema,
        r"self.matches(r'^[\t\n\r -~\x{A1}-\x{FF}]*$')",
        "IAM takes only Latin-1 characters in a description: write plain quotes and hyphens in place of typographic \
         ones, and leave out emoji",
    );
}
