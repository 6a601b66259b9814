//! Names with their sentences, so that the reference in `docs/` is made from the code and can't go stale.

/// A name that goes over a wire, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// As it is written.
    pub name: &'static str,
    /// Its documentation.
    pub help: &'static str,
}

/// Constants as they would stand without it, and `CATALOG`: all of them with what is said of them.
macro_rules! catalog {
    ($($(#[doc = $help:literal])+ pub const $constant:ident: &str = $name:literal;)*) => {
        $($(#[doc = $help])+ pub const $constant: &str = $name;)*
        /// All of them and what they say, in this order: `docs/reference/` is made from it.
        pub const CATALOG: &[$crate::api::About] =
            &[$($crate::api::About { name: $name, help: concat!($($help),+) }),*];
    };
}
pub(super) use catalog;
