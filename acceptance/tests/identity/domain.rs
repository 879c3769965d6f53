//! Active Directory, as Samba speaks it: names of all kinds, its own rule for groups in groups, disabled people.

use hythe_acceptance::domain::{Domain, PASSWORD};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{Desk, eventually, with};

#[tokio::test]
async fn people_of_a_domain_sign_in_and_its_chains_of_groups_count() {
    let domain = Domain::start();
    for name in ["alice", "bob"] {
        domain.add_person(name);
    }
    domain.add_group("team", &["alice"]);
    domain.add_group("developers", &["team"]);
    let settings = json!({
        "url": domain.tls_url(),
        "verify_certificate": false,
        "user_bind_pattern": "{user}@ad.test",
        "base_dn": "DC=ad,DC=test",
        "filter": "(objectCategory=person)",
        "uid_attribute": "sAMAccountName",
        "name_attribute": "displayName",
        "group_lookup": "chain",
        "administrator_group_dn": domain.named("Domain Admins"),
        "cache_seconds": 1,
    });
    let desk = Desk::new();
    let path = desk.add_source("ad", "ldap", settings.clone()).await;
    desk.add_project("team").await;
    desk.add_group_member("team", &domain.named("developers"), 2).await;

    let alice = desk.who_is("alice", PASSWORD).await.unwrap();
    assert_eq!((&alice["username"], &alice["email"]), (&json!("alice"), &json!("alice@ad.test")));
    for spelling in ["alice@ad.test", "ALICE"] {
        assert_eq!(desk.who_is(spelling, PASSWORD).await.unwrap()["user_id"], alice["user_id"], "{spelling}");
    }
    assert_eq!(desk.granted(("alice", PASSWORD), "team/app", "pull,push").await, ["pull", "push"]);
    assert!(desk.granted(("bob", PASSWORD), "team/app", "pull,push").await.is_empty());
    assert_eq!(desk.who_is("Administrator", PASSWORD).await.unwrap()["admin_role_in_auth"], true);
    for wrong in ["wrong", ""] {
        assert_eq!(desk.who_is("alice", wrong).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
    }

    let searching = json!({
        "user_bind_pattern": "",
        "bind_dn": "Administrator@ad.test",
        "bind_password": PASSWORD,
        "group_lookup": "attribute",
    });
    let changed = json!({ "settings": with(settings, searching) });
    desk.ask(reqwest::Method::PUT, &path, Some(changed)).await.expect(StatusCode::OK);
    assert_eq!(desk.who_is("alice", PASSWORD).await.unwrap()["user_id"], alice["user_id"]);
    assert_eq!(desk.granted(("alice", PASSWORD), "team/app", "pull,push").await, ["pull", "push"]);

    domain.disable_person("alice");
    eventually("a disabled person is out", async || {
        desk.who_is("alice", PASSWORD).await.is_err_and(|(status, _)| status == StatusCode::UNAUTHORIZED)
    })
    .await;

    let plain = json!({ "settings": { "url": domain.url() } });
    let refused = desk.ask(reqwest::Method::POST, &format!("{path}/ping"), Some(plain)).await;
    assert!(refused.text.contains("set start_tls or use ldaps://"), "{}", refused.text);
}
