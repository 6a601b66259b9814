//! What is kept of an object: decoded straight from the API server's JSON, everything else skipped while parsing.

use super::NsName;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::Resource;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// A kind that a [`Store`](super::Store) can hold.
pub trait Kept: DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// The kind as the API server knows it.
    type Kind: Resource<DynamicType = ()>;
    /// Whether nothing but metadata is asked for.
    const METADATA_ONLY: bool = false;
    /// What all kinds have.
    fn head(&self) -> &Head;
    /// The same, to be changed.
    fn head_mut(&mut self) -> &mut Head;
    /// Takes over from `other` what is equal, so that there is one copy of it.
    fn share(&mut self, other: &Self) {
        self.head_mut().share(other.head());
    }
    /// Whether a reconcile could see the difference to what was held `before`. What else changed is nobody's business.
    fn differs(&self, before: &Self) -> bool;
    /// The ServiceAccount that the object speaks of: the store keeps an index of them.
    fn service_account(&self) -> Option<NsName> {
        None
    }
}

/// The part of the metadata that is kept of every object.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// Namespace (empty for a class) and name.
    pub key: NsName,
    /// What tells it from an earlier object of the same name.
    pub uid: Box<str>,
    /// As the API server wrote it.
    pub resource_version: Box<str>,
    /// Counts changes of the spec; 0 for kinds without.
    pub generation: i64,
    /// When it was made.
    pub created: Option<Time>,
    /// Since when it is being deleted.
    pub deleted: Option<Time>,
    /// All finalizers, ours among them.
    pub finalizers: Arc<[Box<str>]>,
}

impl Head {
    /// The resource version as a number. The API server promises decimal numbers that grow with every write to the
    /// kind (KEP-5504); `None` where one does not keep that.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.resource_version.parse().ok()
    }

    pub(super) fn share(&mut self, other: &Self) {
        share(&mut self.key.namespace, &other.key.namespace);
        share(&mut self.key.name, &other.key.name);
        share(&mut self.finalizers, &other.finalizers);
    }

    /// Whether anything differs but the version.
    #[must_use]
    pub fn differs(&self, before: &Self) -> bool {
        self.uid != before.uid
            || self.generation != before.generation
            || self.deleted != before.deleted
            || self.finalizers != before.finalizers
    }

    /// Whether `finalizer` is there.
    #[must_use]
    pub fn has_finalizer(&self, finalizer: &str) -> bool {
        self.finalizers.iter().any(|f| **f == *finalizer)
    }
}

/// Takes over `other` if it is equal.
pub(super) fn share<T: PartialEq + ?Sized>(own: &mut Arc<T>, other: &Arc<T>) {
    if own == other {
        *own = other.clone();
    }
}

/// An object as it comes from a watch, a list or a write: what the store keeps, beside the metadata that kube's
/// watcher wants to see. It is apart from what is kept because an `ObjectMeta` alone is larger than all of it.
#[derive(Clone, Debug)]
pub struct Watched<T> {
    /// What is kept.
    pub object: T,
    meta: ObjectMeta,
}

impl<T> Watched<T> {
    /// What is kept.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.object
    }
}

impl<'de, T: Kept> Deserialize<'de> for Watched<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = T::deserialize(deserializer)?;
        let head = object.head();
        let meta = ObjectMeta {
            name: Some(head.key.name.as_ref().to_owned()),
            namespace: Some(head.key.namespace.as_ref().to_owned()).filter(|n| !n.is_empty()),
            uid: Some(head.uid.as_ref().to_owned()),
            // Absent and not empty where there is none: the watcher asks for it and starts over.
            resource_version: Some(head.resource_version.as_ref().to_owned()).filter(|v| !v.is_empty()),
            ..ObjectMeta::default()
        };
        Ok(Self { object, meta })
    }
}

impl<T: Kept> Resource for Watched<T> {
    type DynamicType = ();
    type Scope = <T::Kind as Resource>::Scope;

    fn metadata_api() -> bool {
        T::METADATA_ONLY
    }
    fn kind((): &()) -> Cow<'_, str> {
        T::Kind::kind(&())
    }
    fn group((): &()) -> Cow<'_, str> {
        T::Kind::group(&())
    }
    fn version((): &()) -> Cow<'_, str> {
        T::Kind::version(&())
    }
    fn plural((): &()) -> Cow<'_, str> {
        T::Kind::plural(&())
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.meta
    }
}

/// Metadata on the wire. What a kind wants of annotations and managedFields it takes while they are parsed.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default, bound = "A: Deserialize<'de> + Default, M: Deserialize<'de> + Default")]
pub(super) struct Meta<A, M = IgnoredAny> {
    name: String,
    namespace: String,
    uid: Box<str>,
    resource_version: Box<str>,
    generation: i64,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    finalizers: Box<[Box<str>]>,
    pub(super) annotations: A,
    pub(super) managed_fields: M,
}

impl<A, M> Meta<A, M> {
    pub(super) fn into_parts(self) -> (Head, A, M) {
        let head = Head {
            key: NsName::new(self.namespace, self.name),
            uid: self.uid,
            resource_version: self.resource_version,
            generation: self.generation,
            created: self.creation_timestamp,
            deleted: self.deletion_timestamp,
            finalizers: self.finalizers.into(),
        };
        (head, self.annotations, self.managed_fields)
    }
}

/// The values of the keys that were asked for, in their order.
pub(super) struct Picked<const N: usize>(pub(super) [Option<Box<str>>; N]);

/// Reads a map of strings and keeps what `keys` name.
pub(super) fn pick<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
    keys: &'static [&'static str; N],
) -> Result<Picked<N>, D::Error> {
    struct Picking<const N: usize>(&'static [&'static str; N]);

    impl<'de, const N: usize> de::Visitor<'de> for Picking<N> {
        type Value = Picked<N>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of strings")
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Picked([const { None }; N]))
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = [const { None }; N];
            while let Some(key) = map.next_key::<Cow<'de, str>>()? {
                match self.0.iter().position(|k| *k == key) {
                    Some(i) => values[i] = map.next_value()?,
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(Picked(values))
        }
    }
    deserializer.deserialize_any(Picking(keys))
}
