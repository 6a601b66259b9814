//! The API server's audit log: who wrote what. A write that changes nothing leaves no other trace.

use super::env::OPERATOR_USER;
use serde_json::Value;
use std::path::Path;

/// How many writes came with this token, whose `jti` the audit log calls its credential. That it asks who it is is none.
pub fn writes_with(log: &Path, credential: &str) -> usize {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mark = format!("\"authentication.kubernetes.io/credential-id\":[\"{credential}\"]");
    text.lines().filter(|line| line.contains(&mark) && !line.contains("selfsubjectreviews")).count()
}

/// The operator's writes to objects of a namespace, in the order in which they came, as `verb resource/subresource name code`. Events are left
/// out.
pub fn writes(log: &Path, namespace: &str) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mark = format!("\"namespace\":\"{namespace}\"");
    let lines = text.lines().filter(|line| line.contains(&mark) && line.contains(OPERATOR_USER));
    let mut entries: Vec<Value> = lines
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["user"]["username"] == OPERATOR_USER && entry["objectRef"]["resource"] != "events")
        .filter(|entry| entry["objectRef"]["namespace"] == namespace)
        .collect();
    // A request is logged when its answer is out, by which time the next may have been answered.
    entries.sort_by_key(|entry| entry["requestReceivedTimestamp"].as_str().map(str::to_owned));
    entries
        .into_iter()
        .map(|entry| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let object = &entry["objectRef"];
            let sub = object["subresource"].as_str().map(|sub| format!("/{sub}")).unwrap_or_default();
            let code = &entry["responseStatus"]["code"];
            format!("{} {}{sub} {} {code}", text(&entry["verb"]), text(&object["resource"]), text(&object["name"]))
        })
        .collect()
}
