//! What the log tells of a request, what it never tells, and what the runtime says of itself.

use hythe_acceptance::actor::Actor;
use hythe_acceptance::desk::{Desk, basic, digest};
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{await_line, eventually, log_lines};

#[tokio::test]
async fn the_request_id_of_an_answer_is_that_of_its_log_lines_which_name_the_caller() {
    let desk = Desk::with(&Options::default().variable("HYTHE_LOG_FILTER", "debug")).await;
    let repository = desk.repository("a");
    let missing = desk.get(&format!("/v2/{repository}/manifests/none")).await;
    let upload = desk.start_upload(&repository).await;
    let wrong =
        desk.put(&format!("{upload}?digest={}", digest(b"b")), "a").await.refused(400, "DIGEST_INVALID");
    let projects = desk.get("/api/v2.0/projects").await;
    let token = desk.ask_token(Some(&desk.server.administrator()), "service=hythe-registry").await;
    for (answer, method, status) in
        [(missing, "GET", 404), (wrong, "PUT", 400), (projects, "GET", 200), (token, "GET", 200)]
    {
        let id = answer.header("x-request-id").unwrap().to_owned();
        let line = eventually("the access line of the request", async || {
            log_lines(&desk.server)
                .into_iter()
                .find(|line| line["request_id"] == id.as_str() && !line["status"].is_null())
        })
        .await;
        assert_eq!((&line["method"], &line["status"]), (&json!(method), &json!(status)), "{line}");
        assert_eq!(line["user"], "admin");
    }
}

#[tokio::test]
async fn nothing_secret_is_in_the_log_at_any_level() {
    let desk = Desk::with(&Options::default().variable("HYTHE_LOG_FILTER", "trace")).await;
    let secrets = a_session(&desk).await;
    await_line(&desk.server, &["/v2/not/there"]).await;
    let log = desk.server.log();
    assert!(log.contains("\"level\":\"DEBUG\""), "the log is not detailed");
    for (what, secret) in secrets {
        assert!(!secret.is_empty() && !log.contains(&secret), "the log holds {what}");
    }
}

/// Signs in in every way, right and wrong, pushes and pulls; everything secret that was said meanwhile.
async fn a_session(desk: &Desk) -> Vec<(&'static str, String)> {
    let admin = desk.server.administrator();
    let user = desk.user(Some(2)).await;
    let wrong = Actor::new(&user.name, "Wrong-Password-98765");
    let repository = desk.repository("a");
    let scope = format!("repository:{repository}:pull,push");
    let token = desk.token(Some(&user), &[&scope]).await;
    let offline = desk.ask_token(Some(&user), "service=hythe-registry&offline_token=true").await;
    let refresh_token = offline.json()["refresh_token"].as_str().unwrap().to_owned();
    let by_refresh = posted(
        desk,
        &[("grant_type", "refresh_token"), ("refresh_token", &refresh_token), ("scope", &scope)],
    )
    .await;
    let by_password =
        posted(desk, &[("grant_type", "password"), ("username", &user.name), ("password", &user.password)])
            .await;
    desk.ask_token(Some(&wrong), "service=hythe-registry").await.refused(401, "UNAUTHORIZED");
    let (personal, robot) = (personal_token(desk, &user).await, robot(desk).await);
    desk.ask_token(Some(&robot), "service=hythe-registry").await.expect(StatusCode::OK);
    let forged = format!("{token}x");
    assert_eq!(desk.get_with_token(&forged, &format!("/v2/{repository}/tags/list")).await.status, 401);
    desk.push_image(&repository, "1", "quiet").await;
    desk.get_with_token(&token, &format!("/v2/{repository}/manifests/1?secret=Query-Secret-1"))
        .await
        .expect(StatusCode::OK);
    desk.send(desk.request_by(&wrong, Method::GET, "/v2/not/there")).await;
    vec![
        ("the administrator's password", admin.password.clone()),
        ("a user's password", user.password.clone()),
        ("a wrong password", wrong.password.clone()),
        ("a Basic header", basic(&user)["Basic ".len()..].to_owned()),
        ("the administrator's Basic header", basic(&admin)["Basic ".len()..].to_owned()),
        ("a token's signature", signature(&token)),
        ("a forged token's signature", signature(&forged)),
        ("a token of a refresh token", signature(&by_refresh)),
        ("a token of a password", signature(&by_password)),
        ("a refresh token", refresh_token),
        ("a personal token", personal),
        ("a robot's secret", robot.password),
        ("a query", "Query-Secret-1".to_owned()),
    ]
}

async fn posted(desk: &Desk, form: &[(&str, &str)]) -> String {
    let answer = desk.ask_token_by_form(form).await.expect(StatusCode::OK);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// The part of a token that proves it; the others say what everybody may know.
fn signature(token: &str) -> String {
    token.rsplit('.').next().unwrap().to_owned()
}

async fn personal_token(desk: &Desk, user: &Actor) -> String {
    let wanted = desk
        .request_by(user, Method::POST, "/api/v2.0/users/current/tokens")
        .json(&json!({ "name": "ci", "duration": 1 }));
    desk.send(wanted).await.expect(StatusCode::CREATED).json()["secret"].as_str().unwrap().to_owned()
}

async fn robot(desk: &Desk) -> Actor {
    let wanted = json!({
        "name": "ci",
        "level": "system",
        "duration": 1,
        "permissions": [{ "kind": "project", "namespace": desk.project, "access": [{ "resource": "repository", "action": "pull" }] }],
    });
    let made = desk
        .send(desk.request(Method::POST, "/api/v2.0/robots").json(&wanted))
        .await
        .expect(StatusCode::CREATED);
    let made = made.json();
    Actor::new(made["name"].as_str().unwrap(), made["secret"].as_str().unwrap())
}

#[tokio::test]
async fn the_runtime_tells_its_state_where_it_is_asked_to() {
    let desk = Desk::with(&Options::default().variable("HYTHE_TRACE", "sched=100")).await;
    let line =
        await_line(&desk.server, &["SCHED ", "workers=", "queue=", "tasks=", "blocking=", "longest_poll="])
            .await;
    assert!(line.contains("ms: workers="), "{line}");
    let quiet = Desk::with(&Options::default()).await;
    quiet.get("/v2/").await.expect(StatusCode::OK);
    assert!(!quiet.server.log().contains("SCHED "));
    let (code, words) = Options::default().variable("HYTHE_TRACE", "sched=fast").refuses();
    assert_eq!(code, 1, "{words}");
    assert!(words.lines().last().unwrap().contains("trace"), "{words}");
}
