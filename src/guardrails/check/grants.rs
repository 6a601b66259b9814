//! What a binding grants: policies and tags.

use super::super::Part;
use super::super::glob::{covers, covers_key};
use super::{Check, expand, fence, one_of};
use crate::api::AllowSpec;
use crate::error::{Category, Error};
use crate::iam::arn::policy_arn;
use crate::iam::tags;
use crate::iam::vars::Vars;

/// Policies that are as good as all power in the account: only by their full ARN.
const MIGHTY: [&str; 3] = ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"];

/// The managed policies that a class allows one binding, as ARNs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Managed {
    globs: Vec<String>,
    /// Those that it names in full.
    named: Vec<String>,
}

impl Managed {
    /// Those for one binding.
    ///
    /// # Errors
    /// `Invalid` where a text of the class can't be used.
    pub fn new(allow: &AllowSpec, vars: &Vars, class: &str) -> Result<Self, Error> {
        let listed = &allow.managed_policies;
        let globs = expand(vars, class, "managedPolicies", listed)?;
        let globs: Vec<String> = globs.iter().map(|glob| whole_arn(glob, vars)).collect();
        let pairs = listed.iter().zip(&globs).filter(|(said, glob)| said.starts_with("arn:") && !glob.contains('*'));
        Ok(Self { named: pairs.map(|(_, glob)| glob.clone()).collect(), globs })
    }

    /// Whether this policy may be attached.
    pub fn allows(&self, arn: &str) -> bool {
        if is_mighty(arn) {
            return self.named.iter().any(|named| named == arn);
        }
        self.globs.iter().any(|glob| covers(glob, arn))
    }
}

impl Check<'_> {
    pub(super) fn managed(&mut self) -> Result<(), Error> {
        let listed = &self.allow.managed_policies;
        let class = self.who.class;
        let rules = Managed::new(self.allow, self.vars, class)?;
        for (i, text) in self.spec.policies.managed.iter().enumerate() {
            let at = format!("spec.policies.managed[{i}]");
            let arn =
                policy_arn(text, self.vars).map_err(|error| Error::new(Category::Invalid, format!("{at}: {error}")))?;
            if rules.allows(&arn) {
                continue;
            }
            let why = if is_mighty(&arn) {
                format!(
                    "{arn} gives all power in the account, and IrsaClass {class} does not name it by its full ARN in \
                     spec.allow.managedPolicies; take a policy with what the application needs"
                )
            } else {
                format!("IrsaClass {class} does not allow {arn} (spec.allow.managedPolicies); {}", one_of(listed))
            };
            self.against(Part::Managed(i), format!("{at}: {why}"));
        }
        Ok(())
    }

    pub(super) fn inline(&mut self) -> Result<(), Error> {
        if self.desired.inline.is_empty() {
            return Ok(());
        }
        let class = self.who.class;
        let fence = fence(self.allow, self.vars, class)?;
        let rule = "spec.allow.inlinePolicies";
        for (i, policy) in self.spec.policies.inline.iter().enumerate() {
            let Some(document) = self.desired.inline.get(&policy.name) else { continue };
            let at = format!("spec.policies.inline[{i}]");
            let breaches = if self.allow.inline_policies.rules.is_empty() {
                vec![format!("{at}: IrsaClass {class} allows no inline policies ({rule}); take managed policies")]
            } else {
                fence
                    .breaches(document)
                    .into_iter()
                    .map(|why| format!("{at}.document.{why} ({rule} of IrsaClass {class})"))
                    .collect()
            };
            breaches.into_iter().for_each(|text| self.against(Part::Inline(policy.name.clone()), text));
        }
        Ok(())
    }

    pub(super) fn tags(&mut self) -> Result<(), Error> {
        let allow = &self.allow.tags;
        let class = self.who.class;
        for key in self.spec.role.iter().flat_map(|role| role.tags.keys()) {
            // The class's own tag stands there in any case, whatever the binding says.
            let Some(value) = self.desired.tags.get(key).filter(|_| tags::get(&self.class.role.tags, key).is_none())
            else {
                continue;
            };
            let at = format!("spec.role.tags[{key}]");
            if !allow.keys.iter().any(|glob| covers_key(glob, key)) {
                let text = format!(
                    "{at}: IrsaClass {class} does not allow a tag of this key (spec.allow.tags.keys); {}",
                    one_of(&allow.keys)
                );
                self.against(Part::Tag(key.clone()), text);
                continue;
            }
            // By whatever IAM might take for the same key.
            let limits = allow.values.iter().filter(|(limited, _)| limited.to_lowercase() == key.to_lowercase());
            for (limited, values) in limits {
                let globs = self.globs(&format!("tags.values[{limited}]"), values)?;
                if !globs.iter().any(|glob| covers(glob, value)) {
                    let text = format!(
                        "{at}: IrsaClass {class} does not allow the value {value:?} (spec.allow.tags.values); {}",
                        one_of(&globs)
                    );
                    self.against(Part::Tag(key.clone()), text);
                }
            }
        }
        for key in &allow.required {
            if tags::get(&self.desired.tags, key).is_none_or(str::is_empty) {
                let text = format!(
                    "spec.role.tags: IrsaClass {class} requires the tag {key} (spec.allow.tags.required); add it with a \
                     value"
                );
                self.against(Part::Missing, text);
            }
        }
        Ok(())
    }
}

/// A glob of the class as one for ARNs.
fn whole_arn(glob: &str, vars: &Vars) -> String {
    let of = |account: &str, rest: &str| format!("arn:{}:iam::{account}:policy/{rest}", vars.partition);
    if let Some(rest) = glob.strip_prefix("aws:") {
        of("aws", rest)
    } else if let Some(rest) = glob.strip_prefix("account:") {
        of(&vars.account, rest)
    } else {
        glob.to_owned()
    }
}

/// Whether an ARN is that of a policy that no glob covers, however it is written.
fn is_mighty(arn: &str) -> bool {
    let name = arn.rsplit('/').next().unwrap_or_default();
    arn.split(':').nth(4) == Some("aws") && MIGHTY.iter().any(|mighty| mighty.eq_ignore_ascii_case(name))
}
