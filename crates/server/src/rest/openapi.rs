//! The OpenAPI document: made from the handlers, served, and kept in the tree so that a change of it is seen.

use axum::body::Bytes;
use http::header;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, SecurityRequirement, Server};
use utoipa::{IntoResponses as _, OpenApi as _};

use super::Refusals;

/// What stands before the paths.
#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Hythe",
    description = "The REST API of a Hythe registry. It speaks Harbor's API version 2.0 for everything that exists in \
                   both; what Harbor lacks is in the same style.",
))]
struct Head;

/// The document without its paths.
pub(super) fn head() -> OpenApi {
    let mut document = Head::openapi();
    document.info.license = None;
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.servers = Some(vec![Server::new("/api/v2.0")]);
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.insert("basic".to_owned(), SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)).into());
    schemes.insert("bearer".to_owned(), SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)).into());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("sid")));
    schemes.insert("session".to_owned(), cookie.into());
    let any = ["basic", "bearer", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
    document.security = Some(any.into_iter().chain([SecurityRequirement::default()]).collect());
    document
}

/// The refusals that all routes share are written down once and referred to.
pub(super) fn share_refusals(document: &mut OpenApi) {
    let refusals = Refusals::responses();
    let name = |status: &str| format!("Refusal{status}");
    let paths = document.paths.paths.values_mut();
    let operations = paths.flat_map(|path| {
        [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.head, &mut path.patch]
    });
    for operation in operations.flatten() {
        for (status, response) in &mut operation.responses.responses {
            if refusals.get(status) == Some(response) {
                *response = Ref::from_response_name(name(status)).into();
            }
        }
    }
    let shared = &mut document.components.get_or_insert_default().responses;
    shared.extend(refusals.into_iter().map(|(status, response)| (name(&status), response)));
}

/// `GET /openapi.json`.
pub(super) fn serve(document: &OpenApi) -> ([(header::HeaderName, &'static str); 1], Bytes) {
    let text = document.to_json().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// What is in the tree.
    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/api/openapi.json");

    /// With `HYTHE_RENEW=1` the document in the tree is written anew.
    #[test]
    fn the_document_in_the_tree_is_that_of_the_code() {
        let document = super::super::described().1.to_pretty_json().unwrap() + "\n";
        if std::env::var_os("HYTHE_RENEW").is_some() {
            std::fs::create_dir_all(Path::new(KEPT).parent().unwrap()).unwrap();
            std::fs::write(KEPT, &document).unwrap();
        }
        let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
        assert!(
            kept == document,
            "docs/api/openapi.json is not what the code says; renew it with \
             HYTHE_RENEW=1 cargo test -p hythe-server openapi and look at the difference"
        );
    }

    #[test]
    fn every_operation_has_its_own_name() {
        let document = serde_json::to_value(super::super::described().1).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let mut names: Vec<&str> = paths
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .filter_map(|operation| operation["operationId"].as_str())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(all > 20 && names.len() == all, "{all} operations, {} names", names.len());
    }
}
