//! Multipart uploads of a key that no row knows: a process that dies in its first append leaves one.
//!
//! `object_store` cannot list them; it can sign the request.

use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use reqwest::StatusCode;

/// How long the signed request may wait to be sent.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// A multipart upload that was neither completed nor aborted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Multipart {
    /// The key that it would get.
    pub(super) key: String,
    pub(super) id: String,
}

/// What the server says about a key's unfinished uploads.
pub(super) enum Unfinished {
    /// These.
    Known(Vec<Multipart>),
    /// This server does not tell.
    Unsupported,
}

/// Lists the unfinished multipart uploads whose key begins with `key`; an error comes as text without the signature.
pub(super) async fn list(
    store: &AmazonS3,
    client: &reqwest::Client,
    prefix: &str,
) -> Result<Unfinished, String> {
    let query = SignedUrlOptions::new().with_query([("uploads", ""), ("prefix", prefix)]);
    let url = store
        .signed_url_opts(Method::GET, &Path::default(), SIGNED_FOR, &query)
        .await
        .map_err(|error| error.to_string())?;
    let without_url = |error: reqwest::Error| error.without_url().to_string();
    let answer = client.get(url).send().await.map_err(without_url)?;
    match answer.status() {
        StatusCode::NOT_IMPLEMENTED | StatusCode::METHOD_NOT_ALLOWED => Ok(Unfinished::Unsupported),
        status if status.is_success() => {
            Ok(Unfinished::Known(multiparts(&answer.text().await.map_err(without_url)?)))
        }
        status => Err(format!("listing unfinished uploads: {status}")),
    }
}

/// What a ListMultipartUploadsResult lists. An XML reader would be one dependency for two elements.
fn multiparts(xml: &str) -> Vec<Multipart> {
    let uploads = xml.split("<Upload>").skip(1);
    uploads
        .filter_map(|upload| {
            Some(Multipart { key: element(upload, "Key")?, id: element(upload, "UploadId")? })
        })
        .collect()
}

fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.trim().replace("&amp;", "&")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_id() {
        let xml = "<ListMultipartUploadsResult><UploadIdMarker></UploadIdMarker><Upload><Key>k</Key>\
                   <UploadId>one</UploadId></Upload><Upload><Key>k</Key><UploadId>t&amp;wo</UploadId></Upload>\
                   </ListMultipartUploadsResult>";
        let found = |id: &str| Multipart { key: "k".to_owned(), id: id.to_owned() };
        assert_eq!(multiparts(xml), [found("one"), found("t&wo")]);
        assert!(multiparts("<ListMultipartUploadsResult/>").is_empty());
    }
}
