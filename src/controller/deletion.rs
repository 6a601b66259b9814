//! The way out of a binding: a plan toward nothing, through the same calls. It needs neither a valid spec nor a class.

use super::account;
use super::api::{self, ApiError};
use super::binding::{Stop, seen_accounts, who};
use super::bygone::{asks_to_retain, candidates, class, computed, last_wish, mode, named_elsewhere, owner, place};
use super::former;
use super::fuse;
use super::hand_over;
use super::last_look::{Sought, last_look};
use super::lock::RoleLock;
use super::released;
use super::state::Ctx;
use super::tell::{conclude, reference};
use super::worker::Next;
use super::write;
use crate::api::names::FINALIZER;
use crate::api::reason::event;
use crate::api::{IrsaClassSpec, Mode};
use crate::aws::Aws;
use crate::desired::Place;
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Owner;
use crate::iam::role::Role;
use crate::plan::{Extent, Removal, Step, removal};
use crate::queue::Kind;
use crate::status::{self, Notice, Outcome};
use crate::store::LeanBinding;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use kube::api::Api;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tracing::info;

/// Removes what is ours and lets the binding go.
pub async fn reconcile(ctx: &Ctx, object: Arc<LeanBinding>, kind: Kind) -> Next {
    ctx.state().fuse.decided(&object.head.key, Instant::now());
    if !object.head.has_finalizer(FINALIZER) {
        return Next::Wait;
    }
    let began = Instant::now();
    let mut outcome = Outcome { generation: object.head.generation, ..Outcome::default() };
    let frozen = ctx.state().class_is_frozen(&object);
    match if frozen { Ok(fuse::pass(ctx, &object)) } else { fuse::ask(ctx, &object).await } {
        Ok(None) => {}
        Ok(Some(later)) => return Next::Look(kind, later),
        Err(error) => return failed(ctx, &object, outcome, began, error).await,
    }
    match clean(ctx, &object, kind, &mut outcome).await {
        Ok(notice) => {
            outcome.done.iter().for_each(|step| info!("{step}"));
            match write::release(ctx, object.as_ref()).await {
                Ok(()) => {
                    ctx.metrics.released(&object.head.key, &outcome.done);
                    notice.into_iter().for_each(|notice| ctx.events.send(reference(object.as_ref()), notice));
                    Next::Wait
                }
                Err(ApiError::Failed(error)) => failed(ctx, &object, outcome, began, error).await,
                Err(_) => Next::Again,
            }
        }
        Err(Stop::Stale) => Next::Again,
        Err(Stop::Waiting) => Next::Wait,
        Err(Stop::Later(at)) => Next::Look(kind, at),
        Err(Stop::Failed(error)) => failed(ctx, &object, outcome, began, error).await,
    }
}

async fn failed(ctx: &Ctx, object: &Arc<LeanBinding>, mut outcome: Outcome, began: Instant, error: Error) -> Next {
    let said = Error { message: format!("can't be deleted yet: {}", error.message), ..error };
    outcome.failure = Some((None, said));
    conclude(ctx, object, outcome, began, status::deleting).await
}

/// All of it but the finalizer. Returns what is to be told when that is off as well.
async fn clean(ctx: &Ctx, object: &LeanBinding, kind: Kind, outcome: &mut Outcome) -> Result<Option<Notice>, Stop> {
    let asked = class(&ctx.state(), object);
    let (name, class) = former::last_class(ctx, object, asked).await?;
    if class.as_ref().is_some_and(|class| class.mode == Mode::Observe) {
        // Not even the mark of a role that is let go.
        let role = object.status().role_arn.as_deref().and_then(RoleArn::parse);
        return Ok(role.and_then(|arn| notice(&arn, Extent::Nothing, &[])));
    }
    let left = || object.status().role_arn.as_deref().and_then(RoleArn::parse);
    if ctx.state().class_is_frozen(object) {
        return Ok(left().and_then(|arn| notice(&arn, Extent::Nothing, &[])));
    }
    let mode = mode(object, class.as_ref());
    let extent = match mode {
        _ if asks_to_retain(object, class.as_ref()) || definition_is_going(ctx).await? => Extent::Nothing,
        Mode::Observe => Extent::Nothing,
        Mode::Annotate => Extent::Account,
        Mode::Manage => Extent::All,
    };
    if mode == Mode::Annotate && object.status().role_id.is_none() && !ctx.state().may_have_role(object) {
        // It never had a role, so AWS is not asked for one. Its status alone would not tell: anybody may have edited it.
        let nothing = Found::nothing(ctx.accounts.own());
        remove(ctx, object, &Owner::default(), extent, &nothing, outcome).await?;
        return Ok(None);
    }
    let (place, aws) = place(ctx, object, &name, class.as_ref()).await?;
    if ctx.state().is_frozen(&place) {
        return Ok(left().and_then(|arn| notice(&arn, Extent::Nothing, &[])));
    }
    let aws = aws.on_behalf(kind, object.head.key.namespace.clone());
    let who = who(&object.head.key, &name);
    let wish = last_wish(who, object, class.as_ref(), &place);
    let owner = wish.as_ref().map_or_else(|| owner(who, &place, class.as_ref()), |desired| desired.owner.clone());
    let adopted_may_go = class.as_ref().is_some_and(|class| class.allow.deletes_adopted());
    let (mut seen, named) = (None, named_elsewhere(who, object, class.as_ref(), &place));
    for mut arn in candidates(ctx, object, computed(who, object, class.as_ref(), &place), named.as_ref(), &place) {
        let lock = RoleLock::try_take(ctx, &arn.to_string());
        if lock.is_none() {
            return Err(Error::new(Category::Settling, format!("another binding is working on {arn}")).into());
        }
        let named = named.as_ref() == Some(&arn.name);
        let role = last_look(ctx, &aws, object, &owner, Sought { arn: &arn, named, mode }).await?;
        if let Some(found) = role.as_ref().and_then(|role| RoleArn::parse(&role.arn)) {
            arn = found;
        }
        // Where it is not known what is on the role, DeleteRole says that there is something, and then it is looked for.
        let (attached, inline) = match &wish {
            Some(desired) if desired.arn == arn.to_string() || desired.may_be(&arn) => {
                (desired.managed.clone(), desired.inline.keys().cloned().collect())
            }
            _ => (BTreeSet::new(), Vec::new()),
        };
        let found = Found {
            aws: &aws,
            place: Some(&place),
            class: class.as_ref(),
            arn: &arn,
            role: role.as_ref(),
            attached,
            inline,
        };
        let asked = extent;
        let extent = asked.with(&owner, role.as_ref(), adopted_may_go);
        remove(ctx, object, &owner, extent, &found, outcome).await?;
        seen = Some((arn, extent, asked != extent));
    }
    if seen.is_none() {
        remove(ctx, object, &owner, extent, &Found::nothing(&aws), outcome).await?;
    }
    Ok(seen.and_then(|(arn, extent, stays)| {
        let mut notice = notice(&arn, extent, &outcome.done)?;
        if stays {
            notice
                .note
                .push_str(", as it was taken over and its class does not let it be deleted (spec.allow.adopt.delete)");
        }
        Some(notice)
    }))
}

/// What was found of a role.
struct Found<'a> {
    aws: &'a Aws,
    place: Option<&'a Place>,
    class: Option<&'a IrsaClassSpec>,
    arn: &'a RoleArn,
    role: Option<&'a Role>,
    attached: BTreeSet<String>,
    inline: Vec<String>,
}

impl<'a> Found<'a> {
    fn nothing(aws: &'a Aws) -> Self {
        Self { aws, place: None, class: None, arn: &NOWHERE, role: None, attached: BTreeSet::new(), inline: Vec::new() }
    }
}

/// Stands for a role that is nowhere to be found.
static NOWHERE: RoleArn =
    RoleArn { partition: String::new(), account: String::new(), path: String::new(), name: String::new() };

async fn remove(
    ctx: &Ctx,
    object: &LeanBinding,
    owner: &Owner,
    extent: Extent,
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
        extent,
    };
    for step in hand_over::offered(removal(&what)?, found.class, owner) {
        ctx.accounts.going_on()?;
        if found.place.is_some_and(|place| ctx.state().is_frozen(place)) {
            return Err(Stop::Stale);
        }
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
                    ctx.state().released.forget(&found.arn.account, &found.arn.to_string());
                    Ok(())
                }
                Err(error) => Err(Stop::from(error)),
            },
            step => {
                let sent = found.aws.reduce(&found.arn.name, step).await.map_err(Stop::from);
                sent.inspect(|()| released::note(ctx, &object.head.key, found.arn, found.role, step))
            }
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

/// Whoever deletes the resource definition deletes all bindings with it, and rarely means all roles.
pub async fn definition_is_going(ctx: &Ctx) -> Result<bool, Error> {
    let api: Api<CustomResourceDefinition> = Api::all(ctx.client.clone());
    let name = crate::api::IrsaBinding::crd_name();
    match api::send("show its resource definition", api.get_metadata(name)).await {
        Ok(definition) => Ok(definition.metadata.deletion_timestamp.is_some()),
        Err(ApiError::NotFound) => Ok(true),
        Err(ApiError::Failed(error)) => Err(error),
        Err(_) => Err(Error::new(Category::Transient, "the API server did not show its resource definition")),
    }
}

fn notice(arn: &RoleArn, extent: Extent, done: &[Step]) -> Option<Notice> {
    let left = match extent {
        Extent::Nothing => Some(format!("left {arn} and the annotation as they are")),
        Extent::Account => Some(format!("left {arn} as it is")),
        Extent::All => None,
    };
    if let Some(text) = left {
        return Some(Notice::new(false, event::RETAINED, "Retain", text));
    }
    done.contains(&Step::DeleteRole).then(|| Notice::new(false, event::DELETED, "Delete", format!("deleted {arn}")))
}
