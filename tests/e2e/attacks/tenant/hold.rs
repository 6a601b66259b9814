//! What must be so whatever was tried: what the tenant's tokens can really do, and what its roles are.

use super::Tenant;
use super::classes::STRICT;
use crate::harness::{Probe, paths};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the classes give at most.
const GIVEN: &[(&str, &str)] =
    &[("s3:GetObject", "arn:aws:s3:::shop/x"), ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:111122223333:shop_q")];

/// What they never give.
const NEVER: &[(&str, &str)] = &[
    ("s3:GetObject", "arn:aws:s3:::shop-b/x"),
    ("s3:GetObject", "arn:aws:s3:::other/x"),
    ("s3:PutObject", "arn:aws:s3:::shop/x"),
    ("s3:PutBucketPolicy", "arn:aws:s3:::shop"),
    ("sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:111122223333:other"),
    ("iam:CreateUser", "*"),
    ("iam:PassRole", "arn:aws:iam::111122223333:role/admin"),
    ("sts:AssumeRole", "arn:aws:iam::111122223333:role/irsa-operator"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/x"),
];

impl Tenant {
    async fn roles(&self) -> Vec<Value> {
        let path = format!("/_admin/state/roles?account={}", self.space.emulator.account);
        let answer = self.space.emulator.ask("GET", path, None).await;
        answer["roles"].as_array().cloned().unwrap_or_default()
    }

    /// All roles that are not tagged as the tenant's.
    pub async fn others(&self) -> Vec<Value> {
        let mut roles = self.roles().await;
        roles.retain(|role| !is_own(role));
        roles
    }

    /// What one of these ServiceAccounts can do of all that is asked.
    pub async fn can(&self, accounts: &[&str]) -> BTreeSet<Probe> {
        let probes: Vec<Probe> = GIVEN.iter().chain(NEVER).map(|(a, r)| ((*a).to_owned(), (*r).to_owned())).collect();
        self.space.can(accounts, &probes).await
    }

    /// The same without what may be: nothing of it may ever be there.
    pub async fn can_too_much(&self, accounts: &[&str]) -> BTreeSet<Probe> {
        let mut can = self.can(accounts).await;
        can.retain(|(action, resource)| NEVER.contains(&(action.as_str(), resource.as_str())));
        can
    }

    /// Waits for nothing: a role that the tenant could use now would be too late to take away.
    pub async fn gives_nothing(&self, accounts: &[&str]) {
        let can = self.can(accounts).await;
        assert!(can.is_empty(), "{accounts:?} can {can:?}");
    }

    /// All that is wrong, in words.
    pub async fn holds(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let others = self.others().await;
        for role in &self.before {
            if !others.contains(role) {
                let now = others.iter().find(|other| other["name"] == role["name"]);
                wrong.push(format!("{} was {role}, and is {now:?}", role["name"]));
            }
        }
        let own: Vec<Value> = self.roles().await.into_iter().filter(is_own).collect();
        wrong.extend(own.iter().flat_map(|role| self.faults(role)));
        let accounts = self.space.kube.list(&paths::accounts("shop")).await;
        let accounts: Vec<&str> = accounts.iter().filter_map(|a| a["metadata"]["name"].as_str()).collect();
        let own: BTreeSet<&str> = own.iter().filter_map(|role| role["name"].as_str()).collect();
        for role in self.space.roles_of(&accounts).await {
            if !own.contains(role.as_str()) {
                wrong.push(format!("a token of shop gets {role}"));
            }
        }
        let can = self.can_too_much(&accounts).await;
        if !can.is_empty() {
            wrong.push(format!("tokens of shop can {can:?}"));
        }
        wrong
    }

    /// What a role of the tenant's is and may not be.
    fn faults(&self, role: &Value) -> Vec<String> {
        let (mut wrong, name) = (Vec::new(), &role["name"]);
        let mut is = |what: &str, found: &Value, expected: &Value| {
            if found != expected {
                wrong.push(format!("{name} has the {what} {found}, not {expected}"));
            }
        };
        is("boundary", &role["boundary"], &json!(STRICT));
        for (key, value) in role["tags"].as_object().into_iter().flatten() {
            match key.to_lowercase().as_str() {
                "team" => is("tag", value, &json!("shop")),
                "kind" => is("tag", value, &json!("tenant")),
                "irsa-operator.io/cluster" => is("tag", value, &json!("e2e")),
                _ => {}
            }
        }
        let issuer = self.space.env.issuer.trim_start_matches("https://");
        for statement in role["trust"]["Statement"].as_array().into_iter().flatten() {
            is("principal", &statement["Principal"], &json!({"Federated": self.space.env.provider_arn()}));
            is("condition", &json!(statement["Condition"].as_object().map(|all| all.len())), &json!(1));
            let equals = &statement["Condition"]["StringEquals"];
            is("audience", &equals[format!("{issuer}:aud")], &json!("sts.amazonaws.com"));
            let subjects = &equals[format!("{issuer}:sub")];
            let list = subjects.as_array().cloned().unwrap_or_else(|| vec![subjects.clone()]);
            let own = |subject: &Value| {
                let name = subject.as_str().and_then(|text| text.strip_prefix("system:serviceaccount:shop:"));
                name.is_some_and(|name| name.starts_with("app-") && !name.contains(['*', '?', ':']))
            };
            is("subjects", &json!(list.iter().all(own)), &json!(true));
        }
        wrong
    }
}

fn is_own(role: &Value) -> bool {
    let tags = &role["tags"];
    tags["irsa-operator.io/namespace"] == "shop" && tags["irsa-operator.io/cluster"] == "e2e"
}
