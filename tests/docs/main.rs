//! The documentation is held to the code: the reference is what types, flags and reasons say, links lead somewhere, and
//! shell blocks say whether they are run.

mod blocks;
mod fields;
mod files;
mod flags;
mod links;
mod reasons;
mod reference;
