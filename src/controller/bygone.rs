//! What can still be told of a binding on its way out, whose spec may be invalid and whose class may be gone.

use super::facts;
use super::identity::role_hints;
use super::state::{Ctx, State};
use crate::api::{AdoptionPolicy, DeletionPolicy, IrsaClassSpec, Mode};
use crate::aws::Aws;
use crate::desired::{Desired, Place, Who, desired, identity, makes, vars};
use crate::error::{Category, Error};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Owner;
use crate::store::{LeanBinding, NsName};
use std::collections::BTreeSet;

/// Where its role may be: as computed, as the status says, as the annotation says that we wrote, as we remember.
pub fn candidates(
    ctx: &Ctx,
    object: &LeanBinding,
    computed: Option<String>,
    named: Option<&String>,
    place: &Place,
) -> Vec<RoleArn> {
    let account = object.service_account.as_deref().unwrap_or_default();
    let mut hints: Vec<String> = computed.into_iter().collect();
    hints.extend(role_hints(&ctx.state(), object, account));
    let mut known = BTreeSet::new();
    // Where a role is that the spec names AWS tells, and so once is enough; what we remember of it is more exact.
    let once = |arn: &RoleArn| Some(&arn.name) == named;
    let here = hints.iter().filter_map(|hint| RoleArn::parse(hint)).filter(|arn| arn.account == place.account);
    let mut here: Vec<RoleArn> = here.collect();
    if here.first().is_some_and(once) {
        here.rotate_left(1);
    }
    here.retain(|arn| known.insert(if once(arn) { arn.name.clone() } else { arn.to_string() }));
    here
}

/// Where a role of its name is: that needs a name of a ServiceAccount, and no spec that is valid otherwise. It may have
/// been made although nothing tells of it yet.
pub fn computed(who: Who<'_>, object: &LeanBinding, class: Option<&IrsaClassSpec>, place: &Place) -> Option<String> {
    let vars = vars(who, object.service_account.as_deref()?, place);
    let default = IrsaClassSpec::default();
    identity(class.unwrap_or(&default), named(object).as_deref(), &vars).ok().map(|(arn, _)| arn)
}

/// The name that its spec gives its role, however broken the rest of it is.
pub fn named(object: &LeanBinding) -> Option<String> {
    #[derive(Default, serde::Deserialize)]
    struct Role {
        name: Option<String>,
    }
    #[derive(serde::Deserialize)]
    struct Only {
        role: Option<Role>,
    }
    serde_json::from_str::<Only>(&object.spec.unpack()).ok()?.role?.name
}

/// Name and spec of its class, also of one that is not ready, as after a start.
pub fn class(state: &State, object: &LeanBinding) -> (String, Option<IrsaClassSpec>) {
    let class = match object.class_name.as_deref() {
        Some(name) => state.classes.get(&NsName::new("", name)),
        None => state.default_class().ok(),
    };
    let name = class.map(|class| &*class.head.key.name).or(object.class_name.as_deref()).unwrap_or_default();
    (name.to_owned(), class.and_then(|class| class.decode().ok()))
}

/// The same where that role may have any path: one that was taken over, and none that was made under the name.
pub fn named_elsewhere(
    who: Who<'_>,
    object: &LeanBinding,
    class: Option<&IrsaClassSpec>,
    place: &Place,
) -> Option<String> {
    let made = |name: &str| {
        let class = class?;
        let spec = object.decode().ok()?;
        let asked = spec.adoption.as_ref().is_some_and(|adoption| adoption.policy == AdoptionPolicy::IfTagged);
        let vars = vars(who, object.service_account.as_deref()?, place);
        Some(!asked && makes(name, spec.mode, class, &vars))
    };
    named(object).filter(|name| made(name) != Some(true))
}

/// What is wanted for a binding that is on its way out, if that can still be told.
pub fn last_wish(who: Who<'_>, object: &LeanBinding, class: Option<&IrsaClassSpec>, place: &Place) -> Option<Desired> {
    desired(who, &object.decode().ok()?, class?, place).ok()
}

/// Where its role is: as its class says, and if that is gone in the operator's own account.
pub async fn place(
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

pub fn owner(who: Who<'_>, place: &Place, class: Option<&IrsaClassSpec>) -> Owner {
    Owner {
        cluster: place.cluster_id.clone(),
        namespace: who.namespace.to_owned(),
        binding: who.name.to_owned(),
        issuer: place.issuer.clone(),
        class: who.class.to_owned(),
        former: class.map(|class| class.take_over_from_issuers.clone()).unwrap_or_default(),
    }
}

/// How far it was gone for it. Where its class can't tell any more, what it said last holds, if that is less.
pub fn mode(object: &LeanBinding, class: Option<&IrsaClassSpec>) -> Mode {
    #[derive(serde::Deserialize)]
    struct Only {
        #[serde(default)]
        mode: Mode,
    }
    let own = serde_json::from_str::<Only>(&object.spec.unpack()).map(|only| only.mode).unwrap_or_default();
    if class.is_some_and(|class| !class.allow.deletion_policies.contains(&DeletionPolicy::Retain)) {
        // A mode that leaves the role behind would retain it.
        return class.map(|class| class.mode).unwrap_or_default();
    }
    own.within(class.map_or_else(|| object.status().mode.unwrap_or_default(), |class| class.mode))
}

/// What the binding itself says, however broken the rest of it is, or else its class.
pub fn asks_to_retain(object: &LeanBinding, class: Option<&IrsaClassSpec>) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Only {
        deletion_policy: Option<DeletionPolicy>,
    }
    let own = serde_json::from_str::<Only>(&object.spec.unpack()).ok().and_then(|only| only.deletion_policy);
    let allowed = |own: &DeletionPolicy| class.is_none_or(|class| class.allow.deletion_policies.contains(own));
    own.filter(allowed).or(class.map(|class| class.role.deletion_policy)) == Some(DeletionPolicy::Retain)
}
