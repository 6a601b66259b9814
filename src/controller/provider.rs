//! The OIDC provider of the cluster's issuer: made where it is missing, adopted where it is there, and let go.

use super::facts;
use super::state::Ctx;
use super::tell::reference;
use crate::api::names::tag;
use crate::api::reason::event;
use crate::api::{DeletionPolicy, IrsaClassSpec, Mode};
use crate::aws::Aws;
use crate::desired::Place;
use crate::error::{Category, Error};
use crate::iam::owner::newer;
use crate::iam::tags::{self, Tags};
use crate::queue::Key;
use crate::status::Notice;
use crate::store::LeanClass;
use k8s_openapi::jiff::Timestamp;
use tracing::info;

/// What the provider lacks, where nothing is done about it.
pub async fn missing(aws: &Aws, spec: &IrsaClassSpec, place: &Place) -> Result<Option<String>, Error> {
    let arn = place.provider_arn();
    let Some(live) = aws.provider(&arn).await? else {
        return Ok(Some(format!("the OIDC provider {arn} does not exist, and is not made in mode Observe")));
    };
    let audiences = &spec.oidc_provider.audiences;
    let lacking: Vec<&str> =
        audiences.iter().filter(|audience| !live.audiences.contains(audience)).map(String::as_str).collect();
    let text = || format!("the OIDC provider {arn} lacks {}, which is not added in mode Observe", lacking.join(", "));
    Ok((!lacking.is_empty()).then(text))
}

/// What the OIDC providers of other trusted issuers lack. They are made by those clusters' operators, or by somebody else.
pub async fn missing_of_others(aws: &Aws, spec: &IrsaClassSpec, place: &Place) -> Result<Option<String>, Error> {
    let mut said = Vec::new();
    for issuer in spec.trusted_issuers.iter().filter(|issuer| **issuer != place.issuer) {
        let arn = place.provider_of(issuer);
        let lacks = match aws.provider(&arn).await {
            Ok(Some(live)) => {
                let audiences = spec.oidc_provider.audiences.iter();
                let lacking: Vec<&str> =
                    audiences.filter(|one| !live.audiences.contains(one)).map(String::as_str).collect();
                (!lacking.is_empty()).then(|| format!("lacks the audience {}", lacking.join(" and ")))
            }
            Ok(None) => Some("does not exist".to_owned()),
            Err(error) if error.category == Category::Denied => {
                let why = "can't be looked at: print the operator's policy with --issuer for it, too";
                said.push(format!("the OIDC provider {arn} of the trusted issuer {issuer} {why} ({error})"));
                None
            }
            Err(error) => return Err(error),
        };
        said.extend(lacks.map(|lacks| {
            format!(
                "the OIDC provider {arn} of the trusted issuer {issuer} {lacks}, so tokens of that cluster are refused; a \
                 class of that cluster's operator for this account sees to it"
            )
        }));
    }
    Ok((!said.is_empty()).then(|| said.join("; ")))
}

/// Made where it is missing; adopted where it is there; audiences are only added.
pub async fn ensure(
    ctx: &Ctx,
    aws: &Aws,
    object: &LeanClass,
    spec: &IrsaClassSpec,
    place: &Place,
) -> Result<(), Error> {
    let arn = place.provider_arn();
    let wanted = &spec.oidc_provider.audiences;
    let mut live = aws.provider(&arn).await?;
    if live.is_none() && spec.oidc_provider.manage {
        if aws.create_provider(&place.issuer, wanted, &provider_tags(place)).await? {
            info!(provider = arn, "made the OIDC provider");
            ctx.state().wrote_provider(&arn);
            ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
            let note = format!("made the OIDC provider {arn} with the audiences {}", wanted.join(", "));
            ctx.events.send(reference(object), Notice::new(false, event::PROVIDER_CREATED, "Create", note));
            return Ok(());
        }
        live = aws.provider(&arn).await?;
    }
    let Some(live) = live else {
        if spec.oidc_provider.manage {
            let text = format!("AWS says of the OIDC provider {arn} both that it exists and that it does not");
            return Err(Error::new(Category::Settling, text));
        }
        let text = format!("the OIDC provider {arn} does not exist; make it, or set spec.oidcProvider.manage to true");
        return Err(Error::new(Category::Missing, text));
    };
    for audience in wanted.iter().filter(|audience| !live.audiences.contains(audience)) {
        if !spec.oidc_provider.manage {
            let text = format!(
                "the OIDC provider {arn} lacks the audience {audience}; add it, or set spec.oidcProvider.manage to true"
            );
            return Err(Error::new(Category::Missing, text));
        }
        aws.add_audience(&arn, audience).await?;
        info!(provider = arn, audience, "added an audience");
        ctx.state().wrote_provider(&arn);
        ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
    }
    Ok(())
}

fn provider_tags(place: &Place) -> Tags {
    [(tag::CLUSTER, place.cluster_id.as_str()), (tag::SCHEMA, tag::SCHEMA_VERSION)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Whether we made it, so that we may delete it: not one that a newer version wrote, whatever it may want of it.
pub fn is_ours(live: &Tags, place: &Place) -> bool {
    tags::get(live, tag::CLUSTER) == Some(place.cluster_id.as_str()) && newer(live).is_none()
}

/// Only if the class says so, we made it, no other class needs it and no role trusts it.
pub async fn remove(ctx: &Ctx, object: &LeanClass) -> Result<(), Error> {
    let says_delete = object.decode().is_ok_and(|spec| {
        let provider = &spec.oidc_provider;
        provider.deletion_policy == DeletionPolicy::Delete && provider.manage && spec.mode != Mode::Observe
    });
    if !says_delete {
        return Ok(());
    }
    let known = ctx.state().place_of(&object.head.key.name);
    let (place, aws) = match known {
        Some(known) => known,
        None => {
            let role = object.decode().ok().and_then(|spec| spec.account).map(|account| account.assume_role_arn);
            let aws = ctx.accounts.of(role.as_deref()).await;
            (facts::place(ctx, &aws).await?, aws)
        }
    };
    if ctx.state().shares_place(&object.head.key.name, &place) || ctx.state().is_frozen(&place) {
        return Ok(());
    }
    let arn = place.provider_arn();
    // What was made or deleted a moment ago AWS shows to some and not to others: neither is the last word for a while.
    let asked = object.head.deleted.as_ref().map_or(Timestamp::UNIX_EPOCH, |since| since.0);
    let settling = |text: String| match Timestamp::now().duration_since(asked).unsigned_abs() < ctx.settings.settle {
        true => Err(Error::new(Category::Settling, text)),
        false => Ok(()),
    };
    let Some(provider) = aws.provider(&arn).await? else {
        return settling(format!("the OIDC provider {arn} is not shown; if it stays so, there is nothing to delete"));
    };
    if !is_ours(&provider.tags, &place) {
        return Ok(());
    }
    if let Some(role) = aws.role_that_trusts(&arn).await? {
        settling(format!("{role} still trusts the OIDC provider {arn}; if it goes on to, the provider stays"))?;
        info!(provider = arn, role, "the OIDC provider stays, as a role trusts it");
        return Ok(());
    }
    aws.delete_provider(&arn).await?;
    info!(provider = arn, "deleted the OIDC provider");
    ctx.metrics.changed(&Key::Class(object.head.key.name.clone()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_version_made_is_deleted() {
        let place = Place { cluster_id: "prod".to_owned(), ..Place::default() };
        let with = |key: &str, value: &str| {
            let mut tags = provider_tags(&place);
            tags.insert(key.to_owned(), value.to_owned());
            is_ours(&tags, &place)
        };
        assert!(with("team", "a"));
        assert!(!with(tag::CLUSTER, "other") && !with(tag::SCHEMA, "2"));
        assert!(!is_ours(&Tags::new(), &place), "another tool's");
    }
}
