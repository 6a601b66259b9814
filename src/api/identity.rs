//! The rules of those fields of a class that say who this cluster was, and whom else it trusts.
//!
//! Sources of the limits: IAM API reference (CreateOpenIDConnectProvider: `Url` has 255 characters at most, begins with
//! `https://` and has no port) and user guide ("Principal").

use super::rules::{known_variables, rule, set, with};
use schemars::Schema;
use serde_json::json;

/// A list of issuers, as tags and ARNs of providers have them.
pub fn issuers(schema: &mut Schema) {
    some_issuers(schema, 16);
}

/// The same for those that are trusted beside our own: each takes about 300 of the 2,048 characters that a trust policy
/// has until its quota is raised.
pub fn trusted_issuers(schema: &mut Schema) {
    some_issuers(schema, 8);
}

fn some_issuers(schema: &mut Schema, most: usize) {
    set(schema, json!({"maxItems": most, "x-kubernetes-list-type": "set"}));
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

/// A list of ARNs that may be principals of a trust policy.
pub fn principals(schema: &mut Schema) {
    set(schema, json!({"maxItems": 20, "x-kubernetes-list-type": "set"}));
    with(schema, "items", |item| {
        set(item, json!({"maxLength": 1024}));
        known_variables(item);
        rule(
            item,
            r"self.matches(r'^arn:(?:aws[a-z0-9-]*|\$\(partition\)):iam::(?:[0-9]{12}|\$\(account\)):(?:root|(?:role|user)(?:/(?:[\w+=,.@-]|\$\([^()]*\))+)+)$')",
            "write the ARN of a role, a user or an account, without *, as arn:$(partition):iam::$(account):role/ci or \
             arn:aws:iam::111122223333:root",
        );
    });
}

/// The id of another cluster.
pub fn cluster_id(schema: &mut Schema) {
    set(schema, json!({"minLength": 1, "maxLength": 24}));
    rule(
        schema,
        "self.matches(r'^[a-z0-9-]*$')",
        "write the --cluster-id of the other cluster: lower case letters, digits and -",
    );
}
