//! Reading a role whole, and one call for each step.

use super::Aws;
use super::classify::AwsError;
use super::providers::sdk_tags;
use crate::api::names::QUARANTINE;
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::document::Document;
use crate::iam::role::Role;
use crate::orphans::QUARANTINE_POLICY;
use crate::plan::Step;
use std::collections::{BTreeMap, BTreeSet};

/// What came of asking for a role to be made.
#[derive(Debug)]
pub enum Created {
    /// It was made; its unique id.
    New(String),
    /// There is one of that name, ours or not.
    Exists,
}

impl Aws {
    /// `iam:GetRole`: all but the policies. `None` where there is no such role. `missed`: a sweep has not listed it, so
    /// that nobody has to ask for a list again.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn role_head(&self, name: &str, path: &str, missed: bool) -> Result<Option<Role>, Error> {
        let answer = match self.call("iam:GetRole", || self.iam.get_role().role_name(name).send()).await {
            Ok(answer) => answer,
            Err(error) if error.is("NoSuchEntity") => return Ok(None),
            Err(error) if error.names_no_arn() && (missed || !self.is_listed(name, path).await?) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let role = answer.role().ok_or_else(|| Error::new(Category::Transient, "iam:GetRole answered no role"))?;
        Ok(Some(Role {
            arn: role.arn().to_owned(),
            id: role.role_id().to_owned(),
            description: role.description().unwrap_or_default().to_owned(),
            max_session: role.max_session_duration().unwrap_or(crate::api::names::DEFAULT_SESSION_SECONDS),
            boundary: role.permissions_boundary().and_then(|b| b.permissions_boundary_arn()).map(str::to_owned),
            tags: role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
            trust: role.assume_role_policy_document().and_then(|text| Document::stored(text).ok()),
            attached: BTreeSet::new(),
            inline: BTreeMap::new(),
        }))
    }

    /// The role with its policies: [`Aws::role_head`], two lists, and a `GetRolePolicy` for each inline policy.
    ///
    /// # Errors
    /// As a call fails.
    pub async fn role(&self, name: &str, path: &str, missed: bool) -> Result<Option<Role>, Error> {
        let Some(mut role) = self.role_head(name, path, missed).await? else { return Ok(None) };
        role.attached = self.attached(name).await?;
        for policy in self.inline_names(name).await? {
            let send = || self.iam.get_role_policy().role_name(name).policy_name(&policy).send();
            match self.call("iam:GetRolePolicy", send).await {
                Ok(answer) => role.inline.insert(policy, Document::stored(answer.policy_document()).ok()),
                Err(error) if error.is("NoSuchEntity") => None,
                Err(error) => return Err(error.into()),
            };
        }
        Ok(Some(role))
    }

    /// `iam:ListRoles` below the path, all pages: whether there is a role of this name.
    ///
    /// Under a policy that asks for tags, a role that is not there is not missing but refused, as it has no tags.
    async fn is_listed(&self, name: &str, path: &str) -> Result<bool, AwsError> {
        let mut marker = None::<String>;
        loop {
            let page = self.roles_page(path, marker).await?;
            if page.roles().iter().any(|role| role.role_name().eq_ignore_ascii_case(name)) {
                return Ok(true);
            }
            marker = page.marker().map(str::to_owned);
            if !page.is_truncated() || marker.is_none() {
                return Ok(false);
            }
        }
    }

    /// `iam:ListAttachedRolePolicies`, all pages. A role that is gone has none.
    ///
    /// # Errors
    /// As a call fails.
    pub async fn attached(&self, name: &str) -> Result<BTreeSet<String>, Error> {
        let (mut all, mut marker) = (BTreeSet::new(), None::<String>);
        loop {
            let request = || self.iam.list_attached_role_policies().role_name(name);
            let page = self.call("iam:ListAttachedRolePolicies", || request().set_marker(marker.clone()).send()).await;
            let Some(page) = none_if_gone(page)? else { return Ok(all) };
            all.extend(page.attached_policies().iter().filter_map(|p| p.policy_arn()).map(str::to_owned));
            marker = page.marker().map(str::to_owned);
            if !page.is_truncated() || marker.is_none() {
                return Ok(all);
            }
        }
    }

    /// `iam:ListRolePolicies`, all pages. A role that is gone has none.
    ///
    /// # Errors
    /// As a call fails.
    pub async fn inline_names(&self, name: &str) -> Result<Vec<String>, Error> {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let request = || self.iam.list_role_policies().role_name(name);
            let page = self.call("iam:ListRolePolicies", || request().set_marker(marker.clone()).send()).await;
            let Some(page) = none_if_gone(page)? else { return Ok(all) };
            all.extend(page.policy_names().iter().cloned());
            marker = page.marker().map(str::to_owned);
            if !page.is_truncated() || marker.is_none() {
                return Ok(all);
            }
        }
    }

    /// Whether a managed policy only denies: `GetPolicy` and `GetPolicyVersion`. One that is gone does not.
    ///
    /// # Errors
    /// As a call fails.
    pub async fn policy_only_denies(&self, arn: &str) -> Result<bool, Error> {
        let policy = self.call("iam:GetPolicy", || self.iam.get_policy().policy_arn(arn).send()).await;
        let Some(policy) = none_if_gone(policy)? else { return Ok(false) };
        let Some(version) = policy.policy().and_then(|p| p.default_version_id()) else { return Ok(false) };
        let request = || self.iam.get_policy_version().policy_arn(arn).version_id(version);
        let Some(answer) = none_if_gone(self.call("iam:GetPolicyVersion", || request().send()).await)? else {
            return Ok(false);
        };
        let document = answer.policy_version().and_then(|v| v.document()).and_then(|text| Document::stored(text).ok());
        Ok(document.is_some_and(|document| document.only_denies()))
    }

    /// `iam:ListInstanceProfilesForRole`: names of those that hold the role.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn instance_profiles(&self, name: &str) -> Result<Vec<String>, Error> {
        let send = || self.iam.list_instance_profiles_for_role().role_name(name).send();
        let page = none_if_gone(self.call("iam:ListInstanceProfilesForRole", send).await)?;
        Ok(page
            .iter()
            .flat_map(|page| page.instance_profiles())
            .map(|p| p.instance_profile_name().to_owned())
            .collect())
    }

    /// `iam:CreateRole`, with all that one call can carry.
    ///
    /// # Errors
    /// As the call fails; a boundary that does not exist is `Missing`.
    pub async fn create_role(&self, desired: &Desired) -> Result<Created, Error> {
        let tags = sdk_tags(&desired.tags)?;
        let send = || {
            self.iam
                .create_role()
                .role_name(&desired.name)
                .path(&desired.path)
                .assume_role_policy_document(desired.trust.to_json())
                .set_description((!desired.description.is_empty()).then(|| desired.description.clone()))
                .max_session_duration(desired.max_session)
                .set_permissions_boundary(desired.boundary.clone())
                .set_tags(Some(tags.clone()))
                .send()
        };
        match self.call("iam:CreateRole", send).await {
            Ok(answer) => {
                let id = answer.role().map(|role| role.role_id().to_owned());
                id.map(Created::New).ok_or_else(|| Error::new(Category::Transient, "iam:CreateRole answered no role"))
            }
            Err(error) if error.is("EntityAlreadyExists") => Ok(Created::Exists),
            Err(error) => Err(error.into()),
        }
    }

    /// The one call of a step on an existing role. What is gone already is removed, what is there already is added.
    ///
    /// # Errors
    /// As the call fails: `Missing` where a policy does not exist, `Settling` where AWS does not see the role yet.
    pub async fn apply(&self, desired: &Desired, step: &Step) -> Result<(), Error> {
        let (iam, name) = (&self.iam, desired.name.as_str());
        match step {
            Step::Tag(_) | Step::Detach(_) | Step::DeleteInline(_) | Step::DeleteRole => self.reduce(name, step).await,
            Step::Untag(keys) => {
                let send = || iam.untag_role().role_name(name).set_tag_keys(Some(keys.clone())).send();
                done(self.call("iam:UntagRole", send).await.map(drop))
            }
            Step::PutBoundary(arn) => {
                let request = || iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
                done(self.call("iam:PutRolePermissionsBoundary", || request().send()).await.map(drop))
            }
            Step::UpdateTrust => {
                let request = || iam.update_assume_role_policy().role_name(name);
                let send = || request().policy_document(desired.trust.to_json()).send();
                done(self.call("iam:UpdateAssumeRolePolicy", send).await.map(drop))
            }
            Step::Attach(arn) => {
                let send = || iam.attach_role_policy().role_name(name).policy_arn(arn).send();
                done(self.call("iam:AttachRolePolicy", send).await.map(drop))
            }
            Step::PutInline(policy) => {
                let Some(document) = desired.inline.get(policy) else { return Ok(()) };
                let request = || iam.put_role_policy().role_name(name).policy_name(policy);
                let send = || request().policy_document(document.to_json()).send();
                done(self.call("iam:PutRolePolicy", send).await.map(drop))
            }
            Step::UpdateRole => {
                let request = || iam.update_role().role_name(name).description(&desired.description);
                let send = || request().max_session_duration(desired.max_session).send();
                done(self.call("iam:UpdateRole", send).await.map(drop))
            }
            _ => Ok(()),
        }
    }

    /// `iam:PutRolePolicy`: the policy that denies everything to whoever holds the role, its open sessions among them.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn quarantine(&self, name: &str) -> Result<(), Error> {
        let request = || self.iam.put_role_policy().role_name(name).policy_name(QUARANTINE);
        let send = || request().policy_document(QUARANTINE_POLICY).send();
        done(self.call("iam:PutRolePolicy", send).await.map(drop))
    }

    /// The steps that need no desired state: they serve deletion as well.
    ///
    /// # Errors
    /// As the call fails; a role or policy that is gone is no error.
    pub async fn reduce(&self, name: &str, step: &Step) -> Result<(), Error> {
        let iam = &self.iam;
        let result = match step {
            Step::Tag(tags) => {
                let tags = sdk_tags(tags)?;
                let send = || iam.tag_role().role_name(name).set_tags(Some(tags.clone())).send();
                return done(self.call("iam:TagRole", send).await.map(drop));
            }
            Step::Detach(arn) => {
                let send = || iam.detach_role_policy().role_name(name).policy_arn(arn).send();
                self.call("iam:DetachRolePolicy", send).await.map(drop)
            }
            Step::DeleteInline(policy) => {
                let send = || iam.delete_role_policy().role_name(name).policy_name(policy).send();
                self.call("iam:DeleteRolePolicy", send).await.map(drop)
            }
            Step::DeleteRole => {
                self.call("iam:DeleteRole", || iam.delete_role().role_name(name).send()).await.map(drop)
            }
            _ => Ok(()),
        };
        none_if_gone(result).map(drop)
    }
}

/// A missing policy is what the spec is to be blamed for; a missing role is one that AWS does not show everywhere yet.
fn done(result: Result<(), AwsError>) -> Result<(), Error> {
    result.map_err(|error| {
        let names_policy =
            error.text.contains(":policy/") || error.text.starts_with("Policy ") || error.text.contains("Scope ARN");
        let unseen = (error.is("NoSuchEntity") && !names_policy) || error.names_no_arn();
        if unseen { error.meaning(Category::Settling).into() } else { error.into() }
    })
}

fn none_if_gone<T>(result: Result<T, AwsError>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is("NoSuchEntity") || error.names_no_arn() => Ok(None),
        Err(error) => Err(error.into()),
    }
}
