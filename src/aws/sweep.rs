//! The bulk calls: a page at a time, of which no more is kept than what a snapshot wants.

use super::Aws;
use super::classify::AwsError;
use crate::api::names::{DEFAULT_SESSION_SECONDS, QUARANTINE};
use crate::error::Error;
use crate::iam::document::Document;
use crate::iam::role::Role;
use crate::snapshot::{Detailed, Listed, Quota, head, role_details};
use aws_sdk_iam::operation::list_roles::ListRolesOutput;
use aws_sdk_iam::types::{EntityType, RoleDetail, SummaryKeyType};

/// Roles in a page of details: each brings its policies along, and a page is held whole for a moment.
const DETAILS: i32 = 400;
/// Roles in a page of heads: the most that IAM gives (service model, `maxItemsType`).
const HEADS: i32 = 1000;

/// A page, and where the next begins.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// `None` on the last one.
    pub next: Option<String>,
}

impl Aws {
    /// `iam:GetAccountAuthorizationDetails`, roles only: one page.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn details_page(&self, marker: Option<String>) -> Result<Page<Detailed>, Error> {
        let request = || self.iam.get_account_authorization_details().filter(EntityType::Role).max_items(DETAILS);
        let send = || request().set_marker(marker.clone()).send();
        let answer = self.call("iam:GetAccountAuthorizationDetails", send).await?;
        let next = answer.marker.filter(|_| answer.is_truncated);
        let items = answer.role_detail_list.unwrap_or_default().into_iter().map(detailed).collect();
        Ok(Page { items, next })
    }

    /// `iam:ListRoles` below the path: one page.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn heads_page(&self, path: &str, marker: Option<String>) -> Result<Page<Listed>, Error> {
        let answer = self.roles_page(path, marker).await?;
        let next = answer.marker.filter(|_| answer.is_truncated);
        let listed = |role: aws_sdk_iam::types::Role| Listed {
            print: head(
                role.description.as_deref().unwrap_or_default(),
                role.max_session_duration.unwrap_or(DEFAULT_SESSION_SECONDS),
            ),
            arn: role.arn,
            id: role.role_id,
        };
        Ok(Page { items: answer.roles.into_iter().map(listed).collect(), next })
    }

    pub(super) async fn roles_page(&self, path: &str, marker: Option<String>) -> Result<ListRolesOutput, AwsError> {
        let request = || self.iam.list_roles().path_prefix(path).max_items(HEADS);
        self.call("iam:ListRoles", || request().set_marker(marker.clone()).send()).await
    }

    /// `iam:GetAccountSummary`: how many roles the account has, and may have. `None` where it does not say.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn role_quota(&self) -> Result<Option<Quota>, Error> {
        let answer = self.call("iam:GetAccountSummary", || self.iam.get_account_summary().send()).await?;
        let of = |key| answer.summary_map.as_ref().and_then(|map| map.get(&key)).and_then(|n| u64::try_from(*n).ok());
        Ok(of(SummaryKeyType::Roles).zip(of(SummaryKeyType::RolesQuota)).map(|(used, limit)| Quota { used, limit }))
    }
}

fn detailed(detail: RoleDetail) -> Detailed {
    let stored = |text: Option<String>| text.and_then(|text| Document::stored(&text).ok());
    let tags = detail.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    let policies = detail.role_policy_list.unwrap_or_default().into_iter();
    let role = Role {
        arn: detail.arn.unwrap_or_default(),
        id: detail.role_id.unwrap_or_default(),
        description: String::new(),
        max_session: 0,
        boundary: detail.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags,
        trust: stored(detail.assume_role_policy_document),
        attached: detail
            .attached_managed_policies
            .unwrap_or_default()
            .into_iter()
            .filter_map(|policy| policy.policy_arn)
            .collect(),
        inline: policies.filter_map(|policy| Some((policy.policy_name?, stored(policy.policy_document)))).collect(),
    };
    let quarantined = role.inline.contains_key(QUARANTINE);
    Detailed { print: role_details(&role), quarantined, arn: role.arn, id: role.id, tags: role.tags }
}
