//! What can go wrong in the registry: a code and a status, words for the client, and words for the log only.

use std::fmt;

use hythe_oci::error_code::ErrorCode;
use serde_json::Value;

/// A result of the registry.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One failure. `message` may be shown to anyone who made the request; `cause` goes to the log and nowhere else.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    code: ErrorCode,
    message: String,
    detail: Option<Value>,
    retry_after: Option<std::time::Duration>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a failure means for the caller; the HTTP status follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong as it stands (the code's own status, 400 for most).
    Invalid,
    /// A request of the API is wrong as it stands; the protocol's codes have no word for it (400).
    BadRequest,
    /// Nobody has been identified, or the token does not cover this (401).
    Unauthenticated,
    /// Somebody has been identified and may not (403).
    Forbidden,
    /// Nobody may, whatever their rights: the registry is read only, or a quota is used up (403).
    Denied,
    /// It is not here (404).
    Unknown,
    /// The state of things forbids it (409).
    Conflict,
    /// A condition the client itself set does not hold (412).
    Precondition,
    /// The range does not continue the upload (416).
    Range,
    /// Understood and not supported (405).
    Unsupported,
    /// Too many of these at once; later (429).
    TooMany,
    /// The database or the storage is out of reach; later (503).
    Unavailable,
    /// The storage has no room (507).
    Full,
    /// A fault of ours (500).
    Internal,
}

impl Error {
    /// A failure with words for the client.
    pub fn new(kind: Kind, code: ErrorCode, message: impl Into<String>) -> Error {
        Error { kind, code, message: message.into(), detail: None, retry_after: None, cause: None }
    }

    /// Adds the machine-readable part of the error envelope.
    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Error {
        self.detail = Some(detail);
        self
    }

    /// Adds what the log should know and the client should not.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.cause = Some(cause.into());
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, pause: std::time::Duration) -> Error {
        self.retry_after = Some(pause);
        self
    }

    /// When trying again makes sense, if that is known.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.retry_after
    }

    /// What it means for the caller.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The specification's code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The words for the client.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The machine-readable part, if any.
    pub fn detail(&self) -> Option<&Value> {
        self.detail.as_ref()
    }

    /// The HTTP status that says the same.
    pub fn status(&self) -> u16 {
        match self.kind {
            Kind::Invalid => self.code.status(),
            Kind::BadRequest => 400,
            Kind::Unauthenticated => 401,
            Kind::Forbidden | Kind::Denied => 403,
            Kind::Unknown => 404,
            Kind::Conflict => 409,
            Kind::Precondition => 412,
            Kind::Range => 416,
            Kind::Unsupported => 405,
            Kind::TooMany => 429,
            Kind::Unavailable => 503,
            Kind::Full => 507,
            Kind::Internal => 500,
        }
    }

    pub(crate) fn invalid(code: ErrorCode, message: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, code, message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Error {
        Error::new(Kind::BadRequest, ErrorCode::Unsupported, message)
    }

    pub(crate) fn unknown(code: ErrorCode, message: impl Into<String>) -> Error {
        Error::new(Kind::Unknown, code, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Error {
        Error::new(Kind::Forbidden, ErrorCode::Denied, message)
    }

    pub(crate) fn denied(message: impl Into<String>) -> Error {
        Error::new(Kind::Denied, ErrorCode::Denied, message)
    }

    pub(crate) fn unauthenticated(message: impl Into<String>) -> Error {
        Error::new(Kind::Unauthenticated, ErrorCode::Unauthorized, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, ErrorCode::Denied, message)
    }

    pub(crate) fn internal(
        message: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::new(Kind::Internal, ErrorCode::Unknown, message).with_cause(cause)
    }
}

impl fmt::Display for Error {
    /// The whole story, for the log: public words, then the private ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<hythe_metadata::Error> for Error {
    fn from(error: hythe_metadata::Error) -> Error {
        use hythe_metadata::Error as Database;
        match &error {
            Database::Unavailable { .. } => Error::new(
                Kind::Unavailable,
                ErrorCode::Unavailable,
                "the database cannot be reached; try again shortly",
            ),
            Database::OverQuota { adding, used, limit, .. } => {
                Error::denied(over_quota(*adding, *used, *limit))
            }
            Database::Text { .. } => {
                Error::bad_request("the request holds a text with a NUL character; send it without")
            }
            Database::Missing { .. } => {
                Error::conflict("something that this needs was deleted in the same moment; try again")
            }
            Database::Full { .. } => Error::new(
                Kind::Full,
                ErrorCode::StorageFull,
                "the disk of the database is full; pulls go on, pushes have to wait for room",
            ),
            Database::ReadOnly { .. } => Error::new(
                Kind::Unavailable,
                ErrorCode::Unavailable,
                "the database can only be read; pulls go on, pushes have to wait",
            ),
            _ => Error::new(Kind::Internal, ErrorCode::Unknown, "the database answered with an error"),
        }
        .with_cause(error)
    }
}

/// Harbor's words (`src/pkg/quota/errors.go`), which scripts look for.
fn over_quota(adding: i64, used: i64, limit: i64) -> String {
    format!(
        "adding {} of storage resource, which when updated to current usage of {} will exceed the configured upper \
         limit of {}.",
        in_units(adding),
        in_units(used),
        in_units(limit)
    )
}

/// Bytes as Harbor writes them: `512 B`, `1.5 MiB`.
fn in_units(bytes: i64) -> String {
    let (mut value, mut unit) = (bytes as f64, None);
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, Some(next));
    }
    unit.map_or_else(|| format!("{bytes} B"), |unit| format!("{value:.1} {unit}"))
}

impl From<hythe_blobs::Error> for Error {
    fn from(error: hythe_blobs::Error) -> Error {
        use hythe_blobs::Error as Storage;
        match &error {
            Storage::Body(_) => {
                Error::new(Kind::Invalid, ErrorCode::SizeInvalid, "the request body ended before it was complete")
            }
            Storage::DigestMismatch { expected, actual } => Error::new(
                Kind::Invalid,
                ErrorCode::DigestInvalid,
                format!("the bytes received have the digest {actual}, not {expected}"),
            ),
            Storage::Full { .. } => Error::new(
                Kind::Full,
                ErrorCode::StorageFull,
                "the storage is full; pulls go on, pushes have to wait for room",
            ),
            Storage::ReadOnly { .. } => Error::new(
                Kind::Unavailable,
                ErrorCode::Unavailable,
                "the storage can only be read; pulls go on, pushes have to wait",
            ),
            Storage::Unavailable { .. } => Error::new(
                Kind::Unavailable,
                ErrorCode::Unavailable,
                "the storage cannot be reached; try again shortly",
            ),
            Storage::OffsetLost { .. } => Error::new(
                Kind::Unknown,
                ErrorCode::BlobUploadUnknown,
                "the storage has lost part of this upload; begin it again",
            ),
            Storage::Damaged { .. } => Error::unknown(
                ErrorCode::BlobUnknown,
                "the stored bytes of this blob are missing or damaged; push it again, or restore the file that the log names from a backup",
            ),
            Storage::NotFound { .. } => Error::new(
                Kind::Internal,
                ErrorCode::Unknown,
                "the storage is not there; its operator finds in the log what to create or mount",
            ),
            _ => Error::new(Kind::Internal, ErrorCode::Unknown, "the storage answered with an error"),
        }
        .with_cause(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_the_quota_has_harbors_words() {
        let (kib, mib) = (1 << 10, 1 << 20);
        assert_eq!(
            over_quota(2 * mib + 100 * kib, 0, mib),
            "adding 2.1 MiB of storage resource, which when updated to current usage of 0 B will exceed the configured \
             upper limit of 1.0 MiB."
        );
        assert_eq!(in_units(1023), "1023 B");
        assert_eq!(in_units(1 << 50), "1.0 PiB");
    }
}
