//! Both kinds, field by field, from the definitions that the API server gets.

use crate::reference::head;
use irsa_operator::api::schema::crds;
use serde_json::Value;
use std::fmt::Write;

/// A page for each kind.
pub fn pages() -> Vec<(String, String)> {
    crds().iter().map(|crd| serde_json::to_value(crd).expect("JSON")).map(|crd| page(&crd)).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn page(crd: &Value) -> (String, String) {
    let (names, version) = (&crd["spec"]["names"], &crd["spec"]["versions"][0]);
    let (kind, plural) = (text(names, "kind"), text(names, "plural"));
    let schema = &version["schema"]["openAPIV3Schema"];
    let mut page = head(kind, "src/api");
    let _ = writeln!(page, "{}\n", description(schema));
    let scope = if text(&crd["spec"], "scope") == "Namespaced" { "lives in a namespace" } else { "has no namespace" };
    let short: Vec<String> = list(names, "shortNames").iter().filter_map(Value::as_str).map(code).collect();
    let short = if short.is_empty() { String::new() } else { format!(", short {}", short.join(", ")) };
    let _ = writeln!(
        page,
        "`apiVersion: {}/{}`, `kind: {kind}`. It {scope}. `kubectl get {plural}`{short}; `kubectl get aws` shows both \
         kinds. `kubectl explain {plural}.spec` tells the same as this page.\n",
        text(&crd["spec"], "group"),
        text(version, "name"),
    );
    for rule in rules(schema) {
        let _ = writeln!(page, "* {rule}");
    }
    page.push_str("\n## What kubectl get shows\n\n| column | | |\n|---|---|---|\n");
    for column in list(version, "additionalPrinterColumns") {
        let wide = if column["priority"].as_i64().unwrap_or_default() > 0 { "with `-o wide`" } else { "" };
        let path = text(column, "jsonPath").trim_start_matches('.').replace("\\.", ".");
        let what = Some(text(column, "description")).filter(|text| !text.is_empty()).unwrap_or("How old it is.");
        let _ = writeln!(page, "| {} | {what} `{path}` | {wide} |", text(column, "name").to_uppercase());
    }
    for (part, title) in [("spec", "Spec"), ("status", "Status")] {
        let inner = &schema["properties"][part];
        let _ = writeln!(page, "\n## {title}\n\n{}", description(inner));
        for rule in rules(inner) {
            let _ = writeln!(page, "* {rule}");
        }
        fields(inner, part, &mut page);
    }
    (format!("{}.md", kind.to_lowercase()), page)
}

/// The fields of an object, each with those inside it after it.
fn fields(schema: &Value, path: &str, page: &mut String) {
    let required: Vec<&str> = list(schema, "required").iter().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let _ = writeln!(page, "\n### {path}\n\n{}\n", facts(field, required.contains(&name.as_str())));
        if name == "conditions" {
            let _ = writeln!(page, "{}", description(field));
            let _ = writeln!(
                page,
                "Each has `type`, `status`, `reason`, `message`, `observedGeneration` and `lastTransitionTime`. Types and reasons: [conditions.md](conditions.md)."
            );
            continue;
        }
        let _ = writeln!(page, "{}", description(field));
        let inner = [&field["items"], &field["additionalProperties"]];
        let all: Vec<String> = rules(field).chain(inner.iter().flat_map(|inner| rules(inner))).collect();
        if !all.is_empty() {
            page.push_str("\nRefused otherwise:\n\n");
        }
        for rule in all {
            let _ = writeln!(page, "* {rule}");
        }
        fields(field, &path, page);
        fields(&field["items"], &format!("{path}[]"), page);
    }
}

/// What may be written there, in one line.
fn facts(field: &Value, required: bool) -> String {
    let mut facts = vec![type_of(field)];
    if required {
        facts.push("**required**".to_owned());
    }
    if !field["default"].is_null() {
        facts.push(format!("default {}", code(&field["default"])));
    }
    facts.extend(limits(field));
    let inner = match text(field, "type") {
        "array" => &field["items"],
        _ => &field["additionalProperties"],
    };
    facts.extend(limits(inner).map(|limit| format!("each {limit}")));
    facts.join(", ")
}

fn type_of(field: &Value) -> String {
    match text(field, "type") {
        "array" => {
            let of = type_of(&field["items"]);
            match text(field, "x-kubernetes-list-type") {
                "set" => format!("list of {of}s, none twice"),
                "map" => {
                    let keys: Vec<&str> =
                        list(field, "x-kubernetes-list-map-keys").iter().filter_map(Value::as_str).collect();
                    format!("list of {of}s, one for each {}", keys.join(" and "))
                }
                _ => format!("list of {of}s"),
            }
        }
        "object" if !field["additionalProperties"].is_null() => {
            format!("map of string to {}", type_of(&field["additionalProperties"]))
        }
        "object" if field["x-kubernetes-preserve-unknown-fields"] == true => "object of any form".to_owned(),
        "string" if !field["enum"].is_null() => {
            let values: Vec<String> = list(field, "enum").iter().filter_map(Value::as_str).map(code).collect();
            values.join(" or ")
        }
        other => other.to_owned(),
    }
}

fn limits(field: &Value) -> impl Iterator<Item = String> {
    let range = |least: &str, most: &str, of: &str| {
        let (least, most) = (field[least].as_f64().filter(|n| *n != 0.0), field[most].as_f64());
        match (least, most) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{of}")),
            (None, Some(most)) => Some(format!("at most {most}{of}")),
            (Some(least), None) => Some(format!("at least {least}{of}")),
            (None, None) => None,
        }
    };
    [
        range("minLength", "maxLength", " characters"),
        range("minItems", "maxItems", " entries"),
        range("minProperties", "maxProperties", " entries"),
        range("minimum", "maximum", ""),
    ]
    .into_iter()
    .flatten()
}

/// What the API server says to whoever breaks a rule.
fn rules(schema: &Value) -> impl Iterator<Item = String> {
    list(schema, "x-kubernetes-validations").iter().map(|rule| code(text(rule, "message")))
}

/// The description, with what Markdown would take for its own escaped where it is no code.
fn description(schema: &Value) -> String {
    let mut told = String::new();
    for (number, part) in text(schema, "description").split('`').enumerate() {
        let code = number % 2 == 1;
        told.push_str(if number > 0 { "`" } else { "" });
        for c in part.chars() {
            told.push_str(if !code && "$*_<".contains(c) { "\\" } else { "" });
            told.push(c);
        }
    }
    told
}

fn code(value: impl std::fmt::Display) -> String {
    format!("`{value}`").replace("`\"", "`").replace("\"`", "`")
}
