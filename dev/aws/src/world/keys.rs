//! Access keys and sessions: one index for all accounts, so that a call's caller is one look-up away.
//! Source: sts AssumeRole and GetCallerIdentity (what an assumed role's ARN and user id look like).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ring::rand::{SecureRandom, SystemRandom};

#[derive(Clone, Debug)]
pub enum Who {
    User {
        name: String,
    },
    Session {
        role: String,
        role_id: String,
        /// The role's own ARN, path and all: what `aws:PrincipalArn` is.
        role_arn: String,
        policies: Vec<String>,
    },
}

#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
    pub account: String,
    pub arn: String,
    pub user_id: String,
    pub who: Who,
    pub issued: DateTime<Utc>,
    pub expires: Option<DateTime<Utc>>,
}

#[derive(Default)]
pub struct Keys {
    by_id: HashMap<String, Key>,
}

/// Sessions that nobody will use any more go when so many have come.
const SWEEP_AT: usize = 20_000;

impl Keys {
    pub fn get(&self, id: &str) -> Option<&Key> {
        self.by_id.get(id)
    }

    pub fn add(&mut self, key: Key) {
        if self.by_id.len() >= SWEEP_AT {
            let now = Utc::now();
            self.by_id.retain(|_, key| key.expires.is_none_or(|end| end > now));
        }
        self.by_id.insert(key.id.clone(), key);
    }

    pub fn forget_account(&mut self, account: &str) {
        self.by_id.retain(|_, key| key.account != account);
    }

    pub fn of_user(&self, account: &str, user: &str) -> Option<&Key> {
        self.by_id.values().find(|key| key.account == account && matches!(&key.who, Who::User { name } if name == user))
    }
}

/// `length` characters of an alphabet.
pub fn random(length: usize, alphabet: &[u8]) -> String {
    let mut bytes = vec![0; length];
    // Without randomness nothing here can be told apart.
    SystemRandom::new().fill(&mut bytes).expect("the system gives no random numbers");
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An id as AWS makes them: four letters that say what it is, and 16 or 17 of base 32.
pub fn unique_id(prefix: &str) -> String {
    let length = if prefix.ends_with("IA") && prefix != "AIDA" { 16 } else { 17 };
    format!("{prefix}{}", random(length, UPPER))
}

pub fn secret() -> String {
    random(40, MIXED)
}

pub fn session_token() -> String {
    format!("IQoJb3JpZ2luX2Vj{}", random(340, MIXED))
}
