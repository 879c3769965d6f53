//! Quotas over the API.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::project::ResourceList;
use hythe_api::quota::{Quota, QuotaRecount, QuotaReference, QuotaUpdateReq};
use hythe_metadata::Window;
use hythe_registry::quotas;
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::{Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// What quotas can be listed with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QuotasQuery {
    /// `project`, the only kind there is.
    reference: Option<String>,
    /// The id of a project.
    reference_id: Option<String>,
}

/// `GET /quotas`.
#[utoipa::path(
    get, path = "/quotas", tag = "quota", operation_id = "listQuotas",
    params(ListQuery, QuotasQuery),
    responses((status = 200, description = "A page", body = [Quota]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<QuotasQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    let known = matches!(wanted.reference.as_deref(), None | Some("" | "project"));
    let (quotas, total) = match wanted.reference_id.filter(|id| !id.is_empty()) {
        _ if !known => (Vec::new(), 0),
        Some(id) => {
            let found = app.registry.find_quota(&permit, parse_id(&id)?).await?;
            let total = i64::from(found.is_some());
            (found.into_iter().skip(page.skip() as usize).collect(), total)
        }
        None => {
            let after = page.after().unwrap_or_default();
            let window = Window { after, skip: page.skip(), limit: page.limit() };
            app.registry.list_quotas(&permit, window).await?
        }
    };
    let shown: Vec<Quota> = quotas.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |quota| quota.reference.name.clone()))
}

fn parse_id(id: &str) -> Result<i64, RestFailure> {
    let bad = |_| RestFailure::new(StatusCode::BAD_REQUEST, "reference_id is a project's id, a number");
    id.parse().map_err(bad)
}

/// `GET /quotas/{quota}`.
#[utoipa::path(
    get, path = "/quotas/{quota}", tag = "quota", operation_id = "getQuota",
    params(("quota" = i64, Path, description = "The quota's id, which is its project's")),
    responses((status = 200, description = "The quota", body = Quota), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(quota): Path<i64>,
) -> Result<Json<Quota>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(Json(show(app.registry.get_quota(&permit, quota).await?)))
}

/// `PUT /quotas/{quota}`.
#[utoipa::path(
    put, path = "/quotas/{quota}", tag = "quota", operation_id = "updateQuota",
    params(("quota" = i64, Path, description = "The quota's id, which is its project's")),
    request_body = QuotaUpdateReq,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(quota): Path<i64>,
    super::Json(wanted): super::Json<QuotaUpdateReq>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let limit = quotas::parse_limit(wanted.hard.storage)?;
    app.registry.update_quota(&permit, quota, limit).await?;
    Ok(StatusCode::OK)
}

/// `POST /quotas/{quota}/recount`: Harbor has no such thing.
#[utoipa::path(
    post, path = "/quotas/{quota}/recount", tag = "quota", operation_id = "recountQuota",
    params(("quota" = i64, Path, description = "The quota's id, which is its project's")),
    responses((status = 200, description = "Counted anew; what was wrong", body = QuotaRecount), Refusals)
)]
pub(super) async fn recount(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(quota): Path<i64>,
) -> Result<Json<QuotaRecount>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let found = app.registry.recount_quota(&permit, quota).await?;
    let (missing, stale) = (found.missing as u64, found.stale as u64);
    Ok(Json(QuotaRecount { missing, stale, difference: found.difference }))
}

fn show(quota: quotas::Quota) -> Quota {
    let project = quota.project;
    Quota {
        id: project.id,
        reference: QuotaReference {
            id: project.id,
            name: project.name.to_string(),
            owner_name: quota.owner.unwrap_or_default(),
        },
        hard: ResourceList { storage: project.storage_limit.unwrap_or(-1) },
        used: ResourceList { storage: quota.used },
        creation_time: timestamp(project.created_at),
        update_time: timestamp(project.updated_at),
    }
}
