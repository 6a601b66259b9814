//! What is remembered of a binding from one reconcile to the next.

use crate::error::Category;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Instant;

/// What is remembered of a binding. It goes with the binding. There is one for each, so what few need is kept apart.
#[derive(Debug, Default)]
pub struct Memory {
    /// When a CreateRole for it was last sent, unless the role was deleted since. What came of it may not be known.
    pub create_sent: Option<Instant>,
    /// The role that it was last reconciled to.
    pub role_arn: Option<Box<str>>,
    /// The class that its role is under, by its tags.
    pub under: Option<Arc<str>>,
    /// With which class, and which look of its role, all was last as the class says.
    pub held: Option<NonZeroU64>,
    /// It waits for the first snapshot of its account.
    pub waits: bool,
    /// Or of any other, where its role may be as well.
    pub waits_anywhere: bool,
    /// What there is of few.
    pub seldom: Option<Box<Seldom>>,
}

/// What is remembered of few bindings.
#[derive(Debug, Default)]
pub struct Seldom {
    /// Which trouble it is in, and since when.
    pub trouble: Option<(Category, Instant)>,
    /// Since when AWS says of its role both that it exists and that it does not.
    pub hidden: Option<Instant>,
    /// To whom its role was offered, since it is not managed any more.
    pub offered: Option<String>,
    /// When it was last looked for everywhere, and not found.
    pub nowhere: Option<Instant>,
    /// What was said before a role was taken over.
    pub announced: Option<String>,
}

impl Memory {
    /// Which trouble it is in, and since when.
    pub fn trouble(&self) -> Option<(Category, Instant)> {
        self.seldom.as_ref()?.trouble
    }

    /// What there is of few, made where it is not there yet.
    pub fn seldom(&mut self) -> &mut Seldom {
        self.seldom.get_or_insert_default()
    }
}
