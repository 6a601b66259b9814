//! From the bytes of a request to a call: which service, which operation, which parameters, whose key.
//! Source: the credential scope names the service; IAM and STS speak the query protocol, EKS REST-JSON.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use fakecloud_aws::sigv4::parse_sigv4_header;
use http::request::Parts;

use crate::call::{Call, Service, Wire};
use crate::world::World;

/// `a=b&c=d`, with `+` and percent escapes undone.
pub fn form(text: &str) -> BTreeMap<String, String> {
    let plain = |part: &str| {
        let part = part.replace('+', " ");
        percent_encoding::percent_decode_str(&part).decode_utf8_lossy().into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (plain(name), plain(value))
        })
        .collect()
}

/// EKS: the operation and its parameters from method and path.
fn rest(method: &str, path: &str, query: &str) -> (String, BTreeMap<String, String>) {
    let mut params = form(query);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let op = match (method, parts.as_slice()) {
        ("GET", ["clusters"]) => "ListClusters".to_owned(),
        ("GET", ["clusters", name]) => {
            let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
            params.insert("name".to_owned(), name);
            "DescribeCluster".to_owned()
        }
        _ => format!("{method} {path}"),
    };
    (op, params)
}

pub fn parse(world: &World, head: Parts, body: Bytes, peer: IpAddr) -> Call {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let signed = text("authorization").and_then(|auth| parse_sigv4_header(auth, text("x-amz-date")));
    let path = head.uri.path().to_owned();
    let query = head.uri.query().unwrap_or("").to_owned();
    let method = head.method.as_str().to_owned();

    let mut params = BTreeMap::new();
    let mut op = String::new();
    let mut service = signed.as_ref().map_or(Service::Unknown, |signed| Service::named(&signed.service));
    if service == Service::Eks {
        (op, params) = rest(&method, &path, &query);
    } else {
        params.extend(form(&query));
        params.extend(form(&String::from_utf8_lossy(&body)));
        params.remove("Version");
        if let Some(action) = params.remove("Action") {
            op = action;
        }
        if signed.is_none() && op.starts_with("AssumeRoleWith") {
            service = Service::Sts;
        }
    }

    let mut own = world.own.borrow_mut();
    let caller = signed.as_ref().and_then(|signed| own.keys.get(&signed.access_key)).cloned();
    let account = match &caller {
        Some(key) => key.account.clone(),
        None => params
            .get("RoleArn")
            .and_then(|arn| arn.split(':').nth(4))
            .filter(|account| own.accounts.contains_key(*account))
            .unwrap_or("")
            .to_owned(),
    };
    own.calls += 1;
    let seq = own.calls;
    Call {
        seq,
        service,
        op,
        params,
        partition: own.partition(&account),
        region: signed.as_ref().map_or_else(|| "us-east-1".to_owned(), |signed| signed.region.clone()),
        caller,
        request_id: request_id(seq),
        now: own.now(&account),
        account,
        wire: Wire { method, path, query, headers: head.headers, body, signed, source: Some(peer) },
        marks: Vec::new(),
        authorised: Vec::new(),
        rules: Vec::new(),
    }
}

fn request_id(seq: u64) -> String {
    format!("{:08x}-0000-4000-8000-{seq:012x}", seq.wrapping_mul(0x9e37_79b9) as u32)
}
