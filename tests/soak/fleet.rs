//! Four hundred roles as eksctl and Terraform have made them, taken over at once while Pods work.

use crate::harness::adoption::{adopting, seed, trust};
use crate::harness::documents::{allow as grant, aws};
use crate::harness::{Kube, Space, eventually, eventually_within, paths, reason};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

const ROLES: usize = 400;
/// So many exchange their tokens all the time.
const WORK: usize = 20;

/// Who made a role. Each has its names, paths, tags and form of trust.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Maker {
    /// `eksctl create iamserviceaccount`, whose stack was deleted with DeletionPolicy Retain.
    Eksctl,
    /// The same with the inline policy of a `wellKnownPolicies`, which the binding does not list.
    EksctlWellKnown,
    /// terraform-aws-modules/iam's iam-role-for-service-accounts-eks, with `assume_role_condition_test = "StringLike"`.
    Module,
    /// Resources by hand: a path, a customer's inline policy, a longer session.
    Hand,
}

struct One {
    number: usize,
    maker: Maker,
}

impl One {
    fn app(&self) -> String {
        format!("app-{}", self.number)
    }

    fn name(&self) -> String {
        let number = self.number;
        match self.maker {
            Maker::Eksctl | Maker::EksctlWellKnown => {
                format!("eksctl-prod-addon-iamserviceaccount-fl-Role1-{number:012X}")
            }
            Maker::Module => format!("app-{number}-20240301{number:010}"),
            Maker::Hand => format!("prod-app-{number}"),
        }
    }

    fn path(&self) -> &'static str {
        if self.maker == Maker::Hand { "/prod/apps/" } else { "/" }
    }

    fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:role{}{}", self.path(), self.name())
    }

    fn role(&self, space: &Space) -> Value {
        let subject = format!("system:serviceaccount:{}:{}", space.namespace, self.app());
        let mut role = json!({"name": self.name(), "path": self.path(), "attached": [aws("AmazonSQSReadOnlyAccess")],
            "trust": trust(&space.env, "StringEquals", &subject)});
        let eksctl = json!({
            "aws:cloudformation:stack-name": format!("eksctl-prod-addon-iamserviceaccount-fl-{}", self.app()),
            "aws:cloudformation:logical-id": "Role1",
            "aws:cloudformation:stack-id": format!("arn:aws:cloudformation:us-east-1:{}:stack/x/y", space.emulator.account),
            "alpha.eksctl.io/cluster-name": "prod",
            "alpha.eksctl.io/eksctl-version": "0.175.0",
            "alpha.eksctl.io/iamserviceaccount-name": format!("{}/{}", space.namespace, self.app()),
            "eksctl.cluster.k8s.io/v1alpha1/cluster-name": "prod",
            "irsa-operator.io/left-stack": format!("eksctl-prod-addon-iamserviceaccount-fl-{}", self.app()),
        });
        let terraform = json!({"Terraform": "true", "Environment": "prod", "Name": self.name()});
        match self.maker {
            Maker::Eksctl => role["tags"] = eksctl,
            Maker::EksctlWellKnown => {
                role["tags"] = eksctl;
                role["inline"] = json!({"PolicyAutoScaler": grant("autoscaling:*")});
            }
            Maker::Module => {
                role["tags"] = terraform;
                role["trust"] = trust(&space.env, "StringLike", &subject);
                role["trust"]["Statement"][0]["Sid"] = json!("");
            }
            Maker::Hand => {
                role["tags"] = terraform;
                role["trust"]["Statement"][0]["Sid"] = json!("");
                role["inline"] = json!({"bucket": grant("s3:GetObject")});
                role["maxSessionDuration"] = json!(43200);
                role["description"] = json!("made by Terraform");
            }
        }
        role["tags"]["irsa-operator.io/adoptable-by"] = json!(format!("e2e/{}/{}", space.namespace, self.app()));
        role
    }

    fn spec(&self) -> Value {
        let mut spec = json!({"serviceAccount": {"name": self.app()}, "adoption": {"policy": "IfTagged"},
            "role": {"name": self.name()}, "policies": {"managed": ["aws:AmazonSQSReadOnlyAccess"]}});
        if self.maker == Maker::Hand {
            spec["policies"]["inline"] = json!([{"name": "bucket", "document": grant("s3:GetObject")}]);
            spec["policies"]["managed"] = json!(["aws:AmazonSQSReadOnlyAccess", "aws:AmazonSSMReadOnlyAccess"]);
            spec["role"]["maxSessionDurationSeconds"] = json!(43200);
        }
        spec
    }

    /// What waits until the user accepts that it goes.
    fn waits(&self) -> Vec<String> {
        let waits = |step: &str| vec![format!("{step} (waits for spec.adoption.acceptRemovals)")];
        match self.maker {
            Maker::Eksctl | Maker::Hand => Vec::new(),
            Maker::EksctlWellKnown => waits("remove the inline policy PolicyAutoScaler"),
            Maker::Module => waits("write the trust policy"),
        }
    }
}

/// The same for all of them, many at a time.
async fn for_all<F: Future<Output = ()> + Send + 'static>(all: &[One], work: impl Fn(&One) -> F) {
    let mut running = JoinSet::new();
    for one in all {
        if running.len() >= 16 {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(work(one));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

/// All bindings by name.
async fn bindings(kube: &Kube, namespace: &str) -> BTreeMap<String, Value> {
    let all = kube.list(&paths::bindings(namespace)).await;
    all.into_iter().map(|b| (b["metadata"]["name"].as_str().unwrap().to_owned(), b)).collect()
}

#[tokio::test]
async fn four_hundred_roles_are_taken_over_in_one_apply() {
    let flags = ["--resync", "5s", "--aws-max-rate", "400", "--aws-min-rate", "100", "--concurrency", "32"];
    let (env, operator) = adopting("adoption-fleet", &flags).await;
    let space = env.space("fl", &operator).await;
    let makers = [Maker::Eksctl, Maker::EksctlWellKnown, Maker::Module, Maker::Hand];
    let all: Vec<One> = (0..ROLES).map(|number| One { number, maker: makers[number % 4] }).collect();
    seed(&space.emulator, all.iter().map(|one| one.role(&space)).collect()).await;
    let (kube, account) = (space.kube.clone(), space.emulator.account.clone());
    for_all(&all, |one| {
        let (kube, name, arn) = (kube.clone(), one.app(), one.arn(&account));
        async move {
            let annotated = json!({"apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": "fl", "annotations": {"eks.amazonaws.com/role-arn": arn}}});
            kube.apply(&format!("{}/{name}", paths::accounts("fl")), "helm", &annotated).await;
        }
    })
    .await;
    let before = roles(&space).await;

    let (stop, exchanged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut pods = JoinSet::new();
    for one in all.iter().step_by(ROLES / WORK + 1) {
        let (arn, token, aws) = (one.arn(&account), space.token(&one.app()).await, space.aws.clone());
        // The provider was made a moment ago, and STS may go back to not knowing it.
        eventually("STS knows the provider for good", async || {
            for _ in 0..5 {
                aws.web_identity(&arn, &token).await?;
            }
            Ok(())
        })
        .await;
        let (stop, exchanged) = (stop.clone(), exchanged.clone());
        pods.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                aws.web_identity(&arn, &token).await.unwrap_or_else(|code| panic!("{arn}: {code}"));
                exchanged.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    let since = space.mark().await;
    for_all(&all, |one| {
        let (kube, object) = (kube.clone(), space.binding_object(&one.app(), one.spec()));
        async move { drop(kube.create(&paths::bindings("fl"), &object).await) }
    })
    .await;
    settled(&space, &all, |one| one.waits()).await;

    // Nothing is lost, and only what was to be added is there beside it.
    let now = roles(&space).await;
    for one in &all {
        let (was, is) = (&before[&one.name()], &now[&one.name()]);
        for kept in ["id", "path", "trust", "inline", "maxSessionDuration"] {
            assert_eq!(is[kept], was[kept], "{kept} of {}", one.name());
        }
        let has = is["attached"].as_array().unwrap();
        assert!(was["attached"].as_array().unwrap().iter().all(|policy| has.contains(policy)), "{is}");
        assert_eq!(has.len(), if one.maker == Maker::Hand { 2 } else { 1 }, "{is}");
    }
    // Each role once, however often a call was repeated because its answer did not come in time.
    let did = |calls: Vec<crate::harness::Call>| {
        let mut roles: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let reads = |call: &crate::harness::Call| ["Get", "List"].iter().any(|verb| call.operation.starts_with(verb));
        for call in calls.into_iter().filter(|call| !reads(call)) {
            roles.entry(call.operation).or_default().insert(call.params["RoleName"].to_string());
        }
        roles.into_iter().map(|(operation, roles)| (operation, roles.len())).collect::<Vec<_>>()
    };
    let query = |since: u64| format!("principal=*assumed-role/irsa-operator/*&param.RoleName=*&since={since}");
    let quarter = ROLES / 4;
    let expected = [("AttachRolePolicy", quarter), ("TagRole", ROLES), ("UntagRole", ROLES), ("UpdateRole", quarter)];
    assert_eq!(did(space.emulator.journal(&query(since)).await), expected.map(|(name, n)| (name.to_owned(), n)));

    let since = space.mark().await;
    for_all(&all, |one| {
        let (kube, path) = (kube.clone(), space.binding_path(&one.app()));
        async move { drop(kube.patch(&path, &json!({"spec": {"adoption": {"acceptRemovals": true}}})).await) }
    })
    .await;
    settled(&space, &all, |_| Vec::new()).await;
    let expected = [("DeleteRolePolicy", quarter), ("UpdateAssumeRolePolicy", quarter)];
    assert_eq!(did(space.emulator.journal(&query(since)).await), expected.map(|(name, n)| (name.to_owned(), n)));
    stop.store(true, Ordering::Relaxed);
    while let Some(pod) = pods.join_next().await {
        pod.expect("each exchange is granted");
    }
    assert!(exchanged.load(Ordering::Relaxed) > WORK * 10, "they worked all the time");
}

/// Waits until each binding is Ready, or says that just this waits.
async fn settled(space: &Space, all: &[One], waits: impl Fn(&One) -> Vec<String>) {
    eventually_within(Duration::from_secs(300), "all are taken over", async || {
        let told = bindings(&space.kube, &space.namespace).await;
        let so = |one: &&One| {
            let (binding, waits) = (&told[&one.app()], waits(one));
            let current = binding["status"]["observedGeneration"] == binding["metadata"]["generation"];
            let pending = binding["status"]["pendingSteps"].as_array().cloned().unwrap_or_default();
            let why = if waits.is_empty() { "Ready" } else { "AwaitingAcceptRemovals" };
            !(current && pending == waits && reason(binding, "Ready") == why)
        };
        let open: Vec<&One> = all.iter().filter(so).collect();
        let first = open.first().map(|one| told[&one.app()]["status"].to_string());
        if open.is_empty() { Ok(()) } else { Err(format!("{} are not, as {first:?}", open.len())) }
    })
    .await;
}

/// All roles by name.
async fn roles(space: &Space) -> BTreeMap<String, Value> {
    let answer =
        space.emulator.ask("GET", format!("/_admin/state/roles?account={}", space.emulator.account), None).await;
    let roles = answer["roles"].as_array().cloned().unwrap_or_default();
    roles.into_iter().map(|role| (role["name"].as_str().unwrap().to_owned(), role)).collect()
}
