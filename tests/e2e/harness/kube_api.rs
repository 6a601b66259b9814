//! The API server as an administrator sees it, with objects as plain JSON.

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Error};
use serde_json::{Value, json};
use std::path::Path;

/// Paths of the kinds that tests work with.
pub mod paths {
    /// Bindings of a namespace.
    pub fn bindings(namespace: &str) -> String {
        format!("/apis/irsa-operator.io/v1alpha1/namespaces/{namespace}/irsabindings")
    }
    /// ServiceAccounts of a namespace.
    pub fn accounts(namespace: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/serviceaccounts")
    }
    /// Classes.
    pub const CLASSES: &str = "/apis/irsa-operator.io/v1alpha1/irsaclasses";
    /// Namespaces.
    pub const NAMESPACES: &str = "/api/v1/namespaces";
    /// Resource definitions.
    pub const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
}

/// An administrator's client. It belongs to the runtime of one test.
#[derive(Clone)]
pub struct Kube {
    /// For what is not here.
    pub client: Client,
}

impl Kube {
    pub async fn new(kubeconfig: &Path) -> Self {
        let file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        let config =
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a configuration");
        Self { client: Client::try_from(config).expect("a client") }
    }

    /// The same as this user, who is in no group of its own.
    pub async fn as_user(kubeconfig: &Path, user: &str) -> Self {
        let mut file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
        file.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()).for_each(|info| {
            info.impersonate = Some(user.to_owned());
        });
        let config =
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a configuration");
        Self { client: Client::try_from(config).expect("a client") }
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &Value) -> Result<Value, Error> {
        let request = http::Request::builder().method(method).uri(path).header("content-type", kind);
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.client.request(request.body(body).expect("a request")).await
    }

    /// The object, or null where there is none.
    pub async fn get(&self, path: &str) -> Value {
        match self.send("GET", path, "application/json", &Value::Null).await {
            Ok(object) => object,
            Err(Error::Api(status)) if status.code == 404 => Value::Null,
            Err(error) => panic!("GET {path}: {error}"),
        }
    }

    /// Objects of a list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        self.get(path).await["items"].as_array().cloned().unwrap_or_default()
    }

    /// Makes it, or says why not.
    pub async fn try_create(&self, path: &str, object: &Value) -> Result<Value, Error> {
        self.send("POST", path, "application/json", object).await
    }

    /// Makes it.
    pub async fn create(&self, path: &str, object: &Value) -> Value {
        self.try_create(path, object).await.unwrap_or_else(|error| panic!("POST {path} {object}: {error}"))
    }

    /// A merge patch, or why not.
    pub async fn try_patch(&self, path: &str, patch: &Value) -> Result<Value, Error> {
        self.send("PATCH", path, "application/merge-patch+json", patch).await
    }

    /// A merge patch.
    pub async fn patch(&self, path: &str, patch: &Value) -> Value {
        self.try_patch(path, patch).await.unwrap_or_else(|error| panic!("PATCH {path} {patch}: {error}"))
    }

    /// Server-side apply under a field manager, with force.
    pub async fn apply(&self, path: &str, manager: &str, object: &Value) -> Value {
        let path = format!("{path}?fieldManager={manager}&force=true");
        let answer = self.send("PATCH", &path, "application/apply-patch+yaml", object).await;
        answer.unwrap_or_else(|error| panic!("apply {path} {object}: {error}"))
    }

    /// Replaces it.
    pub async fn put(&self, path: &str, object: &Value) -> Value {
        let answer = self.send("PUT", path, "application/json", object).await;
        answer.unwrap_or_else(|error| panic!("PUT {path} {object}: {error}"))
    }

    /// Asks for its deletion, or says why not.
    pub async fn try_delete(&self, path: &str) -> Result<Value, Error> {
        self.send("DELETE", path, "application/json", &Value::Null).await
    }

    /// Asks for its deletion. What is gone already is no error.
    pub async fn delete(&self, path: &str) {
        match self.try_delete(path).await {
            Ok(_) => {}
            Err(Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("DELETE {path}: {error}"),
        }
    }

    /// A token as the kubelet asks for it.
    pub async fn token(&self, namespace: &str, account: &str, audience: Option<&str>) -> String {
        let audiences: Vec<&str> = audience.into_iter().collect();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": audiences, "expirationSeconds": 3600},
        });
        let answer = self.create(&format!("{}/{account}/token", paths::accounts(namespace)), &request).await;
        answer["status"]["token"].as_str().expect("a token").to_owned()
    }
}
