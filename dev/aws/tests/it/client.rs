//! A small client: HTTP/1.1 by hand and Signature Version 4, so that the tests compile in seconds and send what
//! no SDK would.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

struct Server {
    address: String,
    /// Its standard input ends with this process, and it with that.
    child: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_irsa-dev-aws"))
            .args(["--listen", "127.0.0.1:0", "--exit-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("listening on http://").expect("where it listens").to_owned();
        Server { address, child }
    })
}

/// The emulator's process.
pub fn process() -> u32 {
    server().child.id()
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    /// The text of the first `<tag>`.
    pub fn tag(&self, tag: &str) -> String {
        self.tags(tag).into_iter().next().unwrap_or_default()
    }

    pub fn tags(&self, tag: &str) -> Vec<String> {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let rest = self.body.split(&open).skip(1);
        rest.filter_map(|part| part.split(&close).next()).map(plain).collect()
    }

    pub fn code(&self) -> String {
        self.tag("Code")
    }

    pub fn message(&self) -> String {
        self.tag("Message")
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(self.message().contains(part), "not {part:?}: {self:?}");
        self
    }
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// One request on a connection of its own; an error where it ended without an answer.
pub fn exchange(method: &str, path: &str, headers: &[(String, String)], body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(&server().address)?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", server().address);
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let nothing = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "closed without a byte");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(nothing)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(nothing)?;
    Ok(Answer { status, headers: head.to_owned(), body: body.to_owned() })
}

pub fn admin(method: &str, path: &str, body: Value) -> Value {
    let (status, value) = try_admin(method, path, body);
    assert_eq!(status, 200, "{method} {path}: {value}");
    value
}

pub fn try_admin(method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = exchange(method, &format!("/_admin/{path}"), &[], &body).expect("the admin API answers");
    (answer.status, answer.json())
}

pub fn get(path: &str) -> Value {
    admin("GET", path, Value::Null)
}

#[derive(Clone, Debug)]
pub struct Keys {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
}

pub struct Account {
    pub id: String,
    pub admin: Keys,
}

/// A new account of this test's own.
pub fn account() -> Account {
    let made = admin("POST", "accounts", json!({}));
    let text = |name: &str| made[name].as_str().expect("a string").to_owned();
    Account {
        id: text("account"),
        admin: Keys { id: text("accessKeyId"), secret: text("secretAccessKey"), token: None },
    }
}

impl Account {
    pub fn role(&self, name: &str) -> Value {
        get(&format!("state/roles?account={}&name={name}", self.id))["roles"][0].clone()
    }

    pub fn rule(&self, mut rule: Value) -> u64 {
        rule["match"]["account"] = json!(self.id);
        admin("POST", "rules", rule)["id"].as_u64().expect("an id")
    }

    /// The journal of this account, filtered further.
    pub fn calls(&self, filter: &str) -> Vec<Value> {
        get(&format!("journal?account={}&{filter}", self.id))["calls"].as_array().expect("a list").clone()
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

pub fn form(op: &str, params: &[(&str, &str)]) -> String {
    let mut all: BTreeMap<&str, &str> = params.iter().copied().collect();
    all.insert("Action", op);
    all.insert("Version", "2010-05-08");
    all.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

impl Keys {
    fn signed(&self, service: &str, region: &str, method: &str, path: &str, body: &str) -> Vec<(String, String)> {
        let now = chrono::Utc::now();
        let (date, day) = (now.format("%Y%m%dT%H%M%SZ").to_string(), now.format("%Y%m%d").to_string());
        let mut headers = vec![("host".to_owned(), server().address.clone()), ("x-amz-date".to_owned(), date.clone())];
        if let Some(token) = &self.token {
            headers.push(("x-amz-security-token".to_owned(), token.clone()));
        }
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let canonical: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let payload = hex(&Sha256::digest(body.as_bytes()));
        let request = format!("{method}\n{path}\n{query}\n{canonical}\n{names}\n{payload}");
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request.as_bytes())));
        let mut key = hmac(format!("AWS4{}", self.secret).as_bytes(), &day);
        for part in [region, service, "aws4_request"] {
            key = hmac(&key, part);
        }
        let signature = hex(&hmac(&key, &to_sign));
        headers.remove(0);
        headers.push((
            "authorization".to_owned(),
            format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", self.id),
        ));
        headers
    }

    pub fn query(&self, service: &str, op: &str, params: &[(&str, &str)]) -> std::io::Result<Answer> {
        let body = form(op, params);
        exchange("POST", "/", &self.signed(service, "us-east-1", "POST", "/", &body), &body)
    }

    /// Sends a call of IAM and reads nothing.
    pub fn send_and_leave(&self, op: &str, params: &[(&str, &str)]) -> TcpStream {
        let mut stream = self.connection();
        stream.write_all(self.request(op, params).as_bytes()).expect("sent");
        stream
    }

    pub fn connection(&self) -> TcpStream {
        TcpStream::connect(&server().address).expect("a connection")
    }

    /// A call of IAM as it goes over the wire, on a connection that stays.
    pub fn request(&self, op: &str, params: &[(&str, &str)]) -> String {
        let body = form(op, params);
        let mut head = format!("POST / HTTP/1.1\r\nhost: {}\r\n", server().address);
        for (name, value) in self.signed("iam", "us-east-1", "POST", "/", &body) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    }

    pub fn iam(&self, op: &str, params: &[(&str, &str)]) -> Answer {
        self.query("iam", op, params).expect("an answer")
    }

    pub fn sts(&self, op: &str, params: &[(&str, &str)]) -> Answer {
        self.query("sts", op, params).expect("an answer")
    }

    pub fn eks(&self, region: &str, path: &str) -> Answer {
        exchange("GET", path, &self.signed("eks", region, "GET", path, ""), "").expect("an answer")
    }

    /// The keys of a session of this role.
    pub fn assume(&self, arn: &str, session: &str) -> Keys {
        let answer = self.sts("AssumeRole", &[("RoleArn", arn), ("RoleSessionName", session)]).ok();
        Keys::of(&answer)
    }

    pub fn of(answer: &Answer) -> Keys {
        Keys {
            id: answer.tag("AccessKeyId"),
            secret: answer.tag("SecretAccessKey"),
            token: Some(answer.tag("SessionToken")),
        }
    }
}

pub fn web_identity(params: &[(&str, &str)]) -> Answer {
    exchange("POST", "/", &[], &form("AssumeRoleWithWebIdentity", params)).expect("an answer")
}

/// A trust policy for one service.
pub const EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A trust policy for one principal of AWS.
pub fn trusts(principal: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}]})
        .to_string()
}
