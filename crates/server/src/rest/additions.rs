//! What an artifact brings along to be read, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;

use super::place::artifact_in;
use super::{Path, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// `GET /projects/{project}/repositories/{repository}/artifacts/{reference}/additions/{addition}`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/additions/{addition}",
    tag = "artifact", operation_id = "getAddition",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
        ("addition" = String, Path, description = "build_history of an image; readme.md, values.yaml, dependencies, license or files of a chart; readme.md, license or files of a model"),
    ),
    responses(
        (status = 200, description = "The addition: JSON for lists, else text", content(("application/json"), ("text/markdown"), ("text/plain"))),
        Refusals
    )
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, reference, addition)): Path<(String, String, String, String)>,
) -> Result<Response, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    let content = app.registry.read_addition(&permit, &reference, addition.parse()?).await?;
    // Whoever pushed it chose the bytes; a browser must not find a page in them.
    let headers = [(header::CONTENT_TYPE, content.media_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, content.bytes).into_response())
}
