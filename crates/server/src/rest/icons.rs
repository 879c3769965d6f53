//! Icons of artifacts over the API.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use hythe_api::icon::Icon;
use hythe_oci::DigestError;
use hythe_oci::digest::Digest;

use super::{Path, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// `GET /icons/{digest}`.
#[utoipa::path(
    get, path = "/icons/{digest}", tag = "icon", operation_id = "getIcon",
    params(("digest" = String, Path, description = "What an artifact states as its icon")),
    responses((status = 200, description = "The picture", body = Icon), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(digest): Path<String>,
) -> Result<axum::Json<Icon>, RestFailure> {
    let bad = |error: DigestError| RestFailure::new(StatusCode::BAD_REQUEST, error.to_string());
    let digest: Digest = digest.parse().map_err(bad)?;
    let icon = app.registry.get_icon(&caller, &digest).await?;
    Ok(axum::Json(Icon { content_type: icon.media_type.to_owned(), content: STANDARD.encode(icon.bytes) }))
}
