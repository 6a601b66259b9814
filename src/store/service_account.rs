//! What is kept of a ServiceAccount: our annotations, and who else has a hand in it.

use super::lean::{Head, Kept, Meta, Picked, pick};
use crate::api::names::{CREATED_BY, MANAGER, annotation};
use k8s_openapi::api::core::v1::ServiceAccount;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A ServiceAccount, of which only metadata is ever asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Wire")]
pub struct LeanServiceAccount {
    /// Its metadata.
    pub head: Head,
    annotations: [Option<Box<str>>; annotation::ALL.len()],
    /// The binding that it was made for, if we made it.
    pub created_by: Option<Box<str>>,
    /// The bindings that apply annotations to it, by their field managers.
    pub appliers: Box<[Applier]>,
    /// Whether anybody but the operator owns a field of it.
    pub foreign_managers: bool,
    /// Whoever else owns the annotation that names the role.
    pub role_arn_owners: Box<[Box<str>]>,
}

/// A binding's share in a ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applier {
    /// The binding's name.
    pub binding: Box<str>,
    /// Which of our annotations it owns.
    pub keys: Keys,
}

/// Some of [`annotation::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys(u8);

impl Keys {
    /// Whether `key` is among them.
    #[must_use]
    pub fn contains(self, key: &str) -> bool {
        annotation::ALL.iter().position(|k| *k == key).is_some_and(|i| self.0 & (1 << i) != 0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        annotation::ALL.into_iter().filter(move |key| self.contains(key))
    }
}

impl LeanServiceAccount {
    /// The value of one of [`annotation::ALL`].
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        let at = annotation::ALL.iter().position(|k| *k == key)?;
        self.annotations[at].as_deref()
    }

    /// The role that Pods of it get.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        self.annotation(annotation::ROLE_ARN)
    }

    /// Which of our annotations `binding` owns.
    #[must_use]
    pub fn owned_by(&self, binding: &str) -> Keys {
        self.appliers.iter().find(|a| *a.binding == *binding).map_or(Keys::default(), |a| a.keys)
    }

    /// Whether it was made for `binding` and nobody else has come to own a field of it, so that it may be deleted
    /// with the binding.
    #[must_use]
    pub fn is_only_of(&self, binding: &str) -> bool {
        self.created_by.as_deref() == Some(binding)
            && !self.foreign_managers
            && self.appliers.iter().all(|a| *a.binding == *binding)
    }
}

impl Kept for LeanServiceAccount {
    type Kind = ServiceAccount;
    const METADATA_ONLY: bool = true;
    fn head(&self) -> &Head {
        &self.head
    }
    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }
    fn differs(&self, before: &Self) -> bool {
        self.head.differs(&before.head)
            || self.annotations != before.annotations
            || self.created_by != before.created_by
            || self.appliers != before.appliers
            || self.foreign_managers != before.foreign_managers
            || self.role_arn_owners != before.role_arn_owners
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    metadata: Meta<Annotations, Managers>,
}

impl From<Wire> for LeanServiceAccount {
    fn from(wire: Wire) -> Self {
        let (head, annotations, mut managers) = wire.metadata.into_parts();
        // The API server orders them by time: an order of our own makes equal what says the same.
        managers.appliers.sort_by(|a, b| a.binding.cmp(&b.binding));
        managers.role_arn_owners.sort();
        let [a, b, c, d, created_by] = annotations.0;
        Self {
            head,
            annotations: [a, b, c, d],
            created_by,
            appliers: managers.appliers.into(),
            foreign_managers: managers.foreign,
            role_arn_owners: managers.role_arn_owners.into(),
        }
    }
}

/// The annotations that are kept: all that we may write, and our mark.
const WANTED: [&str; 5] = [annotation::ALL[0], annotation::ALL[1], annotation::ALL[2], annotation::ALL[3], CREATED_BY];

#[derive(Default)]
struct Annotations([Option<Box<str>>; 5]);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Picked(values) = pick(deserializer, &WANTED)?;
        Ok(Self(values))
    }
}

/// What `managedFields` says, without keeping it.
#[derive(Default)]
struct Managers {
    appliers: Vec<Applier>,
    foreign: bool,
    role_arn_owners: Vec<Box<str>>,
}

impl Managers {
    fn add(&mut self, entry: Entry) {
        let keys = entry.fields_v1.metadata.annotations;
        match entry.manager.strip_prefix(MANAGER) {
            // The POST that made it.
            Some("") => return,
            Some(rest) if entry.operation == "Apply" => {
                if let Some(binding) = rest.strip_prefix('/') {
                    let known = self.appliers.iter_mut().find(|a| *a.binding == *binding);
                    match known {
                        Some(known) => known.keys.0 |= keys.0,
                        None => self.appliers.push(Applier { binding: binding.into(), keys }),
                    }
                    return;
                }
            }
            _ => {}
        }
        self.foreign = true;
        if keys.contains(annotation::ROLE_ARN) {
            self.role_arn_owners.push(entry.manager.into());
        }
    }
}

impl<'de> Deserialize<'de> for Managers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Managers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of managed fields")
            }
            fn visit_unit<E>(self) -> Result<Managers, E> {
                Ok(Managers::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Managers, A::Error> {
                let mut managers = Managers::default();
                while let Some(entry) = entries.next_element()? {
                    managers.add(entry);
                }
                Ok(managers)
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    fields_v1: FieldsV1,
}

/// Fields are named as `f:NAME`, one object in another.
#[derive(Default, Deserialize)]
struct FieldsV1 {
    #[serde(rename = "f:metadata", default)]
    metadata: FieldsOfMetadata,
}

#[derive(Default, Deserialize)]
struct FieldsOfMetadata {
    #[serde(rename = "f:annotations", default)]
    annotations: Keys,
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a set of fields")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Keys, A::Error> {
                let mut keys = Keys::default();
                while let Some((field, _)) = fields.next_entry::<Cow<'de, str>, IgnoredAny>()? {
                    let at = field.strip_prefix("f:").and_then(|f| annotation::ALL.iter().position(|k| *k == f));
                    keys.0 |= at.map_or(0, |i| 1 << i);
                }
                Ok(keys)
            }
        }
        deserializer.deserialize_map(Names)
    }
}
