//! Requests under `/v2/`: which endpoint of the distribution specification, on what, needing which right.

mod parse;
mod query;
mod shape;
#[cfg(test)]
mod tests;

use crate::digest::{Algorithm, Digest};
use crate::error_code::ErrorCode;
use crate::name::RepositoryName;
use crate::reference::Reference;
use crate::scope::{Action, Actions, Scope};
use crate::tag::Tag;
use crate::upload_id::UploadId;

/// A request, read whole from its method, path and query. GET and HEAD are one here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `GET /v2/` (end-1).
    Base,
    /// `GET /v2/_catalog`, from before the specification.
    Catalog {
        /// Which names to list.
        page: Page,
    },
    /// `GET /v2/<name>/tags/list` (end-8).
    ListTags {
        /// The repository.
        repository: RepositoryName,
        /// Which tags to list.
        page: Page,
    },
    /// `GET /v2/<name>/manifests/<reference>` (end-3).
    PullManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag or digest.
        reference: Reference,
    },
    /// `PUT /v2/<name>/manifests/<reference>` (end-7).
    PushManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag or digest.
        reference: Reference,
        /// Tags to put besides, each once; only a push by digest has any.
        tags: Vec<Tag>,
    },
    /// `DELETE /v2/<name>/manifests/<reference>` (end-9).
    DeleteManifest {
        /// The repository.
        repository: RepositoryName,
        /// The tag, which alone goes, or the digest.
        reference: Reference,
    },
    /// `GET /v2/<name>/blobs/<digest>` (end-2).
    PullBlob {
        /// The repository.
        repository: RepositoryName,
        /// The blob.
        digest: Digest,
    },
    /// `DELETE /v2/<name>/blobs/<digest>` (end-10).
    DeleteBlob {
        /// The repository.
        repository: RepositoryName,
        /// The blob.
        digest: Digest,
    },
    /// `POST /v2/<name>/blobs/uploads/` (end-4, end-11).
    StartUpload {
        /// The repository.
        repository: RepositoryName,
        /// The blob that the body is (end-4b).
        digest: Option<Digest>,
        /// The algorithm that the blob will be named by (end-4c).
        algorithm: Option<Algorithm>,
        /// The blob to mount instead (end-11).
        mount: Option<Digest>,
        /// Where the blob to mount is.
        from: Option<RepositoryName>,
    },
    /// `GET /v2/<name>/blobs/uploads/<id>` (end-13).
    UploadStatus {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        upload: UploadId,
    },
    /// `PATCH /v2/<name>/blobs/uploads/<id>` (end-5).
    AppendUpload {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        upload: UploadId,
    },
    /// `PUT /v2/<name>/blobs/uploads/<id>?digest=<digest>` (end-6).
    FinishUpload {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        upload: UploadId,
        /// The whole blob's digest.
        digest: Digest,
    },
    /// `DELETE /v2/<name>/blobs/uploads/<id>` (end-14).
    CancelUpload {
        /// The repository.
        repository: RepositoryName,
        /// The upload.
        upload: UploadId,
    },
    /// `GET /v2/<name>/referrers/<digest>` (end-12).
    ListReferrers {
        /// The repository.
        repository: RepositoryName,
        /// The subject.
        digest: Digest,
        /// Artifact types to list; all when there are none.
        artifact_types: Vec<String>,
        /// Which referrers to list.
        page: Page,
    },
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// `n`, most entries wanted; 0 is a legal wish for none.
    pub limit: Option<u32>,
    /// `last`, the entry after which to begin; it need not exist. It has no control characters.
    pub last: Option<String>,
}

/// What a caller must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right<'a> {
    /// Be someone, or anyone where anonymous access is open.
    Base,
    /// List the repositories.
    Catalog,
    /// Act on a repository.
    Repository {
        /// The repository.
        name: &'a RepositoryName,
        /// The action.
        action: Action,
    },
}

impl Right<'_> {
    /// The scope to ask for in a challenge; none for [`Right::Base`].
    ///
    /// Whoever pushes is told to ask for pull too, as distribution does: clients look whether a blob is there
    /// before they upload it, and use one token for both.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Base => None,
            Self::Catalog => Some(Scope::catalog()),
            Self::Repository { name, action: Action::Push } => {
                Some(Scope::repository(name, Actions::from_iter([Action::Pull, Action::Push])))
            }
            Self::Repository { name, action } => Some(Scope::repository(name, *action)),
        }
    }
}

impl Route {
    /// Reads a request.
    ///
    /// `path` and `query` are as they came on the wire; they are percent-decoded here, once. The endpoint is
    /// found from the right end of the path, as repositories may be called `tags` or `blobs`.
    pub fn parse(method: &str, path: &str, query: Option<&str>) -> Result<Self, RouteError> {
        parse::parse(method, path, query.unwrap_or_default())
    }

    /// The repository that the request is about; none for [`Route::Base`] and [`Route::Catalog`].
    pub fn repository(&self) -> Option<&RepositoryName> {
        match self {
            Self::Base | Self::Catalog { .. } => None,
            Self::ListTags { repository, .. }
            | Self::PullManifest { repository, .. }
            | Self::PushManifest { repository, .. }
            | Self::DeleteManifest { repository, .. }
            | Self::PullBlob { repository, .. }
            | Self::DeleteBlob { repository, .. }
            | Self::StartUpload { repository, .. }
            | Self::UploadStatus { repository, .. }
            | Self::AppendUpload { repository, .. }
            | Self::FinishUpload { repository, .. }
            | Self::CancelUpload { repository, .. }
            | Self::ListReferrers { repository, .. } => Some(repository),
        }
    }

    /// The right that the request needs. A mount needs a right on its source too, which is not told here:
    /// whoever lacks it gets an ordinary upload instead, never a refusal.
    pub fn right(&self) -> Right<'_> {
        let (name, action) = match self {
            Self::Base => return Right::Base,
            Self::Catalog { .. } => return Right::Catalog,
            Self::ListTags { repository, .. }
            | Self::PullManifest { repository, .. }
            | Self::PullBlob { repository, .. }
            | Self::ListReferrers { repository, .. } => (repository, Action::Pull),
            Self::PushManifest { repository, .. }
            | Self::StartUpload { repository, .. }
            | Self::UploadStatus { repository, .. }
            | Self::AppendUpload { repository, .. }
            | Self::FinishUpload { repository, .. }
            | Self::CancelUpload { repository, .. } => (repository, Action::Push),
            Self::DeleteManifest { repository, .. } | Self::DeleteBlob { repository, .. } => {
                (repository, Action::Delete)
            }
        };
        Right::Repository { name, action }
    }

    /// The endpoint's name in metrics, logs and traces.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Catalog { .. } => "catalog",
            Self::ListTags { .. } => "list_tags",
            Self::PullManifest { .. } => "pull_manifest",
            Self::PushManifest { .. } => "push_manifest",
            Self::DeleteManifest { .. } => "delete_manifest",
            Self::PullBlob { .. } => "pull_blob",
            Self::DeleteBlob { .. } => "delete_blob",
            Self::StartUpload { .. } => "start_upload",
            Self::UploadStatus { .. } => "upload_status",
            Self::AppendUpload { .. } => "append_upload",
            Self::FinishUpload { .. } => "finish_upload",
            Self::CancelUpload { .. } => "cancel_upload",
            Self::ListReferrers { .. } => "list_referrers",
        }
    }
}

/// Why a request is not one of the specification's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RouteError {
    /// The code to answer with.
    pub code: ErrorCode,
    /// Public words, with the client's own text quoted and cut.
    pub message: String,
    /// The HTTP status, which is not always the code's usual one.
    pub status: u16,
    /// Methods for the `Allow` header of a 405; empty otherwise.
    pub allowed: &'static [&'static str],
}

impl RouteError {
    fn new(code: ErrorCode, message: impl ToString) -> Self {
        Self { code, message: message.to_string(), status: code.status(), allowed: &[] }
    }

    fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}
