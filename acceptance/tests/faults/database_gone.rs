//! PostgreSQL goes away and comes back: nothing is made up meanwhile, and nothing has to be restarted.

use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::postgres::Postgres;
use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};

use crate::support::{Ledger, await_line, await_ready, await_trouble, bytes, push};

#[tokio::test]
async fn while_the_database_is_gone_everything_is_503_and_nobody_is_taken_for_a_stranger() {
    let mut postgres = Postgres::start();
    let desk = Desk::with(&Options::default().variable("HYTHE_DATABASE_URL", &postgres.url())).await;
    let (repository, mut ledger) = (desk.repository("a"), Ledger::default());
    ledger.push_image(&desk, &repository, "before").await;
    ledger.push(&desk, &repository, bytes(1, 100_000)).await;
    let token = desk
        .token(Some(&desk.server.administrator()), &[&format!("repository:{repository}:pull,push")])
        .await;
    let upload = desk.start_upload(&repository).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    postgres.stop();
    let manifest = format!("/v2/{repository}/manifests/before");
    let refused = [
        push(&desk, &repository, b"x").await,
        desk.patch(&upload, "3-5", b"def").await,
        desk.get(&manifest).await,
        desk.get_with_token(&token, &manifest).await,
        desk.send(desk.anonymous(Method::GET, &manifest)).await,
        desk.ask_token(Some(&desk.server.administrator()), "service=hythe-registry").await,
    ];
    for answer in refused {
        assert_eq!(answer.header("retry-after"), Some("5"), "{}", answer.text());
        let answer = answer.refused(503, "UNAVAILABLE");
        assert!(
            answer.text().contains("the database cannot be reached; try again shortly"),
            "{}",
            answer.text()
        );
    }
    let trouble = await_trouble(&desk, "database").await;
    let place = postgres.url().split_once('@').unwrap().1.to_owned();
    assert!(trouble.contains(&place) && trouble.contains("cannot be reached"), "{trouble}");
    assert_eq!(desk.send(desk.anonymous(Method::GET, "/livez")).await.status, 200);
    postgres.resume();
    await_ready(&desk).await;
    await_line(&desk.server, &["well again", "database"]).await;
    ledger.assert_whole(&desk).await;
    desk.patch(&upload, "3-5", b"def").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
    desk.get_with_token(&token, &manifest).await.expect(StatusCode::OK);
    ledger.push_image(&desk, &repository, "after").await;
    ledger.assert_whole(&desk).await;
}

#[tokio::test]
async fn a_node_that_starts_without_its_database_says_which_and_ends() {
    let mut postgres = Postgres::start();
    postgres.stop();
    let url = postgres.url();
    let (code, words) = Options::default().variable("HYTHE_DATABASE_URL", &url).refuses();
    assert_eq!(code, 1, "{words}");
    let last = words.lines().last().unwrap();
    assert!(last.starts_with("error: database 127.0.0.1:") && last.contains("cannot be reached"), "{words}");
}

#[tokio::test]
async fn a_standby_that_is_promoted_takes_over_with_everything_that_was_acknowledged() {
    let mut first = Postgres::start();
    let second = first.standby();
    let url = first.url_with(&second);
    let desk = Desk::with(&Options::default().variable("HYTHE_DATABASE_URL", &url)).await;
    let (repository, mut ledger) = (desk.repository("a"), Ledger::default());
    ledger.push_image(&desk, &repository, "before").await;
    ledger.push(&desk, &repository, bytes(1, 100_000)).await;
    let upload = desk.start_upload(&repository).await;
    desk.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
    first.crash();
    await_trouble(&desk, "database").await;
    second.promote();
    await_ready(&desk).await;
    ledger.assert_whole(&desk).await;
    desk.patch(&upload, "3-5", b"def").await.expect(StatusCode::ACCEPTED);
    desk.put(&format!("{upload}?digest={}", digest(b"abcdef")), "").await.expect(StatusCode::CREATED);
    ledger.push_image(&desk, &repository, "after").await;
    ledger.assert_whole(&desk).await;
}
