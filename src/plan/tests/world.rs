//! A world in which steps are carried out, and roles and wishes of all kinds to begin with.

use super::restrict::revoking;
use super::*;
use crate::iam::document::inline_total;
use proptest::prelude::*;
use proptest::sample::subsequence;

/// What a plan works on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct World {
    pub role: Option<Role>,
    pub accounts: Accounts,
}

impl World {
    pub fn apply(&mut self, desired: &Desired, step: &Step) {
        match step {
            Step::CreateRole => {
                assert!(self.role.is_none(), "there is one");
                self.role = Some(created(desired, "AROA2".into()));
            }
            Step::DeleteRole => {
                let role = self.role.take().unwrap();
                assert!(role.attached.is_empty() && role.inline.is_empty(), "DeleteConflict");
            }
            Step::CreateServiceAccount => {
                assert!(self.accounts.current.is_none(), "there is one");
                self.accounts.current = Some(Account { disposable: true, ..account(&BTreeMap::new()) });
            }
            Step::Annotate | Step::Reannotate(_) => {
                let account = self.accounts.current.as_mut().unwrap();
                let wanted = &desired.service_account.annotations;
                account.annotations.retain(|key, _| !account.owned.contains(key));
                account.annotations.extend(wanted.clone());
                account.owned = wanted.keys().cloned().collect();
            }
            Step::Unannotate { uid, .. } => {
                self.accounts.former.retain(|(_, former)| former != uid);
                if let Some(account) = self.accounts.current.as_mut().filter(|account| account.uid == *uid) {
                    account.annotations.retain(|key, _| !account.owned.contains(key));
                    account.owned.clear();
                }
            }
            Step::DeleteServiceAccount { .. } => self.accounts.current = None,
            step => after(self.role.as_mut().unwrap(), desired, step),
        }
    }

    pub fn observed(&self) -> Observed {
        self.role.as_ref().map_or(Observed::Absent, present)
    }

    /// Who may do what: each subject with each policy that allows something.
    pub fn permissions(&self) -> BTreeSet<(String, String)> {
        let Some(role) = &self.role else { return BTreeSet::new() };
        let inline = role.inline.iter().filter(|(_, doc)| !doc.as_ref().is_some_and(Document::only_denies));
        let mut policies: BTreeSet<String> = inline.map(|(name, doc)| format!("{name}: {doc:?}")).collect();
        policies.extend(role.attached.iter().filter(|arn| **arn != denying()).cloned());
        let pair =
            |subject: &String| policies.iter().map(|policy| (subject.clone(), policy.clone())).collect::<Vec<_>>();
        subjects(role.trust.as_ref()).iter().flat_map(pair).collect()
    }

    pub fn inline_size(&self) -> usize {
        self.role.as_ref().map_or(0, |role| inline_total(role.inline.values().flatten()))
    }

    pub fn attached(&self) -> usize {
        self.role.as_ref().map_or(0, |role| role.attached.len())
    }
}

/// The claims that a trust policy names; one that names none lets in somebody else.
fn subjects(trust: Option<&Document>) -> BTreeSet<String> {
    let text = trust.map(Document::to_json).unwrap_or_default();
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return [text].into() };
    let words = |value: &Value| -> Vec<String> {
        value.to_string().split('"').filter(|part| part.contains(':')).map(str::to_owned).collect()
    };
    let statements = value["Statement"].as_array().cloned().unwrap_or_else(|| vec![value["Statement"].clone()]);
    let mut all = BTreeSet::new();
    for statement in statements {
        let claims = words(&statement["Condition"]["StringEquals"]);
        let claims = claims.iter().filter(|part| part.starts_with("system:serviceaccount:"));
        let issuer = &statement["Principal"]["Federated"];
        all.extend(claims.map(|claim| format!("{issuer} {claim}")));
        all.extend(words(&statement["Principal"]["AWS"]));
    }
    if all.is_empty() { [text].into() } else { all }
}

/// A managed policy that only denies.
pub(super) fn denying() -> String {
    policy("AWSDenyAll")
}

fn documents() -> impl Strategy<Value = Document> {
    prop_oneof![
        4 => Just(allows("s3:GetObject")),
        4 => Just(allows("sqs:*")),
        2 => Just(denies()),
        1 => Just(sized(4000)),
        1 => Just(sized(6000)),
    ]
}

fn inline(names: &'static [&'static str]) -> impl Strategy<Value = BTreeMap<String, Document>> {
    prop::collection::btree_map(prop::sample::select(names).prop_map(str::to_owned), documents(), 0..=names.len())
        .prop_filter("IAM holds no more", |all| inline_total(all.values()) <= crate::iam::document::INLINE_TOTAL_MAX)
}

fn managed() -> impl Strategy<Value = BTreeSet<String>> {
    let names: Vec<String> = (b'A'..=b'P').map(|c| policy(&char::from(c).to_string())).collect();
    subsequence(names, 0..=10).prop_map(|some| some.into_iter().collect())
}

fn spec_tags() -> impl Strategy<Value = Tags> {
    let keys = prop::sample::select(vec!["team", "Team", "cost", "env"]);
    prop::collection::btree_map(keys, prop::sample::select(vec!["x", "y"]), 0..4).prop_map(|tags| {
        let mut spec: BTreeMap<&str, &str> = tags;
        if spec.contains_key("team") {
            spec.remove("Team");
        }
        tags_of(&spec.into_iter().collect::<Vec<_>>())
    })
}

fn trusted() -> impl Strategy<Value = Document> {
    let own = || Trusted { issuer: "oidc.example/id/A".into(), provider_arn: PROVIDER.into() };
    let other = Trusted { issuer: "b.example".into(), provider_arn: "arn:aws:iam::1:oidc-provider/b.example".into() };
    let principals: Vec<String> = ["ci", "support"].map(|name| format!("arn:aws:iam::1:role/{name}")).into();
    let parts =
        (subsequence(vec!["a", "b", "c"], 1..=3), subsequence(vec![other], 0..=1), subsequence(principals, 0..=2));
    parts.prop_map(move |(names, others, principals)| {
        let subject = |name: &&str| Subject { namespace: "billing".into(), service_account: (*name).into() };
        let subjects: Vec<Subject> = names.iter().map(subject).collect();
        wide_trust_policy(own(), &others, "sts.amazonaws.com", &subjects, &principals.into_iter().collect())
    })
}

/// Any wish.
pub(super) fn wishes() -> impl Strategy<Value = Desired> {
    let rest = (prop::option::of(Just(policy("edge"))), 0..2i32, any::<bool>(), any::<bool>());
    (managed(), inline(&["p", "q", "r"]), spec_tags(), trusted(), rest).prop_map(
        |(managed, inline, tags, trust, (boundary, session, create, revokes))| {
            let mut desired = Desired { managed, inline, tags, trust, boundary, ..desired() };
            desired.max_session = 3600 * (session + 1);
            desired.service_account.create = create;
            if revokes { revoking(desired) } else { desired }
        },
    )
}

/// Any role that is ours: it was as some wish says, and then people came.
pub(super) fn roles() -> impl Strategy<Value = Role> {
    let foreign = subsequence(vec!["auditor", "Budget", "env", "aws:x", tag::CLASS, tag::RELEASED_BY], 0..=6);
    let trust = prop_oneof![8 => trusted().prop_map(Some), 1 => Just(Some(allows("sts:AssumeRole"))), 1 => Just(None)];
    let strays = (subsequence(vec![denying()], 0..=1), prop::option::of(documents()), any::<bool>());
    (wishes(), foreign, trust, strays, any::<bool>()).prop_map(|(was, foreign, trust, strays, upper)| {
        let mut role = role(&was);
        role.trust = trust;
        for key in foreign {
            role.tags.entry(key.to_owned()).or_insert_with(|| "theirs".to_owned());
        }
        if upper {
            role.tags = role.tags.into_iter().map(|(key, value)| (key.to_uppercase(), value)).collect();
        }
        let (managed, document, unreadable) = strays;
        role.attached.extend(managed);
        role.inline.extend(document.map(|document| ("stray".to_owned(), Some(document))));
        if unreadable {
            role.inline.insert("broken".into(), None);
        }
        role
    })
}

/// A ServiceAccount in some state.
pub(super) fn accounts() -> impl Strategy<Value = Accounts> {
    let former = subsequence(vec![("x".to_owned(), "u2".to_owned()), ("y".to_owned(), "u3".to_owned())], 0..=2);
    let value = prop::sample::select(vec![None, Some(""), Some(ARN), Some(OTHER)]);
    (prop::option::of((value, any::<bool>())), former).prop_map(|(current, former)| {
        let current = current.map(|(value, owned)| {
            let annotations =
                value.map(|value| (annotation::ROLE_ARN.to_owned(), value.to_owned())).into_iter().collect();
            let mut account = account(&annotations);
            // One of another's is never planned for: it stops the plan of a new role.
            account.owned.retain(|_| owned || value == Some(OTHER));
            account
        });
        Accounts { current, former }
    })
}
