//! A registry as the commands of its users see it: the API, with a login that was kept.

pub(crate) mod login;

use std::time::Duration;

use hythe_api::error::Errors;
use reqwest::header::{HeaderMap, LINK, LOCATION};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;

use crate::failure::{Code, Failure, root_cause};

pub(crate) use login::Login;

const PATIENCE: Duration = Duration::from_secs(60);
/// Entries that are asked for at once; the most that the API gives.
const PAGE: &str = "page_size=100";

/// A registry and who one is there.
pub(crate) struct Remote {
    http: Client,
    api: Url,
    name: String,
    secret: String,
}

impl Remote {
    /// The registry of a login that was kept: that of `server`, or the last one.
    pub(crate) fn of_login(server: Option<&str>) -> Result<Remote, Failure> {
        Remote::new(&Login::read(server)?)
    }

    pub(crate) fn new(login: &Login) -> Result<Remote, Failure> {
        let api = api_of(&login.server)?;
        let mut builder =
            Client::builder().timeout(PATIENCE).user_agent(concat!("hythe/", env!("CARGO_PKG_VERSION")));
        if let Some(file) = &login.ca_file {
            builder = builder.add_root_certificate(certificate(file)?);
        }
        let http =
            builder.build().map_err(|error| Failure::because("cannot prepare the connection", &error))?;
        Ok(Remote { http, api, name: login.username.clone(), secret: login.secret.clone() })
    }

    /// One document.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.json(self.ask(Method::GET, path)?).await
    }

    /// A whole list, page by page, up to `most` entries.
    pub(crate) async fn list(&self, path: &str, most: usize) -> Result<Vec<Value>, Failure> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut next = Some(format!("{path}{joint}{PAGE}"));
        let mut entries = Vec::new();
        while let Some(path) = next.take().filter(|_| entries.len() < most) {
            let response = self.send(self.ask(Method::GET, &path)?).await?;
            next = next_page(response.headers());
            match self.read(response).await? {
                Value::Array(page) => entries.extend(page),
                _ => return Err(Failure::new(format!("{} did not answer with a list", self.api))),
            }
        }
        entries.truncate(most);
        Ok(entries)
    }

    /// Makes something; gives the answer and where it is.
    pub(crate) async fn create(&self, path: &str, body: &Value) -> Result<(Value, String), Failure> {
        let response = self.send(self.ask(Method::POST, path)?.json(body)).await?;
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        Ok((self.read(response).await?, location))
    }

    /// Changes something.
    pub(crate) async fn update(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        self.json(self.ask(method, path)?.json(body)).await
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.send(self.ask(Method::DELETE, path)?).await.map(|_| ())
    }

    /// The bytes of an answer, one piece after the other.
    pub(crate) async fn stream(&self, path: &str) -> Result<Response, Failure> {
        self.send(self.ask(Method::GET, path)?).await
    }

    /// A path is below `/api/v2.0/`, or whole as a `Link` has it.
    fn ask(&self, method: Method, path: &str) -> Result<RequestBuilder, Failure> {
        let url =
            self.api.join(path).map_err(|error| Failure::because(format!("{path} is no path"), &error))?;
        if url.origin() != self.api.origin() {
            return Err(Failure::new(format!("the registry names another one, {url}; not followed")));
        }
        Ok(self.http.request(method, url).basic_auth(&self.name, Some(&self.secret)))
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        self.read(response).await
    }

    async fn read(&self, response: Response) -> Result<Value, Failure> {
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| {
            Failure::because(format!("{} did not answer with JSON; is it a registry?", self.api), &error)
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        Failure::new(format!("cannot reach {}, {}", self.api, root_cause(error)))
            .hint(format!("`hythe doctor {}` finds out why", self.api.origin().ascii_serialization()))
    }

    /// The registry's own words, whole, and the request's id to find them in its log.
    async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        let id = header(response.headers(), "x-request-id");
        let text = response.text().await.unwrap_or_default();
        let said =
            serde_json::from_str::<Errors>(&text).ok().and_then(|errors| errors.errors.into_iter().next());
        let words = said.map_or_else(|| text.chars().take(500).collect(), |error| error.message);
        Failure::new(format!("{words} ({status}, request {id})")).with_code(code_of(status))
    }
}

/// Where the API of a registry is.
fn api_of(server: &str) -> Result<Url, Failure> {
    let url =
        Url::parse(server).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.and_then(|url| url.join("/api/v2.0/").ok()).ok_or_else(|| {
        Failure::usage(format!("{server:?} is not the address of a registry"))
            .hint("write it as a client would, for example https://hub.example.com:5000")
    })
}

/// What a script can tell apart.
fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::Refused,
        StatusCode::NOT_FOUND => Code::Missing,
        _ => Code::Failed,
    }
}

fn certificate(file: &str) -> Result<Certificate, Failure> {
    let pem = std::fs::read(file).map_err(|error| Failure::of_file("cannot read", file.as_ref(), &error))?;
    Certificate::from_pem(&pem)
        .map_err(|error| Failure::because(format!("{file} holds no certificate"), &error))
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("unknown").to_owned()
}

/// The target of `rel="next"` (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(LINK)?.to_str().ok()?;
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once('<')?;
    rest.split_once('>').map(|(target, _)| target.to_owned())
}

/// One part of a path, encoded so that it stays one part. A repository's slashes are encoded twice, as Harbor's clients
/// do, for proxies that decode them once.
pub(crate) fn part(text: &str) -> String {
    let once: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    once.replace('+', "%20").replace("%2F", "%252F")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_or_https_with_a_host() {
        assert_eq!(api_of("https://hub.example.com").unwrap().as_str(), "https://hub.example.com/api/v2.0/");
        for wrong in ["ftp://x", "https://", "https://a b"] {
            let refused = api_of(wrong).unwrap_err();
            assert_eq!(refused.code, Code::Usage, "{wrong}");
            assert!(refused.to_string().contains("is not the address of a registry; hint: "), "{refused}");
        }
    }

    #[test]
    fn a_part_stays_one_part() {
        assert_eq!(part("a/b"), "a%252Fb");
        assert_eq!(part("sha256:ab"), "sha256%3Aab");
        assert_eq!(part("a b"), "a%20b");
    }

    #[test]
    fn the_next_page_is_read_off_the_link() {
        let mut headers = HeaderMap::new();
        let link = "</api/v2.0/a?page=1>; rel=\"prev\", </api/v2.0/a?page=3&after=x>; rel=\"next\"";
        headers.insert(LINK, link.parse().unwrap());
        assert_eq!(next_page(&headers).as_deref(), Some("/api/v2.0/a?page=3&after=x"));
    }
}
