//! Patterns in which `*` stands for any characters, none among them, and nothing else is special.

/// Whether `pattern` covers `text`, letter by letter.
pub(super) fn covers(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    let Some(mut middle) = rest.strip_suffix(last) else { return false };
    // Each part where it first comes: what comes later leaves no more room for those after it.
    for part in parts {
        let Some(at) = middle.find(part) else { return false };
        middle = &middle[at + part.len()..];
    }
    true
}

/// [`covers`] for texts in which A and a are the same, as in keys of tags. Letters beyond ASCII are themselves.
pub(super) fn covers_key(pattern: &str, text: &str) -> bool {
    covers(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        let yes = [
            ("", ""),
            ("*", ""),
            ("*", "abc"),
            ("a*", "a"),
            ("a*c", "ac"),
            ("a*b*c", "aXbYc"),
            ("*b*", "abc"),
            ("**", "x"),
            ("a*a", "aa"),
        ];
        for (pattern, text) in yes {
            assert!(covers(pattern, text), "{pattern} {text}");
        }
        let no =
            [("", "a"), ("a", "A"), ("a*a", "a"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("a?c", "abc"), ("a.c", "abc")];
        for (pattern, text) in no {
            assert!(!covers(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn only_ascii_is_folded() {
        assert!(covers_key("Team*", "tEAMx"));
        assert!(!covers_key("key", "\u{212A}ey"), "the Kelvin sign is no k");
    }

    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|at| slow(rest, &text[at..])),
            ([p, rest @ ..], [t, more @ ..]) => p == t && slow(rest, more),
            (rest, text) => rest.is_empty() && text.is_empty(),
        }
    }

    proptest! {
        #[test]
        fn it_is_what_trying_all_ways_says(pattern in "[ab*]{0,7}", text in "[ab]{0,8}") {
            prop_assert_eq!(covers(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
