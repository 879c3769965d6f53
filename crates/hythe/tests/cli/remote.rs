//! The commands of a registry's users, against a server.

use std::fs;

use crate::support::{Hythe, Server};

/// Somebody whose logins are in a folder of their own, and a server with an administrator.
fn signed_in() -> (Hythe, Server) {
    let hythe = Hythe::new().variable("HYTHE_ADMIN_PASSWORD", "Sesame-1234").with_home();
    let server = Server::start(&hythe);
    let login = ["login", &server.url(), "--username", "admin", "--password-stdin"];
    hythe.run_with_input(&login, "Sesame-1234").ok();
    (hythe, server)
}

#[test]
fn a_users_password_comes_from_where_the_command_line_says() {
    let (hythe, server) = signed_in();
    hythe.run(&["user", "create", "bob"]).refused(
        2,
        "error: no password for bob, and no terminal to ask for it; hint: --password-stdin reads it from standard input, \
         --random-password makes one\n",
    );
    let made = hythe.run_with_input(&["user", "create", "alice", "--password-stdin"], "Sesame-1234\n").ok();
    assert_eq!(made, "User alice was made.\n");
    let random = hythe.run(&["user", "create", "ci", "--random-password"]).ok();
    assert!(
        random.starts_with("User ci was made.\nThe password, shown this once and kept nowhere:\n\n  "),
        "{random}"
    );
    let random = hythe.run(&["user", "create", "cd", "--random-password", "--output", "json"]).json();
    let password = random["password"].as_str().unwrap();
    let login = ["login", &server.url(), "--username", "cd", "--password-stdin"];
    hythe.run_with_input(&login, password).ok();
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_login_that_cannot_be_kept_leaves_no_token_behind() {
    let (hythe, server) = signed_in();
    let tokens = || hythe.run(&["token", "list", "--output", "json"]).json().as_array().unwrap().len();
    let before = tokens();
    // A file where the folder would be: this fails for root too.
    fs::write(hythe.path().join("no-folder"), "").unwrap();
    let login = ["login", &server.url(), "--username", "admin", "--password-stdin"];
    let mut command = hythe.command(&login);
    command.env("XDG_CONFIG_HOME", hythe.path().join("no-folder"));
    let refused = hythe.feed(command, "Sesame-1234");
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("no-folder/hythe/logins.json"), "{}", refused.err);
    assert!(refused.err.contains("; hint: name a folder that this user may write"), "{}", refused.err);
    assert_eq!(tokens(), before);
    assert_eq!(server.stop(), 0);
}

#[test]
fn who_is_not_signed_in_is_told_where_to() {
    let hythe = Hythe::new().with_home();
    hythe.run(&["whoami", "--server", "https://hub.test:5000"]).refused(
        4,
        "error: you are not signed in to https://hub.test:5000; hint: hythe login https://hub.test:5000 --username NAME\n",
    );
    hythe.run(&["login", "ftp://x", "--username", "admin"]).refused(
        2,
        "error: \"ftp://x\" is not the address of a registry; hint: write it as a client would, for example \
         https://hub.example.com:5000\n",
    );
}

#[test]
fn tables_say_in_words_what_the_api_says_in_numbers() {
    let (hythe, server) = signed_in();
    hythe.run(&["project", "create", "team"]).ok();
    assert!(hythe.run(&["project", "show", "team"]).ok().contains("no limit"));
    let members = hythe.run(&["member", "list", "team"]).ok();
    assert!(members.lines().any(|line| line.starts_with("admin  user ")), "{members}");

    let robot = ["robot", "create", "--project", "team", "--may", "repository:pull"];
    let made = hythe.run(&[&robot[..], &["ci", "--days", "-1"]].concat()).ok();
    assert!(made.starts_with("Robot robot_team+ci was made; it never expires.\n"), "{made}");
    let made = hythe.run(&[&robot[..], &["cd", "--days", "30"]].concat()).ok();
    assert!(made.starts_with("Robot robot_team+cd was made; it expires on 20"), "{made}");
    let refused = hythe.run(&[&robot[..], &["ce", "--days", "0"]].concat());
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("-1 for ever"), "{}", refused.err);
    let robots = hythe.run(&["robot", "list", "--project", "team"]).ok();
    let lines: Vec<&str> = robots.lines().collect();
    assert!(lines[0].contains("EXPIRES") && !lines[0].contains("DAYS"), "{robots}");
    assert!(lines.iter().any(|line| line.contains("robot_team+ci  no        never")), "{robots}");

    let token = hythe.run(&["token", "create", "laptop"]).ok();
    assert!(token.starts_with("Token laptop was made; it never expires."), "{token}");
    let token = hythe.run(&["token", "create", "desk", "--days", "90"]).ok();
    assert!(token.starts_with("Token desk was made; it expires on 20"), "{token}");
    assert_times(&hythe.run(&["token", "list"]).ok());
    assert_times(&hythe.run(&["project", "list"]).ok());
    assert_times(&hythe.run(&["admin", "user", "list"]).ok());
    assert_eq!(server.stop(), 0);
}

/// Every time in a table is of the form 2026-11-21T18:32:47Z, and there is one. The name of a login
/// holds a time as well, as its maker reads it: a word `20:01:52.836857` is none of the table's.
#[track_caller]
fn assert_times(table: &str) {
    let is_time = |word: &&str| word.starts_with("20") && word.contains('T') && word.contains(':');
    let times: Vec<&str> = table.split_whitespace().filter(is_time).collect();
    assert!(!times.is_empty(), "{table}");
    assert!(times.iter().all(|time| time.len() == 20 && time.ends_with('Z')), "{table}");
}

#[test]
fn a_collection_is_told_in_the_words_of_jobs_and_an_ended_job_is_not_cancelled() {
    let (hythe, server) = signed_in();
    hythe.run(&["gc", "run"]).ok();
    let status = hythe.run(&["gc", "status"]).ok();
    for words in ["succeeded", "manual", "nothing went"] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert!(!status.contains('{'), "{status}");
    let id = hythe.run(&["gc", "status", "--output", "json"]).json()[0]["id"].to_string();
    let told = hythe.run(&["job", "cancel", &id]).ok();
    assert_eq!(told, format!("Job {id} had ended already: it succeeded.\n"));
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_is_not_there_ends_with_5() {
    let (hythe, server) = signed_in();
    hythe.run(&["project", "create", "team"]).ok();
    for arguments in [
        &["admin", "user", "disable", "nobody"][..],
        &["admin", "explain", "nobody", "repository:pull", "team"],
        &["admin", "explain", "admin", "repository:pull", "nowhere"],
        &["admin", "member", "remove", "team", "nobody"],
        &["admin", "project", "delete", "nowhere"],
        &["retention", "show", "team"],
        &["retention", "rm", "team", "1"],
    ] {
        let ran = hythe.run(arguments);
        assert_eq!(ran.code, 5, "{arguments:?}: {}", ran.err);
    }
    hythe.run(&["retention", "add", "team", "always"]).ok();
    assert_eq!(hythe.run(&["retention", "rm", "team", "7"]).code, 5);
    assert_eq!(server.stop(), 0);
}
