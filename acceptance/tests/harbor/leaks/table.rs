//! Who may use which endpoint. Whoever adds an endpoint adds it here.

use reqwest::Method;

/// Whose business an endpoint is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// Everybody may ask, signed in or not, and is shown what they may see.
    Anybody,
    /// Whoever is signed in, about themselves or what they may see.
    SignedIn,
    /// Administrators of the system.
    Administrators,
    /// Members of the project; whether a guest, and a robot that may pull and list, are among them.
    Members { guest: bool, robot: bool },
}

/// One operation of the document, with a body and a query that would do if one were allowed.
pub(super) struct Endpoint {
    method: &'static str,
    pub(super) path: &'static str,
    pub(super) who: Who,
    pub(super) query: &'static str,
    pub(super) body: &'static str,
}

impl Endpoint {
    /// `METHOD /path`, as the document has it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    const fn query(self, query: &'static str) -> Endpoint {
        Endpoint { query, ..self }
    }

    const fn body(self, body: &'static str) -> Endpoint {
        Endpoint { body, ..self }
    }
}

const fn on(method: &'static str, path: &'static str, who: Who) -> Endpoint {
    Endpoint { method, path, who, query: "", body: "" }
}

use Who::{Administrators, Anybody, SignedIn};

/// Nobody but roles above a guest.
const ABOVE: Who = Who::Members { guest: false, robot: false };
/// A guest, but not this robot.
const GUEST: Who = Who::Members { guest: true, robot: false };
/// A guest and this robot.
const BOTH: Who = Who::Members { guest: true, robot: true };

pub(super) const ENDPOINTS: &[Endpoint] = &[
    on("GET", "/ping", Anybody),
    on("GET", "/health", Anybody),
    on("GET", "/systeminfo", Anybody),
    on("GET", "/openapi.json", Anybody),
    on("GET", "/search", Anybody).query("?q={project}"),
    on("GET", "/projects", Anybody).query("?name={project}"),
    on("POST", "/projects", Administrators).body(r#"{"project_name":"made"}"#),
    on("GET", "/projects/{project}", GUEST),
    on("PUT", "/projects/{project}", ABOVE).body(r#"{"metadata":{"public":"true"}}"#),
    on("DELETE", "/projects/{project}", ABOVE),
    on("GET", "/projects/{project}/members", GUEST),
    on("GET", "/projects/{project}/repositories", BOTH),
    on("GET", "/users", Administrators),
    on("GET", "/users/current", SignedIn),
    on("GET", "/configurations", Administrators),
    on("PUT", "/configurations", Administrators).body(r#"{"read_only":true}"#),
    on("GET", "/identity-sources", Administrators),
    on("POST", "/identity-sources", Administrators)
        .body(r#"{"name":"made","kind":"ldap","settings":{"url":"ldap://127.0.0.1:1","base_dn":"dc=x"}}"#),
    on("GET", "/identity-sources/{source}", Administrators),
    on("PUT", "/identity-sources/{source}", Administrators).body(r#"{"enabled":false}"#),
    on("DELETE", "/identity-sources/{source}", Administrators),
    on("POST", "/identity-sources/{source}/ping", Administrators).body("{}"),
    on("POST", "/ldap/ping", Administrators).body("{}"),
    on("GET", "/ldap/users/search", Administrators).query("?username=a"),
    on("GET", "/ldap/groups/search", Administrators).query("?groupname=a"),
    on("POST", "/ldap/users/import", Administrators).body(r#"{"ldap_uid_list":["a"]}"#),
    on("POST", "/system/oidc/ping", Administrators).body(r#"{"url":"http://127.0.0.1:1"}"#),
    on("GET", "/usergroups", Administrators),
    on("POST", "/usergroups", Administrators).body(r#"{"group_name":"made","group_type":3}"#),
    on("GET", "/usergroups/search", SignedIn).query("?groupname=a"),
    on("GET", "/usergroups/{group}", Administrators),
    on("PUT", "/usergroups/{group}", Administrators).body(r#"{"group_name":"made"}"#),
    on("DELETE", "/usergroups/{group}", Administrators),
];
