//! How a place in a JSON document is written for people: `Statement[0].Condition["StringLike"]`.

/// The path of the member `key` of the object at `parent`.
pub(crate) fn member(parent: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match (parent.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{parent}.{key}"),
        (_, false) => format!("{parent}[{key:?}]"),
    }
}

/// The path of item `index` of the list at `parent`.
pub(crate) fn item(parent: &str, index: usize) -> String {
    format!("{parent}[{index}]")
}

/// `text`, cut to a length that fits into a message.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code() {
        assert_eq!(member("", "Version"), "Version");
        assert_eq!(member(&item("Statement", 2), "Action"), "Statement[2].Action");
        assert_eq!(member("Condition.StringLike", "aws:x/y"), "Condition.StringLike[\"aws:x/y\"]");
        assert_eq!(member("", "a b"), "[\"a b\"]");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"é".repeat(100)), format!("{}…", "é".repeat(80)));
    }
}
