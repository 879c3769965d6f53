//! Artifacts over the API.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri};
use hythe_api::artifact::{Accessory, AdditionLink, Artifact, Platform, Reference as Part};
use hythe_metadata::Window;
use hythe_metadata::artifact::{AccessoryOf, Key, Order, TagOf};
use hythe_oci::manifest::Kind;
use hythe_oci::media_type;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use hythe_registry::access::Pull;
use hythe_registry::additions::Addition;
use hythe_registry::artifacts::{ArtifactQuery, ArtifactView, PartDetail, WantedTags, With};
use hythe_registry::icons::icon_of;
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::place::{artifact_in, permit_in, repository_in};
use super::query::{Filters, Wanted, parse_sort};
use super::{Path, Query, Refusals, RestFailure, SignedIn, created, labels, pulled, tags, timestamp};
use crate::state::App;

const FILTERS: &[&str] =
    &["tags", "labels", "type", "media_type", "artifact_type", "digest", "push_time", "pull_time", "base"];

/// What is to be told beside the artifacts themselves.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WithQuery {
    /// Their tags; true where it is not said.
    with_tag: Option<bool>,
    /// Their labels.
    #[serde(default)]
    with_label: bool,
    /// What belongs to them: signatures and the like.
    #[serde(default)]
    with_accessory: bool,
}

impl From<WithQuery> for With {
    fn from(query: WithQuery) -> With {
        With {
            tags: query.with_tag.unwrap_or(true),
            labels: query.with_label,
            accessories: query.with_accessory,
        }
    }
}

/// What a list of a whole project can be asked with beside.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ProjectQuery {
    /// Of each repository only the artifact pushed last.
    #[serde(default)]
    latest_in_repository: bool,
}

/// Where an artifact is copied from.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CopyQuery {
    /// `project/repository:tag` or `project/repository@digest`.
    from: String,
}

/// `GET /projects/{project}/repositories/{repository}/artifacts`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/artifacts", tag = "artifact",
    operation_id = "listArtifacts",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ListQuery, WithQuery,
    ),
    responses((status = 200, description = "A page, the newest first", body = [Artifact]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path((project, repository)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
    Query(with): Query<WithQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit(&caller, &repository_in(&project, &repository)?).await?;
    let page = Page::of(&query)?;
    let wanted = wanted(&query)?;
    let (order, window) = (wanted.order, window(&page, wanted.order)?);
    let listed = app.registry.list_artifacts(&permit, wanted, with.into(), window).await?;
    Ok(answer(&page, listed, order, &uri))
}

/// `GET /projects/{project}/artifacts`.
#[utoipa::path(
    get, path = "/projects/{project}/artifacts", tag = "project", operation_id = "listArtifactsOfProject",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery, WithQuery, ProjectQuery),
    responses((status = 200, description = "A page, the newest first", body = [Artifact]), Refusals)
)]
pub(super) async fn list_of_project(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
    (Query(with), Query(of_project)): (Query<WithQuery>, Query<ProjectQuery>),
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let wanted = ArtifactQuery { newest_only: of_project.latest_in_repository, ..wanted(&query)? };
    let (order, window) = (wanted.order, window(&page, wanted.order)?);
    let listed = app.registry.list_project_artifacts(&permit, wanted, with.into(), window).await?;
    Ok(answer(&page, listed, order, &uri))
}

fn answer(page: &Page, (views, total): (Vec<ArtifactView>, i64), order: Order, uri: &Uri) -> Response {
    let shown: Vec<Artifact> = views.into_iter().map(show).collect();
    page.answer(shown, total, uri, |artifact| key(artifact, order))
}

/// Only these two orders go on from a key.
fn has_key(order: Order) -> bool {
    matches!(order, Order::Newest | Order::Oldest)
}

fn key(artifact: &Artifact, order: Order) -> String {
    if !has_key(order) {
        return String::new();
    }
    format!("{}-{}", artifact.push_time.as_microsecond(), artifact.id)
}

fn window(page: &Page, order: Order) -> Result<Window<Option<Key>>, RestFailure> {
    let after = page.after().filter(|_| has_key(order)).map(parse_key).transpose()?;
    Ok(Window { after, skip: page.skip(), limit: page.limit() })
}

fn parse_key(text: &str) -> Result<Key, RestFailure> {
    let parsed = text.split_once('-').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    parsed.ok_or_else(|| bad("after is a key from a Link header of this list"))
}

fn bad(message: impl Into<String>) -> RestFailure {
    RestFailure::new(StatusCode::BAD_REQUEST, message)
}

fn wanted(query: &ListQuery) -> Result<ArtifactQuery, RestFailure> {
    let filters = Filters::parse(query.q.as_deref(), FILTERS)?;
    let text = |name: &str| filters.exact(name).map(|value| value.map(str::to_owned));
    let base = filters.exact("base")?;
    if base.is_some_and(|base| base != "*") {
        return Err(bad("q: base can only be *, for the parts of indexes too"));
    }
    Ok(ArtifactQuery {
        tags: wanted_tags(&filters)?,
        digests: wanted_digests(&filters)?,
        labels: wanted_labels(&filters)?,
        kind: text("type")?.map(|kind| kind.to_uppercase()),
        media_type: text("media_type")?,
        artifact_type: text("artifact_type")?,
        pushed: filters.times("push_time")?.unwrap_or_default(),
        pulled: filters.times("pull_time")?.unwrap_or_default(),
        with_parts: base.is_some(),
        newest_only: false,
        order: wanted_order(query)?,
    })
}

fn wanted_tags(filters: &Filters) -> Result<WantedTags, RestFailure> {
    let parse = |tags: &[String]| {
        let parsed = tags
            .iter()
            .map(|tag| tag.parse().map_err(|error: hythe_oci::TagError| bad(format!("q: tags: {error}"))));
        parsed.collect::<Result<Vec<_>, _>>()
    };
    Ok(match filters.find("tags") {
        None => WantedTags::Any,
        Some(Wanted::Exact(tag)) if tag == "*" => WantedTags::Tagged,
        Some(Wanted::Exact(tag)) if tag == "nil" => WantedTags::Untagged,
        Some(Wanted::Exact(tag)) => WantedTags::AnyOf(parse(std::slice::from_ref(tag))?),
        Some(Wanted::Contains(part)) => WantedTags::Part(part.clone()),
        Some(Wanted::Any(tags)) => WantedTags::AnyOf(parse(tags)?),
        Some(Wanted::All(tags)) => WantedTags::AllOf(parse(tags)?),
        Some(Wanted::Range(..)) => return Err(bad("q: tags takes *, nil, a tag, ~PART, {A B} or (A B)")),
    })
}

fn wanted_digests(filters: &Filters) -> Result<Option<Vec<hythe_oci::Digest>>, RestFailure> {
    let texts = match filters.find("digest") {
        None => return Ok(None),
        Some(Wanted::Exact(digest)) => std::slice::from_ref(digest),
        Some(Wanted::Any(digests)) => digests,
        Some(_) => return Err(bad("q: digest takes a digest, or several as {A B}")),
    };
    let parse = |text: &String| {
        text.parse().map_err(|error: hythe_oci::DigestError| bad(format!("q: digest: {error}")))
    };
    texts.iter().map(parse).collect::<Result<Vec<_>, _>>().map(Some)
}

fn wanted_labels(filters: &Filters) -> Result<Vec<i64>, RestFailure> {
    let texts = match filters.find("labels") {
        None => return Ok(Vec::new()),
        Some(Wanted::Exact(label)) => std::slice::from_ref(label),
        Some(Wanted::All(labels)) => labels,
        Some(_) => return Err(bad("q: labels takes ids, all of which must be there: labels=(1 2)")),
    };
    let parse = |text: &String| {
        text.parse().map_err(|_| bad(format!("q: labels: {:?} is no id", text.get(..32).unwrap_or(text))))
    };
    let mut ids = texts.iter().map(parse).collect::<Result<Vec<i64>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn wanted_order(query: &ListQuery) -> Result<Order, RestFailure> {
    let key = parse_sort(query.sort.as_deref(), &["push_time", "pull_time", "size", "id"])?;
    Ok(match key.as_ref().map(|key| (key.name.as_str(), key.descending)) {
        None => Order::Newest,
        Some(("pull_time", true)) => Order::LastPulled,
        Some(("pull_time", false)) => Order::FirstPulled,
        Some(("size", true)) => Order::Largest,
        Some(("size", false)) => Order::Smallest,
        Some((_, true)) => Order::Newest,
        Some((_, false)) => Order::Oldest,
    })
}

/// `POST /projects/{project}/repositories/{repository}/artifacts?from=…`: copies without moving a byte.
#[utoipa::path(
    post, path = "/projects/{project}/repositories/{repository}/artifacts", tag = "artifact",
    operation_id = "CopyArtifact",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        CopyQuery,
    ),
    responses((status = 201, description = "Copied; Location tells where"), Refusals)
)]
pub(super) async fn copy(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path((project, repository)): Path<(String, String)>,
    Query(query): Query<CopyQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit(&caller, &repository_in(&project, &repository)?).await?;
    let (source, reference) = parse_source(&query.from)?;
    let source = app.registry.permit::<Pull>(&caller, &source).await?;
    let digest = app.registry.copy_artifact(&permit, &source, &reference).await?;
    Ok(created(&format!("{}/{digest}", uri.path().trim_end_matches('/'))))
}

fn parse_source(from: &str) -> Result<(RepositoryName, Reference), RestFailure> {
    let parsed = match from.split_once('@') {
        Some((name, digest)) => name.parse().ok().zip(digest.parse().ok().map(Reference::Digest)),
        None => from
            .rsplit_once(':')
            .and_then(|(name, tag)| name.parse().ok().zip(tag.parse().ok().map(Reference::Tag))),
    };
    parsed.ok_or_else(|| bad("from is project/repository:tag or project/repository@digest"))
}

/// `GET /projects/{project}/repositories/{repository}/artifacts/{reference}`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}", tag = "artifact",
    operation_id = "getArtifact",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
        WithQuery,
    ),
    responses((status = 200, description = "The artifact", body = Artifact), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Query(with): Query<WithQuery>,
) -> Result<Response, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    let view = app.registry.get_artifact(&permit, &reference, with.into()).await?;
    Ok(axum::Json(show(view)).into_response())
}

/// `DELETE /projects/{project}/repositories/{repository}/artifacts/{reference}`: with all of its tags.
#[utoipa::path(
    delete, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}", tag = "artifact",
    operation_id = "deleteArtifact",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
    ),
    responses((status = 200, description = "Deleted, with its tags and what belongs to it"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path((project, repository, reference)): Path<(String, String, String)>,
) -> Result<StatusCode, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    app.registry.delete_artifact(&permit, &reference).await?;
    Ok(StatusCode::OK)
}

/// `GET /projects/{project}/repositories/{repository}/artifacts/{reference}/accessories`.
#[utoipa::path(
    get, path = "/projects/{project}/repositories/{repository}/artifacts/{reference}/accessories", tag = "artifact",
    operation_id = "listAccessories",
    params(
        ("project" = String, Path, description = "The project's name"),
        ("repository" = String, Path, description = "The repository's name without its project, slashes encoded"),
        ("reference" = String, Path, description = "A tag or a digest"),
        ListQuery,
    ),
    responses((status = 200, description = "A page, in the order of their arrival", body = [Accessory]), Refusals)
)]
pub(super) async fn list_accessories(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Path((project, repository, reference)): Path<(String, String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let (name, reference) = artifact_in(&project, &repository, &reference)?;
    let permit = app.registry.permit(&caller, &name).await?;
    let page = Page::of(&query)?;
    Filters::parse(query.q.as_deref(), &[])?;
    parse_sort(query.sort.as_deref(), &[])?;
    let after = page.after().map(str::parse).transpose().map_err(|_| bad("after is an accessory's id"))?;
    let window = Window { after: after.unwrap_or_default(), skip: page.skip(), limit: page.limit() };
    let (subject, accessories, total) = app.registry.list_accessories(&permit, &reference, window).await?;
    let (digest, repository) = (subject.digest.to_string(), subject.repository.to_string());
    let show = |accessory| show_accessory(accessory, &digest, &repository);
    let shown: Vec<Accessory> = accessories.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |accessory| accessory.id.to_string()))
}

fn show(view: ArtifactView) -> Artifact {
    let ArtifactView { row, detail, parts, tags, immutable, labels, accessories } = view;
    let (digest, repository) = (row.digest.to_string(), row.repository.to_string());
    let part = |part| show_part(part, row.id, &parts);
    Artifact {
        references: detail.parts.into_iter().map(part).collect(),
        tags: tags
            .map(|tags| tags.into_iter().map(|tag| show_tag(tag, row.repository_id, &immutable)).collect()),
        addition_links: addition_links(&row),
        labels: labels.map(|labels| labels.into_iter().map(labels::show).collect()),
        accessories: accessories.map(|all| {
            all.into_iter().map(|accessory| show_accessory(accessory, &digest, &repository)).collect()
        }),
        icon: if detail.icon.is_empty() { icon_of(&row.about.kind).to_string() } else { detail.icon },
        id: row.id,
        kind: row.about.kind,
        media_type: row.about.media_type,
        manifest_media_type: row.manifest_media_type,
        artifact_type: row.about.artifact_type,
        project_id: row.project_id,
        repository_id: row.repository_id,
        repository_name: repository.clone(),
        size: row.about.size,
        push_time: timestamp(row.pushed_at),
        pull_time: pulled(row.pulled_at),
        extra_attrs: detail.extra_attrs,
        annotations: serde_json::from_str(&row.annotations_json).unwrap_or_default(),
        digest: digest.clone(),
    }
}

/// Harbor encodes the repository's name twice.
fn addition_links(row: &hythe_metadata::artifact::Artifact) -> BTreeMap<String, AdditionLink> {
    let project = row.repository.project();
    let rest = row.repository.as_str().strip_prefix(project.as_str()).unwrap_or_default();
    let repository = rest.trim_start_matches('/').replace('/', "%252F");
    let link = |addition: &Addition| {
        let name = addition.as_str();
        let href = format!(
            "/api/v2.0/projects/{project}/repositories/{repository}/artifacts/{}/additions/{name}",
            row.digest
        );
        (name.to_owned(), AdditionLink { href, absolute: false })
    };
    Addition::of(&row.about, shape_of(&row.manifest_media_type)).iter().map(link).collect()
}

fn shape_of(media_type: &str) -> Kind {
    match media_type {
        media_type::OCI_INDEX | media_type::DOCKER_MANIFEST_LIST => Kind::Index,
        _ => Kind::Image,
    }
}

fn show_part(part: PartDetail, index: i64, ids: &std::collections::HashMap<hythe_oci::Digest, i64>) -> Part {
    Part {
        parent_id: index,
        child_id: ids.get(&part.digest).copied().unwrap_or_default(),
        child_digest: part.digest.to_string(),
        platform: part.platform.and_then(show_platform),
        annotations: part.annotations,
        urls: part.urls,
    }
}

/// The image specification's names become Harbor's.
fn show_platform(written: serde_json::Value) -> Option<Platform> {
    let text = |name: &str| written.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let features = written.get("os.features").and_then(|value| value.as_array());
    written.is_object().then(|| Platform {
        architecture: text("architecture"),
        os: text("os"),
        os_features: features
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        os_version: text("os.version"),
        variant: text("variant"),
    })
}

fn show_tag(tag: TagOf, repository_id: i64, immutable: &HashSet<String>) -> hythe_api::tag::Tag {
    let shown = tags::show_tag(&tag.name, repository_id, tag.artifact_id, tag.pushed_at, tag.pulled_at);
    hythe_api::tag::Tag { immutable: immutable.contains(&tag.name), ..shown }
}

fn show_accessory(accessory: AccessoryOf, subject: &str, repository: &str) -> Accessory {
    Accessory {
        id: accessory.id,
        artifact_id: accessory.id,
        subject_artifact_id: accessory.subject_id,
        subject_artifact_digest: subject.to_owned(),
        subject_artifact_repo: repository.to_owned(),
        size: accessory.size,
        digest: accessory.digest.to_string(),
        kind: accessory.kind,
        icon: String::new(),
        creation_time: timestamp(accessory.pushed_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(q: &str) -> ListQuery {
        ListQuery { q: Some(q.to_owned()), ..ListQuery::default() }
    }

    #[test]
    fn filters_are_harbors() {
        let parsed = wanted(&query("tags=v1,labels=(2 1 2),type=image,base=*")).unwrap();
        assert!(matches!(parsed.tags, WantedTags::AnyOf(ref tags) if tags[0].as_str() == "v1"));
        assert_eq!(
            (parsed.labels, parsed.kind.as_deref(), parsed.with_parts),
            (vec![1, 2], Some("IMAGE"), true)
        );
        assert!(matches!(wanted(&query("tags=*")).unwrap().tags, WantedTags::Tagged));
        assert!(matches!(wanted(&query("tags=nil")).unwrap().tags, WantedTags::Untagged));
        for wrong in ["base=1", "labels=(a)", "digest=x", "tags=[a~b]", "tags=a b", "size=1"] {
            assert!(wanted(&query(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_source_has_a_tag_or_a_digest() {
        let (name, reference) = parse_source("team/app/web:v1").unwrap();
        assert_eq!((name.as_str(), reference.to_string().as_str()), ("team/app/web", "v1"));
        let digest = format!("sha256:{}", "a".repeat(64));
        let (_, reference) = parse_source(&format!("team/app@{digest}")).unwrap();
        assert_eq!(reference.to_string(), digest);
        for wrong in ["team/app", "team/app@v1", "", ":v1", "team/app:v1:v2@"] {
            assert!(parse_source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_names_a_place_in_the_list() {
        assert_eq!(parse_key("17-4").unwrap(), (17, 4));
        assert!(parse_key("17").is_err());
    }
}
