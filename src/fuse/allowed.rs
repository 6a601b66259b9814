//! What somebody has said may go.

/// So many removals of a class, or of one of its namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed<'a> {
    /// Only of this namespace.
    pub namespace: Option<&'a str>,
    /// How many.
    pub count: usize,
}

impl<'a> Allowed<'a> {
    /// Of `50`, `team-a:30`, or several with commas between them. `None` where any of it can't be read.
    #[must_use]
    pub fn parse(said: &'a str) -> Option<Vec<Self>> {
        let one = |part: &'a str| {
            let (namespace, count) = match part.split_once(':') {
                Some((namespace, count)) => (Some(namespace.trim()), count),
                None => (None, part),
            };
            let named = namespace.is_none_or(|name| !name.is_empty());
            Some(Self { namespace, count: count.trim().parse().ok().filter(|_| named)? })
        };
        said.split(',').map(one).collect()
    }
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
        ];
        for (said, allowed) in table {
            assert_eq!(Allowed::parse(said), allowed, "{said}");
        }
    }
}
