//! The rules of those fields of a class that say who this cluster was, and whom else it trusts.
//!
//! Sources of the limits: IAM API reference (CreateOpenIDConnectProvider: `Url` has 255 characters at most, begins with
//! `https://` and has no port).

use super::rules::{rule, set, with};
use schemars::Schema;
use serde_json::json;

/// A list of issuers, as tags and ARNs of providers have them.
pub fn issuers(schema: &mut Schema) {
    set(schema, json!({"maxItems": 16, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"minLength": 1, "maxLength": 247}));
        rule(
            item,
            r"self.matches(r'^[A-Za-z0-9][A-Za-z0-9.-]*(?:/[A-Za-z0-9._~-]+)*$')",
            "write an issuer without https:// and without a slash at its end, as \
             oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
        );
    });
}
