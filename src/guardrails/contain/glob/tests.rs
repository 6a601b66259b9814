//! Against brute force: all small patterns, and all texts that could tell them apart.

use super::*;
use std::time::{Duration, Instant};

/// All words of up to `longest` of `letters`.
fn words<T: Copy>(letters: &[T], longest: usize) -> Vec<Vec<T>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last.iter().flat_map(|word| letters.iter().map(move |l| [&word[..], &[*l]].concat())).collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// A pattern in which nothing stops at colons.
fn plain(text: &[u8]) -> Vec<Place> {
    let place = |byte: &u8| match byte {
        b'*' => Place::Any { colon: true },
        b'?' => Place::One { colon: true },
        byte => Place::Char(*byte),
    };
    text.iter().map(place).collect()
}

/// What a pattern stands for, by the book; `one` says which characters `?` does.
fn matches(pattern: &[Place], text: &[u8], one: &dyn Fn(u8) -> bool) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        ([Place::Any { colon }, rest @ ..], text) => {
            matches(rest, text, one)
                || matches!(text, [c, more @ ..] if (*colon || *c != b':') && matches(pattern, more, one))
        }
        ([Place::Char(ours), rest @ ..], [c, more @ ..]) => ours == c && matches(rest, more, one),
        ([Place::One { colon }, rest @ ..], [c, more @ ..]) => {
            one(*c) && (*colon || *c != b':') && matches(rest, more, one)
        }
        (_, []) => false,
    }
}

/// Which of `texts` a pattern stands for.
fn language(pattern: &[Place], texts: &[Vec<u8>], one: &dyn Fn(u8) -> bool) -> Vec<u64> {
    let mut bits = vec![0; texts.len().div_ceil(64)];
    for (index, _) in texts.iter().enumerate().filter(|(_, text)| matches(pattern, text, one)) {
        bits[index / 64] |= 1 << (index % 64);
    }
    bits
}

fn all_in(inner: &[u64], outer: &[u64]) -> bool {
    inner.iter().zip(outer).all(|(inner, outer)| inner & !outer == 0)
}

fn shown(pattern: &[Place]) -> String {
    pattern
        .iter()
        .map(|place| match place {
            Place::Char(c) => char::from(*c).to_string(),
            Place::One { colon } => if *colon { "?" } else { "[?]" }.to_owned(),
            Place::Any { colon } => if *colon { "*" } else { "[*]" }.to_owned(),
        })
        .collect()
}

/// `#` is a character that nobody has in a pattern, and that the `?` of a class does not stand for: that is what "a class's
/// `?` covers no `?` and no `*`" means.
#[test]
fn covers_is_exact() {
    let patterns = words(b"ab*?", 5).into_iter().map(|text| plain(&text));
    let texts = words(b"ab#", 6);
    let known: Vec<_> = patterns
        .map(|p| {
            let (ours, theirs) = (language(&p, &texts, &|c| c != b'#'), language(&p, &texts, &|_| true));
            (p, ours, theirs)
        })
        .collect();
    assert_eq!(known.len(), 1365);
    let mut inside = 0;
    for (class, ours, _) in &known {
        for (tenant, _, theirs) in &known {
            let expected = all_in(theirs, ours);
            inside += usize::from(expected);
            assert_eq!(covers(class, tenant), expected, "{} covers {}", shown(class), shown(tenant));
        }
    }
    assert!(inside > 100_000, "only {inside} pairs lie inside each other: nothing was tried");
}

#[test]
fn intersects_is_exact() {
    let patterns = words(b"ab*?", 5).into_iter().map(|text| plain(&text));
    // Four letters and a star each: the shortest that both stand for has eight at most.
    let texts = words(b"ab", 8);
    let known: Vec<_> = patterns.map(|p| (language(&p, &texts, &|_| true), p)).collect();
    for (index, (ours, a)) in known.iter().enumerate() {
        for (theirs, b) in &known[index..] {
            let expected = ours.iter().zip(theirs).any(|(a, b)| a & b != 0);
            assert_eq!(intersects(a, b), expected, "{} and {}", shown(a), shown(b));
            assert_eq!(intersects(b, a), expected, "{} and {}", shown(b), shown(a));
        }
    }
}

#[test]
fn colons_stop_what_they_stop() {
    let mut places = vec![Place::Char(b'a'), Place::Char(b':')];
    places.extend([true, false].into_iter().flat_map(|colon| [Place::One { colon }, Place::Any { colon }]));
    let texts = words(b"a:#", 6);
    let known: Vec<_> = words(&places, 3)
        .into_iter()
        .map(|p| {
            let (ours, theirs) = (language(&p, &texts, &|c| c != b'#'), language(&p, &texts, &|_| true));
            (p, ours, theirs)
        })
        .collect();
    for (class, ours, all_of_ours) in &known {
        for (tenant, _, theirs) in &known {
            assert!(!covers(class, tenant) || all_in(theirs, ours), "{} covers {}", shown(class), shown(tenant));
            let common = all_of_ours.iter().zip(theirs).any(|(a, b)| a & b != 0);
            assert_eq!(intersects(class, tenant), common, "{} and {}", shown(class), shown(tenant));
        }
    }
}

#[test]
fn actions() {
    assert!(covers(&action("KMS:Get*"), &action("kms:gEtKeyPolicy")));
    assert!(covers(&action("*"), &action("a:b")) && !covers(&action("a:*"), &action("*")));
    assert!(!intersects(&action("a:b*"), &action("*:c")), "an action has one colon");
    assert!(intersects(&action("*"), &action("*:c")) && intersects(&action("a?:c*"), &action("*b:*d")));
    assert!(!covers(&action("kms:*"), &action("\u{212a}ms:Get")), "U+212A is no k");
    assert!(!covers(&action("\u{212a}ms:*"), &action("kms:Get")));
    assert!(!covers(&action("s3:*"), &action("\u{17f}3:Get")), "U+017F is no s");
}

/// Each pair of places once is 160,000, and 2 to the power of 200 would be for ever.
#[test]
fn no_pattern_is_slow() {
    let long = |part: &str| action(&part.repeat(400 / part.len()));
    let started = Instant::now();
    for (ours, theirs) in [("*", "*"), ("*a", "a"), ("*a?", "?a"), ("**a*", "*a")] {
        let (ours, theirs) = (long(ours), [long(theirs), action("b")].concat());
        covers(&ours, &theirs);
        intersects(&ours, &theirs);
    }
    // A twentieth of a second in a debug build on a machine that has nothing else to do.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
