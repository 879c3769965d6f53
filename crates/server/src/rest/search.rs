//! Searching over the API.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hythe_api::search::{Search, SearchRepository};
use hythe_registry::search::FoundView;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Query, Refusals, RestFailure, SignedIn, projects};
use crate::state::App;

/// What is searched for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// A part of a name; nothing finds everything.
    #[serde(default)]
    q: String,
}

/// `GET /search`.
#[utoipa::path(
    get, path = "/search", tag = "search", operation_id = "search",
    params(SearchQuery),
    responses((status = 200, description = "What was found, a hundred of each at most", body = Search), Refusals)
)]
pub(super) async fn search(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Search>, RestFailure> {
    let (found, repositories) = app.registry.search(&caller, &query.q).await?;
    let project = found.into_iter().map(projects::show).collect();
    Ok(Json(Search { project, repository: repositories.into_iter().map(show).collect() }))
}

fn show(found: FoundView) -> SearchRepository {
    let FoundView { repository: found, artifacts } = found;
    SearchRepository {
        project_name: found.name.project().to_string(),
        repository_name: found.name.to_string(),
        project_id: found.project_id,
        project_public: found.public,
        pull_count: found.pull_count,
        artifact_count: artifacts,
    }
}
