//! What troubleshooting quotes as the operator's words (block quotes, … for what differs) are its words.

use crate::files::{below, read, root};

#[test]
fn quoted_messages_are_in_the_code() {
    let code = words_of_the_code();
    let page = read(&root().join("docs/troubleshooting.md"));
    let quotes = quotes(&page);
    assert!(quotes.len() > 20, "only {} quotes found", quotes.len());
    let mut faults = Vec::new();
    for quote in &quotes {
        let pieces = quote.split('…').map(|piece| piece.trim_matches(|c| " ;:,.()".contains(c)));
        let unsaid = pieces.filter(|piece| piece.len() > 3 && !code.contains(piece));
        faults.extend(unsaid.map(|piece| format!("nobody says {piece:?} (of {quote:?})")));
    }
    assert!(faults.is_empty(), "docs/troubleshooting.md:\n{}", faults.join("\n"));
}

/// Paragraphs of block quotes, on one line each.
fn quotes(page: &str) -> Vec<String> {
    let mut quotes: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in page.lines() {
        let quoted = line.strip_prefix("> ");
        match (quoted, quotes.last_mut().filter(|_| goes_on)) {
            (Some(text), Some(last)) => last.extend([" ", text]),
            (Some(text), None) => quotes.push(text.to_owned()),
            (None, _) => {}
        }
        goes_on = quoted.is_some();
    }
    quotes
}

/// All code without its line breaks within texts, and with its escapes undone.
fn words_of_the_code() -> String {
    let mut words = String::new();
    for path in below(&root().join("src"), ".rs") {
        let text = read(&path);
        let mut parts = text.split("\\\n");
        words.push_str(parts.next().unwrap_or_default());
        parts.for_each(|part| words.push_str(part.trim_start()));
    }
    words.replace("\\\"", "\"")
}
