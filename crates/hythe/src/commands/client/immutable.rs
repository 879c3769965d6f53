//! `hythe immutable`

use serde_json::{Value, json};

use super::{ALL, Desk};
use crate::cli::client::ImmutableCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &ImmutableCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        ImmutableCommand::List { project } => list(project, desk).await,
        ImmutableCommand::Add { project, pattern, kind, except, repositories } => {
            let decoration = if *except { "excludes" } else { "matches" };
            let tags = json!([{ "kind": kind, "decoration": decoration, "pattern": pattern }]);
            let repositories =
                json!([{ "kind": "doublestar", "decoration": "repoMatches", "pattern": repositories }]);
            let body = json!({ "tag_selectors": tags, "scope_selectors": { "repository": repositories } });
            let (_, location) = desk.remote.create(&path(project), &body).await?;
            let id = location.rsplit('/').next().unwrap_or_default();
            let told = format!("Rule {id} of project {project} keeps such tags as they are.");
            desk.tell(&told, &json!({ "location": location }));
            Ok(())
        }
        ImmutableCommand::Remove { project, rule } => {
            desk.remote.delete(&format!("{}/{rule}", path(project))).await?;
            desk.tell(&format!("Rule {rule} of project {project} was taken away."), &Value::Null);
            Ok(())
        }
    }
}

fn path(project: &str) -> String {
    format!("projects/{}/immutabletagrules", part(project))
}

async fn list(project: &str, desk: &Desk) -> Result<(), Failure> {
    let rules = desk.remote.list(&path(project), ALL).await?;
    let columns = [
        ("ID", "/id"),
        ("TAGS", "/tag_selectors/0/decoration"),
        ("KIND", "/tag_selectors/0/kind"),
        ("PATTERN", "/tag_selectors/0/pattern"),
        ("REPOSITORIES", "/scope_selectors/repository/0/pattern"),
        ("DISABLED", "/disabled"),
    ];
    desk.show_list(&rules, &columns);
    Ok(())
}
