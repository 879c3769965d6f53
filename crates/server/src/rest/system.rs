//! What clients ask before anything else, and numbers about the whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use hythe_api::statistic::{Activity, Statistic};
use hythe_api::system::{GeneralInfo, NodeSetting, OidcProvider, ProtectedInfo, SystemInfo, Volume};
use hythe_registry::access::{Everywhere, Permit, system_rights};
use hythe_registry::activity::Step;
use hythe_registry::clock;
use hythe_registry::configuration::items;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;
use crate::urls::BaseUrl;

/// Points of a chart in one answer: a year of days, and some.
const MOST_POINTS: u16 = 400;

/// `GET /ping`.
#[utoipa::path(
    get, path = "/ping", tag = "ping", operation_id = "getPing",
    responses((status = 200, description = "It is alive", body = String), Refusals)
)]
pub(super) async fn ping() -> &'static str {
    "Pong"
}

/// `GET /systeminfo`: more for those who have signed in.
#[utoipa::path(
    get, path = "/systeminfo", tag = "systeminfo", operation_id = "getSystemInfo",
    responses((status = 200, description = "The facts", body = GeneralInfo), Refusals)
)]
pub(super) async fn info(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    parts: Parts,
) -> Json<GeneralInfo> {
    let configuration = app.registry.configuration();
    let providers = app.registry.list_providers();
    let login_url = |source: &str| format!("/c/oidc/login?source={source}");
    Json(GeneralInfo {
        oidc_provider_name: providers.first().map(|provider| provider.display_name.clone()),
        oidc_providers: providers
            .into_iter()
            .map(|provider| OidcProvider {
                login_url: login_url(&provider.source),
                name: provider.display_name,
            })
            .collect(),
        auth_mode: configuration.text(&items::AUTH_MODE),
        primary_auth_mode: configuration.truth(&items::PRIMARY_AUTH_MODE),
        self_registration: configuration.truth(&items::SELF_REGISTRATION),
        banner_message: configuration.text(&items::BANNER_MESSAGE),
        protected: (!caller.is_anonymous()).then(|| protected(&app, &parts)),
    })
}

fn protected(app: &App, parts: &Parts) -> ProtectedInfo {
    let configuration = app.registry.configuration();
    let base = BaseUrl::of(parts, &app.options);
    ProtectedInfo {
        harbor_version: format!("hythe-{}", env!("CARGO_PKG_VERSION")),
        registry_url: base.host().to_owned(),
        external_url: base.join(""),
        current_time: timestamp(clock::now()),
        has_ca_root: false,
        project_creation_restriction: configuration.text(&items::PROJECT_CREATION_RESTRICTION),
        read_only: configuration.truth(&items::READ_ONLY),
        notification_enable: configuration.truth(&items::NOTIFICATION_ENABLE),
        registry_storage_provider_name: app.registry.blob_store().kind().to_owned(),
    }
}

/// `GET /systeminfo/volumes`.
#[utoipa::path(
    get, path = "/systeminfo/volumes", tag = "systeminfo", operation_id = "getVolumes",
    responses((status = 200, description = "The disks", body = SystemInfo), Refusals)
)]
pub(super) async fn volumes(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<SystemInfo>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let room = app.registry.room(&permit).await?;
    let volume = room.map(|room| Volume { total: room.total, free: room.free });
    Ok(Json(SystemInfo { storage: volume.into_iter().collect() }))
}

/// `GET /systeminfo/settings`: what the node that answers was told at its start, and by whom.
#[utoipa::path(
    get, path = "/systeminfo/settings", tag = "systeminfo", operation_id = "listNodeSettings",
    responses((status = 200, description = "Every setting", body = [NodeSetting]), Refusals)
)]
pub(super) async fn settings(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<Vec<NodeSetting>>, RestFailure> {
    let _: Permit<system_rights::configuration::Read, Everywhere> =
        app.registry.permit_everywhere(&caller).await?;
    Ok(Json(app.options.settings.clone()))
}

/// `GET /systeminfo/getcert`. Harbor gives out the authority behind its own certificate, if its installer made one.
/// The certificate that Hythe makes for itself is nobody's authority.
#[utoipa::path(
    get,
    path = "/systeminfo/getcert",
    tag = "systeminfo",
    operation_id = "getCert",
    responses(Refusals)
)]
pub(super) async fn certificate() -> RestFailure {
    RestFailure::new(StatusCode::NOT_FOUND, "there is no certificate authority of the registry's own")
}

/// `GET /statistics`.
#[utoipa::path(
    get, path = "/statistics", tag = "statistic", operation_id = "getStatistic",
    responses((status = 200, description = "The numbers", body = Statistic), Refusals)
)]
pub(super) async fn statistics(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<Statistic>, RestFailure> {
    let counted = app.registry.statistics(&caller).await?;
    let all = |public: i64, others: i64| if counted.bytes.is_some() { public + others } else { 0 };
    Ok(Json(Statistic {
        public_project_count: counted.public.0,
        public_repo_count: counted.public.1,
        private_project_count: counted.others.0,
        private_repo_count: counted.others.1,
        total_project_count: all(counted.public.0, counted.others.0),
        total_repo_count: all(counted.public.1, counted.others.1),
        total_storage_consumption: counted.bytes.unwrap_or(0),
    }))
}

/// Which points [`activity`] lists.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivityQuery {
    /// How long each is, `day` if it is not said; days are UTC's.
    #[param(inline)]
    step: Option<ActivityStep>,
    /// How many up to now, 30 if it is not said.
    #[param(minimum = 1, maximum = 400)]
    count: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ActivityStep {
    Hour,
    Day,
}

/// `GET /statistics/activity`: Harbor has no such thing.
#[utoipa::path(
    get, path = "/statistics/activity", tag = "statistic", operation_id = "listActivity", params(ActivityQuery),
    responses(
        (status = 200, description = "All of them, the oldest first; the last one is not over", body = [Activity]),
        Refusals
    )
)]
pub(super) async fn activity(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<ActivityQuery>,
) -> Result<Json<Vec<Activity>>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let count = query.count.unwrap_or(30);
    if !(1..=MOST_POINTS).contains(&count) {
        let message = format!("count must be between 1 and {MOST_POINTS}");
        return Err(RestFailure::new(StatusCode::BAD_REQUEST, message));
    }
    let step = match query.step {
        Some(ActivityStep::Hour) => Step::Hour,
        Some(ActivityStep::Day) | None => Step::Day,
    };
    let points = app.registry.list_activity(&permit, step, count).await?;
    let shown = points.into_iter().map(|point| Activity {
        time: timestamp(point.hour),
        pulls: point.pulls,
        pushes: point.pushes,
        storage: point.storage,
    });
    Ok(Json(shown.collect()))
}
