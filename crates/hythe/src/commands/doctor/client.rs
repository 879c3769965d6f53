//! Asks a running registry as a client would, and says in one line what the client would have said in riddles.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hythe_oci::challenge::Challenge;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{DATE, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Client, Response};
use url::{Host, Url};

use super::{advice, way};
use crate::failure::root_cause;
use hythe_registry::doctor::{Finding, Status};

const CHECK: &str = "client";
const PATIENCE: Duration = Duration::from_secs(10);

/// Tokens carry times; verifiers allow about a minute.
const TOLERABLE_SKEW: Duration = Duration::from_secs(30);

pub(super) async fn check(text: &str) -> Vec<Finding> {
    let url = match parse(text) {
        Ok(url) => url,
        Err(finding) => return vec![finding],
    };
    match client() {
        Ok(client) => ask(&client, &url).await,
        Err(error) => {
            vec![Finding::fail(CHECK, root_cause(&error), "check the certificates that this machine trusts")]
        }
    }
}

/// Scheme, host and port of what was asked, where it is an address.
pub(super) fn server(text: &str) -> Option<String> {
    parse(text).ok().map(|url| format!("{}://{}", url.scheme(), authority(&url)))
}

/// A url, or only `host:port` as in an image's name, which a client asks by https first.
fn parse(text: &str) -> Result<Url, Finding> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    match Url::parse(&with_scheme) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(Finding::fail(
            CHECK,
            format!("{text:?} is not the address of a registry"),
            "write it as a client would, for example https://hub.example.com:5000",
        )),
    }
}

/// Neither follows a redirect nor asks a proxy: it is the registry's own answer that counts.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy().build()
}

async fn ask(client: &Client, url: &Url) -> Vec<Finding> {
    let base = format!("{}://{}/v2/", url.scheme(), authority(url));
    match client.get(&base).send().await {
        Ok(response) => {
            let mut findings = judge(client, url, response).await;
            findings.extend(what_clients_try_first(client, url).await);
            if findings.first().is_some_and(|first| first.status == Status::Ok) {
                findings.extend(way::check(client, &format!("{}://{}", url.scheme(), authority(url))).await);
            }
            findings
        }
        Err(error) => vec![unreachable(client, url, &error).await],
    }
}

/// `host[:port]`, as it stands in an image's name.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

async fn judge(client: &Client, url: &Url, response: Response) -> Vec<Finding> {
    let mut findings = vec![answered(url, &response)];
    findings.extend(skew(response.headers(), SystemTime::now()));
    if response.status().as_u16() == 401 {
        findings.extend(judge_challenge(client, url, response.headers()).await);
    }
    findings
}

fn answered(url: &Url, response: &Response) -> Finding {
    let status = response.status();
    let is_registry = response.headers().contains_key("docker-distribution-api-version");
    match status.as_u16() {
        200 | 401 if is_registry => Finding::ok(CHECK, format!("{url} answers as a registry ({status})")),
        200 | 401 => Finding::warn(
            CHECK,
            format!("{url} answers {status} without the header Docker-Distribution-API-Version"),
            "check that it is a registry, and that no proxy drops headers",
        ),
        code => Finding::fail(CHECK, format!("{url} answers {status} to GET /v2/"), remedy_for(code)),
    }
}

fn remedy_for(status: u16) -> &'static str {
    match status {
        301..=308 => "use the address that it redirects to: clients do not follow for /v2/",
        400 => "if it says that http was sent to an https server, use https://",
        404 => "check host and port: something else answers there, or a proxy passes no /v2/ on",
        502 | 504 => {
            "the proxy in front does not reach the registry: check its upstream, and `hythe doctor` there"
        }
        503 => "the registry is not ready: ask its /readyz, and run `hythe doctor` there",
        _ => "check host and port, and the log of the registry",
    }
}

/// How far the two clocks are apart, by the answer's date.
fn skew(headers: &HeaderMap, now: SystemTime) -> Option<Finding> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let there = DateTimeParser::new().parse_timestamp(date).ok()?.as_second();
    let here = i64::try_from(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()).ok()?;
    let apart = Duration::from_secs(here.abs_diff(there));
    (apart > TOLERABLE_SKEW).then(|| {
        let side = if there > here { "ahead of" } else { "behind" };
        Finding::warn(
            CHECK,
            format!("the registry's clock is {} s {side} this machine's", apart.as_secs()),
            "set both clocks by one source: tokens are refused as expired, or as not valid yet",
        )
    })
}

async fn judge_challenge(client: &Client, url: &Url, headers: &HeaderMap) -> Vec<Finding> {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let Some(challenge) = challenges.into_iter().find_map(|text| text.parse::<Challenge>().ok()) else {
        let finding = format!("{url} answers 401 without saying where to get a token");
        return vec![Finding::warn(
            CHECK,
            finding,
            "check that no proxy drops WWW-Authenticate, or asks for a password itself",
        )];
    };
    let Ok(realm) = Url::parse(&challenge.realm) else {
        let finding = format!("clients are sent to {:?} for a token, which is not a url", challenge.realm);
        return vec![Finding::fail(CHECK, finding, advice::PROXY_HEADERS)];
    };
    vec![compare(url, &realm), ask_for_token(client, &realm, &challenge.service).await]
}

/// The token service of Hythe is the registry itself, so both must have one address.
fn compare(url: &Url, realm: &Url) -> Finding {
    let parts = [
        ("scheme", url.scheme() == realm.scheme()),
        ("host", url.host_str() == realm.host_str()),
        ("port", url.port_or_known_default() == realm.port_or_known_default()),
    ];
    let different: Vec<&str> = parts.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
    if different.is_empty() {
        return Finding::ok(
            CHECK,
            format!("clients are sent to {realm} for a token, the address that they asked"),
        );
    }
    let finding = format!(
        "clients that ask {url} are sent to {realm} for a token: another {}",
        different.join(" and ")
    );
    Finding::warn(CHECK, finding, advice::PROXY_HEADERS)
}

/// A client without a password gets a token too, for what is public.
async fn ask_for_token(client: &Client, realm: &Url, service: &str) -> Finding {
    let mut url = realm.clone();
    url.query_pairs_mut().append_pair("service", service);
    match client.get(url).send().await {
        Ok(response) if matches!(response.status().as_u16(), 200 | 401) => {
            Finding::ok(CHECK, format!("{realm} hands out tokens ({})", response.status()))
        }
        Ok(response) => {
            let status = response.status();
            Finding::fail(
                CHECK,
                format!("{realm} answers {status} to a client that wants a token"),
                remedy_for(status.as_u16()),
            )
        }
        Err(error) => Finding::fail(
            CHECK,
            format!("{realm} hands out no token, {}", root_cause(&error)),
            advice::PROXY_HEADERS,
        ),
    }
}

/// Clients ask by https first unless the host is their own, so a registry that was asked by http is asked again.
async fn what_clients_try_first(client: &Client, url: &Url) -> Option<Finding> {
    if url.scheme() != "http" || is_loopback(url) {
        return None;
    }
    let mut secure = url.clone();
    secure.set_scheme("https").ok()?;
    let host = authority(url);
    match client.get(format!("https://{host}/v2/")).send().await {
        Ok(_) => Some(Finding::ok(CHECK, format!("{secure} answers too, and is what clients ask first"))),
        Err(error) => Some(Finding::warn(
            CHECK,
            format!("clients ask https://{host} first and would say: {}", riddle(&error)),
            remedy_for_https(&error, &host),
        )),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Why nothing at all came back.
async fn unreachable(client: &Client, url: &Url, error: &reqwest::Error) -> Finding {
    let host = authority(url);
    let told = format!("{url} cannot be asked, {}", root_cause(error));
    match trouble(error) {
        Trouble::SpeaksHttp if url.scheme() == "https" => {
            let finding = format!("{url} speaks http and not https; clients say: {}", riddle(error));
            Finding::fail(CHECK, finding, advice::plain_http(&host))
        }
        Trouble::UnknownIssuer | Trouble::WrongName | Trouble::OutOfDate => {
            let finding =
                format!("{url} shows a certificate that is not trusted; clients say: {}", riddle(error));
            Finding::fail(CHECK, finding, remedy_for_https(error, &host))
        }
        _ if url.scheme() == "http" && answers_https(client, &host).await => {
            let finding = format!("{url} speaks https and not http; clients say: malformed HTTP response");
            Finding::fail(CHECK, finding, format!("use https://{host}"))
        }
        Trouble::Timeout => {
            Finding::fail(CHECK, told, "check the network and firewalls between here and there")
        }
        _ => Finding::fail(
            CHECK,
            told,
            "check host and port, that the registry runs, and firewalls on the way",
        ),
    }
}

async fn answers_https(client: &Client, host: &str) -> bool {
    match client.get(format!("https://{host}/v2/")).send().await {
        Ok(_) => true,
        Err(error) => {
            matches!(trouble(&error), Trouble::UnknownIssuer | Trouble::WrongName | Trouble::OutOfDate)
        }
    }
}

/// What is behind an error of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// TLS was spoken to a server that does not speak it.
    SpeaksHttp,
    UnknownIssuer,
    WrongName,
    OutOfDate,
    Timeout,
    Other,
}

pub(super) fn trouble(error: &reqwest::Error) -> Trouble {
    if let Some(tls) = find_tls_error(error) {
        return tls_trouble(tls);
    }
    if error.is_timeout() { Trouble::Timeout } else { Trouble::Other }
}

fn tls_trouble(error: &rustls::Error) -> Trouble {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidMessage(_) => Trouble::SpeaksHttp,
        rustls::Error::InvalidCertificate(reason) => match reason {
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => Trouble::WrongName,
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. } => Trouble::OutOfDate,
            _ => Trouble::UnknownIssuer,
        },
        _ => Trouble::Other,
    }
}

/// The TLS library's own error, under those of the layers above it. An I/O error hides it from `source`.
fn find_tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The words in which docker and its kin report it, to be recognised.
pub(super) fn riddle(error: &reqwest::Error) -> String {
    match trouble(error) {
        Trouble::SpeaksHttp => "http: server gave HTTP response to HTTPS client".to_owned(),
        Trouble::UnknownIssuer => "x509: certificate signed by unknown authority".to_owned(),
        Trouble::WrongName => "x509: certificate is valid for other names, not for this one".to_owned(),
        Trouble::OutOfDate => "x509: certificate has expired or is not yet valid".to_owned(),
        Trouble::Timeout | Trouble::Other => root_cause(error),
    }
}

fn remedy_for_https(error: &reqwest::Error, host: &str) -> String {
    match trouble(error) {
        Trouble::UnknownIssuer => advice::unknown_issuer(host),
        Trouble::WrongName => {
            format!("use a certificate (tls.cert, tls.key) made for {host}, or a name that it was made for")
        }
        Trouble::OutOfDate => {
            "renew the certificate (tls.cert), and check the clocks of both machines".to_owned()
        }
        Trouble::SpeaksHttp | Trouble::Timeout | Trouble::Other => advice::plain_http(host),
    }
}

#[cfg(test)]
pub(super) mod tests;
