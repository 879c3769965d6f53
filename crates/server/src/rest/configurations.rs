//! The configuration over the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::configuration::ConfigurationItem;
use serde_json::{Map, Value};

use super::{Json, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// `GET /configurations`: every key with its value and whether it can be changed, which here is always.
#[utoipa::path(
    get, path = "/configurations", tag = "configure", operation_id = "getConfigurations",
    responses((status = 200, description = "Every key but secrets", body = BTreeMap<String, ConfigurationItem>), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let values = app.registry.get_configuration(&permit).await?;
    let shown = values.into_iter().map(|(key, value)| (key, ConfigurationItem { value, editable: true }));
    Ok(axum::Json(shown.collect::<BTreeMap<_, _>>()).into_response())
}

/// `PUT /configurations`: some keys with their values.
#[utoipa::path(
    put, path = "/configurations", tag = "configure", operation_id = "updateConfigurations",
    request_body(content = Object, description = "Some keys with their values"),
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<Map<String, Value>>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.update_configuration(&permit, &wanted).await?;
    Ok(StatusCode::OK)
}
