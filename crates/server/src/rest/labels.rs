//! Labels over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::label::{Label, LabelReq};
use hythe_metadata::Window;
use hythe_metadata::label::{self, Words};
use hythe_metadata::project::Text;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::place::artifact_in;
use super::query::Filters;
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// Harbor's letters.
const SYSTEM: &str = "g";
const PROJECT: &str = "p";

/// What labels can be listed with, beside `q`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LabelsQuery {
    /// A part of the name.
    name: Option<String>,
    /// `g`: the system's, `p`: a project's.
    scope: Option<String>,
    /// The project's id where the scope is `p`.
    project_id: Option<i64>,
}

/// `GET /labels`.
#[utoipa::path(
    get, path = "/labels", tag = "label", operation_id = "listLabels",
    params(ListQuery, LabelsQuery),
    responses((status = 200, description = "A page", body = [Label]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<LabelsQuery>,
) -> Result<Response, RestFailure> {
    let page = Page::of(&query)?;
    let name = wanted_name(&query, wanted.name)?;
    let window = Window { after: page.after().unwrap_or_default(), skip: page.skip(), limit: page.limit() };
    let (labels, total) = match project_of(wanted.scope.as_deref(), wanted.project_id)? {
        None => app.registry.list_system_labels(&caller, name, window).await?,
        Some(project) => {
            let permit = app.registry.permit_in_project_id(&caller, project).await?;
            app.registry.list_project_labels(&permit, name, window).await?
        }
    };
    let shown: Vec<Label> = labels.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |label| label.name.clone()))
}

fn wanted_name(query: &ListQuery, name: Option<String>) -> Result<Text, RestFailure> {
    let filters = Filters::parse(query.q.as_deref(), &["name"])?;
    Ok(match (filters.text("name")?, name.filter(|name| !name.is_empty())) {
        (Some((name, true)), _) => Text::Whole(name.to_owned()),
        (Some((part, false)), _) => Text::Part(part.to_owned()),
        (None, Some(part)) => Text::Part(part),
        (None, None) => Text::Any,
    })
}

/// The project that scope and id mean; none for the system.
fn project_of(scope: Option<&str>, project_id: Option<i64>) -> Result<Option<i64>, RestFailure> {
    let bad = |message: String| Err(RestFailure::new(StatusCode::BAD_REQUEST, message));
    match (scope.unwrap_or_default(), project_id.filter(|id| *id > 0)) {
        (SYSTEM, _) => Ok(None),
        (PROJECT, Some(id)) => Ok(Some(id)),
        (PROJECT, None) => bad("scope p is a project's labels; say whose with project_id".to_owned()),
        (other, _) => bad(format!(
            "scope is g for the system or p for a project, not {:?}",
            other.get(..16).unwrap_or(other)
        )),
    }
}

/// `POST /labels`.
#[utoipa::path(
    post, path = "/labels", tag = "label", operation_id = "createLabel",
    request_body = LabelReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<LabelReq>,
) -> Result<Response, RestFailure> {
    let project = project_of(Some(wanted.scope.as_str()), Some(wanted.project_id))?;
    let permit = app.registry.permit_labels(&caller, project).await?;
    let made = app.registry.create_label(&permit, words(wanted)).await?;
    Ok(created(&format!("/api/v2.0/labels/{}", made.id)))
}

/// `GET /labels/{label}`.
#[utoipa::path(
    get, path = "/labels/{label}", tag = "label", operation_id = "getLabel",
    params(("label" = i64, Path, description = "The label's id")),
    responses((status = 200, description = "The label", body = Label), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(label): Path<i64>,
) -> Result<Response, RestFailure> {
    Ok(axum::Json(show(app.registry.get_label(&caller, label).await?)).into_response())
}

/// `PUT /labels/{label}`.
#[utoipa::path(
    put, path = "/labels/{label}", tag = "label", operation_id = "updateLabel",
    params(("label" = i64, Path, description = "The label's id")),
    request_body = LabelReq,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(label): Path<i64>,
    Json(wanted): Json<LabelReq>,
) -> Result<StatusCode, RestFailure> {
    app.registry.update_label(&caller, label, words(wanted)).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /labels/{label}`.
#[utoipa::path(
    delete, path = "/labels/{label}", tag = "label", operation_id = "deleteLabel",
    params(("label" = i64, Path, description = "The label's id")),
    responses((status = 200, description = "Deleted, and taken off every artifact"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(label): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    app.registry.delete_label(&caller, label).await?;
    Ok(StatusCode::OK)
}

/// `POST /projects/{project}/repositories/{repository}/artifacts/{reference}/labels`.
#[utoipa::path(
    post, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/labels", tag = "artifact",
    operation_id = "addLabel",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
    ),
    request_body = LabelReq,
    responses((status = 200, description = "It has the label"), Refusals)
)]
pub(super) async fn attach(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Json(wanted): Json<LabelReq>,
) -> Result<StatusCode, RestFailure> {
    let (name, reference): (RepositoryName, Reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    let id = wanted.id.ok_or_else(|| {
        RestFailure::new(StatusCode::BAD_REQUEST, "say which label with its id: {\"id\": 1}")
    })?;
    app.registry.attach_label(&permit, &reference, id).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}/repositories/{repository}/artifacts/{reference}/labels/{label}`.
#[utoipa::path(
    delete, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/labels/{label}",
    tag = "artifact", operation_id = "removeLabel",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
        ("label" = i64, Path, description = "The label's id"),
    ),
    responses((status = 200, description = "It no longer has the label"), Refusals)
)]
pub(super) async fn detach(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, reference, label)): Path<(String, String, String, i64)>,
) -> Result<StatusCode, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    app.registry.detach_label(&permit, &reference, label).await?;
    Ok(StatusCode::OK)
}

fn words(wanted: LabelReq) -> Words {
    Words { name: wanted.name, description: wanted.description, color: wanted.color }
}

pub(super) fn show(label: label::Label) -> Label {
    Label {
        id: label.id,
        name: label.name,
        description: label.description,
        color: label.color,
        scope: if label.project_id.is_some() { PROJECT } else { SYSTEM }.to_owned(),
        project_id: label.project_id.unwrap_or(0),
        creation_time: timestamp(label.created_at),
        update_time: timestamp(label.updated_at),
    }
}
