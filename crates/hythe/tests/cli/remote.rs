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
