//! slapd: passwords, groups in groups, TLS, several directories at once, and directories that are away.

use std::time::Duration;

use hythe_acceptance::directory::{Directory, PASSWORD};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Desk, eventually, settings, with};

#[tokio::test]
async fn people_of_a_directory_sign_in_and_become_users() {
    let directory = Directory::start("corp", &["alice"]);
    let desk = Desk::new();
    desk.add_source("corp", "ldap", settings(&directory)).await;
    let alice = desk.who_is("alice", PASSWORD).await.unwrap();
    assert_eq!(alice["username"], "alice");
    assert_eq!(alice["email"], "alice@corp.test");
    assert_eq!(alice["realname"], "alice of corp");
    assert_eq!(alice["admin_role_in_auth"], false);
    assert_eq!(desk.who_is("ALICE", PASSWORD).await.unwrap()["user_id"], alice["user_id"]);

    for (name, password) in
        [("alice", "wrong"), ("alice", ""), ("nobody", PASSWORD), ("*", PASSWORD), ("", "")]
    {
        let (status, _) = desk.who_is(name, password).await.unwrap_err();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{name} with {password:?}");
    }
}

#[tokio::test]
async fn groups_in_groups_give_roles_and_administrators_until_they_end() {
    let directory = Directory::start("corp", &["alice", "bob", "carol"]);
    directory.add_group("team", &[directory.person("alice")]);
    directory.add_group("developers", &[directory.group("team"), directory.person("carol")]);
    directory.add_group("operators", &[directory.person("bob")]);
    directory.add_group("everything", &[directory.group("operators")]);
    for lookup in ["attribute", "search"] {
        let desk = Desk::new();
        let changes = json!({ "group_lookup": lookup, "administrator_group_dn": directory.group("everything").to_uppercase() });
        desk.add_source("corp", "ldap", with(settings(&directory), changes)).await;
        desk.add_project("team").await;
        desk.add_group_member("team", &directory.group("developers").to_uppercase(), 2).await;

        let alice = ("alice", PASSWORD);
        assert_eq!(desk.granted(alice, "team/app", "pull,push,delete").await, ["pull", "push"], "{lookup}");
        assert_eq!(desk.who_is("bob", PASSWORD).await.unwrap()["admin_role_in_auth"], true, "{lookup}");
        assert!(desk.granted(("bob", PASSWORD), "team/app", "delete").await.contains(&"delete".to_owned()));
        assert_eq!(desk.who_is("alice", PASSWORD).await.unwrap()["admin_role_in_auth"], false, "{lookup}");

        directory.change_members("developers", "delete", &directory.group("team"));
        directory.change_members("everything", "add", &directory.person("alice"));
        directory.change_members("everything", "delete", &directory.group("operators"));
        let took = eventually("the role ends with the group", async || {
            desk.granted(alice, "team/app", "pull").await.is_empty()
                || desk.who_is("alice", PASSWORD).await.unwrap()["admin_role_in_auth"] == true
        })
        .await;
        assert!(took < Duration::from_secs(5), "{lookup}: it took {took:?}");
        eventually("another becomes an administrator", async || {
            desk.who_is("alice", PASSWORD).await.unwrap()["admin_role_in_auth"] == true
                && desk.who_is("bob", PASSWORD).await.unwrap()["admin_role_in_auth"] == false
        })
        .await;
        directory.change_members("developers", "add", &directory.group("team"));
        directory.change_members("everything", "add", &directory.group("operators"));
        directory.change_members("everything", "delete", &directory.person("alice"));
    }
}

#[tokio::test]
async fn groups_in_a_circle_end() {
    let directory = Directory::start("corp", &["alice"]);
    directory.add_group("one", &[directory.person("alice")]);
    directory.add_group("two", &[directory.group("one")]);
    directory.change_members("one", "add", &directory.group("two"));
    for lookup in ["attribute", "search"] {
        let desk = Desk::new();
        desk.add_source("corp", "ldap", with(settings(&directory), json!({ "group_lookup": lookup }))).await;
        desk.who_is("alice", PASSWORD).await.unwrap();
        let groups = desk.get("/usergroups").await;
        assert_eq!(groups.as_array().unwrap().len(), 2, "{lookup}: {groups}");
    }
}

#[tokio::test]
async fn tls_trusts_whom_the_settings_name_and_nobody_else() {
    let (directory, other) = (Directory::start("corp", &["alice"]), Directory::start("other", &[]));
    let desk = Desk::new();
    let path = desk.add_source("corp", "ldap", settings(&directory)).await;
    let try_path = format!("{path}/ping");
    let ping = |changes| desk.ask(Method::POST, &try_path, Some(json!({ "settings": changes })));
    ping(json!({})).await.expect(StatusCode::OK);
    ping(json!({ "url": directory.tls_url(), "start_tls": false })).await.expect(StatusCode::OK);
    ping(json!({ "ca_certificate": "", "verify_certificate": false })).await.expect(StatusCode::OK);
    for foreign in [other.authority(), String::new()] {
        for url in [directory.url(), directory.tls_url()] {
            let refused = ping(json!({ "ca_certificate": foreign, "url": url })).await;
            let refused = refused.expect(StatusCode::SERVICE_UNAVAILABLE);
            assert!(refused.text.contains("not trusted") && refused.text.contains(&url), "{}", refused.text);
        }
    }
    let changes = json!({ "settings": { "ca_certificate": other.authority() } });
    desk.ask(Method::PUT, &path, Some(changes)).await.expect(StatusCode::OK);
    let (status, text) = desk.who_is("alice", PASSWORD).await.unwrap_err();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!text.contains("trusted"), "strangers are not told why: {text}");
    assert!(desk.server.log().contains("not trusted"));
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_what_to_do() {
    let directory = Directory::start("corp", &["alice"]);
    let desk = Desk::new();
    let path = desk.add_source("corp", "ldap", settings(&directory)).await;
    let cases = [
        (json!({ "bind_password": "wrong" }), "check bind_dn and bind_password"),
        (json!({ "base_dn": "dc=nowhere" }), "check base_dn"),
        (json!({ "url": "ldap://127.0.0.1:1" }), "connection refused"),
        (json!({ "url": directory.url().replace("ldap:", "ldaps:") }), "start_tls a plain one"),
        (json!({ "filter": "(uid=" }), "is no filter"),
        (json!({ "bind_dn": "" }), "set bind_dn"),
    ];
    for (changes, words) in cases {
        let answer =
            desk.ask(Method::POST, &format!("{path}/ping"), Some(json!({ "settings": changes }))).await;
        assert!(answer.status.is_client_error() || answer.status == StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.text.contains(words), "{changes}: {}", answer.text);
        assert!(!answer.text.contains('\n'));
    }
}

#[tokio::test]
async fn directories_are_asked_in_their_order_and_one_that_is_away_stops_nobody() {
    let (mut first, second) = (
        Directory::start("first", &["alice", "both"]),
        Directory::start("second", &["bob", "both", "admin"]),
    );
    let desk = Desk::new();
    desk.add_source("first", "ldap", settings(&first)).await;
    desk.add_source("second", "ldap", settings(&second)).await;
    let local =
        json!({ "username": "local", "password": "Local-12345", "email": "l@x.test", "realname": "L" });
    desk.ask(Method::POST, "/users", Some(local)).await.expect(StatusCode::CREATED);
    for name in ["alice", "bob", "both"] {
        desk.who_is(name, PASSWORD).await.unwrap();
    }
    assert_eq!(desk.who_is("both", PASSWORD).await.unwrap()["email"], "both@first.test");
    desk.who_is("local", "Local-12345").await.unwrap();

    first.pause();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(desk.who_is("bob", PASSWORD).await.unwrap()["email"], "bob@second.test");
    desk.who_is("local", "Local-12345").await.unwrap();
    let administrator = desk.server.administrator();
    desk.who_is(&administrator.name, &administrator.password).await.unwrap();
    assert_eq!(
        desk.who_is("admin", PASSWORD).await.unwrap_err().0,
        StatusCode::UNAUTHORIZED,
        "not by a directory"
    );
    assert_eq!(desk.who_is("alice", PASSWORD).await.unwrap_err().0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, text) = desk.who_is("both", PASSWORD).await.unwrap_err();
    assert_eq!(status, StatusCode::CONFLICT, "nobody takes over a user of another directory");
    assert!(text.contains("of source first"), "{text}");

    first.resume();
    eventually("the first answers again", async || desk.who_is("alice", PASSWORD).await.is_ok()).await;
}

#[tokio::test]
async fn a_disabled_source_is_not_asked_and_a_deleted_one_leaves_its_users() {
    let directory = Directory::start("corp", &["alice"]);
    let desk = Desk::new();
    let path = desk.add_source("corp", "ldap", settings(&directory)).await;
    desk.who_is("alice", PASSWORD).await.unwrap();
    desk.ask(Method::PUT, &path, Some(json!({ "enabled": false }))).await.expect(StatusCode::OK);
    assert_eq!(desk.who_is("alice", PASSWORD).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
    desk.ask(Method::PUT, &path, Some(json!({ "enabled": true }))).await.expect(StatusCode::OK);
    desk.who_is("alice", PASSWORD).await.unwrap();
    desk.ask(Method::DELETE, &path, None).await.expect(StatusCode::OK);
    assert_eq!(desk.who_is("alice", PASSWORD).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
    assert!(desk.ask(Method::GET, "/users", None).await.text.contains("\"alice\""));
}

#[tokio::test]
async fn administrators_look_into_a_directory_and_import_from_it() {
    let directory = Directory::start("corp", &["alice", "alina", "bob"]);
    directory.add_group("developers", &[directory.person("alice")]);
    let desk = Desk::new();
    let searched = desk.ask(Method::GET, "/ldap/users/search?username=ali", None).await;
    assert_eq!(searched.status, StatusCode::PRECONDITION_FAILED);
    desk.add_source("corp", "ldap", settings(&directory)).await;

    let found = desk.get("/ldap/users/search?username=ali").await;
    let mut names: Vec<_> =
        found.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["alice", "alina"]);
    let groups = desk.get("/ldap/groups/search?groupname=devel").await;
    assert_eq!(
        groups,
        json!([{ "group_name": "developers", "group_type": 1, "ldap_group_dn": directory.group("developers") }])
    );

    let import =
        |names| desk.ask(Method::POST, "/ldap/users/import", Some(json!({ "ldap_uid_list": names })));
    import(json!(["alice", "bob"])).await.expect(StatusCode::OK);
    let failed = import(json!(["alina", "nobody"])).await.expect(StatusCode::NOT_FOUND).json();
    assert_eq!(failed[0]["uid"], "nobody");
    assert!(desk.ask(Method::GET, "/users", None).await.text.contains("\"bob\""));
    assert_eq!(desk.get("/ldap/groups/search").await.as_array().unwrap().len(), 1);

    let stranger = desk.ask_as(("alice", PASSWORD), Method::GET, "/ldap/users/search?username=a", None).await;
    assert_eq!(stranger.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_the_directory_no_longer_knows_is_out_without_a_password_too() {
    let directory = Directory::start("corp", &["alice", "bob"]);
    let desk = Desk::new();
    desk.add_source("corp", "ldap", settings(&directory)).await;
    let path = "/service/token?service=hythe-registry&offline_token=true&client_id=test";
    let asked = desk.http.get(desk.url(path)).basic_auth("alice", Some(PASSWORD)).send().await.unwrap();
    let tokens: serde_json::Value = asked.json().await.unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let form =
        format!("grant_type=refresh_token&service=hythe-registry&client_id=test&refresh_token={refresh}");
    let exchange = async || {
        let request = desk.http.post(desk.url("/service/token")).body(form.clone());
        request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap().status()
    };
    assert_eq!(exchange().await, StatusCode::OK);
    directory.remove_person("alice");
    let took =
        eventually("the refresh token ends", async || exchange().await == StatusCode::UNAUTHORIZED).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    desk.who_is("bob", PASSWORD).await.unwrap();
}
