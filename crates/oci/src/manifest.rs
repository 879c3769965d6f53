//! Manifests: what an image, an index or an artifact is made of.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::descriptor::Descriptor;
use crate::error_code::ErrorCode;

/// What the registry needs to know of a manifest (image specification, manifest.md and image-index.md). Its
/// bytes are stored apart from this and never made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Type to serve it with, without parameters.
    pub media_type: String,
    /// Which of the known shapes it has.
    pub kind: Kind,
    /// `artifactType`, where it is there and not empty.
    pub artifact_type: Option<String>,
    /// The configuration.
    pub config: Option<Descriptor>,
    /// The layers in order; the `blobs` of an OCI artifact manifest stand here too.
    pub layers: Vec<Descriptor>,
    /// The manifests of an index in order.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one is about; it need not exist.
    pub subject: Option<Descriptor>,
    /// Annotations by key.
    pub annotations: BTreeMap<String, String>,
}

/// Shape of a manifest, by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An image manifest of OCI or Docker.
    Image,
    /// An OCI index or a Docker manifest list.
    Index,
    /// Any other type; its fields are read as far as they look like those of an image or an index.
    Other,
}

impl Kind {
    /// The kind as a word for rows, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Index => "index",
            Self::Other => "other",
        }
    }
}

/// What role a manifest gives to content that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// The configuration blob.
    Config,
    /// A layer blob.
    Layer,
    /// A manifest of an index.
    Manifest,
}

impl ReferenceKind {
    /// The kind as a word for rows, logs and error details.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Layer => "layer",
            Self::Manifest => "manifest",
        }
    }
}

impl Manifest {
    /// Reads a manifest as it was pushed; `content_type` is the request's header, parameters and all.
    ///
    /// The type is the body's `mediaType`, else the header's, else guessed from the shape. Fails when header
    /// and body differ, on schema 1, and on anything that is not what its type promises.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, ManifestError> {
        parse::parse(bytes, content_type)
    }

    /// The content that must be in the repository before this manifest may be: configuration, layers,
    /// manifests, in order and with repetitions. Foreign layers and the subject need not be there and are
    /// left out.
    pub fn references(&self) -> impl Iterator<Item = (ReferenceKind, &Descriptor)> {
        let config = self.config.iter().map(|descriptor| (ReferenceKind::Config, descriptor));
        let layers = self.layers.iter().filter(|layer| !layer.is_foreign());
        let layers = layers.map(|descriptor| (ReferenceKind::Layer, descriptor));
        let manifests = self.manifests.iter().map(|descriptor| (ReferenceKind::Manifest, descriptor));
        config.chain(layers).chain(manifests)
    }

    /// The layers that [`references`](Self::references) leaves out. Clients told to
    /// (`allow-nondistributable-artifacts`) push these too, and then they must be kept as long as the
    /// manifest.
    pub fn foreign_layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.layers.iter().filter(|layer| layer.is_foreign())
    }

    /// The `artifactType` that a list of referrers states for this manifest (distribution specification,
    /// "Listing Referrers"): its own, else the configuration's type for an image, else none.
    pub fn referrer_type(&self) -> Option<&str> {
        // No index gets here with a configuration: one that has it is refused.
        let config_type = || self.config.as_ref().map(|config| config.media_type.as_str());
        self.artifact_type.as_deref().or_else(config_type).filter(|text| !text.is_empty())
    }
}

/// Why a manifest is refused; its code is always [`ErrorCode::ManifestInvalid`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The bytes are no JSON object with the fields of a manifest.
    #[error("manifest cannot be read: {reason}")]
    Malformed {
        /// The JSON reader's words.
        reason: String,
    },
    /// A field does not hold what its type promises.
    #[error("manifest field '{field}' cannot be read: {reason}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// The JSON reader's words.
        reason: String,
    },
    /// A manifest of Docker's first format.
    #[error(
        "docker manifest schema 1 (schema1) is not supported: push the image again with a client that writes schema 2 or OCI manifests"
    )]
    Schema1,
    /// An image or an index that states another version than 2.
    #[error("manifest schemaVersion {version} is not supported: it must be 2")]
    SchemaVersion {
        /// What was stated.
        version: i64,
    },
    /// Header and body disagree.
    #[error(
        "manifest states mediaType '{media_type}' but came with Content-Type '{content_type}': they must be equal"
    )]
    MediaTypeMismatch {
        /// The body's.
        media_type: String,
        /// The header's, without parameters.
        content_type: String,
    },
    /// A media type is not `type/subtype`.
    #[error("{source_name} {media_type} is not a media type")]
    MediaTypeInvalid {
        /// `mediaType` or `Content-Type`.
        source_name: &'static str,
        /// The text, quoted.
        media_type: String,
    },
    /// Neither header, body nor shape tell the type.
    #[error("manifest has no mediaType, came without Content-Type and looks like no known kind")]
    UnknownType,
    /// A required field is absent.
    #[error("manifest of type '{media_type}' has no '{field}'")]
    Missing {
        /// The manifest's type.
        media_type: String,
        /// The field's name.
        field: &'static str,
    },
    /// An image with an index's fields or the other way round, which two clients could read as two things
    /// (CVE-2021-41190).
    #[error("manifest of type '{media_type}' must not have '{field}': clients could read it as another kind")]
    Ambiguous {
        /// The manifest's type.
        media_type: String,
        /// The field's name.
        field: &'static str,
    },
    /// Embedded content that is not base64 or not as long as the descriptor says.
    #[error("manifest field '{field}' embeds data for {digest} that is not base64 of its {size} bytes")]
    Data {
        /// The field that has the descriptor.
        field: &'static str,
        /// The descriptor's digest.
        digest: crate::digest::Digest,
        /// The descriptor's size in bytes.
        size: u64,
    },
}

impl ManifestError {
    /// The code to answer with.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::ManifestInvalid
    }
}
