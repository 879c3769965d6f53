//! `hythe retention`

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number, text, words};
use crate::cli::client::RetentionCommand;
use crate::client::part;
use crate::failure::{Code, Failure};
use crate::output::Format;

/// How often a running execution is asked for.
const ASKED_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn run(command: &RetentionCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        RetentionCommand::Show { project } => show(project, desk).await,
        RetentionCommand::Add { project, template, number, tags, kind, except, tagged, repositories } => {
            let params = number.map_or(json!({}), |number| json!({ template: number }));
            let decoration = if *except { "excludes" } else { "matches" };
            let extras = json!({ "untagged": *tagged == *except }).to_string();
            let tags = json!([{ "kind": kind, "decoration": decoration, "pattern": tags, "extras": extras }]);
            let repositories =
                json!([{ "kind": "doublestar", "decoration": "repoMatches", "pattern": repositories }]);
            let rule = json!({ "template": template, "params": params, "tag_selectors": tags,
                "scope_selectors": { "repository": repositories } });
            add(project, rule, desk).await
        }
        RetentionCommand::Remove { project, rule } => remove(project, *rule, desk).await,
        RetentionCommand::Schedule { project, cron, time_zone } => {
            let cron = if cron == "none" { "" } else { cron.as_str() };
            schedule(project, cron, time_zone.as_deref().unwrap_or(""), desk).await
        }
        RetentionCommand::Run { project, dry_run } => start(project, *dry_run, desk).await,
    }
}

async fn path(project: &str, desk: &Desk) -> Result<String, Failure> {
    let found = desk.remote.get(&format!("projects/{}", part(project))).await?;
    path_of(&found).ok_or_else(|| {
        Failure::new(format!("project {project} has no retention policy; everything is kept"))
            .with_code(Code::Missing)
            .hint(format!("say what is to be kept: hythe retention add {project} latestPushedK 10"))
    })
}

/// A project's metadata name its policy.
fn path_of(project: &Value) -> Option<String> {
    let id = project.pointer("/metadata/retention_id").and_then(Value::as_str);
    id.filter(|id| !id.is_empty()).map(|id| format!("retentions/{id}"))
}

async fn add(project: &str, rule: Value, desk: &Desk) -> Result<(), Failure> {
    let found = desk.remote.get(&format!("projects/{}", part(project))).await?;
    match path_of(&found) {
        Some(path) => {
            let mut policy = desk.remote.get(&path).await?;
            let mut rules = rules_of(&policy);
            rules.push(rule);
            policy["rules"] = Value::Array(rules);
            desk.remote.update(Method::PUT, &path, &policy).await?;
        }
        None => {
            let scope = json!({ "level": "project", "ref": found["project_id"] });
            desk.remote.create("retentions", &json!({ "rules": [rule], "scope": scope })).await?;
        }
    }
    show(project, desk).await
}

async fn remove(project: &str, rule: i64, desk: &Desk) -> Result<(), Failure> {
    let path = path(project, desk).await?;
    let mut policy = desk.remote.get(&path).await?;
    let mut rules = rules_of(&policy);
    let before = rules.len();
    rules.retain(|one| number(one, "/id") != rule);
    if rules.len() == before {
        return Err(Failure::new(format!("the retention policy of project {project} has no rule {rule}"))
            .with_code(Code::Missing)
            .hint(format!("hythe retention show {project}")));
    }
    if rules.is_empty() {
        desk.remote.delete(&path).await?;
        desk.tell(
            &format!("Project {project} has no retention policy any more; everything is kept."),
            &Value::Null,
        );
        return Ok(());
    }
    policy["rules"] = Value::Array(rules);
    desk.remote.update(Method::PUT, &path, &policy).await?;
    show(project, desk).await
}

async fn schedule(project: &str, cron: &str, time_zone: &str, desk: &Desk) -> Result<(), Failure> {
    let path = path(project, desk).await?;
    let mut policy = desk.remote.get(&path).await?;
    policy["trigger"] = json!({ "kind": "Schedule", "settings": { "cron": cron, "time_zone": time_zone } });
    desk.remote.update(Method::PUT, &path, &policy).await?;
    show(project, desk).await
}

fn rules_of(policy: &Value) -> Vec<Value> {
    policy["rules"].as_array().cloned().unwrap_or_default()
}

async fn show(project: &str, desk: &Desk) -> Result<(), Failure> {
    let policy = desk.remote.get(&path(project, desk).await?).await?;
    if desk.format == Format::Json {
        desk.show(&policy, &[]);
        return Ok(());
    }
    let settings = &policy["trigger"]["settings"];
    let (cron, next) = (text(settings.get("cron")), words::time(settings.get("next_scheduled_time")));
    let when =
        if cron.is_empty() { "only when somebody asks".to_owned() } else { format!("{cron}, next {next}") };
    desk.tell(&format!("Applied {when}. What no rule keeps is deleted."), &policy);
    let shown: Vec<Value> = rules_of(&policy).iter().map(shown).collect();
    let columns = [
        ("RULE", "/id"),
        ("KEEPS", "/keeps"),
        ("TAGS", "/tags"),
        ("REPOSITORIES", "/repositories"),
        ("DISABLED", "/disabled"),
    ];
    desk.show_list(&shown, &columns);
    Ok(())
}

fn shown(rule: &Value) -> Value {
    let selectors = |list: &Value| {
        let one = |selector: &Value| {
            let (decoration, pattern) = (text(selector.get("decoration")), text(selector.get("pattern")));
            let (kind, except) = (text(selector.get("kind")), decoration.ends_with("xcludes"));
            let kind = if kind == "doublestar" { String::new() } else { format!("{kind} ") };
            format!("{}{kind}{pattern}", if except { "except " } else { "" })
        };
        list.as_array().map_or(String::new(), |list| list.iter().map(one).collect::<Vec<_>>().join(" and "))
    };
    let template = text(rule.get("template"));
    let parameter = text(rule["params"].get(&template));
    json!({
        "id": rule["id"], "disabled": rule["disabled"],
        "keeps": format!("{template} {parameter}").trim_end(),
        "tags": selectors(&rule["tag_selectors"]),
        "repositories": selectors(&rule["scope_selectors"]["repository"]),
    })
}

async fn start(project: &str, dry_run: bool, desk: &Desk) -> Result<(), Failure> {
    let policy = path(project, desk).await?;
    let (_, location) =
        desk.remote.create(&format!("{policy}/executions"), &json!({ "dry_run": dry_run })).await?;
    let id: i64 = location.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let status = wait(&policy, id, desk).await?;
    let path = format!("{policy}/executions/{id}/tasks");
    let tasks = desk.remote.list(&path, ALL).await?;
    let mut lines = Vec::new();
    for task in &tasks {
        let decisions = desk.remote.get(&format!("{path}/{}/decisions", task["id"])).await?;
        let repository = format!("{project}/{}", text(task.get("repository")));
        lines.extend(decisions.as_array().into_iter().flatten().flat_map(|one| per_tag(&repository, one)));
    }
    let columns = [("REPOSITORY", "/repository"), ("TAG", "/tag"), ("WHAT", "/verdict"), ("WHY", "/why")];
    desk.show_list(&lines, &columns);
    if desk.format == Format::Text {
        let sum = |place| tasks.iter().map(|task| number(task, place)).sum::<i64>();
        let (total, retained) = (sum("/total"), sum("/retained"));
        let verb = if dry_run { "would be deleted" } else { "were deleted" };
        desk.tell(&format!("{} of {total} artifacts {verb}.", total - retained), &Value::Null);
    }
    if status == "Succeed" {
        Ok(())
    } else {
        Err(Failure::new(format!("the execution {id} ended as {status}")))
    }
}

/// A line for each tag, or one for an artifact without.
fn per_tag(repository: &str, decision: &Value) -> Vec<Value> {
    let line = |tag: Value| {
        json!({ "repository": repository, "tag": tag, "digest": decision["digest"],
            "verdict": decision["verdict"], "why": decision["why"] })
    };
    match decision["tags"].as_array().filter(|tags| !tags.is_empty()) {
        Some(tags) => tags.iter().cloned().map(line).collect(),
        None => vec![line(json!(format!("@{}", text(decision.get("digest")))))],
    }
}

async fn wait(policy: &str, id: i64, desk: &Desk) -> Result<String, Failure> {
    loop {
        let executions = desk.remote.get(&format!("{policy}/executions?page_size=100")).await?;
        let found = executions.as_array().into_iter().flatten().find(|one| number(one, "/id") == id);
        let status = text(found.and_then(|one| one.get("status")));
        if status != "InProgress" {
            return Ok(status);
        }
        tokio::time::sleep(ASKED_EVERY).await;
    }
}
