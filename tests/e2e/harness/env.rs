//! Environments: a control plane and an AWS, one for all tests and some for one test alone.

use super::aws::{AwsAdmin, Keys};
use super::files::{admin_keys, kubectl, operator_kubeconfig, read_variables, run_folder};
use super::{Emulator, Kube, Operator, Space};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::future::Future;
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};

/// What every operator in these tests is told.
pub const CLUSTER_ID: &str = "e2e";
/// The operator, as the API server knows it.
pub const OPERATOR_USER: &str = "system:serviceaccount:irsa-operator:irsa-operator";

/// As many environments of their own are up at a time.
const OWN_AT_A_TIME: usize = 4;
static OWN: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

/// A control plane with our definitions and RBAC applied, and an AWS with a role for the operator.
///
/// `dev/env hold` ends it when its standard input ends: when this is dropped, or when this process dies, however.
#[derive(Debug)]
pub struct Env {
    /// Its folder, with its logs.
    pub dir: PathBuf,
    /// The AWS emulator.
    pub emulator: Emulator,
    /// The issuer of its tokens.
    pub issuer: String,
    variables: BTreeMap<String, String>,
    operator_keys: Keys,
    hold: Child,
    input: Option<ChildStdin>,
    own: bool,
}

struct Shared {
    env: Arc<Env>,
    operator: Operator,
}

/// Started by the first test that asks for it, and there until the end. What a panic said where it did not start.
type Kept = OnceLock<Result<Shared, String>>;

impl Env {
    /// The environment of all tests that touch only what is in their own namespace, with an operator in it that looks at
    /// every role every 3 s, and the default class.
    pub fn shared() -> (Arc<Self>, PathBuf) {
        static SHARED: Kept = Kept::new();
        Self::kept(&SHARED, "shared", &["--resync", "3s"], json!({}))
    }

    /// The same, where the operator looks at a role only when something has happened and AWS shows every change at once:
    /// for tests that count calls.
    pub fn quiet() -> (Arc<Self>, PathBuf) {
        static QUIET: Kept = Kept::new();
        Self::kept(&QUIET, "quiet", &["--resync", "1h"], json!({"propagation": {"pattern": [], "lapseMs": 0}}))
    }

    fn kept(kept: &'static Kept, name: &str, flags: &[&str], switches: Value) -> (Arc<Self>, PathBuf) {
        let start = || {
            let env = Arc::new(Self::start(name, &[]));
            let mut operator = Operator::start(&env, flags);
            in_thread(|| async {
                env.emulator.switch(&switches).await;
                operator.ready().await;
                env.default_class().await;
            });
            Shared { env, operator }
        };
        // What failed once would fail for every test, a minute later each time.
        let caught = || catch_unwind(AssertUnwindSafe(start)).map_err(|cause| panic_text(&*cause));
        match kept.get_or_init(caught) {
            Ok(shared) => (shared.env.clone(), shared.operator.log.clone()),
            Err(cause) => panic!("the environment did not start: {cause}"),
        }
    }

    /// An environment for one test, which may stop things or touch what there is but once. No operator runs in it yet
    /// and there is no class. It has no controller-manager, so nothing empties a namespace.
    pub fn own(name: &str) -> Arc<Self> {
        Self::own_with(name, &["--no-controller-manager"])
    }

    /// [`Self::own`] that waits for no other to end: for what asks little of the machine and takes long.
    pub fn beside(name: &str) -> Arc<Self> {
        Arc::new(Self::start(name, &["--no-controller-manager"]))
    }

    /// [`Self::own`] with these options of `dev/env`: none, and there is a controller-manager.
    pub fn own_with(name: &str, options: &[&str]) -> Arc<Self> {
        let (count, freed) = &OWN;
        let guard = count.lock().unwrap();
        *freed.wait_while(guard, |count| *count >= OWN_AT_A_TIME).unwrap() += 1;
        let started = catch_unwind(|| Self::start(name, options));
        if started.is_err() {
            leave();
        }
        let mut env = started.unwrap_or_else(|cause| std::panic::resume_unwind(cause));
        env.own = true;
        Arc::new(env)
    }

    /// A second control plane whose AWS is that of `host`, with another issuer and the same role for its operator, whose
    /// session has the name of the environment. It counts with its host, as both serve one test.
    pub fn joined(name: &str, host: &Self) -> Arc<Self> {
        let env = Self::start_with(name, &["--no-controller-manager", "--no-aws"], Some(host));
        in_thread(|| async {
            let jwks = env.kube().await.get("/openid/v1/jwks").await;
            let issuer = json!({"issuer": env.issuer, "jwks": jwks});
            env.emulator.ask("POST", "/_admin/issuers".to_owned(), Some(issuer)).await;
        });
        Arc::new(env)
    }

    /// What was in its etcd is gone, and all that is in another's is there: status, finalizers and all.
    pub fn copy_etcd(&self, from: &Self) {
        ["kube-apiserver", "etcd"].iter().for_each(|name| self.component("stop", name));
        from.component("stop", "etcd");
        let (data, copy) = (from.dir.join("data/etcd"), self.dir.join("data/etcd"));
        std::fs::remove_dir_all(&copy).expect("its own data");
        let copied = Command::new("cp").arg("-r").args([data, copy]).status();
        assert!(copied.expect("cp").success(), "etcd's data was not copied");
        from.component("start", "etcd");
        ["etcd", "kube-apiserver"].iter().for_each(|name| self.component("start", name));
        self.admit_operator();
    }

    fn start(name: &str, options: &[&str]) -> Self {
        Self::start_with(name, options, None)
    }

    fn start_with(name: &str, options: &[&str], host: Option<&Self>) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = run_folder().join(name);
        std::fs::create_dir_all(&dir).expect("a folder");
        let mut hold = Command::new(root.join("dev/env"));
        hold.arg("hold").arg(&dir).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut hold = hold.spawn().expect("dev/env");
        let input = hold.stdin.take();
        let said = BufReader::new(hold.stdout.take().expect("its output")).lines().next();
        assert!(
            said.is_some_and(|line| line.is_ok_and(|line| line == "ready")),
            "dev/env hold {name} did not get ready"
        );

        let mut variables = read_variables(&dir);
        let aws = |name: &str| name.starts_with("AWS_") || name.starts_with("IRSA_AWS_");
        let shared = host.into_iter().flat_map(|host| &host.variables).filter(|(name, _)| aws(name));
        variables.extend(shared.map(|(name, value)| (name.clone(), value.clone())));
        let of = |name: &str| variables.get(name).cloned().unwrap_or_default();
        kubectl(&dir, &["apply", "-k", &root.join("config/default").display().to_string()]);
        kubectl(&dir, &["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]);

        let emulator = Emulator {
            address: of("AWS_ENDPOINT_URL").trim_start_matches("http://").to_owned(),
            account: of("IRSA_AWS_ACCOUNT"),
        };
        let admin = admin_keys(&variables);
        let operator_keys = in_thread(|| async {
            let aws = AwsAdmin::new(&admin);
            let session = if host.is_some() { name } else { "end-to-end" };
            if host.is_none() {
                aws.make_operator(&emulator.account).await;
            }
            aws.operator_session(&emulator.account, session, &admin).await
        });
        let env = Self { emulator, issuer: of("IRSA_ISSUER"), variables, operator_keys, hold, input, own: false, dir };
        env.admit_operator();
        env
    }

    /// A token for the operator's ServiceAccount.
    fn admit_operator(&self) {
        let token = kubectl(&self.dir, &["create", "token", "irsa-operator", "-n", "irsa-operator", "--duration=4h"]);
        operator_kubeconfig(&self.dir, &token);
    }

    /// Clients with the administrator's keys.
    pub fn aws(&self) -> AwsAdmin {
        AwsAdmin::new(&admin_keys(&self.variables))
    }

    /// Clients with the operator's own keys.
    pub fn operator_aws(&self) -> AwsAdmin {
        AwsAdmin::new(&self.operator_keys)
    }

    /// An administrator's client of the API server.
    pub async fn kube(&self) -> Kube {
        Kube::new(&self.dir.join("kubeconfig")).await
    }

    /// The ARN of the OIDC provider.
    pub fn provider_arn(&self) -> String {
        let issuer = self.issuer.trim_start_matches("https://");
        format!("arn:aws:iam::{}:oidc-provider/{issuer}", self.emulator.account)
    }

    /// The class `default`, marked as default, once it is Ready.
    pub async fn default_class(&self) {
        let kube = self.kube().await;
        let class = json!({
            "apiVersion": "irsa-operator.io/v1alpha1",
            "kind": "IrsaClass",
            "metadata": {"name": "default", "annotations": {"irsa-operator.io/is-default-class": "true"}},
            "spec": super::allow::open(json!({})),
        });
        kube.create(super::paths::CLASSES, &class).await;
        super::eventually("the class default is Ready", async || {
            let class = kube.get(&format!("{}/default", super::paths::CLASSES)).await;
            super::is(&class, "Ready", "True").then_some(()).ok_or_else(|| class.to_string())
        })
        .await;
    }

    /// A variable of the environment's file.
    pub fn variable(&self, name: &str) -> String {
        self.variables.get(name).cloned().unwrap_or_default()
    }

    /// A namespace of this environment.
    pub async fn space(self: &Arc<Self>, name: &str, operator: &Operator) -> Space {
        Space::within(self.clone(), name, &operator.log).await
    }

    /// Runs `dev/env stop` or `start` on a component.
    pub fn component(&self, verb: &str, name: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/env");
        let done = Command::new(script).arg(verb).arg(&self.dir).arg(name).stdin(Stdio::null()).status();
        assert!(done.expect("dev/env").success(), "dev/env {verb} {name}");
    }

    /// A session of the operator's role under this name, which the journal shows.
    pub async fn operator_session(&self, name: &str) -> Vec<(&'static str, String)> {
        let arn = format!("arn:aws:iam::{}:role/irsa-operator", self.emulator.account);
        let sts = self.aws().sts;
        // STS may not know a role yet that was made a moment ago.
        let session = super::eventually("STS knows the operator's role", async || {
            let assume = sts.assume_role().role_arn(&arn).role_session_name(name);
            assume.send().await.map_err(|error| format!("{error:?}"))
        });
        let keys = session.await.credentials.expect("credentials");
        vec![
            ("AWS_ACCESS_KEY_ID", keys.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key),
            ("AWS_SESSION_TOKEN", keys.session_token),
        ]
    }

    /// All that the operator knows of its surroundings.
    pub fn operator_variables(&self) -> Vec<(&'static str, String)> {
        let keys = &self.operator_keys;
        vec![
            ("KUBECONFIG", self.dir.join("operator.kubeconfig").display().to_string()),
            ("AWS_ENDPOINT_URL", keys.endpoint.clone()),
            ("AWS_REGION", keys.region.clone()),
            ("AWS_ACCESS_KEY_ID", keys.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", keys.secret.clone()),
            ("AWS_SESSION_TOKEN", keys.token.clone().unwrap_or_default()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
        ]
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.hold.wait();
        if self.own {
            leave();
        }
    }
}

/// One environment less.
fn leave() {
    *OWN.0.lock().unwrap() -= 1;
    OWN.1.notify_one();
}

fn panic_text(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().cloned();
    text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// For what is done once, before any test's own runtime matters.
fn in_thread<T: Send, F: Future<Output = T>>(work: impl FnOnce() -> F + Send) -> T {
    let run =
        || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work());
    std::thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|cause| std::panic::resume_unwind(cause))
}
