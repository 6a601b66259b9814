//! Links between pages lead to files that exist, and to headings that are in them.

use crate::files::{pages, read, short};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for page in pages() {
        for target in links(&read(&page)) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            looked_at += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            if !path.exists() {
                faults.push(format!("{}: {target}: no such file", short(&page)));
            } else if !anchor.is_empty() && !anchors(&path).contains(anchor) {
                faults.push(format!("{}: {target}: no such heading", short(&page)));
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} links found: is the way to write them another?");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The lines of a page that are text, and not a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// What stands between `](` and `)`, but for code.
fn links(text: &str) -> Vec<String> {
    let plain: Vec<&str> = prose(text).collect();
    let plain: String = plain.join("\n").split('`').step_by(2).collect();
    let ends = plain.split("](").skip(1);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// The anchors that GitHub gives to headings.
fn anchors(path: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(&read(path)).filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
        let again = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.clone()).chain(again).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[test]
fn a_link_is_found_and_code_is_none() {
    let text = "[a](b.md#c) `[x](y)`\n```sh\n[no](no)\n# no\n```\n## It's `that`, isn't it?\n## It's that, isn't it?";
    assert_eq!(links(text), ["b.md#c"]);
    let dir = std::env::temp_dir().join(format!("links-{}.md", std::process::id()));
    std::fs::write(&dir, text).expect("a file");
    assert_eq!(anchors(&dir).into_iter().collect::<Vec<_>>(), ["its-that-isnt-it", "its-that-isnt-it-1"]);
    std::fs::remove_file(dir).expect("removed");
}
