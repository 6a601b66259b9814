//! Where roles are made: account and partition from STS, and the issuer from whoever knows it.

use super::api::{self, ApiError};
use super::state::Ctx;
use crate::aws::Aws;
use crate::desired::Place;
use crate::error::{Category, Error};
use serde::Deserialize;

/// The API server's own word on its tokens (Kubernetes documentation, "ServiceAccount issuer discovery").
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The place where the roles of this account are made.
///
/// # Errors
/// `Conflict` where two sources name different issuers, and says which says what.
pub async fn place(ctx: &Ctx, aws: &Aws) -> Result<Place, Error> {
    let issuer = issuer(ctx).await?;
    let identity = aws.identity().await?;
    Ok(Place {
        cluster_id: ctx.settings.cluster_id.clone(),
        issuer,
        account: identity.account,
        partition: identity.partition,
        region: aws.region().to_owned(),
    })
}

/// The issuer without `https://`. All sources are asked, because a wrong issuer makes every role useless in silence.
async fn issuer(ctx: &Ctx) -> Result<String, Error> {
    let mut said: Vec<(String, String)> = Vec::new();
    if let Some(issuer) = &ctx.settings.issuer {
        said.push(("--issuer".to_owned(), issuer.clone()));
    }
    if let Some(cluster) = &ctx.settings.eks_cluster {
        let issuer = ctx.eks_issuer.get_or_try_init(|| ctx.accounts.own().eks_issuer(cluster)).await?.clone();
        said.push((format!("EKS (cluster {cluster})"), issuer));
    }
    match discovered(ctx).await {
        Ok(issuer) => said.push(("the API server".to_owned(), issuer)),
        // The others know it. An API server that can't be asked does not disagree.
        Err(_) if !said.is_empty() => {}
        Err(error) => return Err(error),
    }
    agreed(&said)
}

fn agreed(said: &[(String, String)]) -> Result<String, Error> {
    let Some((_, first)) = said.first() else {
        return Err(Error::new(Category::Transient, "nobody knows the issuer of the cluster's tokens"));
    };
    if said.iter().any(|(_, issuer)| issuer != first) {
        let words: Vec<String> = said.iter().map(|(who, issuer)| format!("{who} says {issuer}")).collect();
        let text =
            format!("the cluster's issuer is not clear: {}; correct --issuer or --eks-cluster", words.join(", "));
        return Err(Error::new(Category::Conflict, text));
    }
    first.strip_prefix("https://").filter(|rest| !rest.is_empty()).map(str::to_owned).ok_or_else(|| {
        let text = format!("the issuer {first} does not begin with https://, and AWS takes no other; see --issuer");
        Error::new(Category::Invalid, text)
    })
}

async fn discovered(ctx: &Ctx) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Document {
        issuer: String,
    }
    let request = http::Request::get(DISCOVERY)
        .body(Vec::new())
        .map_err(|e| Error::new(Category::Transient, format!("{DISCOVERY} can't be asked for: {e}")))?;
    match api::send("tell its token issuer", ctx.client.request::<Document>(request)).await {
        Ok(document) => Ok(document.issuer),
        Err(ApiError::Failed(error)) => Err(error),
        Err(other) => {
            Err(Error::new(Category::Transient, format!("the API server did not tell its token issuer: {other:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(words: &[(&str, &str)]) -> Result<String, Error> {
        agreed(&words.iter().map(|(who, issuer)| ((*who).to_owned(), (*issuer).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn sources_must_agree() {
        assert_eq!(say(&[("--issuer", "https://a/id"), ("EKS", "https://a/id")]).unwrap(), "a/id");
        let error = say(&[("--issuer", "https://a"), ("the API server", "https://b")]).unwrap_err();
        assert_eq!(error.category, Category::Conflict);
        assert!(error.message.contains("--issuer says https://a, the API server says https://b"), "{error}");
        assert_eq!(say(&[("--issuer", "http://a")]).unwrap_err().category, Category::Invalid);
        assert!(say(&[]).is_err());
    }
}
