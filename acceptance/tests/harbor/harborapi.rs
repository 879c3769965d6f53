//! PyPI's harborapi: every call that it knows.

use std::path::Path;

use hythe_acceptance::client::Client;
use hythe_acceptance::directory::{self, Directory};
use hythe_acceptance::workbench::Workbench;

#[test]
fn harborapi_walks_every_call_it_knows() {
    let bench = Workbench::new();
    let people = Directory::start("walk", &["alice", "bea"]);
    people.add_group("devs", &[people.person("alice")]);
    let administrator = bench.server.administrator();
    let said = Client::python(bench.home())
        .variable("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harbor"))
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "walk", &bench.server.host(), &administrator.name, &administrator.password])
        .args(["--ldap", &people.url(), "--ldap-base", &people.base()])
        .args(["--ldap-password", directory::PASSWORD])
        .succeeds();
    println!("{said}");
}
