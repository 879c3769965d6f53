//! A thousand `docker login`s at once through a balancer over three nodes, and somebody who guesses.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_acceptance::actor::Actor;
use hythe_acceptance::balancer::Balancer;
use hythe_acceptance::client::Client;
use hythe_acceptance::server::{Options, Server};
use hythe_acceptance::stores;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use url::Url;

use crate::api::Api;

const LOGINS: usize = 1000;
const PEOPLE: usize = 25;
/// How many sign in at the same moment, as when a cluster's machines start together.
const AT_ONCE: usize = 100;
const PASSWORD: &str = "Storm-12345";
/// The third failure too many for one account from one address is refused unheard; see `registry`'s throttle.
const FREE_FAILURES: usize = 5;

/// Three nodes on one database and one folder, and what stands in front of them.
struct Cluster {
    balancer: Balancer,
    nodes: Vec<Server>,
    _storage: TempDir,
}

impl Cluster {
    /// Nothing where no PostgreSQL was started for the tests.
    fn start() -> Option<Cluster> {
        let database = stores::postgres()?;
        let storage = TempDir::with_prefix("hythe-storm-").unwrap();
        let options = Options::default()
            .variable("HYTHE_DATABASE_URL", &database)
            .variable("HYTHE_STORAGE_URL", &storage.path().to_string_lossy())
            .variable("HYTHE_SERVER_TRUSTED_PROXIES", "127.0.0.1/32");
        let nodes: Vec<Server> = (0..3).map(|_| options.start()).collect();
        Some(Cluster { balancer: Balancer::over(&nodes), nodes, _storage: storage })
    }

    fn make_people(&self) -> Vec<Actor> {
        let api = Api::of(&self.nodes[0]);
        let people: Vec<Actor> =
            (0..PEOPLE).map(|index| Actor::new(&format!("person{index}"), PASSWORD)).collect();
        for person in &people {
            let email = format!("{}@storm.test", person.name);
            let user = json!({ "username": person.name, "password": person.password, "email": email, "realname": "A" });
            api.change(&Method::POST, "/users", &user);
        }
        people
    }
}

/// A client at an address of its own: 127.0.0.0/8 is all ours.
fn client_at(last: u8) -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let address = std::net::IpAddr::from([127, 0, 0, last]);
    reqwest::Client::builder()
        .no_proxy()
        .local_address(address)
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

/// What docker does for `docker login`: ask, be challenged, fetch a token with the password, ask with the token.
async fn docker_login(http: &reqwest::Client, host: &str, person: &Actor) -> Result<(), String> {
    let base = format!("http://{host}/v2/");
    let asked = http.get(&base).send().await.map_err(|error| format!("first: {error}"))?;
    if asked.status() != StatusCode::UNAUTHORIZED {
        return Err(format!("first: {}", asked.status()));
    }
    let challenge = asked.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let service = quoted(&challenge, "service");
    let words = [
        ("account", &*person.name),
        ("client_id", "docker"),
        ("offline_token", "true"),
        ("service", service),
    ];
    let realm = Url::parse_with_params(quoted(&challenge, "realm"), words).unwrap();
    let asked = http.get(realm).basic_auth(&person.name, Some(&person.password));
    let given = asked.send().await.map_err(|error| format!("token: {error}"))?;
    let status = given.status();
    let body: Value = given.json().await.map_err(|error| format!("token: {status} {error}"))?;
    let token = body["token"].as_str().ok_or_else(|| format!("token: {status} {body}"))?;
    let last = http.get(&base).bearer_auth(token).send().await.map_err(|error| format!("last: {error}"))?;
    if last.status() == StatusCode::OK { Ok(()) } else { Err(format!("last: {}", last.status())) }
}

/// One parameter of a challenge.
fn quoted<'a>(challenge: &'a str, name: &str) -> &'a str {
    let begin = challenge.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
    challenge[begin..].split('"').next().unwrap()
}

/// Everybody signs in [`LOGINS`] times in all; the refusals by what was said.
async fn storm(host: String, people: Vec<Actor>) -> HashMap<String, usize> {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let clients: Vec<reqwest::Client> = (10..30).map(client_at).collect();
    let mut running = JoinSet::new();
    for index in 0..LOGINS {
        let (gate, host) = (Arc::clone(&gate), host.clone());
        let (http, person) = (clients[index % clients.len()].clone(), people[index % people.len()].clone());
        running.spawn(async move {
            let _one = gate.acquire().await.unwrap();
            docker_login(&http, &host, &person).await
        });
    }
    let mut refused = HashMap::new();
    while let Some(done) = running.join_next().await {
        if let Err(said) = done.unwrap() {
            *refused.entry(said).or_default() += 1;
        }
    }
    refused
}

#[test]
fn a_thousand_logins_over_three_nodes_are_all_let_in() {
    let Some(cluster) = Cluster::start() else { return };
    let people = cluster.make_people();
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let refused = runtime.block_on(storm(cluster.balancer.host(), people.clone()));
    println!("{LOGINS} logins in {:.1} s", begun.elapsed().as_secs_f64());
    assert!(refused.is_empty(), "refused: {refused:?}");
    let home = TempDir::with_prefix("hythe-storm-home-").unwrap();
    for person in &people[..10] {
        let login = Client::new("skopeo", home.path()).args([
            "login",
            "--tls-verify=false",
            "--authfile",
            "auth.json",
        ]);
        login.args(["-u", &person.name, "-p", &person.password]).arg(cluster.balancer.host()).succeeds();
    }
    assert_spread(&cluster);
}

/// A balancer that sent everything to one node would show nothing. All requests count: a login is three of them, and three
/// nodes in turn may get more of one kind than of another.
fn assert_spread(cluster: &Cluster) {
    for node in &cluster.nodes {
        let metrics = Api::of(node).text("/metrics");
        let counts = metrics.lines().filter(|line| line.starts_with("hythe_requests_total{"));
        let answered: usize =
            counts.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum();
        assert!(answered > LOGINS / 2, "a node has answered {answered} requests only");
    }
}

/// The status of one sign-in at this host.
async fn sign_in(
    http: &reqwest::Client,
    host: &str,
    name: &str,
    password: &str,
) -> (StatusCode, Option<u64>) {
    let url = format!("http://{host}/service/token?service=harbor-registry");
    let answer = http.get(url).basic_auth(name, Some(password)).send().await.unwrap();
    let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    (answer.status(), wait)
}

#[test]
fn a_guesser_is_slowed_on_all_nodes_together_and_others_are_not() {
    let Some(cluster) = Cluster::start() else { return };
    let people = cluster.make_people();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(guess(&cluster, &people[0], &people[1]));
}

async fn guess(cluster: &Cluster, victim: &Actor, other: &Actor) {
    let (guesser, at_home) = (client_at(66), client_at(77));
    let host = cluster.balancer.host();
    let mut heard = 0;
    for attempt in 0..30 {
        let (status, _) = sign_in(&guesser, &host, &victim.name, &format!("Guess-{attempt}")).await;
        heard += usize::from(status == StatusCode::UNAUTHORIZED);
    }
    // Each node counting for itself would have heard three times as many.
    assert!((1..=FREE_FAILURES + 1).contains(&heard), "{heard} guesses were heard");
    for node in &cluster.nodes {
        let (status, wait) = forwarded(&node.host(), &victim.name, PASSWORD).await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "the right password, too soon");
        assert!(wait.is_some_and(|seconds| seconds > 0), "no Retry-After");
    }
    let (status, _) = sign_in(&at_home, &host, &victim.name, &victim.password).await;
    assert_eq!(status, StatusCode::OK, "the victim at home");
    let (status, _) = sign_in(&guesser, &host, &other.name, &other.password).await;
    assert_eq!(status, StatusCode::OK, "somebody else at the guesser's address");
}

/// A sign-in at one node, as the balancer would hand it on for the guesser.
async fn forwarded(host: &str, name: &str, password: &str) -> (StatusCode, Option<u64>) {
    let url = format!("http://{host}/service/token?service=harbor-registry");
    let asked =
        client_at(1).get(url).header("x-forwarded-for", "127.0.0.66").basic_auth(name, Some(password));
    let answer = asked.send().await.unwrap();
    let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    (answer.status(), wait)
}
