//! Every endpoint of the document, tried by those whom it is none of the business: nothing leaks.
//!
//! There is a private project `sesame`, everything in it called `sesame-…`. Whoever is not a member must get, word for word,
//! the answer that they get for a project that is not there; and what they may read of their own says nothing of it.

mod people;
mod table;

use std::collections::BTreeSet;

use hythe_acceptance::workbench::Workbench;
use reqwest::StatusCode;
use serde_json::Value;

use crate::api::Api;
use people::{Caller, Place, Town};
use table::{ENDPOINTS, Endpoint, Who};

const MARK: &str = "sesame";

/// A new endpoint is not in the table, one that is gone still is: both fail here.
#[test]
fn the_table_names_every_endpoint_of_the_document() {
    let bench = Workbench::new();
    let document = Api::of(&bench.server).get("/openapi.json");
    let documented = documented(&document);
    let listed: BTreeSet<String> = ENDPOINTS.iter().map(Endpoint::name).collect();
    let missing: Vec<_> = documented.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&documented).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in the table: {missing:#?}\nnot in the document: {gone:#?}"
    );
}

/// `METHOD /path` below `/api/v2.0` of every operation.
fn documented(document: &Value) -> BTreeSet<String> {
    const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete"];
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
        methods.map(move |method| {
            format!("{} {}", method.to_uppercase(), path.strip_prefix("/api/v2.0").unwrap_or(path))
        })
    });
    operations.collect()
}

#[test]
fn outsiders_cannot_tell_what_is_there_from_what_is_not() {
    let town = Town::build();
    let mut faults = Vec::new();
    for endpoint in ENDPOINTS {
        for caller in town.outsiders() {
            faults.extend(try_from_outside(&town, endpoint, caller));
        }
    }
    town.assert_untouched();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn try_from_outside(town: &Town, endpoint: &Endpoint, caller: &Caller) -> Vec<String> {
    let mut faults = Vec::new();
    let there = caller.tries(endpoint, &town.secret);
    let absent = caller.tries(endpoint, &town.absent);
    let blur = |said: &str| town.secret.blur(&town.absent, said);
    let mut fault = |text: String| {
        faults.push(format!("{} by {}: {text}", endpoint.name(), caller.name));
    };
    if !allowed_outside(endpoint.who, caller).contains(&there.status) {
        fault(format!("{}: {}", there.status, there.body));
    }
    if there.status.is_success() {
        if there.said.contains(MARK) {
            fault(format!("says {MARK}: {}", there.said));
        }
    } else if (there.status, blur(&there.said)) != (absent.status, blur(&absent.said)) {
        fault(format!(
            "there: {} {}\n   absent: {} {}",
            there.status, there.said, absent.status, absent.said
        ));
    }
    faults
}

/// What somebody who is not a member may be answered.
fn allowed_outside(who: Who, caller: &Caller) -> &'static [StatusCode] {
    const UNAUTHORIZED: &[StatusCode] = &[StatusCode::UNAUTHORIZED];
    const FORBIDDEN: &[StatusCode] = &[StatusCode::FORBIDDEN];
    const FINE: &[StatusCode] = &[StatusCode::OK];
    match who {
        Who::Anybody => FINE,
        Who::Nobody => &[StatusCode::NOT_FOUND, StatusCode::PRECONDITION_FAILED],
        Who::Administrators | Who::Explained | Who::Members { .. } => {
            if caller.signed_in {
                FORBIDDEN
            } else {
                UNAUTHORIZED
            }
        }
        Who::SignedIn => {
            if caller.signed_in {
                THEMSELVES
            } else {
                UNAUTHORIZED
            }
        }
    }
}

/// What somebody may be answered about themselves: some things are not for robots, some bodies are refused.
const THEMSELVES: &[StatusCode] = &[
    StatusCode::OK,
    StatusCode::CREATED,
    StatusCode::BAD_REQUEST,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::CONFLICT,
    StatusCode::PRECONDITION_FAILED,
];

#[test]
fn members_do_what_their_role_allows_and_learn_nothing_else() {
    let town = Town::build();
    let mut faults = Vec::new();
    for endpoint in ENDPOINTS {
        let Who::Members { guest, robot } = endpoint.who else { continue };
        for (caller, may) in [(&town.guest, guest), (&town.robot, robot)] {
            let answer = caller.tries(endpoint, &town.own);
            let refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            if refused == may || answer.said.contains(MARK) || answer.status.is_server_error() {
                let name = endpoint.name();
                faults.push(format!("{name} by the {}: {} {}", caller.name, answer.status, answer.said));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The names of one place, put where a path or a query has `{…}`.
fn fill(template: &str, place: &Place) -> String {
    let mut filled = String::new();
    for part in template.split_inclusive('}') {
        let Some((before, name)) = part.split_once('{') else {
            filled.push_str(part);
            continue;
        };
        filled.push_str(before);
        filled.push_str(place.value(name.trim_end_matches('}')));
    }
    filled
}
