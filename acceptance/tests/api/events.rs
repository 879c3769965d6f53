//! The stream of events: who is shown what, going on where one left off, and its ends.

use std::time::{Duration, Instant};

use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::Options;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::SHARED;

const PATH: &str = "/api/v2.0/events";

/// How long an event may take; the database is looked at each second.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream as a browser reads it.
struct Listener {
    response: Response,
    text: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Listener {
    async fn open(request: RequestBuilder) -> Listener {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener { response, text: String::new() }
    }

    /// The next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = Event::parse(event);
                self.text = rest.to_owned();
                return Some(event);
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event of which this is true.
    async fn find(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.next().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        });
        found.await.unwrap()
    }
}

impl Event {
    fn parse(text: &str) -> Event {
        let field = |name: &str| {
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_start)
        };
        Event {
            name: field("event").unwrap_or_default().to_owned(),
            id: field("id").map(str::to_owned),
            data: serde_json::from_str(field("data").unwrap_or_default()).unwrap_or_default(),
        }
    }

    fn is_end_of(&self, job: i64) -> bool {
        self.name == "job" && self.data["id"] == job && self.data["state"] == "succeeded"
    }
}

/// Asks for a purge that only shows what would go; the number of its job.
async fn purge(desk: &Desk) -> i64 {
    let wanted = json!({ "schedule": { "type": "Manual" },
        "parameters": { "audit_retention_hour": 24, "dry_run": true } });
    let asked = desk.request(Method::POST, "/api/v2.0/system/purgeaudit/schedule").json(&wanted);
    let made = desk.send(asked).await.expect(StatusCode::CREATED);
    made.location().rsplit('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn jobs_and_nodes_are_told_of_and_who_comes_back_goes_on() {
    let desk = Desk::with(&Options::default()).await;
    let mut all = Listener::open(desk.request(Method::GET, PATH)).await;
    assert_eq!(all.next().await.unwrap().name, "beat", "at once, so that a client knows that it hears");
    let node = all.find(|event| event.name == "node").await;
    assert_eq!((&node.data["state"], &node.data["here"]), (&json!("serving"), &json!(true)), "{node:?}");
    let first = purge(&desk).await;
    let seen = all.find(|event| event.is_end_of(first)).await;
    drop(all);

    let missed = purge(&desk).await;
    let jobs = desk.request(Method::GET, &format!("{PATH}?topics=job"));
    let mut again = Listener::open(jobs.header("Last-Event-ID", seen.id.unwrap())).await;
    let mut since = Vec::new();
    while !since.last().is_some_and(|event: &Event| event.is_end_of(missed)) {
        since.push(again.find(|event| event.name != "beat").await);
    }
    assert!(since.iter().all(|event| event.name == "job" && event.data["id"] != first), "{since:?}");

    let elsewhere = desk.request(Method::GET, PATH).header("Last-Event-ID", "another-run-1");
    let mut anew = Listener::open(elsewhere).await;
    anew.find(|event| event.is_end_of(first)).await;
}

#[tokio::test]
async fn only_who_may_see_something_is_let_in() {
    let desk = Desk::private_at(&SHARED).await;
    let stranger = desk.user(None).await;
    for topics in ["", "?topics=job", "?topics=node"] {
        let path = format!("{PATH}{topics}");
        desk.send(desk.anonymous(Method::GET, &path)).await.refused(401, "UNAUTHORIZED");
        desk.send(desk.request_by(&stranger, Method::GET, &path)).await.refused(403, "FORBIDDEN");
    }
    desk.get(&format!("{PATH}?topics=people")).await.refused(400, "BAD_REQUEST");
}

#[tokio::test]
async fn a_stream_ends_when_the_node_does_and_holds_nothing_up() {
    let desk = Desk::with(&Options::default()).await;
    let mut stream = Listener::open(desk.request(Method::GET, PATH)).await;
    stream.find(|event| event.name == "node").await;
    let begun = Instant::now();
    desk.server.signal("TERM");
    let ended = tokio::time::timeout(PATIENCE, async { while stream.next().await.is_some() {} });
    ended.await.unwrap();
    let mut server = std::sync::Arc::into_inner(desk.server).unwrap();
    assert_eq!(server.ended().code(), Some(0));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let desk = Desk::with(&Options::default()).await;
    let administrator = desk.server.administrator();
    let form = format!("principal={}&password={}", administrator.name, administrator.password);
    let login = desk.http.post(desk.url("/c/login"));
    let login = login.header("Content-Type", "application/x-www-form-urlencoded").body(form);
    let answer = login.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let cookies = answer.headers().get_all("set-cookie").iter();
    let cookies: Vec<&str> =
        cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap()).collect();
    let cookies = cookies.join("; ");
    let mut stream = Listener::open(desk.anonymous(Method::GET, PATH).header("Cookie", &cookies)).await;
    stream.find(|event| event.name == "node").await;
    let left = desk.anonymous(Method::GET, "/c/log_out").header("Cookie", &cookies).send().await.unwrap();
    assert!(left.status().is_success() || left.status().is_redirection(), "{}", left.status());
    // Who is asking is looked at with each beat.
    let ended = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(2 * Duration::from_secs(15), ended).await.unwrap();
}
