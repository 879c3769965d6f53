//! Things to push, and paths to find them under.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::desk::{Desk, OCI_INDEX, OCI_MANIFEST, descriptor, digest};

/// The media type of an image's config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

impl Desk {
    /// The path of a repository's artifacts. `name` is without its project; slashes are encoded as Harbor's clients do.
    pub fn artifacts(&self, name: &str) -> String {
        format!("{}/artifacts", self.path(name))
    }

    /// The path of a repository.
    pub fn path(&self, name: &str) -> String {
        format!("/api/v2.0/projects/{}/repositories/{}", self.project, name.replace('/', "%252F"))
    }

    /// A page that must be there, as a list.
    pub async fn page(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await.expect(StatusCode::OK);
        answer.json().as_array().unwrap().clone()
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Pushes a manifest of these layers and this config under a tag or by its digest; its digest.
    pub async fn push(&self, name: &str, tag: Option<&str>, manifest: &Value) -> String {
        let digest = digest(manifest.to_string().as_bytes());
        let reference = tag.unwrap_or(&digest);
        self.put_manifest(&self.repository(name), reference, manifest).await.expect(StatusCode::CREATED);
        digest
    }

    /// A manifest with a config of this type and text and one layer; its blobs are pushed, itself not.
    pub async fn made_of(&self, name: &str, media_type: &str, config: &str, words: &str) -> Value {
        let repository = self.repository(name);
        self.push_blob(&repository, config.as_bytes()).await;
        self.push_blob(&repository, words.as_bytes()).await;
        json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": descriptor(media_type, config.as_bytes()),
            "layers": [descriptor(LAYER, words.as_bytes())],
        })
    }

    /// An image for a processor, pushed; its manifest and its digest.
    pub async fn push_for(&self, name: &str, tag: Option<&str>, architecture: &str) -> (Value, String) {
        let config = json!({
            "architecture": architecture, "os": "linux", "author": "ada", "created": "2026-01-02T03:04:05Z",
            "config": { "Env": ["A=1"], "Labels": { "maintainer": "nobody" } },
            "history": [{ "created_by": "COPY . /" }],
        });
        let image = self.made_of(name, CONFIG, &config.to_string(), &format!("layer {architecture}")).await;
        let digest = self.push(name, tag, &image).await;
        (image, digest)
    }

    /// An index of two images, pushed under a tag; the digests of the index and of its parts.
    pub async fn push_index(&self, name: &str, tag: &str) -> (String, [String; 2]) {
        let (amd, first) = self.push_for(name, None, "amd64").await;
        let (arm, second) = self.push_for(name, None, "arm64").await;
        let part = |manifest: &Value, architecture: &str| {
            let mut part = descriptor(OCI_MANIFEST, manifest.to_string().as_bytes());
            part["platform"] = json!({ "architecture": architecture, "os": "linux", "os.version": "6" });
            part
        };
        let index = json!({
            "schemaVersion": 2, "mediaType": OCI_INDEX,
            "manifests": [part(&amd, "amd64"), part(&arm, "arm64")],
        });
        (self.push(name, Some(tag), &index).await, [first, second])
    }

    /// Something that belongs to a manifest, pushed by its digest; that.
    pub async fn push_accessory(&self, name: &str, subject: &Value, artifact_type: &str) -> String {
        let mut accessory = self.made_of(name, "application/vnd.oci.empty.v1+json", "{}", "signature").await;
        accessory["artifactType"] = json!(artifact_type);
        accessory["subject"] = descriptor(OCI_MANIFEST, subject.to_string().as_bytes());
        self.push(name, None, &accessory).await
    }
}

/// One field of every entry.
pub fn field(list: &[Value], name: &str) -> Vec<String> {
    list.iter().map(|entry| entry[name].as_str().unwrap_or_default().to_owned()).collect()
}
