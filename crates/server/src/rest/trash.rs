//! The trash over the API: of a project, and of all.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use hythe_api::trash::{Emptied, RestoreRequest, Restored, Trashed};
use hythe_metadata::Window;
use hythe_metadata::trash::{self, Filter};
use hythe_registry::trash::{Restore, Wanted};
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// What the trash can be narrowed to.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TrashQuery {
    /// A repository's whole name.
    repository: Option<String>,
    /// One act of deleting.
    deletion: Option<String>,
}

impl TrashQuery {
    fn filter(self) -> Result<Filter, RestFailure> {
        let repository = self.repository.filter(|name| !name.is_empty());
        let repository = repository.map(|name| name.parse().map_err(unreadable)).transpose()?;
        Ok(Filter { project_id: None, repository, deletion: self.deletion.filter(|id| !id.is_empty()) })
    }
}

/// `GET /trash`, what was deleted last first.
#[utoipa::path(
    get, path = "/trash", tag = "trash", operation_id = "listTrash",
    params(ListQuery, TrashQuery),
    responses((status = 200, description = "A page", body = [Trashed]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<TrashQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    let (entries, total) = app.registry.list_trash(&permit, wanted.filter()?, window(&page)).await?;
    Ok(answer(&page, entries, total, &uri))
}

/// `DELETE /trash`: what goes now goes for good.
#[utoipa::path(
    delete, path = "/trash", tag = "trash", operation_id = "emptyTrash",
    params(TrashQuery),
    responses((status = 200, description = "Emptied", body = Emptied), Refusals)
)]
pub(super) async fn empty(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(wanted): Query<TrashQuery>,
) -> Result<axum::Json<Emptied>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let entries = app.registry.empty_trash(&permit, wanted.filter()?).await?;
    Ok(axum::Json(Emptied { entries }))
}

/// `POST /trash/restore`: what was in a project that is gone, too, if there is one of its name again.
#[utoipa::path(
    post, path = "/trash/restore", tag = "trash", operation_id = "restoreFromTrash",
    request_body = RestoreRequest,
    responses((status = 200, description = "Put back", body = Restored), Refusals)
)]
pub(super) async fn restore(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<RestoreRequest>,
) -> Result<axum::Json<Restored>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let restored = app.registry.restore_anywhere(&permit, read(wanted)?).await?;
    Ok(axum::Json(show_restored(restored)))
}

/// `GET /projects/{project}/trash`, what was deleted last first.
#[utoipa::path(
    get, path = "/projects/{project}/trash", tag = "trash", operation_id = "listTrashOfProject",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery, TrashQuery),
    responses((status = 200, description = "A page", body = [Trashed]), Refusals)
)]
pub(super) async fn list_of_project(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<TrashQuery>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let (entries, total) = app.registry.list_project_trash(&permit, wanted.filter()?, window(&page)).await?;
    Ok(answer(&page, entries, total, &uri))
}

/// `DELETE /projects/{project}/trash`: what goes now goes for good.
#[utoipa::path(
    delete, path = "/projects/{project}/trash", tag = "trash", operation_id = "emptyTrashOfProject",
    params(("project" = String, Path, description = "The project's id or name"), TrashQuery),
    responses((status = 200, description = "Emptied", body = Emptied), Refusals)
)]
pub(super) async fn empty_of_project(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Query(wanted): Query<TrashQuery>,
) -> Result<axum::Json<Emptied>, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let entries = app.registry.empty_project_trash(&permit, wanted.filter()?).await?;
    Ok(axum::Json(Emptied { entries }))
}

/// `POST /projects/{project}/trash/restore`.
#[utoipa::path(
    post, path = "/projects/{project}/trash/restore", tag = "trash", operation_id = "restoreIntoProject",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = RestoreRequest,
    responses((status = 200, description = "Put back", body = Restored), Refusals)
)]
pub(super) async fn restore_into_project(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(wanted): Json<RestoreRequest>,
) -> Result<axum::Json<Restored>, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let restored = app.registry.restore_in_project(&permit, read(wanted)?).await?;
    Ok(axum::Json(show_restored(restored)))
}

fn window(page: &Page) -> Window<Option<i64>> {
    let after = page.after().and_then(|after| after.parse().ok());
    Window { after, skip: page.skip(), limit: page.limit() }
}

fn answer(page: &Page, entries: Vec<trash::Trashed>, total: i64, uri: &http::Uri) -> Response {
    let shown: Vec<Trashed> = entries.into_iter().map(show).collect();
    page.answer(shown, total, uri, |entry| entry.id.to_string())
}

fn read(wanted: RestoreRequest) -> Result<Restore, RestFailure> {
    let repository = wanted.repository.parse().map_err(unreadable)?;
    let what = match (wanted.tag, wanted.digest) {
        (None, None) => Wanted::Everything,
        (Some(tag), None) => Wanted::Tag(tag.parse().map_err(unreadable)?),
        (None, Some(digest)) => Wanted::Digest(digest.parse().map_err(unreadable)?),
        (Some(_), Some(_)) => return Err(unreadable("give a tag or a digest, not both")),
    };
    Ok(Restore { repository, wanted: what, deletion: wanted.deletion, overwrite: wanted.overwrite })
}

fn unreadable(error: impl std::fmt::Display) -> RestFailure {
    RestFailure::new(StatusCode::BAD_REQUEST, error.to_string())
}

fn show(entry: trash::Trashed) -> Trashed {
    Trashed {
        id: entry.id,
        deletion: entry.deletion,
        repository: entry.repository.to_string(),
        digest: entry.digest.to_string(),
        tags: entry.tags,
        tag_only: entry.tag_only,
        kind: entry.kind,
        manifest_media_type: entry.media_type,
        size: entry.size,
        push_time: timestamp(entry.pushed_at),
        deletion_time: timestamp(entry.deleted_at),
        deleted_by: entry.deleted_by,
        reason: entry.why.as_str().to_owned(),
        expiration_time: timestamp(entry.expires_at),
    }
}

fn show_restored(restored: hythe_registry::trash::Restored) -> Restored {
    Restored {
        manifests: restored.manifests.iter().map(ToString::to_string).collect(),
        tags: restored.tags,
        left: restored.left.into_iter().collect(),
        missing: restored.missing.into_iter().collect(),
    }
}
