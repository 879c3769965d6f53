//! What a registry says of itself, where a login there is kept: its own doctor's findings, and the way to its storage.

use hythe_api::doctor::{Diagnosis, Finding as Told};
use hythe_registry::doctor::Finding;
use hythe_server::doctor::show;

use super::link;
use crate::client::{Login, Remote};
use crate::failure::Code;

const CHECK: &str = "registry";

/// `server` is scheme, host and port as the client asks.
pub(super) async fn check(server: &str) -> Vec<Told> {
    let login = match Login::find(server) {
        Ok(Some(login)) => login,
        Ok(None) => {
            let finding = format!(
                "it was not asked what it finds itself: `hythe login {server}` as an administrator allows that"
            );
            return vec![show(Finding::ok(CHECK, finding))];
        }
        Err(failure) => {
            return vec![show(Finding::warn(CHECK, failure.to_string(), "sign in again by `hythe login`"))];
        }
    };
    match ask(&login, server).await {
        Ok(diagnosis) => findings_of(diagnosis).await,
        Err(failure) => vec![show(failure)],
    }
}

async fn ask(login: &Login, server: &str) -> Result<Diagnosis, Finding> {
    let url: String = url::form_urlencoded::byte_serialize(server.as_bytes()).collect();
    let failed = |text: String, remedy: &str| Finding::warn(CHECK, text, remedy);
    let remote = Remote::new(login)
        .map_err(|failure| failed(failure.to_string(), "sign in again by `hythe login`"))?;
    let answer = remote.get(&format!("doctor?url={url}")).await.map_err(|failure| match failure.code {
        Code::Refused => Finding::ok(
            CHECK,
            format!("{} may not ask it what it finds itself; administrators may", login.username),
        ),
        _ => failed(format!("it cannot say what it finds itself: {failure}"), "see its /readyz and its log"),
    })?;
    serde_json::from_value(answer).map_err(|error| {
        failed(format!("its findings cannot be read, {error}"), "use a `hythe` of its own version")
    })
}

/// They are told apart from what this machine finds of itself.
async fn findings_of(diagnosis: Diagnosis) -> Vec<Told> {
    let theirs = diagnosis.findings.into_iter();
    let mut findings: Vec<Told> =
        theirs.map(|told| Told { check: format!("{CHECK} {}", told.check), ..told }).collect();
    if let Some(link) = &diagnosis.link {
        findings.push(show(link::check(link).await));
    }
    findings
}
