//! How to reach the bucket.

use std::fmt;
use std::time::Duration;

/// What an `s3://bucket/prefix` url does not say.
#[derive(Clone)]
pub struct S3Options {
    /// Of a server other than Amazon's, as `http://host:port` or `https://host`; `None` for Amazon by region.
    pub endpoint: Option<String>,
    /// Region; most other servers accept any.
    pub region: String,
    /// Access key; without one the machine's own role is asked for.
    pub access_key: Option<String>,
    /// Secret of the access key. Never shown.
    pub secret_key: Option<String>,
    /// `endpoint/bucket/key` rather than `bucket.endpoint/key`; what servers other than Amazon's usually want.
    pub path_style: bool,
    /// To establish a connection.
    pub connect_timeout: Duration,
    /// Without a byte in either direction on a request. There is no limit on a whole request: a large part on a slow
    /// line is not an error.
    pub read_timeout: Duration,
    /// Until a failing request is given up; a request is repeated with growing pauses before that.
    pub retry_timeout: Duration,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            access_key: None,
            secret_key: None,
            path_style: true,
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            retry_timeout: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("access_key", &self.access_key)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "…"))
            .field("path_style", &self.path_style)
            .finish_non_exhaustive()
    }
}
