//! Who may use which endpoint. Whoever adds an endpoint adds it here.

use reqwest::Method;

/// Whose business an endpoint is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    /// Everybody may ask, signed in or not, and is shown what they may see.
    Anybody,
    /// Whoever is signed in, about themselves or what they may see.
    SignedIn,
    /// There is no such thing, whoever asks.
    Nobody,
    /// About oneself; about others only for those who may see the reasons.
    Explained,
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

use Who::{Administrators, Anybody, Explained, Nobody, SignedIn};

/// Nobody but roles above a guest.
const ABOVE: Who = Who::Members { guest: false, robot: false };
/// A guest, but not this robot.
const GUEST: Who = Who::Members { guest: true, robot: false };
/// A guest and this robot.
const BOTH: Who = Who::Members { guest: true, robot: true };

/// A rule about tags.
const RULE: &str = r#"{"tag_selectors":[{"kind":"doublestar","decoration":"matches","pattern":"made-*"}],
    "scope_selectors":{"repository":[{"kind":"doublestar","decoration":"repoMatches","pattern":"**"}]}}"#;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    on("GET", "/ping", Anybody),
    on("GET", "/auditlog-exts", Administrators),
    on("GET", "/audit-logs", Administrators),
    on("GET", "/auditlog-exts/events", Administrators),
    on("GET", "/auditlog-exts/export", Administrators),
    on("GET", "/projects/{project}/auditlog-exts", ABOVE),
    on("GET", "/projects/{project}/logs", ABOVE),
    on("GET", "/jobs", Administrators),
    on("GET", "/jobs/{job}", Administrators),
    on("PUT", "/jobs/{job}/stop", Administrators),
    on("GET", "/jobs/{job}/log", Administrators),
    on("GET", "/jobservice/pools", Administrators),
    on("GET", "/jobservice/pools/{pool_id}/workers", Administrators),
    on("GET", "/jobservice/pools/{pool_id}/jobs", Administrators),
    on("PUT", "/jobservice/jobs/{job_id}", Administrators),
    on("GET", "/jobservice/jobs/{job_id}/log", Administrators),
    on("GET", "/jobservice/queues", Administrators),
    on("PUT", "/jobservice/queues/{job_type}", Administrators).body(r#"{"action":"resume"}"#),
    on("GET", "/schedules", Administrators),
    on("GET", "/schedules/{job_type}/paused", SignedIn),
    on("GET", "/system/purgeaudit", Administrators),
    on("GET", "/system/purgeaudit/{purge_id}", Administrators),
    on("PUT", "/system/purgeaudit/{purge_id}", Administrators),
    on("GET", "/system/purgeaudit/{purge_id}/log", Administrators),
    on("GET", "/system/purgeaudit/schedule", Administrators),
    on("POST", "/system/purgeaudit/schedule", Administrators)
        .body(r#"{"schedule":{"type":"Manual"},"parameters":{"audit_retention_hour":1,"dry_run":true}}"#),
    on("PUT", "/system/purgeaudit/schedule", Administrators).body(r#"{"schedule":{"type":"None"}}"#),
    on("GET", "/health", Anybody),
    on("GET", "/systeminfo", Anybody),
    on("GET", "/systeminfo/volumes", Administrators),
    on("GET", "/systeminfo/settings", Administrators),
    on("GET", "/systeminfo/getcert", Nobody),
    on("GET", "/statistics", SignedIn),
    on("GET", "/statistics/activity", Administrators),
    on("GET", "/nodes", Administrators),
    on("GET", "/doctor", Administrators),
    on("GET", "/events", Administrators),
    on("GET", "/system/storage-audit", Administrators),
    on("POST", "/system/storage-audit", Administrators).body("{}"),
    on("GET", "/system/storage-audit/schedule", Administrators),
    on("POST", "/system/storage-audit/schedule", Administrators).body(r#"{"schedule":{"type":"Manual"}}"#),
    on("PUT", "/system/storage-audit/schedule", Administrators).body(r#"{"schedule":{"type":"None"}}"#),
    on("GET", "/system/storage-audit/{audit}", Administrators),
    on("GET", "/system/storage-audit/{audit}/log", Administrators),
    on("GET", "/quotas", Administrators).query("?reference=project&reference_id={project_id}"),
    on("GET", "/quotas/{quota}", Administrators),
    on("PUT", "/quotas/{quota}", Administrators).body(r#"{"hard":{"storage":-1}}"#),
    on("POST", "/quotas/{quota}/recount", Administrators),
    on("GET", "/permissions", SignedIn),
    on("GET", "/permissions/matrix", Anybody),
    on("GET", "/permissions/explain", Explained)
        .query("?resource=project&action=list&principal={project}-user"),
    on("GET", "/roles", SignedIn),
    on("POST", "/roles", Administrators).body(r#"{"name":"made","permissions":["repository:pull"]}"#),
    on("GET", "/roles/{role}", SignedIn),
    on("PUT", "/roles/{role}", Administrators).body(r#"{"name":"made","permissions":["repository:pull"]}"#),
    on("DELETE", "/roles/{role}", Administrators),
    on("GET", "/system/gc", Administrators),
    on("GET", "/system/gc/schedule", Administrators),
    on("POST", "/system/gc/schedule", Administrators).body(r#"{"schedule":{"type":"Manual"}}"#),
    on("PUT", "/system/gc/schedule", Administrators).body(r#"{"schedule":{"type":"None"}}"#),
    on("GET", "/system/gc/{gc_id}", Administrators),
    on("PUT", "/system/gc/{gc_id}", Administrators),
    on("GET", "/system/gc/{gc_id}/log", Administrators),
    on("GET", "/trash", Administrators),
    on("DELETE", "/trash", Administrators).query("?repository=absent/app"),
    on("POST", "/trash/restore", Administrators).body(r#"{"repository":"absent/app"}"#),
    on("GET", "/projects/{project}/trash", ABOVE),
    on("DELETE", "/projects/{project}/trash", ABOVE).query("?repository={project}/absent"),
    on("POST", "/projects/{project}/trash/restore", ABOVE).body(r#"{"repository":"{project}/absent"}"#),
    on("GET", "/search", Anybody).query("?q={project}"),
    on("GET", "/projects", Anybody).query("?name={project}"),
    on("HEAD", "/projects", SignedIn).query("?project_name=made"),
    on("POST", "/projects", Administrators).body(r#"{"project_name":"made"}"#),
    on("GET", "/projects/{project}", GUEST),
    on("PUT", "/projects/{project}", ABOVE).body(r#"{"metadata":{"public":"true"}}"#),
    on("DELETE", "/projects/{project}", ABOVE),
    on("GET", "/projects/{project}/_deletable", ABOVE),
    on("GET", "/projects/{project}/summary", GUEST),
    on("GET", "/projects/{project}/metadatas/", ABOVE),
    on("POST", "/projects/{project}/metadatas/", ABOVE).body(r#"{"public":"true"}"#),
    on("GET", "/projects/{project}/metadatas/{name}", ABOVE),
    on("PUT", "/projects/{project}/metadatas/{name}", ABOVE).body(r#"{"public":"true"}"#),
    on("DELETE", "/projects/{project}/metadatas/{name}", ABOVE),
    on("GET", "/projects/{project}/members", GUEST),
    on("POST", "/projects/{project}/members", ABOVE)
        .body(r#"{"role_id":1,"member_user":{"username":"guest"}}"#),
    on("GET", "/projects/{project}/members/{member}", GUEST),
    on("PUT", "/projects/{project}/members/{member}", ABOVE).body(r#"{"role_id":1}"#),
    on("DELETE", "/projects/{project}/members/{member}", ABOVE),
    on("GET", "/projects/{project}/grants", ABOVE),
    on("POST", "/projects/{project}/grants", ABOVE)
        .body(r#"{"role_id":1,"repository":"den/*","member_user":{"username":"guest"}}"#),
    on("GET", "/projects/{project}/grants/{grant}", ABOVE),
    on("DELETE", "/projects/{project}/grants/{grant}", ABOVE),
    on("GET", "/projects/{project}/permissions/explain", Explained)
        .query("?resource=repository&action=pull&principal={project}-user"),
    on("GET", "/repositories", Anybody).query("?q=name=~{project}"),
    on("GET", "/projects/{project}/repositories", BOTH),
    on("GET", "/projects/{project}/repositories/{repository}", GUEST),
    on("PUT", "/projects/{project}/repositories/{repository}", ABOVE).body(r#"{"description":"made"}"#),
    on("DELETE", "/projects/{project}/repositories/{repository}", ABOVE),
    on("GET", "/projects/{project}/repositories/{repository}/tags/{tag}/history", BOTH),
    on("POST", "/projects/{project}/repositories/{repository}/artifacts/{reference}/labels", ABOVE)
        .body(r#"{"id":1}"#),
    on("DELETE", "/projects/{project}/repositories/{repository}/artifacts/{reference}/labels/{label}", ABOVE),
    on(
        "GET",
        "/projects/{project}/repositories/{repository}/artifacts/{reference}/additions/{addition}",
        GUEST,
    ),
    on("GET", "/projects/{project}/artifacts", GUEST),
    on("GET", "/projects/{project}/repositories/{repository}/artifacts", GUEST),
    on("POST", "/projects/{project}/repositories/{repository}/artifacts", ABOVE)
        .query("?from={project}/{repository}:{reference}"),
    on("GET", "/projects/{project}/repositories/{repository}/artifacts/{reference}", GUEST),
    on("DELETE", "/projects/{project}/repositories/{repository}/artifacts/{reference}", ABOVE),
    on("GET", "/projects/{project}/repositories/{repository}/artifacts/{reference}/tags", GUEST),
    on("POST", "/projects/{project}/repositories/{repository}/artifacts/{reference}/tags", ABOVE)
        .body(r#"{"name":"made"}"#),
    on("DELETE", "/projects/{project}/repositories/{repository}/artifacts/{reference}/tags/{tag}", ABOVE),
    on("GET", "/projects/{project}/repositories/{repository}/artifacts/{reference}/accessories", GUEST),
    on("GET", "/projects/{project}/immutabletagrules", GUEST),
    on("POST", "/projects/{project}/immutabletagrules", ABOVE).body(RULE),
    on("PUT", "/projects/{project}/immutabletagrules/{immutable_rule}", ABOVE).body(RULE),
    on("DELETE", "/projects/{project}/immutabletagrules/{immutable_rule}", ABOVE),
    on("GET", "/retentions/metadatas", Anybody),
    on("POST", "/retentions", ABOVE).body(r#"{"rules":[],"scope":{"level":"project","ref":987654301}}"#),
    on("GET", "/retentions/{retention}", ABOVE),
    on("PUT", "/retentions/{retention}", ABOVE).body(r#"{"rules":[]}"#),
    on("DELETE", "/retentions/{retention}", ABOVE),
    on("POST", "/retentions/{retention}/executions", ABOVE).body(r#"{"dry_run":true}"#),
    on("GET", "/retentions/{retention}/executions", ABOVE),
    on("PATCH", "/retentions/{retention}/executions/{execution}", ABOVE).body(r#"{"action":"stop"}"#),
    on("GET", "/retentions/{retention}/executions/{execution}/tasks", ABOVE),
    on("GET", "/retentions/{retention}/executions/{execution}/tasks/{task}", ABOVE),
    on("GET", "/retentions/{retention}/executions/{execution}/tasks/{task}/decisions", ABOVE),
    on("GET", "/icons/{digest}", Nobody),
    on("GET", "/labels", GUEST).query("?scope=p&project_id={project_id}"),
    on("POST", "/labels", Administrators).body(r##"{"name":"made","scope":"g","color":"#000000"}"##),
    on("GET", "/labels/{label}", GUEST),
    on("PUT", "/labels/{label}", ABOVE).body(r#"{"name":"made"}"#),
    on("DELETE", "/labels/{label}", ABOVE),
    on("GET", "/robots", GUEST).query("?q=Level=project,ProjectID={project_id}"),
    on("POST", "/robots", Administrators).body(
        r#"{"name":"made","level":"system","duration":-1,"permissions":
            [{"kind":"project","namespace":"*","access":[{"resource":"repository","action":"pull"}]}]}"#,
    ),
    on("GET", "/robots/{robot}", GUEST),
    on("PUT", "/robots/{robot}", ABOVE).body(r#"{"permissions":[]}"#),
    on("PATCH", "/robots/{robot}", ABOVE).body(r#"{"secret":"Outsider-54321"}"#),
    on("DELETE", "/robots/{robot}", ABOVE),
    on("GET", "/projects/{project}/robots", GUEST),
    on("POST", "/projects/{project}/robots", ABOVE)
        .body(r#"{"name":"made","access":[{"resource":"repository","action":"pull"}]}"#),
    on("GET", "/projects/{project}/robots/{robot}", GUEST),
    on("PUT", "/projects/{project}/robots/{robot}", ABOVE).body(r#"{"disable":true}"#),
    on("DELETE", "/projects/{project}/robots/{robot}", ABOVE),
    on("GET", "/robots/{robot}/trust-rules", GUEST),
    on("POST", "/robots/{robot}/trust-rules", ABOVE).body(
        r#"{"name":"made","issuer":"https://127.0.0.1:1","audience":"here","claims":{"sub":"somebody"}}"#,
    ),
    on("GET", "/robots/{robot}/trust-rules/{rule}", GUEST),
    on("PUT", "/robots/{robot}/trust-rules/{rule}", ABOVE).body(
        r#"{"name":"made","issuer":"https://127.0.0.1:1","audience":"here","claims":{"sub":"somebody"}}"#,
    ),
    on("DELETE", "/robots/{robot}/trust-rules/{rule}", ABOVE),
    on("GET", "/users", Administrators),
    on("POST", "/users", Administrators).body(r#"{"username":"made","password":"Outsider-12345"}"#),
    on("GET", "/users/search", SignedIn).query("?username=guest"),
    on("GET", "/users/{user}", Administrators),
    on("PUT", "/users/{user}", Administrators).body(r#"{"realname":"made"}"#),
    on("DELETE", "/users/{user}", Administrators),
    on("PUT", "/users/{user}/sysadmin", Administrators).body(r#"{"sysadmin_flag":true}"#),
    on("PUT", "/users/{user}/password", Administrators).body(r#"{"new_password":"Outsider-54321"}"#),
    on("PUT", "/users/{user}/cli_secret", Nobody).body(r#"{"secret":"Outsider-54321"}"#),
    on("GET", "/users/current", SignedIn),
    on("GET", "/users/current/permissions", SignedIn).query("?scope=/project/{project_id}"),
    on("GET", "/users/current/tokens", SignedIn),
    on("POST", "/users/current/tokens", SignedIn).body(r#"{"name":"made"}"#),
    on("DELETE", "/users/current/tokens/{token}", SignedIn),
    on("GET", "/users/current/sessions", SignedIn),
    on("DELETE", "/users/current/sessions/{session}", SignedIn),
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
