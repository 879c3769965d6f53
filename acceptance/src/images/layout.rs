//! Writing an OCI image layout: blobs by digest, `index.json` with one tag.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::noise;
use super::tar::{self, Entry};

const CHUNK: usize = 1 << 20;
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A finished image: a layout with one tag.
pub struct Image {
    folder: PathBuf,
    tag: &'static str,
}

impl Image {
    pub(super) fn new(folder: PathBuf, tag: &'static str) -> Image {
        Image { folder, tag }
    }

    /// The layout's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `FOLDER:TAG`, after the client's own word for a layout (`oci:`, `ocidir://`, nothing).
    pub fn reference(&self) -> String {
        format!("{}:{}", self.folder.display(), self.tag)
    }

    /// The digest of the tagged manifest or index.
    pub fn digest(&self) -> String {
        let index: Value =
            serde_json::from_slice(&fs::read(self.folder.join("index.json")).unwrap()).unwrap();
        index["manifests"][0]["digest"].as_str().unwrap().to_owned()
    }

    /// Bytes of one blob.
    pub fn blob(&self, digest: &str) -> Vec<u8> {
        fs::read(self.folder.join("blobs").join(digest.replace(':', "/"))).unwrap()
    }
}

/// A layout in the making.
pub struct Layout {
    root: PathBuf,
    tag: &'static str,
}

impl Layout {
    pub(super) fn create(root: &Path, tag: &'static str) -> Layout {
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Layout { root: root.to_path_buf(), tag }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A layer with these entries.
    pub(super) fn layer(&self, entries: &[Entry]) -> Value {
        self.blob(LAYER, &tar::archive(entries))
    }

    /// A layer with one file of `size` bytes that do not compress, never whole in memory.
    pub(super) fn large_layer(&self, name: &str, size: u64) -> Value {
        let path = self.root.join("layer");
        let mut file = File::create(&path).unwrap();
        file.write_all(&tar::file_header(name, size)).unwrap();
        let mut chunk = noise(size, CHUNK);
        for index in 0..size / CHUNK as u64 {
            chunk[..8].copy_from_slice(&index.to_le_bytes());
            file.write_all(&chunk).unwrap();
        }
        file.write_all(&[0; 1024]).unwrap();
        self.adopt_layer(&path)
    }

    /// Moves a tar file in as a layer.
    pub(super) fn adopt_layer(&self, path: &Path) -> Value {
        let (digest, size) = digest_of_file(path);
        fs::rename(path, self.root.join("blobs/sha256").join(&digest)).unwrap();
        descriptor(LAYER, &digest, size)
    }

    /// An image of these layers.
    pub(super) fn image(&self, architecture: &str, layers: &[Value]) -> Value {
        let diff_ids: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let config = json!({
            "architecture": architecture, "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"]},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = self.blob(CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        let mut image = self.blob(MANIFEST, manifest.to_string().as_bytes());
        image["platform"] = json!({"architecture": architecture, "os": "linux"});
        image
    }

    /// An index over these images.
    pub(super) fn index(&self, images: &[Value]) -> Value {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
        self.blob(INDEX, index.to_string().as_bytes())
    }

    /// Writes `index.json` with this one manifest under the layout's tag.
    pub(super) fn tag(&self, manifest: &Value) {
        let mut manifest = manifest.clone();
        manifest["annotations"] = json!({"org.opencontainers.image.ref.name": self.tag});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]});
        fs::write(self.root.join("index.json"), index.to_string()).unwrap();
    }

    fn blob(&self, media_type: &str, bytes: &[u8]) -> Value {
        let digest = hex(&Sha256::digest(bytes));
        fs::write(self.root.join("blobs/sha256").join(&digest), bytes).unwrap();
        descriptor(media_type, &digest, bytes.len() as u64)
    }
}

fn descriptor(media_type: &str, digest: &str, size: u64) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size})
}

fn digest_of_file(path: &Path) -> (String, u64) {
    let mut file = File::open(path).unwrap();
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut chunk).unwrap();
        if read == 0 {
            return (hex(&hash.finalize()), size);
        }
        hash.update(&chunk[..read]);
        size += read as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
