//! `docs/reference/` is made from the code, page by page.

use crate::{fields, files, flags, reasons};
use std::collections::BTreeSet;

#[test]
fn the_reference_is_what_the_code_says() {
    let dir = files::root().join("docs/reference");
    let pages: Vec<(String, String)> =
        fields::pages().into_iter().chain([flags::page(), reasons::page(), reasons::names_page()]).collect();
    let writes = std::env::var_os("IRSA_DOCS_WRITE").is_some();
    for (name, text) in &pages {
        let path = dir.join(name);
        if writes {
            std::fs::write(&path, text).expect("docs/reference can be written");
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        let differs = stored.lines().zip(text.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
        assert!(
            stored == *text,
            "docs/reference/{name} is stale from line {differs} on: run `IRSA_DOCS_WRITE=1 cargo test --test docs` and \
             commit what it writes"
        );
    }
    let expected: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    let found = files::below(&dir, "").into_iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    assert_eq!(
        found.collect::<BTreeSet<String>>(),
        expected,
        "docs/reference holds what is generated and nothing else"
    );
}

/// The first line of each page.
pub fn head(title: &str, source: &str) -> String {
    format!("# {title}\n\n<!-- generated from {source}: IRSA_DOCS_WRITE=1 cargo test --test docs -->\n\n")
}
