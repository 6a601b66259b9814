//! The OIDC provider and its class.

use super::{FATES, Trap, kill_at};
use crate::harness::{Env, Kube, Operator, allow, eventually, is, paths};
use serde_json::{Value, json};

async fn make_class(kube: &Kube, name: &str, spec: Value) {
    let class = json!({
        "apiVersion": "irsa-operator.io/v1alpha1",
        "kind": "IrsaClass",
        "metadata": {"name": name},
        "spec": allow::open(spec),
    });
    kube.create(paths::CLASSES, &class).await;
}

async fn ready(kube: &Kube, name: &str) {
    eventually(&format!("class {name} is Ready"), async || {
        let class = kube.get(&format!("{}/{name}", paths::CLASSES)).await;
        if is(&class, "Ready", "True") { Ok(()) } else { Err(class["status"].to_string()) }
    })
    .await;
}

async fn gone(kube: &Kube, name: &str) {
    eventually(&format!("class {name} is gone"), async || {
        let class = kube.get(&format!("{}/{name}", paths::CLASSES)).await;
        if class.is_null() { Ok(()) } else { Err(class.to_string()) }
    })
    .await;
}

/// Killed where the provider is made, and where it is deleted.
pub async fn made_and_deleted(env: &Env, mut operator: Operator) -> Operator {
    let kube = env.kube().await;
    for (number, fate) in FATES.into_iter().enumerate() {
        let name = format!("provider-{number}");
        let url = json!({"Url": env.issuer});
        let trap = Trap::set(&env.emulator, "CreateOpenIDConnectProvider", url, fate).await;
        make_class(&kube, &name, json!({"oidcProvider": {"deletionPolicy": "Delete"}})).await;
        operator = kill_at(env, operator, &[trap], async || ready(&kube, &name).await).await;
        let providers = env.emulator.providers().await;
        assert_eq!(providers.len(), 1, "{fate:?}: {providers:?}");
        assert_eq!(providers[0]["arn"], env.provider_arn(), "{fate:?}");
        assert_eq!(providers[0]["clientIds"], json!(["sts.amazonaws.com"]), "{fate:?}");
        let tags = json!({"irsa-operator.io/cluster": crate::harness::CLUSTER_ID, "irsa-operator.io/schema": "1"});
        assert_eq!(providers[0]["tags"], tags, "{fate:?}");

        let arn = json!({"OpenIDConnectProviderArn": env.provider_arn()});
        let trap = Trap::set(&env.emulator, "DeleteOpenIDConnectProvider", arn, fate).await;
        kube.delete(&format!("{}/{name}", paths::CLASSES)).await;
        operator = kill_at(env, operator, &[trap], async || gone(&kube, &name).await).await;
        assert_eq!(env.emulator.providers().await, [Value::Null; 0], "{fate:?}");
    }
    operator
}

/// Killed where audiences are added, those of several classes at once.
pub async fn given_audiences(env: &Env, operator: Operator) -> Operator {
    let kube = env.kube().await;
    let audience = |number: usize| format!("audience-{number}");
    let mut traps = Vec::new();
    for (number, fate) in FATES.into_iter().enumerate() {
        let params = json!({"OpenIDConnectProviderArn": env.provider_arn(), "ClientID": audience(number)});
        traps.push(Trap::set(&env.emulator, "AddClientIDToOpenIDConnectProvider", params, fate).await);
    }
    make_class(&kube, "first", json!({})).await;
    ready(&kube, "first").await;
    for number in 0..FATES.len() {
        let audiences = json!(["sts.amazonaws.com", audience(number)]);
        make_class(&kube, &audience(number), json!({"oidcProvider": {"audiences": audiences}})).await;
    }
    let operator = kill_at(env, operator, &traps, async || {
        for number in 0..FATES.len() {
            ready(&kube, &audience(number)).await;
        }
    })
    .await;
    let mut has: Vec<String> = serde_json::from_value(env.emulator.providers().await[0]["clientIds"].take()).unwrap();
    has.sort();
    let mut wanted: Vec<String> = (0..FATES.len()).map(audience).collect();
    wanted.push("sts.amazonaws.com".to_owned());
    assert_eq!(has, wanted);
    operator
}
