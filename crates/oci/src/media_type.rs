//! Media types that the OCI image specification and Docker define, and how they are compared.

/// An OCI image manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// An OCI image's configuration.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The empty object `{}`, which stands in for an absent configuration.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// An OCI layer.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// An OCI layer compressed by gzip.
pub const OCI_LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// An OCI layer compressed by Zstandard.
pub const OCI_LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// What all OCI layers that may not be redistributed begin with.
pub const OCI_LAYER_NONDISTRIBUTABLE: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar";
/// An OCI artifact manifest, which a release candidate of image-spec 1.1 had; its blobs stand in `blobs`.
pub const OCI_ARTIFACT_MANIFEST: &str = "application/vnd.oci.artifact.manifest.v1+json";
/// A Docker image manifest, version 2, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// A Docker manifest list.
pub const DOCKER_MANIFEST_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// A Docker image's configuration.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// A Docker layer compressed by gzip.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// A Docker layer that may not be redistributed.
pub const DOCKER_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
/// A Docker image manifest, schema 1, unsigned.
pub const DOCKER_SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+json";
/// A Docker image manifest, schema 1, signed.
pub const DOCKER_SCHEMA1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// Most characters of `type/subtype` that are accepted (RFC 6838, section 4.2: 127 each).
pub const MAX_LENGTH: usize = 255;

/// A header's value without its parameters: `text/plain; charset=utf-8` gives `text/plain`.
pub fn strip_parameters(value: &str) -> &str {
    value.split_once(';').map_or(value, |(media_type, _)| media_type).trim()
}

/// Whether two media types without parameters are one; case does not count (RFC 6838, section 4.2).
pub fn is_same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Whether the text is a `type/subtype` of RFC 6838, and so safe in a header.
pub fn is_valid(media_type: &str) -> bool {
    media_type.len() <= MAX_LENGTH
        && media_type.split_once('/').is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

/// An image manifest of OCI or Docker: a configuration and layers.
pub fn is_image_manifest(media_type: &str) -> bool {
    is_same(media_type, OCI_MANIFEST) || is_same(media_type, DOCKER_MANIFEST)
}

/// An image index or a manifest list: manifests.
pub fn is_index(media_type: &str) -> bool {
    is_same(media_type, OCI_INDEX) || is_same(media_type, DOCKER_MANIFEST_LIST)
}

/// A Docker manifest of schema 1, which no registry should take any more.
pub fn is_schema1(media_type: &str) -> bool {
    is_same(media_type, DOCKER_SCHEMA1) || is_same(media_type, DOCKER_SCHEMA1_SIGNED)
}

/// A layer that its maker does not let registries hold; deprecated in image-spec 1.1.
pub fn is_nondistributable(media_type: &str) -> bool {
    is_same(media_type, DOCKER_FOREIGN_LAYER)
        || media_type
            .get(..OCI_LAYER_NONDISTRIBUTABLE.len())
            .is_some_and(|start| is_same(start, OCI_LAYER_NONDISTRIBUTABLE))
}

/// RFC 6838 `restricted-name`.
fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{
        DOCKER_FOREIGN_LAYER, DOCKER_LAYER, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_LAYER,
        OCI_LAYER_GZIP, OCI_MANIFEST, is_image_manifest, is_index, is_nondistributable, is_valid,
        strip_parameters,
    };

    #[test]
    fn parameters_are_ignored() {
        assert_eq!(strip_parameters("text/plain"), "text/plain");
        assert_eq!(strip_parameters(" text/plain ; charset=utf-8; q=1"), "text/plain");
        assert_eq!(strip_parameters(";"), "");
    }

    #[test]
    fn kinds_are_told_apart() {
        assert!(
            [OCI_MANIFEST, DOCKER_MANIFEST]
                .into_iter()
                .all(|kind| is_image_manifest(kind) && !is_index(kind))
        );
        assert!(
            [OCI_INDEX, DOCKER_MANIFEST_LIST]
                .into_iter()
                .all(|kind| is_index(kind) && !is_image_manifest(kind))
        );
        assert!(is_index(&OCI_INDEX.to_uppercase()));
        for kind in [
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            DOCKER_FOREIGN_LAYER,
        ] {
            assert!(is_nondistributable(kind), "{kind}");
        }
        assert!(![OCI_LAYER, OCI_LAYER_GZIP, DOCKER_LAYER, "", "é"].into_iter().any(is_nondistributable));
    }

    #[test]
    fn only_type_and_subtype_are_valid() {
        assert!(["a/b", OCI_MANIFEST, "application/vnd.in-toto+json"].into_iter().all(is_valid));
        let bad = ["", "a", "a/", "/b", "a/b/c", "a/b c", "a/b\r\n", "a/é", "a/b;c=d", "*/*", "a/+b"];
        assert!(!bad.into_iter().any(is_valid));
        assert!(!is_valid(&format!("a/{}", "b".repeat(254))));
    }
}
