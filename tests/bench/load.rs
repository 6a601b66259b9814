//! The bindings and ServiceAccounts that the bench works with: as large as real ones, each another.

use crate::harness::{Env, Kube, is, paths};
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use std::ops::Range;

/// Managed and inline policies of each binding.
pub const BINDINGS_OF_ONE: (usize, usize) = (2, 1);
/// As many namespaces as a cluster of that size may have.
const NAMESPACES: usize = 50;
/// As many requests are under way at a time.
const AT_A_TIME: usize = 32;

/// The bindings that there are, by number: new ones come at the end, and the oldest are deleted.
#[derive(Clone)]
pub struct Load {
    kube: Kube,
    live: Range<usize>,
}

impl Load {
    /// None, in namespaces that are there.
    pub async fn new(env: &Env) -> Self {
        let kube = env.kube().await;
        for number in 0..NAMESPACES {
            kube.create(paths::NAMESPACES, &namespace(&namespace_of(number))).await;
        }
        Self { kube, live: 0..0 }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Bytes of a binding as its author writes it.
    pub fn size() -> usize {
        binding(0).to_string().len()
    }

    /// Makes so many more, as fast as the API server takes them.
    pub async fn create(&mut self, count: usize) {
        let new = self.live.end..self.live.end + count;
        let kube = &self.kube;
        at_a_time(new.clone(), async |number| {
            let namespace = namespace_of(number);
            kube.create(&paths::accounts(&namespace), &account(number)).await;
            kube.create(&paths::bindings(&namespace), &binding(number)).await;
        })
        .await;
        self.live.end = new.end;
    }

    /// Changes the inline policy of the newest.
    pub async fn update(&self, count: usize) {
        let kube = &self.kube;
        at_a_time(self.live.end - count..self.live.end, async |number| {
            let mut inline = binding(number)["spec"]["policies"]["inline"].take();
            inline[0]["document"]["Statement"][7]["Action"] = json!(["s3:GetObject"]);
            kube.patch(&path_of(number), &json!({"spec": {"policies": {"inline": inline}}})).await;
        })
        .await;
    }

    /// Deletes the oldest.
    pub async fn delete(&mut self, count: usize) {
        let kube = &self.kube;
        let old = self.live.start..self.live.start + count;
        at_a_time(old.clone(), async |number| kube.delete(&path_of(number)).await).await;
        self.live.start = old.end;
    }

    /// Every binding says that it is Ready, and there are no others.
    pub async fn assert_ready(&self) {
        let mut ready = 0;
        for number in 0..NAMESPACES {
            for binding in self.kube.list(&paths::bindings(&namespace_of(number))).await {
                assert!(is(&binding, "Ready", "True"), "not Ready: {}", binding["status"]);
                ready += 1;
            }
        }
        assert_eq!(ready, self.len(), "bindings that are Ready");
    }

    /// The names of some roles, spread over all.
    pub async fn roles(&self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for number in self.live.clone().step_by((self.len() / count).max(1)).take(count) {
            let binding = self.kube.get(&path_of(number)).await;
            let arn = binding["status"]["roleArn"].as_str().expect("a role").to_owned();
            names.push(arn.rsplit('/').next().unwrap_or_default().to_owned());
        }
        names
    }
}

/// Does something for each number, for some of them at the same time.
async fn at_a_time(numbers: Range<usize>, work: impl AsyncFn(usize)) {
    stream::iter(numbers).map(|number| work(number)).buffer_unordered(AT_A_TIME).collect::<Vec<()>>().await;
}

/// Bindings in namespaces of their own, one each: what somebody waits for, or what he has to wait for.
pub async fn elsewhere(kube: &Kube, namespace: &str, numbers: Range<usize>) {
    kube.create(paths::NAMESPACES, &self::namespace(namespace)).await;
    at_a_time(numbers, async |number| {
        let mut one = binding(number);
        one["metadata"]["namespace"] = json!(namespace);
        kube.create(&paths::accounts(namespace), &account(number)).await;
        kube.create(&paths::bindings(namespace), &one).await;
    })
    .await;
}

/// Roles of others, with an inline policy of the same size as ours: not through IAM, whose sizes and rates are not what
/// is measured here.
pub async fn foreign_roles(env: &Env, count: usize) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]});
    let role = |number: usize| {
        let inline = binding(number)["spec"]["policies"]["inline"][0]["document"].take();
        let inline = inline.to_string().replace("$(partition)", "aws");
        json!({"name": format!("theirs-{number:05}"), "path": "/theirs/", "trust": trust,
            "tags": {"team": namespace_of(number)}, "inline": {"buckets": inline},
            "attached": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]})
    };
    for first in (0..count).step_by(500) {
        let roles: Vec<Value> = (first..count.min(first + 500)).map(role).collect();
        let body = json!({"account": env.emulator.account, "roles": roles});
        env.emulator.ask("POST", "/_admin/state/roles".into(), Some(body)).await;
    }
}

fn path_of(number: usize) -> String {
    format!("{}/{}", paths::bindings(&namespace_of(number)), name_of(number))
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
