//! What a class allows a binding, on what the cluster says now. Admission may have let pass what it does not, and what it
//! lets pass today may be forbidden tomorrow: so it is asked in every reconcile, before anything is planned.

use super::binding::{Stop, who};
use super::execute::Run;
use super::state::{Class, Ctx, State};
use crate::api::IrsaBindingSpec;
use crate::api::names::FINALIZER;
use crate::api::reason;
use crate::desired::{Desired, vars};
use crate::error::{Category, Error};
use crate::guardrails::{self, Facts};
use crate::iam::owner::Ownership;
use crate::iam::role::Observed;
use crate::queue::Kind;
use crate::status::Outcome;
use crate::store::{LeanBinding, NsName};
use std::sync::Arc;
use std::time::Instant;

/// What may be wanted of `full`, and what is to be said of the rest.
pub fn confine(
    ctx: &Ctx,
    object: &LeanBinding,
    spec: &IrsaBindingSpec,
    class: &Class,
    full: Desired,
) -> Result<(Desired, Option<Error>), Error> {
    let key = &object.head.key;
    let (namespace, older, released) = {
        let state = ctx.state();
        let namespace = state.namespaces.get(&NsName::new("", key.namespace.clone())).cloned();
        (namespace, state.older(object, class), state.left_behind(&class.name, &key.namespace, &full.arn))
    };
    // Its first event may come after the binding's.
    let namespace = namespace.ok_or_else(|| {
        Error::new(Category::Settling, format!("the API server has not shown namespace {} yet", key.namespace))
    })?;
    let facts = Facts {
        labels: &namespace.labels,
        own_namespace: &ctx.settings.namespace,
        own_role: class.own_role.as_deref(),
        older,
        released,
    };
    let (who, vars) = (who(key, &class.name), vars(who(key, &class.name), &spec.service_account.name, &class.place));
    let violations = guardrails::check(who, spec, &class.spec, &full, &vars, &facts)?;
    let verdict = guardrails::forbidden(&violations);
    let fits = match verdict {
        Some(_) => guardrails::confine(who, spec, &class.spec, &class.place, (&full, &vars), &violations)?,
        None => full,
    };
    Ok((guardrails::held_to_class(fits, &class.spec, &vars, &class.name)?, verdict))
}

/// The same before AWS is asked for anything: of a binding that nothing was ever done for, and whose role no sweep has
/// shown. One that is there all the same, as after a rebuild of the cluster, the next sweep brings up.
pub fn refuse_unheard_of(
    ctx: &Ctx,
    object: &LeanBinding,
    desired: &Desired,
    kind: Kind,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let Some(error) = outcome.forbidden.clone() else { return Ok(()) };
    // Where sweeps show nothing at all its time has come for a direct read.
    if object.head.has_finalizer(FINALIZER) || object.status().role_id.is_some() || kind == Kind::Fallback {
        return Ok(());
    }
    let due = ctx.next_direct_look(&desired.account, Instant::now());
    let mut state = ctx.state();
    if state.snapshot.heard_of(&desired.arn) {
        return Ok(());
    }
    state.snapshot.absent(&desired.arn, due);
    drop(state);
    Err(refused(outcome, error))
}

/// A binding that has no role gets none while anything of it is not allowed, and takes none over.
pub fn refuse_new(
    desired: &Desired,
    observed: &Observed,
    forbidden: Option<Error>,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let Some(error) = forbidden else { return Ok(()) };
    match observed {
        Observed::Present(role) if !matches!(desired.owner.judge(&role.tags), Ownership::Ours { .. }) => {}
        Observed::Absent => {}
        _ => return Ok(()),
    }
    Err(refused(outcome, error))
}

/// Nothing is known of a role, and none made.
pub fn refused(outcome: &mut Outcome, error: Error) -> Stop {
    (outcome.role, outcome.forbidden) = (None, None);
    Stop::Failed(error)
}

impl Ctx {
    /// Whether the next step may be taken: the operator works, may write to the account, and the class is the one that
    /// allowed it.
    pub fn may_go_on(&self, run: &Run<'_>) -> Result<(), Error> {
        self.accounts.going_on()?;
        self.may_write(run.desired)?;
        self.state().still_says(run.class)
    }
}

impl State {
    /// How many bindings of the class there are in the namespace that are older than this one.
    fn older(&self, object: &LeanBinding, class: &Class) -> usize {
        let most = usize::try_from(class.spec.allow.max_bindings_per_namespace).unwrap_or_default();
        if self.bindings.len() + self.released.len() <= most {
            return 0;
        }
        let default = self.default_class().is_ok_and(|default| *default.head.key.name == *class.name);
        // One that names another class by now, or none that there is, has its role from this one yet.
        let under = |other: &LeanBinding| {
            let memory = self.memory.get(&other.head.key);
            memory.and_then(|memory| memory.under.as_deref()).is_some_and(|under| under == class.name)
        };
        let uses = |other: &LeanBinding| {
            other.class_name.as_deref().map_or(default, |name| name == class.name) || under(other)
        };
        let age = |object: &LeanBinding| (object.head.created.clone(), object.head.key.name.clone());
        let own = age(object);
        let all = self.bindings.in_namespace(&object.head.key.namespace);
        all.filter(|other| uses(other) && age(other) < own).count()
    }

    /// Something about a namespace has changed.
    pub fn wake_namespace(&mut self, namespace: &Arc<str>) {
        self.wake_some(namespace, |_| true);
    }

    /// A namespace has a binding less: one that was too many may not be any more.
    pub fn wake_forbidden(&mut self, namespace: &Arc<str>) {
        self.wake_some(namespace, |binding| binding.says.reason() == reason::FORBIDDEN);
    }

    fn wake_some(&mut self, namespace: &Arc<str>, which: impl Fn(&LeanBinding) -> bool) {
        let living = self.bindings.in_namespace(namespace).filter(|b| b.head.deleted.is_none() && which(b));
        for key in living.map(|binding| binding.head.key.clone()).collect::<Vec<_>>() {
            self.wake_binding(&key, Kind::Change);
        }
    }

    /// Whether the class is the one by which all of this was allowed.
    pub fn still_says(&self, (class, generation): (&str, i64)) -> Result<(), Error> {
        let now = self.classes.get(&NsName::new("", class));
        if now.is_some_and(|class| class.head.generation == generation) {
            return Ok(());
        }
        Err(Error::new(Category::Settling, format!("IrsaClass {class} has changed; what it allows is looked at again")))
    }
}
