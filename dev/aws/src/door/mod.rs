//! The door: connections, what was asked, by whom, and the book of all calls.

pub mod journal;
pub mod listen;
pub mod principal;
pub mod route;
