//! Tags over HTTP, page by page.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header;
use hythe_oci::name::RepositoryName;
use hythe_oci::route::Page;
use hythe_registry::access::Pull;
use serde_json::json;

use super::{Exchange, encode_query, next_link, page_limit};
use crate::answer::Failure;

/// `GET /v2/<name>/tags/list?n=&last=`.
pub(super) async fn list(
    exchange: &Exchange,
    repository: &RepositoryName,
    page: Page,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Pull>(repository).await?;
    let limit = page_limit(exchange, page.limit);
    let mut tags =
        exchange.registry().list_tags(&permit, page.last.as_deref(), limit.saturating_add(1)).await?;
    let more = tags.len() > limit as usize;
    tags.truncate(limit as usize);
    let next = tags
        .last()
        .filter(|_| more)
        .map(|last| format!("/v2/{repository}/tags/list?n={limit}&last={}", encode_query(last)));
    let mut response = Json(json!({ "name": repository.as_str(), "tags": tags })).into_response();
    if let Some(link) = next.as_deref().and_then(next_link) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}
