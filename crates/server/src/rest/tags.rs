//! The history of a tag over the API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use hythe_api::tag::TagEvent;
use hythe_metadata::tag::Action;
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;
use hythe_registry::access::Pull;

use super::page::{ListQuery, Page};
use super::{Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// `GET /projects/{project}/repositories/{repository}/tags/{tag}/history`, newest first; `after` is an event's id.
/// A repository of several parts is one path segment with its slashes encoded (twice, for Harbor's clients).
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/tags/{tag}/history", tag = "tag", operation_id = "listTagHistory",
    params(("project" = String, Path, description = "The project's id or name"), ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"), ("tag" = String, Path, description = "The tag"), ListQuery),
    responses((status = 200, description = "A page, newest first", body = [TagEvent]), Refusals)
)]
pub(super) async fn history(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, tag)): Path<(String, String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Vec<TagEvent>>, RestFailure> {
    let page = Page::of(&query)?;
    let bad = |message: String| RestFailure::new(StatusCode::BAD_REQUEST, message);
    let name = format!("{project}/{}", repository.replace("%2F", "/").replace("%2f", "/"));
    let name: RepositoryName = name.parse().map_err(|error: hythe_oci::NameError| bad(error.to_string()))?;
    let tag: Tag = tag.parse().map_err(|error: hythe_oci::TagError| bad(error.to_string()))?;
    let permit = app.registry.permit::<Pull>(&caller, &name).await?;
    let before = page.after().and_then(|after| after.parse().ok());
    let events = app.registry.tag_history(&permit, &tag, before, page.limit() - 1).await?;
    Ok(Json(events.into_iter().map(show).collect()))
}

fn show(event: hythe_metadata::tag::TagEvent) -> TagEvent {
    TagEvent {
        id: event.sequence,
        time: timestamp(event.at),
        operator: event.by,
        operation: match event.action {
            Action::Put => "push",
            Action::Delete => "delete",
        }
        .to_owned(),
        digest: event.digest.to_string(),
    }
}
