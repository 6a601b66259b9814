//! Who fights, as far as that can be told, and what is said of it.

use crate::iam::tags::{self, Tags};
use crate::plan::Step;
use std::collections::BTreeSet;

/// Tags that tools put on what they make, and how the tool is called then.
const MARKS: [(&str, &str); 6] = [
    ("aws:cloudformation:stack-name", "the CloudFormation stack"),
    ("alpha.eksctl.io/cluster-name", "eksctl for the cluster"),
    ("eksctl.cluster.k8s.io/v1alpha1/cluster-name", "eksctl for the cluster"),
    ("crossplane-name", "Crossplane's object"),
    ("services.k8s.aws/namespace", "an ACK controller for the namespace"),
    ("pulumi:project", "Pulumi's project"),
];

/// Keys under which people let Terraform and its kin say who they are, without case, dashes, dots and the like.
const MANAGED_BY: [&str; 6] = ["managedby", "createdby", "provisionedby", "provisioner", "terraform", "iac"];

/// Whom the tags of a role name. Tags that the spec asks for say nothing.
#[must_use]
pub fn suspect(live: &Tags, declared: &Tags) -> Option<String> {
    let theirs = || live.iter().filter(|(key, _)| tags::get(declared, key).is_none());
    let marked = MARKS.iter().find_map(|(mark, tool)| {
        let (_, value) = theirs().find(|(key, _)| key.eq_ignore_ascii_case(mark))?;
        Some(format!("{tool} {value} (tag {mark})"))
    });
    marked.or_else(|| {
        let bare = |key: &str| key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let (key, value) = theirs().find(|(key, _)| MANAGED_BY.contains(&bare(key).as_str()))?;
        Some(format!("what the role's tag {key}={value} names"))
    })
}

/// The calls of AWS that undo a step, as CloudTrail names them.
#[must_use]
pub fn events(step: &Step) -> &'static [&'static str] {
    match step {
        Step::CreateRole => &["DeleteRole"],
        Step::Tag(_) => &["TagRole", "UntagRole"],
        Step::Untag(_) => &["TagRole"],
        Step::PutBoundary(_) => &["PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"],
        Step::UpdateTrust => &["UpdateAssumeRolePolicy"],
        Step::Attach(_) => &["DetachRolePolicy"],
        Step::Detach(_) => &["AttachRolePolicy"],
        Step::PutInline(_) => &["PutRolePolicy", "DeleteRolePolicy"],
        Step::DeleteInline(_) => &["PutRolePolicy"],
        Step::UpdateRole => &["UpdateRole"],
        _ => &[],
    }
}

pub(super) fn role_text(role: &str, steps: &[&Step], who: Option<&str>) -> String {
    let words: BTreeSet<String> = steps.iter().map(|step| step.to_string()).collect();
    let calls: BTreeSet<&str> = steps.iter().flat_map(|step| events(step)).copied().collect();
    let (words, calls) = (Vec::from_iter(words).join("; "), Vec::from_iter(calls).join(", "));
    let trail = format!("look in CloudTrail for {calls} on {role}");
    let who = who.map_or(format!("Which one is not known: {trail}"), |who| format!("It may be {who}; else {trail}"));
    format!(
        "another tool undoes this again and again: {words}. {who}. Take the role out of that tool, or change the spec to \
         what it wants; until it stops, this is done once in a while only (--contested-window)"
    )
}

pub(super) fn account_text(role: &str, who: Option<&str>) -> String {
    let who = who.map_or("Which one is not known".to_owned(), |who| format!("It was {who}, by the managed fields"));
    format!(
        "another tool changes the ServiceAccount's annotation, which is to name {role}, again and again. {who}. Take the \
         annotation out of what that tool applies; until it stops, this is put right once in a while only \
         (--contested-window)"
    )
}
