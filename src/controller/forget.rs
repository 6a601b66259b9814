//! What is remembered of a binding goes with it.

use super::state::State;
use crate::fuse::Removal;
use crate::queue::{Key, Kind};
use crate::store::{Kept, LeanBinding, NsName};
use std::time::Instant;

impl State {
    /// One that was still worked on when it vanished has been remembered anew.
    pub fn forget_late(&mut self, key: &NsName) {
        self.memory.remove(key);
        self.contested.gone(key);
        self.fuse.decided(key, Instant::now());
        // Something is about to be taken off the role that it has left behind.
        let of_its_role = matches!(self.fuse.removal(key), Some(Removal::Quarantine | Removal::Released));
        if !of_its_role {
            self.fuse.settled(key);
        }
    }

    /// A binding is gone for good: whoever shared something with it may go on.
    pub fn forget_binding(&mut self, gone: &LeanBinding) {
        let key = &gone.head.key;
        let memory = self.memory.remove(key);
        self.fuse.gone(key, Instant::now());
        self.contested.gone(key);
        self.queue.forget(&Key::Binding(key.clone()));
        self.backoff.forget(&Key::Binding(key.clone()));
        if let Some(account) = gone.service_account() {
            for other in self.bindings.bindings_of_service_account(&account) {
                self.wake_binding(&other, Kind::Change);
            }
        }
        if let Some(arn) = memory.and_then(|memory| memory.role_arn) {
            self.snapshot.forget(&arn);
            let sharing = self.memory.iter().filter(|(_, m)| m.role_arn.as_ref() == Some(&arn));
            for other in sharing.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
                self.wake_binding(&other, Kind::Change);
            }
        }
        if let Some(class) = &gone.class_name {
            self.class_users_changed(class);
        }
        self.wake_forbidden(&key.namespace);
    }
}
