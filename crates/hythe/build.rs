//! Tells the binary which commit, compiler and target it was made of, for `hythe version`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    emit("HYTHE_BUILD_COMMIT", commit());
    emit("HYTHE_BUILD_RUSTC", std::env::var("RUSTC").ok().and_then(|rustc| run(&rustc, &["--version"])));
    emit("HYTHE_BUILD_TARGET", std::env::var("TARGET").ok());
}

/// The commit, if this is built in its repository and not from an archive; followed as it moves.
fn commit() -> Option<String> {
    let log = run("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    if std::path::Path::new(&log).exists() {
        println!("cargo:rerun-if-changed={log}");
    }
    run("git", &["rev-parse", "--short=12", "HEAD"])
}

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

fn emit(name: &str, value: Option<String>) {
    println!("cargo:rustc-env={name}={}", value.as_deref().unwrap_or("unknown"));
}
