//! Trust rules of robots over the API: Hythe's own, in the style of the rest.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::trust_rule::{TrustRule, TrustRuleReq};
use hythe_metadata::trust_rule;
use hythe_registry::trust_rules::{WantedTrustRule, patterns};

use super::{Json, Path, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `GET /robots/{robot}/trust-rules`: a handful, so they come on one page.
#[utoipa::path(
    get, path = "/robots/{robot}/trust-rules", tag = "robot", operation_id = "listTrustRules",
    params(("robot" = i64, Path, description = "The robot's id")),
    responses((status = 200, description = "All of them", body = [TrustRule]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(robot): Path<i64>,
) -> Result<Response, RestFailure> {
    let rules = app.registry.list_trust_rules(&caller, robot).await?;
    let shown = rules.into_iter().map(show).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(shown).into_response())
}

/// `POST /robots/{robot}/trust-rules`.
#[utoipa::path(
    post, path = "/robots/{robot}/trust-rules", tag = "robot", operation_id = "createTrustRule",
    params(("robot" = i64, Path, description = "The robot's id")),
    request_body = TrustRuleReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(robot): Path<i64>,
    Json(rule): Json<TrustRuleReq>,
) -> Result<Response, RestFailure> {
    let made = app.registry.create_trust_rule(&caller, robot, wanted(rule)).await?;
    Ok(created(&format!("/api/v2.0/robots/{robot}/trust-rules/{}", made.id)))
}

/// `GET /robots/{robot}/trust-rules/{rule}`.
#[utoipa::path(
    get, path = "/robots/{robot}/trust-rules/{rule}", tag = "robot", operation_id = "getTrustRule",
    params(("robot" = i64, Path, description = "The robot's id"), ("rule" = i64, Path, description = "The rule's id")),
    responses((status = 200, description = "The rule", body = TrustRule), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((robot, rule)): Path<(i64, i64)>,
) -> Result<Response, RestFailure> {
    let found = app.registry.get_trust_rule(&caller, robot, rule).await?;
    Ok(axum::Json(show(found)?).into_response())
}

/// `PUT /robots/{robot}/trust-rules/{rule}`: the body is the whole rule.
#[utoipa::path(
    put, path = "/robots/{robot}/trust-rules/{rule}", tag = "robot", operation_id = "updateTrustRule",
    params(("robot" = i64, Path, description = "The robot's id"), ("rule" = i64, Path, description = "The rule's id")),
    request_body = TrustRuleReq,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((robot, rule)): Path<(i64, i64)>,
    Json(changed): Json<TrustRuleReq>,
) -> Result<StatusCode, RestFailure> {
    app.registry.update_trust_rule(&caller, robot, rule, wanted(changed)).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /robots/{robot}/trust-rules/{rule}`.
#[utoipa::path(
    delete, path = "/robots/{robot}/trust-rules/{rule}", tag = "robot", operation_id = "deleteTrustRule",
    params(("robot" = i64, Path, description = "The robot's id"), ("rule" = i64, Path, description = "The rule's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((robot, rule)): Path<(i64, i64)>,
) -> Result<StatusCode, RestFailure> {
    app.registry.delete_trust_rule(&caller, robot, rule).await?;
    Ok(StatusCode::OK)
}

fn wanted(rule: TrustRuleReq) -> WantedTrustRule {
    let TrustRuleReq { name, issuer, audience, claims, ca_certificate, keys } = rule;
    WantedTrustRule { name, issuer, audience, claims, ca_certificate, keys }
}

fn show(row: trust_rule::TrustRule) -> Result<TrustRule, RestFailure> {
    let claims = patterns(&row.terms)?;
    Ok(TrustRule {
        id: row.id,
        name: row.terms.name,
        issuer: row.terms.issuer,
        audience: row.terms.audience,
        claims,
        ca_certificate: row.terms.ca_certificate,
        keys: row.terms.keys,
        last_used_time: row.used_at.map(timestamp),
        creation_time: timestamp(row.created_at),
    })
}
