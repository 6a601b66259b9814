//! GetAccountAuthorizationDetails, page by page from the marker (`KIND:NAME`), roles with boundary and tags.
//! Source: the shapes UserDetail, RoleDetail and ManagedPolicyDetail of the service model: a RoleDetail has neither
//! Description nor MaxSessionDuration. The answer's four lists are cut as one sequence.

use std::collections::BTreeMap;
use std::ops::Bound;

use fakecloud_iam::{IamInstanceProfile, IamPolicy, IamRole, IamState};

use super::{ok, page_size, read, render};
use crate::answer::{Outcome, escape};
use crate::call::Call;
use crate::world::World;

const KINDS: [&str; 3] = ["User", "Role", "LocalManagedPolicy"];

pub fn page(world: &World, call: &Call) -> Outcome {
    let filter = call.list("Filter");
    let wanted = |kind: &str| filter.is_empty() || filter.iter().any(|one| one == kind);
    let mut left = page_size(world, call);
    let boundaries = !world.own.borrow().switches(&call.account).gaad_without_boundary;
    let (from_kind, from_name) = match call.get("Marker").and_then(|marker| marker.split_once(':')) {
        Some((kind, name)) => (kind.parse().unwrap_or(0), Some(name.to_owned())),
        None => (0, None),
    };
    read(world, call, |state| {
        let mut lists = [String::new(), String::new(), String::new()];
        let mut last: Option<(usize, String)> = None;
        let mut more = false;
        let profiles = by_role(state);
        for (kind, list) in lists.iter_mut().enumerate().skip(from_kind) {
            if !wanted(KINDS[kind]) {
                continue;
            }
            let from = match &from_name {
                Some(name) if kind == from_kind => Bound::Excluded(name.clone()),
                _ => Bound::Unbounded,
            };
            let range = (from, Bound::Unbounded);
            let mut walk: Box<dyn Iterator<Item = (&String, String)>> = match kind {
                0 => Box::new(state.users.range(range).map(|(name, _)| (name, user(state, name)))),
                1 => Box::new(
                    state.roles.range(range).map(|(name, role)| (name, detail(state, role, &profiles, boundaries))),
                ),
                _ => Box::new(state.policies.range(range).map(|(arn, one)| (arn, policy(one)))),
            };
            while left > 0 {
                let Some((name, text)) = walk.next() else { break };
                list.push_str(&text);
                last = Some((kind, name.clone()));
                left -= 1;
            }
            more = left == 0 && walk.next().is_some();
            if more {
                break;
            }
        }
        let tail = match last {
            Some((kind, name)) if more || (left == 0 && rest_has(state, kind, &wanted)) => {
                format!("<IsTruncated>true</IsTruncated><Marker>{kind}:{}</Marker>", escape(&name))
            }
            _ => "<IsTruncated>false</IsTruncated>".to_owned(),
        };
        let [users, roles, policies] = lists;
        Ok(ok(
            call,
            &format!(
                "<UserDetailList>{users}</UserDetailList><GroupDetailList/><RoleDetailList>{roles}</RoleDetailList><Policies>{policies}</Policies>{tail}"
            ),
        ))
    })
}

/// Whether a later kind has something to show: the page was full exactly at the end of one.
fn rest_has(state: &IamState, kind: usize, wanted: &impl Fn(&str) -> bool) -> bool {
    (kind < 1 && wanted(KINDS[1]) && !state.roles.is_empty())
        || (kind < 2 && wanted(KINDS[2]) && !state.policies.is_empty())
}

fn by_role(state: &IamState) -> BTreeMap<&str, Vec<&IamInstanceProfile>> {
    let mut out: BTreeMap<&str, Vec<&IamInstanceProfile>> = BTreeMap::new();
    for profile in state.instance_profiles.values() {
        for role in &profile.roles {
            out.entry(role).or_default().push(profile);
        }
    }
    out
}

fn user(state: &IamState, name: &str) -> String {
    let Some(user) = state.users.get(name) else { return String::new() };
    let attached: String =
        state.user_policies.get(name).into_iter().flatten().map(|arn| render::attached(arn)).collect();
    format!(
        "<member><Path>{}</Path><UserName>{}</UserName><UserId>{}</UserId><Arn>{}</Arn><CreateDate>{}</CreateDate><AttachedManagedPolicies>{attached}</AttachedManagedPolicies></member>",
        user.path,
        escape(&user.user_name),
        user.user_id,
        escape(&user.arn),
        render::time(user.created_at),
    )
}

fn detail(
    state: &IamState,
    role: &IamRole,
    profiles: &BTreeMap<&str, Vec<&IamInstanceProfile>>,
    boundaries: bool,
) -> String {
    let inline: String = state
        .role_inline_policies
        .get(&role.role_name)
        .into_iter()
        .flatten()
        .map(|(name, document)| {
            format!(
                "<member><PolicyName>{}</PolicyName><PolicyDocument>{}</PolicyDocument></member>",
                escape(name),
                render::encoded(document)
            )
        })
        .collect();
    let attached: String =
        state.role_policies.get(&role.role_name).into_iter().flatten().map(|arn| render::attached(arn)).collect();
    let profiles: String = profiles
        .get(role.role_name.as_str())
        .into_iter()
        .flatten()
        .map(|profile| render::profile(profile, ""))
        .collect();
    format!(
        "<member>{}<InstanceProfileList>{profiles}</InstanceProfileList><RolePolicyList>{inline}</RolePolicyList><AttachedManagedPolicies>{attached}</AttachedManagedPolicies>{}<Tags>{}</Tags><RoleLastUsed/></member>",
        render::head(role),
        render::boundary(role.permissions_boundary.as_deref().filter(|_| boundaries)),
        render::tags(&role.tags),
    )
}

fn policy(policy: &IamPolicy) -> String {
    let versions: String = policy
        .versions
        .iter()
        .map(|version| {
            format!(
                "<member><Document>{}</Document><VersionId>{}</VersionId><IsDefaultVersion>{}</IsDefaultVersion><CreateDate>{}</CreateDate></member>",
                render::encoded(&version.document),
                version.version_id,
                version.is_default,
                render::time(version.created_at)
            )
        })
        .collect();
    format!(
        "<member><PolicyName>{}</PolicyName><PolicyId>{}</PolicyId><Arn>{}</Arn><Path>{}</Path><DefaultVersionId>{}</DefaultVersionId><AttachmentCount>{}</AttachmentCount><IsAttachable>true</IsAttachable><CreateDate>{}</CreateDate><PolicyVersionList>{versions}</PolicyVersionList></member>",
        escape(&policy.policy_name),
        policy.policy_id,
        escape(&policy.arn),
        escape(&policy.path),
        policy.default_version_id,
        policy.attachment_count,
        render::time(policy.created_at),
    )
}
