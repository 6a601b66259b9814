//! Every shell block says whether it is run, by whom, or why not: `dev/tests/docs_test.sh` tells how.

use crate::files::{pages, read, root, short};

#[test]
fn every_shell_block_says_whether_it_is_run() {
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for page in pages() {
        let (name, text) = (short(&page), read(&page));
        if name == "CONTRIBUTING.md" || name.starts_with("dev/") {
            continue; // for who works on it, and part of what `make test` does
        }
        let mut before = "";
        let mut inside = false;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(language) = line.strip_prefix("```") {
                inside = !inside;
                if ["sh", "bash", "shell", "console"].contains(&language) {
                    looked_at += 1;
                    faults.extend(fault(before, &name).map(|why| format!("{name}:{}: {why}", number + 1)));
                }
            }
            before = line;
        }
    }
    assert!(looked_at > 30, "only {looked_at} blocks found: are they written in another way?");
    assert!(faults.is_empty(), "see dev/tests/docs_test.sh:\n{}", faults.join("\n"));
}

/// What is wrong with the line before a block.
fn fault(mark: &str, page: &str) -> Option<String> {
    let Some(mark) = mark.strip_prefix("<!-- ").and_then(|mark| mark.strip_suffix(" -->")) else {
        return Some("a shell block has neither <!-- run --> nor <!-- not run: WHY --> before it".to_owned());
    };
    if mark == "run" || mark.strip_prefix("not run: ").is_some_and(|why| why.len() > 5) {
        return None;
    }
    let Some(script) = mark.strip_prefix("run: ") else { return Some(format!("what is <!-- {mark} -->?")) };
    let text = std::fs::read_to_string(root().join("dev/tests").join(script)).unwrap_or_default();
    let (folder, name) = page.rsplit_once('/').unwrap_or(("", page));
    // By its name, or with all of its folder.
    let named = text.contains(name) || text.contains(&format!("{folder}/*.md"));
    (!named).then(|| format!("dev/tests/{script} says nothing of {name}"))
}
