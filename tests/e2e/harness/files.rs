//! The files of environments, and kubectl in one.

use super::aws::Keys;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// As its administrator.
pub fn kubectl(dir: &Path, args: &[&str]) -> String {
    let output = Command::new(dir.join("bin/kubectl")).args(args).env("KUBECONFIG", dir.join("kubeconfig")).output();
    let output = output.expect("kubectl");
    assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The folder of this run. Those of former runs go, so that the logs of the last one are there to be read.
pub fn run_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("e2e");
        for old in std::fs::read_dir(&all).into_iter().flatten().flatten() {
            let runs = Path::new("/proc").join(old.file_name()).exists();
            let up = std::fs::read_dir(old.path())
                .into_iter()
                .flatten()
                .flatten()
                .any(|env| std::fs::read_dir(env.path().join("pids")).is_ok_and(|mut pids| pids.next().is_some()));
            if !runs && !up {
                let _ = std::fs::remove_dir_all(old.path());
            }
        }
        all.join(std::process::id().to_string())
    })
}

/// `export NAME='VALUE'` lines of the environment's file.
pub fn read_variables(dir: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(dir.join("env")).expect("the environment's variables");
    let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect()
}

pub fn admin_keys(variables: &BTreeMap<String, String>) -> Keys {
    let of = |name: &str| variables.get(name).cloned().unwrap_or_default();
    Keys {
        endpoint: of("AWS_ENDPOINT_URL"),
        region: of("AWS_REGION"),
        id: of("AWS_ACCESS_KEY_ID"),
        secret: of("AWS_SECRET_ACCESS_KEY"),
        token: None,
    }
}

/// The same cluster as the administrator's, and another user.
pub fn operator_kubeconfig(dir: &Path, token: &str) {
    let file = kube::config::Kubeconfig::read_from(dir.join("kubeconfig")).expect("a kubeconfig");
    let mut config: Value = serde_json::to_value(file).expect("a kubeconfig");
    for user in config["users"].as_array_mut().expect("users") {
        user["user"] = json!({ "token": token });
    }
    std::fs::write(dir.join("operator.kubeconfig"), config.to_string()).expect("the operator's kubeconfig");
}
