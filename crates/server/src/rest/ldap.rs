//! Directories over the API: try one, look into them, make users of their people.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use hythe_api::ldap::{LdapFailedImportUser, LdapImportUsers, LdapPingResult, LdapUser, OidcPing};
use hythe_api::user_group::UserGroup;
use hythe_metadata::user_group::LDAP;
use hythe_registry::configuration::ldap_fields;
use hythe_registry::error::Kind;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::{Json, Query, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// Which people.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// A part of the name to sign in with.
    #[serde(default)]
    username: String,
}

/// Which groups.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GroupsQuery {
    /// A part of the name.
    #[serde(default)]
    groupname: String,
    /// The distinguished name of one group.
    #[serde(default)]
    groupdn: String,
}

/// `POST /ldap/ping`: tries the directory as it is set, with the keys of the body in place of some. A directory that
/// does not work is an answer here and not a failure.
#[utoipa::path(
    post, path = "/ldap/ping", tag = "ldap", operation_id = "pingLdap",
    request_body(content = Option<Object>, description = "Harbor's keys to try in place of those that are kept"),
    responses((status = 200, description = "What came of it", body = LdapPingResult), Refusals)
)]
pub(super) async fn ping(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    body: Bytes,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let given: Map<String, Value> = match body.is_empty() {
        true => Map::new(),
        false => serde_json::from_slice(&body).map_err(|error| {
            RestFailure::new(StatusCode::BAD_REQUEST, format!("the body is no JSON object: {error}"))
        })?,
    };
    let outcome = app.registry.ping_directory(&permit, ldap_fields(&given)?).await;
    let message = match outcome {
        Ok(()) => String::new(),
        Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::BadRequest) => {
            error.message().to_owned()
        }
        Err(error) => return Err(error.into()),
    };
    Ok(axum::Json(LdapPingResult { success: message.is_empty(), message }).into_response())
}

/// `GET /ldap/users/search?username=`.
#[utoipa::path(
    get, path = "/ldap/users/search", tag = "ldap", operation_id = "searchLdapUser", params(PeopleQuery),
    responses((status = 200, description = "100 at most of each directory", body = [LdapUser]), Refusals)
)]
pub(super) async fn search_people(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<PeopleQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let people = app.registry.search_directory_people(&permit, &query.username).await?;
    let people = people.into_iter().map(|person| LdapUser {
        username: person.name,
        realname: person.full_name,
        email: person.email,
    });
    Ok(axum::Json(people.collect::<Vec<_>>()).into_response())
}

/// `GET /ldap/groups/search?groupname=&groupdn=`.
#[utoipa::path(
    get, path = "/ldap/groups/search", tag = "ldap", operation_id = "searchLdapGroup", params(GroupsQuery),
    responses((status = 200, description = "100 at most of each directory", body = [UserGroup]), Refusals)
)]
pub(super) async fn search_groups(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<GroupsQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let groups = app.registry.search_directory_groups(&permit, &query.groupname, &query.groupdn).await?;
    let groups = groups.into_iter().map(|group| UserGroup {
        id: 0,
        group_name: group.name,
        group_type: LDAP,
        ldap_group_dn: group.dn,
    });
    Ok(axum::Json(groups.collect::<Vec<_>>()).into_response())
}

/// `POST /ldap/users/import`: 200, or 404 with those who could not be imported, as Harbor answers.
#[utoipa::path(
    post, path = "/ldap/users/import", tag = "ldap", operation_id = "importLdapUser",
    request_body = LdapImportUsers,
    responses(
        (status = 200, description = "All were imported"),
        (status = 404, description = "Those who were not", body = [LdapFailedImportUser]),
        Refusals
    )
)]
pub(super) async fn import(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<LdapImportUsers>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let failed = app.registry.import_directory_people(&permit, &wanted.ldap_uid_list).await?;
    if failed.is_empty() {
        return Ok(StatusCode::OK.into_response());
    }
    let failed = failed.into_iter().map(|one| LdapFailedImportUser { uid: one.name, error: one.reason });
    Ok((StatusCode::NOT_FOUND, axum::Json(failed.collect::<Vec<_>>())).into_response())
}

/// `POST /system/oidc/ping`: 200 if there is a provider at the address.
#[utoipa::path(
    post, path = "/system/oidc/ping", tag = "oidc", operation_id = "pingOIDC",
    request_body = OidcPing,
    responses((status = 200, description = "It is there"), Refusals)
)]
pub(super) async fn ping_provider(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<OidcPing>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    match app.registry.ping_issuer(&permit, &wanted.url, wanted.verify_cert).await {
        Err(error) if error.kind() == Kind::Unavailable => {
            Err(RestFailure::new(StatusCode::BAD_REQUEST, error.message()))
        }
        outcome => Ok(outcome.map(|()| StatusCode::OK)?),
    }
}
