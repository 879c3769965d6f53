//! Icons: one for each kind of artifact, and those that artifacts bring along as a layer.

use std::sync::LazyLock;

use futures_util::TryStreamExt;
use hythe_blobs::hash::digest_of;
use hythe_metadata::blob;
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::Caller;
use crate::artifacts::about;
use crate::error::{Error, Result};

/// Bytes of an icon that an artifact brings along.
const LARGEST: u64 = 256 * 1024;

const PNG: &str = "image/png";

/// How a picture of each type begins.
const BEGINNINGS: [(&[u8], &str); 3] =
    [(b"\x89PNG\r\n\x1a\n", PNG), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")];

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icon {
    /// PNG, JPEG or GIF, by its first bytes.
    pub media_type: &'static str,
    /// The picture.
    pub bytes: Vec<u8>,
}

struct BuiltIn {
    kind: &'static str,
    digest: Digest,
    bytes: &'static [u8],
}

/// The last is for every other kind.
static BUILT_IN: LazyLock<[BuiltIn; 7]> = LazyLock::new(|| {
    [
        built_in(about::IMAGE, include_bytes!("image.png")),
        built_in(about::CHART, include_bytes!("chart.png")),
        built_in(about::CNAB, include_bytes!("cnab.png")),
        built_in(about::CNAI, include_bytes!("cnai.png")),
        built_in(about::WASM, include_bytes!("wasm.png")),
        built_in(about::SBOM, include_bytes!("sbom.png")),
        built_in("", include_bytes!("default.png")),
    ]
});

fn built_in(kind: &'static str, bytes: &'static [u8]) -> BuiltIn {
    BuiltIn { kind, digest: digest_of(Algorithm::Sha256, bytes), bytes }
}

/// The digest of the icon for artifacts of a kind.
pub fn icon_of(kind: &str) -> Digest {
    let [known @ .., other] = &*BUILT_IN;
    known.iter().find(|icon| icon.kind == kind).unwrap_or(other).digest
}

impl Registry {
    /// The icon of this digest: one of the registry's own, or a small picture that the caller could pull from some
    /// repository. What they could not pull is refused like what does not exist.
    pub async fn get_icon(&self, caller: &Caller, digest: &Digest) -> Result<Icon> {
        if let Some(own) = BUILT_IN.iter().find(|icon| icon.digest == *digest) {
            return Ok(Icon { media_type: PNG, bytes: own.bytes.to_vec() });
        }
        let unknown = || Error::unknown(ErrorCode::BlobUnknown, format!("there is no icon {digest}"));
        if !self.may_find(caller, digest).await? {
            return Err(unknown());
        }
        let mut c = self.database.connect().await?;
        let found = blob::find(&mut c, digest).await?.filter(|row| row.size <= LARGEST);
        drop(c);
        let row = found.ok_or_else(unknown)?;
        let pieces = self.open_blob(&row).await?.stream(0..row.size);
        let bytes: Vec<u8> = pieces
            .try_fold(Vec::new(), |mut all, piece| async move {
                all.extend_from_slice(&piece);
                Ok(all)
            })
            .await
            .map_err(hythe_blobs::Error::Body)?;
        let media_type = media_type_of(&bytes).ok_or_else(unknown)?;
        Ok(Icon { media_type, bytes })
    }
}

fn media_type_of(bytes: &[u8]) -> Option<&'static str> {
    let found = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning));
    found.map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_picture_of_its_own() {
        for (index, icon) in BUILT_IN.iter().enumerate() {
            assert_eq!(media_type_of(icon.bytes), Some(PNG), "{}", icon.kind);
            assert!(BUILT_IN[..index].iter().all(|other| other.digest != icon.digest), "{}", icon.kind);
        }
        assert_ne!(icon_of(about::CHART), icon_of("HOMEMADE"));
        assert_eq!(icon_of("HOMEMADE"), icon_of("UNKNOWN"));
    }

    #[test]
    fn what_is_no_picture_has_no_type() {
        assert_eq!(media_type_of(b"<svg onload=alert(1)>"), None);
        assert_eq!(media_type_of(b""), None);
    }
}
