//! User groups over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hythe_api::user_group::{UserGroup, UserGroupSearchItem};
use hythe_metadata::user_group;
use hythe_registry::user_groups::{CreateGroup, filter};
use serde::{Deserialize, Serialize};

use super::page::{DEFAULT_SIZE, LARGEST_SIZE};
use super::{Json, Path, Query, RestFailure, SignedIn, created};
use crate::state::App;

/// Which groups, and which page of them.
#[derive(Deserialize)]
pub(super) struct GroupQuery {
    #[serde(default, alias = "groupname")]
    group_name: String,
    #[serde(default)]
    ldap_group_dn: String,
    page: Option<u32>,
    page_size: Option<u32>,
}

impl GroupQuery {
    fn limit(&self) -> u32 {
        self.page_size.unwrap_or(DEFAULT_SIZE).clamp(1, LARGEST_SIZE)
    }

    fn page(&self) -> u32 {
        self.page.unwrap_or(1).max(1)
    }

    fn offset(&self) -> i64 {
        i64::from(self.page() - 1) * i64::from(self.limit())
    }

    /// A page with the number of all and a link to the next.
    fn answer<T: Serialize>(&self, path: &str, items: Vec<T>, total: i64) -> Response {
        let mut response = axum::Json(items).into_response();
        let headers = response.headers_mut();
        headers.insert("x-total-count", HeaderValue::from(total));
        if self.offset() + i64::from(self.limit()) < total {
            let part: String = url::form_urlencoded::byte_serialize(self.group_name.as_bytes()).collect();
            let (next, size) = (self.page() + 1, self.limit());
            let link =
                format!("</api/v2.0{path}?group_name={part}&page={next}&page_size={size}>; rel=\"next\"");
            headers.extend(HeaderValue::try_from(link).ok().map(|link| (header::LINK, link)));
        }
        response
    }
}

/// `GET /usergroups?group_name=&ldap_group_dn=`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<GroupQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let wanted = filter(&query.group_name, &query.ldap_group_dn);
    let (groups, total) =
        app.registry.list_user_groups(&permit, &wanted, query.offset(), query.limit()).await?;
    Ok(query.answer("/usergroups", groups.into_iter().map(show).collect(), total))
}

/// `GET /usergroups/search?groupname=`: for everybody who is signed in, as they may want to give a group a role.
pub(super) async fn search(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<GroupQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    let (groups, total) =
        app.registry.search_user_groups(&permit, &query.group_name, query.offset(), query.limit()).await?;
    let item = |group: user_group::UserGroup| UserGroupSearchItem {
        id: group.id,
        group_name: group.name,
        group_type: group.kind,
    };
    Ok(query.answer("/usergroups/search", groups.into_iter().map(item).collect(), total))
}

/// `POST /usergroups`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<UserGroup>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let wanted =
        CreateGroup { name: wanted.group_name, kind: wanted.group_type, ldap_group_dn: wanted.ldap_group_dn };
    let made = app.registry.create_user_group(&permit, wanted).await?;
    Ok(created(&format!("/api/v2.0/usergroups/{}", made.id)))
}

/// `GET /usergroups/{group}`.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(group): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show(app.registry.get_user_group(&permit, group).await?)).into_response())
}

/// `PUT /usergroups/{group}`: a new name.
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(group): Path<i64>,
    Json(wanted): Json<UserGroup>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.rename_user_group(&permit, group, &wanted.group_name).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /usergroups/{group}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(group): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.delete_user_group(&permit, group).await?;
    Ok(StatusCode::OK)
}

fn show(group: user_group::UserGroup) -> UserGroup {
    UserGroup {
        id: group.id,
        group_name: group.name,
        group_type: group.kind,
        ldap_group_dn: group.ldap_group_dn,
    }
}
