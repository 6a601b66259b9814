//! Whose a role is. Ownership stands in tags on the AWS object, is written by the call that creates it, and is read
//! before the first change of every reconcile.

use super::tags::{self, Tags};
use crate::api::names::tag;
use std::hash::{Hash, Hasher};

/// The binding that a role belongs to. UIDs are left out on purpose: a cluster rebuilt from Git finds its roles again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// `--cluster-id`.
    pub cluster: String,
    /// Namespace of the binding.
    pub namespace: String,
    /// Name of the binding.
    pub binding: String,
    /// Issuer of the cluster, without `https://`.
    pub issuer: String,
    /// Name of the class.
    pub class: String,
    /// Issuers that the cluster had before, without `https://`: what was made under them is taken over.
    pub former: Vec<String>,
}

/// Former issuers are left out: a role that is as it should be is so whatever the cluster was once called.
impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.cluster, &self.namespace, &self.binding, &self.issuer, &self.class).hash(state);
    }
}

/// What a role's tags say of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It is this binding's; `released` where an earlier deletion left it behind on purpose.
    Ours {
        /// It carries the released-by tag.
        released: bool,
    },
    /// It is this binding's by name, but was made under another issuer: a rebuilt cluster, or a clone.
    OtherIssuer(String),
    /// It was written by a newer version of the operator, whose tags this one does not understand.
    Newer(String),
    /// It belongs to another binding, as `cluster/namespace/name`.
    OtherBinding(String),
    /// It carries no owner tags of ours.
    Foreign,
}

/// The version of the tags on a role or provider where this program does not know it: a newer one wrote them, and what they
/// mean by now, or what else is to be kept in mind, only that one knows. Without the tag it is ours: somebody removed it.
#[must_use]
pub fn newer(live: &Tags) -> Option<&str> {
    tags::get(live, tag::SCHEMA).filter(|version| *version != tag::SCHEMA_VERSION)
}

impl Owner {
    /// The tags that make a role ours.
    #[must_use]
    pub fn tags(&self) -> Tags {
        [
            (tag::CLUSTER, self.cluster.as_str()),
            (tag::NAMESPACE, &self.namespace),
            (tag::BINDING, &self.binding),
            (tag::ISSUER, &self.issuer),
            (tag::CLASS, &self.class),
            (tag::SCHEMA, tag::SCHEMA_VERSION),
        ]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
    }

    /// What `live` tags say, seen from this binding. The class is information, not identity.
    #[must_use]
    pub fn judge(&self, live: &Tags) -> Ownership {
        let of = |key| tags::get(live, key);
        let (Some(cluster), Some(namespace), Some(binding)) = (of(tag::CLUSTER), of(tag::NAMESPACE), of(tag::BINDING))
        else {
            return Ownership::Foreign;
        };
        if (cluster, namespace, binding) != (self.cluster.as_str(), self.namespace.as_str(), self.binding.as_str()) {
            return Ownership::OtherBinding(format!("{cluster}/{namespace}/{binding}"));
        }
        if let Some(version) = newer(live) {
            return Ownership::Newer(version.to_owned());
        }
        match of(tag::ISSUER) {
            Some(issuer) if issuer != self.issuer && !self.former.iter().any(|former| former == issuer) => {
                Ownership::OtherIssuer(issuer.to_owned())
            }
            _ => Ownership::Ours { released: of(tag::RELEASED_BY).is_some() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            cluster: "prod".into(),
            namespace: "billing".into(),
            binding: "invoices".into(),
            issuer: "oidc.example/id/A".into(),
            class: "default".into(),
            former: Vec::new(),
        }
    }

    #[test]
    fn what_tags_say() {
        let with = |changes: &[(&str, Option<&str>)]| {
            let mut tags = owner().tags();
            for (key, value) in changes {
                match value {
                    Some(value) => tags.insert((*key).to_owned(), (*value).to_owned()),
                    None => tags.remove(*key),
                };
            }
            owner().judge(&tags)
        };
        let ours = Ownership::Ours { released: false };
        assert_eq!(with(&[]), ours);
        assert_eq!(with(&[(tag::CLASS, Some("other"))]), ours, "the class is no identity");
        assert_eq!(with(&[("Owner", Some("me"))]), ours);
        assert_eq!(with(&[(tag::RELEASED_BY, Some("prod"))]), Ownership::Ours { released: true });
        assert_eq!(with(&[(tag::ISSUER, Some("x"))]), Ownership::OtherIssuer("x".into()));
        assert_eq!(with(&[(tag::SCHEMA, Some("2"))]), Ownership::Newer("2".into()));
        assert_eq!(with(&[(tag::SCHEMA, Some("2")), (tag::ISSUER, Some("x"))]), Ownership::Newer("2".into()));
        assert_eq!(with(&[(tag::SCHEMA, Some("x"))]), Ownership::Newer("x".into()), "not ours to understand");
        assert_eq!(with(&[(tag::SCHEMA, None)]), ours, "a tag that somebody removed comes back");
        assert_eq!(with(&[(tag::ISSUER, None)]), ours);
        let rebuilt = Owner { former: vec!["y".into(), "x".into()], ..owner() };
        let made_under = |issuer: &str| {
            let mut tags = owner().tags();
            tags.insert(tag::ISSUER.to_owned(), issuer.to_owned());
            rebuilt.judge(&tags)
        };
        assert_eq!(made_under("x"), ours, "this cluster was called so once");
        assert_eq!(made_under("z"), Ownership::OtherIssuer("z".into()));
        let mut theirs = owner().tags();
        theirs.extend([(tag::ISSUER.to_owned(), "x".to_owned()), (tag::BINDING.to_owned(), "b".to_owned())]);
        assert_eq!(rebuilt.judge(&theirs), Ownership::OtherBinding("prod/billing/b".into()));
        let other_cluster = [(tag::CLUSTER, Some("c")), (tag::SCHEMA, Some("2")), (tag::ISSUER, Some("x"))];
        assert_eq!(with(&other_cluster), Ownership::OtherBinding("c/billing/invoices".into()), "whose comes first");
        assert_eq!(with(&[(tag::BINDING, Some("b"))]), Ownership::OtherBinding("prod/billing/b".into()));
        assert_eq!(with(&[(tag::CLUSTER, Some("c"))]), Ownership::OtherBinding("c/billing/invoices".into()));
        assert_eq!(with(&[(tag::CLUSTER, None)]), Ownership::Foreign, "tags of a tenant alone prove nothing");
        assert_eq!(owner().judge(&Tags::new()), Ownership::Foreign);
    }
}
