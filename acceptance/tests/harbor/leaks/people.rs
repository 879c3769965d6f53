//! Two private projects and one that is not there, and those who try: nobody, a stranger, a guest and a robot.

use std::collections::BTreeMap;

use hythe_acceptance::workbench::Workbench;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::table::Endpoint;
use super::{MARK, fill};
use crate::api::{Api, push};

const PASSWORD: &str = "Outsider-12345";

/// What path parameters stand for at one place.
pub(super) struct Place(BTreeMap<&'static str, String>);

impl Place {
    pub(super) fn value(&self, parameter: &str) -> &str {
        self.0.get(parameter).unwrap_or_else(|| panic!("no value for {{{parameter}}}: teach it to people.rs"))
    }

    /// A text with everything taken out that the request itself had named.
    pub(super) fn blur(&self, said: &str) -> String {
        let mut values: Vec<&String> = self.0.values().collect();
        values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
        values.iter().fold(said.to_owned(), |text, value| text.replace(value.as_str(), "…"))
    }
}

/// What came of a try.
pub(super) struct Said {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    pub(super) said: String,
}

/// Somebody who tries.
pub(super) struct Caller {
    pub(super) name: &'static str,
    pub(super) signed_in: bool,
    api: Api,
}

impl Caller {
    pub(super) fn tries(&self, endpoint: &Endpoint, place: &Place) -> Said {
        let path = format!("{}{}", fill(endpoint.path, place), fill(endpoint.query, place));
        let body: Option<Value> = (!endpoint.body.is_empty())
            .then(|| serde_json::from_str(&endpoint.body.replace("NAME", "made")).unwrap());
        let (status, body) = self.api.send(&endpoint.method(), &path, body.as_ref());
        Said { status, said: body.to_string(), body }
    }
}

/// Everything and everybody.
pub(super) struct Town {
    pub(super) secret: Place,
    pub(super) own: Place,
    pub(super) absent: Place,
    pub(super) nobody: Caller,
    pub(super) stranger: Caller,
    pub(super) guest: Caller,
    pub(super) robot: Caller,
    mayor: Api,
    before: Value,
    _bench: Workbench,
}

impl Town {
    pub(super) fn build() -> Town {
        let bench = Workbench::new();
        let mayor = Api::of(&bench.server);
        for name in ["stranger", "guest"] {
            make_user(&mayor, name);
        }
        let secret = furnish(&bench, &mayor, MARK);
        let own = furnish(&bench, &mayor, "den");
        let member = json!({ "role_id": 3, "member_user": { "username": "guest" } });
        mayor.change(&Method::POST, "/projects/den/members", &member);
        let caller = |name, api| Caller { name, signed_in: true, api };
        let nobody = Caller { name: "nobody", signed_in: false, api: mayor.by_nobody() };
        let robot = robot(&mayor);
        Town {
            nobody,
            stranger: caller("stranger", mayor.by("stranger", PASSWORD)),
            guest: caller("guest", mayor.by("guest", PASSWORD)),
            robot: caller("robot", robot),
            secret,
            own,
            absent: absent(),
            before: inventory(&mayor),
            mayor,
            _bench: bench,
        }
    }

    pub(super) fn outsiders(&self) -> [&Caller; 4] {
        [&self.nobody, &self.stranger, &self.guest, &self.robot]
    }

    /// Nobody has changed anything.
    pub(super) fn assert_untouched(&self) {
        assert_eq!(inventory(&self.mayor), self.before);
    }
}

fn inventory(mayor: &Api) -> Value {
    let project = mayor.get(&format!("/projects/{MARK}"));
    let tags = mayor
        .get(&format!("/projects/{MARK}/repositories/{MARK}-app/artifacts?with_tag=true&with_label=true"));
    let members = mayor.get(&format!("/projects/{MARK}/members?page_size=100"));
    json!([
        mayor.inventory(),
        project["metadata"],
        tags[0]["tags"][0]["name"],
        tags[0]["labels"][0]["name"],
        members
    ])
}

fn make_user(mayor: &Api, name: &str) -> String {
    let email = format!("{name}@town.test");
    let user = json!({ "username": name, "password": PASSWORD, "email": email, "realname": name });
    mayor.make("/users", &user)
}

/// A project with one of everything in it, each named after it.
fn furnish(bench: &Workbench, mayor: &Api, name: &str) -> Place {
    let project =
        mayor.make("/projects", &json!({ "project_name": name, "metadata": { "public": "false" } }));
    let user = make_user(mayor, &format!("{name}-user"));
    let group = mayor.make("/usergroups", &json!({ "group_name": format!("{name}-group"), "group_type": 3 }));
    let member = json!({ "role_id": 2, "member_user": { "username": format!("{name}-user") } });
    let member = mayor.make(&format!("/projects/{name}/members"), &member);
    push(bench, &format!("{name}/{name}-app:{name}-tag"));
    let label = json!({ "name": format!("{name}-label"), "scope": "p", "project_id": project.parse::<i64>().unwrap() });
    let label = mayor.make("/labels", &label);
    let artifact = format!("/projects/{name}/repositories/{name}-app/artifacts/{name}-tag");
    let label_id: i64 = label.parse().unwrap();
    mayor.change(&Method::POST, &format!("{artifact}/labels"), &json!({ "id": label_id }));
    let robot = mayor.make("/robots", &robot_of(name, &format!("{name}-robot")));
    let quota = mayor.get(&format!("/quotas?reference=project&reference_id={project}"))[0]["id"].to_string();
    let values = [
        ("project", name.to_owned()),
        ("project_id", project),
        ("repository", format!("{name}-app")),
        ("reference", format!("{name}-tag")),
        ("tag", format!("{name}-tag")),
        ("user", user),
        ("group", group),
        ("member", member),
        ("label", label),
        ("robot", robot),
        ("quota", quota),
    ];
    Place(values.into_iter().chain(common()).collect())
}

fn absent() -> Place {
    let values = [
        ("project", "nosuch".to_owned()),
        ("project_id", "987654301".to_owned()),
        ("repository", "nosuch-app".to_owned()),
        ("reference", "nosuch-tag".to_owned()),
        ("tag", "nosuch-tag".to_owned()),
        ("user", "987654302".to_owned()),
        ("group", "987654303".to_owned()),
        ("member", "987654304".to_owned()),
        ("label", "987654305".to_owned()),
        ("robot", "987654306".to_owned()),
        ("quota", "987654307".to_owned()),
    ];
    Place(values.into_iter().chain(common()).collect())
}

/// Parameters that name nothing secret.
fn common() -> impl Iterator<Item = (&'static str, String)> {
    [("metadata", "public"), ("addition", "build_history"), ("source", "1")]
        .map(|(name, value)| (name, value.to_owned()))
        .into_iter()
}

fn robot_of(project: &str, name: &str) -> Value {
    let access = json!([{ "resource": "repository", "action": "pull" }, { "resource": "repository", "action": "list" }]);
    json!({ "name": name, "level": "project", "duration": 30,
        "permissions": [{ "kind": "project", "namespace": project, "access": access }] })
}

/// The den's robot, which may pull and list, signed in with the secret it was given.
fn robot(mayor: &Api) -> Api {
    let (status, made) = mayor.send(&Method::POST, "/robots", Some(&robot_of("den", "tries")));
    assert_eq!(status, StatusCode::CREATED, "{made}");
    mayor.by(made["name"].as_str().unwrap(), made["secret"].as_str().unwrap())
}
