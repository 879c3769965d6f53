//! Projects over the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use hythe_api::project::{
    Project, ProjectDeletable, ProjectMetadata, ProjectReq, ProjectSummary, ProjectSummaryQuota,
    ProjectUpdate, ResourceList,
};
use hythe_metadata::Window;
use hythe_metadata::project::{Filter, Order, Text};
use hythe_oci::name::ProjectName;
use hythe_registry::access::{BuiltIn, Permit, rights};
use hythe_registry::projects::{ProjectQuery, ProjectView, WantedProject};
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::query::{Filters, parse_sort};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// What projects can be listed with, beside `q`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ProjectsQuery {
    /// A part of the name.
    name: Option<String>,
    /// Only public ones, or only others.
    public: Option<bool>,
    /// Only those made by this user.
    owner: Option<String>,
}

/// `GET /projects`.
#[utoipa::path(
    get, path = "/projects", tag = "project", operation_id = "listProjects",
    params(ListQuery, ProjectsQuery),
    responses((status = 200, description = "A page", body = [Project]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<ProjectsQuery>,
) -> Result<Response, RestFailure> {
    let page = Page::of(&query)?;
    let wanted = parse_query(&query, wanted)?;
    let by_key = wanted.order == Order::Name;
    let after = page.after().filter(|_| by_key).unwrap_or_default();
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (projects, total) = app.registry.list_projects(&caller, wanted, window).await?;
    let shown: Vec<Project> = projects.into_iter().map(show).collect();
    let key = |project: &Project| if by_key { project.name.clone() } else { String::new() };
    Ok(page.answer(shown, total, &uri, key))
}

fn parse_query(query: &ListQuery, wanted: ProjectsQuery) -> Result<ProjectQuery, RestFailure> {
    let filters = Filters::parse(query.q.as_deref(), &["name", "public", "owner", "owner_name"])?;
    let name = match (filters.text("name")?, wanted.name.filter(|name| !name.is_empty())) {
        (Some((name, true)), _) => Text::Whole(name.to_owned()),
        (Some((part, false)), _) => Text::Part(part.to_owned()),
        (None, Some(part)) => Text::Part(part),
        (None, None) => Text::Any,
    };
    let owner = filters.exact("owner")?.or(filters.exact("owner_name")?).map(str::to_owned).or(wanted.owner);
    let order = match parse_sort(query.sort.as_deref(), &["name", "creation_time"])? {
        None => Order::Name,
        Some(key) => match (key.name.as_str(), key.descending) {
            ("name", false) => Order::Name,
            ("name", true) => Order::NameDescending,
            (_, false) => Order::Oldest,
            (_, true) => Order::Newest,
        },
    };
    let public = filters.truth("public")?.or(wanted.public);
    Ok(ProjectQuery { filter: Filter { name, public, owner, ..Filter::default() }, order })
}

/// What `HEAD /projects` asks about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HeadQuery {
    /// The name.
    project_name: String,
}

/// `HEAD /projects?project_name=`.
#[utoipa::path(
    head, path = "/projects", tag = "project", operation_id = "headProject",
    params(HeadQuery),
    responses((status = 200, description = "It exists"), Refusals)
)]
pub(super) async fn head(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<HeadQuery>,
) -> Result<StatusCode, RestFailure> {
    let exists = app.registry.project_exists(&caller, &parse_name(&query.project_name)?).await?;
    if exists {
        return Ok(StatusCode::OK);
    }
    let message = format!("there is no project {}", query.project_name.escape_debug());
    Err(RestFailure::new(StatusCode::NOT_FOUND, message))
}

/// `POST /projects`.
#[utoipa::path(
    post, path = "/projects", tag = "project", operation_id = "createProject",
    request_body = ProjectReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Json(wanted): Json<ProjectReq>,
) -> Result<Response, RestFailure> {
    let mut metadata = wanted.metadata;
    if let Some(public) = wanted.public {
        metadata.entry("public".to_owned()).or_insert_with(|| public.to_string());
    }
    let (name, storage_limit) = (parse_name(&wanted.project_name)?, wanted.storage_limit);
    let project = WantedProject { name, metadata, storage_limit };
    let made = app.registry.create_project(&caller, project).await?;
    let by_name = headers.get("x-resource-name-in-location").is_some_and(|value| value == "true");
    let place = if by_name { made.name.to_string() } else { made.id.to_string() };
    Ok(created(&format!("/api/v2.0/projects/{place}")))
}

/// `GET /projects/{project}`.
#[utoipa::path(
    get, path = "/projects/{project}", tag = "project", operation_id = "getProject",
    params(("project" = String, Path, description = "The project's id or name")),
    responses((status = 200, description = "The project", body = Project), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    Ok(axum::Json(show(app.registry.view_project(&permit).await?)).into_response())
}

/// `PUT /projects/{project}`.
#[utoipa::path(
    put, path = "/projects/{project}", tag = "project", operation_id = "updateProject",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = ProjectUpdate,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(wanted): Json<ProjectUpdate>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.update_project(&permit, &wanted.metadata, wanted.storage_limit).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}`.
#[utoipa::path(
    delete, path = "/projects/{project}", tag = "project", operation_id = "deleteProject",
    params(("project" = String, Path, description = "The project's id or name")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.delete_project(&permit).await?;
    Ok(StatusCode::OK)
}

/// `GET /projects/{project}/_deletable`.
#[utoipa::path(
    get, path = "/projects/{project}/_deletable", tag = "project", operation_id = "getProjectDeletable",
    params(("project" = String, Path, description = "The project's id or name")),
    responses((status = 200, description = "Whether it can be deleted", body = ProjectDeletable), Refusals)
)]
pub(super) async fn deletable(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let reason = app.registry.why_not_deletable(&permit).await?;
    let message = reason.as_ref().map(|reason| reason.message().to_owned()).unwrap_or_default();
    Ok(axum::Json(ProjectDeletable { deletable: reason.is_none(), message }).into_response())
}

/// `GET /projects/{project}/summary`.
#[utoipa::path(
    get, path = "/projects/{project}/summary", tag = "project", operation_id = "getProjectSummary",
    params(("project" = String, Path, description = "The project's id or name")),
    responses((status = 200, description = "The numbers", body = ProjectSummary), Refusals)
)]
pub(super) async fn summary(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let numbers = app.registry.summarize_project(&permit).await?;
    let members = |role: BuiltIn| numbers.members.get(&role.id()).copied().unwrap_or(0);
    let shown = ProjectSummary {
        repo_count: numbers.repositories,
        project_admin_count: members(BuiltIn::ProjectAdmin),
        maintainer_count: members(BuiltIn::Maintainer),
        developer_count: members(BuiltIn::Developer),
        guest_count: members(BuiltIn::Guest),
        limited_guest_count: members(BuiltIn::LimitedGuest),
        quota: ProjectSummaryQuota {
            hard: ResourceList { storage: numbers.limit.unwrap_or(-1) },
            used: ResourceList { storage: numbers.used },
        },
    };
    Ok(axum::Json(shown).into_response())
}

/// `GET /projects/{project}/metadatas/`.
#[utoipa::path(
    get, path = "/projects/{project}/metadatas/", tag = "projectMetadata", operation_id = "listProjectMetadatas",
    params(("project" = String, Path, description = "The project's id or name")),
    responses((status = 200, description = "All settings", body = ProjectMetadata), Refusals)
)]
pub(super) async fn list_metadata(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    Ok(axum::Json(app.registry.list_project_metadata(&permit).await?).into_response())
}

/// `POST /projects/{project}/metadatas/`.
#[utoipa::path(
    post, path = "/projects/{project}/metadatas/", tag = "projectMetadata", operation_id = "addProjectMetadatas",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = BTreeMap<String, String>,
    responses((status = 200, description = "Set"), Refusals)
)]
pub(super) async fn add_metadata(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(metadata): Json<BTreeMap<String, String>>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.put_project_metadata(&permit, &metadata).await?;
    Ok(StatusCode::OK)
}

/// `GET /projects/{project}/metadatas/{name}`.
#[utoipa::path(
    get, path = "/projects/{project}/metadatas/{name}", tag = "projectMetadata", operation_id = "getProjectMetadata",
    params(("project" = String, Path, description = "The project's id or name"), ("name" = String, Path, description = "The setting")),
    responses((status = 200, description = "The setting", body = ProjectMetadata), Refusals)
)]
pub(super) async fn read_metadata(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, name)): Path<(String, String)>,
) -> Result<Response, RestFailure> {
    let permit: Permit<rights::metadata::Read, _> = permit_in(&app, &headers, &caller, &project).await?;
    let mut all = app.registry.list_project_metadata(&permit).await?;
    all.retain(|known, _| *known == name);
    if all.is_empty() {
        let message = format!("project {} has no setting {}", permit.project().name, name.escape_debug());
        return Err(RestFailure::new(StatusCode::NOT_FOUND, message));
    }
    Ok(axum::Json(all).into_response())
}

/// `PUT /projects/{project}/metadatas/{name}`.
#[utoipa::path(
    put, path = "/projects/{project}/metadatas/{name}", tag = "projectMetadata", operation_id = "updateProjectMetadata",
    params(("project" = String, Path, description = "The project's id or name"), ("name" = String, Path, description = "The setting")),
    request_body = BTreeMap<String, String>,
    responses((status = 200, description = "Set"), Refusals)
)]
pub(super) async fn update_metadata(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, name)): Path<(String, String)>,
    Json(mut metadata): Json<BTreeMap<String, String>>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    metadata.retain(|known, _| *known == name);
    if metadata.is_empty() {
        let name = name.escape_debug();
        return Err(RestFailure::new(
            StatusCode::BAD_REQUEST,
            format!("the body must set {name}, as the path says"),
        ));
    }
    app.registry.put_project_metadata(&permit, &metadata).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}/metadatas/{name}`.
#[utoipa::path(
    delete, path = "/projects/{project}/metadatas/{name}", tag = "projectMetadata", operation_id = "deleteProjectMetadata",
    params(("project" = String, Path, description = "The project's id or name"), ("name" = String, Path, description = "The setting")),
    responses((status = 200, description = "Gone"), Refusals)
)]
pub(super) async fn delete_metadata(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, name)): Path<(String, String)>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.delete_project_metadata(&permit, &name).await?;
    Ok(StatusCode::OK)
}

pub(super) fn parse_name(name: &str) -> Result<ProjectName, RestFailure> {
    name.parse()
        .map_err(|error: hythe_oci::NameError| RestFailure::new(StatusCode::BAD_REQUEST, error.to_string()))
}

pub(super) fn show(view: ProjectView) -> Project {
    let project = view.project;
    Project {
        project_id: project.id,
        owner_id: project.created_by.unwrap_or(0),
        owner_name: view.owner.unwrap_or_default(),
        name: project.name.to_string(),
        metadata: view.metadata,
        repo_count: view.repositories,
        current_user_role_id: view.roles.first().copied().unwrap_or(0),
        togglable: view.roles.contains(&BuiltIn::ProjectAdmin.id()),
        current_user_role_ids: view.roles,
        deleted: false,
        creation_time: timestamp(project.created_at),
        update_time: timestamp(project.updated_at),
    }
}
