//! Where things lie in the folder.

use std::path::{Component, Path, PathBuf};

use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use crate::store::Location;

/// Everything that has a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// After so many takeovers.
    Upload(UploadId, u64),
    /// What is taken over, while it is copied.
    Copy(UploadId, u64),
    Published(UploadId, &'a Digest),
    Probe(UploadId),
    Note(&'a str),
}

/// The end of the name of a note that is being written.
pub(super) const UNFINISHED: &str = ".unfinished";

/// The path of a place below the folder:
///
/// ```text
/// uploads/
///   5f/<upload id>                               an upload under way; 5f: the id's last two digits
///   5f/<upload id>.1                             the same after its first takeover
///   5f/<upload id>.1.copy                        for a moment, while it is taken over
///   probe-<random id>                            for a moment, while storage is probed
/// blobs/
///   sha256/
///     ab/cd/abcd….<upload id>                    published: the digest in full, then whose upload brought it
///   sha512/…
/// notes/
///   <name>                                       small files of the registry's own, in folders of theirs
///   <name>.unfinished                            for a moment, or after a crash
/// ```
///
/// The last digits of the id and not the first: ids that begin with the time would all share a folder. The digest in
/// the name is for people and for a rebuild from the files alone; the upload's id makes the name unique, so that a
/// rename never meets a file of somebody else.
pub(super) fn relative(place: Place<'_>) -> PathBuf {
    match place {
        Place::Upload(id, takeovers) => {
            let (id, after) = (id.to_string(), (takeovers > 0).then(|| format!(".{takeovers}")));
            ["uploads", &id[id.len() - 2..], &format!("{id}{}", after.unwrap_or_default())].iter().collect()
        }
        Place::Copy(id, takeovers) => relative(Place::Upload(id, takeovers)).with_added_extension("copy"),
        Place::Published(id, digest) => {
            let hex = digest.hex();
            let name = format!("{hex}.{id}");
            ["blobs", digest.algorithm().as_str(), &hex[..2], &hex[2..4], &name].iter().collect()
        }
        Place::Note(name) => ["notes", name].iter().collect(),
        Place::Probe(id) => ["uploads", &format!("probe-{id}")].iter().collect(),
    }
}

/// A published place as a location: the relative path.
pub(super) fn location(id: UploadId, digest: &Digest) -> Location {
    Location::new(relative(Place::Published(id, digest)).to_string_lossy())
}

/// The path behind a location, which comes from a row: `None` if it could lead out of the folder.
pub(super) fn located(root: &Path, location: &Location) -> Option<PathBuf> {
    let path = Path::new(location.as_str());
    let inside =
        path.components().all(|part| matches!(part, Component::Normal(_))) && path.starts_with("blobs");
    inside.then(|| root.join(path))
}

#[cfg(test)]
mod tests {
    use hythe_oci::digest::Algorithm;

    use super::*;
    use crate::hash::digest_of;

    #[test]
    fn draws_as_the_comment_says() {
        let id = UploadId::from_u128(0x0001_025f);
        let digest = digest_of(Algorithm::Sha256, b"");
        let upload = Path::new("uploads/5f/0000000000000000000000000001025f");
        assert_eq!(relative(Place::Upload(id, 0)), upload);
        assert_eq!(relative(Place::Upload(id, 1)), upload.with_added_extension("1"));
        assert_eq!(relative(Place::Copy(id, 1)), upload.with_added_extension("1.copy"));
        let published = location(id, &digest);
        let name = format!("{}.0000000000000000000000000001025f", digest.hex());
        assert_eq!(published.as_str(), format!("blobs/sha256/e3/b0/{name}"));
        assert_eq!(
            located(Path::new("/srv"), &published),
            Some(format!("/srv/blobs/sha256/e3/b0/{name}").into())
        );
    }

    #[test]
    fn no_location_leads_out_of_the_folder() {
        for text in ["", "/etc/passwd", "blobs/../../etc/passwd", "uploads/5f/x", "./blobs/x"] {
            assert_eq!(located(Path::new("/srv"), &Location::new(text)), None, "{text}");
        }
    }
}
