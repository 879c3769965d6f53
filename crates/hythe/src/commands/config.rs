//! `hythe config`: explains, checks and shows the configuration.

use serde::Serialize;

use crate::cli::ConfigCommand;
use crate::config::{self, Explained, Inputs, Loaded, Problem, Topic};
use crate::failure::Failure;
use crate::output::{self, Format, Table, wrap};

pub(crate) fn run(command: &ConfigCommand, inputs: &Inputs) -> Result<(), Failure> {
    match command {
        ConfigCommand::Explain { key, output } => explain(key.as_deref(), *output, &config::load(inputs)),
        ConfigCommand::Check { output } => check(*output, &config::load(inputs)),
        ConfigCommand::Example => {
            output::print(&config::example());
            Ok(())
        }
    }
}

fn explain(name: Option<&str>, format: Format, loaded: &Loaded) -> Result<(), Failure> {
    let topic = Topic::find(name).map_err(|problem| Failure::of_problems(&[problem]))?;
    let explained: Vec<Explained> =
        topic.keys().into_iter().map(|key| Explained::new(key, &loaded.sources)).collect();
    match (&topic, format) {
        (Topic::Special(variable, meaning), _) => output::print(&format!("{variable}\n  {meaning}\n")),
        (Topic::Key(_), Format::Json) => explained.iter().for_each(output::print_json),
        (_, Format::Json) => output::print_json(&explained),
        (Topic::Key(_), Format::Text) => explained.iter().for_each(|one| output::print(&in_full(one))),
        (_, Format::Text) => output::print(&overview(&explained, loaded)),
    }
    Ok(())
}

/// Every setting on a line of its own, and which file was read.
fn overview(explained: &[Explained], loaded: &Loaded) -> String {
    let mut table = Table::new(&["SETTING", "VALUE", "FROM"]);
    for one in explained {
        table.row([one.key.to_owned(), value(one), one.origin.to_string()]);
    }
    let mut text = table.render(output::terminal_width());
    text.push('\n');
    text.push_str(&files(loaded));
    text.push_str("`hythe config explain SETTING` says more about one.\n");
    for problem in &loaded.problems {
        text.push_str(&format!("wrong: {problem}\n"));
    }
    text
}

fn files(loaded: &Loaded) -> String {
    match &loaded.file {
        Some(file) => format!("Read {}.\n", file.display()),
        None => {
            let places: Vec<String> =
                loaded.looked_at.iter().map(|path| path.display().to_string()).collect();
            format!("No configuration file: none at {}.\n", places.join(" or "))
        }
    }
}

/// One setting with all that is known of it.
fn in_full(one: &Explained) -> String {
    let mut text = format!("{} = {}\n", one.key, value(one));
    let mut line = |name: &str, said: &str| text.push_str(&format!("  {name:<10} {said}\n"));
    line("from", &one.origin.to_string());
    for overridden in &one.overrides {
        line("instead of", &format!("{}, {}", overridden.value, overridden.origin));
    }
    line("default", one.default.as_deref().unwrap_or("not set"));
    line("type", one.r#type);
    line("variable", &one.variables.join(" or "));
    if let Some(flag) = one.flag {
        line("flag", flag);
    }
    if let Some(problem) = &one.problem {
        line("wrong", problem);
    }
    text.push('\n');
    for paragraph in wrap(&one.doc, output::terminal_width().unwrap_or(100).min(100)) {
        text.push_str(&format!("{paragraph}\n"));
    }
    text
}

fn value(one: &Explained) -> String {
    one.value.clone().unwrap_or_else(|| "not set".to_owned())
}

/// The answer of `config check` as JSON.
#[derive(Serialize)]
struct Checked<'a> {
    valid: bool,
    file: Option<String>,
    problems: &'a [Problem],
}

fn check(format: Format, loaded: &Loaded) -> Result<(), Failure> {
    let problems = &loaded.problems;
    match format {
        Format::Json => {
            let file = loaded.file.as_ref().map(|path| path.display().to_string());
            output::print_json(&Checked { valid: problems.is_empty(), file, problems });
        }
        Format::Text if problems.is_empty() => {
            output::print(&format!("{}The configuration is valid.\n", files(loaded)))
        }
        Format::Text => problems.iter().for_each(|problem| eprintln!("error: {problem}")),
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::found()) }
}
