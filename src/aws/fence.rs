//! The last look before a request leaves: does this replica still lead?

use crate::leader::{Fence, NotLeading};
use aws_sdk_iam::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_iam::error::BoxError;
use std::time::Instant;

/// Refuses what is signed and about to be sent. Asked earlier, a process that is stopped while credentials are fetched
/// would send when it goes on, with another leader at work. What is left is the moment in which a socket is written.
#[derive(Debug)]
pub struct LastLook(pub Fence);

impl Intercept for LastLook {
    fn name(&self) -> &'static str {
        "fence"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.holds(Instant::now()) { Ok(()) } else { Err(NotLeading.into()) }
    }
}
