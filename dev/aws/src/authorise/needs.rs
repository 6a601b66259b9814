//! Which permissions a call needs: action, resource, and how AWS's sentence names that resource.
//! What is not there has no path, so its ARN is guessed without one and the sentence says `role NAME`.
//! Source: Service Authorization Reference of IAM, EKS and STS; a call that tags what it makes needs the tag action.

use fakecloud_iam::Tag;

use crate::call::{Call, Service};
use crate::world::World;

pub struct Need {
    pub action: String,
    pub resource: String,
    /// The resource as the sentence names it.
    pub named: String,
    pub tags: Vec<Tag>,
    /// `iam:PermissionsBoundary`
    pub boundary: Option<String>,
    pub more: Vec<(&'static str, String)>,
}

impl Need {
    fn new(action: String, resource: String) -> Self {
        Self { action, named: resource.clone(), resource, tags: Vec::new(), boundary: None, more: Vec::new() }
    }
}

/// The actions whose boundary key is the role's own boundary.
const BY_ROLE_BOUNDARY: [&str; 5] =
    ["AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "DeleteRolePermissionsBoundary"];

pub fn of(world: &World, call: &Call) -> Vec<Need> {
    match call.service {
        Service::Iam => iam(world, call),
        Service::Eks => vec![eks(call)],
        // AssumeRole is decided with the trust policy; the others need nothing.
        Service::Sts | Service::Unknown => Vec::new(),
    }
}

fn eks(call: &Call) -> Need {
    let resource = match call.get("name") {
        Some(name) => format!("arn:{}:eks:{}:{}:cluster/{name}", call.partition, call.region, call.account),
        None => "*".to_owned(),
    };
    Need::new(format!("eks:{}", call.op), resource)
}

pub fn assume(call: &Call, arn: &str, session: &str) -> Need {
    let mut need = Need::new("sts:AssumeRole".to_owned(), arn.to_owned());
    need.more.push(("sts:rolesessionname", session.to_owned()));
    if let Some(id) = call.get("ExternalId") {
        need.more.push(("sts:externalid", id.to_owned()));
    }
    need
}

fn iam(world: &World, call: &Call) -> Vec<Need> {
    let arn = |resource: &str| format!("arn:{}:iam::{}:{resource}", call.partition, call.account);
    let path = call.get("Path").unwrap_or("/");
    let action = format!("iam:{}", call.op);
    let mut need = match call.op.as_str() {
        "CreateRole" => {
            let name = call.get("RoleName").unwrap_or("");
            let mut need = Need::new(action, arn(&format!("role{path}{name}")));
            need.boundary = call.get("PermissionsBoundary").map(str::to_owned);
            need
        }
        "CreatePolicy" => Need::new(action, arn(&format!("policy{path}{}", call.get("PolicyName").unwrap_or("")))),
        "CreateOpenIDConnectProvider" => {
            let url = call.get("Url").unwrap_or("");
            Need::new(action, arn(&format!("oidc-provider/{}", url.strip_prefix("https://").unwrap_or(url))))
        }
        "CreateServiceLinkedRole" => Need::new(action, arn("role/aws-service-role/*")),
        "AddRoleToInstanceProfile"
        | "RemoveRoleFromInstanceProfile"
        | "CreateInstanceProfile"
        | "DeleteInstanceProfile" => {
            Need::new(action, arn(&format!("instance-profile/{}", call.get("InstanceProfileName").unwrap_or(""))))
        }
        _ if call.get("RoleName").is_some() => role(world, call, action),
        _ => match (call.get("OpenIDConnectProviderArn"), call.get("PolicyArn")) {
            (Some(provider), _) => {
                let mut need = Need::new(action, provider.to_owned());
                let accounts = world.iam.read();
                let there = accounts.get(&call.account).and_then(|state| state.oidc_providers.get(provider));
                need.tags = there.map(|one| one.tags.clone()).unwrap_or_default();
                need
            }
            (None, Some(policy)) => {
                let mut need = Need::new(action, policy.to_owned());
                let accounts = world.iam.read();
                let there = accounts.get(&call.account).and_then(|state| state.policies.get(policy));
                need.tags = there.map(|one| one.tags.clone()).unwrap_or_default();
                need
            }
            (None, None) => {
                let mut need = Need::new(action, "*".to_owned());
                let prefix = call.get("PathPrefix").unwrap_or("/");
                match call.op.as_str() {
                    "ListRoles" => need.named = arn(&format!("role{prefix}")),
                    "ListPolicies" => need.named = format!("policy path {prefix}"),
                    _ => {}
                }
                need
            }
        },
    };
    if let (true, Some(policy)) =
        (matches!(call.op.as_str(), "AttachRolePolicy" | "DetachRolePolicy"), call.get("PolicyArn"))
    {
        need.more.push(("iam:policyarn", policy.to_owned()));
    }
    let mut needs = vec![need];
    if call.op.starts_with("Create") && call.get("Tags.member.1.Key").is_some() {
        let of = call.op.trim_start_matches("Create");
        needs.push(Need::new(format!("iam:Tag{of}"), needs[0].resource.clone()));
    }
    if call.op == "AddRoleToInstanceProfile" {
        let mut pass = role(world, call, "iam:PassRole".to_owned());
        // PassRole knows no tags of the role.
        pass.tags.clear();
        pass.more.push(("iam:passedtoservice", "ec2.amazonaws.com".to_owned()));
        needs.push(pass);
    }
    needs
}

fn role(world: &World, call: &Call, action: String) -> Need {
    let name = call.get("RoleName").unwrap_or("");
    let accounts = world.iam.read();
    let Some(role) = accounts.get(&call.account).and_then(|state| state.roles.get(name)) else {
        let mut need = Need::new(action, format!("arn:{}:iam::{}:role/{name}", call.partition, call.account));
        need.named = format!("role {name}");
        need.boundary = call.get("PermissionsBoundary").map(str::to_owned);
        return need;
    };
    let mut need = Need::new(action, role.arn.clone());
    need.tags.clone_from(&role.tags);
    if call.op == "PutRolePermissionsBoundary" {
        need.boundary = call.get("PermissionsBoundary").map(str::to_owned);
    } else if BY_ROLE_BOUNDARY.contains(&call.op.as_str()) {
        need.boundary.clone_from(&role.permissions_boundary);
    }
    need
}
