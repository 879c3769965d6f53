//! The permission matrix, what the caller may do, and why, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::permission::{Explanation, MatrixRow, Permission};
use hythe_oci::name::ProjectName;
use hythe_registry::Caller;
use hythe_registry::access::permission::PROJECT_RULES;
use hythe_registry::access::{self, BuiltIn, Question};
use serde::Deserialize;
use utoipa::IntoParams;

use super::projects::parse_name;
use super::{Path, Query, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// `GET /permissions/matrix`: the table that decides.
#[utoipa::path(
    get, path = "/permissions/matrix", tag = "permissions", operation_id = "getPermissionMatrix",
    responses((status = 200, description = "The table", body = [MatrixRow]), Refusals)
)]
pub(super) async fn matrix(SignedIn(_): SignedIn) -> Response {
    let rows = PROJECT_RULES.iter().map(|rule| MatrixRow {
        resource: rule.permission.resource.to_string(),
        action: rule.permission.action.to_string(),
        roles: BuiltIn::ALL
            .into_iter()
            .filter(|role| rule.roles.contains(*role))
            .map(|role| role.name().to_owned())
            .collect(),
        visitors: rule.visitors,
    });
    axum::Json(rows.collect::<Vec<_>>()).into_response()
}

/// What an explanation is asked with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// About what: `repository`, `tag`, …
    resource: String,
    /// Which action: `pull`, `create`, …
    action: String,
    /// About whom: a user's or robot's name, or `anonymous`; absent for oneself.
    principal: Option<String>,
    /// In which repository, by its full name.
    repository: Option<String>,
    /// For which tag.
    tag: Option<String>,
}

/// `GET /permissions/explain?resource=&action=&principal=`: over the system.
#[utoipa::path(
    get, path = "/permissions/explain", tag = "permissions", operation_id = "explainPermission",
    params(ExplainQuery),
    responses((status = 200, description = "The answer", body = Explanation), Refusals)
)]
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<ExplainQuery>,
) -> Result<Response, RestFailure> {
    answer(&app, &caller, None, query).await
}

/// `GET /projects/{project}/permissions/explain?resource=&action=&principal=&repository=&tag=`.
#[utoipa::path(
    get, path = "/projects/{project}/permissions/explain", tag = "permissions", operation_id = "explainProjectPermission",
    params(("project" = String, Path, description = "The project's id or name"), ExplainQuery),
    responses((status = 200, description = "The answer", body = Explanation), Refusals)
)]
pub(super) async fn explain_in_project(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(project): Path<String>,
    Query(query): Query<ExplainQuery>,
) -> Result<Response, RestFailure> {
    answer(&app, &caller, Some(parse_name(&project)?), query).await
}

async fn answer(
    app: &App,
    caller: &Caller,
    project: Option<ProjectName>,
    query: ExplainQuery,
) -> Result<Response, RestFailure> {
    let question = question(project, query)?;
    let explanation = app.registry.explain(caller, &question).await?;
    let place = match (&question.repository, &question.project) {
        (Some(repository), _) => repository.to_string(),
        (None, Some(project)) => project.to_string(),
        (None, None) => "/".to_owned(),
    };
    let shown = Explanation {
        allowed: explanation.allowed,
        principal: explanation.principal,
        permission: question.permission.to_string(),
        place,
        rule: explanation.rule,
    };
    Ok(axum::Json(shown).into_response())
}

fn question(project: Option<ProjectName>, query: ExplainQuery) -> Result<Question, RestFailure> {
    let bad = |message: String| RestFailure::new(StatusCode::BAD_REQUEST, message);
    let permission: Result<access::Permission, String> =
        format!("{}:{}", query.resource, query.action).parse();
    let repository = query.repository.map(|name| name.parse()).transpose();
    let tag = query.tag.map(|tag| tag.parse()).transpose();
    Ok(Question {
        about: query.principal,
        permission: permission.map_err(bad)?,
        project,
        repository: repository.map_err(|error: hythe_oci::NameError| bad(error.to_string()))?,
        tag: tag.map_err(|error: hythe_oci::tag::TagError| bad(error.to_string()))?,
    })
}

/// What `/users/current/permissions` is asked with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ScopeQuery {
    /// `/project/` and the project's id; absent for the system.
    scope: Option<String>,
    /// Whether resources are named below the scope.
    relative: Option<bool>,
}

/// `GET /users/current/permissions?scope=/project/ID&relative=`.
#[utoipa::path(
    get, path = "/users/current/permissions", tag = "user", operation_id = "getCurrentUserPermissions",
    params(ScopeQuery),
    responses((status = 200, description = "What is allowed", body = [Permission]), Refusals)
)]
pub(super) async fn of_current_user(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<ScopeQuery>,
) -> Result<Response, RestFailure> {
    if caller.is_anonymous() {
        return Err(RestFailure::new(StatusCode::UNAUTHORIZED, "sign in to see what you may do").challenge());
    }
    let scope = query.scope.unwrap_or_default();
    let id = match scope.trim_start_matches('/').strip_prefix("project/").map(str::parse) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => {
            return Err(RestFailure::new(StatusCode::BAD_REQUEST, "scope is /project/ and the project's id"));
        }
        None => None,
    };
    let allowed = app.registry.permissions_of(&caller, id).await?;
    let prefix = match id {
        Some(id) if !query.relative.unwrap_or(false) => format!("/project/{id}/"),
        _ => String::new(),
    };
    let shown = allowed.into_iter().map(|permission| Permission {
        resource: format!("{prefix}{}", permission.resource),
        action: permission.action.to_string(),
    });
    Ok(axum::Json(shown.collect::<Vec<_>>()).into_response())
}
