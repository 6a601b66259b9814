//! The IAM OIDC provider: shared with every other tool in the account, so audiences are only ever added.

use super::Aws;
use crate::error::{Category, Error};
use crate::iam::tags::Tags;
use aws_sdk_iam::types::Tag;

/// A provider as AWS shows it. Thumbprints are left out: IAM fills them in by itself, and needs none for EKS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Audiences that tokens may have.
    pub audiences: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Aws {
    /// `iam:GetOpenIDConnectProvider`.
    ///
    /// # Errors
    /// As the call fails; a missing provider is `None`.
    pub async fn provider(&self, arn: &str) -> Result<Option<Provider>, Error> {
        let send = || self.iam.get_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        match self.call("iam:GetOpenIDConnectProvider", send).await {
            Ok(answer) => Ok(Some(Provider {
                audiences: answer.client_id_list().to_vec(),
                tags: answer.tags().iter().map(|t| (t.key().to_owned(), t.value().to_owned())).collect(),
            })),
            Err(error) if error.is("NoSuchEntity") => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// `iam:CreateOpenIDConnectProvider`. `false`: it was there already.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn create_provider(&self, issuer: &str, audiences: &[String], tags: &Tags) -> Result<bool, Error> {
        let tags = sdk_tags(tags)?;
        let send = || {
            self.iam
                .create_open_id_connect_provider()
                .url(format!("https://{issuer}"))
                .set_client_id_list(Some(audiences.to_vec()))
                .set_tags(Some(tags.clone()))
                .send()
        };
        match self.call("iam:CreateOpenIDConnectProvider", send).await {
            Ok(_) => Ok(true),
            Err(error) if error.is("EntityAlreadyExists") => Ok(false),
            Err(error) if error.is("OpenIdIdpCommunicationError") => Err(error.meaning(Category::Transient).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// `iam:AddClientIDToOpenIDConnectProvider`.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn add_audience(&self, arn: &str, audience: &str) -> Result<(), Error> {
        let request = || self.iam.add_client_id_to_open_id_connect_provider();
        let send = || request().open_id_connect_provider_arn(arn).client_id(audience).send();
        self.call("iam:AddClientIDToOpenIDConnectProvider", send).await.map(drop).map_err(Into::into)
    }

    /// `iam:DeleteOpenIDConnectProvider`; one that is gone already is no error.
    ///
    /// # Errors
    /// As the call fails.
    pub async fn delete_provider(&self, arn: &str) -> Result<(), Error> {
        let send = || self.iam.delete_open_id_connect_provider().open_id_connect_provider_arn(arn).send();
        match self.call("iam:DeleteOpenIDConnectProvider", send).await {
            Err(error) if !error.is("NoSuchEntity") => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// `iam:ListRoles`, all pages: the first role, whoever's, whose trust policy names this provider.
    ///
    /// # Errors
    /// As a call fails.
    pub async fn role_that_trusts(&self, provider_arn: &str) -> Result<Option<String>, Error> {
        let mut marker = None;
        loop {
            let send = || self.iam.list_roles().max_items(1000).set_marker(marker.clone()).send();
            let page = self.call("iam:ListRoles", send).await?;
            let names =
                |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().contains(provider_arn);
            if let Some(role) = page.roles().iter().find(|r| r.assume_role_policy_document().is_some_and(names)) {
                return Ok(Some(role.arn().to_owned()));
            }
            marker = page.marker().map(str::to_owned);
            if !page.is_truncated() || marker.is_none() {
                return Ok(None);
            }
        }
    }
}

/// Tags for a request.
pub(super) fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, Error> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Error::new(Category::Invalid, format!("a tag can't be sent: {error}")))
}
