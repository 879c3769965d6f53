//! The binary as a person or a script meets it: what it prints, where, and with which exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod remote;
mod support;

use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use support::{Hythe, Server};

#[test]
fn help_is_a_short_manual_with_examples_and_exit_codes() {
    let help = Hythe::new().run(&["--help"]).ok();
    for words in ["hythe serve", "docker login", "HYTHE_ variables", "hythe doctor", "Exit codes:"] {
        assert!(help.contains(words), "no {words:?} in:\n{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}

#[test]
fn help_is_a_command_too() {
    let hythe = Hythe::new();
    assert_eq!(hythe.run(&["help"]).ok(), hythe.run(&["--help"]).ok());
    assert_eq!(hythe.run(&["help", "tag", "list"]).ok(), hythe.run(&["tag", "list", "--help"]).ok());
}

#[test]
fn version_names_version_commit_compiler_and_target() {
    let version = Hythe::new().run(&["version", "--output", "json"]).json();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    for field in ["commit", "rustc", "target"] {
        assert!(version[field].as_str().is_some_and(|text| !text.is_empty()), "{version}");
    }
    let text = Hythe::new().run(&["version"]).ok();
    assert!(text.starts_with(concat!("hythe ", env!("CARGO_PKG_VERSION"), "\n")), "{text}");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    assert_eq!(Hythe::new().run(&["sevre"]).code, 2);
    assert_eq!(Hythe::new().run(&["serve", "--port", "1"]).code, 2);
    assert_eq!(Hythe::new().run(&[]).code, 2);
}

#[test]
fn explain_prints_value_and_origin_and_masks_secrets() {
    let hythe = Hythe::new()
        .file("hythe.toml", "[database]\nurl = \"sqlite:///srv/hythe.db\"\n")
        .variable("HYTHE_DATABASE_URL", "postgres://hythe:secret@db/hythe");
    assert_eq!(
        hythe.run(&["config", "explain", "database.url"]).ok(),
        "\
database.url = \"postgres://hythe:********@db/hythe\"
  from       variable HYTHE_DATABASE_URL
  instead of \"sqlite:///srv/hythe.db\", hythe.toml:2:7
  default    \"sqlite://<data>/hythe.db\"
  type       sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE
  variable   HYTHE_DATABASE_URL or HYTHE_DATABASE_URL_FILE

SQLite for one node, PostgreSQL for several. All nodes of one registry name the same database.
"
    );
    let explained = hythe.run(&["config", "explain", "database.url", "--output", "json"]).json();
    assert_eq!(explained["origin"], "variable HYTHE_DATABASE_URL");
    assert!(!hythe.run(&["config", "explain"]).ok().contains("secret@"));
    hythe
        .run(&["config", "explain", "database.ulr"])
        .refused(1, "error: unknown setting database.ulr; hint: did you mean database.url?\n");
}

#[test]
fn check_names_everything_that_is_wrong_with_its_place() {
    let hythe = Hythe::new().file("hythe.toml", "[server]\nlisen = \":1\"\ndrain_seconds = \"soon\"\n");
    hythe.run(&["config", "check"]).refused(
        3,
        "error: unknown setting server.lisen at hythe.toml:2:1; hint: did you mean server.listen?\n\
         error: server.drain_seconds is the string \"soon\" at hythe.toml:3:17, expected a whole number; \
         hint: for example drain_seconds = 30\n",
    );
    let ran = hythe.run(&["config", "check", "--output", "json"]);
    let checked: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &checked["valid"]), (3, &Value::Bool(false)));
    assert_eq!(checked["problems"][0]["where"], "hythe.toml:2:1");
    assert!(Hythe::new().run(&["config", "check"]).ok().ends_with("The configuration is valid.\n"));
}

#[test]
fn nothing_starts_with_a_wrong_configuration() {
    let hythe = Hythe::new().variable("HYTHE_STORAGE_URL", "gs://bucket");
    hythe.run(&["serve"]).refused(
        1,
        "error: storage.url is \"gs://bucket\" in variable HYTHE_STORAGE_URL, of the unknown kind \"gs\"; expected a folder \
         or s3://BUCKET/PREFIX; hint: for example HYTHE_STORAGE_URL=s3://hythe/blobs\n",
    );
    assert!(!hythe.path().join("hythe-data").exists());
}

#[test]
fn a_busy_port_names_its_holder_and_nothing_is_made() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let hythe = Hythe::new();
    let ran = hythe.run(&["serve", "--listen", &address]);
    assert_eq!(ran.code, 1);
    let expected = format!("error: cannot listen on {address}: it is held by process {}", std::process::id());
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
    assert!(!hythe.path().join("hythe-data").exists());
}

#[test]
fn the_example_is_a_valid_configuration() {
    let example = Hythe::new().run(&["config", "example"]).ok();
    Hythe::new().file("hythe.toml", &example).run(&["config", "check"]).ok();
}

#[test]
fn a_migration_of_nothing_makes_nothing() {
    let hythe = Hythe::new();
    for arguments in [&["migrate", "--plan"][..], &["migrate"]] {
        let ran = hythe.run(arguments);
        assert_eq!(ran.code, 1);
        assert!(ran.err.starts_with("error: there is no database at sqlite:///"), "{}", ran.err);
        assert!(ran.err.ends_with("; hint: `hythe serve` makes it, or name another by --data or --config\n"));
        assert!(!hythe.path().join("hythe-data").exists());
    }
}

#[test]
fn a_migration_is_done_once() {
    let hythe = Hythe::new().file("hythe.db", "").variable("HYTHE_DATA", ".");
    let done = hythe.run(&["migrate", "--output", "json"]).json();
    assert_eq!((done["from"].as_i64(), done["applied"].as_bool()), (Some(0), Some(true)));
    assert!(!done["steps"].as_array().unwrap().is_empty());
    assert_eq!(
        hythe.run(&["migrate", "--plan", "--output", "json"]).json()["steps"],
        Value::Array(Vec::new())
    );
}

#[test]
fn the_doctor_finds_a_new_folder_well_and_leaves_it_as_it_was() {
    let hythe = Hythe::new();
    let ran = hythe.run(&["doctor", "--listen", "127.0.0.1:0", "--output", "json"]);
    let answer: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, answer["status"].as_str()), (0, Some("ok")), "{answer}");
    assert_eq!(fs::read_dir(hythe.path()).unwrap().count(), 0);
}

#[test]
fn the_doctor_ends_with_3_when_something_is_wrong() {
    let hythe = Hythe::new().file("hythe-data", "a file");
    let ran = hythe.run(&["doctor", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("hythe-data is not a folder"), "{}", ran.out);
}

#[test]
fn administration_before_the_first_start_says_what_to_do() {
    let ran = Hythe::new().run(&["admin", "user", "list"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err
            .ends_with("; hint: start `hythe serve` once, or say where the data is by --data or --config\n"),
        "{}",
        ran.err
    );
}

#[test]
fn administrators_work_beside_the_running_server() {
    let hythe = Hythe::new().variable("HYTHE_ADMIN_PASSWORD", "correct horse");
    let server = Server::start(&hythe);
    let made =
        hythe.run_with_input(&["admin", "user", "create", "alice", "--password-stdin"], "other horse\n").ok();
    assert_eq!(made, "User alice was made.\n");
    let random = hythe.run(&["admin", "user", "create", "ci", "--random-password"]).ok();
    assert!(
        random.starts_with("User ci was made.\nThe password, shown this once and kept nowhere:\n\n  "),
        "{random}"
    );
    hythe.run(&["admin", "user", "create", "bob"]).refused(
        2,
        "error: no password for bob, and no terminal to ask for it; hint: --password-stdin reads it from standard input, \
         --random-password makes one\n",
    );
    let certificate = hythe.run(&["admin", "certificate"]).ok();
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----\n"), "{certificate}");
    assert!(!certificate.contains("KEY"), "{certificate}");
    let users = hythe.run(&["admin", "user", "list", "--output", "json"]).json();
    let names: Vec<&str> =
        users.as_array().unwrap().iter().filter_map(|user| user["username"].as_str()).collect();
    assert_eq!(names, ["admin", "alice", "ci"]);

    hythe.run(&["admin", "user", "disable", "alice"]).ok();
    assert!(hythe.run(&["admin", "user", "list"]).ok().contains("disabled"));
    hythe.run(&["admin", "user", "enable", "alice"]).ok();
    hythe.run(&["admin", "project", "create", "team"]).ok();
    hythe.run(&["admin", "project", "visibility", "team", "public"]).ok();
    assert_eq!(
        hythe.run(&["admin", "member", "set", "team", "alice", "limited-guest"]).ok(),
        "User alice is limited-guest of project team.\n"
    );
    hythe.run(&["admin", "member", "add", "team", "alice", "limitedGuest"]).ok();
    assert!(hythe.run(&["admin", "member", "ls", "team"]).ok().contains("limited-guest"));
    hythe.run(&["admin", "member", "remove", "team", "alice"]).ok();
    hythe.run(&["admin", "project", "delete", "team"]).ok();
    hythe.run(&["admin", "user", "delete", "alice"]).ok();
    hythe
        .run(&["admin", "user", "delete", "admin"])
        .refused(1, "error: admin is the last administrator; make another one first\n");
    hythe.run(&["admin", "key", "rotate"]).ok();
    assert_eq!(hythe.run(&["admin", "key", "list", "--output", "json"]).json().as_array().unwrap().len(), 2);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_with_the_first_ones_name() {
    let hythe = Hythe::new();
    let server = Server::start(&hythe);
    let ran = hythe.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, 1);
    let holder = format!("is in use by process {}", server.child.id());
    assert!(ran.err.contains(&holder) && ran.err.contains("PostgreSQL"), "{}", ran.err);
    assert_eq!(server.stop(), 0);
}

#[test]
fn the_first_start_shows_a_password_once_and_later_ones_do_not() {
    let hythe = Hythe::new();
    let first = Server::start(&hythe);
    assert!(first.printed.contains("password  "), "{}", first.printed);
    assert!(
        first.printed.contains(&format!("docker login localhost:{} --username admin", first.port)),
        "{}",
        first.printed
    );
    assert_eq!(first.stop(), 0);
    let second = Server::start(&hythe);
    assert!(!second.printed.contains("password"), "{}", second.printed);
    assert_eq!(second.stop(), 0);
}

#[test]
fn files_that_cannot_be_used_are_told_with_what_to_do() {
    let hythe = Hythe::new().file("hythe.db", "").file("key", "x").variable("HYTHE_DATA", ".");
    let refused = |arguments: &[&str], words: &str| {
        let ran = hythe.run(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}");
        assert!(ran.err.contains(words), "{arguments:?}: {}", ran.err);
    };
    refused(
        &["backup", "/nope/b.gz"],
        "/nope/b.gz, No such file or directory (os error 2); hint: make the folder /nope first",
    );
    refused(
        &["restore", "nope.gz"],
        "cannot open nope.gz, No such file or directory (os error 2); hint: name a file that is",
    );
    refused(&["admin", "secrets", "new-key", "key"], "hint: what is there is left as it is; name a new file");
    refused(&["admin", "secrets", "new-key", "no/where/key"], "hint: make the folder no/where first");
    refused(&["admin", "user", "list", "--data", "key"], "hint: a part of that path is a file; name another");
    assert!(!hythe.path().join("no").exists());
}

#[test]
fn a_file_that_is_no_backup_leaves_nothing_behind() {
    let hythe = Hythe::new().file("x.gz", "hello");
    let ran = hythe.run(&["restore", "x.gz", "--data", "new"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("not that of a backup of hythe"), "{}", ran.err);
    assert!(!hythe.path().join("new").exists());
    fs::create_dir(hythe.path().join("new")).unwrap();
    assert_eq!(hythe.run(&["restore", "x.gz", "--data", "new"]).code, 1);
    assert_eq!(fs::read_dir(hythe.path().join("new")).unwrap().count(), 0);
}

#[test]
fn a_restore_names_the_key_that_the_server_will_want() {
    let hythe = Hythe::new();
    assert_eq!(Server::start(&hythe).stop(), 0);
    hythe.run(&["backup", "b.gz"]).ok();
    let told = hythe.run(&["restore", "b.gz", "--data", "new"]).ok();
    assert!(
        told.contains(": before `hythe serve`, put that key into ") && told.contains("new/secrets.key"),
        "{told}"
    );
    fs::create_dir(hythe.path().join("with-key")).unwrap();
    fs::copy(hythe.path().join("hythe-data/secrets.key"), hythe.path().join("with-key/secrets.key")).unwrap();
    let told = hythe.run(&["restore", "b.gz", "--data", "with-key"]).ok();
    assert!(told.contains(", which is in ") && told.contains("with-key/secrets.key."), "{told}");
}
