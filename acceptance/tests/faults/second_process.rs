//! A second process on what the first has: it ends at once, and says who is in its way.

use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::Options;
use reqwest::StatusCode;

#[tokio::test]
async fn a_second_process_on_the_same_folder_names_the_first_and_ends() {
    let desk = Desk::with(&Options::default()).await;
    let (code, words) = Options::default().data(desk.server.data()).refuses();
    assert_eq!(code, 1, "{words}");
    let last = words.lines().last().unwrap();
    let (pid, database) = (desk.server.pid(), desk.server.data().join("hythe.db"));
    assert!(
        last.starts_with(&format!("error: database {} is in use by process {pid} ", database.display())),
        "{words}"
    );
    assert!(last.contains("use PostgreSQL for several nodes"), "{words}");
    desk.push_image(&desk.repository("a"), "1", "the first goes on").await;
}

#[tokio::test]
async fn a_busy_port_is_refused_before_anything_is_touched() {
    let desk = Desk::with(&Options::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (code, words) = Options::default().data(&data).listen(&desk.server.host()).refuses();
    assert_eq!(code, 1, "{words}");
    let last = words.lines().last().unwrap();
    let holder = format!("process {}", desk.server.pid());
    let address = format!("error: cannot listen on {}: it is held by ", desk.server.host());
    assert!(last.starts_with(&address) && last.contains(&holder) && last.contains("--listen"), "{words}");
    assert!(!data.exists(), "a folder was made for a server that never served");
    desk.get("/v2/").await.expect(StatusCode::OK);
}
