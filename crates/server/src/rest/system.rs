//! What clients ask before anything else.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use hythe_api::system::GeneralInfo;

use crate::state::App;
use crate::urls::BaseUrl;

/// `GET /ping`.
pub(super) async fn ping() -> &'static str {
    "Pong"
}

/// `GET /systeminfo`.
pub(super) async fn info(State(app): State<Arc<App>>, request: Request) -> Json<GeneralInfo> {
    let (parts, _) = request.into_parts();
    Json(GeneralInfo {
        auth_mode: "db_auth".to_owned(),
        harbor_version: format!("hythe-{}", env!("CARGO_PKG_VERSION")),
        registry_url: BaseUrl::of(&parts, &app.options).host().to_owned(),
        self_registration: false,
    })
}
