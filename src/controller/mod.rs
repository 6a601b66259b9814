//! Watches, the queue's workers, and the reconciles. What is decided, is decided in the pure files; what happens here
//! is asking, telling and writing.

mod account;
mod adopt;
mod agree;
mod annotate;
mod api;
mod beat;
mod binding;
mod bounds;
mod bygone;
mod class;
mod contested;
mod create;
mod deletion;
mod events;
mod execute;
mod facts;
mod forget;
mod former;
mod fuse;
mod hand_over;
mod identity;
mod issuers;
mod known;
mod last_look;
mod lease;
mod lock;
mod orphans;
mod provider;
mod quarantine;
mod readings;
mod refresh;
mod released;
mod revoke;
mod rival;
mod state;
mod tell;
mod wake;
mod watch;
mod worker;
mod write;

pub use api::fenced;
pub use events::Events;
pub use lease::{KIND as LEASES, Leadership};
pub use state::{Ctx, Settings};
pub use worker::{Next, run};
