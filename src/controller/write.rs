//! Writes to bindings and classes: the finalizer and the status. Each answer goes into the store at once.

use super::api::{self, ApiError};
use super::state::Ctx;
use super::watch::Followed;
use crate::api::names::{FINALIZER, MANAGER};
use crate::store::{Kept, Watched};
use kube::Resource;
use kube::api::{Api, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// A kind whose finalizer and status are ours.
pub trait Owned: Followed {
    /// The name of the kind, for messages.
    const KIND: &'static str;
    /// The API that holds this object.
    fn api(&self, ctx: &Ctx) -> Api<Watched<Self>>;
}

impl Owned for crate::store::LeanBinding {
    const KIND: &'static str = "IrsaBinding";
    fn api(&self, ctx: &Ctx) -> Api<Watched<Self>> {
        namespaced(ctx, &self.head.key.namespace)
    }
}

impl Owned for crate::store::LeanClass {
    const KIND: &'static str = "IrsaClass";
    fn api(&self, ctx: &Ctx) -> Api<Watched<Self>> {
        Api::all(ctx.client.clone())
    }
}

/// The API of a kind that lives in namespaces.
pub fn namespaced<T>(ctx: &Ctx, namespace: &str) -> Api<Watched<T>>
where
    T: Kept,
    Watched<T>: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(ctx.client.clone(), namespace)
}

/// Adds our finalizer, and writes the class into a binding that names none, in one patch.
///
/// # Errors
/// As the call fails; `Stale` where the object has changed since.
pub async fn claim<T: Owned>(ctx: &Ctx, object: &T, class: Option<&str>) -> Result<Arc<T>, ApiError> {
    let mut finalizers: Vec<&str> = object.head().finalizers.iter().map(AsRef::as_ref).collect();
    finalizers.push(FINALIZER);
    let mut patch = json!({ "metadata": { "finalizers": finalizers } });
    if let Some(class) = class {
        patch["spec"] = json!({ "className": class });
    }
    merge(ctx, object, patch).await
}

/// Removes our finalizer. An object that is gone already is no error.
///
/// # Errors
/// As the call fails; `Stale` where the object has changed since.
pub async fn release<T: Owned>(ctx: &Ctx, object: &T) -> Result<(), ApiError> {
    let finalizers: Vec<&str> =
        object.head().finalizers.iter().map(AsRef::as_ref).filter(|name| *name != FINALIZER).collect();
    let last = finalizers.is_empty();
    match merge(ctx, object, json!({ "metadata": { "finalizers": finalizers } })).await {
        Err(error) if !matches!(error, ApiError::NotFound) => Err(error),
        answer => {
            // Gone, before the watch says so: an answer of ours that is still under way must not bring it back.
            if last || answer.is_err() {
                let mut state = ctx.state();
                if let Some(was) = T::store(&mut state).gone(&object.head().key, &object.head().uid) {
                    T::gone(&mut state, &was);
                }
            }
            Ok(())
        }
    }
}

/// Takes an annotation off.
///
/// # Errors
/// As the call fails; `Stale` where the object has changed since.
pub async fn unannotate<T: Owned>(ctx: &Ctx, object: &T, annotation: &str) -> Result<Arc<T>, ApiError> {
    merge(ctx, object, json!({ "metadata": { "annotations": { annotation: null } } })).await
}

/// A merge patch that holds only for the version it was computed from: a list is replaced whole by it.
async fn merge<T: Owned>(ctx: &Ctx, object: &T, mut patch: serde_json::Value) -> Result<Arc<T>, ApiError> {
    let head = object.head();
    patch["metadata"]["resourceVersion"] = json!(&*head.resource_version);
    patch["metadata"]["uid"] = json!(&*head.uid);
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    let what = format!("take a change of {} {}", T::KIND, head.key);
    let patch = Patch::Merge(patch);
    let answer = api::send(&what, object.api(ctx).patch(&head.key.name, &params, &patch)).await?;
    Ok(keep(ctx, answer))
}

/// Writes the status. Fields that somebody else has touched are ours all the same.
///
/// # Errors
/// As the call fails; `Stale` where the object has changed since.
pub async fn status<T: Owned>(ctx: &Ctx, object: &T, status: &impl Serialize) -> Result<Arc<T>, ApiError> {
    let head = object.head();
    let patch = json!({
        "apiVersion": T::Kind::api_version(&()),
        "kind": T::Kind::kind(&()),
        "metadata": { "name": &*head.key.name, "resourceVersion": &*head.resource_version },
        "status": status,
    });
    let params = PatchParams::apply(MANAGER).force();
    let what = format!("take the status of {} {}", T::KIND, head.key);
    let patch = Patch::Apply(patch);
    let answer = api::send(&what, object.api(ctx).patch_status(&head.key.name, &params, &patch)).await?;
    Ok(keep(ctx, answer))
}

fn keep<T: Owned>(ctx: &Ctx, answer: Watched<T>) -> Arc<T> {
    let object = answer.into_inner();
    T::store(&mut ctx.state()).write_through(object.clone());
    Arc::new(object)
}
