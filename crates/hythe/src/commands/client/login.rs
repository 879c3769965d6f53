//! `hythe login`, `logout` and `whoami`

use std::io::{self, IsTerminal, Read};

use serde_json::json;

use super::{Desk, number, text};
use crate::cli::client::LoginArguments;
use crate::client::login::normal;
use crate::client::{Login, Remote};
use crate::failure::Failure;
use crate::output;
use crate::passwords;

/// Days that the token which is kept lives.
const DAYS: i64 = 90;

/// Signs in with the password and keeps a personal token of its own, so that no file holds the password and this
/// login can be ended alone.
pub(super) async fn login(wanted: &LoginArguments) -> Result<(), Failure> {
    let mut login = Login {
        server: normal(&wanted.server),
        username: wanted.username.clone(),
        secret: String::new(),
        token_id: 0,
        ca_file: wanted.ca_file.clone(),
    };
    // An address that is wrong and a place that cannot be written are said before anybody types a password.
    Remote::new(&login)?;
    Login::can_be_kept()?;
    login.secret = password(wanted)?;
    let remote = Remote::new(&login)?;
    let body = json!({ "name": token_name(), "duration": DAYS });
    let (made, _) = remote.create("users/current/tokens", &body).await?;
    login.secret = text(made.get("secret"));
    login.token_id = number(&made, "/id");
    let (server, token_id) = (login.server.clone(), login.token_id);
    if let Err(failure) = login.keep() {
        // Nobody could use it or end it.
        let _ = remote.delete(&format!("users/current/tokens/{token_id}")).await;
        return Err(failure);
    }
    output::print(&format!("You are signed in to {server} as {} for {DAYS} days.\n", wanted.username));
    Ok(())
}

/// Tells the tokens of several machines and logins apart, also of those that a script makes at once.
fn token_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("hythe login on {host}, {}", jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S%.6f"))
}

fn password(wanted: &LoginArguments) -> Result<String, Failure> {
    if wanted.password_stdin || !io::stdin().is_terminal() {
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::because("cannot read the password from standard input", &error))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    passwords::prompt(&format!("Password for {}: ", wanted.username))
}

/// Deletes the token at the registry and forgets it here. What the registry cannot be told is said.
pub(super) async fn logout(desk: &Desk, server: Option<&str>) -> Result<(), Failure> {
    let login = Login::read(server)?;
    let told = desk.remote.delete(&format!("users/current/tokens/{}", login.token_id)).await;
    login.forget()?;
    output::print(&format!("You are signed out of {}.\n", login.server));
    told.map_err(|failure| {
        failure.hint("the token is forgotten here and lives on there; delete it by another login")
    })
}

pub(super) async fn whoami(desk: &Desk) -> Result<(), Failure> {
    let user = desk.remote.get("users/current").await?;
    desk.show(
        &user,
        &[
            ("name", "/username"),
            ("full name", "/realname"),
            ("email", "/email"),
            ("administrator", "/sysadmin_flag"),
            ("administrator by a group", "/admin_role_in_auth"),
        ],
    );
    Ok(())
}
