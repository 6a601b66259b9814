//! The two definitions as `kubectl apply` gets them, and all that is put right about what the derive makes of the types.

use super::{IrsaBinding, IrsaClass};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceValidation,
};
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

/// The definitions of both kinds.
///
/// # Panics
/// Never for the types as they are: a test makes them.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    [IrsaBinding::crd(), IrsaClass::crd()].into_iter().map(finish).collect()
}

/// The name of a definition's file in `crds/`.
#[must_use]
pub fn file_name(crd: &CustomResourceDefinition) -> String {
    format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural)
}

/// A definition as YAML.
///
/// # Panics
/// Never: a definition has only keys that are strings.
#[must_use]
pub fn to_yaml(crd: &CustomResourceDefinition) -> String {
    let mut value = serde_json::to_value(crd).expect("a definition is JSON");
    whole_numbers(&mut value);
    serde_saphyr::to_string(&value).expect("a definition is YAML")
}

fn finish(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let schema = serde_json::to_value(&version.schema).expect("a schema is JSON");
        let mut schema = schema.get("openAPIV3Schema").cloned().unwrap_or_default();
        walk(&mut schema);
        // kstatus takes an object without status for finished (and with it Flux, Argo CD and their health checks): a
        // generation that was never observed says that nobody has looked yet.
        if let Some(Value::Object(status)) = schema.pointer_mut("/properties/status") {
            status.insert("default".into(), json!({"observedGeneration": -1}));
        }
        version.schema = Some(CustomResourceValidation {
            open_api_v3_schema: Some(serde_json::from_value(schema).expect("a schema that the API server knows")),
        });
    }
    crd
}

/// `schema` and all schemas in it.
fn walk(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    tidy(schema);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(walk);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            walk(inner);
        }
    }
}

fn tidy(schema: &mut Map<String, Value>) {
    // An absent field is one way to say nothing; null would be a second.
    schema.remove("nullable");
    schema.remove("title");
    // The API server knows no unsigned formats and warns of each.
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        schema.remove("format");
    }
    // Line breaks of the source are none of the text; an empty line ends a paragraph.
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.split("\n\n").map(|p| p.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
    }
}

/// Limits are floating point numbers in the definition's type: `600.0` is written as `600`.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15) {
                *number = (whole as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        _ => {}
    }
}
