//! To the crate's own handlers and back: managed policies, OIDC providers, instance profiles, the summary.
//! Its handlers never wait when there is no snapshot store, so one poll is the whole of a call.

use std::collections::HashMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use fakecloud_core::service::{AwsRequest, AwsService, ResponseBody};
use parking_lot::Mutex;

use crate::answer::{Outcome, Refusal, Reply};
use crate::call::Call;
use crate::world::World;
use crate::world::accounts::region_of;

const CATALOGUE: &str = "arn:aws:iam::aws:policy/";

pub fn handle(world: &World, call: &Call) -> Outcome {
    let mut params: HashMap<String, String> =
        call.params.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    // The catalogue of AWS's own policies has the partition aws: the others' are asked for and answered by its names.
    let here = format!("arn:{}:iam::aws:policy/", call.partition);
    if let Some(arn) = params.get_mut("PolicyArn")
        && let Some(name) = arn.strip_prefix(&here)
    {
        *arn = format!("{CATALOGUE}{name}");
    }
    let request = AwsRequest {
        service: "iam".to_owned(),
        action: call.op.clone(),
        // The crate takes the partition from the region.
        region: region_of(&call.partition).to_owned(),
        account_id: call.account.clone(),
        request_id: call.request_id.clone(),
        headers: http::HeaderMap::new(),
        query_params: params,
        body: Bytes::new(),
        body_stream: Mutex::new(None),
        path_segments: Vec::new(),
        raw_path: "/".to_owned(),
        raw_query: String::new(),
        method: http::Method::POST,
        is_query_protocol: true,
        access_key_id: None,
        principal: None,
    };
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = pin!(world.crate_iam.handle(request)).poll(&mut context) else {
        return Err(Refusal::new(500, "ServiceFailure", "a handler of the crate waited"));
    };
    match answer?.body {
        ResponseBody::Bytes(bytes) => Ok(Reply::Xml(String::from_utf8_lossy(&bytes).replace(CATALOGUE, &here))),
        ResponseBody::File { .. } => Err(Refusal::new(500, "ServiceFailure", "a handler of the crate sent a file")),
    }
}
