//! Projects over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::project::{Project, ProjectMetadata, ProjectReq, ProjectUpdate};
use hythe_metadata::project::{self, Filter};
use hythe_oci::name::ProjectName;

use super::{Administrator, Json, PageQuery, Path, Query, RestFailure, created, page, timestamp};
use crate::state::App;

/// `GET /projects`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<Response, RestFailure> {
    let filter = Filter { name_contains: query.name.clone(), public: query.public };
    let limit = query.limit();
    let projects = app.registry.list_projects(&permit, &filter, query.after.as_deref(), limit + 1).await?;
    let shown: Vec<Project> = projects.into_iter().map(show).collect();
    Ok(page(shown, limit, "/projects", |project| project.name.clone()))
}

/// `POST /projects`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Json(wanted): Json<ProjectReq>,
) -> Result<Response, RestFailure> {
    let name = parse_name(&wanted.project_name)?;
    let public = wanted_public(&wanted.metadata)?.or(wanted.public).unwrap_or(false);
    let made = app.registry.create_project(&permit, name, public).await?;
    Ok(created(&format!("/api/v2.0/projects/{}", made.name)))
}

/// `GET /projects/{project}`.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
) -> Result<Response, RestFailure> {
    let found = app.registry.get_project(&permit, &parse_name(&name)?).await?;
    Ok(axum::Json(show(found)).into_response())
}

/// `PUT /projects/{project}`.
pub(super) async fn update(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
    Json(wanted): Json<ProjectUpdate>,
) -> Result<StatusCode, RestFailure> {
    if let Some(public) = wanted_public(&wanted.metadata)? {
        app.registry.set_project_public(&permit, &parse_name(&name)?, public).await?;
    }
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
) -> Result<StatusCode, RestFailure> {
    app.registry.delete_project(&permit, &parse_name(&name)?).await?;
    Ok(StatusCode::OK)
}

pub(super) fn parse_name(name: &str) -> Result<ProjectName, RestFailure> {
    name.parse()
        .map_err(|error: hythe_oci::NameError| RestFailure::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// Harbor writes truth values as strings.
fn wanted_public(metadata: &ProjectMetadata) -> Result<Option<bool>, RestFailure> {
    match metadata.public.as_deref() {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(RestFailure::new(
            StatusCode::BAD_REQUEST,
            format!("metadata.public must be \"true\" or \"false\", not {}", other.escape_debug()),
        )),
    }
}

fn show(project: project::Project) -> Project {
    Project {
        project_id: project.id,
        name: project.name.to_string(),
        metadata: ProjectMetadata { public: Some(project.public.to_string()) },
        creation_time: timestamp(project.created_at),
    }
}
