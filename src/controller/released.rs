//! Roles that bindings have left behind (`Retain`): a class that revokes reaches them, as it does what is somebody's.
//!
//! One is read when it, its class or its namespace has changed since it was read last. Whose it is the role itself tells
//! before each change; a binding that takes it up again says so on it first.

use super::binding::who;
use super::execute::{Ended, Run, steps};
use super::issuers::Standing;
use super::lock::RoleLock;
use super::state::{Ctx, State};
use super::tell::reference;
use crate::api::names::tag;
use crate::api::reason::event;
use crate::api::{IrsaBindingSpec, IrsaClassSpec, Mode, OnViolation, ServiceAccountSpec};
use crate::aws::Aws;
use crate::desired::{Desired, Place, desired, vars};
use crate::error::Error;
use crate::fuse::{Removal, Verdict};
use crate::guardrails::{self, Facts, Labels, Part};
use crate::iam::arn::RoleArn;
use crate::iam::owner::Ownership;
use crate::iam::role::Role;
use crate::iam::tags;
use crate::iam::trust::accounts;
use crate::plan::{Plan, Step};
use crate::queue::Kind;
use crate::released::Judged;
use crate::status::{Notice, Outcome};
use crate::store::NsName;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, info, warn};

/// One that may have to be changed.
struct Task {
    arn: RoleArn,
    binding: NsName,
    class: Arc<str>,
    generation: i64,
    spec: Arc<IrsaClassSpec>,
    place: Place,
    own_role: Option<String>,
    aws: Aws,
    /// `None`: there is no such namespace any more, and so nobody who could assume it.
    labels: Option<Labels>,
    of: u64,
    /// It was read, and there is something to be taken off it.
    known: bool,
}

impl State {
    /// How many roles bindings of a class have left behind in a namespace, but for `own` and those that are some binding's
    /// again.
    pub fn left_behind(&self, class: &str, namespace: &str, own: &str) -> usize {
        let taken = |binding: &NsName, arn: &str| {
            let role = self.memory.get(binding).and_then(|memory| memory.role_arn.as_deref());
            arn == own || role == Some(arn)
        };
        self.released.count(class, namespace, taken)
    }

    /// A sweep is complete: bindings that were too many may not be any more.
    pub fn end_of_released(&mut self, account: &str, begun: Instant, settle: Duration) {
        for namespace in self.released.end(account, begun, settle) {
            self.wake_forbidden(&namespace);
        }
    }

    /// Those of the classes that revoke in an account, or of this one, of which it is not known that nothing is to be done.
    fn released_tasks(&mut self, account: &str, only: Option<&Arc<str>>) -> Vec<Task> {
        let here = self.classes_seen.iter();
        let here = here.filter(|(name, seen)| seen.place.account == account && only.is_none_or(|only| only == *name));
        let mut tasks = Vec::new();
        let mut settled = Vec::new();
        for (class, seen) in here {
            // Where a class writes nothing, nothing is held either.
            let clear = seen.standing == Standing::Clear && !seen.observed;
            let object = self.classes.get(&NsName::new("", class.clone())).filter(|_| clear);
            let current = object.filter(|o| o.head.generation == seen.generation && o.head.deleted.is_none());
            let spec = current.and_then(|object| object.decode().ok()).map(Arc::new);
            let revokes = spec.filter(|spec| spec.on_violation == OnViolation::Revoke && spec.mode == Mode::Manage);
            let first = tasks.len();
            for (role, spec) in self.released.of(account, class).filter_map(|role| Some((role, revokes.clone()?))) {
                let namespace = self.namespaces.get(&NsName::new("", role.binding.namespace.clone()));
                let labels = namespace.map(|namespace| namespace.labels.clone());
                let mut hasher = DefaultHasher::new();
                (role.print, seen.generation, &labels).hash(&mut hasher);
                let of = hasher.finish();
                let judged = role.judged.filter(|judged| judged.of == of);
                let Some(arn) = RoleArn::parse(role.arn).filter(|_| judged.is_none_or(|judged| judged.takes)) else {
                    continue;
                };
                tasks.push(Task {
                    arn,
                    binding: role.binding.clone(),
                    class: class.clone(),
                    generation: seen.generation,
                    spec,
                    place: seen.place.clone(),
                    own_role: seen.own_role.clone(),
                    aws: seen.aws.on_behalf(Kind::Sweep, Arc::default()),
                    labels,
                    of,
                    known: judged.is_some(),
                });
            }
            let wanted: HashSet<&NsName> = tasks[first..].iter().map(|task| &task.binding).collect();
            let noted = self.fuse.pending(class).into_iter();
            settled.extend(noted.filter(|key| !wanted.contains(key)));
        }
        for key in settled {
            if self.fuse.removal(&key) == Some(Removal::Released) {
                self.fuse.settled(&key);
            }
        }
        tasks
    }
}

/// A binding has let its role go.
pub fn note(ctx: &Ctx, binding: &NsName, arn: &RoleArn, role: Option<&Role>, step: &Step) {
    let class = role.and_then(|role| tags::get(&role.tags, tag::CLASS));
    if let (Step::Tag(marks), Some(class)) = (step, class)
        && marks.contains_key(tag::RELEASED_BY)
    {
        let arn_text = arn.to_string();
        ctx.state().released.note(&arn.account, &arn_text, binding.clone(), class, Instant::now());
    }
}

/// Takes off them what their classes do not allow: after a sweep, and as soon as a class has changed. All of them are
/// counted before the first is changed.
pub async fn see_to(ctx: &Ctx, account: &str, only: Option<&Arc<str>>) {
    let suspect = ctx.state().snapshot.account(account).is_none_or(|account| account.suspect());
    if suspect {
        return;
    }
    let tasks = ctx.state().released_tasks(account, only);
    let mut takes = Vec::new();
    for task in tasks {
        if task.known {
            takes.push(task);
            continue;
        }
        match task.look(ctx).await {
            Ok(found) => {
                let judged = Judged { of: task.of, takes: found.is_some() };
                ctx.state().released.judged(account, &task.arn.to_string(), Some(judged));
                takes.extend(found.is_some().then_some(task));
            }
            Err(error) => task.failed(ctx, &error),
        }
    }
    for task in &takes {
        ctx.state().fuse.note(&task.binding, &task.class, Removal::Released, Instant::now());
    }
    for task in takes {
        if ctx.state().ask_fuse(&task.binding, &task.class) != Verdict::Go {
            continue;
        }
        match task.carry_out(ctx).await {
            Ok(done) => task.tell(ctx, &done),
            Err(error) => task.failed(ctx, &error),
        }
    }
}

impl Task {
    /// What is to be taken off it, on what the role is now; `None` where that is nothing, or it is somebody's again.
    async fn look(&self, ctx: &Ctx) -> Result<Option<(Desired, Role, Vec<Step>)>, Error> {
        let Some(role) = self.aws.role(&self.arn.name, &self.arn.path, false).await? else { return Ok(None) };
        if role.arn != self.arn.to_string() || tags::get(&role.tags, tag::CLASS) != Some(&*self.class) {
            return Ok(None);
        }
        // Whom it lets in is all that is left of whom it was made for.
        let namespace = &*self.binding.namespace;
        let let_in = role.trust.as_ref().map(|trust| accounts(trust, namespace)).unwrap_or_default();
        let account = let_in.first().cloned().unwrap_or_else(|| self.binding.name.to_string());
        let spec = IrsaBindingSpec {
            mode: Mode::Observe,
            service_account: ServiceAccountSpec { name: account.clone(), ..ServiceAccountSpec::default() },
            ..IrsaBindingSpec::default()
        };
        let (who, vars) =
            (who(&self.binding, &self.class), vars(who(&self.binding, &self.class), &account, &self.place));
        let full = desired(who, &spec, &self.spec, &self.place)?;
        if full.owner.judge(&role.tags) != (Ownership::Ours { released: true }) {
            return Ok(None);
        }
        let none = Labels::default();
        let facts = Facts {
            labels: self.labels.as_ref().unwrap_or(&none),
            own_namespace: &ctx.settings.namespace,
            own_role: self.own_role.as_deref(),
            older: 0,
            released: 0,
        };
        let mut against = guardrails::check(who, &spec, &self.spec, &full, &vars, &facts)?;
        against.retain(|violation| violation.part == Part::Whole && self.labels.is_some());
        let mut fits = match against.as_slice() {
            [] => full,
            against => guardrails::confine(who, &spec, &self.spec, &self.place, (&full, &vars), against)?,
        };
        if let_in.len() != 1 {
            // Nobody knows any more which of them was its own and which came with it, and what tags may say of it.
            fits.service_account.name.clear();
            fits.tags.clear();
        }
        let mut fits = guardrails::held_to_class(fits, &self.spec, &vars, &self.class)?;
        (fits.arn, fits.name, fits.path) = (role.arn.clone(), self.arn.name.clone(), self.arn.path.clone());
        let mut denying = std::collections::BTreeSet::new();
        let (held, mut steps) = guardrails::revocations(&fits, &role, &denying);
        // One that only denies stays, and only what would go is looked into.
        for arn in steps.iter().filter_map(|step| if let Step::Detach(arn) = step { Some(arn) } else { None }) {
            if self.aws.policy_only_denies(arn).await? {
                denying.insert(arn.clone());
            }
        }
        steps.retain(|step| !matches!(step, Step::Detach(arn) if denying.contains(arn)));
        Ok((!steps.is_empty()).then_some((held, role, steps)))
    }

    /// Returns what was done.
    async fn carry_out(&self, ctx: &Ctx) -> Result<Vec<Step>, Error> {
        let arn = self.arn.to_string();
        // Some binding works on it: the next sweep tells what of it is left.
        let Some(_lock) = RoleLock::try_take(ctx, &arn) else { return Ok(Vec::new()) };
        let mut outcome = Outcome::default();
        if let Some((fits, role, steps_of)) = self.look(ctx).await? {
            let run = Run {
                desired: &fits,
                wish: fits.fingerprint(),
                class: (&self.class, self.generation),
                binding: &self.binding,
                aws: &self.aws,
                had_role: true,
                presumed: false,
                drift: false,
                cause: None,
            };
            let plan = Plan { steps: steps_of, ..Plan::default() };
            let ended = steps(ctx, &run, &plan, &mut Some(role), &mut outcome).await;
            outcome.done.iter().for_each(|step| info!(role = arn, binding = %self.binding, "{step}"));
            outcome.done.iter().for_each(|step| ctx.metrics.stepped(step));
            if !matches!(ended, Ok(Ended::Done)) {
                let error = outcome.failure.map(|(_, error)| error);
                return error.map_or(Ok(outcome.done), Err);
            }
        }
        let mut state = ctx.state();
        state.released.judged(&self.arn.account, &arn, Some(Judged { of: self.of, takes: false }));
        state.fuse.settled(&self.binding);
        state.wake_class(&self.class);
        drop(state);
        ctx.wake.notify_one();
        Ok(outcome.done)
    }

    fn tell(&self, ctx: &Ctx, done: &[Step]) {
        if done.is_empty() {
            return;
        }
        let done: Vec<String> = done.iter().map(ToString::to_string).collect();
        let text = format!(
            "{}, which IrsaBinding {} has left behind, as the class does not allow it (onViolation: Revoke): {}",
            self.arn,
            self.binding,
            done.join(", ")
        );
        self.event(ctx, event::REVOKED, text);
    }

    /// Each sweep tries again, and says it once while it is the same.
    fn failed(&self, ctx: &Ctx, error: &Error) {
        if error.category.is_brief() {
            debug!(role = %self.arn, "{error}");
            return;
        }
        warn!(role = %self.arn, reason = error.reason, "{error}");
        let text = format!(
            "{}, which IrsaBinding {} has left behind, could not be held to what the class allows: {error}",
            self.arn, self.binding
        );
        let news = ctx.state().orphans.failed(&self.class, &text);
        if news {
            self.event(ctx, event::REVOKE_FAILED, text);
        }
    }

    fn event(&self, ctx: &Ctx, reason: &'static str, text: String) {
        let class = ctx.state().classes.get(&NsName::new("", self.class.clone())).cloned();
        if let Some(class) = class {
            ctx.events.send(reference(class.as_ref()), Notice::new(true, reason, "Revoke", text));
        }
    }
}
