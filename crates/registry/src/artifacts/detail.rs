//! What the config of an artifact says: read when somebody first looks, and kept with the artifact's row.

use std::collections::BTreeMap;

use bytes::BytesMut;
use futures_util::{StreamExt, TryStreamExt, stream};
use hythe_metadata::artifact::{self, About, Artifact};
use hythe_metadata::{blob, manifest};
use hythe_oci::descriptor::Descriptor;
use hythe_oci::digest::Digest;
use hythe_oci::manifest::{Kind, Manifest};
use hythe_oci::media_type;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::about::{IMAGE, UNKNOWN, WASM, about};
use crate::Registry;
use crate::error::Result;

/// No config that is written for people to read is as large.
const LARGEST_CONFIG: u64 = 1024 * 1024;

/// More than this of a config is not kept.
const LARGEST_DETAIL: usize = 256 * 1024;

/// Configs of one page that are read at the same time.
const AT_ONCE: usize = 8;

/// A layer of this annotation is the artifact's icon (Harbor's `annotation/v1alpha1.go`).
const ICON: &str = "io.goharbor.artifact.v1alpha1.icon";

/// Fields of the config, by commas, that its maker does not want shown; the same file.
const SKIP_LIST: &str = "io.goharbor.artifact.v1alpha1.skip-list";

/// Labels of an image that name its author, where the config does not.
const AUTHORS: [&str; 2] = ["org.opencontainers.image.authors", "maintainer"];

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// What the config says, by name.
    pub extra_attrs: BTreeMap<String, Value>,
    /// The digest of the icon; empty for none.
    pub icon: String,
    /// The parts of an index.
    pub parts: Vec<PartDetail>,
}

/// What an index says about a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartDetail {
    /// Its digest.
    pub digest: Digest,
    /// What it is for.
    pub platform: Option<Value>,
    /// The annotations that the index gives to it.
    pub annotations: BTreeMap<String, String>,
    /// Other places where it is.
    pub urls: Vec<String>,
}

impl Registry {
    /// The details of these artifacts, in their order. What is read for the first time is kept; if that fails it is
    /// read again the next time.
    pub(super) async fn details(&self, rows: &mut [Artifact]) -> Result<Vec<Detail>> {
        let reads: Vec<_> = rows.iter().map(|row| self.detail(row)).collect();
        let read: Vec<(Detail, Option<About>)> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let mut fresh = Vec::new();
        for (row, (detail, about)) in rows.iter_mut().zip(&read) {
            if let Some(about) = about {
                row.about = about.clone();
                fresh.push((row.id, about.clone(), text_of(detail)));
            }
        }
        if !fresh.is_empty()
            && let Err(error) = self.keep_details(fresh).await
        {
            tracing::debug!(%error, "what the configs of artifacts say could not be kept");
        }
        Ok(read.into_iter().map(|(detail, _)| detail).collect())
    }

    async fn keep_details(&self, fresh: Vec<(i64, About, String)>) -> Result<()> {
        self.database
            .transaction(move |c| {
                let fresh = fresh.clone();
                Box::pin(async move {
                    for (id, about, detail) in &fresh {
                        artifact::update_about(c, *id, about, detail).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }

    /// The detail, and what the artifact is if that is to be written down with it.
    async fn detail(&self, row: &Artifact) -> Result<(Detail, Option<About>)> {
        if let Some(kept) = row.detail.as_deref().and_then(|text| serde_json::from_str(text).ok()) {
            return Ok((kept, None));
        }
        let mut c = self.database.connect().await?;
        let found = manifest::find(&mut c, row.repository_id, &row.digest).await?;
        drop(c);
        let Some(found) = found else { return Ok((Detail::default(), None)) };
        let Ok(manifest) = Manifest::parse(&found.bytes, Some(&found.media_type)) else {
            return Ok((Detail::default(), None));
        };
        let is = if row.about.kind.is_empty() {
            About { accessory: row.about.accessory.clone(), ..about(&manifest, found.size, &[]) }
        } else {
            row.about.clone()
        };
        match self.read_config(row.repository_id, &manifest).await {
            Ok(config) => Ok((detail_of(&manifest, &is.kind, config), Some(is))),
            Err(error) => {
                tracing::debug!(%error, digest = %row.digest, "the config of an artifact cannot be read now");
                Ok((detail_of(&manifest, &is.kind, None), None))
            }
        }
    }

    /// The config as a JSON object; none where there is none that can be shown.
    async fn read_config(
        &self,
        repository_id: i64,
        manifest: &Manifest,
    ) -> Result<Option<Map<String, Value>>> {
        let Some(config) =
            manifest.config.as_ref().filter(|config| config.media_type != media_type::OCI_EMPTY)
        else {
            return Ok(None);
        };
        let bytes = self.read_small_blob(repository_id, config, LARGEST_CONFIG).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The bytes of a blob of the repository; none if it is not there or larger than `most`.
    async fn read_small_blob(
        &self,
        repository_id: i64,
        wanted: &Descriptor,
        most: u64,
    ) -> Result<Option<BytesMut>> {
        let mut c = self.database.connect().await?;
        let found = blob::find_linked(&mut c, repository_id, &wanted.digest).await?;
        drop(c);
        let Some(row) = found.filter(|row| row.size <= most) else { return Ok(None) };
        let opened = self.open_blob(&row).await?;
        let mut stream = opened.stream(0..row.size);
        let mut bytes = BytesMut::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| crate::Error::internal("a stored blob ended early", error))?;
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }
}

fn text_of(detail: &Detail) -> String {
    let text = serde_json::to_string(detail).unwrap_or_default();
    if text.len() <= LARGEST_DETAIL {
        return text;
    }
    let short = Detail { extra_attrs: BTreeMap::new(), ..detail.clone() };
    serde_json::to_string(&short).unwrap_or_default()
}

fn detail_of(manifest: &Manifest, kind: &str, config: Option<Map<String, Value>>) -> Detail {
    let mut extra_attrs = config.map(|config| attributes(kind, config)).unwrap_or_default();
    if let Some(skipped) = manifest.config.as_ref().and_then(|config| config.annotations.get(SKIP_LIST)) {
        skipped.split(',').for_each(|name| {
            extra_attrs.remove(name);
        });
    }
    let icon = manifest.layers.iter().find(|layer| layer.annotations.contains_key(ICON));
    Detail {
        extra_attrs,
        icon: icon.map(|layer| layer.digest.to_string()).unwrap_or_default(),
        parts: if manifest.kind == Kind::Index { parts_of(manifest) } else { Vec::new() },
    }
}

/// Of an image what people ask about; of what has a name of its own everything; of the unknown nothing.
fn attributes(kind: &str, config: Map<String, Value>) -> BTreeMap<String, Value> {
    match kind {
        IMAGE | WASM => of_image(&config),
        UNKNOWN => BTreeMap::new(),
        _ => config.into_iter().collect(),
    }
}

fn of_image(config: &Map<String, Value>) -> BTreeMap<String, Value> {
    let field = |name: &str| config.get(name).cloned().unwrap_or_default();
    let mut shown: BTreeMap<String, Value> = ["created", "architecture", "os", "config"]
        .into_iter()
        .map(|name| (name.to_owned(), field(name)))
        .collect();
    shown.insert("author".to_owned(), Value::String(author(config).to_owned()));
    shown
}

fn author(config: &Map<String, Value>) -> &str {
    let label = |name: &str| config.get("config")?.get("Labels")?.get(name)?.as_str();
    let named = config.get("author").and_then(Value::as_str);
    let mut all = named.into_iter().chain(AUTHORS.into_iter().filter_map(label));
    all.find(|author| !author.is_empty()).unwrap_or_default()
}

fn parts_of(manifest: &Manifest) -> Vec<PartDetail> {
    let part = |part: &Descriptor| PartDetail {
        digest: part.digest,
        platform: part.platform.as_ref().and_then(|platform| serde_json::from_str(platform.as_str()).ok()),
        annotations: part.annotations.clone(),
        urls: part.urls.clone(),
    };
    manifest.manifests.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn of_an_image_only_what_people_ask_about_is_shown() {
        let config = object(json!({
            "os": "linux", "architecture": "arm64", "rootfs": {}, "history": [],
            "config": {"Labels": {"maintainer": "ada"}}
        }));
        let shown = attributes(IMAGE, config);
        assert_eq!(
            serde_json::to_value(shown).unwrap(),
            json!({"os": "linux", "architecture": "arm64", "created": null, "author": "ada",
                "config": {"Labels": {"maintainer": "ada"}}})
        );
    }

    #[test]
    fn of_what_is_known_everything_and_of_the_unknown_nothing() {
        let config = object(json!({"name": "nginx", "version": "1"}));
        assert_eq!(attributes("CHART", config.clone()).len(), 2);
        assert!(attributes(UNKNOWN, config).is_empty());
    }

    #[test]
    fn a_large_detail_is_kept_without_the_config() {
        let attrs = BTreeMap::from([("a".to_owned(), Value::String("x".repeat(LARGEST_DETAIL)))]);
        let detail = Detail { extra_attrs: attrs, icon: "i".to_owned(), parts: Vec::new() };
        let kept: Detail = serde_json::from_str(&text_of(&detail)).unwrap();
        assert_eq!((kept.extra_attrs.len(), kept.icon.as_str()), (0, "i"));
    }
}
