//! Where a request acts: the project that a path names, by id or by name.

use http::StatusCode;
use hythe_metadata::project::Project;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use hythe_registry::Caller;
use hythe_registry::access::{Permit, ProjectRight};

use super::RestFailure;
use super::projects::parse_name;
use crate::state::App;

/// Harbor's clients say with `X-Is-Resource-Name: true` that a project whose name is a number is meant by name.
const IS_NAME: &str = "x-is-resource-name";

/// The right `R` in the project that a path's part names.
pub(super) async fn permit_in<R: ProjectRight>(
    app: &App,
    headers: &http::HeaderMap,
    caller: &Caller,
    part: &str,
) -> Result<Permit<R, Project>, RestFailure> {
    let by_name = headers.get(IS_NAME).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    match part.parse() {
        Ok(id) if !by_name => Ok(app.registry.permit_in_project_id(caller, id).await?),
        _ => Ok(app.registry.permit_in_project(caller, &parse_name(part)?).await?),
    }
}

/// The repository that a path names. One of several parts is one path segment with its slashes encoded, twice by
/// Harbor's clients: the router has undone one of them.
pub(super) fn repository_in(project: &str, repository: &str) -> Result<RepositoryName, RestFailure> {
    let name = format!("{project}/{}", repository.replace("%2F", "/").replace("%2f", "/"));
    name.parse()
        .map_err(|error: hythe_oci::NameError| RestFailure::new(StatusCode::BAD_REQUEST, error.to_string()))
}

/// The repository and the tag or digest that a path names.
pub(super) fn artifact_in(
    project: &str,
    repository: &str,
    reference: &str,
) -> Result<(RepositoryName, Reference), RestFailure> {
    let parsed = reference.parse().map_err(|error: hythe_oci::ReferenceError| {
        RestFailure::new(StatusCode::BAD_REQUEST, error.to_string())
    })?;
    Ok((repository_in(project, repository)?, parsed))
}
