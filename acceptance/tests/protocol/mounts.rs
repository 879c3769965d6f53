//! Blobs taken over from other repositories, and mounts that are refused without a refusal.

use reqwest::{Method, StatusCode};

use crate::support::{Desk, Shared, digest};

static SHARED: Shared = Shared::new();

#[tokio::test]
async fn a_blob_is_mounted_from_where_it_is() {
    let desk = Desk::at(&SHARED).await;
    let (from, to, bytes) = (desk.repository("from"), desk.repository("to"), b"mounted with from");
    desk.push_blob(&from, bytes).await;
    let mount = format!("/v2/{to}/blobs/uploads/?mount={}&from={from}", digest(bytes));
    let mounted = desk.post(&mount).await.expect(StatusCode::CREATED);
    assert_eq!(mounted.header("docker-content-digest"), Some(digest(bytes).as_str()));
    assert_eq!(mounted.location(), format!("/v2/{to}/blobs/{}", digest(bytes)));
    assert_eq!(desk.get(mounted.location()).await.body, bytes);
}

#[tokio::test]
async fn a_blob_is_found_without_from_where_the_caller_may_pull() {
    let desk = Desk::at(&SHARED).await;
    let (to, bytes) = (desk.repository("to"), b"mounted without from");
    desk.push_blob(&desk.repository("from"), bytes).await;
    let mount = format!("/v2/{to}/blobs/uploads/?mount={}", digest(bytes));
    desk.post(&mount).await.expect(StatusCode::CREATED);
    assert_eq!(desk.get(&format!("/v2/{to}/blobs/{}", digest(bytes))).await.body, bytes);
}

#[tokio::test]
async fn row_06_a_mount_that_is_refused_is_an_ordinary_upload() {
    let desk = Desk::private_at(&SHARED).await;
    let hidden = Desk::private_at(&SHARED).await;
    let (source, bytes) = (hidden.repository("secret"), b"not yours");
    hidden.push_blob(&source, bytes).await;
    let (developer, to, digest) = (desk.user(Some(2)).await, desk.repository("to"), digest(bytes));
    for query in [
        format!("mount={digest}&from={source}"),
        format!("mount={digest}"),
        format!("mount={digest}&from=no-such-project/x"),
        format!("mount={digest}&from=NOT/A/NAME"),
        "mount=junk&from=junk".to_owned(),
        format!("mount=sha256:{}", "0".repeat(64)),
    ] {
        let path = format!("/v2/{to}/blobs/uploads/?{query}");
        let request = desk.request_by(&developer, Method::POST, &path).header("content-length", 0);
        let started = desk.send(request).await.expect(StatusCode::ACCEPTED);
        assert_eq!(started.header("range"), Some("0-0"), "{query}");
        assert!(started.location().starts_with(&format!("/v2/{to}/blobs/uploads/")), "{query}");
    }
    desk.get(&format!("/v2/{to}/blobs/{digest}")).await.refused(404, "BLOB_UNKNOWN");
}

/// A challenge names one repository, so the token of a mount rarely names its source: its bearer counts.
#[tokio::test]
async fn a_token_for_the_target_mounts_what_its_bearer_could_pull() {
    let desk = Desk::private_at(&SHARED).await;
    let hidden = Desk::private_at(&SHARED).await;
    let (to, bytes) = (desk.repository("to"), b"scoped");
    desk.push_blob(&desk.repository("from"), bytes).await;
    hidden.push_blob(&hidden.repository("from"), b"hidden").await;
    let developer = desk.user(Some(2)).await;
    let token = desk.token(Some(&developer), &[&format!("repository:{to}:pull,push")]).await;
    for (source, bytes, status) in [
        (hidden.repository("from"), &b"hidden"[..], StatusCode::ACCEPTED),
        (desk.repository("from"), bytes, StatusCode::CREATED),
    ] {
        let path = format!("/v2/{to}/blobs/uploads/?mount={}&from={source}", digest(bytes));
        let request = desk.anonymous(Method::POST, &path).header("content-length", 0).bearer_auth(&token);
        desk.send(request).await.expect(status);
    }
}
