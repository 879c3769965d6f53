//! Content of any kind, pushed as clients push it: blobs, then the manifest that names them.

use flate2::Compression;
use flate2::write::GzEncoder;
use hythe_acceptance::actor::Actor;
use hythe_acceptance::server::Server;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::{Builder, Runtime};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const CHART_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// Pushes to one repository as the administrator.
pub(crate) struct Pusher {
    root: Url,
    actor: Actor,
    http: Client,
    runtime: Runtime,
}

impl Pusher {
    pub(crate) fn to(server: &Server, repository: &str) -> Pusher {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Pusher {
            root: format!("http://{}/v2/{repository}/", server.host()).parse().unwrap(),
            actor: server.administrator(),
            http: Client::builder().no_proxy().build().unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// A blob; its descriptor.
    pub(crate) fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let begun = self.send(self.request(Method::POST, self.root.join("blobs/uploads/").unwrap()));
        let location = begun.headers()["location"].to_str().unwrap();
        let mut place = self.root.join(location).unwrap();
        place.query_pairs_mut().append_pair("digest", &digest_of(bytes));
        self.send(self.request(Method::PUT, place).body(bytes.to_vec()));
        descriptor(media_type, bytes)
    }

    /// A manifest of this media type; its descriptor.
    pub(crate) fn manifest(&self, media_type: &str, mut content: Value, tag: Option<&str>) -> Value {
        content["schemaVersion"] = json!(2);
        content["mediaType"] = json!(media_type);
        let bytes = content.to_string().into_bytes();
        let digest = digest_of(&bytes);
        let place = self.root.join(&format!("./manifests/{}", tag.unwrap_or(&digest))).unwrap();
        let put = self.request(Method::PUT, place).header("content-type", media_type);
        self.send(put.body(bytes.clone()));
        descriptor(media_type, &bytes)
    }

    /// An image of one layer for an architecture; its descriptor within an index.
    pub(crate) fn image(&self, architecture: &str, tag: Option<&str>) -> Value {
        let config = json!({
            "architecture": architecture, "os": "linux", "author": "somebody", "created": "2026-01-02T03:04:06Z",
            "config": { "Cmd": ["/app"] },
            "history": [{ "created_by": "COPY app /app" }, { "created_by": "CMD [\"/app\"]", "empty_layer": true }],
        });
        let layer = self.blob(LAYER, &packed(&[("app", architecture)]));
        let config = self.blob(CONFIG, config.to_string().as_bytes());
        let mut image = self.manifest(MANIFEST, json!({ "config": config, "layers": [layer] }), tag);
        image["platform"] = json!({ "architecture": architecture, "os": "linux" });
        image
    }

    /// An index of images.
    pub(crate) fn index(&self, images: &[&Value], tag: &str) -> Value {
        self.manifest(INDEX, json!({ "manifests": images }), Some(tag))
    }

    /// A chart of these files, which needs another one.
    pub(crate) fn chart(&self, files: &[(&str, &str)], tag: &str) -> Value {
        let needs = json!([{ "name": "redis", "version": "1.0.0", "repository": "oci://charts.test" }]);
        let config = json!({ "name": "demo", "version": tag, "apiVersion": "v2", "dependencies": needs });
        let config = self.blob(CHART_CONFIG, config.to_string().as_bytes());
        let layer = self.blob(CHART_LAYER, &packed(files));
        self.manifest(MANIFEST, json!({ "config": config, "layers": [layer] }), Some(tag))
    }

    fn request(&self, method: Method, place: Url) -> RequestBuilder {
        self.http.request(method, place).basic_auth(&self.actor.name, Some(&self.actor.password))
    }

    #[track_caller]
    fn send(&self, request: RequestBuilder) -> Response {
        let answer = self.runtime.block_on(async { request.send().await.unwrap() });
        let (status, place) = (answer.status(), answer.url().clone());
        assert!(matches!(status, StatusCode::CREATED | StatusCode::ACCEPTED), "{place}: {status}");
        answer
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest_of(bytes), "size": bytes.len() })
}

fn digest_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A tar archive, compressed.
fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}
