//! schemathesis: the API held against the document that it serves.

use hythe_acceptance::workbench::Workbench;
use reqwest::Method;
use serde_json::json;

use crate::api::Api;

/// What an answer must keep to: no 5xx, a status, content type, headers and a body that the document names.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance";

/// An administrator who is not the first user: examples like `/users/1` must not cut off the branch it sits on.
const NAME: &str = "examiner";
const PASSWORD: &str = "Examiner-12345";

#[test]
fn no_answer_is_outside_the_document() {
    let bench = Workbench::new();
    let api = Api::of(&bench.server);
    furnish(&api);
    let document = format!("http://{}/api/v2.0/openapi.json", bench.server.host());
    let said = bench
        .client("schemathesis")
        .args(["run", &document, "--auth", &format!("{NAME}:{PASSWORD}"), "--checks", CHECKS])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "12", "--max-time", "60"])
        .args(["--workers", "1", "--seed", "1", "--generation-database", "none", "--no-color"])
        .args(["--continue-on-failure", "--suppress-health-check", "all", "--no-shrink"])
        // An address in a request to these makes the server call it; their own tests have real ones.
        .args([
            "--request-timeout",
            "30",
            "--exclude-path-regex",
            "^/(ldap|system/oidc)/|^/identity-sources/.*/ping$",
        ])
        .says();
    println!("{said}");
}

/// Makes the examiner, and something for requests to hit.
fn furnish(api: &Api) {
    let user = json!({ "username": NAME, "password": PASSWORD, "email": "e@examine.test", "realname": "E" });
    api.change(&Method::POST, "/users", &user);
    let made = api.get(&format!("/users?q=username={NAME}"));
    let id =
        made.as_array().unwrap().iter().find(|user| user["username"] == NAME).unwrap()["user_id"].clone();
    api.change(&Method::PUT, &format!("/users/{id}/sysadmin"), &json!({ "sysadmin_flag": true }));
    api.change(&Method::POST, "/projects", &json!({ "project_name": "examined" }));
}
