//! Roles and their parts in XML, as IAM sends them.
//! Source: the shapes Role and RoleDetail of the service model. Documents go percent-encoded by RFC 3986. The type
//! of a boundary is `Policy` on the real AWS, against the model's own enumeration.

use chrono::{DateTime, Utc};
use fakecloud_iam::{IamInstanceProfile, IamRole, Tag};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::escape;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub fn encoded(document: &str) -> String {
    utf8_percent_encode(document, UNRESERVED).to_string()
}

pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub fn tags(tags: &[Tag]) -> String {
    let mut out = String::new();
    for tag in tags {
        out.push_str("<member><Key>");
        out.push_str(&escape(&tag.key));
        out.push_str("</Key><Value>");
        out.push_str(&escape(&tag.value));
        out.push_str("</Value></member>");
    }
    out
}

pub fn boundary(arn: Option<&str>) -> String {
    match arn {
        Some(arn) => format!(
            "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>{}</PermissionsBoundaryArn></PermissionsBoundary>",
            escape(arn)
        ),
        None => String::new(),
    }
}

/// What every shape of a role begins with.
pub fn head(role: &IamRole) -> String {
    format!(
        "<Path>{}</Path><RoleName>{}</RoleName><RoleId>{}</RoleId><Arn>{}</Arn><CreateDate>{}</CreateDate><AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>",
        escape(&role.path),
        role.role_name,
        role.role_id,
        escape(&role.arn),
        time(role.created_at),
        encoded(&role.assume_role_policy_document),
    )
}

fn description(role: &IamRole) -> String {
    match &role.description {
        Some(text) => format!("<Description>{}</Description>", escape(text)),
        None => String::new(),
    }
}

/// As ListRoles sends it: without tags, boundary and last use.
pub fn listed(role: &IamRole) -> String {
    format!(
        "<member>{}{}<MaxSessionDuration>{}</MaxSessionDuration></member>",
        head(role),
        description(role),
        role.max_session_duration
    )
}

/// As GetRole sends it.
pub fn whole(role: &IamRole) -> String {
    let tagged = if role.tags.is_empty() { String::new() } else { format!("<Tags>{}</Tags>", tags(&role.tags)) };
    format!(
        "<Role>{}{}<MaxSessionDuration>{}</MaxSessionDuration>{}{tagged}<RoleLastUsed/></Role>",
        head(role),
        description(role),
        role.max_session_duration,
        boundary(role.permissions_boundary.as_deref()),
    )
}

/// The last part of a policy's ARN.
pub fn policy_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

pub fn attached(arn: &str) -> String {
    format!(
        "<member><PolicyName>{}</PolicyName><PolicyArn>{}</PolicyArn></member>",
        escape(policy_name(arn)),
        escape(arn)
    )
}

/// An instance profile, with its roles as they were rendered.
pub fn profile(profile: &IamInstanceProfile, roles: &str) -> String {
    format!(
        "<member><Path>{}</Path><InstanceProfileName>{}</InstanceProfileName><InstanceProfileId>{}</InstanceProfileId><Arn>{}</Arn><CreateDate>{}</CreateDate><Roles>{roles}</Roles></member>",
        escape(&profile.path),
        escape(&profile.instance_profile_name),
        profile.instance_profile_id,
        escape(&profile.arn),
        time(profile.created_at),
    )
}
