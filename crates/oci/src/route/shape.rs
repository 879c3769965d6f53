//! The endpoint that a decoded path names, found from its right end.

use crate::text::excerpt;

/// A path's endpoint, with the texts in it not yet checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    Base,
    Catalog,
    Tags { name: &'a str },
    Manifest { name: &'a str, reference: &'a str },
    Blob { name: &'a str, digest: &'a str },
    Uploads { name: &'a str },
    Upload { name: &'a str, id: &'a str },
    Referrers { name: &'a str, digest: &'a str },
}

impl<'a> Shape<'a> {
    pub(super) fn find(path: &'a str) -> Result<Self, NoEndpoint> {
        let no_endpoint = || NoEndpoint { path: excerpt(path) };
        let rest = match path {
            "/v2" | "/v2/" => return Ok(Self::Base),
            "/v2/_catalog" => return Ok(Self::Catalog),
            _ => path.strip_prefix("/v2/").ok_or_else(no_endpoint)?,
        };
        Self::find_in_repository(rest).ok_or_else(no_endpoint)
    }

    fn find_in_repository(path: &'a str) -> Option<Self> {
        let (front, last) = split_last(path)?;
        let (name, word) = split_last(front).unwrap_or(("", front));
        match (word, last) {
            ("manifests", reference) => Some(Self::Manifest { name, reference }),
            ("referrers", digest) => Some(Self::Referrers { name, digest }),
            ("tags", "list") => Some(Self::Tags { name }),
            ("blobs", "uploads") => Some(Self::Uploads { name }),
            ("blobs", digest) => Some(Self::Blob { name, digest }),
            ("uploads", id) => {
                let name = if name == "blobs" { "" } else { name.strip_suffix("/blobs")? };
                Some(if id.is_empty() { Self::Uploads { name } } else { Self::Upload { name, id } })
            }
            _ => None,
        }
    }

    pub(super) fn allowed_methods(self) -> &'static [&'static str] {
        match self {
            Self::Base | Self::Catalog | Self::Tags { .. } | Self::Referrers { .. } => &["GET", "HEAD"],
            Self::Manifest { .. } => &["GET", "HEAD", "PUT", "DELETE"],
            Self::Blob { .. } => &["GET", "HEAD", "DELETE"],
            Self::Uploads { .. } => &["POST"],
            Self::Upload { .. } => &["GET", "HEAD", "PATCH", "PUT", "DELETE"],
        }
    }
}

/// The path is none of the specification's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no endpoint of the distribution specification has the path {path}")]
pub(super) struct NoEndpoint {
    path: String,
}

fn split_last(path: &str) -> Option<(&str, &str)> {
    path.rsplit_once('/')
}
