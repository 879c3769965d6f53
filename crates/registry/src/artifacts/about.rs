//! What a manifest is, in Harbor's words: its type, its media type, its size, and what it belongs to.

use hythe_metadata::artifact::{About, Accessory};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::manifest::{Kind, Manifest};
use hythe_oci::media_type;
use hythe_oci::tag::Tag;

/// An image, or an index of images.
pub const IMAGE: &str = "IMAGE";
/// A Helm chart.
pub const CHART: &str = "CHART";
/// A bundle of the Cloud Native Application Bundle specification.
pub const CNAB: &str = "CNAB";
/// A model of the ModelPack specification.
pub const CNAI: &str = "CNAI";
/// A WebAssembly module.
pub const WASM: &str = "WASM";
/// A bill of materials that Harbor made.
pub const SBOM: &str = "SBOM";
/// Nothing that is known.
pub const UNKNOWN: &str = "UNKNOWN";

const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CNAB_MANIFEST: &str = "application/vnd.cnab.manifest.v1";
const MODEL_MANIFEST: &str = "application/vnd.cncf.model.manifest.v1+json";
const WASM_CONFIG: &str = "application/vnd.wasm.config.v1+json";
const HARBOR_SBOM: &str = "application/vnd.goharbor.harbor.sbom.v1";

/// Annotations by which an image says that it holds WebAssembly.
const WASM_ANNOTATIONS: [(&str, &str); 2] =
    [("module.wasm.image/variant", "compat"), ("run.oci.handler", "wasm")];

/// Where a bundle, which is an index, says what it is.
const INDEX_TYPE: &str = "org.opencontainers.artifactType";

/// Layers of a signature that cosign attaches by tag.
const COSIGN_LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// On the last layer of an image that nydus made for another.
const NYDUS_BOOTSTRAP: &str = "containerd.io/snapshot/nydus-bootstrap";

/// What a manifest of so many bytes is. The tags are those it is pushed under.
pub(crate) fn about(manifest: &Manifest, length: u64, tags: &[Tag]) -> About {
    let media_type = media_type_of(manifest);
    let artifact_type = manifest.referrer_type().unwrap_or_default().to_owned();
    let resolved = if artifact_type.is_empty() { &media_type } else { &artifact_type };
    About {
        kind: kind_of(manifest, &media_type, resolved),
        size: size_of(manifest, length),
        accessory: accessory_of(manifest, tags),
        media_type,
        artifact_type,
    }
}

fn media_type_of(manifest: &Manifest) -> String {
    let config = manifest.config.as_ref().map(|config| config.media_type.as_str());
    match manifest.kind {
        Kind::Image if is_wasm(manifest) => WASM_CONFIG.to_owned(),
        Kind::Image => config.unwrap_or_default().to_owned(),
        Kind::Index => manifest.annotations.get(INDEX_TYPE).unwrap_or(&manifest.media_type).clone(),
        Kind::Other => config.unwrap_or(&manifest.media_type).to_owned(),
    }
}

fn is_wasm(manifest: &Manifest) -> bool {
    WASM_ANNOTATIONS.iter().any(|(name, value)| manifest.annotations.get(*name).is_some_and(|is| is == value))
}

/// By the artifact's own type, then by its config's: an image with a type of its own that nobody knows stays an image
/// where its config is one.
fn kind_of(manifest: &Manifest, media_type: &str, resolved: &str) -> String {
    for wanted in [resolved, media_type] {
        if let Some(known) = known(wanted) {
            return known.to_owned();
        }
    }
    if manifest.kind == Kind::Index {
        return IMAGE.to_owned();
    }
    [media_type, resolved]
        .into_iter()
        .find_map(vendors_word)
        .map_or_else(|| UNKNOWN.to_owned(), str::to_uppercase)
}

fn known(media_type: &str) -> Option<&'static str> {
    match media_type {
        media_type::OCI_CONFIG
        | media_type::DOCKER_CONFIG
        | media_type::OCI_INDEX
        | media_type::DOCKER_MANIFEST_LIST => Some(IMAGE),
        HELM_CONFIG => Some(CHART),
        CNAB_MANIFEST => Some(CNAB),
        MODEL_MANIFEST => Some(CNAI),
        WASM_CONFIG => Some(WASM),
        HARBOR_SBOM => Some(SBOM),
        _ => None,
    }
}

/// The middle of `application/vnd.VENDOR.WORD.config.VERSION+json` (Harbor's `processor/default.go`).
fn vendors_word(media_type: &str) -> Option<&str> {
    let (_vendor, rest) = media_type.strip_prefix("application/vnd.")?.split_once('.')?;
    let (word, version) = rest.rsplit_once(".config.")?;
    version.strip_suffix("+json").filter(|version| !version.contains('.'))?;
    Some(word).filter(|word| !word.is_empty())
}

/// The manifest and all blobs it names. The parts of an index have rows of their own.
fn size_of(manifest: &Manifest, length: u64) -> u64 {
    let blobs = manifest.config.iter().chain(&manifest.layers).map(|blob| blob.size);
    blobs.fold(length, u64::saturating_add).min(i64::MAX as u64)
}

/// What it says it is about; else what its tag says, for clients from before manifests could say it.
fn accessory_of(manifest: &Manifest, tags: &[Tag]) -> Option<Accessory> {
    if let Some(subject) = &manifest.subject {
        let kind = accessory_kind(manifest).to_owned();
        return Some(Accessory { subject: subject.digest, kind });
    }
    let signs = manifest.layers.iter().any(|layer| layer.media_type == COSIGN_LAYER);
    let subject = tags.iter().find_map(signed_by_tag).filter(|_| signs)?;
    Some(Accessory { subject, kind: "signature.cosign".to_owned() })
}

/// Harbor's `middleware/subject`.
fn accessory_kind(manifest: &Manifest) -> &'static str {
    match manifest.referrer_type().unwrap_or_default() {
        media_type::OCI_CONFIG | media_type::DOCKER_CONFIG if is_nydus(manifest) => "accelerator.nydus",
        "application/vnd.cncf.notary.signature" => "signature.notation",
        "application/vnd.dev.cosign.artifact.sig.v1+json"
        | "application/vnd.dev.sigstore.bundle.v0.3+json" => "signature.cosign",
        HARBOR_SBOM => "sbom.harbor",
        _ => "subject.accessory",
    }
}

fn is_nydus(manifest: &Manifest) -> bool {
    manifest.layers.last().is_some_and(|layer| layer.annotations.contains_key(NYDUS_BOOTSTRAP))
}

/// `sha256-HEX.sig` is cosign's signature of `sha256:HEX`.
fn signed_by_tag(tag: &Tag) -> Option<Digest> {
    let hex = tag.as_str().strip_prefix("sha256-")?.strip_suffix(".sig")?;
    format!("{}:{hex}", Algorithm::Sha256.as_str()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn image(config: &str, rest: &str) -> Manifest {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{config}","digest":"{EMPTY}","size":2}},
                "layers":[{{"mediaType":"{COSIGN_LAYER}","digest":"{EMPTY}","size":5}}]{rest}}}"#,
            media_type::OCI_MANIFEST
        );
        Manifest::parse(text.as_bytes(), None).unwrap()
    }

    #[test]
    fn a_config_tells_what_an_image_is() {
        for (config, kind) in [
            (media_type::OCI_CONFIG, IMAGE),
            (media_type::DOCKER_CONFIG, IMAGE),
            (HELM_CONFIG, CHART),
            (WASM_CONFIG, WASM),
            ("application/vnd.caicloud.model.config.v1alpha1+json", "MODEL"),
            ("application/vnd.caicloud.model.config.v1.1+json", UNKNOWN),
            (media_type::OCI_EMPTY, UNKNOWN),
        ] {
            let about = about(&image(config, ""), 10, &[]);
            assert_eq!((about.kind.as_str(), about.media_type.as_str()), (kind, config));
            assert_eq!((about.size, about.accessory), (17, None));
        }
    }

    #[test]
    fn an_artifacts_own_type_goes_first() {
        let model = image(media_type::OCI_EMPTY, &format!(r#","artifactType":"{MODEL_MANIFEST}""#));
        assert_eq!(about(&model, 1, &[]).kind, CNAI);
        let image = image(media_type::OCI_CONFIG, r#","artifactType":"application/x-mine""#);
        let about = about(&image, 1, &[]);
        assert_eq!((about.kind.as_str(), about.artifact_type.as_str()), (IMAGE, "application/x-mine"));
    }

    #[test]
    fn an_index_is_an_image_unless_it_says_otherwise() {
        let index = |annotations: &str| {
            let text = format!(
                r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[],"annotations":{annotations}}}"#,
                media_type::OCI_INDEX
            );
            about(&Manifest::parse(text.as_bytes(), None).unwrap(), 9, &[]).kind
        };
        assert_eq!(index("{}"), IMAGE);
        assert_eq!(index(&format!(r#"{{"{INDEX_TYPE}":"{CNAB_MANIFEST}"}}"#)), CNAB);
    }

    #[test]
    fn signatures_know_what_they_sign() {
        let tag: Tag = format!("{}.sig", EMPTY.replace(':', "-")).parse().unwrap();
        let signature = about(&image(media_type::OCI_CONFIG, ""), 1, &[tag]).accessory.unwrap();
        assert_eq!(
            (signature.subject.to_string().as_str(), signature.kind.as_str()),
            (EMPTY, "signature.cosign")
        );
        let subject = format!(
            r#","artifactType":"application/vnd.cncf.notary.signature",
            "subject":{{"mediaType":"{}","digest":"{EMPTY}","size":2}}"#,
            media_type::OCI_MANIFEST
        );
        let signature = about(&image(media_type::OCI_EMPTY, &subject), 1, &[]).accessory.unwrap();
        assert_eq!(signature.kind, "signature.notation");
    }
}
