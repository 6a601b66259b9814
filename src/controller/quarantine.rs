//! Roles without a binding are cut off where their class says so, and given back what they allow where it does not any
//! more. A binding that comes back does that for its own role, by its plan.
//!
//! Before each write the API server is asked for the binding, and AWS for whose the role is.

use super::issuers::Standing;
use super::lock::RoleLock;
use super::orphans::is_there;
use super::state::{Ctx, State};
use super::tell::reference;
use crate::api::names::{QUARANTINE, tag};
use crate::api::reason::event;
use crate::api::{Mode, OrphanPolicy};
use crate::aws::Aws;
use crate::error::Error;
use crate::fuse::{Removal, Verdict};
use crate::iam::arn::RoleArn;
use crate::iam::owner::{Owner, Ownership};
use crate::iam::role::Role;
use crate::iam::tags;
use crate::plan::Step;
use crate::queue::Kind;
use crate::status::Notice;
use crate::store::NsName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use tracing::{debug, info, warn};

/// As many are named in an Event.
const SAID: usize = 3;

/// A role that is to be cut off, or is to be so no more.
#[derive(Clone, Debug)]
struct Task {
    arn: String,
    owner: Owner,
    put: bool,
    confirmed: bool,
    aws: Aws,
}

/// What came of the tasks of a class: ARNs by whether it was put, and the first failure.
#[derive(Default)]
struct Done {
    put: Vec<String>,
    lifted: Vec<String>,
    failed: Option<(String, Error)>,
}

impl State {
    /// What the class of a role says, if it may write: one that is only looked at, or is on its way out, may not.
    fn orphan_policy(&self, class: &str, account: &str) -> Option<OrphanPolicy> {
        let seen = self.classes_seen.get(class).filter(|seen| seen.place.account == account && !seen.observed)?;
        let object = self.classes.get(&NsName::new("", class))?;
        let clear = seen.standing == Standing::Clear && object.head.deleted.is_none();
        let current = clear && object.head.generation == seen.generation;
        let spec = object.decode().ok().filter(|_| current)?;
        (spec.mode == Mode::Manage).then_some(spec.orphans)
    }

    /// The issuers under which roles of this class may have been made, too.
    fn former_issuers_of(&self, class: &str) -> Vec<String> {
        let object = self.classes.get(&NsName::new("", class));
        object.and_then(|object| object.decode().ok()).map(|spec| spec.take_over_from_issuers).unwrap_or_default()
    }

    /// What is to be done in an account of which a sweep has just told all. Those to be cut off are noted before it is
    /// asked whether one may be, and so are those that may be next: sweeps need not show all of them at once.
    fn quarantine_tasks(&mut self, account: &str) -> Vec<Task> {
        let mut policies: BTreeMap<&str, (Option<OrphanPolicy>, Vec<String>)> = BTreeMap::new();
        let (mut tasks, now) = (Vec::new(), Instant::now());
        let suspects = self.orphans.suspects(account).into_iter().flatten();
        for orphan in suspects.filter(|orphan| self.bindings.get(orphan.binding).is_none()) {
            let class = orphan.class;
            let (policy, former) = policies
                .entry(class)
                .or_insert_with(|| (self.orphan_policy(class, account), self.former_issuers_of(class)));
            let Some((seen, put)) =
                self.classes_seen.get(class).zip(policy.and_then(|policy| orphan.to_be(policy, now)))
            else {
                continue;
            };
            let owner = Owner {
                cluster: seen.place.cluster_id.clone(),
                namespace: orphan.binding.namespace.to_string(),
                binding: orphan.binding.name.to_string(),
                issuer: seen.place.issuer.clone(),
                class: class.to_owned(),
                former: former.clone(),
            };
            let aws = seen.aws.on_behalf(Kind::Sweep, Arc::default());
            let confirmed = orphan.confirmed;
            tasks.push(Task { arn: orphan.arn.to_owned(), owner, put, confirmed, aws });
        }
        let put: BTreeSet<NsName> = tasks.iter().filter(|task| task.put).map(Task::binding).collect();
        self.keep_quarantines(account, &put);
        for task in tasks.iter().filter(|task| task.put) {
            self.fuse.note(&task.binding(), &task.owner.class, Removal::Quarantine, Instant::now());
        }
        tasks.retain(|task| task.confirmed);
        tasks.retain(|task| !task.put || self.ask_fuse(&task.binding(), &task.owner.class) == Verdict::Go);
        tasks
    }

    /// Of an account that sweeps do not tell of any more nothing is cut off, and so nothing is held.
    pub fn forget_quarantines(&mut self, account: &str) {
        self.keep_quarantines(account, &BTreeSet::new());
    }

    /// Takes back what was noted of others than these.
    fn keep_quarantines(&mut self, account: &str, put: &BTreeSet<NsName>) {
        let here = self.classes_seen.iter().filter(|(_, seen)| seen.place.account == account);
        for class in here.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            let noted = self.fuse.pending(&class).into_iter();
            for key in noted.filter(|key| self.fuse.removal(key) == Some(Removal::Quarantine)).collect::<Vec<_>>() {
                if !put.contains(&key) {
                    self.fuse.settled(&key);
                }
            }
        }
    }

    /// Whether it is still to be done.
    fn is_due(&self, account: &str, task: &Task) -> bool {
        let policy = self.orphan_policy(&task.owner.class, account);
        let orphan = self.orphans_in(account).into_iter().flatten().find(|orphan| orphan.arn == task.arn);
        policy.zip(orphan).and_then(|(policy, orphan)| orphan.to_be(policy, Instant::now())) == Some(task.put)
    }
}

impl Task {
    fn binding(&self) -> NsName {
        NsName::new(self.owner.namespace.as_str(), self.owner.binding.as_str())
    }

    /// Whether the role, as it was just read, is the one that was meant, and may be written.
    fn fits(&self, role: &Role) -> bool {
        let ours = self.owner.judge(&role.tags) == Ownership::Ours { released: false };
        let class = tags::get(&role.tags, tag::CLASS) == Some(&self.owner.class);
        ours && class && role.arn == self.arn && tags::get(&role.tags, tag::HOLD).is_none()
    }
}

/// A sweep of the account has told all, and all whom it suspects were asked for.
pub async fn see_to(ctx: &Ctx, account: &str) {
    let suspect = ctx.state().snapshot.account(account).is_none_or(|account| account.suspect());
    if suspect {
        return;
    }
    let tasks = ctx.state().quarantine_tasks(account);
    let mut done: BTreeMap<String, Done> = BTreeMap::new();
    for task in tasks {
        let of = done.entry(task.owner.class.clone()).or_default();
        match carry_out(ctx, account, &task).await {
            Ok(true) if task.put => of.put.push(task.arn),
            Ok(true) => of.lifted.push(task.arn),
            Ok(false) => debug!(role = task.arn, "it is not as it was told; the next sweep tells"),
            Err(error) => {
                warn!(role = task.arn, reason = error.reason, "{error}");
                if !error.category.is_brief() {
                    ctx.state().orphans.refused(account, &task.arn, Instant::now());
                    of.failed.get_or_insert((task.arn, error));
                }
            }
        }
    }
    for (class, done) in done {
        tell(ctx, &class, done);
    }
}

/// `false`: it is not what it was taken for.
async fn carry_out(ctx: &Ctx, account: &str, task: &Task) -> Result<bool, Error> {
    let Some(arn) = RoleArn::parse(&task.arn) else { return Ok(false) };
    let Some(_lock) = RoleLock::try_take(ctx, &task.arn) else { return Ok(false) };
    let binding = task.binding();
    match is_there(ctx, &binding).await {
        Ok(false) => {}
        Ok(true) => {
            ctx.state().orphans.asked(account, &task.arn, true);
            return Ok(false);
        }
        Err(_) => return Ok(false),
    }
    let Some(role) = task.aws.role_head(&arn.name, &arn.path, false).await? else { return Ok(false) };
    if !task.fits(&role) || !ctx.state().is_due(account, task) {
        return Ok(false);
    }
    ctx.accounts.going_on()?;
    ctx.state().snapshot.unknown(&task.arn);
    let step =
        if task.put { Step::PutInline(QUARANTINE.to_owned()) } else { Step::DeleteInline(QUARANTINE.to_owned()) };
    let sent = match task.put {
        true => task.aws.quarantine(&arn.name).await,
        false => task.aws.reduce(&arn.name, &step).await,
    };
    let mut state = ctx.state();
    state.snapshot.wrote(&task.arn, None, Instant::now());
    sent?;
    state.orphans.wrote(account, &task.arn, task.put, Instant::now());
    state.fuse.settled(&binding);
    drop(state);
    info!(role = task.arn, %binding, "{step}");
    ctx.metrics.stepped(&step);
    Ok(true)
}

fn tell(ctx: &Ctx, class: &str, done: Done) {
    let object = ctx.state().classes.get(&NsName::new("", class)).cloned();
    let Some(object) = object else { return };
    let list = |arns: &[String]| {
        let named = arns.iter().take(SAID).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = arns.len().saturating_sub(SAID);
        if more > 0 { format!("{named} and {more} more") } else { named }
    };
    let send = |warning, reason, action, text: String| {
        ctx.events.send(reference(object.as_ref()), Notice::new(warning, reason, action, text));
    };
    if !done.put.is_empty() {
        let text = format!(
            "put the inline policy {QUARANTINE}, which denies everything, on {}: no IrsaBinding exists for it. Make the \
             binding again that its tags name, or set spec.orphans to Report, and it goes",
            list(&done.put)
        );
        send(true, event::QUARANTINED, "Quarantine", text);
    }
    if !done.lifted.is_empty() {
        let text = format!("took the inline policy {QUARANTINE} off {}, as spec.orphans is Report", list(&done.lifted));
        send(false, event::QUARANTINE_LIFTED, "Quarantine", text);
    }
    if let Some((arn, error)) = done.failed {
        // Each sweep tries again, and says it once while it is the same.
        let text = format!("{arn} has no IrsaBinding, and its quarantine could not be changed: {error}");
        let news = ctx.state().orphans.failed(class, &text);
        if news {
            send(true, event::QUARANTINE_FAILED, "Quarantine", text);
        }
    } else {
        ctx.state().orphans.failed(class, "");
    }
    ctx.state().wake_class(class);
    ctx.wake.notify_one();
}
