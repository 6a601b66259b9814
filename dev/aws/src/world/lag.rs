//! Propagation: for a while after a write, reads may still show what was there before it, and then, and again.
//! Before a write the image of the one entity that it touches is kept, with a pattern of answers to come for each
//! kind of reader. A stale read puts the image in the place of the truth, is handled, and puts the truth back:
//! one thread and no wait in between, so nobody else sees it. Writes see the truth but for two known cases:
//! DeleteConflict after a detach, and a principal that was made a moment ago.
//! Source: IAM user guide, "Changes that I make are not always immediately visible"; Terraform's waits.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::{DateTime, Duration, Utc};
use fakecloud_iam::{IamRole, IamState, OidcProvider};

use super::World;
use super::switches::Propagation;
use crate::answer::{Outcome, Refusal};
use crate::call::{Call, Service};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Entity {
    Role(String),
    Provider(String),
}

#[derive(Clone)]
enum Image {
    Role(Option<Box<(IamRole, Vec<String>, BTreeMap<String, String>)>>),
    Provider(Option<OidcProvider>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Iam,
    Sts,
}

struct Lag {
    image: Image,
    taken: DateTime<Utc>,
    wrote: DateTime<Utc>,
    lapses: DateTime<Utc>,
    iam: VecDeque<bool>,
    sts: VecDeque<bool>,
    young: DateTime<Utc>,
    /// Something was taken off the role: its deletion may not know yet.
    conflict: bool,
    /// Made just now: whoever names it may be told that it is not there.
    unknown: bool,
}

#[derive(Default)]
pub struct Lags(HashMap<(String, Entity), Lag>);

impl Lags {
    pub fn forget(&mut self, account: &str) {
        self.0.retain(|(owner, _), _| owner != account);
    }
}

/// Takes what is there of an entity, leaving `image` in its place.
fn swap(state: &mut IamState, entity: &Entity, image: Image) -> Image {
    match (entity, image) {
        (Entity::Role(name), Image::Role(image)) => {
            let role = state.roles.remove(name);
            let attached = state.role_policies.remove(name).unwrap_or_default();
            let inline = state.role_inline_policies.remove(name).unwrap_or_default();
            if let Some(image) = image {
                let (role, attached, inline) = *image;
                state.roles.insert(name.clone(), role);
                state.role_policies.insert(name.clone(), attached);
                state.role_inline_policies.insert(name.clone(), inline);
            }
            Image::Role(role.map(|role| Box::new((role, attached, inline))))
        }
        (Entity::Provider(arn), Image::Provider(image)) => {
            let there = state.oidc_providers.remove(arn);
            if let Some(image) = image {
                state.oidc_providers.insert(arn.clone(), image);
            }
            Image::Provider(there)
        }
        (_, image) => image,
    }
}

fn image(state: &IamState, entity: &Entity) -> Image {
    match entity {
        Entity::Role(name) => Image::Role(state.roles.get(name).map(|role| {
            let attached = state.role_policies.get(name).cloned().unwrap_or_default();
            let inline = state.role_inline_policies.get(name).cloned().unwrap_or_default();
            Box::new((role.clone(), attached, inline))
        })),
        Entity::Provider(arn) => Image::Provider(state.oidc_providers.get(arn).cloned()),
    }
}

fn is_read(op: &str) -> bool {
    op.starts_with("Get") || op.starts_with("List") || op.starts_with("AssumeRole")
}

/// The entity that a call of IAM names.
fn named(call: &Call) -> Option<Entity> {
    if let Some(name) = call.get("RoleName") {
        return Some(Entity::Role(name.to_owned()));
    }
    if let Some(arn) = call.get("OpenIDConnectProviderArn") {
        return Some(Entity::Provider(arn.to_owned()));
    }
    let host = call.get("Url").and_then(|url| url.strip_prefix("https://"))?;
    Some(Entity::Provider(format!("arn:{}:iam::{}:oidc-provider/{host}", call.partition, call.account)))
}

fn settings(world: &World, account: &str) -> Option<Propagation> {
    world.own.borrow().accounts.get(account)?.switches.propagation.clone()
}

/// What is to be remembered should this call, a write, succeed.
pub struct Touched(Entity, Image, Propagation);

/// Refuses the write that finds an old state in its way; otherwise takes the image of what it touches.
pub fn before(world: &World, call: &Call) -> Result<Option<Touched>, Refusal> {
    if call.service != Service::Iam || is_read(&call.op) {
        return Ok(None);
    }
    let (Some(settings), Some(entity)) = (settings(world, &call.account), named(call)) else { return Ok(None) };
    if call.op == "DeleteRole" {
        let mut own = world.own.borrow_mut();
        if let Some(lag) = own.lags.0.get_mut(&(call.account.clone(), entity.clone()))
            && call.now < lag.lapses
            && std::mem::take(&mut lag.conflict)
        {
            call_conflict(&lag.image)?;
        }
    }
    let accounts = world.iam.read();
    Ok(accounts.get(&call.account).map(|state| Touched(entity.clone(), image(state, &entity), settings)))
}

fn call_conflict(image: &Image) -> Result<(), Refusal> {
    let Image::Role(Some(old)) = image else { return Ok(()) };
    let first = match (old.1.is_empty(), old.2.is_empty()) {
        (false, _) => "detach all policies",
        (true, false) => "delete policies",
        (true, true) => return Ok(()),
    };
    Err(Refusal::new(409, "DeleteConflict", format!("Cannot delete entity, must {first} first.")))
}

pub fn after(world: &World, call: &Call, touched: Option<Touched>, outcome: &Outcome) {
    let (Some(Touched(entity, image, settings)), Ok(_)) = (touched, outcome) else { return };
    let lapse = Duration::milliseconds(i64::try_from(settings.lapse_ms).unwrap_or(i64::MAX / 1_000_000));
    let is_new = matches!(image, Image::Role(None));
    let mut lag = Lag {
        image,
        taken: call.now,
        wrote: call.now,
        lapses: call.now + lapse,
        iam: settings.pattern.iter().copied().collect(),
        sts: settings.pattern.iter().copied().collect(),
        young: call.now,
        conflict: matches!(call.op.as_str(), "DetachRolePolicy" | "DeleteRolePolicy"),
        unknown: call.op == "CreateRole" && is_new,
    };
    if matches!(call.op.as_str(), "CreateRole" | "UpdateAssumeRolePolicy" | "CreateOpenIDConnectProvider") {
        lag.young = call.now + Duration::milliseconds(i64::try_from(settings.young_ms).unwrap_or(0));
    }
    let mut own = world.own.borrow_mut();
    let key = (call.account.clone(), entity);
    if let Some(old) = own.lags.0.remove(&key)
        && old.taken + lapse > call.now
    {
        // Writes in a row: what is seen of them is what was before the first.
        lag.image = old.image;
        lag.taken = old.taken;
        lag.young = lag.young.max(old.young);
        lag.unknown |= old.unknown;
    }
    own.lags.0.insert(key, lag);
}

/// Handles a read with the images that it happens to see in place of the truth.
pub fn around(world: &World, call: &mut Call, handle: impl FnOnce(&mut Call) -> Outcome) -> Outcome {
    if !is_read(&call.op) || call.service == Service::Eks {
        return handle(call);
    }
    let account = match call.service {
        Service::Sts => call.get("RoleArn").and_then(|arn| arn.split(':').nth(4)).unwrap_or("").to_owned(),
        _ => call.account.clone(),
    };
    let stale = stale(world, call, &account)?;
    if stale.is_empty() {
        return handle(call);
    }
    call.marks.push("stale".to_owned());
    let put = |images: Vec<(Entity, Image)>| -> Vec<(Entity, Image)> {
        let mut accounts = world.iam.write();
        let state = accounts.get_or_create(&account);
        let swapped = images.into_iter().map(|(entity, image)| {
            let there = swap(state, &entity, image);
            (entity, there)
        });
        swapped.collect()
    };
    let truth = put(stale);
    let outcome = handle(call);
    put(truth);
    outcome
}

/// The images that this read sees; an error where STS finds the role too young.
fn stale(world: &World, call: &Call, account: &str) -> Result<Vec<(Entity, Image)>, Refusal> {
    let mut own = world.own.borrow_mut();
    let now = own.now(account);
    own.lags.0.retain(|(owner, _), lag| owner != account || lag.lapses.max(lag.young) > now);
    let (reader, wanted) = match call.service {
        Service::Sts => (Reader::Sts, call.get("RoleArn").map(|arn| arn.rsplit('/').next().unwrap_or("").to_owned())),
        _ => (Reader::Iam, None),
    };
    let point = if reader == Reader::Iam { named(call) } else { None };
    let mut out = Vec::new();
    for ((owner, entity), lag) in &mut own.lags.0 {
        let meant = match (&point, &wanted, entity) {
            (Some(point), _, entity) => point == entity,
            (None, Some(role), Entity::Role(name)) => role == name,
            (None, Some(_), Entity::Provider(_)) => true,
            // Lists see everything of their kind; the other kind is not looked at.
            (None, None, Entity::Role(_)) => !call.op.contains("OpenIDConnect"),
            (None, None, Entity::Provider(_)) => call.op.contains("OpenIDConnect"),
        };
        if owner != account || !meant {
            continue;
        }
        if reader == Reader::Sts && now < lag.young {
            let message = format!("Not authorized to perform sts:{}", call.op);
            return Err(Refusal::new(403, "AccessDenied", message));
        }
        let pattern = if reader == Reader::Sts { &mut lag.sts } else { &mut lag.iam };
        if now < lag.lapses && now >= lag.wrote && pattern.pop_front() == Some(true) {
            out.push((entity.clone(), lag.image.clone()));
        }
    }
    Ok(out)
}

/// Whether a role that was just made is not known yet to the one who names it; once.
pub fn unknown_principal(world: &World, arn: &str) -> bool {
    let Some(account) = arn.split(':').nth(4) else { return false };
    let Some((_, name)) = arn.rsplit_once('/') else { return false };
    let mut own = world.own.borrow_mut();
    let now = own.now(account);
    match own.lags.0.get_mut(&(account.to_owned(), Entity::Role(name.to_owned()))) {
        Some(lag) if now < lag.lapses => std::mem::take(&mut lag.unknown),
        _ => false,
    }
}
