//! The port, and the certificate that is shown on it.

use hythe_server::listener::{BindError, Listener, Tls};

use crate::config::{Config, ListenAddress};
use hythe_registry::doctor::Finding;

const CHECK: &str = "port";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<Finding> = config.server.listen.iter().map(check_address).collect();
    findings.push(check_certificate(config));
    findings
}

/// Takes the address as the server would, and lets it go at once.
fn check_address(address: &ListenAddress) -> Finding {
    match Listener::bind(&[address.to_bind()]) {
        Ok(_) => Finding::ok(CHECK, format!("{address} is free")),
        Err(BindError::Held { holder, .. }) if is_hythe(&holder.command) => {
            Finding::ok(CHECK, format!("{address} is served by hythe already: {holder}"))
        }
        Err(error) => refused(&error),
    }
}

fn is_hythe(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let program = words.next().and_then(|path| path.rsplit('/').next());
    program == Some("hythe") && words.any(|word| word == "serve")
}

/// The listener's own words name what, why and the remedy, parted by a semicolon.
fn refused(error: &BindError) -> Finding {
    let text = error.to_string();
    let (finding, remedy) = text.split_once("; ").unwrap_or((&text, "choose another address with --listen"));
    Finding::fail(CHECK, finding, remedy)
}

fn check_certificate(config: &Config) -> Finding {
    const CHECK: &str = "certificate";
    match (&config.tls.cert, &config.tls.key) {
        (Some(certificate), Some(key)) => match Tls::from_files(certificate, key) {
            Ok(_) => Finding::ok(CHECK, format!("{} and its key fit together", certificate.display())),
            Err(error) => Finding::fail(
                CHECK,
                error.to_string(),
                "name a PEM certificate chain and its key as tls.cert and tls.key",
            ),
        },
        _ => Finding::ok(
            CHECK,
            "none is configured: the node makes its own for https, which clients do not trust until they are told to",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hythe_registry::doctor::Status;

    #[tokio::test]
    async fn a_busy_port_names_its_process_and_what_to_do() {
        let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let address =
            ListenAddress { address: Some([127, 0, 0, 1].into()), port: listener.local_addr().port() };
        let finding = check_address(&address);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.finding.contains(&format!("process {}", std::process::id())), "{finding:?}");
        assert!(finding.remedy.unwrap().contains("--listen"));
        drop(listener);
        assert_eq!(check_address(&address).status, Status::Ok);
    }

    #[test]
    fn our_own_server_is_no_intruder() {
        assert!(is_hythe("/usr/bin/hythe serve --data /x"));
        assert!(!is_hythe("hythe doctor"));
        assert!(!is_hythe("nginx -g hythe serve"));
    }
}
