//! What clients ask before anything else.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use hythe_api::system::GeneralInfo;

use super::Refusals;
use crate::state::App;
use crate::urls::BaseUrl;

/// `GET /ping`.
#[utoipa::path(
    get, path = "/ping", tag = "ping", operation_id = "getPing",
    responses((status = 200, description = "It is alive", body = String), Refusals)
)]
pub(super) async fn ping() -> &'static str {
    "Pong"
}

/// `GET /systeminfo`.
#[utoipa::path(
    get, path = "/systeminfo", tag = "systeminfo", operation_id = "getSystemInfo",
    responses((status = 200, description = "The facts", body = GeneralInfo), Refusals)
)]
pub(super) async fn info(State(app): State<Arc<App>>, request: Request) -> Json<GeneralInfo> {
    let (parts, _) = request.into_parts();
    Json(GeneralInfo {
        auth_mode: "db_auth".to_owned(),
        harbor_version: format!("hythe-{}", env!("CARGO_PKG_VERSION")),
        registry_url: BaseUrl::of(&parts, &app.options).host().to_owned(),
        self_registration: false,
    })
}
