//! The pages: README, docs/, and the READMEs of charts/, config/ and dev/.

use std::path::{Path, PathBuf};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below `dir` with this ending, but for what is built.
pub fn below(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(below(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every page that is written for people.
pub fn pages() -> Vec<PathBuf> {
    let folders = ["docs", "charts", "config", "dev"].iter().flat_map(|dir| below(&root().join(dir), ".md"));
    let top = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].iter().map(|name| root().join(name));
    let pages: Vec<PathBuf> = top.chain(folders).collect();
    assert!(pages.len() > 20, "only {} pages found: have they moved?", pages.len());
    pages
}

/// A path as people write it.
pub fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
