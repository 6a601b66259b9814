//! What of a binding its class does not allow.

mod grants;

pub(super) use grants::Managed;

use super::glob::covers;
use super::inline::Fence;
use super::namespaces::{self, Labels};
use super::{Part, Violation};
use crate::api::names::DEFAULT_SESSION_SECONDS;
use crate::api::{AllowSpec, DeletionPolicy, IrsaBindingSpec, IrsaClassSpec, Mode};
use crate::desired::{Desired, Who};
use crate::error::{Category, Error};
use crate::iam::vars::Vars;

/// The ServiceAccount of Pods that name none.
const EVERYBODYS: &str = "default";
/// Beginnings of names that others look for: AWS itself, its CDK and its StackSets.
const KEPT: [&str; 3] = ["aws", "cdk-", "stacksets-"];
/// By this name an organization's management account gets into its accounts.
const ORGANIZATIONS: &str = "OrganizationAccountAccessRole";
/// As many allowed values are told.
const TOLD: usize = 5;

/// What the cluster says.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Labels of the binding's namespace.
    pub labels: &'a Labels,
    /// The operator's own namespace.
    pub own_namespace: &'a str,
    /// The name of the operator's own role in the account, where it is known.
    pub own_role: Option<&'a str>,
    /// How many older bindings of the class there are in the namespace.
    pub older: usize,
    /// How many roles of the class its bindings have left behind there.
    pub released: usize,
}

/// All that is against the class. `desired` is what the spec asks for, variables filled in.
///
/// # Errors
/// `Invalid` where a text of the class can't be used.
pub fn check(
    who: Who<'_>,
    spec: &IrsaBindingSpec,
    class: &IrsaClassSpec,
    desired: &Desired,
    vars: &Vars,
    facts: &Facts<'_>,
) -> Result<Vec<Violation>, Error> {
    let mut check = Check { who, spec, class, allow: &class.allow, desired, vars, facts, found: Vec::new() };
    check.namespace();
    check.number();
    check.name()?;
    check.service_accounts()?;
    check.managed()?;
    check.inline()?;
    check.tags()?;
    check.limits();
    Ok(check.found)
}

struct Check<'a> {
    who: Who<'a>,
    spec: &'a IrsaBindingSpec,
    class: &'a IrsaClassSpec,
    allow: &'a AllowSpec,
    desired: &'a Desired,
    vars: &'a Vars,
    facts: &'a Facts<'a>,
    found: Vec<Violation>,
}

impl Check<'_> {
    fn against(&mut self, part: Part, text: String) {
        self.found.push(Violation { part, text });
    }

    /// Globs of the class, variables filled in.
    fn globs(&self, rule: &str, texts: &[String]) -> Result<Vec<String>, Error> {
        expand(self.vars, self.who.class, rule, texts)
    }

    fn namespace(&mut self) {
        let Self { who, allow, facts, .. } = self;
        if namespaces::allowed(&allow.namespaces, who.namespace, facts.labels, facts.own_namespace) {
            return;
        }
        let Who { namespace, class, .. } = *who;
        let text = format!(
            "metadata.namespace: IrsaClass {class} does not allow bindings in namespace {namespace} \
             (spec.allow.namespaces); name another class in spec.className, or ask who owns the class to let it in"
        );
        self.against(Part::Whole, text);
    }

    fn number(&mut self) {
        let most = usize::try_from(self.allow.max_bindings_per_namespace).unwrap_or_default();
        let Facts { older, released, .. } = *self.facts;
        if older + released >= most {
            let Who { namespace, class, .. } = self.who;
            let left = match released {
                0 => String::new(),
                released => format!(" and {released} roles that were left behind (Retain)"),
            };
            let text = format!(
                "metadata.namespace: IrsaClass {class} allows {most} bindings in a namespace \
                 (spec.allow.maxBindingsPerNamespace), and {namespace} has {older} older ones{left}; delete one that nobody \
                 needs, or ask who owns the class for more"
            );
            self.against(Part::Whole, text);
        }
    }

    fn name(&mut self) -> Result<(), Error> {
        let name = self.desired.name.as_str();
        let lower = name.to_ascii_lowercase();
        let own = self.facts.own_role.is_some_and(|own| own.eq_ignore_ascii_case(name));
        // One that is there already has the name that it has: its consent stands on it.
        let kept = KEPT.iter().any(|prefix| lower.starts_with(prefix)) || name.eq_ignore_ascii_case(ORGANIZATIONS);
        if own || (kept && !self.desired.adoption.named) {
            let text = format!(
                "the role's name would be {name}, and names that begin with {} or are {ORGANIZATIONS} or the operator's \
                 own are never taken; {} IrsaClass {}",
                KEPT.join(", "),
                if self.spec.role.as_ref().is_some_and(|role| role.name.is_some()) {
                    "take another spec.role.name, within"
                } else {
                    "name a class with another spec.role.nameTemplate than"
                },
                self.who.class
            );
            self.against(Part::Whole, text);
        }
        let given = self.spec.role.as_ref().and_then(|role| role.name.as_deref());
        let adoption = self.desired.adoption;
        if let (Some(name), Some(glob)) = (given, &self.allow.role_name)
            && (adoption.named && !adoption.asked && self.desired.mode != Mode::Annotate)
        {
            let globs = self.globs("roleName", std::slice::from_ref(glob))?;
            let text = format!(
                "spec.role.name: IrsaClass {} does not allow {name} (spec.allow.roleName); it allows {}, without =: take such \
                 a name, or leave it out; one that is there already is taken over with spec.adoption.policy: IfTagged",
                self.who.class,
                globs.join(", ")
            );
            self.against(Part::Name, text);
        }
        Ok(())
    }

    fn service_accounts(&mut self) -> Result<(), Error> {
        let allow = &self.allow.service_accounts;
        let class = self.who.class;
        let globs = self.globs("serviceAccounts.names", &allow.names)?;
        let everybodys = allow.names.iter().any(|name| name == EVERYBODYS);
        let allowed = |name: &str| match name {
            EVERYBODYS => everybodys,
            name => globs.iter().any(|glob| covers(glob, name)),
        };
        let against = |at: &str, name: &str| {
            let why = match name {
                EVERYBODYS => format!(
                    "every Pod that names no ServiceAccount has {EVERYBODYS}, and IrsaClass {class} does not name it in \
                     spec.allow.serviceAccounts.names; make a ServiceAccount for this application"
                ),
                name => format!(
                    "IrsaClass {class} does not allow ServiceAccount {name} (spec.allow.serviceAccounts.names); {}",
                    one_of(&globs)
                ),
            };
            format!("{at}: {why}")
        };
        let own = &self.spec.service_account;
        let mut found = Vec::new();
        if !allowed(&own.name) {
            found.push((Part::Whole, against("spec.serviceAccount.name", &own.name)));
        }
        if own.create && !allow.create {
            let text = format!(
                "spec.serviceAccount.create: IrsaClass {class} does not allow ServiceAccounts to be made \
                 (spec.allow.serviceAccounts.create); set it to false and make the ServiceAccount yourself"
            );
            found.push((Part::Create, text));
        }
        let further = self.spec.trust.iter().flat_map(|trust| &trust.service_accounts);
        for (i, name) in further.enumerate() {
            let at = format!("spec.trust.serviceAccounts[{i}]");
            if !allow.additional {
                let text = format!(
                    "{at}: IrsaClass {class} lets only the ServiceAccount of a binding assume its role \
                     (spec.allow.serviceAccounts.additional); take {name} off the list, or make a binding for it"
                );
                found.push((Part::Subject(name.clone()), text));
            } else if !allowed(name) {
                found.push((Part::Subject(name.clone()), against(&at, name)));
            }
        }
        found.into_iter().for_each(|(part, text)| self.against(part, text));
        Ok(())
    }

    fn limits(&mut self) {
        let class = self.who.class;
        let longest = longest_session(self.class);
        let asked = self.spec.role.as_ref().and_then(|role| role.max_session_duration_seconds);
        if let Some(asked) = asked.filter(|asked| *asked > longest) {
            let text = format!(
                "spec.role.maxSessionDurationSeconds: is {asked}, and IrsaClass {class} allows {longest} \
                 (spec.allow.maxSessionDurationSeconds); lower it"
            );
            self.against(Part::Session, text);
        }
        if let Some(asked) = self.spec.deletion_policy.filter(|asked| !self.allow.deletion_policies.contains(asked)) {
            let word = |policy: &DeletionPolicy| format!("{policy:?}");
            let text = format!(
                "spec.deletionPolicy: IrsaClass {class} does not allow {} (spec.allow.deletionPolicies); {}",
                word(&asked),
                one_of(&self.allow.deletion_policies.iter().map(word).collect::<Vec<_>>())
            );
            self.against(Part::Deletion, text);
        }
    }
}

/// Globs of a class, variables filled in.
fn expand(vars: &Vars, class: &str, rule: &str, texts: &[String]) -> Result<Vec<String>, Error> {
    let expanded = texts.iter().map(|text| vars.expand(text)).collect::<Result<_, _>>();
    expanded.map_err(|error| Error::new(Category::Invalid, format!("spec.allow.{rule} of IrsaClass {class}: {error}")))
}

/// Whether a role may be made under a name that a binding gives it.
#[must_use]
pub fn may_be_named(allow: &AllowSpec, vars: &Vars, name: &str) -> bool {
    let glob = allow.role_name.as_ref().and_then(|glob| vars.expand(glob).ok());
    // Names that had to be cut hold a =, and each of them is another binding's. Those that begin with the cluster's id are
    // made for bindings, and a namespace may be called like the cluster.
    let made = allow.role_name.as_ref().is_none_or(|glob| !glob.starts_with("$(clusterId)"))
        && vars.expand("$(clusterId)_").is_ok_and(|own| name.starts_with(&own));
    glob.is_some_and(|glob| covers(&glob, name)) && !name.contains('=') && !made
}

/// The rules for inline policies of one binding.
pub(super) fn fence(allow: &AllowSpec, vars: &Vars, class: &str) -> Result<Fence, Error> {
    Fence::new(&allow.inline_policies, vars).map_err(|error| {
        let text = format!("spec.allow.inlinePolicies of IrsaClass {class}: {error}");
        Error::new(Category::Invalid, text)
    })
}

/// The longest session that bindings may ask for.
pub(super) fn longest_session(class: &IrsaClassSpec) -> i32 {
    let own = class.role.max_session_duration_seconds.unwrap_or(DEFAULT_SESSION_SECONDS);
    class.allow.max_session_duration_seconds.unwrap_or(own.max(DEFAULT_SESSION_SECONDS))
}

/// What to do where there is a choice.
fn one_of(allowed: &[String]) -> String {
    if allowed.is_empty() {
        return "it allows none at all: leave it out, or ask who owns the class".to_owned();
    }
    let told: Vec<&str> = allowed.iter().take(TOLD).map(String::as_str).collect();
    let more = allowed.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it allows {}{more}: take one of these, or ask who owns the class", told.join(", "))
}
