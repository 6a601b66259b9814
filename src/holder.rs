//! Two bindings for one ServiceAccount: which of them has it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// A binding that names the ServiceAccount.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Name of the binding; all are in one namespace.
    pub name: String,
    /// When it was made.
    pub created: Option<Time>,
    /// The role that it asks for, where that can be told.
    pub role_arn: Option<String>,
}

/// The one that has it: whose role the annotation names, else the oldest, else the first by name.
#[must_use]
pub fn holder<'a>(candidates: &'a [Candidate], annotation: Option<&str>) -> Option<&'a Candidate> {
    let named = candidates.iter().find(|c| annotation.is_some() && c.role_arn.as_deref() == annotation);
    named.or_else(|| candidates.iter().min_by(|a, b| (&a.created, &a.name).cmp(&(&b.created, &b.name))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;

    fn candidate(name: &str, created: i64, role: Option<&str>) -> Candidate {
        let created = Timestamp::from_second(created).ok().map(Time);
        Candidate { name: name.into(), created, role_arn: role.map(str::to_owned) }
    }

    #[test]
    fn annotation_then_age_then_name() {
        let all = [candidate("b", 2, Some("B")), candidate("a", 2, Some("A")), candidate("c", 3, Some("C"))];
        let name = |annotation| holder(&all, annotation).map(|c| c.name.as_str());
        assert_eq!(name(Some("C")), Some("c"), "whom the annotation names");
        assert_eq!(name(None), Some("a"), "the first by name among the oldest");
        assert_eq!(name(Some("X")), Some("a"), "a foreign annotation names none of them");
        assert_eq!(holder(&all[2..], None).map(|c| c.name.as_str()), Some("c"));
        assert!(holder(&[], None).is_none());
    }
}
