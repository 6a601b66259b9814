//! What is known of classes: which one a binding uses, where it makes roles, who uses it.

use super::issuers::Standing;
use super::state::{Class, ClassSeen, State};
use crate::api::{BindingCounts, Mode};
use crate::aws::Aws;
use crate::desired::Place;
use crate::error::{Category, Error};
use crate::store::{Kept, LeanClass, NsName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// From more paths than this on, all roles are listed at once.
const PATHS: usize = 3;

/// How an account is reached.
#[derive(Debug)]
pub struct Reach {
    /// By this.
    pub aws: Aws,
    /// Paths of roles in it, as classes name them.
    pub paths: Vec<String>,
    /// How many ways there are.
    pub ways: usize,
}

impl State {
    /// The class that a binding uses.
    ///
    /// # Errors
    /// `ClassNotReady` that says which class, and what is to be done.
    pub fn class(&self, named: Option<&str>) -> Result<Class, Error> {
        let not_ready = |text: String| Error::new(Category::ClassNotReady, text);
        let object = match named {
            Some(name) => self.classes.get(&NsName::new("", name)).ok_or_else(|| {
                not_ready(format!("IrsaClass {name} does not exist; create it, or name another in spec.className"))
            })?,
            None => self.default_class()?,
        };
        let name = object.head().key.name.as_ref();
        let spec = object.decode().map_err(|e| not_ready(format!("IrsaClass {name} can't be read: {e}")))?;
        if let Some(seen) = self.classes_seen.get(name) {
            match &seen.standing {
                Standing::Frozen(error) => return Err(error.clone()),
                _ => self.frozen(&seen.place, name).map_or(Ok(()), Err)?,
            }
        }
        // What was only looked at is not ready for more than that.
        let done =
            |seen: &&ClassSeen| seen.standing == Standing::Clear && (!seen.observed || spec.mode == Mode::Observe);
        let seen = self.classes_seen.get(name).filter(done).ok_or_else(|| {
            not_ready(format!("IrsaClass {name} is not ready; see kubectl describe irsaclass {name}"))
        })?;
        Ok(Class {
            name: name.to_owned(),
            spec,
            generation: object.head().generation,
            own_role: seen.own_role.clone(),
            place: seen.place.clone(),
            aws: seen.aws.clone(),
        })
    }

    /// The one class that is marked as default.
    ///
    /// # Errors
    /// `ClassNotReady` where there is none, or more than one.
    pub fn default_class(&self) -> Result<&Arc<LeanClass>, Error> {
        let defaults: Vec<&Arc<LeanClass>> = self.classes.iter().filter(|class| class.is_default).collect();
        match defaults.as_slice() {
            [one] => Ok(one),
            [] => Err(Error::new(
                Category::ClassNotReady,
                format!(
                    "no IrsaClass is marked as default; name one in spec.className, or annotate one with {}=true",
                    crate::api::names::DEFAULT_CLASS
                ),
            )),
            many => {
                let names: Vec<&str> = many.iter().map(|class| class.head().key.name.as_ref()).collect();
                let text = format!(
                    "{} are all marked as default; name one in spec.className, or leave the mark on one",
                    names.join(", ")
                );
                Err(Error::new(Category::ClassNotReady, text))
            }
        }
    }

    /// Where this class makes roles, and how that account is reached.
    pub fn place_of(&self, class: &str) -> Option<(Place, Aws)> {
        self.classes_seen.get(class).map(|seen| (seen.place.clone(), seen.aws.clone()))
    }

    /// How this account is reached, if any class does.
    pub fn aws_of(&self, account: &str) -> Option<Aws> {
        self.classes_seen.values().find(|seen| seen.place.account == account).map(|seen| seen.aws.clone())
    }

    /// The accounts that classes make roles in.
    pub fn accounts_in_use(&self) -> BTreeSet<String> {
        self.classes_seen.values().map(|seen| seen.place.account.clone()).collect()
    }

    /// A way to reach an account, another one at each attempt where there are more, and the paths of roles in it.
    pub fn reach(&self, account: &str, attempt: usize) -> Option<Reach> {
        let mut using: Vec<(&Arc<str>, &Aws)> = self
            .classes_seen
            .iter()
            .filter(|(_, seen)| seen.place.account == account)
            .map(|(name, seen)| (name, &seen.aws))
            .collect();
        using.sort_by_key(|(name, _)| *name);
        let (_, aws) = using.get(attempt.checked_rem(using.len())?)?;
        // Those of all classes: one that is not ready yet may turn out to be of this account.
        let specs = self.classes.iter().filter_map(|class| class.decode().ok());
        let paths: BTreeSet<String> = specs.map(|spec| spec.role.path).collect();
        let paths = paths.into_iter().collect();
        Some(Reach { aws: (*aws).clone(), paths, ways: using.len() })
    }

    /// The paths below which roles of an account are listed: those of classes, and where else there are roles that bindings
    /// name.
    pub fn paths_to_list(&self, account: &str, of_classes: &[String]) -> Vec<String> {
        let elsewhere = self.snapshot.paths(account);
        let elsewhere = elsewhere.iter().filter(|path| !of_classes.iter().any(|class| path.starts_with(class)));
        let paths: Vec<String> = of_classes.iter().cloned().chain(elsewhere.map(|path| (*path).to_owned())).collect();
        let root = paths.len() > PATHS || paths.iter().any(|path| path == "/");
        if root { vec!["/".to_owned()] } else { paths }
    }

    /// The classes that make roles in this account have something to tell of it.
    pub fn wake_classes_of(&mut self, account: &str) {
        let using = self.classes_seen.iter().filter(|(_, seen)| seen.place.account == account);
        for name in using.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.wake_class(&name);
        }
    }

    /// Whether another class makes roles in the same place, or one of which that is not known yet.
    pub fn shares_place(&self, class: &str, place: &Place) -> bool {
        let others = self.classes.iter().filter(|c| *c.head().key.name != *class && c.head().deleted.is_none());
        others
            .map(|c| self.classes_seen.get(&c.head().key.name))
            .any(|seen| seen.is_none_or(|seen| seen.place == *place))
    }

    /// Another number of bindings uses this class. One that is being deleted waits for the last of them.
    pub fn class_users_changed(&mut self, class: &str) {
        let deleting = self.classes.get(&NsName::new("", class)).is_some_and(|c| c.head().deleted.is_some());
        let used = self.bindings.iter().any(|binding| binding.class_name.as_deref() == Some(class));
        if deleting && !used { self.wake_class(class) } else { self.count_class(class) }
    }

    /// How many bindings use this class, by state.
    pub fn counts(&self, class: &str) -> BindingCounts {
        let mut counts = BindingCounts::default();
        for binding in self.bindings.iter().filter(|b| b.class_name.as_deref() == Some(class)) {
            counts.total += 1;
            counts.ready += i32::from(binding.says.ready);
            counts.stalled += i32::from(binding.says.stalled);
            counts.deleting += i32::from(binding.head.deleted.is_some());
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Roles that bindings name are not found below the classes' paths.
    #[test]
    fn roles_are_listed_where_they_are() {
        let mut state = State::default();
        let list = |state: &State, of_classes: &[&str]| {
            let paths: Vec<String> = of_classes.iter().map(|path| (*path).to_owned()).collect();
            state.paths_to_list("111122223333", &paths)
        };
        let expect = |state: &mut State, path: &str| {
            let arn = format!("arn:aws:iam::111122223333:role{path}name");
            state.snapshot.absent(&arn, None);
        };
        state.snapshot.absent("arn:aws:iam::444455556666:role/another/account", None);
        assert_eq!(list(&state, &["/irsa/", "/x/"]), ["/irsa/", "/x/"]);
        expect(&mut state, "/irsa/");
        expect(&mut state, "/irsa/below/");
        assert_eq!(list(&state, &["/irsa/"]), ["/irsa/"]);
        expect(&mut state, "/team/apps/");
        assert_eq!(list(&state, &["/irsa/"]), ["/irsa/", "/team/apps/"]);
        assert_eq!(list(&state, &["/a/", "/b/", "/c/"]), ["/"], "one list of all is cheaper than so many");
        expect(&mut state, "/");
        assert_eq!(list(&state, &["/irsa/"]), ["/"], "all others are below it");
    }
}
