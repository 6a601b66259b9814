//! Rules of the house that no compiler checks: which files are pure, and how long a file may be.

use std::path::{Path, PathBuf};

/// What decides stands here, and so can be tried on data alone. See `CONTRIBUTING.md`.
const PURE: &[&str] = &[
    "api",
    "backoff",
    "budget",
    "contested",
    "desired",
    "error",
    "fuse",
    "guardrails",
    "holder",
    "iam",
    "issuers",
    "leader",
    "orphans",
    "plan",
    "queue",
    "released",
    "snapshot",
    "status",
    "store",
];

/// What a pure file does not name: AWS, the API server, waiting, and the clock.
const IMPURE: &[&str] =
    &["aws_sdk", "aws_config", "tokio", "kube::Client", "kube::client", "Api<", "kube::api::Api", "async fn", ".await"];

/// The clock; tests may make up a time from it.
const CLOCK: &[&str] = &["SystemTime::now", "Instant::now", "Timestamp::now"];

const LONGEST: usize = 330;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below, without what is built.
fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files_below(dirs: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    dirs.iter().map(|dir| root().join(dir)).filter(|dir| dir.is_dir()).for_each(|dir| rust_files(&dir, &mut found));
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a text file")
}

/// The code of a file: no comments, and not its tests, which come last in a file or are one of their own.
fn code(path: &Path) -> Vec<(usize, String)> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    if name == "tests" || name.ends_with("_tests") || path.iter().any(|part| part == "tests") {
        return Vec::new();
    }
    let text = read(path);
    let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..tests].lines().enumerate();
    lines.map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default().to_owned())).collect()
}

#[test]
fn pure_files_name_no_aws_no_api_server_no_runtime_and_no_clock() {
    let src = root().join("src");
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for path in files_below(&["src"]) {
        let inside = path.strip_prefix(&src).expect("below src");
        let first = inside.iter().next().unwrap_or_default().to_string_lossy().replace(".rs", "");
        if !PURE.contains(&first.as_str()) {
            continue;
        }
        looked_at += 1;
        for (number, line) in code(&path) {
            let named = IMPURE.iter().chain(CLOCK).find(|word| line.contains(**word));
            faults.extend(named.map(|word| format!("src/{}:{number} names {word}", inside.display())));
        }
    }
    assert!(looked_at > 20, "only {looked_at} pure files found: has the house moved?");
    assert!(faults.is_empty(), "these files are pure by rule 1 of CONTRIBUTING.md:\n{}", faults.join("\n"));
}

#[test]
fn only_one_folder_names_the_aws_sdk() {
    let outside = files_below(&["src"]).into_iter().filter(|path| !path.starts_with(root().join("src/aws")));
    let faults: Vec<PathBuf> =
        outside.filter(|path| code(path).iter().any(|(_, line)| line.contains("aws_sdk_"))).collect();
    assert!(faults.is_empty(), "only src/aws talks to AWS: {faults:?}");
}

#[test]
fn no_file_needs_a_table_of_contents() {
    let files = files_below(&["src", "tests", "benches", "dev"]);
    let long: Vec<String> = files
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{} has {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "a file of more than {LONGEST} lines is two files:\n{}", long.join("\n"));
}
