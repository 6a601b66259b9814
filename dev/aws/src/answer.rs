//! What a call gets back, in each service's own form.
//! Source: the error shapes of the query protocol and of REST-JSON in the service models.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use serde_json::{Value, json};

use crate::call::Service;

/// An error as AWS says it.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    pub fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new(404, "NoSuchEntity", message)
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidInput", message)
    }

    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(409, "LimitExceeded", message)
    }
}

impl From<fakecloud_core::service::AwsServiceError> for Refusal {
    fn from(error: fakecloud_core::service::AwsServiceError) -> Self {
        Self::new(error.status().as_u16(), error.code(), error.message())
    }
}

/// A success, already in its service's form.
#[derive(Debug, Clone)]
pub enum Reply {
    Xml(String),
    Json(Value),
}

pub type Outcome = Result<Reply, Refusal>;

/// How a connection ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Close,
    Reset,
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Close => "closed without an answer",
            Self::Reset => "reset",
        })
    }
}

impl std::error::Error for Cut {}

fn namespace(service: Service) -> &'static str {
    match service {
        Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => "https://iam.amazonaws.com/doc/2010-05-08/",
    }
}

/// `<OpResponse><OpResult>INNER</OpResult>…`; an empty `inner` means an operation without a result.
pub fn xml(service: Service, op: &str, inner: &str, request_id: &str) -> Reply {
    let result = if inner.is_empty() { String::new() } else { format!("<{op}Result>{inner}</{op}Result>") };
    Reply::Xml(format!(
        "<{op}Response xmlns=\"{}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{op}Response>",
        namespace(service)
    ))
}

/// Text in XML: the five characters that must be escaped.
pub fn escape(text: &str) -> String {
    fakecloud_aws::xml::xml_escape(text)
}

pub fn respond(service: Service, outcome: &Outcome, request_id: &str) -> Response<Full<Bytes>> {
    let (status, kind, body, code) = match outcome {
        Ok(Reply::Xml(text)) => (200, "text/xml", text.clone(), None),
        Ok(Reply::Json(value)) => (200, "application/json", value.to_string(), None),
        Err(refusal) if service == Service::Eks => {
            let body = json!({"message": refusal.message, "__type": refusal.code});
            (refusal.status, "application/json", body.to_string(), Some(refusal.code.clone()))
        }
        Err(refusal) => {
            let side = if refusal.status < 500 { "Sender" } else { "Receiver" };
            let body = format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>{side}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                namespace(service),
                escape(&refusal.code),
                escape(&refusal.message),
            );
            (refusal.status, "text/xml", body, None)
        }
    };
    let mut response = plain(status, kind, body);
    let headers = response.headers_mut();
    if let Ok(id) = request_id.parse() {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(Ok(code)) = code.map(|code| code.parse()) {
        headers.insert("x-amzn-errortype", code);
    }
    response
}

pub fn plain(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    }
    response
}
