//! IAM: roles and what hangs on them are handlers of our own (constraints, order of checks, AWS's sentences, what
//! comes back); managed policies, OIDC providers and the account's summary are the crate's.

mod bridge;
mod gaad;
mod list_roles;
mod providers;
pub mod render;
mod role_policies;
mod role_reads;
mod role_tags;
mod role_writes;
mod summary;

use fakecloud_iam::{IamRole, IamState};
pub use role_policies::{aws_managed, exists};

use crate::answer::{Outcome, Refusal, Reply, xml};
use crate::call::{Call, Service};
use crate::world::World;

pub fn handle(world: &World, call: &mut Call) -> Outcome {
    match call.op.as_str() {
        "CreateRole" => role_writes::create(world, call),
        "UpdateRole" => role_writes::update(world, call),
        "UpdateAssumeRolePolicy" => role_writes::update_trust(world, call),
        "DeleteRole" => role_writes::delete(world, call),
        "PutRolePermissionsBoundary" => role_writes::put_boundary(world, call),
        "DeleteRolePermissionsBoundary" => role_writes::delete_boundary(world, call),
        "TagRole" => role_tags::tag(world, call),
        "UntagRole" => role_tags::untag(world, call),
        "ListRoleTags" => role_tags::list(world, call),
        "AttachRolePolicy" => role_policies::attach(world, call),
        "DetachRolePolicy" => role_policies::detach(world, call),
        "PutRolePolicy" => role_policies::put(world, call),
        "DeleteRolePolicy" => role_policies::delete(world, call),
        "GetRole" => role_reads::get(world, call),
        "ListAttachedRolePolicies" => role_reads::attached(world, call),
        "ListRolePolicies" => role_reads::inline_names(world, call),
        "GetRolePolicy" => role_reads::inline(world, call),
        "ListInstanceProfilesForRole" => role_reads::instance_profiles(world, call),
        "ListRoles" => list_roles::list(world, call),
        "GetAccountAuthorizationDetails" => gaad::page(world, call),
        "GetAccountSummary" => summary::get(world, call),
        "CreateOpenIDConnectProvider" => providers::create(world, call),
        _ => bridge::handle(world, call),
    }
}

/// An answer of IAM.
fn ok(call: &Call, inner: &str) -> Reply {
    xml(Service::Iam, &call.op, inner, &call.request_id)
}

fn read<T>(world: &World, call: &Call, look: impl FnOnce(&IamState) -> T) -> T {
    if let Some(state) = world.iam.read().get(&call.account) {
        return look(state);
    }
    write(world, call, |state| look(state))
}

fn write<T>(world: &World, call: &Call, change: impl FnOnce(&mut IamState) -> T) -> T {
    change(world.iam.write().get_or_create(&call.account))
}

pub fn no_role(name: &str) -> Refusal {
    Refusal::no_such_entity(format!("The role with name {name} cannot be found."))
}

fn role<'a>(state: &'a IamState, name: &str) -> Result<&'a IamRole, Refusal> {
    state.roles.get(name).ok_or_else(|| no_role(name))
}

fn role_mut<'a>(state: &'a mut IamState, name: &str) -> Result<&'a mut IamRole, Refusal> {
    state.roles.get_mut(name).ok_or_else(|| no_role(name))
}

/// `MaxItems` as asked, 100 where it is not.
fn max_items(call: &Call) -> usize {
    call.get("MaxItems").and_then(|n| n.parse().ok()).unwrap_or(100).clamp(1, 1000)
}

/// How many entities this page really holds: IAM may send fewer than asked although there are more.
fn page_size(world: &World, call: &Call) -> usize {
    let asked = max_items(call);
    if world.own.borrow().switches(&call.account).short_pages { asked - asked / 3 } else { asked }
}

/// Cuts a list of named things into the page that `Marker` and `MaxItems` ask for.
fn page<T>(call: &Call, all: Vec<T>, name: impl Fn(&T) -> &str) -> (Vec<T>, String) {
    let marker = call.get("Marker").unwrap_or("");
    let max = max_items(call);
    let mut rest: Vec<T> = all.into_iter().filter(|item| marker.is_empty() || name(item) > marker).collect();
    let truncated = rest.len() > max;
    rest.truncate(max);
    let tail = match rest.last() {
        Some(last) if truncated => {
            format!("<IsTruncated>true</IsTruncated><Marker>{}</Marker>", crate::answer::escape(name(last)))
        }
        _ => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    (rest, tail)
}
