//! The page that shows operators the permission table is printed from the table itself.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::fmt::Write;

use hythe_registry::access::BuiltIn;
use hythe_registry::access::permission::{PROJECT_RULES, SYSTEM_PERMISSIONS};
use hythe_registry::robots::{grantable_in_project, grantable_in_system};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations/permissions.md");
const BEGIN: &str = "<!-- printed from the code: begin -->\n";
const END: &str = "<!-- printed from the code: end -->\n";

/// The roles in the order in which people think of them.
const COLUMNS: [BuiltIn; 5] =
    [BuiltIn::ProjectAdmin, BuiltIn::Maintainer, BuiltIn::Developer, BuiltIn::Guest, BuiltIn::LimitedGuest];

fn tables() -> String {
    let mut text = String::from("\n### In a project\n\n| permission |");
    for role in COLUMNS {
        write!(text, " {} |", role.name()).unwrap();
    }
    text.push_str(" visitors | robots |\n|---|---|---|---|---|---|---|---|\n");
    let robots: Vec<_> = grantable_in_project().collect();
    let mark = |yes: bool| if yes { "yes" } else { "" };
    for rule in PROJECT_RULES {
        write!(text, "| `{}` |", rule.permission).unwrap();
        for role in COLUMNS {
            write!(text, " {} |", mark(rule.roles.contains(role))).unwrap();
        }
        writeln!(text, " {} | {} |", mark(rule.visitors), mark(robots.contains(&rule.permission))).unwrap();
    }
    text.push_str("\n### Over the system\n\n| permission | robots |\n|---|---|\n");
    let robots: Vec<_> = grantable_in_system().collect();
    for permission in SYSTEM_PERMISSIONS {
        writeln!(text, "| `{permission}` | {} |", mark(robots.contains(permission))).unwrap();
    }
    text.push('\n');
    text
}

/// With `HYTHE_RENEW=1` the tables in the page are written anew.
#[test]
fn the_page_shows_the_table_of_the_code() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}{}{END}{after}", tables());
    if std::env::var_os("HYTHE_RENEW").is_some() {
        std::fs::write(PAGE, &wanted).unwrap();
    } else {
        assert!(
            page == wanted,
            "docs/operations/permissions.md is not what the code says; renew it with \
             HYTHE_RENEW=1 cargo test -p hythe-registry --test permissions_page"
        );
    }
}
