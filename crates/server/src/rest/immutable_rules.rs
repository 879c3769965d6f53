//! Immutable tag rules over the API.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use hythe_api::immutable_rule::ImmutableRule;
use hythe_metadata::Window;
use hythe_registry::access::Permit;
use hythe_registry::access::rights::immutable_tag as right;
use hythe_registry::immutable_rules::{Protects, Rule, WantedRule};

use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::selectors::{only, read as read_selector, show as show_selector};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created};
use crate::state::App;

/// `GET /projects/{project}/immutabletagrules`.
#[utoipa::path(
    get, path = "/projects/{project}/immutabletagrules", tag = "immutable", operation_id = "ListImmuRules",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery),
    responses((status = 200, description = "A page", body = [ImmutableRule]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::List, _> = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (rules, total) = app.registry.list_immutable_rules(&permit, window).await?;
    let shown: Vec<ImmutableRule> = rules.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |rule| rule.id.to_string()))
}

/// `POST /projects/{project}/immutabletagrules`.
#[utoipa::path(
    post, path = "/projects/{project}/immutabletagrules", tag = "immutable", operation_id = "CreateImmuRule",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = ImmutableRule,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(wanted): Json<ImmutableRule>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, _> = permit_in(&app, &headers, &caller, &project).await?;
    let id = app.registry.create_immutable_rule(&permit, &read(wanted)?).await?;
    Ok(created(&format!("/api/v2.0/projects/{}/immutabletagrules/{id}", permit.project().id)))
}

/// `PUT /projects/{project}/immutabletagrules/{immutable_rule}`.
#[utoipa::path(
    put, path = "/projects/{project}/immutabletagrules/{immutable_rule}", tag = "immutable", operation_id = "UpdateImmuRule",
    params(("project" = String, Path, description = "The project's id or name"), ("immutable_rule" = i64, Path, description = "The rule's id")),
    request_body = ImmutableRule,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, rule)): Path<(String, i64)>,
    Json(wanted): Json<ImmutableRule>,
) -> Result<StatusCode, RestFailure> {
    let permit: Permit<right::Update, _> = permit_in(&app, &headers, &caller, &project).await?;
    if wanted.id != rule && wanted.id != 0 {
        let message = format!("the path names rule {rule}, the body rule {}", wanted.id);
        return Err(RestFailure::new(StatusCode::BAD_REQUEST, message));
    }
    // Clients that only switch a rule on or off leave the selectors out.
    let disabled = wanted.disabled;
    let bare = wanted.tag_selectors.is_empty() && wanted.scope_selectors.is_empty();
    let protects = if bare { None } else { Some(read(wanted)?.protects) };
    app.registry.update_immutable_rule(&permit, rule, disabled, protects.as_ref()).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}/immutabletagrules/{immutable_rule}`.
#[utoipa::path(
    delete, path = "/projects/{project}/immutabletagrules/{immutable_rule}", tag = "immutable", operation_id = "DeleteImmuRule",
    params(("project" = String, Path, description = "The project's id or name"), ("immutable_rule" = i64, Path, description = "The rule's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, rule)): Path<(String, i64)>,
) -> Result<StatusCode, RestFailure> {
    let permit: Permit<right::Delete, _> = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.delete_immutable_rule(&permit, rule).await?;
    Ok(StatusCode::OK)
}

fn read(wanted: ImmutableRule) -> Result<WantedRule, RestFailure> {
    let mut scope = wanted.scope_selectors;
    let repositories = scope.remove("repository").unwrap_or_default();
    let repository = read_selector(only(repositories, "scope_selectors.repository")?);
    let tag = read_selector(only(wanted.tag_selectors, "tag_selectors")?);
    Ok(WantedRule { disabled: wanted.disabled, protects: Protects { repository, tag } })
}

fn show(rule: Rule) -> ImmutableRule {
    let Protects { repository, tag } = rule.wanted.protects;
    ImmutableRule {
        id: rule.id,
        priority: 0,
        disabled: rule.wanted.disabled,
        action: "immutable".to_owned(),
        template: "immutable_template".to_owned(),
        params: BTreeMap::new(),
        tag_selectors: vec![show_selector(tag)],
        scope_selectors: BTreeMap::from([("repository".to_owned(), vec![show_selector(repository)])]),
    }
}
