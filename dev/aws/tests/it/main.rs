//! The emulator from outside: its program, over HTTP, with signed calls. One server for all tests, an account for each.

mod authorise;
mod basics;
mod client;
mod environment;
mod faults;
mod propagation;
mod sessions;
mod strict;
mod tokens;
