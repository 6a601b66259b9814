//! Roles that somebody else made: when they become a binding's, and what of them waits for a word.
//!
//! Consent stands on the role itself, as whoever may tag it may as well change it; the spec asks for it, and the class
//! allows it. From then on the role is the binding's: what is only added is added at once, and what would be lost waits.

use super::restrict::{moves, revokes};
use super::{Accounts, Step};
use crate::api::names::{INLINE_PREFIX, annotation, tag};
use crate::desired::Desired;
use crate::error::{Category, Error};
use crate::iam::owner::{Owner, Ownership, newer};
use crate::iam::role::Role;
use crate::iam::tags::{self, DECLARED, Tags};
use crate::iam::trust::{Subjects, subjects_change};

/// What the tags of those begin with whose stack would delete the role.
const STACKS: [&str; 3] = ["aws:cloudformation:", "alpha.eksctl.io/", "eksctl.cluster.k8s.io/"];
/// Where CloudFormation says which stack it was.
const STACK_NAME: &str = "aws:cloudformation:stack-name";

/// The value of the tag that offers a role to a binding.
#[must_use]
pub fn consent(owner: &Owner) -> String {
    format!("{}/{}/{}", owner.cluster, owner.namespace, owner.binding)
}

/// Whether the role is another's or nobody's, and offered to this binding, as far as its tags say.
#[must_use]
pub fn offered(owner: &Owner, role: &Role) -> bool {
    let theirs = matches!(owner.judge(&role.tags), Ownership::OtherBinding(_) | Ownership::Foreign);
    theirs && tags::get(&role.tags, tag::ADOPTABLE_BY) == Some(&consent(owner))
}

/// Whether the role was taken over and not made.
#[must_use]
pub fn is_adopted(tags: &Tags) -> bool {
    tags::get(tags, tag::ADOPTED).is_some()
}

/// Whether another binding may have taken the role, or be about to: one that was made and is offered to nobody stays whose
/// it is.
#[must_use]
pub fn may_go_over(tags: &Tags) -> bool {
    is_adopted(tags) || tags::get(tags, tag::ADOPTABLE_BY).is_some()
}

/// Whether the step makes another's role this binding's.
#[must_use]
pub fn claims(step: &Step) -> bool {
    matches!(step, Step::Tag(tags) if is_adopted(tags))
}

/// What keeps a role of another, or of nobody, from becoming this binding's; each says what to do. Empty: nothing.
pub(super) fn lacks(desired: &Desired, role: &Role) -> Vec<String> {
    let (adoption, name) = (desired.adoption, &desired.name);
    let mut lacks = Vec::new();
    if role.arn != desired.arn && !adoption.named {
        lacks.push(format!("set spec.role.name to {name}, because it has another path than the class's roles"));
    }
    lacks.extend(unasked(desired));
    let (wanted, said) = (consent(&desired.owner), tags::get(&role.tags, tag::ADOPTABLE_BY));
    if said != Some(&wanted) {
        let now = said.map(|said| format!(" (it says {said})")).unwrap_or_default();
        lacks.push(format!("offer it to this binding{now}: {}", tagging(name, tag::ADOPTABLE_BY, &wanted)));
    }
    lacks.extend(stack(name, &role.tags));
    if let Some(version) = newer(&role.tags) {
        lacks.push(format!("upgrade this irsa-operator, as a newer one wrote the role's tags (schema {version})"));
    }
    lacks
}

/// What spec and class lack for taking any role over.
fn unasked(desired: &Desired) -> Vec<String> {
    let mut lacks = Vec::new();
    if !desired.adoption.asked {
        lacks.push("set spec.adoption.policy to IfTagged".to_owned());
    }
    if !desired.adoption.allowed {
        lacks.push(format!("have it allowed by IrsaClass {} (spec.allow.adopt.enabled: true)", desired.owner.class));
    }
    lacks
}

/// A role that is there and that the operator may not look at, as it belongs to others or nobody has offered it.
#[must_use]
pub fn hidden(desired: &Desired) -> Error {
    let arn = &desired.arn;
    let (name, adoption) = (&desired.name, desired.adoption);
    let offer = tagging(name, tag::ADOPTABLE_BY, &consent(&desired.owner));
    let mut lacks = unasked(desired);
    if !adoption.named {
        let path = format!("set spec.role.name to {name} if its path is not {}", desired.path);
        lacks.push(path);
    }
    lacks.push(format!("offer it to this binding: {offer}"));
    lacks.push(format!("give the operator the IAM policy that {FLAG} prints"));
    let text = if adoption.named || adoption.asked {
        format!(
            "role {name} exists, and the operator's IAM policy does not let it look at it; to have it taken over: {}",
            lacks.join("; ")
        )
    } else {
        format!(
            "role {arn} exists and was not made by irsa-operator, whose IAM policy lets it look only at its own; rename \
             this binding, or delete that role, or have it taken over: {}",
            lacks.join("; ")
        )
    };
    Error::new(Category::Conflict, text)
}

/// The role of a binding that sweeps show with other tags by now, and that may not be looked at any more.
#[must_use]
pub fn taken_away(arn: &str) -> Error {
    let text = format!(
        "the tags of {arn} do not say any more that it is this cluster's: put them back; or set spec.mode to Annotate, and it \
         is left to whoever has it"
    );
    Error::new(Category::Conflict, text)
}

/// What prints the operator's own IAM policy with all that it takes.
const FLAG: &str = "irsa-operator iam-policy --adoption";

/// Says where a right may be missing that only roles of others take: `step` was refused on a role with these tags.
#[must_use]
pub fn explained(desired: &Desired, step: &Step, tags: Option<&Tags>, error: Error) -> Error {
    if claims(step) || tags.is_some_and(is_adopted) { with_flag(&desired.arn, error) } else { error }
}

/// A refusal in the moment after the role was made this binding's: what our IAM policy allows hangs on the tags of the role,
/// and AWS does not see these everywhere at once.
#[must_use]
pub fn not_yet(arn: &str, error: Error) -> Error {
    match error.category {
        Category::Denied => {
            let text = format!("AWS does not see everywhere yet that {arn} was taken over: {}", error.message);
            Error::new(Category::Settling, text)
        }
        _ => error,
    }
}

/// A refusal of what only roles of others take.
#[must_use]
pub fn with_flag(arn: &str, mut error: Error) -> Error {
    if error.category == Category::Denied {
        error.message = format!(
            "{}; {arn} was not made by irsa-operator: to work on such roles the operator needs the IAM policy that {FLAG} prints",
            error.message.trim_end_matches('.'),
        );
    }
    error
}

/// There is no role of the name that the spec gives.
pub(super) fn nowhere(desired: &Desired) -> Error {
    Error::new(
        Category::Conflict,
        format!(
            "there is no role {} in account {}: spec.role.name names a role that is there already, and none is made under \
             it; correct the name, or remove spec.role.name to have a role made{}",
            desired.name,
            desired.account,
            if desired.adoption.asked {
                String::new()
            } else {
                format!(", or have the name allowed by IrsaClass {} (spec.allow.roleName)", desired.owner.class)
            }
        ),
    )
}

/// What of CloudFormation's would delete the role some day, and what to do about it.
fn stack(name: &str, tags: &Tags) -> Option<String> {
    const LEAVE: &str = "give it DeletionPolicy: Retain in the stack's template, update the stack, then delete the stack or \
                         take the role out of the template";
    let marks: Vec<&str> = tags.keys().map(String::as_str).filter(|key| is_mark(key)).collect();
    let by_eksctl = marks.iter().any(|key| !key.to_lowercase().starts_with(STACKS[0]));
    let made_by = if by_eksctl { "eksctl made it with CloudFormation" } else { "CloudFormation made it" };
    if marks.iter().any(|key| key.to_lowercase().starts_with(STACKS[0])) {
        let stack = tags::get(tags, STACK_NAME).unwrap_or("unknown");
        return (tags::get(tags, tag::LEFT_STACK) != Some(stack)).then(|| {
            format!(
                "{made_by}, and its stack {stack} would delete it: {LEAVE}; where AWS leaves the tags {}* on it, which nobody \
                 can remove, say that this was done: {}",
                STACKS[0],
                tagging(name, tag::LEFT_STACK, stack)
            )
        });
    }
    by_eksctl.then(|| {
        let keys = marks.join(" ");
        format!(
            "{made_by}, and its stack would delete it: {LEAVE}; then aws iam untag-role --role-name {name} --tag-keys {keys}"
        )
    })
}

fn is_mark(key: &str) -> bool {
    let key = key.to_lowercase();
    STACKS.iter().any(|prefix| key.starts_with(prefix))
}

fn tagging(name: &str, key: &str, value: &str) -> String {
    format!("aws iam tag-role --role-name {name} --tags Key={key},Value={value}")
}

/// The marks that go as soon as a role is this binding's: its consent, and that it was let go.
pub(super) fn spent(owner: &Owner, live: &Tags) -> Vec<String> {
    let consent = consent(owner);
    let is = |key: &str, of: &str| key.eq_ignore_ascii_case(of);
    let spent = live
        .iter()
        .filter(|(key, value)| is(key, tag::RELEASED_BY) || (is(key, tag::ADOPTABLE_BY) && **value == consent));
    spent.map(|(key, _)| key.clone()).collect()
}

/// The tags that make another's role ours, all of them in the first call whatever it has, as the operator's own right to
/// take a role asks for them; and what is left of the wish's.
pub(super) fn claim(desired: &Desired, role: &Role, withdrawn: &[String]) -> (Tags, Tags) {
    let mut claim = desired.owner.tags();
    claim.insert(tag::ADOPTED.to_owned(), desired.owner.cluster.clone());
    let mut rest = tags::missing(&role.tags, &desired.tags);
    rest.retain(|key, _| !claim.contains_key(key));
    if withdrawn.is_empty() {
        claim.append(&mut rest);
    }
    (claim, rest)
}

/// Parts what may be done with a role that was taken over while nobody has said that anything may be taken from it: what
/// goes on, and what waits. What is added waits, too, as long as it would be for those whom another trust policy lets in, or
/// beyond a boundary that is to come. What its class revokes does not wait: it would be for the binding to say for how long.
/// Nor does a role move to another class while what the former one allowed may not be taken from it.
pub(super) fn part(desired: &Desired, role: &Role, steps: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
    let widens = || role.trust.as_ref().is_some_and(|live| subjects_change(live, &desired.trust) == Subjects::Added);
    if moves(desired, role) && !steps.iter().any(claims) {
        return (Vec::new(), steps);
    }
    let narrow = steps.iter().filter(|step| !revokes(desired, role, step)).any(|step| match step {
        Step::PutBoundary(_) => true,
        Step::UpdateTrust => !widens(),
        _ => false,
    });
    let withdraws =
        steps.iter().any(|step| matches!(step, Step::Untag(keys) if keys.iter().any(|key| !tags::is_reserved(key))));
    // Which tags a former spec declared is remembered until they are gone.
    let waits = |key: &str| {
        let foreign = !tags::is_reserved(key) && tags::get(&role.tags, key).is_some();
        foreign || (withdraws && key.eq_ignore_ascii_case(DECLARED))
    };
    let (mut now, mut later) = (Vec::new(), Vec::new());
    let deleted = |name: &String| Step::DeleteInline(name.clone());
    for step in steps {
        match step {
            step if revokes(desired, role, &step) => now.push(step),
            Step::Tag(tags) => {
                let (wait, go): (Tags, Tags) = tags.into_iter().partition(|(key, _)| waits(key));
                now.extend((!go.is_empty()).then_some(Step::Tag(go)));
                later.extend((!wait.is_empty()).then_some(Step::Tag(wait)));
            }
            Step::Untag(keys) => {
                let (wait, go): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| waits(key));
                now.extend((!go.is_empty()).then_some(Step::Untag(go)));
                later.extend((!wait.is_empty()).then_some(Step::Untag(wait)));
            }
            Step::UpdateTrust if !narrow => now.push(step),
            Step::Attach(_) if !narrow => now.push(step),
            Step::PutInline(ref name)
                if !narrow && (!role.inline.contains_key(name) || now.contains(&deleted(name))) =>
            {
                now.push(step);
            }
            // What we cut off ourselves while there was no binding, the role had before.
            Step::DeleteInline(ref name) if name.starts_with(INLINE_PREFIX) => now.push(step),
            Step::UpdateRole if role.max_session <= desired.max_session => now.push(step),
            _ => later.push(step),
        }
    }
    (now, later)
}

/// While the trust policy waits, a ServiceAccount is not sent to a role that may not let it in; and while anything waits,
/// not away from another one.
#[must_use]
pub fn unannotated(
    desired: &Desired,
    accounts: &Accounts,
    waiting: &[Step],
    steps: Vec<Step>,
) -> (Vec<Step>, Vec<Step>) {
    let named = accounts.current.as_ref().and_then(|account| account.annotations.get(annotation::ROLE_ARN));
    let trusts = !waiting.contains(&Step::UpdateTrust) || named == Some(&desired.arn);
    steps.into_iter().partition(|step| match step {
        Step::Annotate | Step::CreateServiceAccount => trusts,
        Step::Reannotate(_) => waiting.is_empty(),
        _ => true,
    })
}
