//! The commands of a registry's users: over its API, with the rights that the API gives them.

mod artifact;
mod audit;
mod gc;
mod immutable;
mod job;
mod login;
mod member;
mod node;
mod project;
mod quota;
mod repo;
mod retention;
mod robot;
mod schedule;
mod tag;
mod token;
mod trash;
mod user;
mod words;

use serde_json::Value;

use crate::cli::{ClientCommand, client};
use crate::client::Remote;
use crate::failure::Failure;
use crate::output::{self, Format, Table, terminal_width};

/// Lists are read to the end; this many entries are more than anybody looks at.
const ALL: usize = 100_000;

/// What every command works with.
struct Desk {
    remote: Remote,
    format: Format,
}

pub(crate) async fn run(command: &ClientCommand) -> Result<(), Failure> {
    match command {
        ClientCommand::Login(wanted) => login::login(wanted).await,
        ClientCommand::Logout(remote) => login::logout(&Desk::of(remote)?, remote.server.as_deref()).await,
        ClientCommand::Whoami(remote) => login::whoami(&Desk::of(remote)?).await,
        ClientCommand::Project(with) => project::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Repo(with) => repo::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Artifact(with) => artifact::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Tag(with) => tag::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Quota(with) => quota::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Retention(with) => retention::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Immutable(with) => immutable::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Member(with) => member::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Robot(with) => robot::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::User(with) => user::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Token(with) => token::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Nodes(remote) => node::list(&Desk::of(remote)?).await,
        ClientCommand::Trash(with) => trash::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Gc(with) => gc::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Audit(with) => audit::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Job(with) => job::run(&with.command, &Desk::of(&with.remote)?).await,
        ClientCommand::Schedule(with) => schedule::run(&with.command, &Desk::of(&with.remote)?).await,
    }
}

/// A column: its head, and where in an entry its value is (RFC 6901).
type Column = (&'static str, &'static str);

impl Desk {
    fn of(arguments: &client::Remote) -> Result<Desk, Failure> {
        let remote = Remote::of_login(arguments.server.as_deref())?;
        Ok(Desk { remote, format: arguments.output })
    }

    /// Whether a person reads the answer.
    fn is_text(&self) -> bool {
        matches!(self.format, Format::Text)
    }

    /// A list as a table, or as it came.
    fn show_list(&self, entries: &[Value], columns: &[Column]) {
        match self.format {
            Format::Json => output::print_json(&entries),
            Format::Text => {
                let heads: Vec<&'static str> = columns.iter().map(|(head, _)| *head).collect();
                let mut table = Table::new(&heads);
                for entry in entries {
                    table.row(columns.iter().map(|(_, place)| words::cell(place, entry.pointer(place))));
                }
                output::print(&table.render(terminal_width()));
            }
        }
    }

    /// One thing, a line for each of its facts, or as it came.
    fn show(&self, thing: &Value, facts: &[Column]) {
        match self.format {
            Format::Json => output::print_json(thing),
            Format::Text => {
                let mut table = Table::new(&["WHAT", "VALUE"]);
                for (name, place) in facts {
                    table.row([(*name).to_owned(), words::cell(place, thing.pointer(place))]);
                }
                output::print(&table.render(terminal_width()));
            }
        }
    }

    /// That something was done: a sentence, or the answer.
    fn tell(&self, sentence: &str, answer: &Value) {
        match self.format {
            Format::Json => output::print_json(answer),
            Format::Text => output::print(&format!("{sentence}\n")),
        }
    }
}

/// A value as people read it.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(entries)) => {
            let named = |entry: &Value| text(entry.get("name").or(Some(entry)));
            entries.iter().map(named).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// The number at a place; 0 if there is none.
fn number(value: &Value, place: &str) -> i64 {
    value.pointer(place).and_then(Value::as_i64).unwrap_or(0)
}

/// Names a place in a query.
fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// `project/rest` as the two parts of a path.
fn repository_path(repository: &str) -> Result<String, Failure> {
    let (project, rest) = repository
        .split_once('/')
        .ok_or_else(|| Failure::usage(format!("{repository} is no repository; write project/name")))?;
    Ok(format!("projects/{}/repositories/{}", crate::client::part(project), crate::client::part(rest)))
}

/// `project/rest:tag` or `project/rest@digest` as a repository and a reference.
fn split_artifact(artifact: &str) -> Result<(&str, &str), Failure> {
    let split = artifact.split_once('@').or_else(|| artifact.rsplit_once(':'));
    split.filter(|(name, reference)| name.contains('/') && !reference.contains('/')).ok_or_else(|| {
        Failure::usage(format!("{artifact} is no artifact; write project/name:tag or project/name@digest"))
    })
}

/// An artifact's path.
fn artifact_path(artifact: &str) -> Result<String, Failure> {
    let (repository, reference) = split_artifact(artifact)?;
    Ok(format!("{}/artifacts/{}", repository_path(repository)?, crate::client::part(reference)))
}

/// `resource:action` words as the access list of one place.
fn permission_entry(kind: &str, namespace: &str, may: &[String]) -> Result<Value, Failure> {
    let access: Result<Vec<Value>, Failure> = may
        .iter()
        .map(|word| {
            let (resource, action) = word
                .split_once(':')
                .ok_or_else(|| Failure::usage(format!("{word} is no permission; write resource:action")))?;
            Ok(serde_json::json!({ "resource": resource, "action": action }))
        })
        .collect();
    Ok(serde_json::json!({ "kind": kind, "namespace": namespace, "access": access? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_split_at_the_tag_or_the_digest() {
        assert_eq!(split_artifact("team/a/b:v1").unwrap(), ("team/a/b", "v1"));
        assert_eq!(split_artifact("team/a@sha256:ab").unwrap(), ("team/a", "sha256:ab"));
        for bad in ["team", "team:v1", "team/a", "host:5000/a"] {
            assert!(split_artifact(bad).is_err(), "{bad}");
        }
    }
}
