//! HTTP to an issuer: no redirects, a deadline, and a limit on what is read.

use std::error::Error as _;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(5);
/// Large providers publish some 20 KiB.
const LARGEST_ANSWER: usize = 1024 * 1024;

/// A client that trusts what one issuer's settings say.
pub(crate) struct Http(Client);

impl Http {
    /// With certificates (PEM) to trust beside the system's.
    pub(crate) fn new(ca_certificate: Option<&str>, verify_certificate: bool) -> Result<Http> {
        let mut builder = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE_TO_CONNECT)
            .redirect(Policy::none())
            .tls_danger_accept_invalid_certs(!verify_certificate);
        if let Some(pem) = ca_certificate.filter(|pem| !pem.trim().is_empty()) {
            builder = builder.tls_certs_merge(certificates(pem)?);
        }
        let client = builder.build().map_err(|error| Error::internal("TLS cannot be set up", error))?;
        Ok(Http(client))
    }

    /// A request in the making.
    pub(crate) fn get(&self, url: &str) -> RequestBuilder {
        self.0.get(url)
    }

    /// A request in the making.
    pub(crate) fn post(&self, url: &str) -> RequestBuilder {
        self.0.post(url)
    }
}

/// Sends it and reads JSON out of an answer with status 200; otherwise one line that says why not. The line holds nothing
/// of the answer: whoever may name an address must not read with our eyes what is there.
pub(crate) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> std::result::Result<T, String> {
    let (status, body) = answer(request).await?;
    if status != 200 {
        return Err(format!("it answers {status}"));
    }
    serde_json::from_slice(&body)
        .map_err(|error| format!("its answer is not the JSON expected: {}", place(&error)))
}

/// Sends it; the status and the body.
pub(crate) async fn answer(request: RequestBuilder) -> std::result::Result<(u16, Vec<u8>), String> {
    let response = request.send().await.map_err(|error| root_cause(&error))?;
    let status = response.status().as_u16();
    Ok((status, read(response).await?))
}

async fn read(mut response: Response) -> std::result::Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| root_cause(&error))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(format!("its answer is larger than {LARGEST_ANSWER} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn place(error: &serde_json::Error) -> String {
    format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column()).to_lowercase()
}

/// The beginning of a body, as one line.
pub(crate) fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(500)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The innermost reason, which is the one a person can act on; the URL may hold a code and is left out.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {} s", PATIENCE.as_secs());
    }
    let mut cause = error.source();
    let mut words = "the request failed".to_owned();
    while let Some(inner) = cause {
        words = inner.to_string();
        cause = inner.source();
    }
    words
}

fn certificates(pem: &str) -> Result<Vec<Certificate>> {
    let unreadable =
        |why: String| Error::bad_request(format!("the CA certificate cannot be read as PEM: {why}"));
    let found =
        Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| unreadable(root_cause(&error)))?;
    if found.is_empty() {
        return Err(unreadable("there is no certificate in it".to_owned()));
    }
    Ok(found)
}
