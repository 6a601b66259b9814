//! What a tenant can really do in AWS, whatever objects say: its tokens, the roles that they get, and what those may.

use super::Space;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An action on a resource.
pub type Probe = (String, String);

impl Space {
    /// Which of `probes` somebody can do who has any token of these ServiceAccounts of the namespace. Asked is the truth
    /// and not what has got around: a role that STS hears of in a minute counts now.
    pub async fn can(&self, accounts: &[&str], probes: &[Probe]) -> BTreeSet<Probe> {
        let mut found = BTreeSet::new();
        for role in self.roles_of(accounts).await {
            let asked: Vec<Value> = probes.iter().map(|(a, r)| json!({"action": a, "resource": r})).collect();
            let body = json!({"account": self.emulator.account, "role": role, "probes": asked});
            let answer = self.emulator.ask("POST", "/_admin/can".to_owned(), Some(body)).await;
            let answers = answer["answers"].as_array().expect("answers");
            assert_eq!(answers.len(), probes.len());
            let allowed = probes.iter().zip(answers).filter(|(_, answer)| answer["allowed"] == true);
            found.extend(allowed.map(|(probe, _)| probe.clone()));
        }
        found
    }

    /// The roles of the AWS account that tokens of these ServiceAccounts get, with the audience of AWS and with that of the
    /// API server.
    pub async fn roles_of(&self, accounts: &[&str]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for account in accounts {
            for audience in [Some("sts.amazonaws.com"), None] {
                let token = self.kube.token(&self.namespace, account, audience).await;
                let body = json!({"account": self.emulator.account, "token": token});
                let answer = self.emulator.ask("POST", "/_admin/trusting".to_owned(), Some(body)).await;
                let roles = answer["roles"].as_array().expect("roles").iter();
                found.extend(roles.filter_map(|role| role.as_str().map(str::to_owned)));
            }
        }
        found
    }
}
