//! The bindings and ServiceAccounts that the bench works with: as large as real ones, each another.

use crate::harness::{Env, Kube, is, paths};
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};

/// Managed and inline policies of each binding.
pub const BINDINGS_OF_ONE: (usize, usize) = (2, 1);
/// As many namespaces as a cluster of that size may have.
const NAMESPACES: usize = 50;
/// As many requests are under way at a time.
const AT_A_TIME: usize = 16;

/// What is made.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many bindings, each with a ServiceAccount of its own.
    pub bindings: usize,
}

impl Load {
    /// `IRSA_BENCH_BINDINGS`, or 2,000.
    pub fn from_env() -> Self {
        let bindings = std::env::var("IRSA_BENCH_BINDINGS").ok();
        let bindings = bindings.map_or(2000, |text| text.parse().expect("IRSA_BENCH_BINDINGS is a number"));
        assert!(bindings > 0, "IRSA_BENCH_BINDINGS is at least 1");
        Self { bindings }
    }

    /// Bytes of a binding as its author writes it.
    pub fn size(self) -> usize {
        binding(0).to_string().len()
    }

    fn namespaces(self) -> usize {
        NAMESPACES.min(self.bindings)
    }

    /// Makes all, as fast as the API server takes them.
    pub async fn create(self, env: &Env) {
        let kube = env.kube().await;
        let kube = &kube;
        for number in 0..self.namespaces() {
            kube.create(paths::NAMESPACES, &namespace(&namespace_of(number))).await;
        }
        let make = async |number: usize| {
            let namespace = namespace_of(number);
            kube.create(&paths::accounts(&namespace), &account(number)).await;
            kube.create(&paths::bindings(&namespace), &binding(number)).await;
        };
        stream::iter(0..self.bindings).map(make).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
    }

    /// Every binding says that it is Ready.
    pub async fn assert_ready(self, kube: &Kube) {
        let mut ready = 0;
        for number in 0..self.namespaces() {
            for binding in kube.list(&paths::bindings(&namespace_of(number))).await {
                assert!(is(&binding, "Ready", "True"), "not Ready: {}", binding["status"]);
                ready += 1;
            }
        }
        assert_eq!(ready, self.bindings, "bindings that are Ready");
    }

    /// Deletes all bindings, a namespace at a time.
    pub async fn delete(self, kube: &Kube) {
        for number in 0..self.namespaces() {
            kube.delete(&paths::bindings(&namespace_of(number))).await;
        }
    }

    /// How many bindings there still are.
    pub async fn left(self, kube: &Kube) -> usize {
        let mut left = 0;
        for number in 0..self.namespaces() {
            left += kube.list(&paths::bindings(&namespace_of(number))).await.len();
        }
        left
    }
}

/// A namespace as it is written.
pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn namespace_of(number: usize) -> String {
    format!("team-{:02}", number % NAMESPACES)
}

fn name_of(number: usize) -> String {
    format!("service-{number:05}")
}

fn labels(number: usize) -> Value {
    json!({
        "app.kubernetes.io/name": name_of(number),
        "app.kubernetes.io/instance": format!("{}-{}", name_of(number), namespace_of(number)),
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": namespace_of(number),
        "helm.sh/chart": "service-1.4.2",
    })
}

fn account(number: usize) -> Value {
    let metadata = json!({
        "name": name_of(number),
        "labels": labels(number),
        "annotations": {"meta.helm.sh/release-name": name_of(number)},
    });
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
}

/// A binding of some 3 kB: two managed policies and an inline one of eight statements.
fn binding(number: usize) -> Value {
    let (name, namespace) = (name_of(number), namespace_of(number));
    let statement = |part: usize| {
        json!({
            "Sid": format!("Part{part}"),
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:GetObjectTagging"],
            "Resource": [
                format!("arn:$(partition):s3:::{namespace}-{name}-{part}"),
                format!("arn:$(partition):s3:::{namespace}-{name}-{part}/*"),
            ],
            "Condition": {"StringEquals": {"aws:ResourceTag/team": namespace}},
        })
    };
    let statements: Vec<Value> = (0..8).map(statement).collect();
    json!({
        "apiVersion": "irsa-operator.io/v1alpha1",
        "kind": "IrsaBinding",
        "metadata": {"name": name, "namespace": namespace, "labels": labels(number)},
        "spec": {
            "serviceAccount": {"name": name},
            "policies": {
                "managed": ["aws:AmazonSQSReadOnlyAccess", "aws:ReadOnlyAccess"],
                "inline": [{"name": "buckets", "document": {"Version": "2012-10-17", "Statement": statements}}],
            },
            "role": {"description": format!("{name} of {namespace}"), "tags": {"team": namespace}},
        },
    })
}
