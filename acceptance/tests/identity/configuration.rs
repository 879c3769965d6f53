//! Harbor's configuration: its shape, its keys for the first directory and provider, and how fast it is everywhere.

use hythe_acceptance::directory::{Directory, PASSWORD};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{Desk, with};

#[tokio::test]
async fn keys_have_values_and_can_be_changed() {
    let desk = Desk::new();
    let before = desk.get("/configurations").await;
    assert_eq!(before["auth_mode"], json!({ "value": "db_auth", "editable": true }));
    assert_eq!(before["token_expiration"]["value"], 30);
    assert_eq!(before["storage_per_project"]["value"], -1);
    assert_eq!(before["oidc_extra_redirect_parms"]["value"], "{}");
    for secret in ["ldap_search_password", "oidc_client_secret"] {
        assert!(before.get(secret).is_none(), "{secret}");
    }

    let wanted = json!({
        "token_expiration": 45, "storage_per_project": "1024", "read_only": false, "auth_mode": "ldap_auth",
        "banner_message": "hello", "email_insecure": false, "uaa_endpoint": "", "robot_name_prefix": "bot-",
    });
    desk.ask(Method::PUT, "/configurations", Some(wanted)).await.expect(StatusCode::OK);
    let after = desk.get("/configurations").await;
    assert_eq!(after["token_expiration"]["value"], 45);
    assert_eq!(after["storage_per_project"]["value"], 1024);
    assert_eq!(after["auth_mode"]["value"], "ldap_auth");
    assert_eq!(after["robot_name_prefix"]["value"], "bot-");
    let token =
        desk.http.get(desk.url("/service/token?service=hythe-registry&scope=repository:library/x:pull"));
    let token: serde_json::Value = token.send().await.unwrap().json().await.unwrap();
    assert_eq!(token["expires_in"], 45 * 60);
}

#[tokio::test]
async fn a_wrong_value_changes_nothing_and_says_what_would_be_right() {
    let desk = Desk::new();
    let cases = [
        (json!({ "token_expiration": 0 }), "from 1 to 1440"),
        (json!({ "auth_mode": "uaa_auth" }), "one of db_auth, ldap_auth, oidc_auth"),
        (json!({ "banner_message": "x", "tokn_expiration": 1 }), "there is no key tokn_expiration"),
        (json!({ "ldap_url": "http://x", "ldap_base_dn": "dc=x" }), "scheme http"),
        (json!({ "ldap_scope": 3 }), "from 0 to 2"),
        (json!({ "oidc_endpoint": "nonsense", "oidc_client_id": "x" }), "address of an issuer"),
    ];
    for (wanted, words) in cases {
        let refused =
            desk.ask(Method::PUT, "/configurations", Some(wanted)).await.expect(StatusCode::BAD_REQUEST);
        assert!(refused.text.contains(words), "{}", refused.text);
    }
    assert_eq!(desk.get("/configurations").await["banner_message"]["value"], "");
    assert_eq!(desk.get("/identity-sources").await, json!([]));
    let (user, password) = ("somebody", "Somebody-12345");
    let wanted = json!({ "username": user, "password": password, "email": "s@x.test", "realname": "S" });
    desk.ask(Method::POST, "/users", Some(wanted)).await.expect(StatusCode::CREATED);
    for method in [Method::GET, Method::PUT] {
        let refused = desk.ask_as((user, password), method, "/configurations", Some(json!({}))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn harbors_keys_make_the_first_directory() {
    let directory = Directory::start("corp", &["alice"]);
    let desk = Desk::new();
    let half = json!({ "ldap_uid": "uid", "ldap_base_dn": directory.base() });
    desk.ask(Method::PUT, "/configurations", Some(half)).await.expect(StatusCode::OK);
    assert_eq!(desk.get("/identity-sources").await[0]["enabled"], false, "it names no server yet");
    let whole = json!({
        "ldap_url": directory.url(),
        "ldap_search_dn": directory.search_account(),
        "ldap_search_password": PASSWORD,
        "ldap_scope": 1,
        "ldap_group_attribute_name": "",
        "ldap_timeout": 3,
    });
    desk.ask(Method::PUT, "/configurations", Some(whole)).await.expect(StatusCode::OK);
    let configuration = desk.get("/configurations").await;
    assert_eq!(configuration["ldap_url"]["value"], directory.url());
    assert_eq!(configuration["ldap_scope"]["value"], 1);
    assert_eq!(configuration["ldap_group_attribute_name"]["value"], "cn");

    let ping = |body| desk.ask(Method::POST, "/ldap/ping", body);
    let people = format!("ou=people,{}", directory.base());
    let tried = ping(Some(json!({ "ldap_base_dn": people, "ldap_connection_timeout": 2 }))).await;
    assert_eq!(tried.expect(StatusCode::OK).json(), json!({ "success": true, "message": "" }));
    let tried = ping(Some(json!({ "ldap_search_password": "wrong" }))).await.expect(StatusCode::OK).json();
    assert_eq!(tried["success"], false);
    assert!(tried["message"].as_str().unwrap().contains("check bind_dn"), "{tried}");

    assert!(desk.who_is("alice", PASSWORD).await.is_err(), "one level below the base there are no people");
    desk.ask(Method::PUT, "/configurations", Some(json!({ "ldap_scope": 2 }))).await.expect(StatusCode::OK);
    desk.who_is("alice", PASSWORD).await.unwrap();
    let source = desk.get("/identity-sources").await[0].clone();
    assert_eq!((&source["name"], &source["secrets_set"]), (&json!("ldap"), &json!(["bind_password"])));
    assert!(!source.to_string().contains(PASSWORD));
}

#[tokio::test]
async fn two_providers_cannot_share_their_groups() {
    let desk = Desk::new();
    let provider = json!({ "endpoint": "https://one.test", "client_id": "x", "groups_claim": "groups" });
    desk.add_source("one", "oidc", provider.clone()).await;
    let second = json!({ "name": "two", "kind": "oidc", "settings": provider });
    let refused =
        desk.ask(Method::POST, "/identity-sources", Some(second)).await.expect(StatusCode::CONFLICT);
    assert!(refused.text.contains("group_prefix"), "{}", refused.text);
    desk.add_source("two", "oidc", with(provider, json!({ "group_prefix": "two:" }))).await;
}

#[tokio::test]
async fn groups_are_made_renamed_searched_and_deleted() {
    let desk = Desk::new();
    let make = |wanted| desk.ask(Method::POST, "/usergroups", Some(wanted));
    let dn = "cn=devs,ou=groups,dc=x";
    let group = json!({ "group_name": "devs", "group_type": 1, "ldap_group_dn": dn });
    let path = make(group.clone()).await.expect(StatusCode::CREATED).location.replace("/api/v2.0", "");
    make(json!({ "group_name": "others", "group_type": 1, "ldap_group_dn": "CN=devs, OU=groups, DC=x" }))
        .await
        .expect(StatusCode::CONFLICT);
    let oidc =
        make(json!({ "group_name": "admins", "group_type": 3 })).await.expect(StatusCode::CREATED).location;
    for wrong in [
        json!({ "group_name": "x", "group_type": 1 }),
        json!({ "group_name": "", "group_type": 3 }),
        json!({ "group_name": "x", "group_type": 9 }),
    ] {
        make(wrong).await.expect(StatusCode::BAD_REQUEST);
    }
    let renamed = json!({ "group_name": "developers", "group_type": 1 });
    desk.ask(Method::PUT, &path, Some(renamed.clone())).await.expect(StatusCode::OK);
    desk.ask(Method::PUT, &oidc.replace("/api/v2.0", ""), Some(renamed)).await.expect(StatusCode::CONFLICT);
    assert_eq!(desk.get(&path).await["group_name"], "developers");
    assert_eq!(desk.get("/usergroups?group_name=DEVEL").await[0]["ldap_group_dn"], dn);
    assert_eq!(
        desk.get(&format!("/usergroups?ldap_group_dn={}", dn.to_uppercase())).await.as_array().unwrap().len(),
        1
    );
    assert_eq!(desk.get("/usergroups/search?groupname=adm").await[0]["group_name"], "admins");
    assert_eq!(desk.get("/usergroups?page=2&page_size=1").await[0]["group_name"], "admins");
    desk.ask(Method::DELETE, &path, None).await.expect(StatusCode::OK);
    desk.ask(Method::GET, &path, None).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_registry_that_is_read_only_takes_no_pushes() {
    let desk = Desk::new();
    let administrator = desk.server.administrator();
    let push = async || {
        let request = desk.http.post(desk.url("/v2/library/app/blobs/uploads/")).header("content-length", 0);
        request.basic_auth(&administrator.name, Some(&administrator.password)).send().await.unwrap()
    };
    assert_eq!(push().await.status(), StatusCode::ACCEPTED);
    desk.ask(Method::PUT, "/configurations", Some(json!({ "read_only": true }))).await.expect(StatusCode::OK);
    assert_eq!(desk.get("/systeminfo").await["read_only"], true);
    let refused = push().await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.unwrap().contains("read only"));
    desk.ask(Method::PUT, "/configurations", Some(json!({ "read_only": false })))
        .await
        .expect(StatusCode::OK);
    assert_eq!(push().await.status(), StatusCode::ACCEPTED);
}
