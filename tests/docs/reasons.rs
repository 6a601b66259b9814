//! Conditions, reasons, Events, and what is tried again when; and every name that is written on objects.

use crate::reference::head;
use irsa_operator::api::About;
use irsa_operator::api::names;
use irsa_operator::api::reason;
use irsa_operator::backoff::{EXPONENTIAL, PACED, Retry, SECONDS, SLOW};
use irsa_operator::error::Category;
use irsa_operator::status::FRESH_PERMISSIONS;
use std::fmt::Write;

/// The page of conditions and Events.
pub fn page() -> (String, String) {
    let mut page = head("Conditions and Events", "src/api/reason.rs and src/error.rs");
    page.push_str(
        "What to do about each is told in [troubleshooting](../troubleshooting.md). Messages are sentences for people and may \
         change; types and reasons do not.\n\n## Types of conditions\n\nUnder `status.conditions` of a binding and of a \
         class.\n\n",
    );
    table(&mut page, "type", reason::condition::CATALOG);
    page.push_str("\n## Reasons of conditions\n\n");
    let written: Vec<About> = reason::CATALOG.iter().filter(|about| about.name != reason::OTHER).copied().collect();
    linked(&mut page, &written);
    page.push_str(
        "\n## What is tried again, and when\n\nEach trouble is of one kind. *Ready* tells what becomes of it where the binding \
         was Ready in the same generation of its spec; a spec that was never in AWS is not Ready in any case. `Stalled` means \
         that somebody has to act, `Reconciling` that it goes on by itself. A change of the binding, its class or its \
         ServiceAccount is looked at right away.\n\n| label in metrics | what it is | usual reason | Ready | says | tried \
         again |\n|---|---|---|---|---|---|\n",
    );
    for category in Category::ALL {
        let ready = if category.is_verdict() { "turns False" } else { "stays" };
        let says = match (category.is_outage(), category.is_verdict()) {
            (true, _) => "`Reconciling`".to_owned(),
            (_, true) => "`Stalled`".to_owned(),
            _ => format!("`Reconciling`, after {} `Stalled`", span(FRESH_PERMISSIONS.as_secs())),
        };
        let (label, reason, when) = (category.label(), category.reason(), when(category.retry()));
        let _ = writeln!(page, "| `{label}` | {} | `{reason}` | {ready} | {says} | {when} |", what(category));
    }
    page.push_str(
        "\n## Events\n\n`kubectl events --for irsabinding/NAME`, or `kubectl get events -A --field-selector \
         involvedObject.kind=IrsaClass`. One is sent where something has changed, none where it is only as before.\n\n",
    );
    table(&mut page, "reason", reason::event::CATALOG);
    page.push_str(
        "\nReasons of conditions are told as Events, too, of type `Warning`, where they are new: all but what passes by \
         itself within seconds",
    );
    let brief: Vec<String> =
        Category::ALL.iter().filter(|c| c.is_brief()).map(|c| format!("`{}`", c.reason())).collect();
    let _ = writeln!(page, " ({}). `{}` of type `Normal` tells the end of a trouble.", brief.join(", "), reason::READY);
    ("conditions.md".to_owned(), page)
}

/// The page of annotations, tags and other names.
pub fn names_page() -> (String, String) {
    let mut page = head("Names that are written", "src/api/names.rs");
    let _ = writeln!(
        page,
        "On objects of Kubernetes and AWS. None of them ever changes.\n\n## On bindings, classes and ServiceAccounts\n"
    );
    table(&mut page, "finalizer or annotation", names::CATALOG);
    page.push_str("\nFor the pod identity webhook, on ServiceAccounts:\n\n");
    table(&mut page, "annotation", names::annotation::CATALOG);
    let _ = writeln!(
        page,
        "\nThe field manager of these is `{}`, one for each binding, and `{}` of all else.\n\n## On roles\n",
        names::manager_of("BINDING"),
        names::MANAGER
    );
    table(&mut page, "tag", names::tag::CATALOG);
    let _ = writeln!(
        page,
        "\nAll keys that begin with `{}` are refused in specs, in lower and upper case. Inline policies whose names begin with \
         `{}` are the operator's own: `{}` denies everything on a role without a binding, where the class says \
         `orphans: Quarantine`.\n\n## Variables\n\n{}, in policies, names, tags and the boundary; unknown ones are refused.",
        names::tag::PREFIX,
        names::INLINE_PREFIX,
        names::QUARANTINE,
        names::VARIABLES.map(|name| format!("`$({name})`")).join(" ")
    );
    ("names.md".to_owned(), page)
}

fn table(page: &mut String, head: &str, catalog: &[About]) {
    let _ = writeln!(page, "| {head} | what it says |\n|---|---|");
    for about in catalog {
        assert!(!about.help.contains(['|', '[', '\n']), "{}: it stands in a table", about.name);
        let _ = writeln!(page, "| `{}` | {} |", about.name, about.help.trim());
    }
}

/// Each reason that may need somebody leads to what is to be done about it.
fn linked(page: &mut String, reasons: &[About]) {
    page.push_str("| reason | what it says |\n|---|---|\n");
    for About { name, help } in reasons {
        let name = match [reason::READY, reason::SNAPSHOT].contains(name) {
            true => format!("`{name}`"),
            false => format!("[`{name}`](../troubleshooting.md#{})", name.to_lowercase()),
        };
        let _ = writeln!(page, "| {name} | {} |", help.trim());
    }
}

fn when(retry: Retry) -> String {
    let between = |(first, last): (std::time::Duration, std::time::Duration)| {
        format!("after {} at first, {} at most", seconds(first.as_secs_f64()), seconds(last.as_secs_f64()))
    };
    match retry {
        Retry::OnChange => "when the binding or its class changes".to_owned(),
        Retry::WhenClassReady => "when the class turns Ready".to_owned(),
        Retry::Slow => format!("every {}", span(SLOW.as_secs())),
        Retry::Exponential => between(EXPONENTIAL),
        Retry::Paced => between((PACED.0, PACED.1)),
        Retry::Seconds => between(SECONDS),
    }
}

fn seconds(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds} s") } else { span(seconds as u64) }
}

fn span(seconds: u64) -> String {
    match seconds / 60 {
        1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Its documentation in the code.
fn what(category: Category) -> String {
    let code = include_str!("../../src/error.rs");
    let at = code.find(&format!("\n    {category:?},\n")).expect("its line");
    let line = code[..at].lines().last().unwrap_or_default().trim();
    let text = line.strip_prefix("/// ").and_then(|text| text.strip_suffix('.')).expect("a sentence");
    if text.starts_with("AWS") {
        text.to_owned()
    } else {
        text.replacen(char::is_uppercase, &text[..1].to_lowercase(), 1)
    }
}
