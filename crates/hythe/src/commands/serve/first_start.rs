//! What the first start tells whoever made it.

use std::net::SocketAddr;

use crate::config::Config;

/// How the registry is called by a client on this machine, or by everybody if that is configured.
pub(super) fn host(config: &Config, listening: SocketAddr) -> String {
    match &config.server.external_url {
        Some(url) => url.to_string().split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default(),
        None if listening.ip().is_unspecified() || listening.ip().is_loopback() => {
            format!("localhost:{}", listening.port())
        }
        None => listening.to_string(),
    }
}

/// The administrator's password, once.
pub(super) fn welcome(password: &str, host: &str, has_console: bool) -> String {
    let rule = "-".repeat(72);
    let browser = match has_console {
        true => format!("Open {host} in a browser\nto see and do everything. To push:"),
        false => "To push:".to_owned(),
    };
    format!(
        "\
{rule}
This is the first start, and an administrator was made:

    user      admin
    password  {password}

The password is shown this once and kept nowhere. {browser}

    docker login {host} --username admin
    docker tag IMAGE {host}/IMAGE
    docker push {host}/IMAGE

`hythe admin user password admin` sets another one.
{rule}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_welcome_names_user_password_and_the_way_in() {
        let text = welcome("s3cret", "localhost:5000", true);
        for words in [
            "user      admin",
            "password  s3cret",
            "Open localhost:5000 in a browser",
            "docker login localhost:5000 --username admin",
        ] {
            assert!(text.contains(words), "{text}");
        }
        let text = welcome("s3cret", "localhost:5000", false);
        assert!(!text.contains("browser") && text.contains("kept nowhere. To push:\n"), "{text}");
    }
}
