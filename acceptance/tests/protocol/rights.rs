//! Who may do what in a private project, and what a stranger can learn about it.

use reqwest::{Method, StatusCode};

use crate::support::{Desk, Shared};

static SHARED: Shared = Shared::new();

async fn scope_granted(
    desk: &Desk,
    actor: Option<&hythe_acceptance::actor::Actor>,
    repository: &str,
) -> String {
    let query = format!("scope=repository:{repository}:pull,push,delete");
    let answer = desk.ask_token(actor, &query).await.expect(StatusCode::OK);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let mut allowed = String::new();
    for (word, method, path, denied) in [
        ("pull ", Method::GET, format!("/v2/{repository}/tags/list"), 401),
        ("push ", Method::POST, format!("/v2/{repository}/blobs/uploads/"), 401),
        ("delete ", Method::DELETE, format!("/v2/{repository}/manifests/no-such-tag"), 401),
    ] {
        let request = desk.anonymous(method, &path).header("content-length", 0).bearer_auth(&token);
        if desk.send(request).await.status != denied {
            allowed.push_str(word);
        }
    }
    allowed.trim_end().to_owned()
}

#[tokio::test]
async fn roles_of_a_private_project() {
    let desk = Desk::private_at(&SHARED).await;
    let repository = desk.repository("app");
    desk.push_image(&repository, "1", "roles").await;
    assert_eq!(scope_granted(&desk, None, &repository).await, "");
    assert_eq!(scope_granted(&desk, Some(&desk.user(None).await), &repository).await, "");
    assert_eq!(
        scope_granted(&desk, Some(&desk.server.administrator()), &repository).await,
        "pull push delete"
    );
    for (role, allowed) in
        [(1, "pull push delete"), (2, "pull push"), (3, "pull"), (4, "pull push delete"), (5, "pull")]
    {
        let user = desk.user(Some(role)).await;
        assert_eq!(scope_granted(&desk, Some(&user), &repository).await, allowed, "role {role}");
    }
}

#[tokio::test]
async fn a_public_project_is_pulled_by_anyone_and_pushed_by_members() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("app");
    desk.push_image(&repository, "1", "public").await;
    assert_eq!(scope_granted(&desk, None, &repository).await, "pull");
    assert_eq!(scope_granted(&desk, Some(&desk.user(None).await), &repository).await, "pull");
}

#[tokio::test]
async fn a_stranger_cannot_tell_private_from_absent() {
    let desk = Desk::private_at(&SHARED).await;
    let there = desk.repository("app");
    let digest = desk.push_image(&there, "1", "private").await;
    let (absent, elsewhere) = (desk.repository("ppa"), "no-such-project/app".to_owned());
    let user = desk.user(None).await;
    for path in [
        "manifests/1",
        "tags/list",
        &format!("manifests/{digest}"),
        &format!("blobs/{digest}"),
        &format!("referrers/{digest}"),
    ] {
        let mut seen = Vec::new();
        for repository in [&there, &absent, &elsewhere] {
            let whole = format!("/v2/{repository}/{path}");
            for request in [
                desk.anonymous(Method::GET, &whole),
                desk.request_by(&user, Method::GET, &whole),
                desk.anonymous(Method::GET, &whole).bearer_auth(desk.token(None, &[]).await),
            ] {
                let answer = desk.send(request).await;
                let mut names: Vec<_> = answer.headers.keys().map(|name| name.to_string()).collect();
                names.sort();
                seen.push((answer.status, names, answer.text().replace(repository.as_str(), "NAME")));
            }
        }
        assert_eq!(seen[0..3], seen[3..6], "{path}");
        assert_eq!(seen[0..3], seen[6..9], "{path}");
        assert_eq!(seen.iter().take(3).map(|s| s.0).collect::<Vec<_>>(), [401, 403, 401]);
    }
}

#[tokio::test]
async fn basic_works_straight_on_the_protocol() {
    let desk = Desk::private_at(&SHARED).await;
    let (guest, repository) = (desk.user(Some(3)).await, desk.repository("app"));
    desk.push_image(&repository, "1", "basic").await;
    let path = format!("/v2/{repository}/manifests/1");
    desk.send(desk.request_by(&guest, Method::GET, &path)).await.expect(StatusCode::OK);
    desk.send(desk.request_by(&guest, Method::DELETE, &path)).await.refused(403, "DENIED");
    desk.send(desk.request_by(&guest.with_wrong_password(), Method::GET, &path))
        .await
        .refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn only_administrators_reach_the_api() {
    let desk = Desk::at(&SHARED).await;
    let user = desk.user(Some(1)).await;
    let stranger =
        desk.send(desk.anonymous(Method::GET, "/api/v2.0/users")).await.refused(401, "UNAUTHORIZED");
    assert!(stranger.header("www-authenticate").unwrap().starts_with("Basic "));
    desk.send(desk.request_by(&user, Method::GET, "/api/v2.0/users")).await.refused(403, "FORBIDDEN");
    desk.send(desk.request_by(&user, Method::GET, "/api/v2.0/users/current")).await.expect(StatusCode::OK);
    let made = serde_json::json!({ "project_name": "stolen" });
    let request = desk.request_by(&user, Method::POST, "/api/v2.0/projects").json(&made);
    desk.send(request).await.refused(403, "FORBIDDEN");
}
