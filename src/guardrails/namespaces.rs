//! Which namespaces may use a class.

use super::glob::covers;
use crate::api::{AllowedNamespaces, LabelOperator, NamespaceSelector};
use std::collections::BTreeMap;

/// Labels of a namespace.
pub type Labels = BTreeMap<Box<str>, Box<str>>;

/// Where what matters to the whole cluster lives: only by its full name.
const SYSTEM: &str = "kube-system";

/// Whether a selector covers a namespace with these labels.
#[must_use]
pub fn selects(selector: &NamespaceSelector, labels: &Labels) -> bool {
    let of = |key: &str| labels.get(key).map(AsRef::as_ref);
    selector.match_labels.iter().all(|(key, value)| of(key) == Some(value.as_str()))
        && selector.match_expressions.iter().all(|needed| {
            let live = of(&needed.key);
            let listed = live.is_some_and(|live| needed.values.iter().any(|value| value == live));
            match needed.operator {
                LabelOperator::In => listed,
                LabelOperator::NotIn => !listed,
                LabelOperator::Exists => live.is_some(),
                LabelOperator::DoesNotExist => live.is_none(),
            }
        })
}

/// Whether bindings of a namespace may use the class.
pub(super) fn allowed(allow: &AllowedNamespaces, namespace: &str, labels: &Labels, own: &str) -> bool {
    if namespace == SYSTEM || namespace == own {
        return allow.names.iter().any(|name| name == namespace);
    }
    allow.selector.as_ref().is_some_and(|selector| selects(selector, labels))
        || allow.names.iter().any(|name| covers(name, namespace))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn selectors() {
        let selects = |selector: serde_json::Value, pairs: &[(&str, &str)]| {
            super::selects(&serde_json::from_value(selector).unwrap(), &labels(pairs))
        };
        let team = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "team", "operator": operator, "values": values}]});
        assert!(selects(json!({}), &[]), "all");
        assert!(selects(json!({"matchLabels": {"a": "1", "b": "2"}}), &[("a", "1"), ("b", "2"), ("c", "3")]));
        assert!(!selects(json!({"matchLabels": {"a": "1", "b": "2"}}), &[("a", "1")]), "all must hold");
        assert!(!selects(json!({"matchLabels": {"a": "1"}}), &[("a", "11")]));
        for (operator, values, none, one, other) in [
            ("In", &["x", "y"][..], false, true, false),
            ("NotIn", &["x", "y"], true, false, true),
            ("Exists", &[], false, true, true),
            ("DoesNotExist", &[], true, false, false),
        ] {
            let held =
                [&[][..], &[("team", "x")], &[("team", "z")]].map(|pairs| selects(team(operator, values), pairs));
            assert_eq!(held, [none, one, other], "{operator}");
        }
    }

    #[test]
    fn what_is_not_said_is_not_allowed() {
        let allowed = |allow: serde_json::Value, namespace: &str| {
            let labels = labels(&[("team", "a")]);
            super::allowed(&serde_json::from_value(allow).unwrap(), namespace, &labels, "irsa")
        };
        assert!(!allowed(json!({}), "billing"));
        assert!(!allowed(json!({"names": []}), "billing"));
        assert!(allowed(json!({"selector": {}}), "billing"));
        assert!(allowed(json!({"selector": {"matchLabels": {"team": "a"}}}), "billing"));
        assert!(allowed(json!({"names": ["team-*", "bill*"]}), "billing"));
        assert!(
            allowed(json!({"selector": {"matchLabels": {"team": "b"}}, "names": ["billing"]}), "billing"),
            "either"
        );
        for system in ["kube-system", "irsa"] {
            assert!(!allowed(json!({"selector": {}, "names": ["*", "kube-*", "irs*"]}), system), "{system}");
            assert!(allowed(json!({"names": [system]}), system));
        }
    }
}
