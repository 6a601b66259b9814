//! The documentation is held to the code: the reference is what types, flags and reasons say, links lead somewhere, and
//! what is quoted as the operator's words are its words.

mod fields;
mod files;
mod flags;
mod links;
mod reasons;
mod reference;
