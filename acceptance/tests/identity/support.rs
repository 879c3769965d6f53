//! Where a test works: a server, its administrator, and sources to sign in through.

use std::time::{Duration, Instant};

use hythe_acceptance::directory::{self, Directory};
use hythe_acceptance::server::{Options, Server};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A server, and a client that follows nothing by itself.
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) http: Client,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text))
    }

    pub(crate) fn expect(self, status: StatusCode) -> Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let none = reqwest::redirect::Policy::none();
        let http = Client::builder().redirect(none).no_proxy().build().unwrap();
        Desk { server: Options::default().start(), http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.host())
    }

    /// A request to the API by somebody.
    pub(crate) async fn ask_as(
        &self,
        who: (&str, &str),
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let url = self.url(&format!("/api/v2.0{path}"));
        let mut request = self.http.request(method, url).basic_auth(who.0, Some(who.1));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status();
        Answer { status, location: location.unwrap_or_default(), text: response.text().await.unwrap() }
    }

    /// A request to the API by the administrator.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let administrator = self.server.administrator();
        self.ask_as((&administrator.name, &administrator.password), method, path, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.expect(StatusCode::OK).json()
    }

    /// Makes a source; its path.
    pub(crate) async fn add_source(&self, name: &str, kind: &str, settings: Value) -> String {
        let wanted = json!({ "name": name, "kind": kind, "settings": settings });
        let made = self.ask(Method::POST, "/identity-sources", Some(wanted)).await;
        made.expect(StatusCode::CREATED).location.trim_start_matches("/api/v2.0").to_owned()
    }

    /// Makes a private project with one repository in it that an administrator pushed to.
    pub(crate) async fn add_project(&self, name: &str) {
        let wanted = json!({ "project_name": name, "metadata": { "public": "false" } });
        self.ask(Method::POST, "/projects", Some(wanted)).await.expect(StatusCode::CREATED);
    }

    /// Gives a directory's group a role in a project.
    pub(crate) async fn add_group_member(&self, project: &str, dn: &str, role: i64) {
        let wanted = json!({ "role_id": role, "member_group": { "group_type": 1, "ldap_group_dn": dn } });
        let made = self.ask(Method::POST, &format!("/projects/{project}/members"), Some(wanted)).await;
        made.expect(StatusCode::CREATED);
    }

    /// What `GET /users/current` says to somebody, or the status of its refusal.
    pub(crate) async fn who_is(&self, name: &str, password: &str) -> Result<Value, (StatusCode, String)> {
        let answer = self.ask_as((name, password), Method::GET, "/users/current", None).await;
        match answer.status {
            StatusCode::OK => Ok(answer.json()),
            status => Err((status, answer.text)),
        }
    }

    /// What a token for this scope grants somebody: the actions, in order; as docker and its kin ask for it.
    pub(crate) async fn granted(&self, who: (&str, &str), repository: &str, actions: &str) -> Vec<String> {
        let path = format!("/service/token?service=hythe-registry&scope=repository:{repository}:{actions}");
        let response = self.http.get(self.url(&path)).basic_auth(who.0, Some(who.1)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body: Value = response.json().await.unwrap();
        let claims = claims(body["token"].as_str().unwrap());
        let access = claims["access"].as_array().cloned().unwrap_or_default();
        let actions =
            access.iter().flat_map(|entry| entry["actions"].as_array().cloned().unwrap_or_default());
        actions.map(|action| action.as_str().unwrap().to_owned()).collect()
    }
}

/// The claims of a token, unchecked.
fn claims(token: &str) -> Value {
    use base64::Engine;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Settings of a source that asks this directory over StartTLS.
pub(crate) fn settings(directory: &Directory) -> Value {
    json!({
        "url": directory.url(),
        "start_tls": true,
        "ca_certificate": directory.authority(),
        "bind_dn": directory.search_account(),
        "bind_password": directory::PASSWORD,
        "base_dn": directory.base(),
        "cache_seconds": 1,
        "timeout_seconds": 3,
    })
}

/// These settings with some changed.
pub(crate) fn with(mut settings: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: not within 60 s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    begun.elapsed()
}
