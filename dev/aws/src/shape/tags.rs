//! Tags beyond their patterns: no key twice (without regard to case on roles), none that AWS keeps to itself, at
//! most 50 in a call.
//! Source: IAM user guide, "Tagging IAM resources"; the sentences for duplicates and counts from emulators that
//! recorded them; that for `aws:` is not known to the letter.

use crate::answer::Refusal;
use crate::call::Call;

pub fn check(call: &Call) -> Result<(), Refusal> {
    let keys: Vec<String> = call.tags().into_iter().map(|(key, _)| key).collect();
    if keys.len() > 50 {
        return Err(Refusal::validation(
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
        ));
    }
    let folds = call.op.ends_with("Role");
    let mut seen = Vec::new();
    for key in keys.iter().chain(&call.list("TagKeys")) {
        if key.to_lowercase().starts_with("aws:") {
            return Err(Refusal::invalid_input("Tag keys that begin with aws: are reserved for system use."));
        }
        let folded = if folds { key.to_lowercase() } else { key.clone() };
        if seen.contains(&folded) {
            return Err(Refusal::invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        seen.push(folded);
    }
    Ok(())
}
