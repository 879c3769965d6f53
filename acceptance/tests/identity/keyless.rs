//! Robots without secrets: an issuer over HTTPS that signs a job's token, real clients, and the commands that set it up.

use hythe_acceptance::client::Client;
use hythe_acceptance::issuer::{Issuer, SUBJECT};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::Desk;

const ROBOT: &str = "robot_team+ci";

/// A desk with a private project and a robot that may pull and push there; the path of its rules.
async fn desk_with_robot() -> (Desk, String) {
    let desk = Desk::new();
    desk.add_project("team").await;
    let access = json!([
        { "resource": "repository", "action": "pull" }, { "resource": "repository", "action": "push" },
    ]);
    let robot = json!({
        "name": "ci", "level": "project", "duration": -1,
        "permissions": [{ "kind": "project", "namespace": "team", "access": access }],
    });
    let made = desk.ask(Method::POST, "/robots", Some(robot)).await.expect(StatusCode::CREATED).json();
    (desk, format!("/robots/{}/trust-rules", made["id"]))
}

/// What the token endpoint answers to a form.
async fn exchanged(desk: &Desk, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = desk.http.post(desk.url("/service/token")).body(body);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn exchange(token: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("subject_token", token),
        ("client_id", ROBOT),
        ("scope", "repository:team/app:pull,push,delete"),
    ]
}

#[tokio::test]
async fn a_job_exchanges_its_token_for_ours() {
    let (desk, rules) = desk_with_robot().await;
    let issuer = Issuer::start();
    desk.ask(Method::POST, &rules, Some(issuer.rule())).await.expect(StatusCode::CREATED);
    let token = issuer.token("main");
    let (status, answer) = exchanged(&desk, &exchange(&token)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["issued_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(
        (&answer["token_type"], &answer["scope"]),
        (&json!("Bearer"), &json!("repository:team/app:pull,push"))
    );
    let bearer = answer["access_token"].as_str().unwrap();
    let upload =
        desk.http.post(desk.url("/v2/team/app/blobs/uploads/")).bearer_auth(bearer).send().await.unwrap();
    assert_eq!(upload.status(), StatusCode::ACCEPTED);

    let assertion = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", &token),
        ("client_id", ROBOT),
    ];
    assert_eq!(exchanged(&desk, &assertion).await.0, StatusCode::OK);

    let events = desk.get("/auditlog-exts?q=operation=login,username=robot_team%2Bci").await;
    assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
    assert!(events[0].to_string().contains(SUBJECT), "{events}");
}

#[tokio::test]
async fn what_is_not_taken_is_said_in_the_words_of_oauth() {
    let (desk, rules) = desk_with_robot().await;
    let issuer = Issuer::start();
    desk.ask(Method::POST, &rules, Some(issuer.rule())).await.expect(StatusCode::CREATED);
    let token = issuer.token("dev");
    let (status, answer) = exchanged(&desk, &exchange(&token)).await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
    assert!(answer["error_description"].as_str().unwrap().contains(SUBJECT), "{answer}");
    assert_eq!(answer["errors"][0]["code"], "UNAUTHORIZED");
    for missing in ["subject_token_type", "subject_token", "client_id"] {
        let form: Vec<_> = exchange(&token).into_iter().filter(|(name, _)| *name != missing).collect();
        let (status, answer) = exchanged(&desk, &form).await;
        assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")));
        assert!(answer["error_description"].as_str().unwrap().contains(missing), "{answer}");
    }
    let refused = desk.get("/auditlog-exts?q=operation=login,operation_result=false").await;
    assert!(refused.to_string().contains("the claim ref is refs/heads/dev"), "{refused}");
}

/// Without the authority in the rule its issuer's certificate is nobody's.
#[tokio::test]
async fn an_issuer_whose_certificate_nobody_vouches_for_is_not_believed() {
    let (desk, rules) = desk_with_robot().await;
    let issuer = Issuer::start();
    let mut rule = issuer.rule();
    rule.as_object_mut().unwrap().remove("ca_certificate");
    desk.ask(Method::POST, &rules, Some(rule)).await.expect(StatusCode::CREATED);
    let (status, answer) = exchanged(&desk, &exchange(&issuer.token("main"))).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("temporarily_unavailable"))
    );
    assert!(answer["error_description"].as_str().unwrap().contains(&issuer.url), "{answer}");
}

#[tokio::test]
async fn a_job_signs_in_with_docker_words_until_its_rule_is_gone() {
    let (desk, rules) = desk_with_robot().await;
    let issuer = Issuer::start();
    let place =
        desk.ask(Method::POST, &rules, Some(issuer.rule())).await.expect(StatusCode::CREATED).location;
    let home = TempDir::new().unwrap();
    let login = |branch: &str| {
        Client::new("skopeo", home.path())
            .args([
                "login",
                "--tls-verify=false",
                "--authfile",
                "auth.json",
                "--username",
                ROBOT,
                "--password",
            ])
            .args([&issuer.token(branch), &desk.server.host()])
    };
    assert!(login("main").succeeds().contains("Login Succeeded"));
    let said = login("dev").fails();
    assert!(
        said.contains("401") || said.to_lowercase().contains("unauthorized") || said.contains("invalid"),
        "{said}"
    );

    let shown = desk.get(&rules).await;
    assert_eq!(shown[0]["claims"], json!({ "repository": "team/*", "ref": "refs/heads/main" }));
    let mut changed = issuer.rule();
    changed["claims"]["ref"] = json!("refs/heads/dev");
    let place = place.trim_start_matches("/api/v2.0").to_owned();
    desk.ask(Method::PUT, &place, Some(changed)).await.expect(StatusCode::OK);
    assert!(login("dev").succeeds().contains("Login Succeeded"));
    desk.ask(Method::DELETE, &place, None).await.expect(StatusCode::OK);
    login("dev").fails();
    desk.ask(Method::GET, &place, None).await.expect(StatusCode::NOT_FOUND);
}
