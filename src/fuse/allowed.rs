//! What somebody has said may go.

use super::WINDOW;
use std::collections::BTreeSet;

/// So many removals of a class, or of one of its namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// Only of this namespace.
    pub namespace: Option<&'a str>,
    /// How many.
    pub count: usize,
}

impl<'a> Allowed<'a> {
    /// Of `50`, `team-a:30`, or several with commas between them. `None` where any of it can't be read, or something is
    /// said twice.
    #[must_use]
    pub fn parse(said: &'a str) -> Option<Vec<Self>> {
        let one = |part: &'a str| {
            let (namespace, count) = match part.split_once(':') {
                Some((namespace, count)) => (Some(namespace.trim()), count),
                None => (None, part),
            };
            let named = namespace.is_none_or(is_label);
            Some(Self { namespace, count: count.trim().parse().ok().filter(|_| named)? })
        };
        let all: Vec<Self> = said.split(',').map(one).collect::<Option<_>>()?;
        let once = all.iter().map(|allowed| allowed.namespace).collect::<BTreeSet<_>>().len() == all.len();
        once.then_some(all)
    }

    /// What is said of it, where so many go that were held.
    #[must_use]
    pub fn told(&self, go: usize) -> String {
        let place = self.namespace.map(|name| format!(" of namespace {name}")).unwrap_or_default();
        let minutes = WINDOW.as_secs() / 60;
        match (go, self.count.saturating_sub(go)) {
            (0, 0) => format!("nothing{place} is allowed to go any more"),
            (0, left) => format!("nothing{place} is held; {left} may go in the next {minutes} minutes"),
            (go, 0) => format!("{go}{place} that were held go now"),
            (go, left) => {
                format!("{go}{place} that were held go now, and {left} more may in the next {minutes} minutes")
            }
        }
    }
}

/// Whether a namespace can have this name (RFC 1123 label).
fn is_label(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_namespaces_with_theirs() {
        let of = |namespace, count| Allowed { namespace, count };
        let table = [
            ("50", Some(vec![of(None, 50)])),
            (" 50 ", Some(vec![of(None, 50)])),
            ("team-a:30", Some(vec![of(Some("team-a"), 30)])),
            ("team-a:30, b : 4", Some(vec![of(Some("team-a"), 30), of(Some("b"), 4)])),
            ("team-a:30,5", Some(vec![of(Some("team-a"), 30), of(None, 5)])),
            ("", None),
            ("many", None),
            (":5", None),
            ("team-a:", None),
            ("team-a:x", None),
            ("team-a:-1", None),
            ("team-a:5,", None),
            ("a:b:5", None),
            ("Team-A:5", None),
            ("team a:5", None),
            ("team-a:5,team-a:6", None),
            ("5,6", None),
        ];
        for (said, allowed) in table {
            assert_eq!(Allowed::parse(said), allowed, "{said}");
        }
    }

    #[test]
    fn what_comes_of_it_is_told() {
        let told = |said, go| Allowed::parse(said).unwrap()[0].told(go);
        assert_eq!(told("a:30", 30), "30 of namespace a that were held go now");
        assert_eq!(told("50", 30), "30 that were held go now, and 20 more may in the next 10 minutes");
        assert_eq!(told("shpo:50", 0), "nothing of namespace shpo is held; 50 may go in the next 10 minutes");
        assert_eq!(told("0", 0), "nothing is allowed to go any more");
    }
}
