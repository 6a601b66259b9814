//! The documentation is held to the code: the reference is what types, flags and reasons say, links lead somewhere,
//! shell blocks say whether they are run, and what is quoted as the operator's words are its words.

mod blocks;
mod fields;
mod files;
mod flags;
mod links;
mod quotes;
mod reasons;
mod reference;
mod security;
