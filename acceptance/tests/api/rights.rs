//! Who may do what with artifacts and tags: a stranger, a guest, a developer, a maintainer.

use hythe_acceptance::actor::Actor;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::SHARED;
use hythe_acceptance::answer::Answer;
use hythe_acceptance::desk::Desk;

const DEVELOPER: i64 = 2;
const GUEST: i64 = 3;
const MAINTAINER: i64 = 4;

async fn ask(desk: &Desk, actor: &Actor, method: Method, path: &str) -> Answer {
    let body = json!({ "name": format!("by-{}", actor.name) });
    desk.send(desk.request_by(actor, method, path).json(&body)).await
}

#[tokio::test]
async fn roles_do_what_the_table_says() {
    let desk = Desk::private_at(&SHARED).await;
    desk.push_for("app", Some("v1"), "amd64").await;
    desk.push_for("app", Some("v2"), "arm64").await;
    let artifacts = desk.artifacts("app");
    let one = format!("{artifacts}/v1");
    let (tags, accessories) = (format!("{one}/tags"), format!("{one}/accessories"));
    let (guest, developer) = (desk.user(Some(GUEST)).await, desk.user(Some(DEVELOPER)).await);
    let (maintainer, stranger) = (desk.user(Some(MAINTAINER)).await, desk.user(None).await);
    for path in [&artifacts, &one, &tags, &accessories] {
        for member in [&guest, &developer, &maintainer] {
            ask(&desk, member, Method::GET, path).await.expect(StatusCode::OK);
        }
        ask(&desk, &stranger, Method::GET, path).await.refused(403, "FORBIDDEN");
        desk.send(desk.anonymous(Method::GET, path)).await.refused(401, "UNAUTHORIZED");
    }
    ask(&desk, &guest, Method::POST, &tags).await.refused(403, "FORBIDDEN");
    ask(&desk, &developer, Method::POST, &tags).await.expect(StatusCode::CREATED);
    let made = format!("{tags}/by-{}", developer.name);
    ask(&desk, &developer, Method::DELETE, &made).await.refused(403, "FORBIDDEN");
    ask(&desk, &maintainer, Method::DELETE, &made).await.expect(StatusCode::OK);
    for refused in [&guest, &developer, &stranger] {
        ask(&desk, refused, Method::DELETE, &one).await.refused(403, "FORBIDDEN");
    }
    ask(&desk, &maintainer, Method::DELETE, &one).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_stranger_cannot_tell_what_is_there() {
    let desk = Desk::private_at(&SHARED).await;
    desk.push_for("app", Some("v1"), "amd64").await;
    let stranger = desk.user(None).await;
    let there = ask(&desk, &stranger, Method::GET, &format!("{}/v1", desk.artifacts("app"))).await;
    let absent = ask(&desk, &stranger, Method::GET, &format!("{}/v1", desk.artifacts("not"))).await;
    assert_eq!((there.status, absent.status), (403, 403));
    assert_eq!(there.text().replace("/app", "/not"), absent.text());
}
