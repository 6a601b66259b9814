//! What GitOps tools make of every state. It is written down here, and tried on the tools themselves: with IRSA_STATES,
//! a file, all states are written there as objects, for dev/health (dev/tests/health_test.sh).

use super::class::{after as class_after, failed as class_failed, fine as class_fine};
use super::*;
use crate::api::{ClassStatus, IrsaBinding, IrsaClass};
use crate::contested::Contest;
use kube::Resource;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A state, as an object: its name, and what kstatus and Argo CD are to make of it.
struct State {
    name: String,
    object: Value,
    kstatus: &'static str,
    health: &'static str,
}

const CURRENT: [&str; 2] = ["Current", "Healthy"];
const WORKING: [&str; 2] = ["InProgress", "Progressing"];
const FAILED: [&str; 2] = ["Failed", "Degraded"];
/// Somebody has stopped it, and lets it go on by something that is not in Git.
const STOPPED: [&str; 2] = ["Failed", "Suspended"];
const GOING: [&str; 2] = ["Terminating", "Progressing"];

/// An object as the API server would show it.
fn object<K: Resource<DynamicType = ()>>(generation: i64, status: Value, deleted: bool) -> Value {
    let mut object = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": "invoices", "generation": generation},
        "spec": {},
        "status": status,
    });
    if deleted {
        object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    }
    object
}

fn state(name: impl Into<String>, object: Value, [kstatus, health]: [&'static str; 2]) -> State {
    State { name: name.into(), object, kstatus, health }
}

fn binding(name: impl Into<String>, outcomes: &[Outcome], expected: [&'static str; 2]) -> State {
    let generation = outcomes.last().map_or(1, |outcome| outcome.generation);
    let status = json!(after(outcomes));
    state(name, object::<IrsaBinding>(generation, status, false), expected)
}

fn going(name: &str, error: Error) -> State {
    let outcome = Outcome { failure: Some((None, error)), generation: 2, ..Outcome::default() };
    let status = json!(deleting(&after(&[fine(1)]), &outcome, &at(9)));
    state(format!("deleted, {name}"), object::<IrsaBinding>(2, status, true), GOING)
}

fn class(name: &str, outcomes: &[ClassOutcome], expected: [&'static str; 2]) -> State {
    let generation = outcomes.last().map_or(1, |outcome| outcome.generation);
    let seconds = (1..).step_by(400).zip(outcomes.iter().cloned()).collect::<Vec<_>>();
    let status = json!(class_after(&seconds));
    state(format!("class: {name}"), object::<IrsaClass>(generation, status, false), expected)
}

/// At first, and once it has lasted for five minutes.
fn expected(category: Category) -> ([&'static str; 2], [&'static str; 2]) {
    use Category::{Blocked, Conflict, Denied, Forbidden, Invalid, Missing, Quota};
    match category {
        Invalid | Forbidden | Conflict | Blocked => (FAILED, FAILED),
        Missing | Denied | Quota => (WORKING, FAILED),
        _ => (WORKING, WORKING),
    }
}

fn blocked(generation: i64, reason: &'static str) -> Outcome {
    let error = Error::because(Category::Blocked, reason, "somebody has to decide");
    Outcome { failure: Some((None, error)), role: None, ..fine(generation) }
}

fn bindings() -> Vec<State> {
    let pending = |step: Step| Outcome { pending: vec![step], ..fine(1) };
    let mass =
        |generation| Outcome { held_by: Some("50 changes are held".into()), ..held(generation, Step::UpdateTrust) };
    let contest = Contest { role: Some("another tool".into()), policies: true, account: None };
    let settling = Outcome { settles: Some(Instant::now()), ..pending(Step::Reannotate("arn:x".into())) };
    let observes = |pending: &[Step]| Outcome { mode: Some(Mode::Observe), pending: pending.to_vec(), ..fine(1) };
    let annotates = Outcome { mode: Some(Mode::Annotate), role: Some(RoleInfo { id: None, ..role("") }), ..fine(1) };
    let mut nothing = fine(1);
    nothing.role.as_mut().unwrap().grants = false;
    let waits = [Step::Detach(POLICY.into())];
    let adopted = |category: Option<Category>| match category {
        None => Outcome { failure: Some((None, awaiting(ARN, &waits))), waiting: waits.to_vec(), ..fine(1) },
        Some(category) => Outcome { waiting: waits.to_vec(), ..failed_at(1, category, Facet::Policies) },
    };
    let missing = Outcome { account_missing: Some("robot".into()), ..fine(1) };
    let refused = Error::new(Category::Conflict, "the annotation is another's");
    let conflict = Outcome { account_failure: Some(refused), ..pending(Step::Annotate) };
    let rests = Outcome { contested: contest.clone(), ..pending(Step::Attach(POLICY.into())) };
    let unseen = object::<IrsaBinding>(1, json!({"observedGeneration": -1}), false);
    let edited = object::<IrsaBinding>(2, json!(after(&[fine(1)])), false);
    vec![
        state("nobody has looked at it", unseen, WORKING),
        state("edited", edited, WORKING),
        binding("ready", &[fine(1)], CURRENT),
        binding("ready in a new generation", &[fine(1), fine(2)], CURRENT),
        binding("without a ServiceAccount", &[missing], CURRENT),
        binding("ServiceAccount of another", std::slice::from_ref(&conflict), FAILED),
        binding("ServiceAccount of another, after it was ready", &[fine(1), conflict], FAILED),
        binding("grants nothing", &[nothing], CURRENT),
        binding("restricted", &[Outcome { notes: vec![Note::Restricted(vec!["x".into()])], ..fine(1) }], CURRENT),
        binding("made again", &[fine(1), Outcome { role: Some(role("AROA2")), ..fine(1) }], CURRENT),
        binding("under way", &[pending(Step::UpdateTrust)], WORKING),
        binding("drift under way", &[fine(1), pending(Step::UpdateTrust)], WORKING),
        binding("settling", std::slice::from_ref(&settling), WORKING),
        binding(
            "settling, while another annotates",
            &[fine(1), Outcome { contested: contest.clone(), ..settling }],
            WORKING,
        ),
        // It lacks nothing that this generation asks for but what somebody has stopped on purpose.
        binding("drift, held", &[fine(1), held(1, Step::UpdateTrust)], CURRENT),
        binding("held before it was ever ready", &[held(1, Step::UpdateTrust)], STOPPED),
        binding("a new generation, held", &[fine(1), held(2, Step::UpdateTrust)], STOPPED),
        binding("drift, mass change", &[fine(1), mass(1)], CURRENT),
        binding("a new generation, mass change", &[fine(1), mass(2)], STOPPED),
        // It can't be InProgress for ever: nothing but somebody who stops the other tool ends it.
        binding("contested, as declared now", &[fine(1), Outcome { contested: contest, ..fine(1) }], CURRENT),
        binding("contested, undone", &[fine(1), rests], FAILED),
        // The word for it comes from Git, so nothing may wait for it that keeps Git's next commit out.
        binding("taken over, waits for acceptRemovals", &[adopted(None)], FAILED),
        binding("taken over and throttled", &[adopted(Some(Category::Throttled))], WORKING),
        binding("observed, nothing differs", &[observes(&[])], CURRENT),
        binding("observed, much differs", &[observes(&[Step::CreateRole, Step::Annotate])], CURRENT),
        binding("annotated", &[annotates], CURRENT),
        binding("another identity", &[fine(1), blocked(2, reason::IDENTITY_CHANGED)], FAILED),
        binding("written by a newer version", &[fine(1), blocked(1, reason::NEWER_SCHEMA)], FAILED),
        binding("two clusters of one id", &[fine(1), blocked(1, reason::CLUSTER_IDENTITY_CONFLICT)], FAILED),
        going("nothing said", Error::new(Category::Transient, "AWS does not answer")),
        going("held", Error::because(Category::Conflict, reason::HELD, "the role is held")),
        going("mass change", Error::because(Category::Blocked, reason::MASS_CHANGE_HELD, "50 deletions are held")),
        state("deleted, ready", object::<IrsaBinding>(2, json!(after(&[fine(1)])), true), GOING),
    ]
}

fn failures() -> Vec<State> {
    let mut all = Vec::new();
    for category in ALL {
        let (first, later) = expected(category);
        for (how, failure) in [("", failed(1, category)), (" at a step", failed_at(1, category, Facet::Role))] {
            let old = Outcome { trouble_age: FRESH_PERMISSIONS, ..failure.clone() };
            for (when, before) in [("new", vec![]), ("known", vec![fine(1)])] {
                let with = |last: &Outcome| [before.clone(), vec![last.clone()]].concat();
                all.push(binding(format!("{category:?}{how}, {when}"), &with(&failure), first));
                all.push(binding(format!("{category:?}{how}, {when}, for long"), &with(&old), later));
            }
        }
    }
    all
}

fn classes() -> Vec<State> {
    let fine = || class_fine(1);
    let with = |watch: Watch| ClassOutcome { watch: Some(watch), ..fine() };
    let blind = Watch::Blind(Error::new(Category::Denied, "may not look"));
    let conflict = Error::because(Category::Blocked, reason::CLUSTER_IDENTITY_CONFLICT, "another issuer");
    let conflict = ClassOutcome { failure: Some(conflict), ..class_failed(1, Category::Blocked) };
    let in_use = ClassOutcome { in_use: Some("its deletion waits".into()), ..class_fine(2) };
    let in_use = json!(class_after(&[(1, fine()), (2, in_use)]));
    let observes = ClassOutcome { observes: true, lacks: Some("there is none".into()), ..fine() };
    let unseen =
        object::<IrsaClass>(1, json!(ClassStatus { observed_generation: Some(-1), ..ClassStatus::default() }), false);
    let mut all = vec![
        state("class: nobody has looked at it", unseen, WORKING),
        class("ready", &[fine()], CURRENT),
        class("watched", &[with(Watch::Snapshot)], CURRENT),
        class("watched one by one", &[with(Watch::Direct)], CURRENT),
        class("suspect", &[with(Watch::Suspect)], CURRENT),
        class("blind", &[with(blind)], CURRENT),
        class("observes", &[observes], CURRENT),
        class("a provider of others is missing", &[ClassOutcome { untrusted: Some("none".into()), ..fine() }], CURRENT),
        class("mass change", &[ClassOutcome { held: Some("50 are held".into()), ..fine() }], STOPPED),
        class("two clusters of one id", &[fine(), conflict], FAILED),
        state("class: deleted, in use", object::<IrsaClass>(2, in_use, true), GOING),
    ];
    for category in ALL {
        let (first, mut later) = expected(category);
        // Somebody is about to make the provider: a class does not give up on that any sooner.
        if category == Category::Missing {
            later = FAILED;
        }
        let failure = class_failed(1, category);
        all.push(class(&format!("{category:?}"), std::slice::from_ref(&failure), first));
        all.push(class(&format!("{category:?}, known"), &[fine(), failure.clone()], first));
        all.push(class(&format!("{category:?}, for long"), &[fine(), failure.clone(), failure], later));
    }
    all
}

fn restated(object: &Value) -> &'static str {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return "Terminating";
    }
    let status: BindingStatus = serde_json::from_value(json!({
        "observedGeneration": object["status"]["observedGeneration"],
        "conditions": object["status"].get("conditions").cloned().unwrap_or_else(|| json!([])),
    }))
    .unwrap();
    kstatus(object["metadata"]["generation"].as_i64().unwrap(), &status)
}

/// Every state after every other one.
fn pairs() -> Vec<State> {
    let samples = table::samples();
    let pairs = samples.iter().flat_map(|first| samples.iter().map(move |second| (first, second)));
    let forward = pairs.filter(|(first, second)| first.generation <= second.generation);
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (first, second) in forward {
        let object = object::<IrsaBinding>(second.generation, json!(after(&[first.clone(), second.clone()])), false);
        if seen.insert(object.to_string()) {
            let kstatus = restated(&object);
            all.push(State { name: format!("pair {}", all.len()), object, kstatus, health: "" });
        }
    }
    all
}

#[test]
fn every_state_is_what_tools_are_to_make_of_it() {
    let named: Vec<State> = [bindings(), failures(), classes()].into_iter().flatten().collect();
    for state in &named {
        assert_eq!(restated(&state.object), state.kstatus, "{}: {}", state.name, state.object);
    }
    let text: String = named.iter().map(|state| state.object["status"]["conditions"].to_string()).collect();
    let untold: Vec<&str> =
        reason::KNOWN.into_iter().filter(|why| !text.contains(&format!("\"reason\":\"{why}\""))).collect();
    assert_eq!(untold, [reason::OTHER], "a reason for which nobody has said what it is to be taken for");
    if let Some(path) = std::env::var_os("IRSA_STATES") {
        let line = |s: &State| {
            // What depends on a class in Flux goes on while it holds a mass change: config/flux says so.
            let of_flux = if s.name == "class: mass change" { "Current" } else { s.kstatus };
            // An object that goes is asked for by nobody.
            let flux = if s.kstatus == "Terminating" { "" } else { of_flux };
            json!({"name": s.name, "kstatus": s.kstatus, "health": s.health, "flux": flux, "object": s.object})
        };
        let lines: Vec<String> = named.iter().chain(&pairs()).map(|state| line(state).to_string()).collect();
        std::fs::write(path, lines.join("\n")).unwrap();
    }
}
