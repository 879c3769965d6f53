//! A project's robots by Harbor's older paths, which some of its clients still use.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use hythe_api::robot::{Access, Robot, RobotCreateV1, RobotCreated, RobotPermission, RobotUpdateV1};
use hythe_metadata::Window;
use hythe_metadata::project::{Project, Text};
use hythe_metadata::robot;
use hythe_registry::access::{Permit, rights};
use hythe_registry::robots::{RobotChanges, WantedRobot};
use hythe_registry::{Caller, clock};

use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::robots::{parse_permissions, show, show_created};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn};
use crate::state::App;

const DAY: i64 = 24 * 60 * 60;

/// `GET /projects/{project}/robots`.
#[utoipa::path(
    get, path = "/projects/{project}/robots", tag = "robotv1", operation_id = "ListRobotV1",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery),
    responses((status = 200, description = "A page", body = [Robot]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit: Permit<rights::robot::List, Project> = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let id = Some(permit.project().id);
    let (robots, total) = app.registry.list_robots(&caller, id, Text::Any, window).await?;
    let shown: Vec<Robot> = robots.iter().map(|robot| show(&app.registry, robot)).collect();
    Ok(page.answer(shown, total, &uri, |robot| robot.id.to_string()))
}

/// `POST /projects/{project}/robots`.
#[utoipa::path(
    post, path = "/projects/{project}/robots", tag = "robotv1", operation_id = "CreateRobotV1",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = RobotCreateV1,
    responses((status = 201, description = "Made; the secret is shown this once", body = RobotCreated), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(wanted): Json<RobotCreateV1>,
) -> Result<Response, RestFailure> {
    let permit: Permit<rights::robot::Create, Project> = permit_in(&app, &headers, &caller, &project).await?;
    let place = permit.project();
    let permission = RobotPermission {
        kind: "project".to_owned(),
        namespace: place.name.to_string(),
        access: wanted.access.into_iter().map(|access| short(access, place.id)).collect(),
    };
    let wanted = WantedRobot {
        name: wanted.name,
        description: wanted.description,
        project: Some(place.name.clone()),
        disabled: false,
        duration_days: days_until(wanted.expires_at),
        permissions: parse_permissions(vec![permission])?,
        secret: None,
    };
    let made = app.registry.create_robot(&caller, wanted).await?;
    let location = format!("/api/v2.0/projects/{project}/robots/{}", made.robot.id);
    Ok(show_created(&app.registry, made, location))
}

/// `GET /projects/{project}/robots/{robot}`.
#[utoipa::path(
    get, path = "/projects/{project}/robots/{robot}", tag = "robotv1", operation_id = "GetRobotByIDV1",
    params(
        ("project" = String, Path, description = "The project's id or name"),
        ("robot" = i64, Path, description = "The robot's id"),
    ),
    responses((status = 200, description = "The robot", body = Robot), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, robot)): Path<(String, i64)>,
) -> Result<Response, RestFailure> {
    let permit: Permit<rights::robot::Read, Project> = permit_in(&app, &headers, &caller, &project).await?;
    let found = robot_in(&app, &caller, permit.project(), robot).await?;
    Ok(axum::Json(show(&app.registry, &found)).into_response())
}

/// `PUT /projects/{project}/robots/{robot}`: whether it is disabled, and what it is for.
#[utoipa::path(
    put, path = "/projects/{project}/robots/{robot}", tag = "robotv1", operation_id = "UpdateRobotV1",
    params(
        ("project" = String, Path, description = "The project's id or name"),
        ("robot" = i64, Path, description = "The robot's id"),
    ),
    request_body = RobotUpdateV1,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, robot)): Path<(String, i64)>,
    Json(wanted): Json<RobotUpdateV1>,
) -> Result<StatusCode, RestFailure> {
    let permit: Permit<rights::robot::Update, Project> = permit_in(&app, &headers, &caller, &project).await?;
    let found = robot_in(&app, &caller, permit.project(), robot).await?;
    let shown = show(&app.registry, &found);
    let changes = RobotChanges {
        description: wanted.description.unwrap_or(shown.description),
        disabled: wanted.disable.unwrap_or(shown.disable),
        duration_days: None,
        permissions: parse_permissions(shown.permissions)?,
    };
    app.registry.update_robot(&caller, robot, changes).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}/robots/{robot}`.
#[utoipa::path(
    delete, path = "/projects/{project}/robots/{robot}", tag = "robotv1", operation_id = "DeleteRobotV1",
    params(
        ("project" = String, Path, description = "The project's id or name"),
        ("robot" = i64, Path, description = "The robot's id"),
    ),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, robot)): Path<(String, i64)>,
) -> Result<StatusCode, RestFailure> {
    let permit: Permit<rights::robot::Delete, Project> = permit_in(&app, &headers, &caller, &project).await?;
    robot_in(&app, &caller, permit.project(), robot).await?;
    app.registry.delete_robot(&caller, robot).await?;
    Ok(StatusCode::OK)
}

/// The robot of this id, if it is the project's. One of another project is as unknown as one that is not there.
async fn robot_in(app: &App, caller: &Caller, place: &Project, id: i64) -> Result<robot::Robot, RestFailure> {
    let found = app.registry.get_robot(caller, id).await.ok();
    found.filter(|robot| robot.project_id == Some(place.id)).ok_or_else(|| {
        let message = format!("there is no robot with the id {id} in project {}", place.name);
        RestFailure::new(StatusCode::NOT_FOUND, message)
    })
}

/// Harbor's older clients write where a resource is before what it is.
fn short(mut access: Access, project: i64) -> Access {
    if let Some(resource) = access.resource.strip_prefix(&format!("/project/{project}/")) {
        access.resource = resource.to_owned();
    }
    access
}

fn days_until(seconds: i64) -> Option<i64> {
    match seconds {
        0 => None,
        -1 => Some(-1),
        at => Some(at.saturating_sub(clock::seconds(clock::now())).max(1).saturating_add(DAY - 1) / DAY),
    }
}
