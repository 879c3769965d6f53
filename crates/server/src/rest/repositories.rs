//! Repositories over the API.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use hythe_api::repository::{Repository, RepositoryUpdate};
use hythe_metadata::Window;
use hythe_metadata::described_repository::Order;
use hythe_metadata::project::Text;
use hythe_oci::digest::Digest;
use hythe_registry::repositories::{RepositoryQuery, RepositoryView};

use super::page::{ListQuery, Page};
use super::place::{permit_in, repository_in};
use super::query::{Filters, parse_sort};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// `GET /repositories`. With `q=blob_digest=DIGEST` those from which a blob can be mounted.
#[utoipa::path(
    get, path = "/repositories", tag = "repository", operation_id = "listAllRepositories",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [Repository]), Refusals)
)]
pub(super) async fn list_all(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let page = Page::of(&query)?;
    let filters = Filters::parse(query.q.as_deref(), &["name", "blob_digest"])?;
    if let Some(digest) = filters.exact("blob_digest")? {
        let digest = parse_digest(digest)?;
        let found = app.registry.list_repositories_with_blob(&caller, &digest, page.limit() - 1).await?;
        let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let shown: Vec<Repository> = found.into_iter().map(show).collect();
        return Ok(page.answer(shown, total, &uri, |_| String::new()));
    }
    let wanted = wanted(&filters, &query)?;
    let by_key = wanted.order == Order::Name;
    let listed = app.registry.list_all_repositories(&caller, wanted, window(&page, by_key)).await?;
    Ok(answer(&page, listed, by_key, &uri))
}

fn parse_digest(text: &str) -> Result<Digest, RestFailure> {
    text.parse().map_err(|error: hythe_oci::DigestError| {
        RestFailure::new(StatusCode::BAD_REQUEST, format!("q: blob_digest: {error}"))
    })
}

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
    let page = Page::of(&query)?;
    let wanted = wanted(&Filters::parse(query.q.as_deref(), &["name"])?, &query)?;
    let by_key = wanted.order == Order::Name;
    let listed = match permit_in(&app, &headers, &caller, &project).await {
        Ok(permit) => app.registry.list_repositories(&permit, wanted, window(&page, by_key)).await?,
        Err(refusal) => {
            let granted = permit_in(&app, &headers, &caller, &project).await.map_err(|_| refusal)?;
            app.registry.list_granted_repositories(&granted, wanted, window(&page, by_key)).await?
        }
    };
    Ok(answer(&page, listed, by_key, &uri))
}

fn window(page: &Page, by_key: bool) -> Window<&str> {
    let after = page.after().filter(|_| by_key).unwrap_or_default();
    Window { after, skip: page.skip(), limit: page.limit() }
}

fn answer(page: &Page, (views, total): (Vec<RepositoryView>, i64), by_key: bool, uri: &Uri) -> Response {
    let shown: Vec<Repository> = views.into_iter().map(show).collect();
    page.answer(shown, total, uri, |repository| if by_key { repository.name.clone() } else { String::new() })
}

fn wanted(filters: &Filters, query: &ListQuery) -> Result<RepositoryQuery, RestFailure> {
    let name = match filters.text("name")? {
        Some((name, true)) => Text::Whole(name.to_owned()),
        Some((part, false)) => Text::Part(part.to_owned()),
        None => Text::Any,
    };
    let known = ["name", "creation_time", "update_time", "pull_count"];
    let order = match parse_sort(query.sort.as_deref(), &known)? {
        None => Order::Name,
        Some(key) => match (key.name.as_str(), key.descending) {
            ("name", false) => Order::Name,
            ("name", true) => Order::NameDescending,
            ("update_time", false) => Order::LeastUpdated,
            ("update_time", true) => Order::LastUpdated,
            ("pull_count", false) => Order::LeastPulled,
            ("pull_count", true) => Order::MostPulled,
            (_, false) => Order::Oldest,
            (_, true) => Order::Newest,
        },
    };
    Ok(RepositoryQuery { name, order })
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

fn show(view: RepositoryView) -> Repository {
    let RepositoryView { row, artifacts } = view;
    Repository {
        id: row.id,
        project_id: row.project_id,
        name: row.name.to_string(),
        description: row.description,
        artifact_count: artifacts,
        pull_count: row.pull_count,
        creation_time: timestamp(row.created_at),
        update_time: timestamp(row.updated_at.max(row.created_at)),
    }
}
