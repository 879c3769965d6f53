//! Tags over the API, and their history.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::tag::{Tag as Shown, TagEvent, TagReq};
use hythe_metadata::Window;
use hythe_metadata::project::Text;
use hythe_metadata::tag::{Action, Order};
use hythe_oci::tag::Tag;
use hythe_registry::access::Pull;

use super::page::{ListQuery, Page};
use super::place::{artifact_in, repository_in};
use super::query::{Filters, parse_sort};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, pulled, timestamp};
use crate::state::App;

/// `GET /projects/{project}/repositories/{repository}/artifacts/{reference}/tags`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/tags", tag = "artifact",
    operation_id = "listTags",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
        ListQuery,
    ),
    responses((status = 200, description = "A page, by name", body = [Shown]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    let page = Page::of(&query)?;
    let (text, order) = parse_query(&query)?;
    let by_key = order == Order::Name;
    let after = page.after().filter(|_| by_key).unwrap_or_default();
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (artifact, rows, total) =
        app.registry.list_tags_of_artifact(&permit, &reference, text, order, window).await?;
    let show = |tag: hythe_registry::tags::ListedTag| {
        let (row, immutable) = (tag.row, tag.immutable);
        let shown = show_tag(&row.name, artifact.repository_id, artifact.id, row.updated_at, row.pulled_at);
        Shown { immutable, ..shown }
    };
    let shown: Vec<Shown> = rows.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |tag| if by_key { tag.name.clone() } else { String::new() }))
}

fn parse_query(query: &ListQuery) -> Result<(Text, Order), RestFailure> {
    let text = match Filters::parse(query.q.as_deref(), &["name"])?.text("name")? {
        Some((name, true)) => Text::Whole(name.to_owned()),
        Some((part, false)) => Text::Part(part.to_owned()),
        None => Text::Any,
    };
    let order = match parse_sort(query.sort.as_deref(), &["name", "push_time"])? {
        None => Order::Name,
        Some(key) => match (key.name.as_str(), key.descending) {
            ("push_time", true) => Order::Newest,
            ("push_time", false) => Order::Oldest,
            (_, true) => Order::NameDescending,
            (_, false) => Order::Name,
        },
    };
    Ok((text, order))
}

/// `POST /projects/{project}/repositories/{repository}/artifacts/{reference}/tags`.
#[utoipa::path(
    post, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/tags", tag = "artifact",
    operation_id = "createTag",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
    ),
    request_body = TagReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Json(wanted): Json<TagReq>,
) -> Result<Response, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    let tag = parse_tag(&wanted.name)?;
    app.registry.create_tag(&permit, &reference, &tag).await?;
    Ok(created(&format!("{}/{tag}", uri.path().trim_end_matches('/'))))
}

/// `DELETE /projects/{project}/repositories/{repository}/artifacts/{reference}/tags/{tag}`.
#[utoipa::path(
    delete, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/tags/{tag}", tag = "artifact",
    operation_id = "deleteTag",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
        ("tag" = String, Path, description = "The tag"),
    ),
    responses((status = 200, description = "Deleted; the artifact stays"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, reference, tag)): Path<(String, String, String, String)>,
) -> Result<StatusCode, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    app.registry.delete_tag(&permit, &reference, &parse_tag(&tag)?).await?;
    Ok(StatusCode::OK)
}

/// `GET /projects/{project}/repositories/{repository}/tags/{tag}/history`, newest first; `after` is an event's id.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/tags/{tag}/history", tag = "tag",
    operation_id = "listTagHistory",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("tag" = String, Path, description = "The tag"),
        ListQuery,
    ),
    responses((status = 200, description = "A page, newest first", body = [TagEvent]), Refusals)
)]
pub(super) async fn history(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, tag)): Path<(String, String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Vec<TagEvent>>, RestFailure> {
    let page = Page::of(&query)?;
    let (name, tag) = (repository_in(&project, &repository)?, parse_tag(&tag)?);
    let permit = app.registry.permit::<Pull>(&caller, &name).await?;
    let before = page.after().and_then(|after| after.parse().ok());
    let events = app.registry.tag_history(&permit, &tag, before, page.limit() - 1).await?;
    Ok(Answer(events.into_iter().map(show_event).collect()))
}

fn parse_tag(text: &str) -> Result<Tag, RestFailure> {
    text.parse()
        .map_err(|error: hythe_oci::TagError| RestFailure::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// A tag as Harbor shows it, not immutable.
pub(super) fn show_tag(
    name: &str,
    repository_id: i64,
    artifact_id: i64,
    pushed_at: i64,
    pulled_at: i64,
) -> Shown {
    Shown {
        id: tag_id(repository_id, name),
        repository_id,
        artifact_id,
        name: name.to_owned(),
        push_time: timestamp(pushed_at),
        pull_time: pulled(pulled_at),
        immutable: false,
    }
}

/// Harbor numbers its tags. Here a tag is named by its repository and its name, and nothing takes the number; it is
/// made of these two (FNV-1a), and small enough for the numbers of JavaScript.
fn tag_id(repository_id: i64, name: &str) -> i64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    const EXACT_IN_A_DOUBLE: u64 = (1 << 53) - 1;
    let bytes = repository_id.to_be_bytes();
    let all = bytes.iter().chain(name.as_bytes());
    let hash = all.fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME));
    i64::try_from(hash & EXACT_IN_A_DOUBLE).unwrap_or_default()
}

fn show_event(event: hythe_metadata::tag::TagEvent) -> TagEvent {
    TagEvent {
        id: event.sequence,
        time: timestamp(event.at),
        operator: event.by,
        operation: match event.action {
            Action::Put => "push",
            Action::Delete => "delete",
        }
        .to_owned(),
        digest: event.digest.to_string(),
    }
}
