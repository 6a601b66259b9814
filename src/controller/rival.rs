//! Two bindings that want one ServiceAccount.

use super::binding::who;
use super::bygone::named;
use super::state::State;
use crate::api::IrsaBindingSpec;
use crate::desired::{identity, vars};
use crate::error::{Category, Error};
use crate::holder::{Candidate, holder};
use crate::iam::arn::RoleArn;
use crate::store::{LeanBinding, NsName};

/// Two bindings on one ServiceAccount would take turns for ever: one has it, the other is told.
pub fn refuse_rival(state: &State, object: &LeanBinding, spec: &IrsaBindingSpec) -> Result<(), Error> {
    let account = NsName::new(object.head.key.namespace.clone(), spec.service_account.name.as_str());
    let sharing = state.bindings.bindings_of_service_account(&account);
    if sharing.len() < 2 {
        return Ok(());
    }
    let live = state.accounts.get(&account).and_then(|account| account.role_arn().map(str::to_owned));
    let candidates: Vec<Candidate> = sharing
        .iter()
        .filter_map(|key| state.bindings.get(key))
        .map(|b| candidate(state, b, live.as_deref()))
        .collect();
    match holder(&candidates, live.as_deref()) {
        Some(first) if *first.name != *object.head.key.name => Err(Error::new(
            Category::Conflict,
            format!(
                "ServiceAccount {} already gets its role from IrsaBinding {}; delete one of the two bindings",
                account.name, first.name
            ),
        )),
        _ => Ok(()),
    }
}

fn candidate(state: &State, binding: &LeanBinding, live: Option<&str>) -> Candidate {
    let role_arn = || {
        let class = state.class(binding.class_name.as_deref()).ok()?;
        let account = binding.service_account.as_deref()?;
        let vars = vars(who(&binding.head.key, &class.name), account, &class.place);
        let named = named(binding);
        let (arn, name) = identity(&class.spec, named.as_deref(), &vars).ok()?;
        // The path of a role that the spec names stands in the annotation.
        let same = |live: &RoleArn| named.is_some() && live.name == name && live.account == class.place.account;
        let live = live.and_then(RoleArn::parse).filter(same);
        Some(live.map_or(arn, |live| live.to_string()))
    };
    Candidate { name: binding.head.key.name.to_string(), created: binding.head.created.clone(), role_arn: role_arn() }
}
