//! What is wrong with a class itself, or likely not meant.

use super::contain::reaches_neighbours;
use crate::api::IrsaClassSpec;
use crate::desired::Place;
use crate::error::{Category, Error};

/// Audiences that API servers take: a token with one of them is a login to the cluster, and in every Pod.
const OF_API_SERVERS: [&str; 4] =
    ["https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local", "kubernetes.default.svc", "api"];

/// What keeps a class from being used.
///
/// # Errors
/// `Invalid`, and what to write instead.
pub fn faults(spec: &IrsaClassSpec, place: &Place) -> Result<(), Error> {
    for audience in &spec.oidc_provider.audiences {
        let bare = audience.strip_prefix("https://").unwrap_or(audience);
        if bare.trim_end_matches('/') == place.issuer.trim_end_matches('/')
            || OF_API_SERVERS.contains(&audience.as_str())
        {
            let text = format!(
                "spec.oidcProvider.audiences: {audience} is an audience of the API server itself, whose tokens are in every \
                 Pod; take it off the list, and use sts.amazonaws.com"
            );
            return Err(Error::new(Category::Invalid, text));
        }
    }
    Ok(())
}

/// What is allowed and may be more than was meant.
#[must_use]
pub fn warnings(spec: &IrsaClassSpec) -> Vec<String> {
    let allow = &spec.allow;
    let rules = allow.inline_policies.rules.iter().enumerate();
    let resources = rules.flat_map(|(i, rule)| {
        rule.resources.iter().map(move |text| (format!("spec.allow.inlinePolicies.rules[{i}].resources"), text))
    });
    let managed = allow.managed_policies.iter().map(|text| ("spec.allow.managedPolicies".to_owned(), text));
    let values = allow
        .tags
        .values
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |text| (format!("spec.allow.tags.values[{key}]"), text)));
    let names = allow.role_name.iter().map(|text| ("spec.allow.roleName".to_owned(), text));
    let all = managed.chain(resources).chain(names).chain(values);
    all.filter_map(|(at, text)| Some(format!("{at}: {}", reaches_neighbours(text)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn globs_that_reach_into_other_namespaces() {
        let spec: IrsaClassSpec = serde_json::from_value(json!({"allow": {
            "managedPolicies": ["account:$(namespace)/*", "account:$(namespace)-*"],
            "roleName": "$(namespace)-*",
            "inlinePolicies": {"rules": [{"actions": ["s3:Get*"], "resources": ["arn:aws:s3:::$(namespace)*"]}]},
            "tags": {"values": {"team": ["$(namespace)-*"]}},
        }}))
        .unwrap();
        let told = warnings(&spec);
        let places: Vec<&str> = told.iter().filter_map(|text| text.split(": ").next()).collect();
        let rules = "spec.allow.inlinePolicies.rules[0].resources";
        assert_eq!(
            places,
            ["spec.allow.managedPolicies", rules, "spec.allow.roleName", "spec.allow.tags.values[team]"]
        );
    }

    #[test]
    fn the_api_servers_own_audience() {
        let place = Place { issuer: "oidc.example/id/A".into(), ..crate::desired::Place::default() };
        let with = |audience: &str| {
            let spec: IrsaClassSpec =
                serde_json::from_value(json!({"oidcProvider": {"audiences": ["sts.amazonaws.com", audience]}}))
                    .unwrap();
            faults(&spec, &place)
        };
        assert_eq!(with("vault"), Ok(()));
        for audience in ["https://oidc.example/id/A", "oidc.example/id/A", "https://kubernetes.default.svc"] {
            let error = with(audience).unwrap_err();
            assert!(error.message.contains(audience) && error.category == Category::Invalid, "{error}");
        }
    }
}
