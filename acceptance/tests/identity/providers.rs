//! A real OpenID provider: the way of a browser there and back, groups, names, and several sources at once.

use hythe_acceptance::directory::{self, Directory};
use hythe_acceptance::provider::{Claims, Provider};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::{Desk, settings, with};

/// Where a browser is sent when it is signed in.
const HOME: &str = "/projects";

fn people() -> Value {
    json!({
        "a1": { "preferred_username": "alice", "email": "alice@sso.test", "name": "Alice", "groups": ["devs"] },
        "b2": { "preferred_username": "bob", "email": "bob@sso.test", "name": "Bob", "groups": ["admins", "devs"] },
    })
}

fn login(desk: &Desk, source: &str) -> String {
    desk.url(&format!("/c/oidc/login?source={source}&redirect_url={HOME}"))
}

async fn current(desk: &Desk, browser: &mut Browser) -> Value {
    let page = browser.open(&desk.url("/api/v2.0/users/current")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    serde_json::from_str(&page.text).unwrap()
}

#[tokio::test]
async fn a_browser_signs_in_and_its_groups_count() {
    for claims in [Claims::InToken, Claims::InUserinfo] {
        let desk = Desk::new();
        let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), claims);
        let settings =
            with(provider.settings(), json!({ "auto_onboard": true, "administrator_group": "admins" }));
        desk.add_source("sso", "oidc", settings).await;
        desk.add_project("team").await;
        let group = json!({ "role_id": 2, "member_group": { "group_type": 3, "group_name": "devs" } });
        desk.ask(Method::POST, "/projects/team/members", Some(group)).await.expect(StatusCode::CREATED);

        let mut alice = Browser::new();
        let page = alice.sign_in(&login(&desk, "sso"), "a1", HOME).await;
        assert_eq!(page.url.path(), HOME, "{}", page.text);
        let user = current(&desk, &mut alice).await;
        assert_eq!((&user["username"], &user["realname"]), (&json!("alice"), &json!("Alice")), "{claims:?}");
        assert_eq!((&user["sysadmin_flag"], &user["admin_role_in_auth"]), (&json!(false), &json!(false)));
        let members = alice.open(&desk.url("/api/v2.0/projects/team/members")).await;
        assert_eq!(members.status, StatusCode::OK, "by the group's role: {}", members.text);
        let groups = alice.open(&desk.url("/api/v2.0/usergroups")).await;
        assert_eq!(groups.status, StatusCode::FORBIDDEN, "{}", groups.text);

        let mut bob = Browser::new();
        bob.sign_in(&login(&desk, "sso"), "b2", HOME).await;
        assert_eq!(current(&desk, &mut bob).await["admin_role_in_auth"], true, "{claims:?}");
        assert_eq!(bob.open(&desk.url("/api/v2.0/usergroups")).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_session_changes_nothing_without_its_token() {
    let desk = Desk::new();
    let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), Claims::InToken);
    let settings =
        with(provider.settings(), json!({ "auto_onboard": true, "administrator_group": "admins" }));
    desk.add_source("sso", "oidc", settings).await;
    let mut bob = Browser::new();
    bob.sign_in(&login(&desk, "sso"), "b2", HOME).await;
    let url = desk.url("/api/v2.0/usergroups");
    let group = json!({ "group_name": "x", "group_type": 3 });
    for token in [None, Some("wrong")] {
        let refused = bob.script(Method::POST, &url, token, &group).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert!(refused.text.contains("__csrf"));
    }
    let token = bob.cookie(&url, "__csrf").unwrap();
    let made = bob.script(Method::POST, &url, Some(&token), &group).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}

#[tokio::test]
async fn people_choose_their_name_where_users_are_not_made_by_themselves() {
    let desk = Desk::new();
    let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), Claims::InToken);
    desk.add_source("sso", "oidc", provider.settings()).await;
    let mut alice = Browser::new();
    let page = alice.sign_in(&login(&desk, "sso"), "a1", "/oidc-onboard").await;
    assert_eq!(
        (page.query("username").unwrap(), page.query("redirect_url").unwrap()),
        ("alice".into(), HOME.into())
    );

    let onboard = desk.url("/c/oidc/onboard");
    let taken = alice.script(Method::POST, &onboard, None, &json!({ "username": "admin" })).await;
    assert_eq!(taken.status, StatusCode::CONFLICT, "{}", taken.text);
    assert!(taken.text.contains("the registry's own"), "{}", taken.text);
    let made = alice.script(Method::POST, &onboard, None, &json!({ "username": "wonder" })).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(current(&desk, &mut alice).await["username"], "wonder");
    let again = alice.script(Method::POST, &onboard, None, &json!({ "username": "twice" })).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{}", again.text);

    let mut elsewhere = Browser::new();
    elsewhere.sign_in(&login(&desk, "sso"), "a1", HOME).await;
    assert_eq!(current(&desk, &mut elsewhere).await["username"], "wonder");
}

#[tokio::test]
async fn an_answer_that_no_sign_in_of_this_browser_asked_for_is_refused() {
    let desk = Desk::new();
    let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), Claims::InToken);
    desk.add_source("sso", "oidc", with(provider.settings(), json!({ "auto_onboard": true }))).await;
    let mut alice = Browser::new();
    let page = alice.sign_in(&login(&desk, "sso"), "a1", "/c/oidc/callback").await;
    let stolen = Browser::new().open(page.url.as_str()).await;
    assert_eq!(stolen.status, StatusCode::BAD_REQUEST, "{}", stolen.text);
    let back = alice.open_until(page.url.as_str(), HOME).await;
    assert_eq!(back.url.path(), HOME, "{}", back.text);
    let replayed = alice.open(page.url.as_str()).await;
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST, "{}", replayed.text);

    let mut hesitant = Browser::new();
    let form = hesitant.open(&login(&desk, "sso")).await;
    let refused = hesitant.open(&format!("{}/abort", form.url)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.text);
    assert!(refused.text.contains("access_denied"), "{}", refused.text);
    assert!(hesitant.cookie(&desk.url("/"), "sid").is_none());
}

#[tokio::test]
async fn directories_providers_and_our_own_users_work_at_the_same_time() {
    let (one, two) = (Directory::start("one", &["alice"]), Directory::start("two", &["carol"]));
    let desk = Desk::new();
    let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), Claims::InToken);
    desk.add_source("one", "ldap", settings(&one)).await;
    desk.add_source("sso", "oidc", with(provider.settings(), json!({ "auto_onboard": true }))).await;
    desk.add_source("two", "ldap", settings(&two)).await;
    for name in ["alice", "carol"] {
        desk.who_is(name, directory::PASSWORD).await.unwrap();
    }
    let mut bob = Browser::new();
    bob.sign_in(&login(&desk, "sso"), "b2", HOME).await;
    assert_eq!(current(&desk, &mut bob).await["username"], "bob");
    let mut other_alice = Browser::new();
    let refused = other_alice.sign_in(&login(&desk, "sso"), "a1", HOME).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("of source one"), "{}", refused.text);
    let administrator = desk.server.administrator();
    desk.who_is(&administrator.name, &administrator.password).await.unwrap();
    assert_eq!(desk.who_is("bob", directory::PASSWORD).await.unwrap_err().0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_in_one_line() {
    let desk = Desk::new();
    let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), Claims::InToken);
    let ping = |url: String| {
        desk.ask(Method::POST, "/system/oidc/ping", Some(json!({ "url": url, "verify_cert": true })))
    };
    ping(provider.url()).await.expect(StatusCode::OK);
    let away = ping("http://127.0.0.1:1".to_owned()).await.expect(StatusCode::BAD_REQUEST);
    assert!(away.text.contains("http://127.0.0.1:1") && away.text.contains("refused"), "{}", away.text);
    let none = Browser::new().open(&desk.url("/c/oidc/login")).await;
    assert_eq!(none.status, StatusCode::PRECONDITION_FAILED, "{}", none.text);
    desk.add_source("sso", "oidc", with(provider.settings(), json!({ "endpoint": "http://127.0.0.1:1" })))
        .await;
    let away = Browser::new().open(&desk.url("/c/oidc/login")).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE, "{}", away.text);
}

#[tokio::test]
async fn harbors_keys_make_the_first_provider() {
    let desk = Desk::new();
    let provider = Provider::start(&desk.url("/c/oidc/callback"), &people(), Claims::InUserinfo);
    let settings = provider.settings();
    let keys = json!({
        "auth_mode": "oidc_auth", "oidc_name": "Company sign-in", "oidc_endpoint": provider.url(),
        "oidc_client_id": settings["client_id"], "oidc_client_secret": settings["client_secret"],
        "oidc_scope": "openid,profile,email,groups", "oidc_groups_claim": "groups", "oidc_admin_group": "admins",
        "oidc_group_filter": "^adm", "oidc_auto_onboard": true, "oidc_verify_cert": true,
        "oidc_extra_redirect_parms": "{\"ui_locales\":\"en\"}",
    });
    desk.ask(Method::PUT, "/configurations", Some(keys)).await.expect(StatusCode::OK);
    let configuration = desk.get("/configurations").await;
    assert_eq!(configuration["oidc_name"]["value"], "Company sign-in");
    assert_eq!(configuration["oidc_extra_redirect_parms"]["value"], "{\"ui_locales\":\"en\"}");
    assert!(configuration.get("oidc_client_secret").is_none());
    let info = desk.get("/systeminfo").await;
    assert_eq!(
        (&info["auth_mode"], &info["oidc_provider_name"]),
        (&json!("oidc_auth"), &json!("Company sign-in"))
    );
    assert_eq!(info["oidc_providers"][0]["login_url"], "/c/oidc/login?source=oidc");
    let mut bob = Browser::new();
    bob.sign_in(&desk.url(&format!("/c/oidc/login?redirect_url={HOME}")), "b2", HOME).await;
    assert_eq!(current(&desk, &mut bob).await["admin_role_in_auth"], true);
    let groups = desk.get("/usergroups").await;
    assert_eq!(groups.as_array().unwrap().len(), 1, "{groups}");
}
