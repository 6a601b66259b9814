//! How far the operator goes for a binding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the operator goes, from the narrowest to the widest.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// It writes nothing and shows what it would do.
    Observe,
    /// It writes the ServiceAccount; the role is another cluster's.
    Annotate,
    /// It makes role and ServiceAccount as declared, and keeps them so.
    #[default]
    Manage,
}

impl Mode {
    /// What holds for a binding: the narrower of its own and its class's.
    #[must_use]
    pub fn within(self, class: Self) -> Self {
        self.min(class)
    }
}

#[cfg(test)]
mod tests {
    use super::Mode::{Annotate, Manage, Observe};

    #[test]
    fn the_narrower_of_the_two_holds() {
        let modes = [Observe, Annotate, Manage];
        let held = modes.map(|binding| modes.map(|class| binding.within(class)));
        assert_eq!(held, [[Observe; 3], [Observe, Annotate, Annotate], [Observe, Annotate, Manage]]);
    }
}
