//! Lists of tags and of repositories, page by page.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Desk, Shared, digest};

static SHARED: Shared = Shared::new();
const TAGS: [&str; 6] = ["10", "9", "A", "_x", "a", "a.b"];

fn names(answer: &Answer, key: &str) -> Vec<String> {
    let list: Value = answer.json()[key].clone();
    list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

async fn tagged(shared: &Shared) -> (Desk, String) {
    let desk = Desk::at(shared).await;
    let repository = desk.repository("a");
    let image = desk.image(&repository, "listed").await;
    let query: String = TAGS.iter().rev().map(|tag| format!("&tag={tag}")).collect();
    let name = digest(image.to_string().as_bytes());
    desk.put_manifest(&repository, &format!("{name}?{query}"), &image).await.expect(StatusCode::CREATED);
    (desk, format!("/v2/{repository}/tags/list"))
}

#[tokio::test]
async fn row_27_tags_are_in_bytewise_order_and_paged_from_anywhere() {
    let (desk, path) = tagged(&SHARED).await;
    let all = desk.get(&path).await.expect(StatusCode::OK);
    assert_eq!(all.json(), json!({ "name": desk.repository("a"), "tags": TAGS }));
    assert_eq!(all.next(), None);
    for (query, wanted, more) in [
        ("?n=2", &TAGS[..2], true),
        ("?n=6", &TAGS[..], false),
        ("?n=2&last=9", &TAGS[2..4], true),
        ("?n=9&last=B", &TAGS[3..], false),
        ("?last=zzz", &[][..], false),
        ("?n=99999999999", &TAGS[..], false),
    ] {
        let page = desk.get(&format!("{path}{query}")).await.expect(StatusCode::OK);
        assert_eq!(names(&page, "tags"), wanted, "{query}");
        assert_eq!(page.next().is_some(), more, "{query}");
    }
}

#[tokio::test]
async fn row_27_links_are_relative_and_lead_to_the_end() {
    let (desk, path) = tagged(&SHARED).await;
    for size in 1..=3 {
        let (mut next, mut seen) = (Some(format!("{path}?n={size}")), Vec::new());
        while let Some(page) = next {
            assert!(page.starts_with(&path), "{page}");
            let answer = desk.get(&page).await.expect(StatusCode::OK);
            seen.extend(names(&answer, "tags"));
            next = answer.next();
        }
        assert_eq!(seen, TAGS);
    }
}

#[tokio::test]
async fn row_27_nothing_is_an_empty_list_and_never_null() {
    let (desk, path) = tagged(&SHARED).await;
    let none = desk.get(&format!("{path}?n=0")).await.expect(StatusCode::OK);
    assert_eq!((none.json()["tags"].clone(), none.next()), (json!([]), None));
    let untagged = desk.repository("untagged");
    desk.push_blob(&untagged, b"no tags").await;
    assert_eq!(desk.get(&format!("/v2/{untagged}/tags/list")).await.json()["tags"], json!([]));
    desk.get(&format!("/v2/{}/tags/list", desk.repository("none"))).await.refused(404, "NAME_UNKNOWN");
    for bad in ["?n=-1", "?n=x", "?n=1.5"] {
        desk.get(&format!("{path}{bad}")).await.refused(400, "PAGINATION_NUMBER_INVALID");
    }
}

async fn catalog(desk: &Desk, token: &str) -> Vec<String> {
    let (mut next, mut seen) = (Some("/v2/_catalog?n=3".to_owned()), Vec::new());
    while let Some(page) = next {
        let answer = desk.get_with_token(token, &page).await.expect(StatusCode::OK);
        seen.extend(names(&answer, "repositories"));
        next = answer.next();
    }
    assert!(seen.is_sorted(), "{seen:?}");
    seen
}

#[tokio::test]
async fn the_catalog_shows_each_what_they_may_pull() {
    let (public, private) = (Desk::at(&SHARED).await, Desk::private_at(&SHARED).await);
    let (open, hidden) = (public.repository("open"), private.repository("hidden"));
    public.push_blob(&open, b"a").await;
    private.push_blob(&hidden, b"b").await;
    let (member, stranger) = (private.user(Some(3)).await, private.user(None).await);
    let administrator = public.server.administrator();
    for (actor, sees_hidden) in
        [(Some(&administrator), true), (Some(&member), true), (Some(&stranger), false), (None, false)]
    {
        let seen = catalog(&public, &public.token(actor, &["registry:catalog:*"]).await).await;
        assert!(seen.contains(&open), "{actor:?}");
        assert_eq!(seen.contains(&hidden), sees_hidden, "{actor:?}");
    }
    public.send(public.anonymous(Method::GET, "/v2/_catalog")).await.refused(401, "UNAUTHORIZED");
    let without = public.token(Some(&administrator), &[]).await;
    let refused = public.get_with_token(&without, "/v2/_catalog").await.refused(401, "UNAUTHORIZED");
    assert!(refused.header("www-authenticate").unwrap().contains("scope=\"registry:catalog:*\""));
    assert_eq!(public.get("/v2/_catalog?n=0").await.json(), json!({ "repositories": [] }));
}
