//! What is kept of bindings and classes: specs and statuses stay packed text until somebody asks for them.

use super::NsName;
use super::lean::{Head, Kept, Meta, Picked, pick, share};
use super::packed::Packed;
use crate::api::reason::{KNOWN, NOTED, OTHER, PENDING, condition};
use crate::api::{
    BindingStatus, ClassStatus, IrsaBinding, IrsaBindingSpec, IrsaClass, IrsaClassSpec,
    names::{ALLOW_REMOVALS, DEFAULT_CLASS},
};
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A binding.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Wire<'de, IgnoredAny>")]
pub struct LeanBinding {
    /// Its metadata.
    pub head: Head,
    /// The spec as JSON text, whatever it holds; `null` where there is none.
    pub spec: Packed,
    /// The status as JSON text.
    pub status: Option<Packed>,
    /// `spec.serviceAccount.name`, if it can be made out.
    pub service_account: Option<Arc<str>>,
    /// `spec.className`, if it can be made out.
    pub class_name: Option<Arc<str>>,
    /// What its status says, for who counts.
    pub says: Says,
}

/// What a status says in short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Says {
    /// The condition Ready is True.
    pub ready: bool,
    /// The condition Stalled is True.
    pub stalled: bool,
    /// The reason of the condition Ready, as a place in [`KNOWN`]: there may be 10,000 of these.
    why: u8,
    /// The same of the condition RoleReady.
    role: u8,
}

impl Says {
    /// What a status with such conditions says, with the reasons of Ready and RoleReady.
    #[must_use]
    pub fn new(ready: bool, stalled: bool, reason: &str, role: &str) -> Self {
        let place = |reason: &str| {
            let known = KNOWN.iter().position(|known| *known == reason).unwrap_or(KNOWN.len() - 1);
            u8::try_from(known).unwrap_or(u8::MAX)
        };
        Self { ready, stalled, why: place(reason), role: place(role) }
    }

    /// The reason of the condition Ready, from [`KNOWN`]; `Pending` where there is no such condition yet.
    #[must_use]
    pub fn reason(self) -> &'static str {
        KNOWN.get(usize::from(self.why)).copied().unwrap_or(OTHER)
    }

    /// What is noted of the role and is no failure: the reason of the condition RoleReady, if it is from [`NOTED`].
    #[must_use]
    pub fn noted(self) -> Option<&'static str> {
        KNOWN.get(usize::from(self.role)).copied().filter(|reason| NOTED.contains(reason))
    }
}

impl LeanBinding {
    /// The spec, or where it can't be decoded.
    pub fn decode(&self) -> Result<IrsaBindingSpec, Undecodable> {
        decode(&self.spec)
    }

    /// The status; the empty one where there is none that can be decoded, as a status is believed for nothing.
    #[must_use]
    pub fn status(&self) -> BindingStatus {
        lenient(self.status.as_ref())
    }
}

impl Kept for LeanBinding {
    type Kind = IrsaBinding;
    fn head(&self) -> &Head {
        &self.head
    }
    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }
    fn share(&mut self, other: &Self) {
        self.head.share(&other.head);
        if let (Some(own), Some(other)) = (&mut self.class_name, &other.class_name) {
            share(own, other);
        }
    }
    fn differs(&self, before: &Self) -> bool {
        self.head.differs(&before.head) || self.status != before.status
    }
    fn service_account(&self) -> Option<NsName> {
        let name = self.service_account.clone()?;
        Some(NsName { namespace: self.head.key.namespace.clone(), name })
    }
}

/// A class.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Wire<'de, Marks>")]
pub struct LeanClass {
    /// Its metadata.
    pub head: Head,
    /// Whether its annotation makes it the class of bindings that name none.
    pub is_default: bool,
    /// What its annotation says of how many removals may go.
    pub allow_removals: Option<Box<str>>,
    /// The spec as JSON text, whatever it holds; `null` where there is none.
    pub spec: Packed,
    /// The status as JSON text.
    pub status: Option<Packed>,
}

impl LeanClass {
    /// The spec, or where it can't be decoded.
    pub fn decode(&self) -> Result<IrsaClassSpec, Undecodable> {
        decode(&self.spec)
    }

    /// The status; the empty one where there is none that can be decoded, as a status is believed for nothing.
    #[must_use]
    pub fn status(&self) -> ClassStatus {
        lenient(self.status.as_ref())
    }
}

impl Kept for LeanClass {
    type Kind = IrsaClass;
    fn head(&self) -> &Head {
        &self.head
    }
    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }
    fn differs(&self, before: &Self) -> bool {
        self.head.differs(&before.head)
            || self.is_default != before.is_default
            || self.allow_removals != before.allow_removals
            || self.status != before.status
    }
}

/// A spec that this version can't read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Undecodable {
    /// The JSON path at fault, from `spec`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

fn decode<S: DeserializeOwned>(spec: &Packed) -> Result<S, Undecodable> {
    let text = spec.unpack();
    if !is_object(&text) {
        return Err(Undecodable { path: "spec".to_owned(), message: "is not an object".to_owned() });
    }
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(&text)).map_err(|error| {
        let path = match error.path().to_string() {
            root if root == "." => "spec".to_owned(),
            path => format!("spec.{path}"),
        };
        // serde_json ends its messages with a place in our text, which nobody else has.
        let message = error.inner().to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(said, _)| said);
        Undecodable { path, message: message.to_owned() }
    })
}

/// Serde would take a list for a struct, field by field.
fn is_object(text: &str) -> bool {
    text.starts_with('{')
}

fn lenient<S: DeserializeOwned + Default>(status: Option<&Packed>) -> S {
    let text = status.map(Packed::unpack).filter(|text| is_object(text));
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// A custom resource on the wire. Its texts are packed where they lie.
#[derive(Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de> + Default, 'de: 'a"))]
struct Wire<'a, A> {
    #[serde(default)]
    metadata: Meta<A>,
    #[serde(borrow, default = "null")]
    spec: &'a RawValue,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
}

fn null() -> &'static RawValue {
    RawValue::NULL
}

fn pack(text: &RawValue) -> Packed {
    Packed::pack(text.get())
}

impl From<Wire<'_, IgnoredAny>> for LeanBinding {
    fn from(wire: Wire<'_, IgnoredAny>) -> Self {
        let (head, ..) = wire.metadata.into_parts();
        let mut service_account = text_at(wire.spec, &["serviceAccount", "name"]).map(Arc::from);
        service_account.iter_mut().for_each(|name| share(name, &head.key.name)); // mostly the same
        let class_name = text_at(wire.spec, &["className"]).map(Arc::from);
        let says = Says::of(wire.status);
        let (spec, status) = (pack(wire.spec), wire.status.map(pack));
        Self { head, spec, status, service_account, class_name, says }
    }
}

impl Says {
    fn of(status: Option<&RawValue>) -> Self {
        #[derive(Default, Deserialize)]
        struct Status<'a> {
            #[serde(borrow, default)]
            conditions: Vec<Condition<'a>>,
        }
        #[derive(Deserialize)]
        struct Condition<'a> {
            #[serde(borrow, rename = "type")]
            kind: Cow<'a, str>,
            #[serde(borrow)]
            status: Cow<'a, str>,
            #[serde(borrow, default)]
            reason: Cow<'a, str>,
        }
        let text = status.map(RawValue::get).filter(|text| is_object(text)).unwrap_or("{}");
        let status: Status<'_> = serde_json::from_str(text).unwrap_or_default();
        let is = |kind: &str| status.conditions.iter().any(|c| c.kind == kind && c.status == "True");
        let why = |kind: &str| status.conditions.iter().find(|c| c.kind == kind).map_or(PENDING, |c| &*c.reason);
        Self::new(is(condition::READY), is(condition::STALLED), why(condition::READY), why(condition::ROLE_READY))
    }
}

impl From<Wire<'_, Marks>> for LeanClass {
    fn from(wire: Wire<'_, Marks>) -> Self {
        let (head, Marks { is_default, allow_removals }, _) = wire.metadata.into_parts();
        Self { head, is_default, allow_removals, spec: pack(wire.spec), status: wire.status.map(pack) }
    }
}

/// The string at `path`, and nothing where anything on the way is something else.
fn text_at(text: &RawValue, path: &[&str]) -> Option<String> {
    let Some((first, rest)) = path.split_first() else { return serde_json::from_str(text.get()).ok() };
    let mut found = None;
    let deserializer = &mut serde_json::Deserializer::from_str(text.get());
    let visitor = Fields(|key: &str, value: &RawValue| {
        if key == *first {
            found = text_at(value, rest);
        }
    });
    deserializer.deserialize_any(visitor).ok()?;
    found
}

/// Shows each field of an object, in order.
struct Fields<F>(F);

impl<'de, F: FnMut(&str, &RawValue)> de::Visitor<'de> for Fields<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: de::MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<Cow<'de, str>, &'de RawValue>()? {
            (self.0)(&key, value);
        }
        Ok(())
    }
}

/// The annotations of a class.
#[derive(Default)]
struct Marks {
    is_default: bool,
    allow_removals: Option<Box<str>>,
}

impl<'de> Deserialize<'de> for Marks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Picked([default, allowed]) = pick(deserializer, &[DEFAULT_CLASS, ALLOW_REMOVALS])?;
        Ok(Self {
            is_default: default.as_deref() == Some("true"),
            allow_removals: allowed.map(|said| said.as_ref().into()),
        })
    }
}
