//! What tenants try who have all rights in their own namespace. After each try the judge is asked what their tokens can
//! really do in AWS.

mod documents;
mod edits;
mod judge;
mod tenant;

/// As many there are at least: who takes one out has to say so here.
const CASES: usize = 80;
/// The same of documents.
const DOCUMENTS: usize = 45;

/// The operator alone: whatever admission would have said. With admission they are tried by `make soak`.
#[tokio::test]
async fn the_operator_holds_a_tenant_alone() {
    tenant::attack(false).await;
}

#[test]
fn the_corpus_does_not_shrink() {
    let (cases, documents) = (tenant::count(), documents::count());
    assert!(cases >= CASES && documents >= DOCUMENTS, "{cases} and {documents}");
    let names = tenant::names();
    let different: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), different.len(), "each has a name of its own");
}
