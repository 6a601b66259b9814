//! What tenants try who have all rights in their own namespace. After each try the judge is asked what their tokens can
//! really do in AWS.

mod documents;
mod edits;
mod judge;
