//! Retention: what no rule keeps is deleted, and a dry run says beforehand which rule decides.

use std::time::Duration;

use hythe_acceptance::answer::Answer;
use hythe_acceptance::desk::Desk;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::SHARED;

const PATH: &str = "/api/v2.0/retentions";

async fn project_id(desk: &Desk) -> i64 {
    let project = desk.get(&format!("/api/v2.0/projects/{}", desk.project)).await.expect(StatusCode::OK);
    project.json()["project_id"].as_i64().unwrap()
}

fn rule(template: &str, number: i64, tags: &str) -> Value {
    json!({
        "disabled": false, "action": "retain", "template": template, "params": { template: number },
        "tag_selectors": [{ "kind": "doublestar", "decoration": "matches", "pattern": tags,
            "extras": "{\"untagged\":false}" }],
        "scope_selectors": { "repository": [
            { "kind": "doublestar", "decoration": "repoMatches", "pattern": "app" }
        ] },
    })
}

async fn policy(desk: &Desk, rules: Value, cron: &str) -> Value {
    json!({
        "algorithm": "or", "rules": rules,
        "trigger": { "kind": "Schedule", "settings": { "cron": cron }, "references": {} },
        "scope": { "level": "project", "ref": project_id(desk).await },
    })
}

async fn make(desk: &Desk, rules: Value) -> String {
    let body = policy(desk, rules, "").await;
    desk.post_json(PATH, &body).await.expect(StatusCode::CREATED).location().to_owned()
}

async fn put(desk: &Desk, path: &str, body: &Value) -> Answer {
    desk.send(desk.request(Method::PUT, path).json(body)).await
}

/// An image of its own under this tag.
async fn push(desk: &Desk, name: &str, tag: &str) -> String {
    let image = desk.made_of(name, "application/x", &json!({ "tag": tag }).to_string(), tag).await;
    desk.push(name, Some(tag), &image).await
}

/// Runs the policy to its end; the path of the execution's tasks, and the execution.
async fn run(desk: &Desk, path: &str, dry_run: bool) -> (String, Value) {
    let begun = desk.post_json(&format!("{path}/executions"), &json!({ "dry_run": dry_run })).await;
    let begun = begun.expect(StatusCode::CREATED).location().to_owned();
    for _ in 0..300 {
        let listed = desk.page(&format!("{path}/executions")).await;
        let found = listed.iter().find(|one| begun.ends_with(&format!("/{}", one["id"]))).unwrap();
        if found["status"] != "InProgress" {
            return (format!("{begun}/tasks"), found.clone());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the execution does not end");
}

/// Tags and what was decided about them.
async fn decided(desk: &Desk, tasks: &str) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for task in desk.page(tasks).await {
        for one in desk.page(&format!("{tasks}/{}/decisions", task["id"])).await {
            let tags: Vec<&str> =
                one["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
            let text = |name: &str| one[name].as_str().unwrap().to_owned();
            all.push((tags.join(","), text("verdict"), text("why")));
        }
    }
    all.sort();
    all
}

async fn tags(desk: &Desk, name: &str) -> Vec<String> {
    let listed = desk.get(&format!("/v2/{}/tags/list", desk.repository(name))).await.json();
    let tags = listed["tags"].as_array().cloned().unwrap_or_default();
    tags.iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_no_rule_keeps_is_deleted_and_a_dry_run_says_so_before() {
    let desk = Desk::at(&SHARED).await;
    for tag in ["v1", "v2", "v3", "dev", "held"] {
        push(&desk, "app", tag).await;
    }
    push(&desk, "other", "v1").await;
    let held = json!({
        "tag_selectors": [{ "kind": "doublestar", "decoration": "matches", "pattern": "held" }],
        "scope_selectors": { "repository": [{ "kind": "doublestar", "decoration": "repoMatches", "pattern": "**" }] },
    });
    let rules_path = format!("/api/v2.0/projects/{}/immutabletagrules", desk.project);
    desk.post_json(&rules_path, &held).await.expect(StatusCode::CREATED);
    let path = make(&desk, json!([rule("latestPushedK", 2, "v*")])).await;
    let expected = |deleted: &str| {
        let (keeps, none) = ("rule 1 keeps the 2 pushed last", "no rule keeps it");
        [
            ("dev", deleted, none),
            ("held", "immutable", "immutable tag rule"),
            ("v1", deleted, none),
            ("v2", "retain", keeps),
            ("v3", "retain", keeps),
        ]
        .map(|(tag, verdict, why)| (tag.to_owned(), verdict.to_owned(), why.to_owned()))
    };
    let same = |got: &[(String, String, String)], wanted: &[(String, String, String)]| {
        assert_eq!(got.len(), wanted.len(), "{got:?}");
        for (got, wanted) in got.iter().zip(wanted) {
            assert_eq!((&got.0, &got.1), (&wanted.0, &wanted.1));
            assert!(got.2.starts_with(&wanted.2), "{got:?}");
        }
    };
    let (tasks, execution) = run(&desk, &path, true).await;
    assert_eq!((&execution["status"], &execution["dry_run"]), (&json!("Succeed"), &json!(true)));
    same(&decided(&desk, &tasks).await, &expected("delete"));
    assert_eq!(tags(&desk, "app").await.len(), 5, "a dry run deletes nothing");
    let (tasks, execution) = run(&desk, &path, false).await;
    assert_eq!(execution["status"], "Succeed");
    same(&decided(&desk, &tasks).await, &expected("delete"));
    assert_eq!(tags(&desk, "app").await, ["held", "v2", "v3"]);
    assert_eq!(tags(&desk, "other").await, ["v1"], "no rule is for it");
    let listed = desk.page(&tasks).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["repository"], &listed[0]["total"]), (&json!("app"), &json!(5)));
    assert_eq!((&listed[0]["retained"], &listed[0]["status"]), (&json!(3), &json!("Success")));
    let log = desk.get(&format!("{tasks}/{}", listed[0]["id"])).await.expect(StatusCode::OK);
    assert!(log.text().contains("| dev |") && log.text().contains("DEL"), "{}", log.text());
    let logs = desk.page(&format!("/api/v2.0/projects/{}/auditlog-exts", desk.project)).await;
    assert!(logs.iter().any(|event| event["username"] == "retention" && event["operation"] == "delete"));
}

#[tokio::test]
async fn a_policy_is_made_once_changed_and_deleted() {
    let desk = Desk::at(&SHARED).await;
    let path = make(&desk, json!([rule("always", 0, "**")])).await;
    let project = format!("/api/v2.0/projects/{}", desk.project);
    let id = path.rsplit('/').next().unwrap().to_owned();
    assert_eq!(desk.get(&project).await.json()["metadata"]["retention_id"], id);
    let again = policy(&desk, json!([]), "").await;
    desk.post_json(PATH, &again).await.refused(400, "BAD_REQUEST");
    let shown = desk.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!((&shown["algorithm"], &shown["rules"][0]["template"]), (&json!("or"), &json!("always")));
    let scheduled = policy(&desk, json!([rule("lastXDays", 3, "**")]), "0 0 3 * * *").await;
    put(&desk, &path, &scheduled).await.expect(StatusCode::OK);
    let shown = desk.get(&path).await.expect(StatusCode::OK).json();
    let settings = &shown["trigger"]["settings"];
    assert_eq!(settings["cron"], "0 0 3 * * *");
    assert!(settings["next_scheduled_time"].as_str().unwrap().contains("T03:00:00"), "{settings}");
    for (rules, cron) in
        [(json!([rule("newest", 1, "**")]), ""), (json!([rule("always", 0, "{a")]), ""), (json!([]), "often")]
    {
        put(&desk, &path, &policy(&desk, rules, cron).await).await.refused(400, "BAD_REQUEST");
    }
    let twice = policy(&desk, json!([rule("always", 0, "a"), rule("always", 0, "a")]), "").await;
    put(&desk, &path, &twice).await.refused(409, "CONFLICT");
    let metadata = desk.get(&format!("{PATH}/metadatas")).await.expect(StatusCode::OK).json();
    assert_eq!(metadata["templates"].as_array().unwrap().len(), 7);
    desk.delete(&path).await.expect(StatusCode::OK);
    desk.get(&path).await.refused(404, "NOT_FOUND");
    assert_eq!(desk.get(&project).await.json()["metadata"].get("retention_id"), None);
    make(&desk, json!([])).await;
}

#[tokio::test]
async fn maintainers_apply_a_policy_and_developers_look_at_it() {
    let desk = Desk::private_at(&SHARED).await;
    let path = make(&desk, json!([rule("always", 0, "**")])).await;
    let (developer, guest) = (desk.user(Some(2)).await, desk.user(Some(3)).await);
    let (maintainer, stranger) = (desk.user(Some(4)).await, desk.user(None).await);
    let executions = format!("{path}/executions");
    let ask = |actor, method: Method, path: &str| {
        let request = desk.request_by(actor, method, path).json(&json!({ "dry_run": true }));
        let desk = &desk;
        async move { desk.send(request).await }
    };
    ask(&developer, Method::GET, &path).await.expect(StatusCode::OK);
    ask(&developer, Method::POST, &executions).await.refused(403, "FORBIDDEN");
    ask(&maintainer, Method::POST, &executions).await.expect(StatusCode::CREATED);
    for outsider in [&guest, &stranger] {
        ask(outsider, Method::GET, &path).await.refused(403, "FORBIDDEN");
        ask(outsider, Method::DELETE, &path).await.refused(403, "FORBIDDEN");
    }
    let absent = ask(&stranger, Method::GET, &format!("{PATH}/987654321")).await;
    let there = ask(&stranger, Method::GET, &path)
        .await
        .text()
        .replace(&format!("policy {};", path.rsplit('/').next().unwrap()), "policy 987654321;");
    assert_eq!(absent.text(), there);
}
