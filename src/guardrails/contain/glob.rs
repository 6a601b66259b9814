//! Patterns with `*` and `?`, and two questions about them that have exact answers: does one lie inside another, and do
//! two have a text in common. Both look at each pair of places once: no pattern makes them slow.

#[cfg(test)]
mod tests;

/// One place of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// This byte of ASCII.
    Char(u8),
    /// `?`. Whether it stands for a colon, too.
    One { colon: bool },
    /// `*`, or a policy variable. Whether it reaches over colons.
    Any { colon: bool },
}

impl Place {
    fn is_any(self) -> bool {
        matches!(self, Self::Any { .. })
    }

    /// Whether this place of a class covers that one of a tenant. Only `*` covers what may turn out as anything, and `?`
    /// covers what is one character for sure: `?` against `?` would ask what one character is to AWS.
    fn covers(self, tenant: Self) -> bool {
        match (self, tenant) {
            (Self::Char(ours), Self::Char(theirs)) => ours == theirs,
            (Self::One { colon } | Self::Any { colon }, Self::Char(theirs)) => colon || theirs != b':',
            (Self::Any { colon: ours }, Self::One { colon: theirs } | Self::Any { colon: theirs }) => ours || !theirs,
            (Self::Char(_) | Self::One { .. }, Self::One { .. } | Self::Any { .. }) => false,
        }
    }

    /// Whether both may stand for the same character.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Char(a), Self::Char(b)) => a == b,
            (Self::Char(c), Self::One { colon } | Self::Any { colon })
            | (Self::One { colon } | Self::Any { colon }, Self::Char(c)) => colon || c != b':',
            (Self::One { .. } | Self::Any { .. }, Self::One { .. } | Self::Any { .. }) => true,
        }
    }
}

/// The places of an action. It has one colon, which only a `*` alone stands for unwritten. IAM does not look at the case of
/// its letters: ASCII is folded and nothing else, so that no other letter passes for one: U+212A is no k.
pub(super) fn action(text: &str) -> Vec<Place> {
    let colon = text == "*";
    let place = |byte| match byte {
        b'*' => Place::Any { colon },
        b'?' => Place::One { colon },
        byte => Place::Char(byte.to_ascii_lowercase()),
    };
    text.bytes().map(place).collect()
}

/// Whether every text that `tenant` stands for is one that `class` stands for, by the rules of [`Place::covers`].
///
/// The tenant's pattern is read as a text, of which only `*` takes the places that are open. Where the class has no `?`
/// that is no less than the truth: a text with a character of its own at each open place can only be matched so.
pub(super) fn covers(class: &[Place], tenant: &[Place]) -> bool {
    let Some((class, tenant)) = after_letters(class, tenant) else { return false };
    // Which beginnings of the class's pattern cover what was read of the tenant's.
    let mut reached = vec![false; class.len() + 1];
    reached[0] = true;
    skip_empty(class, &mut reached);
    let mut next = vec![false; class.len() + 1];
    for &theirs in tenant {
        next.fill(false);
        for (at, &ours) in class.iter().enumerate().filter(|(at, _)| reached[*at]) {
            if ours.covers(theirs) {
                next[at + usize::from(!ours.is_any())] = true;
            }
        }
        skip_empty(class, &mut next);
        std::mem::swap(&mut reached, &mut next);
        if !reached.contains(&true) {
            return false;
        }
    }
    reached[class.len()]
}

/// What follows the characters with which both begin; `None` where they begin otherwise, which ends most questions.
fn after_letters<'a>(a: &'a [Place], b: &'a [Place]) -> Option<(&'a [Place], &'a [Place])> {
    let letter = |place: &Place| matches!(place, Place::Char(_));
    let same = a.iter().zip(b).take_while(|(a, b)| letter(a) && a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    match (a.first(), b.first()) {
        (Some(Place::Char(_)), Some(Place::Char(_))) => None,
        _ => Some((a, b)),
    }
}

/// A `*` may stand for nothing.
fn skip_empty(pattern: &[Place], reached: &mut [bool]) {
    for (at, place) in pattern.iter().enumerate() {
        if place.is_any() && reached[at] {
            reached[at + 1] = true;
        }
    }
}

/// Whether there is a text that both stand for.
pub(super) fn intersects(a: &[Place], b: &[Place]) -> bool {
    let Some((a, b)) = after_letters(a, b) else { return false };
    // Which beginnings of `b` have a text in common with what was read of `a`.
    let mut reached = vec![false; b.len() + 1];
    reached[0] = true;
    skip_empty(b, &mut reached);
    for &ours in a {
        let mut next = vec![false; b.len() + 1];
        for at in 0..=b.len() {
            if !reached[at] {
                continue;
            }
            if ours.is_any() {
                next[at] = true;
            }
            let Some(&theirs) = b.get(at) else { continue };
            if ours.meets(theirs) {
                next[at + usize::from(!theirs.is_any())] = true;
                // A `*` goes on after one character.
                if ours.is_any() {
                    reached[at + 1] = true;
                }
            }
        }
        skip_empty(b, &mut next);
        reached = next;
    }
    reached[b.len()]
}
