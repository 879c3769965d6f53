//! Reading a pushed manifest: its JSON first, then its type, then the fields that the type promises.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::descriptor::Descriptor;
use crate::manifest::{Kind, Manifest, ManifestError};
use crate::media_type;
use crate::text::{excerpt, reason};

pub(super) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Manifest, ManifestError> {
    let fields = Fields::read(bytes)?;
    fields.refuse_schema1()?;
    let media_type = fields.choose_media_type(content_type)?;
    let kind = kind_of(&media_type);
    if kind != Kind::Other {
        fields.check_schema_version()?;
        fields.refuse_fields_of_others(kind, &media_type)?;
    }
    fields.build(kind, media_type)
}

/// The fields of any manifest, not yet looked into: what they must hold depends on the type, and text is
/// cheaper to hold than a tree of values. A repeated field is an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow, default)]
    schema_version: Option<&'a RawValue>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(borrow, default)]
    artifact_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    config: Option<&'a RawValue>,
    #[serde(borrow, default)]
    layers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    blobs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    manifests: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subject: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ManifestError> {
        // serde would also read a struct from a JSON array, field by field.
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first.is_some_and(|byte| *byte != b'{') {
            return Err(ManifestError::Malformed { reason: "it is not a JSON object".to_owned() });
        }
        let text =
            str::from_utf8(bytes).map_err(|error| ManifestError::Malformed { reason: reason(error) })?;
        serde_json::from_str(text).map_err(|error| ManifestError::Malformed { reason: reason(error) })
    }

    fn refuse_schema1(&self) -> Result<(), ManifestError> {
        // A version that is no number is no schema 1; an image or an index is refused for it later.
        let states_1 = matches!(self.version(), Ok(Some(1)));
        if states_1 { Err(ManifestError::Schema1) } else { Ok(()) }
    }

    fn check_schema_version(&self) -> Result<(), ManifestError> {
        match self.version()? {
            None | Some(2) => Ok(()),
            Some(version) => Err(ManifestError::SchemaVersion { version }),
        }
    }

    fn version(&self) -> Result<Option<i64>, ManifestError> {
        field("schemaVersion", self.schema_version)
    }

    /// Body, header or shape; see [`Manifest::parse`].
    fn choose_media_type(&self, content_type: Option<&str>) -> Result<String, ManifestError> {
        let in_header = content_type.map(media_type::strip_parameters).filter(|text| !text.is_empty());
        let in_body = self.media_type.as_deref().filter(|text| !text.is_empty());
        let chosen = match (in_body, in_header) {
            (Some(body), Some(header)) if !media_type::is_same(body, header) => {
                check_media_type("mediaType", body)?;
                check_media_type("Content-Type", header)?;
                return Err(ManifestError::MediaTypeMismatch {
                    media_type: body.to_owned(),
                    content_type: header.to_owned(),
                });
            }
            (Some(body), _) => check_media_type("mediaType", body)?,
            (None, Some(header)) => check_media_type("Content-Type", header)?,
            (None, None) => self.guess_media_type()?,
        };
        if media_type::is_schema1(chosen) { Err(ManifestError::Schema1) } else { Ok(chosen.to_owned()) }
    }

    fn guess_media_type(&self) -> Result<&'static str, ManifestError> {
        match (self.config, self.layers, self.manifests) {
            (Some(_), Some(_), None) => Ok(media_type::OCI_MANIFEST),
            (None, None, Some(_)) => Ok(media_type::OCI_INDEX),
            _ => Err(ManifestError::UnknownType),
        }
    }

    fn refuse_fields_of_others(&self, kind: Kind, media_type: &str) -> Result<(), ManifestError> {
        let foreign = match kind {
            Kind::Image => self.manifests.map(|_| "manifests"),
            Kind::Index => self.config.map(|_| "config").or_else(|| self.layers.map(|_| "layers")),
            Kind::Other => None,
        };
        foreign.map_or(Ok(()), |field| {
            Err(ManifestError::Ambiguous { media_type: media_type.to_owned(), field })
        })
    }

    fn build(self, kind: Kind, media_type: String) -> Result<Manifest, ManifestError> {
        let reader = Reader { strict: kind != Kind::Other };
        let mut layers: Vec<Descriptor> = reader.list("layers", self.layers)?;
        if kind == Kind::Other {
            layers.extend(reader.list("blobs", self.blobs)?);
        }
        let manifest = Manifest {
            kind,
            artifact_type: reader.artifact_type(self.artifact_type)?,
            config: reader.one("config", self.config)?,
            layers,
            manifests: reader.list("manifests", self.manifests)?,
            subject: reader.one("subject", self.subject)?,
            annotations: reader.read("annotations", self.annotations)?.unwrap_or_default(),
            media_type,
        };
        if kind == Kind::Image && manifest.config.is_none() {
            return Err(ManifestError::Missing { media_type: manifest.media_type, field: "config" });
        }
        Ok(manifest)
    }
}

/// Reads fields; those of a type that nobody here knows may hold anything, and count only where they fit.
struct Reader {
    strict: bool,
}

impl Reader {
    fn read<T: DeserializeOwned>(
        &self,
        name: &'static str,
        raw: Option<&RawValue>,
    ) -> Result<Option<T>, ManifestError> {
        match field(name, raw) {
            Err(_) if !self.strict => Ok(None),
            read => read,
        }
    }

    fn one(&self, name: &'static str, raw: Option<&RawValue>) -> Result<Option<Descriptor>, ManifestError> {
        let descriptor = self.read(name, raw)?;
        descriptor.iter().try_for_each(|descriptor| self.check_data(name, descriptor))?;
        Ok(descriptor)
    }

    fn list(&self, name: &'static str, raw: Option<&RawValue>) -> Result<Vec<Descriptor>, ManifestError> {
        let descriptors: Vec<Descriptor> = self.read(name, raw)?.unwrap_or_default();
        descriptors.iter().try_for_each(|descriptor| self.check_data(name, descriptor))?;
        Ok(descriptors)
    }

    fn artifact_type(&self, raw: Option<&RawValue>) -> Result<Option<String>, ManifestError> {
        let name = "artifactType";
        let artifact_type = self.read::<String>(name, raw)?.filter(|text| !text.is_empty());
        match artifact_type {
            Some(text) if text.chars().any(char::is_control) && self.strict => {
                Err(ManifestError::MediaTypeInvalid { source_name: name, media_type: excerpt(&text) })
            }
            Some(text) if text.chars().any(char::is_control) => Ok(None),
            other => Ok(other),
        }
    }

    fn check_data(&self, field: &'static str, descriptor: &Descriptor) -> Result<(), ManifestError> {
        if !self.strict || descriptor.has_sound_data() {
            return Ok(());
        }
        Err(ManifestError::Data { field, digest: descriptor.digest, size: descriptor.size })
    }
}

fn field<T: DeserializeOwned>(
    name: &'static str,
    raw: Option<&RawValue>,
) -> Result<Option<T>, ManifestError> {
    raw.map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|error| ManifestError::Field { field: name, reason: reason(error) })
}

fn kind_of(media_type: &str) -> Kind {
    if media_type::is_image_manifest(media_type) {
        Kind::Image
    } else if media_type::is_index(media_type) {
        Kind::Index
    } else {
        Kind::Other
    }
}

fn check_media_type<'a>(source_name: &'static str, text: &'a str) -> Result<&'a str, ManifestError> {
    if media_type::is_valid(text) {
        Ok(text)
    } else {
        Err(ManifestError::MediaTypeInvalid { source_name, media_type: excerpt(text) })
    }
}
