//! Descriptors: what a manifest says about content it points to (image specification, descriptor.md).

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use crate::digest::Digest;
use crate::media_type;

/// Largest `size` that a descriptor may state, in bytes: the specification's int64.
pub const MAX_SIZE: u64 = i64::MAX as u64;

/// A pointer to content. Unknown fields are ignored and `null` is read as absent, as Go's clients write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Type of the content, printable; empty when a client left it out.
    #[serde(default, deserialize_with = "printable")]
    pub media_type: String,
    /// Digest of the content.
    pub digest: Digest,
    /// Length of the content in bytes, at most [`MAX_SIZE`].
    #[serde(deserialize_with = "size_in_bounds")]
    pub size: u64,
    /// Other places that hold the content.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Annotations by key.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Type of the artifact, where the content is a manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Platform of an image in an index, as the client wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<RawJson>,
    /// The content itself in base64, `size` bytes when decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Descriptor {
    /// Whether the content lives elsewhere, so that a registry need not hold it: its type forbids
    /// distribution, or it names other places.
    pub fn is_foreign(&self) -> bool {
        !self.urls.is_empty() || media_type::is_nondistributable(&self.media_type)
    }

    /// Whether `data`, if there, is base64 of `size` bytes.
    pub(crate) fn has_sound_data(&self) -> bool {
        let Some(data) = &self.data else { return true };
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .is_ok_and(|bytes| u64::try_from(bytes.len()).is_ok_and(|length| length == self.size))
    }
}

/// A piece of JSON kept as it was written; a tree of values would cost a hostile client nothing and us much
/// memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJson {}

/// Reads `null` as the type's default.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Refuses control characters: the type goes on into lists of referrers, and PostgreSQL holds no NUL.
fn printable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text: String = null_as_default(deserializer)?;
    if text.chars().any(char::is_control) {
        return Err(de::Error::custom("a media type must not have control characters"));
    }
    Ok(text)
}

fn size_in_bounds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(deserializer)?;
    if size > MAX_SIZE {
        return Err(de::Error::custom(format_args!("size {size} is over the largest allowed, {MAX_SIZE}")));
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::{Descriptor, MAX_SIZE};

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn read(fields: &str) -> Result<Descriptor, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"digest":"{DIGEST}","size":2{fields}}}"#))
    }

    #[test]
    fn comes_back_from_its_text() {
        let text = format!(
            r#"{{"mediaType":"a/b","digest":"{DIGEST}","size":2,"urls":["u"],"annotations":{{"k":"v"}},"artifactType":"c/d","platform":{{"os": "linux"}},"data":"e30="}}"#
        );
        let descriptor: Descriptor = serde_json::from_str(&text).unwrap();
        assert_eq!(descriptor.platform.as_ref().map(super::RawJson::as_str), Some(r#"{"os": "linux"}"#));
        assert_eq!(serde_json::to_string(&descriptor).unwrap(), text);
        assert!(descriptor.has_sound_data());
    }

    #[test]
    fn absent_fields_are_not_written() {
        let descriptor = read(r#","urls":null,"annotations":{},"platform":null"#).unwrap();
        assert_eq!(
            serde_json::to_string(&descriptor).unwrap(),
            format!(r#"{{"mediaType":"","digest":"{DIGEST}","size":2}}"#)
        );
    }

    #[test]
    fn data_is_as_long_as_the_size() {
        assert!(read("").unwrap().has_sound_data());
        for data in ["", "e30", "e31lAA==", "e3 0=", "é"] {
            assert!(!read(&format!(r#","data":"{data}""#)).unwrap().has_sound_data(), "{data}");
        }
    }

    #[test]
    fn sizes_end_at_the_specifications() {
        let sized =
            |size| serde_json::from_str::<Descriptor>(&format!(r#"{{"digest":"{DIGEST}","size":{size}}}"#));
        assert_eq!(sized(MAX_SIZE).unwrap().size, MAX_SIZE);
        assert!(sized(MAX_SIZE + 1).unwrap_err().to_string().contains("over the largest"));
    }

    #[test]
    fn foreign_by_type_or_by_place() {
        let foreign = |fields| read(fields).unwrap().is_foreign();
        assert!(foreign(r#","urls":["https://store.example"]"#));
        assert!(foreign(r#","mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip""#));
        assert!(!foreign(r#","mediaType":"application/vnd.oci.image.layer.v1.tar","urls":[]"#));
    }
}
