//! The API asked directly, to see what clients have done.

use hythe_acceptance::actor::Actor;
use hythe_acceptance::images;
use hythe_acceptance::server::Server;
use hythe_acceptance::workbench::Workbench;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// Somebody who asks.
pub(crate) struct Api {
    root: String,
    actor: Option<Actor>,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Api {
    /// The administrator.
    pub(crate) fn of(server: &Server) -> Api {
        Api::at(format!("http://{}", server.host()), server.administrator())
    }

    /// Somebody else at the same server.
    pub(crate) fn by(&self, name: &str, password: &str) -> Api {
        Api::at(self.root.clone(), Actor::new(name, password))
    }

    /// The same server, asked without a name.
    pub(crate) fn by_nobody(&self) -> Api {
        Api { actor: None, ..self.by("", "") }
    }

    fn at(root: String, actor: Actor) -> Api {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Api { root, actor: Some(actor), http, runtime }
    }

    /// What is at a path below `/api/v2.0`.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(&Method::GET, path, None);
        assert_eq!(status, StatusCode::OK, "GET {path}: {body}");
        body
    }

    /// Sends a body that must be taken.
    #[track_caller]
    pub(crate) fn change(&self, method: &Method, path: &str, body: &Value) {
        let (status, said) = self.send(method, path, Some(body));
        assert!(status.is_success(), "{method} {path}: {status} {said}");
    }

    /// Makes something; the last part of its `Location`.
    #[track_caller]
    pub(crate) fn make(&self, path: &str, body: &Value) -> String {
        let asked = self.request(&Method::POST, path, Some(body));
        let answer = self.runtime.block_on(async { asked.send().await.unwrap() });
        let status = answer.status();
        let location = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let said = self.runtime.block_on(async { answer.text().await.unwrap() });
        assert_eq!(status, StatusCode::CREATED, "POST {path}: {said}");
        location.unwrap().rsplit('/').next().unwrap().to_owned()
    }

    /// Any request; an empty answer is an empty text.
    pub(crate) fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let request = self.request(method, path, body);
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
        })
    }

    fn request(&self, method: &Method, path: &str, body: Option<&Value>) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method.clone(), format!("{}/api/v2.0{path}", self.root));
        if let Some(actor) = &self.actor {
            request = request.basic_auth(&actor.name, Some(&actor.password));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request
    }

    /// What a path of the server itself says to anybody.
    pub(crate) fn text(&self, path: &str) -> String {
        let asked = self.http.get(format!("{}{path}", self.root));
        self.runtime.block_on(async { asked.send().await.unwrap().text().await.unwrap() })
    }

    /// The names of everything that a client may have made.
    pub(crate) fn inventory(&self) -> Value {
        let names = |path: &str, field: &str| -> Value {
            let listed = self.get(path);
            listed.as_array().unwrap().iter().map(|thing| thing[field].clone()).collect()
        };
        json!({
            "projects": names("/projects?page_size=100", "name"),
            "users": names("/users?page_size=100", "username"),
            "groups": names("/usergroups?page_size=100", "group_name"),
            "labels": names("/labels?scope=g&page_size=100", "name"),
            "robots": names("/robots?page_size=100", "name"),
        })
    }

    /// Values of the configuration.
    pub(crate) fn settings(&self, names: &[&str]) -> Value {
        let configuration = self.get("/configurations");
        names.iter().map(|name| configuration[*name]["value"].clone()).collect()
    }
}

/// Copies the small image to `PROJECT/NAME:TAG`, as the administrator.
pub(crate) fn push(bench: &Workbench, name: &str) {
    let auth = bench.sign_in_by_file("auth.json");
    let layout = format!("oci:{}", images::busybox().folder().display());
    let copy = bench.client("skopeo").args(["copy", "--dest-tls-verify=false", "--dest-authfile"]).arg(auth);
    copy.arg(layout).arg(format!("docker://{}", bench.image(name))).succeeds();
}
