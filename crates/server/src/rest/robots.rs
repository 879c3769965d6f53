//! Robots over the API.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use hythe_api::robot::{
    Access, Permissions, Robot, RobotCreate, RobotCreated, RobotPermission, RobotSec, RobotUpdate,
};
use hythe_metadata::Window;
use hythe_metadata::project::Text;
use hythe_metadata::robot;
use hythe_oci::name::ProjectName;
use hythe_registry::Registry;
use hythe_registry::access::{Permission, PermissionList};
use hythe_registry::robots::{
    CreatedRobot, RobotChanges, WantedRobot, grantable_in_project, grantable_in_system,
};

use super::page::{ListQuery, Page};
use super::projects::parse_name;
use super::query::{Filters, parse_sort};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// The longest that an old secret may live on beside the new one: 30 days.
const LONGEST_OVERLAP: u32 = 30 * 24 * 60 * 60;

/// `GET /robots?q=Level=project,ProjectID=1`: of the system where `q` names no project.
#[utoipa::path(
    get, path = "/robots", tag = "robot", operation_id = "ListRobot",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [Robot]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let page = Page::of(&query)?;
    parse_sort(query.sort.as_deref(), &["id", "name", "creation_time", "update_time"])?;
    let (project_id, name) = parse_query(&query)?;
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (robots, total) = app.registry.list_robots(&caller, project_id, name, window).await?;
    let shown: Vec<Robot> = robots.iter().map(|robot| show(&app.registry, robot)).collect();
    Ok(page.answer(shown, total, &uri, |robot| robot.id.to_string()))
}

fn parse_query(query: &ListQuery) -> Result<(Option<i64>, Text), RestFailure> {
    let filters = Filters::parse(query.q.as_deref(), &["Level", "level", "ProjectID", "project_id", "name"])?;
    let level = filters.exact("Level")?.or(filters.exact("level")?);
    let project_id = filters.number("ProjectID")?.or(filters.number("project_id")?).filter(|id| *id != 0);
    let name = match filters.text("name")? {
        Some((name, true)) => Text::Whole(name.to_owned()),
        Some((part, false)) => Text::Part(part.to_owned()),
        None => Text::Any,
    };
    match (level, project_id) {
        (Some("project"), None) => Err(bad("q: Level=project needs ProjectID=ID")),
        (Some("system"), Some(_)) => Err(bad("q: robots of the system have no ProjectID")),
        (None | Some("system" | "project"), _) => Ok((project_id, name)),
        (Some(_), _) => Err(bad("q: Level is system or project")),
    }
}

/// `POST /robots`.
#[utoipa::path(
    post, path = "/robots", tag = "robot", operation_id = "CreateRobot",
    request_body = RobotCreate,
    responses((status = 201, description = "Made; the secret is shown this once", body = RobotCreated), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<RobotCreate>,
) -> Result<Response, RestFailure> {
    let wanted = WantedRobot {
        project: project_of(&wanted)?,
        name: wanted.name,
        description: wanted.description,
        disabled: wanted.disable,
        duration_days: wanted.duration.filter(|days| *days != 0),
        permissions: parse_permissions(wanted.permissions)?,
        secret: wanted.secret,
    };
    let made = app.registry.create_robot(&caller, wanted).await?;
    let location = format!("/api/v2.0/robots/{}", made.robot.id);
    Ok(show_created(&app.registry, made, location))
}

/// The one answer that has the secret.
pub(super) fn show_created(registry: &Registry, made: CreatedRobot, location: String) -> Response {
    let shown = RobotCreated {
        id: made.robot.id,
        name: registry.full_robot_name(&made.robot),
        secret: made.secret,
        creation_time: timestamp(made.robot.created_at),
        expires_at: seconds(made.robot.expires_at),
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::CREATED, headers, axum::Json(shown)).into_response()
}

/// A robot of a project names it by its one permission entry.
fn project_of(wanted: &RobotCreate) -> Result<Option<ProjectName>, RestFailure> {
    match (wanted.level.as_str(), wanted.permissions.as_slice()) {
        ("system", _) => Ok(None),
        ("project", [only]) => Ok(Some(parse_name(only.namespace.split('/').next().unwrap_or_default())?)),
        ("project", _) => {
            Err(bad("a robot of a project has exactly one permission entry, which names the project"))
        }
        _ => Err(bad("level is system or project")),
    }
}

/// `GET /robots/{robot}`.
#[utoipa::path(
    get, path = "/robots/{robot}", tag = "robot", operation_id = "GetRobotByID",
    params(("robot" = i64, Path, description = "The robot's id")),
    responses((status = 200, description = "The robot", body = Robot), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(robot): Path<i64>,
) -> Result<Response, RestFailure> {
    let found = app.registry.get_robot(&caller, robot).await?;
    Ok(axum::Json(show(&app.registry, &found)).into_response())
}

/// `PUT /robots/{robot}`.
#[utoipa::path(
    put, path = "/robots/{robot}", tag = "robot", operation_id = "UpdateRobot",
    params(("robot" = i64, Path, description = "The robot's id")),
    request_body = RobotUpdate,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(robot): Path<i64>,
    Json(wanted): Json<RobotUpdate>,
) -> Result<StatusCode, RestFailure> {
    let found = app.registry.get_robot(&caller, robot).await?;
    let full = app.registry.full_robot_name(&found);
    let same_name = |name: &String| *name == full || *name == found.name;
    let level = level_of(&found);
    if !wanted.name.as_ref().is_none_or(same_name) || wanted.level.as_deref().is_some_and(|new| new != level)
    {
        return Err(bad("the name and the level of a robot cannot be changed"));
    }
    let changes = RobotChanges {
        description: wanted.description,
        disabled: wanted.disable,
        duration_days: wanted.duration.filter(|days| *days != 0),
        permissions: parse_permissions(wanted.permissions)?,
    };
    app.registry.update_robot(&caller, robot, changes).await?;
    Ok(StatusCode::OK)
}

/// `PATCH /robots/{robot}`: another secret.
#[utoipa::path(
    patch, path = "/robots/{robot}", tag = "robot", operation_id = "RefreshSec",
    params(("robot" = i64, Path, description = "The robot's id")),
    request_body = RobotSec,
    responses((status = 200, description = "Changed; a secret that was made is shown this once", body = RobotSec), Refusals)
)]
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(robot): Path<i64>,
    Json(wanted): Json<RobotSec>,
) -> Result<Response, RestFailure> {
    let overlap = wanted.old_secret_expires_in.unwrap_or(0);
    if overlap > LONGEST_OVERLAP {
        return Err(bad("old_secret_expires_in is at most 2592000 seconds, 30 days"));
    }
    let given = wanted.secret.as_deref().filter(|given| !given.is_empty());
    let overlap = Duration::from_secs(overlap.into());
    let secret = app.registry.refresh_robot_secret(&caller, robot, given, overlap).await?;
    let shown = RobotSec { secret: given.is_none().then_some(secret), old_secret_expires_in: None };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(shown)).into_response())
}

/// `DELETE /robots/{robot}`.
#[utoipa::path(
    delete, path = "/robots/{robot}", tag = "robot", operation_id = "DeleteRobot",
    params(("robot" = i64, Path, description = "The robot's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(robot): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    app.registry.delete_robot(&caller, robot).await?;
    Ok(StatusCode::OK)
}

/// `GET /permissions`: what robots can be given.
#[utoipa::path(
    get, path = "/permissions", tag = "permissions", operation_id = "getPermissions",
    responses((status = 200, description = "What robots can be given", body = Permissions), Refusals)
)]
pub(super) async fn grantable(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    app.registry.permit_self(&caller)?;
    let access = |permission: Permission| Access {
        resource: permission.resource.to_string(),
        action: permission.action.to_string(),
        effect: None,
    };
    let shown = Permissions {
        system: grantable_in_system().map(access).collect(),
        project: grantable_in_project().map(access).collect(),
    };
    Ok(axum::Json(shown).into_response())
}

/// The JSON of both is Harbor's; the registry's form knows what may stand in it.
pub(super) fn parse_permissions(given: Vec<RobotPermission>) -> Result<PermissionList, RestFailure> {
    let value = serde_json::to_value(given).unwrap_or_default();
    serde_json::from_value(value).map_err(|error| bad(format!("permissions: {error}")))
}

pub(super) fn show_permissions(json: &str) -> Vec<RobotPermission> {
    serde_json::from_str(json).unwrap_or_default()
}

pub(super) fn show(registry: &Registry, robot: &robot::Robot) -> Robot {
    Robot {
        id: robot.id,
        name: registry.full_robot_name(robot),
        description: robot.description.clone(),
        level: level_of(robot).to_owned(),
        duration: robot.duration_days,
        editable: true,
        disable: robot.disabled,
        expires_at: seconds(robot.expires_at),
        permissions: show_permissions(&robot.permissions),
        creator: robot.created_by.clone(),
        last_used_time: robot.used_at.map(timestamp),
        creation_time: timestamp(robot.created_at),
        update_time: timestamp(robot.updated_at),
    }
}

fn level_of(robot: &robot::Robot) -> &'static str {
    if robot.project_id.is_some() { "project" } else { "system" }
}

fn seconds(at: Option<i64>) -> i64 {
    at.map_or(-1, |at| at / 1_000_000)
}

fn bad(message: impl Into<String>) -> RestFailure {
    RestFailure::new(StatusCode::BAD_REQUEST, message)
}
