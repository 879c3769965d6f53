//! Where a request acts: the project that a path names, by id or by name.

use hythe_metadata::project::Project;
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
