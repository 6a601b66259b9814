//! Tags of a role. IAM compares their keys without regard to case and keeps the case that was written
//! (IAM user guide, "Tags for IAM resources"), so that all look-ups here do the same.

use crate::api::names::tag;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Remembers on the role itself which of its tags came from a spec, so that one that leaves the spec can be told from
/// one that somebody else put there. Holds six characters (36 bits of SHA-256) for each key: 40 keys, the most that
/// class and binding may have, fill 240 of the 256 characters that a tag value may have.
pub const DECLARED: &str = "irsa-operator.io/tags";

/// As many keys as it has room for.
const DECLARED_MOST: usize = 42;

/// The value of `key`, without regard to case.
#[must_use]
pub fn get<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    tags.iter()
        .find(|(k, _)| k.eq_ignore_ascii_case(key) || k.to_lowercase() == key.to_lowercase())
        .map(|(_, v)| v.as_str())
}

/// Whether `key` is one of the operator's own.
#[must_use]
pub fn is_reserved(key: &str) -> bool {
    key.to_lowercase().starts_with(tag::PREFIX)
}

/// The value of [`DECLARED`] for these keys, `None` where there are none.
pub fn declared<'a>(keys: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut marks: Vec<String> = keys.map(|key| mark(key)).collect();
    marks.sort();
    (!marks.is_empty()).then(|| marks.concat())
}

/// These tags with the memory that they were declared, beside all that `live` remembers.
#[must_use]
pub fn and_declared(live: &Tags, mut wanted: Tags) -> Tags {
    let new = wanted.keys().map(|key| mark(key)).collect::<Vec<_>>();
    let mut all: Vec<&str> = marks(live).into_iter().chain(new.iter().map(String::as_str)).collect();
    all.sort_unstable();
    all.dedup();
    // Beyond forty its value would be too long: what is not remembered stays when it is withdrawn.
    let told = Tags::from([(DECLARED.to_owned(), all.into_iter().take(DECLARED_MOST).collect::<String>())]);
    wanted.extend(missing(live, &told));
    wanted
}

/// The keys among `live` that an earlier spec declared and `wanted` no longer has.
#[must_use]
pub fn withdrawn(live: &Tags, wanted: &Tags) -> Vec<String> {
    let marks = marks(live);
    live.keys()
        .filter(|key| get(wanted, key).is_none())
        .filter(|key| key.eq_ignore_ascii_case(DECLARED) || (!is_reserved(key) && marks.contains(&mark(key).as_str())))
        .cloned()
        .collect()
}

/// What of `wanted` is missing from `live` or has another value there.
#[must_use]
pub fn missing(live: &Tags, wanted: &Tags) -> Tags {
    wanted.iter().filter(|(k, v)| get(live, k) != Some(v.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Those tags that are the operator's own or that a spec declared, by lower-case key. What else somebody put on the role
/// is nobody's business here, and how it came to be ours no spec tells.
#[must_use]
pub fn ours(live: &Tags) -> BTreeMap<String, &str> {
    let marks = marks(live);
    live.iter()
        .filter(|(key, _)| ![tag::ADOPTED, tag::LEFT_STACK].iter().any(|origin| key.eq_ignore_ascii_case(origin)))
        .filter(|(key, _)| is_reserved(key) || marks.contains(&mark(key).as_str()))
        .map(|(key, value)| (key.to_lowercase(), value.as_str()))
        .collect()
}

/// What [`DECLARED`] remembers.
fn marks(live: &Tags) -> Vec<&str> {
    let declared = get(live, DECLARED).unwrap_or_default();
    (0..declared.len() / 6).filter_map(|i| declared.get(i * 6..i * 6 + 6)).collect()
}

fn mark(key: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(key.to_lowercase().as_bytes());
    let bits = digest.iter().take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    (0..6).map(|i| char::from(ALPHABET[(bits >> (34 - 6 * i) & 63) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn keys_are_found_without_regard_to_case() {
        let live = tags(&[("Team", "a"), ("IRSA-Operator.io/Cluster", "c")]);
        assert_eq!(get(&live, "team"), Some("a"));
        assert_eq!(get(&live, tag::CLUSTER), Some("c"));
        assert!(missing(&live, &tags(&[("TEAM", "a")])).is_empty());
        assert_eq!(missing(&live, &tags(&[("TEAM", "b")])), tags(&[("TEAM", "b")]));
    }

    #[test]
    fn only_what_a_spec_declared_is_withdrawn() {
        let before = tags(&[("team", "a"), ("cost", "1")]);
        let mut live = before.clone();
        live.insert(DECLARED.into(), declared(before.keys()).unwrap());
        live.insert("auditor".into(), "somebody else".into());
        live.insert(tag::HOLD.into(), String::new());
        let mut wanted = tags(&[("Team", "a")]);
        wanted.insert(DECLARED.into(), declared(wanted.keys()).unwrap());
        assert_eq!(withdrawn(&live, &wanted), vec!["cost".to_owned()]);
        let mut all = withdrawn(&live, &Tags::new());
        all.sort();
        assert_eq!(all, vec!["cost".to_owned(), DECLARED.to_owned(), "team".to_owned()]);
    }

    /// No wish has them, and a role that is as desired is to look so.
    #[test]
    fn how_a_role_came_to_be_ours_is_no_part_of_what_is_compared() {
        let live =
            tags(&[(tag::CLUSTER, "c"), (tag::ADOPTED, "c"), ("IRSA-Operator.io/Left-Stack", "s"), (tag::HOLD, "")]);
        assert_eq!(ours(&live).into_keys().collect::<Vec<_>>(), [tag::CLUSTER, tag::HOLD]);
        assert!(withdrawn(&live, &Tags::new()).is_empty());
    }

    /// People edit tags: what can't be read names no tag, and nothing of ours or of others goes for it.
    #[test]
    fn a_damaged_memory_withdraws_nothing_that_it_does_not_name() {
        let mut live = tags(&[("team", "a"), ("cost", "1"), (tag::CLUSTER, "c")]);
        let team = declared(["team".to_owned()].iter()).unwrap();
        for (memory, gone) in [("", vec![]), ("ééé!", vec![]), ("abc", vec![]), (&format!("{team}abc"), vec!["team"])]
        {
            live.insert("IRSA-OPERATOR.IO/TAGS".into(), memory.to_owned());
            let mut wanted = tags(&[("other", "x")]);
            wanted.insert(DECLARED.into(), declared(["other".to_owned()].iter()).unwrap());
            assert_eq!(withdrawn(&live, &wanted), gone, "{memory}");
        }
        let ours = declared([tag::CLUSTER.to_owned()].iter()).unwrap();
        live.insert("IRSA-OPERATOR.IO/TAGS".into(), ours);
        assert_eq!(withdrawn(&live, &Tags::new()), ["IRSA-OPERATOR.IO/TAGS"], "owner tags are never withdrawn");
    }

    #[test]
    fn forty_keys_fit_into_one_tag_value() {
        let keys: Vec<String> = (0..40).map(|i| format!("key-{i}")).collect();
        assert_eq!(declared(keys.iter()).unwrap().len(), 240);
        assert_eq!(declared([].iter()), None);
    }
}
