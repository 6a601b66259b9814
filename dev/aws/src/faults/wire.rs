//! Throttling as each service says it, and the page of a proxy that is not AWS at all.
//! Source: IAM and STS `Throttling` 400 "Rate exceeded" (not modelled, reported by many); EKS's service model has
//! ThrottlingException 429.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use crate::answer::{Refusal, plain};
use crate::call::Service;

pub fn throttle(service: Service) -> Refusal {
    match service {
        Service::Eks => Refusal::new(429, "ThrottlingException", "Rate exceeded"),
        _ => Refusal::new(400, "Throttling", "Rate exceeded"),
    }
}

pub fn page(status: u16) -> Response<Full<Bytes>> {
    let body =
        format!("<html><head><title>{status}</title></head><body><h1>{status}</h1><p>upstream</p></body></html>");
    plain(status, "text/html", body)
}
