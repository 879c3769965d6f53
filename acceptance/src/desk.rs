//! Where a test works: the server, a project of its own, and somebody who acts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::actor::Actor;
use crate::server::{Options, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::Digest;

use crate::answer::Answer;
use crate::shared::Shared;

pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The server, a project that no other test uses, and an HTTP client that follows nothing by itself.
pub struct Desk {
    pub server: Arc<Server>,
    pub http: Client,
    pub project: String,
}

impl Desk {
    /// A public project on a shared server.
    pub async fn at(shared: &Shared) -> Desk {
        Desk::on(shared.server(), true).await
    }

    /// A private project on a shared server.
    pub async fn private_at(shared: &Shared) -> Desk {
        Desk::on(shared.server(), false).await
    }

    /// A public project on a server of its own.
    pub async fn with(options: &Options) -> Desk {
        Desk::on(Arc::new(options.start()), true).await
    }

    pub async fn on(server: Arc<Server>, public: bool) -> Desk {
        let desk = Desk { server, http: client(), project: unique("project") };
        desk.create_project(&desk.project, public).await;
        desk
    }

    /// The repository `NAME` in this desk's project.
    pub fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.project)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.host())
    }

    /// A request by nobody in particular.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// A request by the administrator.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_by(&self.server.administrator(), method, path)
    }

    pub fn request_by(&self, actor: &Actor, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).basic_auth(&actor.name, Some(&actor.password))
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn head(&self, path: &str) -> Answer {
        send(self.request(Method::HEAD, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str) -> Answer {
        send(self.request(Method::POST, path).header("content-length", 0)).await
    }

    pub async fn put(&self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        send(self.request(Method::PUT, path).body(body.into())).await
    }

    pub async fn patch(&self, path: &str, range: &str, body: &[u8]) -> Answer {
        send(self.request(Method::PATCH, path).header("content-range", range).body(body.to_vec())).await
    }

    pub async fn create_project(&self, name: &str, public: bool) {
        let wanted = json!({ "project_name": name, "metadata": { "public": public.to_string() } });
        let made = send(self.request(Method::POST, "/api/v2.0/projects").json(&wanted)).await;
        made.expect(StatusCode::CREATED);
    }

    /// A new user, with a role in this desk's project if one is given.
    pub async fn user(&self, role: Option<i64>) -> Actor {
        let actor = Actor::new(&unique("user"), "Protocol-12345");
        let wanted = json!({ "username": actor.name, "password": actor.password });
        send(self.request(Method::POST, "/api/v2.0/users").json(&wanted)).await.expect(StatusCode::CREATED);
        if let Some(role) = role {
            let member = json!({ "role_id": role, "member_user": { "username": actor.name } });
            let path = format!("/api/v2.0/projects/{}/members", self.project);
            send(self.request(Method::POST, &path).json(&member)).await.expect(StatusCode::CREATED);
        }
        actor
    }

    /// Begins an upload; its path.
    pub async fn start_upload(&self, repository: &str) -> String {
        let started = self.post(&format!("/v2/{repository}/blobs/uploads/")).await;
        started.expect(StatusCode::ACCEPTED).location().to_owned()
    }

    /// Pushes a blob by POST and PUT; its digest.
    pub async fn push_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let (upload, digest) = (self.start_upload(repository).await, digest(bytes));
        self.put(&format!("{upload}?digest={digest}"), bytes).await.expect(StatusCode::CREATED);
        digest
    }

    pub async fn put_manifest(&self, repository: &str, reference: &str, manifest: &Value) -> Answer {
        self.put_bytes(repository, reference, manifest.to_string().as_bytes(), type_of(manifest)).await
    }

    pub async fn put_bytes(
        &self,
        repository: &str,
        reference: &str,
        bytes: &[u8],
        media_type: &str,
    ) -> Answer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        send(self.request(Method::PUT, &path).header("content-type", media_type).body(bytes.to_vec())).await
    }

    /// An image of one configuration and one layer of these words, its blobs pushed and itself not.
    pub async fn image(&self, repository: &str, words: &str) -> Value {
        let (config, layer) = (format!("{{\"words\":\"{words}\"}}"), format!("layer of {words}"));
        self.push_blob(repository, config.as_bytes()).await;
        self.push_blob(repository, layer.as_bytes()).await;
        json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
            "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", layer.as_bytes())],
        })
    }

    /// Pushes an image under a tag; its digest.
    pub async fn push_image(&self, repository: &str, tag: &str, words: &str) -> String {
        let image = self.image(repository, words).await;
        self.put_manifest(repository, tag, &image).await.expect(StatusCode::CREATED);
        digest(image.to_string().as_bytes())
    }

    /// What `GET /service/token` answers.
    pub async fn ask_token(&self, actor: Option<&Actor>, query: &str) -> Answer {
        let path = format!("/service/token?{query}");
        send(match actor {
            Some(actor) => self.request_by(actor, Method::GET, &path),
            None => self.anonymous(Method::GET, &path),
        })
        .await
    }

    /// What `POST /service/token` answers.
    pub async fn ask_token_by_form(&self, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.anonymous(Method::POST, "/service/token").body(body);
        send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// A bearer token for these scopes.
    pub async fn token(&self, actor: Option<&Actor>, scopes: &[&str]) -> String {
        let query: String = scopes.iter().map(|scope| format!("&scope={scope}")).collect();
        let answer = self.ask_token(actor, &format!("service=hythe-registry{query}")).await;
        answer.expect(StatusCode::OK).json()["token"].as_str().unwrap().to_owned()
    }

    pub async fn get_with_token(&self, token: &str, path: &str) -> Answer {
        send(self.anonymous(Method::GET, path).bearer_auth(token)).await
    }

    /// Sends it and reads the whole answer.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        send(request).await
    }
}

async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

/// A client of plain HTTP and of TLS that trusts any certificate, and follows no redirect.
fn client() -> Client {
    builder().build().unwrap()
}

/// What [`client`] is built from, for those who want another protocol.
pub fn builder() -> reqwest::ClientBuilder {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let none = reqwest::redirect::Policy::none();
    Client::builder().redirect(none).no_proxy().tls_danger_accept_invalid_certs(true)
}

pub fn basic(actor: &Actor) -> String {
    format!("Basic {}", STANDARD.encode(actor.credentials()))
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&sha2::Sha256::digest(bytes)))
}

pub fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex(&sha2::Sha512::digest(bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

fn type_of(manifest: &Value) -> &str {
    manifest["mediaType"].as_str().unwrap_or(OCI_MANIFEST)
}

fn unique(word: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{word}{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}
