//! The commands of a registry's users, run as a user runs them, against a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong in a test fails it")]

mod deployment;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use hythe_acceptance::desk::Desk;
use hythe_acceptance::server::{Options, Server};
use serde_json::Value;
use tempfile::TempDir;

/// Somebody at a terminal, with a home of their own.
struct Person<'s> {
    server: &'s Server,
    home: TempDir,
}

impl<'s> Person<'s> {
    fn at(server: &'s Server) -> Person<'s> {
        Person { server, home: TempDir::new().unwrap() }
    }

    fn administrator(server: &'s Server) -> Person<'s> {
        let person = Person::at(server);
        let admin = server.administrator();
        person.signs_in(&admin.name, &admin.password);
        person
    }

    fn signs_in(&self, name: &str, password: &str) {
        let url = format!("http://{}", self.server.host());
        let output = self.says(&["login", &url, "--username", name, "--password-stdin"], password);
        assert!(output.status.success(), "{}", complaint(&output));
    }

    /// Runs a command that is fed this.
    fn says(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(hythe_acceptance::server::binary())
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a command prints that must succeed.
    fn runs(&self, arguments: &[&str]) -> String {
        let output = self.says(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {}", complaint(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn asks(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.runs(&[arguments, &["--output", "json"]].concat())).unwrap()
    }

    /// The exit code and the words of a command that must fail.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.says(arguments, "");
        assert!(!output.status.success(), "{arguments:?} succeeded");
        (output.status.code().unwrap(), complaint(&output))
    }

    fn logins(&self) -> std::path::PathBuf {
        self.home.path().join(".config/hythe/logins.json")
    }
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_login_keeps_a_token_and_never_the_password_and_ends_at_both_sides() {
    let server = Server::start();
    let person = Person::administrator(&server);
    let password = server.administrator().password;
    let kept = std::fs::read_to_string(person.logins()).unwrap();
    assert!(!kept.contains(&password) && kept.contains("hythe_pat_"), "{kept}");
    assert_eq!(mode(&person.logins()), 0o600);
    assert!(person.runs(&["whoami"]).contains("admin"));
    let secret =
        serde_json::from_str::<Value>(&kept).unwrap()["logins"][0]["secret"].as_str().unwrap().to_owned();
    person.runs(&["logout"]);
    let (code, words) = person.fails(&["whoami"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("hythe login"), "{words}");
    let url = format!("http://{}", server.host());
    let again = person.says(&["login", &url, "--username", "admin", "--password-stdin"], &secret);
    assert_eq!(again.status.code(), Some(4), "the token was deleted at the registry");
}

#[test]
fn a_project_its_members_and_its_robots_are_made_shown_and_taken_away() {
    let server = Server::start();
    let admin = Person::administrator(&server);
    admin.runs(&["project", "create", "team", "--visibility", "internal"]);
    assert_eq!(admin.asks(&["project", "show", "team"])["metadata"]["visibility"], "internal");
    let made = admin.says(&["user", "create", "alice", "--password-stdin"], "Sesame-1234\n");
    assert!(made.status.success(), "{}", complaint(&made));
    admin.runs(&["member", "add", "team", "alice", "limitedGuest"]);
    admin.runs(&["member", "set", "team", "alice", "developer"]);
    assert!(admin.runs(&["member", "list", "team"]).contains("developer"));
    let why =
        admin.runs(&["project", "explain", "team", "alice", "repository:push", "--repository", "team/app"]);
    assert!(why.contains("alice may repository:push in team/app: role developer"), "{why}");

    let robot = admin.asks(&["robot", "create", "ci", "--project", "team", "--may", "repository:pull"]);
    assert_eq!(robot["name"], "robot_team+ci");
    let fresh = admin.asks(&["robot", "refresh", &robot["id"].to_string(), "--keep-old-for", "60"]);
    assert_ne!(fresh["secret"], robot["secret"]);
    let id = robot["id"].to_string();
    let rule = admin.asks(
        &[
            &[
                "robot",
                "trust",
                "add",
                &id,
                "main",
                "--issuer",
                "https://ci.example.com",
                "--audience",
                "here",
            ][..],
            &["--claim", "sub=job-*", "--claim", "ref=main"],
        ]
        .concat(),
    );
    assert_eq!(rule["claims"]["sub"], "job-*");
    assert!(admin.runs(&["robot", "trust", "ls", &id]).contains("https://ci.example.com"));
    let (code, words) = admin.fails(&[
        "robot",
        "trust",
        "add",
        &id,
        "all",
        "--issuer",
        "https://ci.example.com",
        "--audience",
        "here",
        "--claim",
        "sub=*",
    ]);
    assert!(code != 0 && words.contains("everybody"), "{words}");
    admin.runs(&["robot", "trust", "rm", &id, &rule["id"].to_string()]);
    assert_eq!(admin.asks(&["robot", "trust", "list", &id]), Value::Array(Vec::new()));
    admin.runs(&["robot", "delete", &id]);

    let alice = Person::at(&server);
    alice.signs_in("alice", "Sesame-1234");
    let (code, words) = alice.fails(&["user", "list"]);
    assert_eq!(code, 4, "{words}");
    assert!(words.contains("user alice may not list") && words.contains("request "), "{words}");

    admin.runs(&["member", "remove", "team", "alice"]);
    admin.runs(&["project", "delete", "team"]);
    let (code, words) = admin.fails(&["project", "show", "team"]);
    assert_eq!(code, 5, "{words}");
}

#[test]
fn a_token_is_limited_and_the_log_tells_what_was_done() {
    let server = Server::start();
    let admin = Person::administrator(&server);
    let made = admin.asks(&[
        "token",
        "create",
        "ci",
        "--days",
        "1",
        "--project",
        "library",
        "--may",
        "repository:pull",
    ]);
    let limited = Person::at(&server);
    let url = format!("http://{}", server.host());
    let secret = made["secret"].as_str().unwrap();
    let refused = limited.says(&["login", &url, "--username", "admin", "--password-stdin"], secret);
    assert_eq!(refused.status.code(), Some(4), "a limited token makes no unlimited one");
    admin.runs(&["token", "delete", &made["id"].to_string()]);
    let told = admin.runs(&["audit", "list", "--query", "resource_type=token"]);
    assert!(told.contains("create token ci") && told.contains("delete token"), "{told}");
    let exported = admin.runs(&["audit", "export"]);
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["client_address"] != ""), "{exported}");
    assert!(!exported.contains(secret));
}

#[test]
fn jobs_and_schedules_are_listed_read_and_cancelled() {
    let server = Server::start();
    let admin = Person::administrator(&server);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(admin.logins()).unwrap()).unwrap();
    let secret = kept["logins"][0]["secret"].as_str().unwrap();
    let url = format!("http://{}/api/v2.0/system/purgeaudit/schedule", server.host());
    for body in [
        r#"{"schedule":{"type":"Daily","time_zone":"Europe/Berlin"},"parameters":{"audit_retention_hour":24}}"#,
        r#"{"schedule":{"type":"Manual"},"parameters":{"audit_retention_hour":24}}"#,
    ] {
        let curl = ["-sf", "-u", &format!("admin:{secret}"), "--json", body, &url].map(str::to_owned);
        assert!(Command::new("curl").args(curl).status().unwrap().success());
    }
    assert!(admin.runs(&["schedule", "ls"]).contains("Europe/Berlin"));
    let id = admin.asks(&["job", "ls", "--kind", "purge_audit_log"])[0]["id"].to_string();
    while admin.asks(&["job", "show", &id])["state"] != "succeeded" {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(admin.runs(&["job", "show", &id]).contains("purge_audit_log".to_uppercase().as_str()));
    let log = admin.runs(&["job", "log", &id]);
    assert!(log.ends_with("removed 0 events older than 24 hours\n"), "{log}");
    assert!(admin.runs(&["job", "cancel", &id]).contains("had ended already: it succeeded"));
    assert_eq!(
        admin.asks(&["job", "ls", "--state", "running", "--state", "failed"]),
        Value::Array(Vec::new())
    );
    let (code, words) = admin.fails(&["job", "show", "999999"]);
    assert_eq!(code, 5, "{words}");
}

#[test]
fn mistakes_are_explained_whole() {
    let server = Server::start();
    let admin = Person::administrator(&server);
    let (code, words) = admin.fails(&["project", "create", "Not A Name"]);
    assert_eq!(code, 1, "{words}");
    assert_eq!(words.lines().count(), 1, "{words}");
    let (code, words) = admin.fails(&["artifact", "show", "team"]);
    assert_eq!(code, 2, "{words}");
    assert!(words.contains("write project/name:tag or project/name@digest"), "{words}");
    let (code, words) = admin.fails(&["whoami", "--server", "http://127.0.0.1:1"]);
    assert_eq!(code, 4, "{words}");
}

#[test]
fn shells_can_complete() {
    let server = Server::start();
    let person = Person::at(&server);
    for shell in ["bash", "zsh", "fish"] {
        assert!(person.runs(&["completions", shell]).contains("hythe"), "{shell}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_project_may_hold_and_what_it_keeps_is_said_and_shown() {
    let desk = Desk::with(&Options::default()).await;
    for (tag, architecture) in [("v1", "amd64"), ("dev", "arm64")] {
        desk.push_for("app", Some(tag), architecture).await;
    }
    let (admin, project) = (Person::administrator(&desk.server), desk.project.as_str());
    let tags = admin.runs(&["tag", "ls", &format!("{project}/app")]);
    let names: Vec<&str> = tags.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["TAG", "dev", "v1"], "{tags}");
    assert!(tags.contains("never") && tags.contains("sha256:"), "{tags}");
    admin.runs(&["quota", "set", project, "1GiB"]);
    assert!(admin.runs(&["quota", "ls"]).contains("1.0 GiB"));
    assert_eq!(admin.asks(&["quota", "recount", project])["difference"], 0);
    let (code, words) = admin.fails(&["quota", "set", project, "lots"]);
    assert!(code == 2 && words.contains("50GiB"), "{code} {words}");

    admin.runs(&["immutable", "add", project, "v*"]);
    let rules = admin.asks(&["immutable", "ls", project]);
    assert_eq!(rules[0]["tag_selectors"][0]["pattern"], "v*");

    let (_, words) = admin.fails(&["retention", "show", project]);
    assert!(words.contains("has no retention policy; everything is kept"), "{words}");
    let told = admin.runs(&["retention", "add", project, "latestPushedK", "0"]);
    assert!(told.contains("latestPushedK 0") && told.contains("only when somebody asks"), "{told}");
    let (_, words) = admin.fails(&["retention", "add", project, "newest", "3"]);
    assert!(words.contains("newest"), "{words}");
    let told = admin.runs(&["retention", "add", project, "always", "--tags", "v*", "--tagged"]);
    assert!(told.contains("always"), "{told}");
    let told = admin.runs(&["retention", "schedule", project, "0 3 * * *", "--time-zone", "Europe/Berlin"]);
    assert!(told.contains("0 3 * * *, next "), "{told}");
    admin.runs(&["retention", "rm", project, "2"]);
    let policy = admin.asks(&["retention", "show", project]);
    assert_eq!(policy["rules"].as_array().unwrap().len(), 1, "{policy}");
    assert_eq!(policy["trigger"]["settings"]["time_zone"], "Europe/Berlin");
    admin.runs(&["retention", "schedule", project, "none"]);
    let told = admin.runs(&["retention", "run", project, "--dry-run"]);
    for words in ["immutable tag rule", "no rule keeps it", "1 of 2 artifacts would be deleted"] {
        assert!(told.contains(words), "{told}");
    }
    let told = admin.runs(&["retention", "run", project]);
    assert!(told.contains("1 of 2 artifacts were deleted"), "{told}");
    assert!(admin.runs(&["retention", "rm", project, "1"]).contains("everything is kept"));
    admin.runs(&["immutable", "rm", project, &rules[0]["id"].to_string()]);
}
