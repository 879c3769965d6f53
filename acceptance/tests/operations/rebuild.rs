//! A registry whose database is lost, brought back from its storage.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_acceptance::client::Client;
use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::Server;
use hythe_acceptance::{images, stores};
use reqwest::StatusCode;

use crate::support::Place;

/// What is promised: everything that is older than this is in the journal.
const PROMISED: Duration = Duration::from_secs(5);

impl Place {
    /// The folders of the journals that tell everything.
    fn whole_journals(&self) -> Vec<PathBuf> {
        let journals = fs::read_dir(self.storage().join("notes/journal")).into_iter().flatten();
        journals
            .map(|entry| entry.unwrap().path())
            .filter(|journal| journal.join("complete").exists())
            .collect()
    }

    fn await_whole_journal(&self) -> Vec<PathBuf> {
        let begun = Instant::now();
        while self.whole_journals().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no journal");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.whole_journals()
    }

    fn crane(&self, server: &Server, arguments: &[&str]) -> Client {
        let crane = Client::new("crane", &self.path("")).variable("DOCKER_CONFIG", self.path("docker"));
        let host = server.host();
        crane.args(["--insecure"]).args(arguments.iter().map(|word| word.replace("HOST", &host)))
    }
}

fn end(desk: Desk) {
    let mut server = Arc::into_inner(desk.server).unwrap();
    server.signal("KILL");
    server.ended();
}

async fn is_brought_back(mut place: Place, new_database: &str) {
    let desk = place.serve().await;
    let (server, password) = (desk.server.clone(), desk.server.administrator().password);
    place.crane(&server, &["auth", "login", "-u", "admin", "-p", &password, "HOST"]).succeeds();
    let busybox = images::busybox();
    let folder = busybox.folder().to_string_lossy().into_owned();
    place.crane(&server, &["push", &folder, "HOST/library/busybox:1"]).succeeds();
    desk.create_project("hidden", false).await;
    desk.push_image("hidden/app", "moved", "first").await;
    place.await_whole_journal();
    let second = desk.push_image("hidden/app", "moved", "second").await;
    desk.push_image("hidden/app", "gone", "third").await;
    desk.delete("/v2/hidden/app/manifests/gone").await.expect(StatusCode::ACCEPTED);
    desk.push_image("hidden/again", "v1", "of before").await;
    desk.delete("/api/v2.0/projects/hidden/repositories/again").await.expect(StatusCode::OK);
    desk.push_image("hidden/again", "v2", "of after").await;
    tokio::time::sleep(PROMISED).await;
    drop(server);
    end(desk);

    place.use_database(new_database);
    let said = place.run(&["storage", "rebuild"]).succeeds();
    assert!(said.contains("3 repositories") && said.contains("0 things are lost"), "{said}");
    let desk = place.serve_again("hidden");
    let server = desk.server.clone();
    place.crane(&server, &["validate", "--fast", "--remote", "HOST/library/busybox:1"]).succeeds();
    place.crane(&server, &["pull", "HOST/library/busybox:1", "pulled.tar"]).succeeds();
    let moved = desk.get("/v2/hidden/app/manifests/moved").await.expect(StatusCode::OK);
    assert_eq!(moved.header("docker-content-digest"), Some(second.as_str()));
    for gone in ["/v2/hidden/app/manifests/gone", "/v2/hidden/again/manifests/v1"] {
        desk.get(gone).await.expect(StatusCode::NOT_FOUND);
    }
    desk.get("/v2/hidden/again/manifests/v2").await.expect(StatusCode::OK);
    let stranger = desk.anonymous(reqwest::Method::GET, "/v2/hidden/app/manifests/moved");
    desk.send(stranger).await.expect(StatusCode::UNAUTHORIZED);
    assert!(place.run(&["storage", "audit"]).succeeds().contains("0 orphans, 0 leftovers, 0 missing"));
    let refused = place.run(&["storage", "rebuild"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    the_next_journal_takes_over(&place, desk, server).await;
}

/// The rebuilt registry writes a journal of its own, from which it can be rebuilt as well.
async fn the_next_journal_takes_over(place: &Place, desk: Desk, server: Arc<Server>) {
    let begun = Instant::now();
    while fs::read_dir(place.storage().join("notes/journal")).unwrap().count() > 1
        && fs::read_dir(place.whole_journals().remove(0)).unwrap().count() > 1
        && place.whole_journals().len() != 1
    {
        assert!(begun.elapsed() < Duration::from_secs(30), "two journals: {:?}", place.whole_journals());
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(server);
    end(desk);
}

#[tokio::test]
async fn a_registry_on_sqlite_is_brought_back_from_its_storage() {
    let place = Place::new();
    let database = format!("sqlite://{}", place.path("rebuilt.db").display());
    is_brought_back(place, &database).await;
}

#[tokio::test]
async fn a_registry_on_postgres_is_brought_back_from_its_storage() {
    let (Some(old), Some(new)) = (stores::postgres(), stores::postgres()) else { return };
    let mut place = Place::new();
    place.use_database(&old);
    is_brought_back(place, &new).await;
}

#[tokio::test]
async fn damage_in_the_journal_is_named_and_the_rest_is_brought_back() {
    let mut place = Place::new();
    let desk = place.serve().await;
    let project = desk.project.clone();
    desk.push_image(&desk.repository("app"), "v1", "first").await;
    place.await_whole_journal();
    tokio::time::sleep(PROMISED).await;
    let mut before = segments(&place);
    desk.push_image(&desk.repository("app"), "v2", "second").await;
    tokio::time::sleep(PROMISED).await;
    end(desk);
    let after = segments(&place);
    let last = after.iter().find(|segment| !before.contains(segment)).unwrap();
    let bytes = fs::read(last).unwrap();
    fs::write(last, &bytes[..bytes.len() / 2]).unwrap();
    before.clear();
    place.use_database(&format!("sqlite://{}", place.path("rebuilt.db").display()));
    let rebuilt = place.run(&["storage", "rebuild"]);
    assert_eq!(rebuilt.code, 3, "{rebuilt:?}");
    assert!(rebuilt.out.contains("lost: segment journal/"), "{rebuilt:?}");
    let desk = place.serve_again(&project);
    desk.get(&format!("/v2/{project}/app/manifests/v1")).await.expect(StatusCode::OK);
    desk.get(&format!("/v2/{project}/app/manifests/v2")).await.expect(StatusCode::NOT_FOUND);
}

fn segments(place: &Place) -> Vec<PathBuf> {
    let journals = place.whole_journals();
    let mut notes: Vec<PathBuf> =
        fs::read_dir(&journals[0]).unwrap().map(|entry| entry.unwrap().path()).collect();
    notes.sort();
    notes
}
