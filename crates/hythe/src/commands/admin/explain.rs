//! `hythe admin explain`

use hythe_registry::access::Question;

use super::{Desk, refused};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(
    who: &str,
    permission: &str,
    place: Option<&str>,
    tag: Option<&str>,
    desk: &Desk,
) -> Result<(), Failure> {
    let question = question(who, permission, place, tag)?;
    let answer = desk.registry.explain(&desk.caller, &question).await.map_err(refused)?;
    let may = if answer.allowed { "may" } else { "may not" };
    let place = place.unwrap_or("the system");
    output::print(&format!("{who} {may} {permission} in {place}: {}.\n", answer.rule));
    Ok(())
}

/// A place with a slash is a repository.
fn question(
    who: &str,
    permission: &str,
    place: Option<&str>,
    tag: Option<&str>,
) -> Result<Question, Failure> {
    let usage = |error: String| Failure::usage(error);
    let project = place.map(|place| place.split('/').next().unwrap_or(place));
    let repository = place.filter(|place| place.contains('/'));
    let name_error = |error: hythe_oci::name::NameError| usage(error.to_string());
    Ok(Question {
        about: Some(who.to_owned()),
        permission: permission.parse().map_err(usage)?,
        project: project.map(str::parse).transpose().map_err(name_error)?,
        repository: repository.map(str::parse).transpose().map_err(name_error)?,
        tag: tag
            .map(str::parse)
            .transpose()
            .map_err(|error: hythe_oci::tag::TagError| usage(error.to_string()))?,
    })
}
