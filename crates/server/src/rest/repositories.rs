//! Repositories over the API.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use hythe_api::repository::{Repository, RepositoryUpdate};
use hythe_metadata::Window;
use hythe_metadata::described_repository::{DescribedRepository, Order};
use hythe_metadata::project::Text;

use super::page::{ListQuery, Page};
use super::place::{permit_in, repository_in};
use super::query::{Filters, parse_sort};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// `GET /projects/{project}/repositories`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories", tag = "repository", operation_id = "listRepositories",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery),
    responses((status = 200, description = "A page", body = [Repository]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let (name, order) = parse_query(&query)?;
    let by_key = order == Order::Name;
    let after = page.after().filter(|_| by_key).unwrap_or_default();
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (repositories, total) = app.registry.list_repositories(&permit, name, order, window).await?;
    let shown: Vec<Repository> = repositories.into_iter().map(show).collect();
    let key = |repository: &Repository| if by_key { repository.name.clone() } else { String::new() };
    Ok(page.answer(shown, total, &uri, key))
}

fn parse_query(query: &ListQuery) -> Result<(Text, Order), RestFailure> {
    let name = match Filters::parse(query.q.as_deref(), &["name"])?.text("name")? {
        Some((name, true)) => Text::Whole(name.to_owned()),
        Some((part, false)) => Text::Part(part.to_owned()),
        None => Text::Any,
    };
    let order = match parse_sort(query.sort.as_deref(), &["name", "creation_time"])? {
        None => Order::Name,
        Some(key) => match (key.name.as_str(), key.descending) {
            ("name", false) => Order::Name,
            ("name", true) => Order::NameDescending,
            (_, false) => Order::Oldest,
            (_, true) => Order::Newest,
        },
    };
    Ok((name, order))
}

/// `GET /projects/{project}/repositories/{repository}`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}", tag = "repository", operation_id = "getRepository",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
    ),
    responses((status = 200, description = "The repository", body = Repository), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository)): Path<(String, String)>,
) -> Result<Answer<Repository>, RestFailure> {
    let permit = app.registry.permit(&caller, &repository_in(&project, &repository)?).await?;
    Ok(Answer(show(app.registry.get_repository(&permit).await?)))
}

/// `PUT /projects/{project}/repositories/{repository}`: its description.
#[utoipa::path(
    put, path = "/projects/{project}/repositories/{repository}", tag = "repository", operation_id = "updateRepository",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
    ),
    request_body = RepositoryUpdate,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository)): Path<(String, String)>,
    Json(wanted): Json<RepositoryUpdate>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit(&caller, &repository_in(&project, &repository)?).await?;
    app.registry.describe_repository(&permit, &wanted.description).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}/repositories/{repository}`: with all that is in it.
#[utoipa::path(
    delete, path = "/projects/{project}/repositories/{repository}", tag = "repository", operation_id = "deleteRepository",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
    ),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository)): Path<(String, String)>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit(&caller, &repository_in(&project, &repository)?).await?;
    app.registry.delete_repository(&permit).await?;
    Ok(StatusCode::OK)
}

fn show(repository: DescribedRepository) -> Repository {
    Repository {
        id: repository.id,
        project_id: repository.project_id,
        name: repository.name.to_string(),
        description: repository.description,
        artifact_count: repository.artifacts,
        pull_count: repository.pull_count,
        creation_time: timestamp(repository.created_at),
        update_time: timestamp(repository.updated_at.max(repository.created_at)),
    }
}
