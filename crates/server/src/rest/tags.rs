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

use super::{PageQuery, Path, Query, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// `GET /projects/{project}/repositories/{repository}/tags/{tag}/history`, newest first; `after` is an event's id.
/// A repository of several parts is one path segment with its slashes encoded (twice, for Harbor's clients).
pub(super) async fn history(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, tag)): Path<(String, String, String)>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Vec<TagEvent>>, RestFailure> {
    let bad = |message: String| RestFailure::new(StatusCode::BAD_REQUEST, message);
    let name = format!("{project}/{}", repository.replace("%2F", "/").replace("%2f", "/"));
    let name: RepositoryName = name.parse().map_err(|error: hythe_oci::NameError| bad(error.to_string()))?;
    let tag: Tag = tag.parse().map_err(|error: hythe_oci::TagError| bad(error.to_string()))?;
    let permit = app.registry.permit::<Pull>(&caller, &name).await?;
    let before = query.after.as_deref().and_then(|after| after.parse().ok());
    let events = app.registry.tag_history(&permit, &tag, before, query.limit()).await?;
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
