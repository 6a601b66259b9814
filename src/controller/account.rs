//! ServiceAccounts: what a binding sees of them, and the steps that write them.

use super::api::{self, ApiError};
use super::state::{Ctx, State};
use super::watch::wake_users;
use super::write::namespaced;
use crate::api::names::{CREATED_BY, MANAGER, annotation, manager_of};
use crate::aws::Aws;
use crate::desired::DesiredAccount;
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::{Owner, Ownership};
use crate::plan::{Account, Accounts, how_to_replace};
use crate::store::{Change, Kept, LeanServiceAccount, NsName, Watched};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The ServiceAccounts that matter to a binding, as the store holds them.
pub fn accounts(state: &State, binding: &NsName, current: Option<&str>) -> Accounts {
    let name = &*binding.name;
    let mut accounts = Accounts::default();
    for object in state.accounts.in_namespace(&binding.namespace) {
        if Some(&*object.head.key.name) == current {
            accounts.current = Some(seen(object, name));
        } else if !object.owned_by(name).is_empty() {
            accounts.former.push((object.head.key.name.to_string(), object.head.uid.to_string()));
        }
    }
    accounts
}

fn seen(object: &LeanServiceAccount, binding: &str) -> Account {
    let live = annotation::ALL.iter().filter_map(|key| Some(((*key).to_owned(), object.annotation(key)?.to_owned())));
    Account {
        uid: object.head.uid.to_string(),
        annotations: live.collect(),
        owned: object.owned_by(binding).iter().map(str::to_owned).collect(),
        disposable: object.is_only_of(binding),
    }
}

/// Makes the ServiceAccount, with the mark of its binding and nothing else.
///
/// # Errors
/// As the call fails; `Stale` where it is there by now.
pub async fn create(ctx: &Ctx, binding: &NsName, name: &str) -> Result<(), ApiError> {
    let api: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(ctx.client.clone(), &binding.namespace);
    let mut object = k8s_openapi::api::core::v1::ServiceAccount::default();
    object.metadata.name = Some(name.to_owned());
    object.metadata.annotations = Some([(CREATED_BY.to_owned(), binding.name.to_string())].into());
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let what = format!("create ServiceAccount {}/{name}", binding.namespace);
    let raw = async {
        let made = api.create(&params, &object).await?;
        // Through its JSON into the lean form, so that there is one place that reads managedFields.
        serde_json::to_value(made)
            .and_then(serde_json::from_value::<LeanServiceAccount>)
            .map_err(kube::Error::SerdeError)
    };
    let made = api::send(&what, raw).await?;
    let mut state = ctx.state();
    let change = state.accounts.created(made.clone());
    tell(&mut state, binding, change, &made);
    Ok(())
}

/// Makes exactly these annotations ours. The uid keeps server-side apply from making a ServiceAccount that is gone.
/// `force` is the resource version that it was decided on to overwrite what others hold.
///
/// # Errors
/// As the call fails; `Fields` where another manager holds another value.
pub async fn apply(
    ctx: &Ctx,
    binding: &NsName,
    (name, uid): (&str, &str),
    annotations: &BTreeMap<String, String>,
    force: Option<&str>,
) -> Result<(), ApiError> {
    let mut patch = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": name, "uid": uid },
    });
    // An empty map would be remembered as ours, and with it our name on an object that we have left.
    if !annotations.is_empty() {
        patch["metadata"]["annotations"] = json!(annotations);
    }
    if let Some(version) = force {
        patch["metadata"]["resourceVersion"] = json!(version);
    }
    let params = PatchParams { force: force.is_some(), ..PatchParams::apply(&manager_of(&binding.name)) };
    let api: Api<Watched<LeanServiceAccount>> = namespaced(ctx, &binding.namespace);
    let what = format!("annotate ServiceAccount {}/{name}", binding.namespace);
    let answer = api::send(&what, api.patch(name, &params, &Patch::Apply(patch))).await?;
    keep(ctx, binding, answer.into_inner());
    Ok(())
}

/// An answer goes into the store at once. The watch will have nothing new to say of it then, so whoever shares the
/// ServiceAccount is told here.
fn keep(ctx: &Ctx, binding: &NsName, object: LeanServiceAccount) {
    let mut state = ctx.state();
    let change = state.accounts.write_through(object.clone());
    tell(&mut state, binding, change, &object);
}

fn tell(state: &mut State, binding: &NsName, change: Change<LeanServiceAccount>, now: &LeanServiceAccount) {
    match change {
        Change::New => wake_users(state, now, Some(binding)),
        Change::Updated(before) if now.differs(&before) => {
            wake_users(state, now, Some(binding));
            wake_users(state, &before, Some(binding));
        }
        _ => {}
    }
}

/// That the annotation names another role, which is to be replaced by ours.
#[derive(Clone, Copy, Debug)]
pub struct Replace<'a> {
    /// Whose role ours is.
    pub owner: &'a Owner,
    /// Where to look whose the other is; `None` where nobody may be asked.
    pub aws: Option<&'a Aws>,
    /// Whether ours can serve Pods by now.
    pub settled: bool,
}

/// Whether it is known without a question that another's annotation has to stay, and nobody needs to wait to hear it.
pub fn has_to_stay(state: &State, binding: &NsName, wanted: &DesiredAccount, other: &str) -> bool {
    let live = state.accounts.get(&NsName::new(binding.namespace.clone(), wanted.name.as_str()));
    let theirs = |live: &Arc<LeanServiceAccount>| {
        let bindings = live.appliers.iter().filter(|applier| *applier.binding != *binding.name);
        !live.role_arn_owners.is_empty() || bindings.into_iter().any(|other| other.keys.contains(annotation::ROLE_ARN))
    };
    wanted.replaces.as_deref() != Some(other) && live.is_some_and(theirs)
}

/// The field that a manager holds who has applied `annotations: {}`. Nothing of it is lost to one that is not empty.
const EMPTY_MAP: &str = ".metadata.annotations";

/// [`apply`], and once more with force where only the role's annotation is in the way and its value is empty. To
/// `replace` another role's is to do so as well where it is the one that may be replaced, or one of this very binding.
///
/// # Errors
/// `Conflict` that names manager and field, where something else is in the way; `Stale` and `Settling` where it has to
/// be replaced in its time.
pub async fn annotate(
    ctx: &Ctx,
    binding: &NsName,
    wanted: &DesiredAccount,
    replace: Option<Replace<'_>>,
) -> Result<(), ApiError> {
    let live: Option<Arc<LeanServiceAccount>> =
        ctx.state().accounts.get(&NsName::new(binding.namespace.clone(), wanted.name.as_str())).cloned();
    let live = live.ok_or(ApiError::Stale)?;
    let target = (wanted.name.as_str(), &*live.head.uid);
    let fields = match apply(ctx, binding, target, &wanted.annotations, None).await {
        Err(ApiError::Fields(fields)) => fields,
        Err(ApiError::Stale | ApiError::NotFound) => {
            still_there(ctx, binding, &wanted.name, &live.head.uid).await?;
            return Err(ApiError::Stale);
        }
        result => return result,
    };
    let only_role = fields.iter().all(|(field, _)| field.ends_with(annotation::ROLE_ARN) || field == EMPTY_MAP);
    // What is in the way may be newer than the watch. It is overwritten only as it was read here.
    let Some(live) = look(ctx, binding, &wanted.name, &live.head.uid).await? else { return Err(ApiError::Stale) };
    let ours = wanted.annotations.get(annotation::ROLE_ARN).map(String::as_str);
    let other = live.role_arn().filter(|arn| !arn.is_empty() && Some(*arn) != ours);
    let may = match (other, replace) {
        _ if !only_role => false,
        (None, _) => true,
        // It has come since the plan was made, by which ours might not be ready for its Pods.
        (Some(_), None) => return Err(ApiError::Stale),
        (Some(other), Some(by)) if wanted.replaces.as_deref() == Some(other) || is_ours(&by, other).await? => {
            if !by.settled {
                let text =
                    format!("ServiceAccount {} names {other} until AWS shows the new role everywhere", wanted.name);
                return Err(ApiError::Failed(Error::new(Category::Settling, text)));
            }
            true
        }
        _ => false,
    };
    if may {
        return apply(ctx, binding, target, &wanted.annotations, Some(&live.head.resource_version)).await;
    }
    Err(ApiError::Failed(foreign(wanted, &live, &fields)))
}

/// Whether this is another role of this very binding.
async fn is_ours(by: &Replace<'_>, role: &str) -> Result<bool, ApiError> {
    let Some((arn, aws)) = RoleArn::parse(role).zip(by.aws) else { return Ok(false) };
    let seen = match aws.role_head(&arn.name, &arn.path, false).await {
        // The fence of our own IAM policy hides what is not ours.
        Err(error) if error.category == Category::Denied => return Ok(false),
        seen => seen.map_err(ApiError::Failed)?,
    };
    Ok(seen.is_some_and(|r| r.arn == role && matches!(by.owner.judge(&r.tags), Ownership::Ours { .. })))
}

fn foreign(wanted: &DesiredAccount, live: &LeanServiceAccount, fields: &[(String, String)]) -> Error {
    let mut managers: Vec<&str> = fields.iter().map(|(_, manager)| manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let keys: Vec<&str> =
        annotation::ALL.into_iter().filter(|key| fields.iter().any(|(f, _)| f.ends_with(key))).collect();
    let (keys, name, managers) = (keys.join(" and "), &wanted.name, managers.join(" and "));
    let theirs = live.role_arn().filter(|_| fields.iter().any(|(field, _)| field.ends_with(annotation::ROLE_ARN)));
    let role = theirs.map(|arn| format!(" (it names {arn})")).unwrap_or_default();
    let text = format!("{keys} of ServiceAccount {name} has another value{role}, set by {managers}; ");
    let todo = match theirs.filter(|_| keys == annotation::ROLE_ARN) {
        Some(live) => how_to_replace(wanted, live),
        // Only the role's may be replaced, and only where nothing else is in the way.
        None => format!("remove {keys} there and this binding goes on"),
    };
    Error::new(Category::Conflict, text + &todo)
}

/// Takes all of ours off a ServiceAccount. One that is gone, or another of its name, is no error.
///
/// # Errors
/// As the call fails.
pub async fn unannotate(ctx: &Ctx, binding: &NsName, name: &str, uid: &str) -> Result<(), ApiError> {
    match apply(ctx, binding, (name, uid), &BTreeMap::new(), None).await {
        Err(ApiError::NotFound | ApiError::Stale) if !still_there(ctx, binding, name, uid).await? => Ok(()),
        result => result,
    }
}

/// Deletes the ServiceAccount that we made, if nobody has touched it since we looked.
///
/// # Errors
/// As the call fails; `Stale` where somebody has.
pub async fn delete(ctx: &Ctx, binding: &NsName, name: &str) -> Result<(), ApiError> {
    let key = NsName::new(binding.namespace.clone(), name);
    let Some(object) = ctx.state().accounts.get(&key).cloned() else { return Ok(()) };
    let preconditions = Preconditions {
        uid: Some(object.head.uid.to_string()),
        resource_version: Some(object.head.resource_version.to_string()),
    };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let api: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(ctx.client.clone(), &binding.namespace);
    let what = format!("delete ServiceAccount {key}");
    match api::send(&what, async { api.delete(name, &params).await }).await {
        Ok(_) | Err(ApiError::NotFound) => {
            bury(ctx, binding, &key, &object.head.uid);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Looks for a ServiceAccount that the watch has not shown yet. One that was applied in a moment with its binding is
/// often behind it there, and whoever applied both is not to be told that it is missing.
///
/// # Errors
/// As the call fails.
pub async fn find(ctx: &Ctx, binding: &NsName, name: &str) -> Result<(), ApiError> {
    let api: Api<Watched<LeanServiceAccount>> = namespaced(ctx, &binding.namespace);
    match api::send(&format!("show ServiceAccount {}/{name}", binding.namespace), api.get(name)).await {
        Ok(object) => {
            let (object, mut state) = (object.into_inner(), ctx.state());
            let change = state.accounts.created(object.clone());
            tell(&mut state, binding, change, &object);
            Ok(())
        }
        Err(ApiError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the ServiceAccount of this uid is there, by a fresh look.
async fn still_there(ctx: &Ctx, binding: &NsName, name: &str, uid: &str) -> Result<bool, ApiError> {
    Ok(look(ctx, binding, name, uid).await?.is_some())
}

/// A fresh look at the ServiceAccount of this uid, which also corrects the store.
async fn look(ctx: &Ctx, binding: &NsName, name: &str, uid: &str) -> Result<Option<LeanServiceAccount>, ApiError> {
    let api: Api<Watched<LeanServiceAccount>> = namespaced(ctx, &binding.namespace);
    let key = NsName::new(binding.namespace.clone(), name);
    match api::send(&format!("show ServiceAccount {key}"), api.get(name)).await {
        Ok(object) => {
            let object = object.into_inner();
            keep(ctx, binding, object.clone());
            Ok(Some(object).filter(|object| *object.head.uid == *uid))
        }
        Err(ApiError::NotFound) => {
            bury(ctx, binding, &key, uid);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// It is gone, and whoever shared it is told.
fn bury(ctx: &Ctx, binding: &NsName, key: &NsName, uid: &str) {
    let mut state = ctx.state();
    if let Some(was) = state.accounts.gone(key, uid) {
        wake_users(&mut state, &was, Some(binding));
    }
}
