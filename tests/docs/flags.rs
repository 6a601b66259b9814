//! Every command and flag, from the parser itself.

use crate::reference::head;
use clap::{Arg, Command, CommandFactory};
use irsa_operator::cli::Cli;
use std::fmt::Write;

/// The page of all commands.
pub fn page() -> (String, String) {
    let mut page = head("Commands and flags", "src/cli");
    let mut program = Cli::command();
    program.build();
    let _ = writeln!(
        page,
        "{} Each flag may also be given by the variable that stands beside it; the flag wins. The chart sets `run`'s by \
         these variables, from its values under `config`: `--cluster-id` is `config.clusterId`.",
        sentence(program.get_about().map(ToString::to_string).unwrap_or_default())
    );
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        let _ = writeln!(page, "\n## irsa-operator {}\n\n{}\n", command.get_name(), about(command));
        page.push_str("| flag | default | what it does |\n|---|---|---|\n");
        for arg in command.get_arguments().filter(|arg| !["help", "version"].contains(&arg.get_id().as_str())) {
            let _ = writeln!(page, "{}", row(arg));
        }
    }
    ("flags.md".to_owned(), page)
}

fn about(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let parts: Vec<String> = text.split("\n\n").map(|part| sentence(part.replace('\n', " "))).collect();
    parts.join("\n\n")
}

/// clap takes the full stop off, but not where others follow.
fn sentence(mut text: String) -> String {
    if !text.ends_with(['.', '>']) {
        text.push('.');
    }
    text
}

fn row(arg: &Arg) -> String {
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).and_then(|names| names.first());
    let value = value.map(|name| format!(" {}", name.replace('|', "\\|"))).unwrap_or_default();
    let mut flag = format!("`--{}{value}`", arg.get_long().expect("all have a name"));
    if let Some(variable) = arg.get_env() {
        let _ = write!(flag, " `{}`", variable.to_string_lossy());
    }
    let default: Vec<String> = arg.get_default_values().iter().map(|value| format!("`{}`", value.display())).collect();
    let default = match (default.is_empty(), arg.is_required_set()) {
        (_, true) => "**required**".to_owned(),
        (true, _) => String::new(),
        (false, _) if !arg.get_action().takes_values() => String::new(),
        (false, _) => default.join(", "),
    };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut help = linked(sentence(help.replace('\n', " ").replace('|', "\\|").replace('*', "\\*")));
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if !values.is_empty() && arg.get_action().takes_values() {
        let _ = write!(help, " One of {}.", values.join(", "));
    }
    format!("| {flag} | {default} | {help} |")
}

/// Pages of `docs/` that a text names are links.
fn linked(text: String) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        let name = word.trim_matches(|c| "().,".contains(c)).to_owned();
        if let Some(page) = name.strip_prefix("docs/").filter(|page| page.ends_with(".md")) {
            *word = word.replace(&name, &format!("[{page}](../{page})"));
        }
    }
    words.join(" ")
}
