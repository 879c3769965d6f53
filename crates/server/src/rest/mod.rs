//! `/api/v2.0`: the REST API, in Harbor's shapes. Routes and their description in the OpenAPI document are declared
//! together, at the handlers.

mod additions;
mod artifacts;
mod audit;
mod configurations;
mod doctor;
mod events;
mod executions;
mod extract;
mod failure;
mod gc;
mod grants;
mod icons;
mod identity_sources;
mod immutable_rules;
mod job_service;
mod jobs;
mod labels;
mod ldap;
mod members;
mod nodes;
mod openapi;
mod page;
mod path;
mod permissions;
mod place;
mod project_robots;
mod projects;
mod purge_audit;
mod query;
mod quotas;
mod repositories;
mod retention_words;
mod retentions;
mod robots;
mod roles;
mod search;
mod selectors;
mod storage_audits;
mod system;
mod tags;
mod tokens;
mod trash;
mod trust_rules;
mod user_groups;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::App;
use extract::{Json, Path, Query, SignedIn};
pub(crate) use failure::RestFailure;
use failure::{Refusals, unknown};
pub(crate) use path::clean_path;

/// No document that the API takes is nearly as large.
const LARGEST_BODY: usize = 1024 * 1024;

/// All routes below `/api/v2.0`.
pub(crate) fn routes() -> Router<Arc<App>> {
    let (router, document) = described();
    let document = openapi::serve(&document);
    router
        // Documented with Harbor's slash at the end; some of its clients leave it out.
        .route("/projects/{project}/metadatas", get(projects::list_metadata).post(projects::add_metadata))
        .route("/openapi.json", get(move || async move { document.clone() }))
        .fallback(unknown)
        .method_not_allowed_fallback(failure::not_that_way)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

/// The routes and the document that describes them.
fn described() -> (Router<Arc<App>>, OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(openapi::head())
        .merge(about_the_system())
        .merge(about_jobs())
        .merge(about_projects())
        .merge(about_sources())
        .merge(about_users())
        .split_for_parts();
    openapi::share_refusals(&mut document);
    (router, document)
}

fn about_the_system() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(system::ping))
        .routes(routes!(system::info))
        .routes(routes!(system::volumes))
        .routes(routes!(system::settings))
        .routes(routes!(system::certificate))
        .routes(routes!(system::statistics))
        .routes(routes!(system::activity))
        .routes(routes!(nodes::list))
        .routes(routes!(doctor::diagnose))
        .routes(routes!(events::stream))
        .routes(routes!(search::search))
        .routes(routes!(storage_audits::list, storage_audits::create))
        .routes(routes!(
            storage_audits::read_schedule,
            storage_audits::create_schedule,
            storage_audits::update_schedule
        ))
        .routes(routes!(storage_audits::read))
        .routes(routes!(storage_audits::log))
        .routes(routes!(quotas::list))
        .routes(routes!(quotas::read, quotas::update))
        .routes(routes!(quotas::recount))
        .routes(routes!(crate::health::components))
        .routes(routes!(roles::list, roles::create))
        .routes(routes!(roles::read, roles::update, roles::delete))
        .routes(routes!(permissions::matrix))
        .routes(routes!(permissions::explain))
        .routes(routes!(audit::list))
        .routes(routes!(audit::list_by_old_name))
        .routes(routes!(audit::event_types))
        .routes(routes!(audit::export))
        .routes(routes!(gc::list))
        .routes(routes!(gc::read_schedule, gc::create_schedule, gc::update_schedule))
        .routes(routes!(gc::read, gc::stop))
        .routes(routes!(gc::log))
        .routes(routes!(trash::list, trash::empty))
        .routes(routes!(trash::restore))
}

fn about_jobs() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::read))
        .routes(routes!(jobs::stop))
        .routes(routes!(jobs::log))
        .routes(routes!(job_service::pools))
        .routes(routes!(job_service::workers))
        .routes(routes!(job_service::jobs_of_pool))
        .routes(routes!(job_service::stop))
        .routes(routes!(job_service::log))
        .routes(routes!(job_service::queues))
        .routes(routes!(job_service::change_queue))
        .routes(routes!(job_service::schedules))
        .routes(routes!(job_service::schedules_paused))
        .routes(routes!(purge_audit::list))
        .routes(routes!(purge_audit::read, purge_audit::stop))
        .routes(routes!(purge_audit::log))
        .routes(routes!(
            purge_audit::read_schedule,
            purge_audit::create_schedule,
            purge_audit::update_schedule
        ))
}

fn about_projects() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(projects::list, projects::head, projects::create))
        .routes(routes!(projects::read, projects::update, projects::delete))
        .routes(routes!(projects::deletable))
        .routes(routes!(projects::summary))
        .routes(routes!(projects::list_metadata, projects::add_metadata))
        .routes(routes!(projects::read_metadata, projects::update_metadata, projects::delete_metadata))
        .routes(routes!(members::list, members::create))
        .routes(routes!(members::read, members::update, members::delete))
        .routes(routes!(grants::list, grants::create))
        .routes(routes!(grants::read, grants::delete))
        .routes(routes!(permissions::explain_in_project))
        .routes(routes!(audit::list_of_project))
        .routes(routes!(audit::list_of_project_by_old_name))
        .routes(routes!(repositories::list_all))
        .routes(routes!(repositories::list))
        .routes(routes!(repositories::read, repositories::update, repositories::delete))
        .routes(routes!(artifacts::list_of_project))
        .routes(routes!(artifacts::list, artifacts::copy))
        .routes(routes!(artifacts::read, artifacts::delete))
        .routes(routes!(artifacts::list_accessories))
        .routes(routes!(tags::list, tags::create))
        .routes(routes!(tags::delete))
        .routes(routes!(tags::history))
        .routes(routes!(immutable_rules::list, immutable_rules::create))
        .routes(routes!(immutable_rules::update, immutable_rules::delete))
        .routes(routes!(retentions::metadata))
        .routes(routes!(retentions::create))
        .routes(routes!(retentions::get, retentions::update, retentions::delete))
        .routes(routes!(retentions::list_executions, retentions::start))
        .routes(routes!(retentions::stop))
        .routes(routes!(retentions::list_tasks))
        .routes(routes!(retentions::log))
        .routes(routes!(retentions::list_decisions))
        .routes(routes!(labels::list, labels::create))
        .routes(routes!(labels::read, labels::update, labels::delete))
        .routes(routes!(additions::read))
        .routes(routes!(icons::read))
        .routes(routes!(trash::list_of_project, trash::empty_of_project))
        .routes(routes!(trash::restore_into_project))
        .routes(routes!(labels::attach))
        .routes(routes!(labels::detach))
}

fn about_sources() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(configurations::read, configurations::update))
        .routes(routes!(identity_sources::list, identity_sources::create))
        .routes(routes!(identity_sources::read, identity_sources::update, identity_sources::delete))
        .routes(routes!(identity_sources::ping))
        .routes(routes!(ldap::ping))
        .routes(routes!(ldap::search_people))
        .routes(routes!(ldap::import))
        .routes(routes!(ldap::search_groups))
        .routes(routes!(ldap::ping_provider))
        .routes(routes!(user_groups::list, user_groups::create))
        .routes(routes!(user_groups::search))
        .routes(routes!(user_groups::read, user_groups::update, user_groups::delete))
}

fn about_users() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::current))
        .routes(routes!(permissions::of_current_user))
        .routes(routes!(users::search))
        .routes(routes!(users::read, users::update, users::delete))
        .routes(routes!(users::set_administrator))
        .routes(routes!(users::change_password))
        .routes(routes!(users::set_cli_secret))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::delete))
        .routes(routes!(tokens::list_sessions))
        .routes(routes!(tokens::end_session))
        .routes(routes!(robots::list, robots::create))
        .routes(routes!(robots::read, robots::update, robots::refresh, robots::delete))
        .routes(routes!(robots::grantable))
        .routes(routes!(project_robots::list, project_robots::create))
        .routes(routes!(project_robots::read, project_robots::update, project_robots::delete))
        .routes(routes!(trust_rules::list, trust_rules::create))
        .routes(routes!(trust_rules::read, trust_rules::update, trust_rules::delete))
}

fn created(location: &str) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, location.to_owned())]).into_response()
}

fn timestamp(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// When something was pulled last. Harbor says the first day of year 1 for never, the zero of its language.
fn pulled(micros: i64) -> jiff::Timestamp {
    const NEVER: i64 = -62_135_596_800_000_000;
    timestamp(if micros == 0 { NEVER } else { micros })
}
