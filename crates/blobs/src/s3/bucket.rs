//! One bucket: its objects by key, and what it answers in our words.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};

use super::options::S3Options;
use super::unfinished::{self, Unfinished};
use crate::error::Error;

/// Repeats of a request that failed in a way that may pass.
const RETRIES: usize = 5;

/// An object of a list.
pub(super) struct Listed {
    pub(super) key: String,
    /// Bytes.
    pub(super) size: u64,
    /// Microseconds since the epoch.
    pub(super) modified_at: i64,
}

/// A bucket behind an endpoint, below a prefix.
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: String,
    /// For what `object_store` can sign but not send.
    client: reqwest::Client,
    /// Names the bucket and its endpoint in errors; never a key.
    place: String,
}

impl Bucket {
    pub(super) fn open(bucket: &str, prefix: &str, options: &S3Options) -> Result<Bucket, Error> {
        let plain = options.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let client = ClientOptions::new()
            .with_allow_http(plain)
            .with_timeout_disabled()
            .with_connect_timeout(options.connect_timeout)
            .with_read_timeout(options.read_timeout);
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: RETRIES,
            retry_timeout: options.retry_timeout,
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(&options.region)
            .with_virtual_hosted_style_request(!options.path_style)
            // Signing a payload would hash every part once more, and on an async worker: 8 MiB keep it for 5 to 25 ms.
            .with_unsigned_payload(true)
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let (Some(access_key), Some(secret_key)) = (&options.access_key, &options.secret_key) {
            builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key);
        }
        let at = options.endpoint.as_deref().unwrap_or("s3.amazonaws.com");
        let url = format!("s3://{bucket}/{prefix}");
        let refused = |reason: String| Error::Url { url: url.clone(), reason };
        let store = builder.build().map_err(|error| refused(error.to_string()))?;
        let client = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .read_timeout(options.read_timeout)
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Bucket { store, prefix, client, place: format!("bucket {bucket} at {at}") })
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) async fn put(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        let put = self.store.put(&self.path(key), PutPayload::from_bytes(bytes)).await;
        put.map(drop).map_err(|error| self.failed(&error))
    }

    /// The size of an object, if there is one.
    pub(super) async fn find_size(&self, key: &str) -> Result<Option<u64>, Error> {
        match self.store.head(&self.path(key)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// A whole object, if there is one; for small ones.
    pub(super) async fn find(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let read = async { self.store.get(&self.path(key)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The bytes of a range, as they come.
    pub(super) async fn get(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> Result<impl futures_util::Stream<Item = Result<Bytes, Error>> + Send + use<>, Error> {
        let options = object_store::GetOptions { range: Some(range.into()), ..Default::default() };
        let got = self.store.get_opts(&self.path(key), options).await.map_err(|error| self.failed(&error))?;
        let place = self.place.clone();
        Ok(got.into_stream().map_err(move |error| translate(&place, &error)))
    }

    /// Objects below a folder, by key, behind `after`, without the store's prefix. The bucket sends pages of a thousand.
    pub(super) async fn list(&self, folder: &str, after: &str, limit: usize) -> Result<Vec<Listed>, Error> {
        let folder = self.path(folder);
        let listed = match after {
            "" => self.store.list(Some(&folder)),
            after => self.store.list_with_offset(Some(&folder), &self.path(after)),
        };
        let page: Vec<_> = listed.take(limit).try_collect().await.map_err(|error| self.failed(&error))?;
        let listed = page.into_iter().map(|object| Listed {
            key: self.key(object.location.as_ref()),
            size: object.size,
            modified_at: object.last_modified.timestamp_micros(),
        });
        Ok(listed.collect())
    }

    /// A path in the bucket without the store's prefix.
    fn key(&self, path: &str) -> String {
        let below = path.strip_prefix(&self.prefix).unwrap_or(path);
        below.trim_start_matches('/').to_owned()
    }

    /// Fine if it is gone already.
    pub(super) async fn delete(&self, key: &str) -> Result<(), Error> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Deletes every object whose key begins with this folder; a handful.
    pub(super) async fn delete_all(&self, folder: &str) -> Result<(), Error> {
        let listed = self.store.list(Some(&self.path(folder)));
        let found: Vec<_> = listed.try_collect().await.map_err(|error| self.failed(&error))?;
        for object in found {
            match self.store.delete(&object.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(())
    }

    pub(super) async fn begin(&self, key: &str) -> Result<String, Error> {
        self.store.create_multipart(&self.path(key)).await.map_err(|error| self.failed(&error))
    }

    /// What S3 calls the part from now on; `None` if it has forgotten the upload.
    pub(super) async fn put_part(
        &self,
        key: &str,
        id: &str,
        number: usize,
        bytes: Bytes,
    ) -> Result<Option<String>, Error> {
        let payload = PutPayload::from_bytes(bytes);
        let put = self.store.put_part(&self.path(key), &id.to_owned(), number, payload).await;
        self.none_if_forgotten(put.map(|part| part.content_id))
    }

    /// `None` if S3 has forgotten the upload or a part of it.
    pub(super) async fn complete(&self, key: &str, id: &str, parts: &[String]) -> Result<Option<()>, Error> {
        let parts = parts.iter().map(|content_id| PartId { content_id: content_id.clone() }).collect();
        let completed = self.store.complete_multipart(&self.path(key), &id.to_owned(), parts).await;
        self.none_if_forgotten(completed.map(drop))
    }

    fn none_if_forgotten<T>(&self, result: object_store::Result<T>) -> Result<Option<T>, Error> {
        match result {
            Err(error) if FORGOTTEN.iter().any(|code| error.to_string().contains(code)) => Ok(None),
            other => other.map(Some).map_err(|error| self.failed(&error)),
        }
    }

    /// Fine if it was completed or aborted already.
    pub(super) async fn abort(&self, key: &str, id: &str) -> Result<(), Error> {
        match self.store.abort_multipart(&self.path(key), &id.to_owned()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// The keys of multipart uploads that were neither completed nor aborted, as far as the server tells; the first
    /// thousand.
    pub(super) async fn unfinished_keys(&self, folder: &str) -> Result<Vec<String>, Error> {
        let found = self.unfinished_below(&format!("{folder}/")).await?;
        Ok(found.into_iter().map(|unfinished| unfinished.key).collect())
    }

    /// The multipart uploads of a key that were neither completed nor aborted, as far as the server tells.
    pub(super) async fn unfinished(&self, key: &str) -> Result<Vec<String>, Error> {
        Ok(self.unfinished_below(key).await?.into_iter().map(|unfinished| unfinished.id).collect())
    }

    /// Those whose keys begin so; the first thousand.
    pub(super) async fn unfinished_below(&self, key: &str) -> Result<Vec<unfinished::Multipart>, Error> {
        match unfinished::list(&self.store, &self.client, &self.prefixed(key)).await {
            Ok(Unfinished::Known(found)) => {
                let own = |multipart: unfinished::Multipart| unfinished::Multipart {
                    key: self.key(&multipart.key),
                    ..multipart
                };
                Ok(found.into_iter().map(own).collect())
            }
            Ok(Unfinished::Unsupported) => Ok(Vec::new()),
            Err(reason) => Err(Error::Unavailable { place: self.place.clone(), reason }),
        }
    }

    pub(super) async fn sign(&self, key: &str, expires: Duration) -> Result<String, Error> {
        let signed = self.store.signed_url(http::Method::GET, &self.path(key), expires).await;
        signed.map(|url| url.to_string()).map_err(|error| self.failed(&error))
    }

    /// The key as the bucket has it; a slash at its end stays.
    fn prefixed(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }

    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}/{key}", self.prefix))
    }

    fn failed(&self, error: &object_store::Error) -> Error {
        translate(&self.place, error)
    }
}

/// What S3 says of a multipart upload that was ended, or of a part that another writer replaced.
const FORGOTTEN: [&str; 2] = ["NoSuchUpload", "InvalidPart"];

/// What S3 says when there is no room, in the words of several servers.
const FULL: [&str; 4] = ["QuotaExceeded", "InsufficientStorage", "StorageFull", "507 "];

fn translate(place: &str, error: &object_store::Error) -> Error {
    let (place, reason) = (place.to_owned(), causes(error));
    match error {
        object_store::Error::NotFound { .. } => Error::NotFound { place },
        // Before the refusals: radosgw answers 403 to a full quota.
        _ if FULL.iter().any(|word| reason.contains(word)) => Error::Full { place, free_bytes: None },
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
            Error::ReadOnly { place, reason }
        }
        _ => Error::Unavailable { place, reason },
    }
}

/// The error with what caused it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
