//! `postgres://…`: what tokio-postgres reads of it, and the two settings that it leaves to us.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::database::Options;
use crate::error::{Error, Result};

/// A server's address, taken apart.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: Tls,
    /// `host:port/database`: what errors call it. It holds no password.
    pub(super) name: String,
}

/// How far the server's certificate is trusted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tls {
    /// Encrypt and ask no further: what libpq does for `prefer` and `require`.
    Unverified,
    /// The certificate must be good for the host, by these roots or else the system's.
    Verified { roots: Option<PathBuf> },
}

impl Address {
    pub(super) fn parse(url: &str, options: &Options) -> Result<Address> {
        let settings = Settings::take(url);
        let mut config: Config = settings.rest.parse().map_err(|error| refused(&error))?;
        let (mode, tls) = encryption(settings)?;
        config.ssl_mode(mode);
        limits(&mut config, options);
        let name = name(&config);
        Ok(Address { config, tls, name })
    }
}

/// The query of the address without `sslmode` and `sslrootcert`, and these two.
struct Settings {
    rest: String,
    mode: Option<String>,
    roots: Option<String>,
}

impl Settings {
    fn take(url: &str) -> Settings {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut settings = Settings { rest: base.to_owned(), mode: None, roots: None };
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
            match decoded {
                Some((key, value)) if key == "sslmode" => settings.mode = Some(value.into_owned()),
                Some((key, value)) if key == "sslrootcert" => settings.roots = Some(value.into_owned()),
                _ => kept.push(pair),
            }
        }
        if !kept.is_empty() {
            settings.rest = format!("{base}?{}", kept.join("&"));
        }
        settings
    }
}

fn encryption(settings: Settings) -> Result<(SslMode, Tls)> {
    let roots = settings.roots.filter(|roots| roots != "system").map(PathBuf::from);
    match settings.mode.as_deref() {
        Some("disable") => Ok((SslMode::Disable, Tls::Unverified)),
        None | Some("prefer" | "allow") => Ok((SslMode::Prefer, Tls::Unverified)),
        Some("require") if roots.is_none() => Ok((SslMode::Require, Tls::Unverified)),
        Some("require" | "verify-ca" | "verify-full") => Ok((SslMode::Require, Tls::Verified { roots })),
        Some(other) => Err(Error::Url {
            reason: format!(
                "sslmode is {other}, not one of disable, allow, prefer, require, verify-ca, verify-full"
            ),
        }),
    }
}

/// An acknowledged commit is on disk, whatever the server's own default is. What `options` in the address says comes after
/// it and counts: whoever writes that there means it.
const DURABLE: &str = "-c synchronous_commit=on";

/// Every statement here reads a page by an index, in less than a millisecond. The planner cannot know that of the lists,
/// which stop at their limit, and would spend 10 to 80 ms on compiling them to machine code, each time.
const UNCOMPILED: &str = "-c jit=off";

/// The server ends statements that take too long and transactions that nobody goes on with; a dead network is
/// noticed by keepalives and by data that nobody acknowledges.
fn limits(config: &mut Config, options: &Options) {
    let given = config.get_options().unwrap_or_default().to_owned();
    let timeout = options.statement_timeout.as_millis();
    config.options(format!(
        "-c statement_timeout={timeout} -c idle_in_transaction_session_timeout={timeout} {DURABLE} {UNCOMPILED} \
         {given}"
    ));
    if config.get_application_name().is_none() {
        config.application_name("hythe");
    }
    config.connect_timeout(options.connect_timeout);
    config.keepalives_idle(Duration::from_secs(30));
    config.keepalives_interval(Duration::from_secs(5));
    config.keepalives_retries(3);
    config.tcp_user_timeout(options.statement_timeout);
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(index)),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    });
    let hosts: Vec<_> = hosts.collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("{}/{database}", hosts.join(","))
}

fn refused(error: &tokio_postgres::Error) -> Error {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    Error::Url { reason: cause.unwrap_or_else(|| error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address> {
        Address::parse(url, &Options::new(url))
    }

    #[test]
    fn the_name_has_every_host_and_no_password() {
        let address =
            parse("postgres://me:secret@a:6000,b:6001/rows?target_session_attrs=read-write").unwrap();
        assert_eq!(address.name, "a:6000,b:6001/rows");
        assert_eq!(parse("postgres://me:secret@db/rows").unwrap().name, "db:5432/rows");
    }

    #[test]
    fn sslmode_means_what_libpq_means() {
        let tls = |query: &str| parse(&format!("postgres://db/rows?{query}")).map(|address| address.tls);
        assert_eq!(tls("sslmode=require").unwrap(), Tls::Unverified);
        assert_eq!(tls("sslmode=verify-full").unwrap(), Tls::Verified { roots: None });
        let roots = Some(PathBuf::from("/etc/ca.pem"));
        assert_eq!(tls("sslrootcert=%2Fetc%2Fca.pem&sslmode=require").unwrap(), Tls::Verified { roots });
        assert!(tls("sslmode=maybe").unwrap_err().to_string().contains("maybe"));
    }

    #[test]
    fn a_broken_address_is_refused_without_repeating_it() {
        let error = parse("postgres://me:secret@db:port/rows").err().unwrap().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
