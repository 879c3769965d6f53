//! Manifests: pushed whole or not at all, kept and given back byte for byte.

mod delete;
mod pull;
mod push;
pub(crate) mod tag_limit;

pub use pull::Pulled;
pub use push::{Expected, PushManifest, PushedManifest};
pub(crate) use push::{Needs, restored};

use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;

use crate::error::Error;

pub(crate) fn unknown_manifest(repository: &RepositoryName, reference: &Reference) -> Error {
    let what = match reference {
        Reference::Tag(tag) => format!("tag {tag}"),
        Reference::Digest(digest) => format!("manifest {digest}"),
    };
    Error::unknown(ErrorCode::ManifestUnknown, format!("repository {repository} has no {what}"))
}
