//! Additions: what an artifact brings along to be read, such as an image's history or a chart's README.

mod archive;

use std::str::FromStr;

use bytes::Bytes;
use futures_util::TryStreamExt;
use hythe_blobs::body::BodyStream;
use hythe_metadata::artifact::About;
use hythe_metadata::{blob, manifest};
use hythe_oci::descriptor::Descriptor;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::manifest::{Kind, Manifest};
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use serde_json::{Value, json};

use crate::Registry;
use crate::access::Permit;
use crate::access::rights::artifact_addition as right;
use crate::artifacts::about::{self, about};
use crate::error::{Error, Result};
use crate::manifests::tag_limit::check_digest;
use crate::manifests::{Pulled, unknown_manifest};

/// Bytes of a config that are read, and of one file of an archive.
pub(crate) const LARGEST_FILE: u64 = 1024 * 1024;

const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Documents of a model: its README and its licence, each a layer (ModelPack's `media-types.md`).
const MODEL_DOCUMENT: &str = "application/vnd.cncf.model.doc.v1.";
const MODEL_PATH: &str = "org.cncf.model.filepath";

/// Something to read about an artifact, by Harbor's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// How an image was built, step by step.
    BuildHistory,
    /// The README.
    Readme,
    /// The values that a chart can be installed with.
    Values,
    /// The charts that a chart needs.
    Dependencies,
    /// The licence.
    License,
    /// What files there are.
    Files,
}

/// An addition's bytes and what to serve them as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// A media type with its character set.
    pub media_type: &'static str,
    /// The bytes, at most as many as an archive may hold names of, else [`LARGEST_FILE`].
    pub bytes: Bytes,
}

impl Addition {
    const ALL: [Addition; 6] = [
        Addition::BuildHistory,
        Addition::Readme,
        Addition::Values,
        Addition::Dependencies,
        Addition::License,
        Addition::Files,
    ];

    /// Its name in a path.
    pub fn as_str(self) -> &'static str {
        match self {
            Addition::BuildHistory => "build_history",
            Addition::Readme => "readme.md",
            Addition::Values => "values.yaml",
            Addition::Dependencies => "dependencies",
            Addition::License => "license",
            Addition::Files => "files",
        }
    }

    /// Those that an artifact of this kind may have.
    pub fn of(artifact: &About, kind: Kind) -> &'static [Addition] {
        match artifact.kind.as_str() {
            about::IMAGE | about::WASM if kind == Kind::Image => &[Addition::BuildHistory],
            about::CHART => &[
                Addition::Readme,
                Addition::Values,
                Addition::Dependencies,
                Addition::License,
                Addition::Files,
            ],
            about::CNAI => &[Addition::Readme, Addition::License, Addition::Files],
            _ => &[],
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Addition::BuildHistory | Addition::Dependencies | Addition::Files => {
                "application/json; charset=utf-8"
            }
            Addition::Readme => "text/markdown; charset=utf-8",
            Addition::Values | Addition::License => "text/plain; charset=utf-8",
        }
    }

    /// Whether a file of this name, without its folder, is what is meant.
    fn is_file(self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        match self {
            Addition::Readme => lower == "readme.md",
            Addition::Values => lower == "values.yaml",
            Addition::License => matches!(lower.as_str(), "license" | "license.txt" | "license.md"),
            Addition::BuildHistory | Addition::Dependencies | Addition::Files => false,
        }
    }
}

impl FromStr for Addition {
    type Err = Error;

    /// In any case, as Harbor reads them.
    fn from_str(name: &str) -> Result<Addition> {
        if matches!(name, "vulnerabilities" | "sbom") {
            return Err(Error::unknown(
                ErrorCode::ManifestUnknown,
                format!("there are no {name}: this registry has no scanner"),
            ));
        }
        let found = Addition::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            let known = Addition::ALL.map(Addition::as_str).join(", ");
            Error::bad_request(format!("no addition has this name; the names are {known}"))
        })
    }
}

impl Registry {
    /// Reads an addition of an artifact.
    pub async fn read_addition(
        &self,
        permit: &Permit<right::Read>,
        reference: &Reference,
        addition: Addition,
    ) -> Result<Content> {
        let pulled = self.find_manifest(permit, reference).await?;
        let manifest = Manifest::parse(&pulled.bytes, Some(&pulled.media_type))
            .map_err(|error| Error::internal("the stored manifest cannot be read", error))?;
        let about = about(&manifest, pulled.bytes.len() as u64, &[]);
        let possible = Addition::of(&about, manifest.kind);
        if !possible.contains(&addition) {
            return Err(not_of_this(addition, &about.kind, possible));
        }
        let repository = permit.repository();
        let found = match (addition, about.kind.as_str()) {
            (Addition::BuildHistory, _) => Some(self.list_in_config(repository, &manifest, "history").await?),
            (Addition::Dependencies, _) => {
                Some(self.list_in_config(repository, &manifest, "dependencies").await?)
            }
            (Addition::Files, about::CNAI) => Some(model_files(&manifest)),
            (_, about::CNAI) => self.model_document(repository, &manifest, addition).await?,
            (Addition::Files, _) => Some(self.chart_files(repository, &manifest).await?),
            _ => self.chart_file(repository, &manifest, addition).await?,
        };
        let bytes = found.ok_or_else(|| {
            let name = addition.as_str();
            Error::unknown(ErrorCode::ManifestUnknown, format!("{repository} {reference} holds no {name}"))
        })?;
        Ok(Content { media_type: addition.media_type(), bytes: bytes.into() })
    }

    async fn find_manifest(&self, permit: &Permit<right::Read>, reference: &Reference) -> Result<Pulled> {
        let name = permit.repository();
        let mut c = self.database.connect().await?;
        let found = match reference {
            Reference::Tag(tag) => {
                permit.check_tag(tag)?;
                manifest::pull_by_tag(&mut c, name, tag).await?
            }
            Reference::Digest(digest) => {
                check_digest(&mut c, permit, digest).await?;
                manifest::pull_by_digest(&mut c, name, digest).await?
            }
        };
        found.ok_or_else(|| unknown_manifest(name, reference))
    }

    /// A list that the config holds, empty where it does not.
    async fn list_in_config(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
        field: &str,
    ) -> Result<Vec<u8>> {
        let config = manifest.config.as_ref().ok_or_else(|| unreadable("it has no config"))?;
        let bytes = self.read_small(repository, config).await?;
        let mut read: Value =
            serde_json::from_slice(&bytes).map_err(|_| unreadable("its config is no JSON"))?;
        let list = read.get_mut(field).map(Value::take).filter(Value::is_array);
        Ok(list.unwrap_or_else(|| json!([])).to_string().into_bytes())
    }

    async fn chart_file(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
        addition: Addition,
    ) -> Result<Option<Vec<u8>>> {
        let archive = self.stream(repository, chart_layer(manifest)?).await?;
        // Helm packs a chart into one folder; what lies deeper belongs to the charts it needs.
        archive::find(archive, true, move |path| {
            path.split_once('/').is_some_and(|(_, name)| addition.is_file(name))
        })
        .await
    }

    async fn chart_files(&self, repository: &RepositoryName, manifest: &Manifest) -> Result<Vec<u8>> {
        let files = archive::list(self.stream(repository, chart_layer(manifest)?).await?, true).await?;
        let shown = files.into_iter().map(|(name, size)| file(&name, size));
        Ok(Value::Array(shown.collect()).to_string().into_bytes())
    }

    async fn model_document(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
        addition: Addition,
    ) -> Result<Option<Vec<u8>>> {
        let is_wanted = |layer: &&Descriptor| {
            layer.media_type.starts_with(MODEL_DOCUMENT)
                && layer.annotations.get(MODEL_PATH).is_some_and(|path| addition.is_file(path))
        };
        let Some(layer) = manifest.layers.iter().find(is_wanted) else { return Ok(None) };
        match layer.media_type.strip_prefix(MODEL_DOCUMENT).unwrap_or_default() {
            "raw" => Ok(Some(self.read_small(repository, layer).await?)),
            packed @ ("tar" | "tar+gzip") => {
                let archive = self.stream(repository, layer).await?;
                let is_file = move |path: &str| addition.is_file(path.rsplit('/').next().unwrap_or(path));
                archive::find(archive, packed == "tar+gzip", is_file).await
            }
            other => Err(unreadable(&format!(
                "its documents are packed as {other:?}, not as raw, tar or tar+gzip"
            ))),
        }
    }

    /// All bytes of a blob that should be small.
    pub(crate) async fn read_small(
        &self,
        repository: &RepositoryName,
        wanted: &Descriptor,
    ) -> Result<Vec<u8>> {
        if wanted.size > LARGEST_FILE {
            return Err(unreadable(&format!("{} is larger than {LARGEST_FILE} bytes", wanted.digest)));
        }
        let stream = self.stream(repository, wanted).await?;
        let read = stream.try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        });
        read.await.map_err(|error| hythe_blobs::Error::Body(error).into())
    }

    /// The row says how long a blob is, whatever a manifest says.
    async fn stream(&self, repository: &RepositoryName, wanted: &Descriptor) -> Result<BodyStream> {
        let mut c = self.database.connect().await?;
        let row = blob::find_linked_by_name(&mut c, repository, &wanted.digest).await?;
        drop(c);
        let row = row.ok_or_else(|| unreadable(&format!("{} is not in the repository", wanted.digest)))?;
        if row.size != wanted.size {
            return Err(unreadable(&format!("{} is not as long as the manifest says", wanted.digest)));
        }
        Ok(self.open_blob(&row).await?.stream(0..row.size))
    }
}

/// The archive of a chart; beside it there may be its provenance.
fn chart_layer(manifest: &Manifest) -> Result<&Descriptor> {
    let mut layers = manifest.layers.iter();
    let packed = layers.find(|layer| layer.media_type == CHART_LAYER);
    packed.or(manifest.layers.first()).ok_or_else(|| unreadable("it has no layer"))
}

fn model_files(manifest: &Manifest) -> Vec<u8> {
    let named =
        manifest.layers.iter().filter_map(|layer| Some((layer.annotations.get(MODEL_PATH)?, layer.size)));
    Value::Array(named.map(|(name, size)| file(name, size)).collect()).to_string().into_bytes()
}

/// Harbor's form of a file.
fn file(name: &str, size: u64) -> Value {
    json!({ "name": name, "type": "file", "size": size })
}

fn unreadable(why: &str) -> Error {
    Error::bad_request(format!("the artifact cannot be looked into: {why}"))
}

fn not_of_this(addition: Addition, kind: &str, possible: &[Addition]) -> Error {
    let names: Vec<&str> = possible.iter().map(|addition| addition.as_str()).collect();
    let has = if names.is_empty() { "no additions".to_owned() } else { names.join(", ") };
    Error::bad_request(format!(
        "this artifact has no {}: it is of type {kind} and has {has}",
        addition.as_str()
    ))
}
