//! The catalog over HTTP: the names of the repositories a caller may see.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header;
use hythe_oci::route::Page;
use serde_json::json;

use super::{Exchange, encode_query, next_link, page_limit};
use crate::answer::Failure;

/// `GET /v2/_catalog?n=&last=`.
pub(super) async fn list(exchange: &Exchange, page: Page) -> Result<Response, Failure> {
    let limit = page_limit(exchange, page.limit);
    let registry = exchange.registry();
    let mut names = registry.catalog(&exchange.caller, page.last.as_deref(), limit.saturating_add(1)).await?;
    let more = names.len() > limit as usize;
    names.truncate(limit as usize);
    let next = names
        .last()
        .filter(|_| more)
        .map(|last| format!("/v2/_catalog?n={limit}&last={}", encode_query(last)));
    let mut response = Json(json!({ "repositories": names })).into_response();
    if let Some(link) = next.as_deref().and_then(next_link) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}
