//! The way out of a binding: a plan toward nothing, through the same calls. It needs neither a valid spec nor a class.

use super::account;
use super::api::{self, ApiError};
use super::binding::{Stop, role_hints, seen_accounts, who};
use super::lock::RoleLock;
use super::state::{Ctx, State};
use super::tell::{conclude, reference};
use super::worker::Next;
use super::{facts, write};
use crate::api::names::FINALIZER;
use crate::api::reason::event;
use crate::api::{DeletionPolicy, IrsaClassSpec};
use crate::aws::Aws;
use crate::desired::{Desired, Place, Who, desired, identity, vars};
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Owner;
use crate::iam::role::Role;
use crate::plan::{Removal, Step, removal};
use crate::status::{self, Notice, Outcome};
use crate::store::{LeanBinding, NsName};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::api::Api;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tracing::info;

/// Removes what is ours and lets the binding go.
pub async fn reconcile(ctx: &Ctx, object: Arc<LeanBinding>) -> Next {
    if !object.head.has_finalizer(FINALIZER) {
        return Next::Wait;
    }
    let began = Instant::now();
    let mut outcome = Outcome { generation: object.head.generation, ..Outcome::default() };
    match clean(ctx, &object, &mut outcome).await {
        Ok(notice) => {
            for step in &outcome.done {
                info!("{step}");
            }
            match write::release(ctx, object.as_ref()).await {
                Ok(()) => {
                    notice.into_iter().for_each(|notice| ctx.events.send(reference(object.as_ref()), notice));
                    Next::Wait
                }
                Err(ApiError::Failed(error)) => failed(ctx, &object, outcome, began, error).await,
                Err(_) => Next::Again,
            }
        }
        Err(Stop::Stale) => Next::Again,
        Err(Stop::Waiting) => Next::Wait,
        Err(Stop::Failed(error)) => failed(ctx, &object, outcome, began, error).await,
    }
}

async fn failed(ctx: &Ctx, object: &Arc<LeanBinding>, mut outcome: Outcome, began: Instant, error: Error) -> Next {
    let said = Error { message: format!("can't be deleted yet: {}", error.message), ..error };
    outcome.failure = Some((None, said));
    conclude(ctx, object, outcome, began, status::deleting).await
}

/// All of it but the finalizer. Returns what is to be told when that is off as well.
async fn clean(ctx: &Ctx, object: &LeanBinding, outcome: &mut Outcome) -> Result<Option<Notice>, Stop> {
    let (name, class) = class(&ctx.state(), object);
    let (place, aws) = place(ctx, object, &name, class.as_ref()).await?;
    let who = who(&object.head.key, &name);
    let wish = last_wish(who, object, class.as_ref(), &place);
    let owner = wish.as_ref().map_or_else(|| owner(who, &place), |desired| desired.owner.clone());
    let retain = match &wish {
        Some(desired) => desired.retain,
        None => asks_to_retain(object, class.as_ref()),
    };
    let retain = retain || definition_is_going(ctx).await?;
    let mut seen = None;
    for arn in candidates(ctx, object, computed(who, object, class.as_ref(), &place), &place) {
        let lock = RoleLock::try_take(ctx, &arn.to_string());
        if lock.is_none() {
            return Err(Error::new(Category::Settling, format!("another binding is working on {arn}")).into());
        }
        let role = match aws.role_head(&arn.name, &arn.path, ctx.missed(&arn.to_string())).await {
            // One of that name on another path is not ours, whatever we remember.
            Ok(Some(role)) => Some(role).filter(|role| role.arn == arn.to_string()),
            // Shortly after a write of ours AWS may not show the role everywhere: then it is as we wrote it.
            Ok(None) => unseen(ctx, object, &arn)?,
            // The fence of our own IAM policy hides what is not ours, and this binding never had a role that it knew of.
            Err(error) if error.category == Category::Denied && object.status().role_id.is_none() => {
                unseen(ctx, object, &arn)?
            }
            Err(error) => return Err(error.into()),
        };
        // Where it is not known what is on the role, DeleteRole says that there is something, and then it is looked for.
        let (attached, inline) = match &wish {
            Some(desired) if desired.arn == arn.to_string() => {
                (desired.managed.clone(), desired.inline.keys().cloned().collect())
            }
            _ => (BTreeSet::new(), Vec::new()),
        };
        let found = Found { aws: &aws, arn: &arn, role: role.as_ref(), attached, inline };
        remove(ctx, object, &owner, retain, &found, outcome).await?;
        ctx.state().snapshot.forget(&arn.to_string());
        seen = Some(arn);
    }
    if seen.is_none() {
        let nothing = Found { aws: &aws, arn: &nowhere(), role: None, attached: BTreeSet::new(), inline: Vec::new() };
        remove(ctx, object, &owner, retain, &nothing, outcome).await?;
    }
    Ok(seen.and_then(|arn| notice(&arn, retain, &outcome.done)))
}

/// A role that AWS does not show: as we remember it, or `None` where it can be believed that there is none.
fn unseen(ctx: &Ctx, object: &LeanBinding, arn: &RoleArn) -> Result<Option<Role>, Error> {
    let own = ctx.own_role(&arn.to_string());
    let late = ctx.may_have_missed(object.head.created.as_ref()) || ctx.may_be_on_its_way(&object.head.key);
    if own.is_none() && late {
        let text = format!("AWS does not show {arn}, but may do so yet, as it may have been made a moment ago");
        return Err(Error::new(Category::Settling, text));
    }
    Ok(own)
}

/// What was found of a role.
struct Found<'a> {
    aws: &'a Aws,
    arn: &'a RoleArn,
    role: Option<&'a Role>,
    attached: BTreeSet<String>,
    inline: Vec<String>,
}

async fn remove(
    ctx: &Ctx,
    object: &LeanBinding,
    owner: &Owner,
    retain: bool,
    found: &Found<'_>,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let accounts = seen_accounts(ctx, object);
    let what = Removal {
        owner,
        role: found.role,
        attached: &found.attached,
        inline: &found.inline,
        accounts: &accounts,
        account_name: object.service_account.as_deref().unwrap_or_default(),
        retain,
    };
    for step in removal(&what)? {
        let result = match &step {
            Step::Unannotate { name, uid } => {
                account::unannotate(ctx, &object.head.key, name, uid).await.map_err(Stop::from)
            }
            Step::DeleteServiceAccount { name } => {
                account::delete(ctx, &object.head.key, name).await.map_err(Stop::from)
            }
            Step::DeleteRole => match delete_role(found.aws, found.arn).await {
                Ok(()) => {
                    ctx.state().memory.entry(object.head.key.clone()).or_default().create_sent = None;
                    let id = found.role.map(|role| role.id.as_str());
                    ctx.state().snapshot.deleted(&found.arn.to_string(), id, Instant::now());
                    Ok(())
                }
                Err(error) => Err(Stop::from(error)),
            },
            step => found.aws.reduce(&found.arn.name, step).await.map_err(Stop::from),
        };
        match result {
            Ok(()) => outcome.done.push(step),
            Err(stop) => {
                outcome.pending.push(step);
                return Err(stop);
            }
        }
    }
    Ok(())
}

/// Deletes the role. What others have put on it is looked for only where AWS says that there is something.
async fn delete_role(aws: &Aws, arn: &RoleArn) -> Result<(), Error> {
    let name = arn.name.as_str();
    match aws.reduce(name, &Step::DeleteRole).await {
        Err(error) if error.category == Category::Settling => {}
        result => return result,
    }
    let (mut first, mut last) = (Vec::new(), Vec::new());
    if let Some(role) = aws.role(name, &arn.path, false).await? {
        for arn in &role.attached {
            let denies = aws.policy_only_denies(arn).await?;
            if denies { &mut last } else { &mut first }.push(Step::Detach(arn.clone()));
        }
        for (policy, document) in &role.inline {
            let denies = document.as_ref().is_some_and(|document| document.only_denies());
            if denies { &mut last } else { &mut first }.push(Step::DeleteInline(policy.clone()));
        }
    }
    // What only denies goes last: until then it holds back whoever it was put there against.
    for step in first.iter().chain(&last) {
        aws.reduce(name, step).await?;
    }
    match aws.reduce(name, &Step::DeleteRole).await {
        Err(error) if error.category == Category::Settling => {
            let profiles = aws.instance_profiles(name).await?;
            if profiles.is_empty() {
                return Err(error);
            }
            let text = format!(
                "role {name} is in the instance profile {}, which was not made by irsa-operator; take it out \
                 (aws iam remove-role-from-instance-profile) and the deletion goes on",
                profiles.join(", ")
            );
            Err(Error::new(Category::Conflict, text))
        }
        result => result,
    }
}

/// Where its role may be: as computed, as the status says, as the annotation says that we wrote, as we remember.
fn candidates(ctx: &Ctx, object: &LeanBinding, computed: Option<String>, place: &Place) -> Vec<RoleArn> {
    let account = object.service_account.as_deref().unwrap_or_default();
    let mut hints: Vec<String> = computed.into_iter().collect();
    hints.extend(role_hints(&ctx.state(), object, account));
    let mut known = BTreeSet::new();
    hints.retain(|hint| known.insert(hint.clone()));
    hints.iter().filter_map(|hint| RoleArn::parse(hint)).filter(|arn| arn.account == place.account).collect()
}

/// Where a role of its name is: that needs a name of a ServiceAccount, and no spec that is valid otherwise. It may have
/// been made although nothing tells of it yet.
fn computed(who: Who<'_>, object: &LeanBinding, class: Option<&IrsaClassSpec>, place: &Place) -> Option<String> {
    let vars = vars(who, object.service_account.as_deref()?, place);
    let default = IrsaClassSpec::default();
    identity(class.unwrap_or(&default), &vars).ok().map(|(arn, _)| arn)
}

/// Name and spec of its class, also of one that is not ready, as after a start.
fn class(state: &State, object: &LeanBinding) -> (String, Option<IrsaClassSpec>) {
    let class = match object.class_name.as_deref() {
        Some(name) => state.classes.get(&NsName::new("", name)),
        None => state.default_class().ok(),
    };
    let name = class.map(|class| &*class.head.key.name).or(object.class_name.as_deref()).unwrap_or_default();
    (name.to_owned(), class.and_then(|class| class.decode().ok()))
}

/// What is wanted for a binding that is on its way out, if that can still be told.
fn last_wish(who: Who<'_>, object: &LeanBinding, class: Option<&IrsaClassSpec>, place: &Place) -> Option<Desired> {
    desired(who, &object.decode().ok()?, class?, place).ok()
}

/// Where its role is: as its class says, and if that is gone in the operator's own account.
async fn place(
    ctx: &Ctx,
    object: &LeanBinding,
    class: &str,
    spec: Option<&IrsaClassSpec>,
) -> Result<(Place, Aws), Error> {
    let named = ctx.state().place_of(class);
    if let Some(known) = named {
        return Ok(known);
    }
    let assume = spec.and_then(|spec| spec.account.as_ref()).map(|account| account.assume_role_arn.as_str());
    let aws = ctx.accounts.of(assume).await;
    let place = facts::place(ctx, &aws).await?;
    if spec.is_some() {
        return Ok((place, aws));
    }
    match object.status().account_id {
        Some(account) if account != place.account => Err(Error::new(
            Category::ClassNotReady,
            format!(
                "its role is in the account {account}, and only IrsaClass {class} says how that is reached; make the class \
                 again, or delete the role there and remove the finalizer"
            ),
        )),
        _ => Ok((place, aws)),
    }
}

fn owner(who: Who<'_>, place: &Place) -> Owner {
    Owner {
        cluster: place.cluster_id.clone(),
        namespace: who.namespace.to_owned(),
        binding: who.name.to_owned(),
        issuer: place.issuer.clone(),
        class: who.class.to_owned(),
    }
}

/// What the binding itself says, however broken the rest of it is, or else its class.
fn asks_to_retain(object: &LeanBinding, class: Option<&IrsaClassSpec>) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Only {
        deletion_policy: Option<DeletionPolicy>,
    }
    let own = serde_json::from_str::<Only>(&object.spec.unpack()).ok().and_then(|only| only.deletion_policy);
    own.or(class.map(|class| class.role.deletion_policy)) == Some(DeletionPolicy::Retain)
}

/// Whoever deletes the resource definition deletes all bindings with it, and rarely means all roles.
async fn definition_is_going(ctx: &Ctx) -> Result<bool, Error> {
    let api: Api<CustomResourceDefinition> = Api::all(ctx.client.clone());
    let name = crate::api::IrsaBinding::crd_name();
    match api::send("show its resource definition", api.get_metadata(name)).await {
        Ok(definition) => Ok(definition.metadata.deletion_timestamp.is_some()),
        Err(ApiError::NotFound) => Ok(true),
        Err(ApiError::Failed(error)) => Err(error),
        Err(_) => Err(Error::new(Category::Transient, "the API server did not show its resource definition")),
    }
}

fn notice(arn: &RoleArn, retain: bool, done: &[Step]) -> Option<Notice> {
    if retain {
        return Some(Notice::new(
            false,
            event::RETAINED,
            "Retain",
            format!("left {arn} and the annotation as they are"),
        ));
    }
    done.contains(&Step::DeleteRole).then(|| Notice::new(false, event::DELETED, "Delete", format!("deleted {arn}")))
}

/// Stands for a role that is nowhere to be found.
fn nowhere() -> RoleArn {
    RoleArn { partition: String::new(), account: String::new(), path: String::new(), name: String::new() }
}
