//! Referrers over HTTP: an image index made for the answer.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use hythe_metadata::manifest::Referrer;
use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;
use hythe_oci::route::Page;
use hythe_registry::access::Pull;
use serde_json::{Value, json};

use super::{Exchange, encode_query, next_link, page_limit};
use crate::answer::Failure;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// `GET /v2/<name>/referrers/<digest>?artifactType=`. A digest nobody knows has an empty index.
pub(super) async fn list(
    exchange: &Exchange,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_types: &[String],
    page: Page,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Pull>(repository).await?;
    let limit = page_limit(exchange, page.limit).max(1);
    let after = page.last.as_deref().and_then(|last| last.parse().ok());
    let found = exchange.registry().list_referrers(&permit, subject, artifact_types, after, limit).await?;
    let manifests: Vec<Value> = found.referrers.iter().map(descriptor).collect();
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let mut response = ([(header::CONTENT_TYPE, INDEX)], index.to_string()).into_response();
    if !artifact_types.is_empty() {
        response.headers_mut().insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    if let Some(link) =
        found.next.and_then(|next| next_link(&next_page(repository, subject, artifact_types, limit, &next)))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

fn descriptor(referrer: &Referrer) -> Value {
    let mut descriptor = json!({
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": referrer.size,
    });
    if let Some(artifact_type) = &referrer.artifact_type {
        descriptor["artifactType"] = json!(artifact_type);
    }
    if let Ok(Value::Object(annotations)) = serde_json::from_str(&referrer.annotations_json)
        && !annotations.is_empty()
    {
        descriptor["annotations"] = Value::Object(annotations);
    }
    descriptor
}

fn next_page(
    repository: &RepositoryName,
    subject: &Digest,
    artifact_types: &[String],
    limit: u32,
    last: &Digest,
) -> String {
    let filters: String = artifact_types
        .iter()
        .map(|artifact_type| format!("&artifactType={}", encode_query(artifact_type)))
        .collect();
    let last = encode_query(&last.to_string());
    format!("/v2/{repository}/referrers/{subject}?n={limit}&last={last}{filters}")
}
