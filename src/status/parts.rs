//! The parts of a binding of which Ready is made: role, policies, ServiceAccount.

use super::{Outcome, RoleInfo, Told, adoption, conditions};
use crate::api::BindingStatus;
use crate::api::names::tag;
use crate::api::reason::{self, condition as kind};
use crate::plan::{Facet, Note, Step};

/// What is said of one part. `None`: it stays as it was.
pub(super) fn part(previous: &BindingStatus, outcome: &Outcome, facet: Facet, kind: &str) -> Option<Told> {
    let known = conditions::find(&previous.conditions, kind).is_some();
    let failed = match &outcome.failure {
        Some((at, error)) if *at == Some(facet) || !outcome.has_plan() => {
            // What stopped us before there was a plan says nothing about the parts that it did not stop at.
            let silent = *at != Some(facet) && known;
            Some((error, silent))
        }
        _ => outcome.account_failure.as_ref().filter(|_| facet == Facet::ServiceAccount).map(|error| (error, false)),
    };
    if let Some((error, silent)) = failed {
        let keep = silent || (error.category.is_outage() && known);
        return (!keep).then(|| ("False", error.reason, error.message.clone()));
    }
    if let Some(error) = outcome.forbidden.as_ref().filter(|_| facet == Facet::Policies && outcome.role.is_some()) {
        return Some(("False", error.reason, error.message.clone()));
    }
    let pending: Vec<Step> = outcome.pending.iter().filter(|step| step.facet() == facet).cloned().collect();
    if !pending.is_empty() {
        let (reason, mut text) = why_pending(outcome, &pending);
        if let Some(recreated) =
            recreated(previous, outcome).filter(|_| facet == Facet::Role && reason == reason::CONTESTED)
        {
            text = format!("{text}{BESIDE}{recreated}");
        }
        return (!(outcome.is_outage() && known)).then_some(("False", reason, text));
    }
    let waiting: Vec<Step> = outcome.waiting.iter().filter(|step| step.facet() == facet).cloned().collect();
    if !waiting.is_empty() {
        return Some(adoption::part(&waiting));
    }
    let role = outcome.role.as_ref()?;
    Some(match facet {
        Facet::Role => contested(outcome, facet, role_told(previous, role, outcome)),
        Facet::Policies => contested(outcome, facet, policies_told(role, outcome)),
        Facet::ServiceAccount => contested(outcome, facet, account_told(role, outcome)),
    })
}

/// That another tool fights for a part that is as declared now goes before all else that is noted of it.
fn contested(outcome: &Outcome, facet: Facet, told: Told) -> Told {
    let (status, why, text) = told;
    match outcome.contested.of(facet).filter(|_| status == "True" && why != reason::HELD) {
        Some(contested) if why == reason::ROLE_RECREATED => {
            (status, reason::CONTESTED, format!("{contested}{BESIDE}{text}"))
        }
        Some(contested) => (status, reason::CONTESTED, contested.clone()),
        None => (status, why, text),
    }
}

/// Between what is said first and what must not be forgotten.
const BESIDE: &str = "; beside that, ";

fn role_told(previous: &BindingStatus, role: &RoleInfo, outcome: &Outcome) -> Told {
    if outcome.on_hold() {
        let (reason, text) = why_pending(outcome, &outcome.pending);
        return ("True", reason, text);
    }
    if let (Some(old), Some(new)) = (&previous.role_id, &role.id)
        && old != new
        && previous.role_arn.as_ref() == Some(&role.arn)
    {
        let text = format!(
            "somebody deleted the role and it was made again: its unique id was {old} and is {new}. Bucket, key and trust \
             policies elsewhere that name the role still mean the old one and have to be written again"
        );
        return ("True", reason::ROLE_RECREATED, text);
    }
    if let Some(text) = recreated(previous, outcome) {
        return ("True", reason::ROLE_RECREATED, text.to_owned());
    }
    restricted(outcome).map_or_else(
        || ("True", reason::READY, format!("{} is as declared", role.arn)),
        |text| ("True", reason::RESTRICTED, text),
    )
}

/// What was said of a role that was made again. It is said until the next change of the spec: by then somebody has been
/// here and has read it.
fn recreated<'a>(previous: &'a BindingStatus, outcome: &Outcome) -> Option<&'a str> {
    let before = conditions::find(&previous.conditions, kind::ROLE_READY)?;
    let said = match before.reason.as_str() {
        reason::ROLE_RECREATED => Some(before.message.as_str()),
        reason::CONTESTED => before.message.split_once(BESIDE).map(|(_, text)| text),
        _ => None,
    };
    said.filter(|_| before.observed_generation == Some(outcome.generation))
}

fn policies_told(role: &RoleInfo, outcome: &Outcome) -> Told {
    match restricted(outcome) {
        _ if !role.grants => (
            "True",
            reason::NO_POLICIES,
            "the spec lists no policies: the role can be assumed but may do nothing; list some in spec.policies if that \
             is not what you want"
                .to_owned(),
        ),
        Some(text) => ("True", reason::RESTRICTED, text),
        None => ("True", reason::READY, "exactly the listed policies are on the role".to_owned()),
    }
}

fn account_told(role: &RoleInfo, outcome: &Outcome) -> Told {
    match &outcome.account_missing {
        Some(name) if outcome.observes() => (
            "False",
            reason::SERVICE_ACCOUNT_NOT_FOUND,
            format!("ServiceAccount {name} does not exist; create it, or set spec.serviceAccount.create to true"),
        ),
        Some(name) => (
            "False",
            reason::SERVICE_ACCOUNT_NOT_FOUND,
            format!(
                "ServiceAccount {name} does not exist and is annotated as soon as it does; create it, or set \
                 spec.serviceAccount.create to true"
            ),
        ),
        None => ("True", reason::READY, format!("ServiceAccount {} names the role", role.service_account)),
    }
}

/// What Ready says where nothing is written.
pub(super) fn observed(steps: &[Step], waiting: &[Step]) -> String {
    let told = match steps.len() {
        0 if waiting.is_empty() => {
            "nothing differs from what is declared, and nothing is written in mode Observe".to_owned()
        }
        count => {
            let plural = if count == 1 { "" } else { "s" };
            format!("mode Manage would take {count} step{plural}, see status.pendingSteps; mode Observe takes none")
        }
    };
    match waiting.len() {
        0 => told,
        count => format!("{told}; {count} more would wait for spec.adoption.acceptRemovals"),
    }
}

/// Why steps are not done yet, as reason and sentence.
pub(super) fn why_pending(outcome: &Outcome, steps: &[Step]) -> (&'static str, String) {
    if let Some(text) = &outcome.held_by {
        return (reason::MASS_CHANGE_HELD, text.clone());
    }
    let words: Vec<String> = steps.iter().map(ToString::to_string).collect();
    let words = words.join("; ");
    if outcome.held {
        let text =
            format!("the role carries the tag {} and is not written; remove the tag to have done: {words}", tag::HOLD);
        return (reason::HELD, text);
    }
    if outcome.observes() {
        return (reason::OBSERVED, format!("nothing is written in mode Observe; mode Manage would: {words}"));
    }
    let contested = |step: &Step| outcome.contested.of(step.facet());
    if let Some(text) = steps.iter().find_map(contested) {
        return (reason::CONTESTED, text.clone());
    }
    if let (Some(_), [Step::Reannotate(other)]) = (outcome.settles, steps) {
        let text = format!(
            "the ServiceAccount names {other} until AWS shows the new role everywhere, which takes moments after its last \
             change (--settle)"
        );
        return (reason::SETTLING, text);
    }
    (reason::PENDING, format!("still to be done: {words}"))
}

fn restricted(outcome: &Outcome) -> Option<String> {
    let names: Vec<&str> = outcome.notes.iter().flat_map(|Note::Restricted(names)| names).map(String::as_str).collect();
    (!names.is_empty()).then(|| {
        format!(
            "somebody else put on the role what only takes permissions away, and it stays: {}; remove it in AWS when it is \
             no longer needed",
            names.join(", ")
        )
    })
}
