//! A browser, as far as a sign-in needs one: cookies, redirects and forms.

use std::collections::BTreeMap;

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use url::Url;

/// Cookies by host and port, so that two servers on one machine do not share them.
pub(crate) struct Browser {
    http: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// Where the browser ended up.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    location: Option<Url>,
}

impl Page {
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Browser {
    pub(crate) fn new() -> Browser {
        let none = reqwest::redirect::Policy::none();
        let http = Client::builder().redirect(none).no_proxy().build().unwrap();
        Browser { http, cookies: BTreeMap::new() }
    }

    /// Opens an address and follows redirects, up to one that leads to `stop`, which is not opened.
    pub(crate) async fn open_until(&mut self, url: &str, stop: &str) -> Page {
        let mut page = self.send(Method::GET, url.parse().unwrap(), None).await;
        while let Some(next) = page.location.clone() {
            if next.path() == stop {
                return Page { url: next, location: None, ..page };
            }
            page = self.send(Method::GET, next, None).await;
        }
        page
    }

    /// Opens an address and follows redirects to the end.
    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.open_until(url, "nowhere").await
    }

    /// Fills in the provider's form of this kind and follows where it leads, up to `stop`.
    pub(crate) async fn submit(&mut self, page: &Page, prompt: &str, name: &str, stop: &str) -> Page {
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        let action = page.text.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        let action = page.url.join(action).unwrap();
        let form = format!("prompt={prompt}&login={name}&password=whatever");
        let answer = self.send(Method::POST, action, Some(form)).await;
        let next = answer.location.unwrap_or_else(|| panic!("{}: {}", answer.status, answer.text));
        self.open_until(next.as_str(), stop).await
    }

    /// Signs in at the provider as somebody, and comes back.
    pub(crate) async fn sign_in(&mut self, login: &str, name: &str, stop: &str) -> Page {
        let form = self.open(login).await;
        let consent = self.submit(&form, "login", name, stop).await;
        if consent.url.path() == stop {
            return consent;
        }
        self.submit(&consent, "consent", name, stop).await
    }

    pub(crate) fn cookie(&self, url: &str, name: &str) -> Option<String> {
        let url: Url = url.parse().unwrap();
        self.cookies.get(url.authority())?.get(name).cloned()
    }

    /// A request with JSON, as a page's script makes it.
    pub(crate) async fn script(
        &mut self,
        method: Method,
        url: &str,
        csrf: Option<&str>,
        body: &Value,
    ) -> Page {
        let mut request = self.http.request(method, url).json(body);
        if let Some(csrf) = csrf {
            request = request.header("x-harbor-csrf-token", csrf);
        }
        self.finish(url.parse().unwrap(), request).await
    }

    async fn send(&mut self, method: Method, url: Url, form: Option<String>) -> Page {
        let mut request = self.http.request(method, url.clone());
        if let Some(form) = form {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        }
        self.finish(url, request).await
    }

    async fn finish(&mut self, url: Url, request: reqwest::RequestBuilder) -> Page {
        let jar = self.cookies.entry(url.authority().to_owned()).or_default();
        let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => drop(jar.remove(name)),
                value => drop(jar.insert(name.to_owned(), value.to_owned())),
            }
        }
        let location = response.headers().get("location").map(|to| url.join(to.to_str().unwrap()).unwrap());
        Page { status: response.status(), location, text: response.text().await.unwrap(), url }
    }
}
