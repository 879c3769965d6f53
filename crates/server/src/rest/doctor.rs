//! The doctor over the API: Hythe's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::request::Parts;
use hythe_api::doctor::{Diagnosis, Link};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Query, Refusals, RestFailure, SignedIn};
use crate::doctor::{address, show};
use crate::state::App;

/// What a client may say of itself.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DoctorQuery {
    /// The address that clients use, as they write it: it is held against the one that they are sent to
    url: Option<String>,
}

/// `GET /doctor`: as the node sees it that answers.
#[utoipa::path(
    get, path = "/doctor", tag = "systeminfo", operation_id = "getDoctor",
    params(DoctorQuery),
    responses((status = 200, description = "What is wrong, and what to do about it", body = Diagnosis), Refusals)
)]
pub(super) async fn diagnose(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<DoctorQuery>,
    parts: Parts,
) -> Result<Json<Diagnosis>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let mut findings = app.registry.diagnose(&permit).await;
    findings.extend(address::check(&parts, &app.options, query.url.as_deref()));
    let link = match app.options.redirect_blobs {
        true => app.registry.make_link(&permit).await.unwrap_or_else(|finding| {
            findings.push(finding);
            None
        }),
        false => None,
    };
    let link = link.map(|link| Link { url: link.url, content: link.content.to_owned() });
    Ok(Json(Diagnosis { link, ..Diagnosis::of(findings.into_iter().map(show).collect()) }))
}
