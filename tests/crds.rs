//! The definitions in `crds/` are those that the program prints.

use irsa_operator::api::schema::{crds, file_name, to_yaml};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_files_in_crds_are_what_the_types_say() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let mut expected = BTreeSet::from(["kustomization.yaml".to_owned()]);
    for crd in crds() {
        let name = file_name(&crd);
        let stored = std::fs::read_to_string(dir.join(&name)).unwrap_or_default();
        assert!(
            stored == to_yaml(&crd),
            "crds/{name} is stale: run `cargo run -- crd --dir crds` and commit what it writes"
        );
        expected.insert(name);
    }
    let found: BTreeSet<String> = std::fs::read_dir(&dir)
        .expect("crds/")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, expected, "crds/ holds the definitions and their kustomization, nothing else");
}

#[test]
fn the_schema_is_one_that_the_api_server_takes_without_a_warning() {
    for crd in crds() {
        let yaml = to_yaml(&crd);
        for unwanted in ["nullable", "format: uint", "Auto-generated"] {
            assert!(!yaml.contains(unwanted), "{unwanted} in {}", file_name(&crd));
        }
        assert!(yaml.contains("observedGeneration: -1"), "no default status in {}", file_name(&crd));
    }
}

/// Otherwise the cost of a rule has no bound and the API server refuses the definition, or a later one that adds a rule.
#[test]
fn every_text_list_and_map_has_its_maximum() {
    for crd in crds() {
        let crd = serde_json::to_value(crd).expect("JSON");
        let mut without = vec![];
        unbounded(&crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "", &mut without);
        assert!(without.is_empty(), "no maximum: {without:?}");
    }
}

fn unbounded(schema: &Value, path: &str, without: &mut Vec<String>) {
    let limit = match schema["type"].as_str() {
        Some("string") if schema["enum"].is_null() && schema["format"].is_null() => "maxLength",
        Some("array") => "maxItems",
        Some("object") if !schema["additionalProperties"].is_null() => "maxProperties",
        _ => "type",
    };
    if schema[limit].is_null() {
        without.push(format!("{path} ({limit})"));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        unbounded(field, &format!("{path}.{name}"), without);
    }
    for inner in ["items", "additionalProperties"] {
        if !schema[inner].is_null() {
            unbounded(&schema[inner], &format!("{path}[]"), without);
        }
    }
}
