//! The way to the storage, for clients that the registry sends there for blobs.

use hythe_api::doctor::Link;
use hythe_registry::doctor::Finding;
use reqwest::{Response, StatusCode};
use url::Url;

use super::client::{self, Trouble};
use crate::failure::root_cause;

const CHECK: &str = "link";

/// Fetches what the link leads to. Its signature is never shown.
pub(super) async fn check(link: &Link) -> Finding {
    let place = match Url::parse(&link.url) {
        Ok(url) => url.origin().ascii_serialization(),
        Err(error) => {
            return Finding::fail(CHECK, format!("clients are sent to what is no url, {error}"), OR_NOT);
        }
    };
    let client = match client::client() {
        Ok(client) => client,
        Err(error) => {
            return Finding::fail(
                CHECK,
                root_cause(&error),
                "check the certificates that this machine trusts",
            );
        }
    };
    match client.get(&link.url).send().await {
        Ok(response) => answered(&place, response, &link.content).await,
        Err(error) => unreachable(&place, &error.without_url()),
    }
}

const OR_NOT: &str = "name the storage by an address that clients reach as well (storage.s3.endpoint), or have the nodes \
     pass blobs on themselves (storage.redirect = false)";

async fn answered(place: &str, response: Response, content: &str) -> Finding {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    if status == StatusCode::OK && text == content {
        return Finding::ok(
            CHECK,
            format!("blobs are fetched from {place}, which gives them out to this machine"),
        );
    }
    let code = code(&text).unwrap_or("no code");
    let finding = format!("clients are sent to {place} for blobs, which answers {status} ({code})");
    match (status, code) {
        (StatusCode::OK, _) => Finding::fail(
            CHECK,
            format!("clients are sent to {place} for blobs, where something else answers"),
            OR_NOT,
        ),
        (_, "RequestTimeTooSkewed" | "ExpiredToken" | "AuthorizationQueryParametersError") => {
            Finding::fail(CHECK, finding, CLOCKS)
        }
        (StatusCode::FORBIDDEN, _) if text.contains("expired") => Finding::fail(CHECK, finding, CLOCKS),
        (_, "SignatureDoesNotMatch") => Finding::fail(
            CHECK,
            finding,
            "let what stands before the storage pass Host and the path on unchanged: both are signed",
        ),
        _ => Finding::fail(CHECK, finding, OR_NOT),
    }
}

const CLOCKS: &str = "set the clocks of the nodes and of the storage by one source (chrony, systemd-timesyncd): a link is \
     signed with the time of its node";

/// `Code` of an S3 error.
fn code(text: &str) -> Option<&str> {
    text.split_once("<Code>")?.1.split_once("</Code>").map(|(code, _)| code)
}

fn unreachable(place: &str, error: &reqwest::Error) -> Finding {
    let why = root_cause(error);
    let sent = format!("clients are sent to {place} for blobs");
    let (finding, remedy) = match client::trouble(error) {
        Trouble::SpeaksHttp => {
            (format!("{sent}, which speaks http and not https"), "correct the scheme of storage.s3.endpoint")
        }
        Trouble::UnknownIssuer | Trouble::WrongName | Trouble::OutOfDate => (
            format!("{sent}, whose certificate they do not trust: {}", client::riddle(error)),
            "give the storage a certificate that clients trust, or have the nodes pass blobs on (storage.redirect = false)",
        ),
        Trouble::Timeout => (format!("{sent}, which does not answer from here"), OR_NOT),
        Trouble::Other if why.contains("lookup address") => {
            (format!("{sent}, a name that is not found from here: {why}"), OR_NOT)
        }
        Trouble::Other => (format!("{sent}, which cannot be reached from here: {why}"), OR_NOT),
    };
    Finding::fail(CHECK, finding, remedy)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use hythe_registry::doctor::Status;

    use super::super::client::tests::{answer_with, install_provider};
    use super::*;

    async fn found(url: String) -> Finding {
        install_provider();
        check(&Link { url, content: "it works".to_owned() }).await
    }

    fn answer(status: &'static str, body: &'static str) -> String {
        let port = answer_with(move |_| {
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        });
        format!("http://127.0.0.1:{port}/bucket/note?X-Amz-Signature=secret")
    }

    #[track_caller]
    fn assert_failed(found: &Finding, words: &str, remedy: &str) {
        assert_eq!(found.status, Status::Fail, "{found:?}");
        assert!(found.finding.contains(words) && !found.finding.contains("secret"), "{found:?}");
        assert!(found.remedy.as_ref().is_some_and(|told| told.contains(remedy)), "{found:?}");
    }

    #[tokio::test]
    async fn what_gives_the_object_out_is_well_and_what_gives_another_is_not() {
        let well = found(answer("200 OK", "it works")).await;
        assert_eq!(well.status, Status::Ok, "{well:?}");
        assert_failed(&found(answer("200 OK", "<html>")).await, "something else answers", "storage.redirect");
    }

    #[tokio::test]
    async fn refusals_of_the_storage_are_told_by_their_cause() {
        let skewed = answer("403 Forbidden", "<Error><Code>RequestTimeTooSkewed</Code></Error>");
        assert_failed(&found(skewed).await, "403 Forbidden (RequestTimeTooSkewed)", "clocks");
        let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        assert_failed(&found(answer("403 Forbidden", expired)).await, "AccessDenied", "clocks");
        let changed = "<Error><Code>SignatureDoesNotMatch</Code></Error>";
        assert_failed(&found(answer("403 Forbidden", changed)).await, "SignatureDoesNotMatch", "pass Host");
    }

    #[tokio::test]
    async fn a_storage_that_only_nodes_reach_is_told_by_what_stands_in_the_way() {
        let name = found("https://storage.invalid/bucket/note?X-Amz-Signature=secret".to_owned()).await;
        assert_failed(
            &name,
            "https://storage.invalid for blobs, a name that is not found from here",
            "endpoint",
        );
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let closed = found(format!("http://127.0.0.1:{port}/note?X-Amz-Signature=secret")).await;
        assert_failed(&closed, "Connection refused", "storage.redirect = false");
        let plain = answer("200 OK", "it works").replacen("http", "https", 1);
        assert_failed(&found(plain).await, "speaks http and not https", "scheme");
    }
}
