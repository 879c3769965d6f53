//! The commands of a registry's users, against a server.

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
