//! What is kept of a namespace: its labels, by which classes let it in.

use super::lean::{Head, Kept, Meta};
use crate::guardrails::Labels;
use k8s_openapi::api::core::v1::Namespace;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A namespace, of which only metadata is ever asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Wire<'de>")]
pub struct LeanNamespace {
    /// Its metadata.
    pub head: Head,
    /// Its labels.
    pub labels: Labels,
}

impl Kept for LeanNamespace {
    type Kind = Namespace;
    const METADATA_ONLY: bool = true;
    fn head(&self) -> &Head {
        &self.head
    }
    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }
    fn differs(&self, before: &Self) -> bool {
        self.head.uid != before.head.uid || self.labels != before.labels
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
}

#[derive(Default, Deserialize)]
struct Labelled {
    #[serde(default)]
    labels: Option<Labels>,
}

impl TryFrom<Wire<'_>> for LeanNamespace {
    type Error = serde_json::Error;
    fn try_from(wire: Wire<'_>) -> Result<Self, Self::Error> {
        let meta: Meta<IgnoredAny> = serde_json::from_str(wire.metadata.get())?;
        let labelled: Labelled = serde_json::from_str(wire.metadata.get())?;
        let (head, ..) = meta.into_parts();
        Ok(Self { head, labels: labelled.labels.unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> LeanNamespace {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn its_labels_are_kept_and_nothing_else_matters() {
        let one = read(r#"{"metadata":{"name":"a","uid":"1","resourceVersion":"1","labels":{"team":"x"}}}"#);
        assert_eq!(one.labels, Labels::from([("team".into(), "x".into())]));
        let two = read(
            r#"{"metadata":{"name":"a","uid":"1","resourceVersion":"2","labels":{"team":"x"},"annotations":{"a":"b"}}}"#,
        );
        assert!(!two.differs(&one));
        assert!(read(r#"{"metadata":{"name":"a","uid":"1","labels":{}}}"#).differs(&one));
        assert!(read(r#"{"metadata":{"name":"a","uid":"1","labels":null}}"#).labels.is_empty());
    }
}
