//! harbor-cli (goharbor/harbor-cli), command by command; what it does is looked at over the API as well.

use hythe_acceptance::client::{Client, is_there};
use hythe_acceptance::images;
use hythe_acceptance::workbench::{Workbench, json};
use serde_json::{Value, json};

use crate::api::{Api, push};

/// A signed-in command line.
struct Cli {
    bench: Workbench,
    api: Api,
}

impl Cli {
    fn new() -> Cli {
        let bench = Workbench::new();
        let api = Api::of(&bench.server);
        let cli = Cli { bench, api };
        let password = cli.bench.server.administrator().password;
        cli.login(&password).succeeds();
        cli
    }

    fn login(&self, password: &str) -> Client {
        let server = format!("http://{}", self.bench.server.host());
        self.command(&["login", &server, "-u", "admin", "-p", password])
    }

    fn command(&self, words: &[&str]) -> Client {
        // Debian's machines of this kind have no keyring daemon; the tool's own variable holds the key instead.
        self.bench.client("harbor").variable("HARBOR_ENCRYPTION_KEY", ENCRYPTION_KEY).args(words)
    }

    #[track_caller]
    fn run(&self, words: &[&str]) -> String {
        self.command(words).says()
    }

    /// What a command prints as JSON; some wrap it in the client library's `Payload`.
    #[track_caller]
    fn read(&self, words: &[&str]) -> Value {
        let printed = json(&self.command(&[words, &["-o", "json"]].concat()).succeeds());
        printed.get("Payload").cloned().unwrap_or(printed)
    }

    /// One field of every entry of a list.
    #[track_caller]
    fn column(&self, words: &[&str], field: &str) -> Vec<String> {
        let listed = self.read(words);
        let entries = listed.as_array().unwrap_or_else(|| panic!("no list: {listed}"));
        entries.iter().map(|entry| entry[field].as_str().unwrap().to_owned()).collect()
    }
}

/// 32 bytes in base64, as the tool wants them.
const ENCRYPTION_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

#[test]
fn signs_in_only_with_the_right_password() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    let said = cli.login("not-the-password-1").fails();
    assert!(said.contains("authentication failed"), "{said}");
    assert_eq!(cli.read(&["health"])["status"], "healthy");
    assert!(cli.read(&["info"]).is_object());
}

#[test]
fn projects_are_made_seen_changed_and_deleted() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    cli.run(&["project", "create", "team", "--storage-limit", "-1"]);
    cli.run(&["project", "create", "open", "--public", "--storage-limit", "-1"]);
    assert_eq!(cli.column(&["project", "list", "--sort", "name"], "name"), ["library", "open", "team"]);
    assert_eq!(cli.column(&["project", "list", "--private"], "name"), ["team"]);
    assert_eq!(cli.column(&["project", "list", "--fuzzy", "name=pe"], "name"), ["open"]);
    assert_eq!(cli.column(&["project", "list", "--match", "name=team"], "name"), ["team"]);
    let team = cli.read(&["project", "view", "team"]);
    assert_eq!((&team["name"], &team["metadata"]["public"]), (&json!("team"), &json!("false")));
    cli.run(&["project", "config", "update", "team", "--public", "true", "--auto-scan", "true"]);
    assert_eq!(cli.api.get("/projects/team")["metadata"]["auto_scan"], "true");
    assert_eq!(cli.read(&["project", "config", "list", "team"])["public"], "true");
    assert_eq!(cli.read(&["project", "summary", "team"])["summary"]["repo_count"], 0);
    cli.run(&["project", "delete", "team", "open"]);
    assert_eq!(cli.column(&["project", "list"], "name"), ["library"]);
}

#[test]
fn repositories_artifacts_and_tags_are_seen_changed_and_deleted() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    cli.run(&["project", "create", "team", "--storage-limit", "-1"]);
    push(&cli.bench, "team/deep/app:v1");
    assert_eq!(cli.column(&["repo", "list", "team"], "name"), ["team/deep/app"]);
    cli.run(&["repo", "update", "team/deep/app", "--description", "an app"]);
    assert_eq!(cli.read(&["repo", "view", "team/deep/app"])["description"], "an app");
    let listed = cli.read(&["artifact", "list", "team/deep/app"]);
    assert_eq!(listed[0]["tags"][0]["name"], "v1", "{listed}");
    let one = cli.read(&["artifact", "view", "team/deep/app:v1"]);
    assert_eq!(one["digest"], listed[0]["digest"]);
    cli.run(&["artifact", "tags", "create", "team/deep/app:v1", "v2"]);
    let mut tags = cli.column(&["artifact", "tags", "list", "team/deep/app:v1"], "name");
    tags.sort_unstable();
    assert_eq!(tags, ["v1", "v2"]);
    cli.run(&["artifact", "tags", "delete", "team/deep/app:v1", "v2"]);
    assert_eq!(cli.column(&["artifact", "tags", "list", "team/deep/app:v1"], "name"), ["v1"]);
    cli.run(&["artifact", "delete", "team/deep/app:v1"]);
    assert_eq!(cli.api.get("/projects/team/repositories/deep%252Fapp/artifacts"), json!([]));
    cli.run(&["repo", "delete", "team/deep/app"]);
    assert_eq!(cli.api.get("/projects/team/repositories"), json!([]));
}

#[test]
fn labels_are_made_put_on_artifacts_changed_and_deleted() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    cli.run(&["label", "create", "-n", "good", "-d", "is good", "--color", "#0065AB"]);
    assert_eq!(cli.column(&["label", "list"], "name"), ["good"]);
    push(&cli.bench, "library/app:v1");
    cli.run(&["artifact", "label", "add", "library/app:v1", "good"]);
    assert_eq!(cli.column(&["artifact", "label", "list", "library/app:v1"], "name"), ["good"]);
    cli.run(&["artifact", "label", "delete", "library/app:v1", "good"]);
    // Its `label update` asks at a terminal, whatever it is told.
    cli.run(&["label", "delete", "good"]);
    assert_eq!(cli.api.get("/labels?scope=g"), json!([]));
}

#[test]
fn users_and_members_are_made_changed_and_deleted() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    let ada =
        ["--username", "ada", "--email", "ada@cli.test", "--realname", "Ada", "--password", "Cli-12345"];
    cli.run(&[&["user", "create"], &ada[..]].concat());
    assert!(cli.column(&["user", "list"], "username").contains(&"ada".to_owned()));
    assert_eq!(cli.column(&["user", "list", "-q", "username=ada"], "username"), ["ada"]);
    cli.api.by("ada", "Cli-12345").get("/users/current");
    cli.run(&["project", "create", "team", "--storage-limit", "-1"]);
    // The tool adds one to the role's number when it makes a member, and does not when it changes one.
    cli.run(&["project", "member", "create", "team", "--username", "ada", "--roleid", "1"]);
    let members = cli.read(&["project", "member", "list", "team"]);
    let ada = members.as_array().unwrap().iter().find(|member| member["entity_name"] == "ada").unwrap();
    assert_eq!(ada["role_name"], "developer");
    // Without a terminal its `member update` takes a user's id for the membership's, so it cannot be tried.
    cli.run(&["project", "member", "delete", "team", "--username", "ada"]);
    assert_eq!(cli.api.get("/projects/team/members?entityname=ada"), json!([]));
    cli.run(&["user", "delete", "ada"]);
    assert!(!cli.column(&["user", "list"], "username").contains(&"ada".to_owned()));
}

const PROJECT_ROBOT: &str = r#"{"name": "ci", "description": "builds", "duration": 30, "level": "project", "permissions":
    [{"kind": "project", "namespace": "team", "access": [{"resource": "repository", "actions": ["pull", "push"]}]}]}"#;

#[test]
fn robots_are_made_used_refreshed_and_deleted() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    cli.run(&["project", "create", "team", "--storage-limit", "-1"]);
    let file = cli.bench.write("robot.json", PROJECT_ROBOT).display().to_string();
    cli.run(&["project", "robot", "create", "-r", &file, "--export-to-file"]);
    let robots = cli.read(&["project", "robot", "list", "team"]);
    let id = robots[0]["id"].to_string();
    assert!(robots[0]["name"].as_str().unwrap().ends_with("team+ci"), "{robots}");
    let name = robots[0]["name"].as_str().unwrap();
    assert_eq!(robots[0]["duration"], 30, "{robots}");
    cli.run(&["project", "robot", "refresh", &id, "--secret", "Cli-Robot-12345"]);
    let auth = format!("{name}:Cli-Robot-12345");
    let image = format!("docker://{}", cli.bench.image("team/app:v1"));
    let layout = format!("oci:{}", images::busybox().folder().display());
    let copy = cli.bench.client("skopeo").args(["copy", "--dest-tls-verify=false", "--dest-creds", &auth]);
    copy.args([layout, image]).succeeds();
    let everything =
        ["robot", "create", "--name", "all", "--duration", "30", "--all-permission", "--export-to-file"];
    cli.run(&everything);
    let listed = cli.read(&["robot", "list"]);
    assert!(listed[0]["name"].as_str().unwrap().ends_with("all"), "{listed}");
    cli.run(&["robot", "delete", listed[0]["name"].as_str().unwrap()]);
    assert_eq!(cli.api.get("/robots"), json!([]));
}

#[test]
fn configuration_quotas_and_logs_are_read_and_configuration_changed() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    let system = cli.read(&["config", "view", "--cat", "sys"]);
    assert_eq!(
        (&system["read_only"], &system["storage_per_project"]),
        (&json!(false), &json!(-1)),
        "{system}"
    );
    let file = cli.bench.write("wanted.json", r#"{"token_expiration": 45}"#).display().to_string();
    cli.run(&["config", "apply", "-y", "-f", &file]);
    assert_eq!(cli.api.settings(&["token_expiration"]), json!([45]));
    let quotas = cli.read(&["quota", "list"]);
    assert_eq!(quotas[0]["ref"]["name"], "library", "{quotas}");
    assert_eq!(cli.read(&["quota", "view", "--project-name", "library"])["hard"]["storage"], -1);
    let logs = cli.read(&["logs"]);
    let shown = logs.as_array().unwrap_or_else(|| panic!("no list: {logs}"));
    assert!(shown.iter().any(|log| log["resource_type"] == "configuration"), "{logs}");
}

#[test]
fn queues_and_schedules_are_seen_and_changed() {
    if !is_there("harbor") {
        return;
    }
    let cli = Cli::new();
    let schedule = json!({ "schedule": { "type": "Weekly" }, "parameters": { "audit_retention_hour": 24 } });
    cli.api.make("/system/purgeaudit/schedule", &schedule);
    let listed = cli.read(&["schedule", "list"]);
    assert!(listed.to_string().contains("PURGE_AUDIT_LOG"), "{listed}");
    cli.run(&["jobservice", "queues", "pause", "--type", "PURGE_AUDIT_LOG"]);
    let queues = cli.read(&["jobservice", "queues", "list"]);
    let held = queues.as_array().unwrap().iter().find(|queue| queue["job_type"] == "PURGE_AUDIT_LOG");
    assert_eq!(held.map(|queue| &queue["paused"]), Some(&json!(true)), "{queues}");
    cli.run(&["jobservice", "queues", "resume", "--type", "all"]);
    assert_eq!(cli.api.get("/schedules/all/paused"), json!({ "paused": false }));
}
