//! Retention over the API: policies, their executions, and what was decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::retention::{
    RetentionActionReq, RetentionDecision, RetentionExecution, RetentionExecutionTask, RetentionMetadata,
    RetentionPolicy, RetentionPolicyScope, RetentionReason, RetentionRule, RetentionRuleTrigger,
    RetentionRunReq,
};
use hythe_metadata::Window;
use hythe_metadata::job::State as Standing;
use hythe_metadata::retention::{Execution, Task};
use hythe_registry::access::Permit;
use hythe_registry::access::rights::tag_retention as right;
use hythe_registry::retention::{Decision, Policy, Reason, Rule, Verdict, WantedPolicy};
use serde_json::{Value, json};

use super::page::{ListQuery, Page};
use super::selectors::{read as read_selector, show as show_selector};
use super::{
    Json, Path, Query, Refusals, RestFailure, SignedIn, created, pulled, retention_words, timestamp,
};
use crate::state::App;

/// `GET /retentions/metadatas`.
#[utoipa::path(
    get, path = "/retentions/metadatas", tag = "retention", operation_id = "getRentenitionMetadata",
    responses((status = 200, description = "What rules can be made of", body = RetentionMetadata), Refusals)
)]
pub(super) async fn metadata() -> Answer<RetentionMetadata> {
    Answer(retention_words::metadata())
}

/// `POST /retentions`.
#[utoipa::path(
    post, path = "/retentions", tag = "retention", operation_id = "createRetention",
    request_body = RetentionPolicy,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<RetentionPolicy>,
) -> Result<Response, RestFailure> {
    if !matches!(wanted.scope.level.as_str(), "project" | "") || wanted.scope.reference <= 0 {
        let message = "scope must be {\"level\":\"project\",\"ref\":N} with the project's id";
        return Err(RestFailure::new(StatusCode::BAD_REQUEST, message));
    }
    let permit = app.registry.permit_in_project_id(&caller, wanted.scope.reference).await?;
    let id = app.registry.create_retention(&permit, &read(wanted)?).await?;
    Ok(created(&format!("/api/v2.0/retentions/{id}")))
}

/// `GET /retentions/{retention}`.
#[utoipa::path(
    get, path = "/retentions/{retention}", tag = "retention", operation_id = "getRetention",
    params(("retention" = i64, Path, description = "The policy's id")),
    responses((status = 200, description = "The policy", body = RetentionPolicy), Refusals)
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(retention): Path<i64>,
) -> Result<Answer<RetentionPolicy>, RestFailure> {
    let (policy, _): (_, Permit<right::Read, _>) = app.registry.permit_retention(&caller, retention).await?;
    let next = app.registry.next_retention(&policy).await?;
    Ok(Answer(show(policy, next)))
}

/// `PUT /retentions/{retention}`.
#[utoipa::path(
    put, path = "/retentions/{retention}", tag = "retention", operation_id = "updateRetention",
    params(("retention" = i64, Path, description = "The policy's id")),
    request_body = RetentionPolicy,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(retention): Path<i64>,
    Json(wanted): Json<RetentionPolicy>,
) -> Result<StatusCode, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    app.registry.update_retention(&permit, &policy, &read(wanted)?).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /retentions/{retention}`.
#[utoipa::path(
    delete, path = "/retentions/{retention}", tag = "retention", operation_id = "deleteRetention",
    params(("retention" = i64, Path, description = "The policy's id")),
    responses((status = 200, description = "Deleted with its executions"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(retention): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    app.registry.delete_retention(&permit, &policy).await?;
    Ok(StatusCode::OK)
}

/// `POST /retentions/{retention}/executions`.
#[utoipa::path(
    post, path = "/retentions/{retention}/executions", tag = "retention", operation_id = "triggerRetentionExecution",
    params(("retention" = i64, Path, description = "The policy's id")),
    request_body = RetentionRunReq,
    responses((status = 201, description = "Begun, or begins soon; Location tells where"), Refusals)
)]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(retention): Path<i64>,
    Json(wanted): Json<RetentionRunReq>,
) -> Result<Response, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    let id = app.registry.start_retention(&permit, &policy, wanted.dry_run).await?;
    Ok(created(&format!("/api/v2.0/retentions/{retention}/executions/{id}")))
}

/// `GET /retentions/{retention}/executions`.
#[utoipa::path(
    get, path = "/retentions/{retention}/executions", tag = "retention", operation_id = "listRetentionExecutions",
    params(("retention" = i64, Path, description = "The policy's id"), ListQuery),
    responses((status = 200, description = "A page, the newest first", body = [RetentionExecution]), Refusals)
)]
pub(super) async fn list_executions(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path(retention): Path<i64>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    let page = Page::of(&query)?;
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(i64::MAX);
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (executions, total) = app.registry.list_retention_executions(&permit, &policy, window).await?;
    let shown: Vec<RetentionExecution> = executions.into_iter().map(show_execution).collect();
    Ok(page.answer(shown, total, &uri, |execution| execution.id.to_string()))
}

/// `PATCH /retentions/{retention}/executions/{execution}`.
#[utoipa::path(
    patch, path = "/retentions/{retention}/executions/{execution}", tag = "retention",
    operation_id = "operateRetentionExecution",
    params(
        ("retention" = i64, Path, description = "The policy's id"),
        ("execution" = i64, Path, description = "The execution's id"),
    ),
    request_body = RetentionActionReq,
    responses((status = 200, description = "It ends where it stands"), Refusals)
)]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((retention, execution)): Path<(i64, i64)>,
    Json(wanted): Json<RetentionActionReq>,
) -> Result<StatusCode, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    if wanted.action != "stop" {
        return Err(RestFailure::new(StatusCode::BAD_REQUEST, "the only action is \"stop\""));
    }
    app.registry.stop_retention(&permit, &policy, execution).await?;
    Ok(StatusCode::OK)
}

/// `GET /retentions/{retention}/executions/{execution}/tasks`.
#[utoipa::path(
    get, path = "/retentions/{retention}/executions/{execution}/tasks", tag = "retention",
    operation_id = "listRetentionTasks",
    params(
        ("retention" = i64, Path, description = "The policy's id"),
        ("execution" = i64, Path, description = "The execution's id"),
        ListQuery,
    ),
    responses((status = 200, description = "A page, one task a repository", body = [RetentionExecutionTask]), Refusals)
)]
pub(super) async fn list_tasks(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path((retention, execution)): Path<(i64, i64)>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    let page = Page::of(&query)?;
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (tasks, total) = app.registry.list_retention_tasks(&permit, &policy, execution, window).await?;
    let shown: Vec<RetentionExecutionTask> = tasks.into_iter().map(show_task).collect();
    Ok(page.answer(shown, total, &uri, |task| task.id.to_string()))
}

/// `GET /retentions/{retention}/executions/{execution}/tasks/{task}`, as text.
#[utoipa::path(
    get, path = "/retentions/{retention}/executions/{execution}/tasks/{task}", tag = "retention",
    operation_id = "getRetentionTaskLog",
    params(
        ("retention" = i64, Path, description = "The policy's id"),
        ("execution" = i64, Path, description = "The execution's id"),
        ("task" = i64, Path, description = "The task's id"),
    ),
    responses(
        (status = 200, description = "What was decided, a line for each artifact", body = String, content_type = "text/plain"),
        Refusals
    )
)]
pub(super) async fn log(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((retention, execution, task)): Path<(i64, i64, i64)>,
) -> Result<String, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    let (task, decisions) = app.registry.get_retention_decisions(&permit, &policy, execution, task).await?;
    Ok(retention_words::log(&task, &decisions))
}

/// `GET /retentions/{retention}/executions/{execution}/tasks/{task}/decisions`: Harbor has no such thing.
#[utoipa::path(
    get, path = "/retentions/{retention}/executions/{execution}/tasks/{task}/decisions", tag = "retention",
    operation_id = "listRetentionDecisions",
    params(
        ("retention" = i64, Path, description = "The policy's id"),
        ("execution" = i64, Path, description = "The execution's id"),
        ("task" = i64, Path, description = "The task's id"),
    ),
    responses((status = 200, description = "What was decided about every artifact, and why", body = [RetentionDecision]), Refusals)
)]
pub(super) async fn list_decisions(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((retention, execution, task)): Path<(i64, i64, i64)>,
) -> Result<Answer<Vec<RetentionDecision>>, RestFailure> {
    let (policy, permit) = app.registry.permit_retention(&caller, retention).await?;
    let (_, decisions) = app.registry.get_retention_decisions(&permit, &policy, execution, task).await?;
    Ok(Answer(decisions.into_iter().map(show_decision).collect()))
}

fn read(wanted: RetentionPolicy) -> Result<WantedPolicy, RestFailure> {
    if !matches!(wanted.algorithm.as_str(), "or" | "") {
        return Err(RestFailure::new(StatusCode::BAD_REQUEST, "the only algorithm is \"or\""));
    }
    let setting = |name: &str| match wanted.trigger.settings.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => {
            let message = format!("trigger.settings.{name} must be a text");
            Err(RestFailure::new(StatusCode::BAD_REQUEST, message))
        }
    };
    let (cron, time_zone) = (setting("cron")?, setting("time_zone")?);
    Ok(WantedPolicy { rules: wanted.rules.into_iter().map(read_rule).collect(), cron, time_zone })
}

fn read_rule(mut rule: RetentionRule) -> Rule {
    let repositories = rule.scope_selectors.remove("repository").unwrap_or_default();
    Rule {
        disabled: rule.disabled,
        template: rule.template,
        params: rule.params,
        tags: rule.tag_selectors.into_iter().map(read_selector).collect(),
        repositories: repositories.into_iter().map(read_selector).collect(),
    }
}

fn show(policy: Policy, next: Option<i64>) -> RetentionPolicy {
    let wanted = policy.wanted;
    let mut settings = BTreeMap::from([("cron".to_owned(), json!(wanted.cron))]);
    if !wanted.time_zone.is_empty() {
        settings.insert("time_zone".to_owned(), json!(wanted.time_zone));
    }
    if let Some(next) = next {
        settings.insert("next_scheduled_time".to_owned(), json!(timestamp(next)));
    }
    RetentionPolicy {
        id: policy.id,
        algorithm: "or".to_owned(),
        rules: (1..).zip(wanted.rules).map(show_rule).collect(),
        trigger: RetentionRuleTrigger { kind: "Schedule".to_owned(), settings, references: BTreeMap::new() },
        scope: RetentionPolicyScope { level: "project".to_owned(), reference: policy.project_id },
    }
}

fn show_rule((id, rule): (i64, Rule)) -> RetentionRule {
    let repositories = rule.repositories.into_iter().map(show_selector).collect();
    RetentionRule {
        id,
        priority: 0,
        disabled: rule.disabled,
        action: "retain".to_owned(),
        template: rule.template,
        params: rule.params,
        tag_selectors: rule.tags.into_iter().map(show_selector).collect(),
        scope_selectors: BTreeMap::from([("repository".to_owned(), repositories)]),
    }
}

fn show_execution(execution: Execution) -> RetentionExecution {
    RetentionExecution {
        id: execution.id,
        policy_id: execution.policy_id,
        start_time: timestamp(execution.created_at),
        end_time: execution.finished_at.map(timestamp),
        status: match execution.state {
            Standing::Pending | Standing::Running | Standing::Stopping => "InProgress",
            Standing::Succeeded => "Succeed",
            Standing::Failed => "Failed",
            Standing::Stopped => "Stopped",
        }
        .to_owned(),
        trigger: if execution.cause == "schedule" { "Schedule" } else { "Manual" }.to_owned(),
        dry_run: execution.dry_run,
    }
}

fn show_task(task: Task) -> RetentionExecutionTask {
    let name = task.repository.as_str();
    RetentionExecutionTask {
        id: task.id,
        execution_id: task.execution_id,
        repository: name.split_once('/').map_or(name, |(_, rest)| rest).to_owned(),
        job_id: task.execution_id.to_string(),
        status: if task.failed == 0 { "Success" } else { "Error" }.to_owned(),
        status_code: 3,
        status_revision: 0,
        start_time: timestamp(task.started_at),
        end_time: timestamp(task.finished_at),
        total: task.total,
        retained: task.retained,
    }
}

fn show_decision(decision: Decision) -> RetentionDecision {
    RetentionDecision {
        digest: decision.digest.to_string(),
        kind: decision.kind,
        tags: decision.tags,
        push_time: timestamp(decision.pushed_at),
        pull_time: pulled(decision.pulled_at),
        verdict: match decision.verdict {
            Verdict::Retain => "retain",
            Verdict::Immutable => "immutable",
            Verdict::Delete => "delete",
            Verdict::Error => "error",
        }
        .to_owned(),
        why: decision.why,
        reason: decision.reason.map(|Reason { kind, values }| RetentionReason { kind, values }),
    }
}
