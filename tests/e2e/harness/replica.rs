//! One of several operators that stand for election.

use super::{Env, Operator, audit, eventually};
use kube::config::Kubeconfig;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const NAMESPACE: &str = "irsa-operator";

/// An operator with an AWS session and a token of its own, by which journal and audit log tell it from the others, and
/// with a line to the API server that can be cut.
pub struct Replica {
    /// Its process.
    pub operator: Operator,
    name: String,
    line: Arc<Line>,
    credential: String,
    audit: PathBuf,
}

/// The Lease.
pub async fn lease(env: &Env) -> Value {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/irsa-operator");
    env.kube().await.get(&path).await
}

/// Who holds the Lease: the name of a replica, or nobody.
pub async fn lease_holder(env: &Env) -> Option<String> {
    let lease = lease(env).await;
    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
    holder.split_once('_').map(|(name, _)| name.to_owned())
}

impl Replica {
    /// Starts it. It may not be ready yet.
    pub async fn start(env: &Env, name: &str, flags: &[&str]) -> Self {
        let kube = env.kube().await;
        let token = kube.token(NAMESPACE, "irsa-operator", None).await;
        let (line, port) = Line::to(env.variable("IRSA_KUBE_URL").trim_start_matches("https://"));
        let config = kubeconfig(&env.dir, name, &format!("https://127.0.0.1:{port}"), &token);
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let own = super::Kube::new(&config).await;
        let whoami = own.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await;
        let credential = &whoami["status"]["userInfo"]["extra"]["authentication.kubernetes.io/credential-id"][0];
        let credential = credential.as_str().expect("the token's id").to_owned();
        let mut variables = env.operator_session(name).await;
        variables.push(("KUBECONFIG", config.display().to_string()));
        variables.push(("POD_NAME", name.to_owned()));
        variables.push(("POD_NAMESPACE", NAMESPACE.to_owned()));
        variables.push(("IRSA_LEADER_ELECT", "true".to_owned()));
        let program = Path::new(env!("CARGO_BIN_EXE_irsa-operator"));
        let operator = Operator::start_as(program, env, flags, &variables);
        let audit = env.dir.join("audit.log");
        Self { operator, name: name.to_owned(), line, credential, audit }
    }

    /// Waits until it holds the Lease.
    pub async fn leads(&self, env: &Env) {
        eventually(&format!("{} holds the Lease", self.name), async || {
            let holder = lease_holder(env).await;
            if holder.as_deref() == Some(&self.name) { Ok(()) } else { Err(format!("{holder:?} holds it")) }
        })
        .await;
    }

    /// For queries of the journal: its calls.
    pub fn query(&self) -> String {
        format!("principal=*assumed-role/irsa-operator/{}", self.name)
    }

    /// How many writes it has sent to the API server, those to the Lease among them.
    pub fn writes(&self) -> usize {
        audit::writes_with(&self.audit, &self.credential)
    }

    /// From now on nothing goes to the API server or comes from it, and nobody is told.
    pub fn cut(&self) {
        self.line.cut.store(true, Ordering::Relaxed);
    }

    /// The next that a watch brings comes some seconds late.
    pub async fn hold_next_news(&self) {
        // What was asked has been answered by then.
        tokio::time::sleep(UNASKED).await;
        self.line.late.store(true, Ordering::Relaxed);
    }

    /// Whether that has come, or is on its way.
    pub fn holds_news(&self) -> bool {
        !self.line.late.load(Ordering::Relaxed)
    }

    /// Waits until it has ended, and says with which status.
    pub async fn ended(&mut self) -> Option<i32> {
        let what = format!("{} ends", self.name);
        eventually(&what, async || self.operator.ended().ok_or_else(|| "it runs".to_owned())).await.code()
    }
}

/// The operator's, with another address and another token.
fn kubeconfig(dir: &Path, name: &str, server: &str, token: &str) -> PathBuf {
    let file = Kubeconfig::read_from(dir.join("operator.kubeconfig")).expect("a kubeconfig");
    let mut config: Value = serde_json::to_value(file).expect("a kubeconfig");
    config["clusters"][0]["cluster"]["server"] = json!(server);
    config["users"][0]["user"] = json!({ "token": token });
    let path = dir.join(format!("{name}.kubeconfig"));
    std::fs::write(&path, config.to_string()).expect("a kubeconfig");
    path
}

/// A line to the API server.
struct Line {
    /// Nothing passes.
    cut: AtomicBool,
    /// The next word that nobody has asked for, as a watch brings it, is held back for [`LATE`].
    late: AtomicBool,
}

/// How late news are that are late.
const LATE: Duration = Duration::from_secs(3);
/// An answer comes sooner after its question than this.
const UNASKED: Duration = Duration::from_secs(1);

impl Line {
    /// A line to this address, and its port.
    fn to(address: &str) -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let line = Arc::new(Self { cut: AtomicBool::new(false), late: AtomicBool::new(false) });
        let (own, to) = (line.clone(), address.to_owned());
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if let Ok(far) = TcpStream::connect(&to)
                    && let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone())
                {
                    let asked = Arc::new(Mutex::new(Instant::now()));
                    let (out, back, own_asked) = (own.clone(), own.clone(), asked.clone());
                    std::thread::spawn(move || {
                        out.carry(near, far, || *own_asked.lock().expect("the time") = Instant::now());
                    });
                    std::thread::spawn(move || {
                        let line = back.clone();
                        back.carry(far_too, near_too, || {
                            let unasked = asked.lock().expect("the time").elapsed() > UNASKED;
                            if unasked && line.late.swap(false, Ordering::Relaxed) {
                                std::thread::sleep(LATE);
                            }
                        });
                    });
                }
            }
        });
        (line, port)
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, before: impl Fn()) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            before();
            while self.cut.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    }
}
