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

/// What the server says about a key's unfinished uploads.
pub(super) enum Unfinished {
    /// Their ids.
    Known(Vec<String>),
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
            Ok(Unfinished::Known(upload_ids(&answer.text().await.map_err(without_url)?)))
        }
        status => Err(format!("listing unfinished uploads: {status}")),
    }
}

/// The ids in a ListMultipartUploadsResult. An XML reader would be one dependency for one element.
fn upload_ids(xml: &str) -> Vec<String> {
    let ids = xml.split("<UploadId>").skip(1).filter_map(|rest| rest.split_once("</UploadId>"));
    ids.map(|(id, _)| id.trim().replace("&amp;", "&")).filter(|id| !id.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_id() {
        let xml = "<ListMultipartUploadsResult><UploadIdMarker></UploadIdMarker><Upload><Key>k</Key>\
                   <UploadId>one</UploadId></Upload><Upload><UploadId>t&amp;wo</UploadId></Upload>\
                   </ListMultipartUploadsResult>";
        assert_eq!(upload_ids(xml), ["one", "t&wo"]);
        assert!(upload_ids("<ListMultipartUploadsResult/>").is_empty());
    }
}
