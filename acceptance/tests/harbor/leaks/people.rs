//! Two private projects and one that is not there, and those who try: nobody, a stranger, a guest and a robot.

use std::collections::BTreeMap;

use hythe_acceptance::workbench::Workbench;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::table::Endpoint;
use super::{MARK, fill};
use crate::api::{Api, push};

/// Of nothing that anybody has.
const NO_DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "Outsider-12345";

/// What path parameters stand for at one place.
pub(super) struct Place(BTreeMap<&'static str, String>);

impl Place {
    pub(super) fn value(&self, parameter: &str) -> &str {
        self.0.get(parameter).unwrap_or_else(|| panic!("no value for {{{parameter}}}: teach it to people.rs"))
    }

    /// A text with everything taken out that a request about this place or the other names.
    pub(super) fn blur(&self, other: &Place, said: &str) -> String {
        let mut values: Vec<&String> = self.0.values().chain(other.0.values()).collect();
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
    let names = |path: &str| {
        let listed = mayor.get(&format!("{path}&page_size=100"));
        listed
            .as_array()
            .unwrap()
            .iter()
            .map(|thing| (thing["id"].clone(), thing["name"].clone()))
            .collect::<Vec<_>>()
    };
    let project = mayor.get(&format!("/projects/{MARK}"));
    let id = project["project_id"].to_string();
    let labels = names(&format!("/labels?scope=p&project_id={id}"));
    let robots = names(&format!("/robots?q=Level=project,ProjectID={id}"));
    let members = mayor.get(&format!("/projects/{MARK}/members?page_size=100"));
    let tag = mayor.get(&format!("/projects/{MARK}/repositories/{MARK}-app/tags/{MARK}-tag/history"));
    let rules = mayor.get(&format!("/projects/{MARK}/immutabletagrules"));
    json!([mayor.inventory(), project["metadata"], labels, rules, robots, members, tag])
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
    // Whoever has signed in finds groups by name, to make them members; so their names are no secret.
    let group = json!({ "group_name": format!("crew-{}", name.len()), "group_type": 3 });
    let group = mayor.make("/usergroups", &group);
    let member = json!({ "role_id": 2, "member_user": { "username": format!("{name}-user") } });
    let member = mayor.make(&format!("/projects/{name}/members"), &member);
    push(bench, &format!("{name}/{name}-app:{name}-tag"));
    let label = json!({ "name": format!("{name}-label"), "scope": "p", "project_id": project.parse::<i64>().unwrap() });
    let label = mayor.make("/labels", &label);
    let artifact = format!("/projects/{name}/repositories/{name}-app/artifacts/{name}-tag");
    let label_id: i64 = label.parse().unwrap();
    mayor.change(&Method::POST, &format!("{artifact}/labels"), &json!({ "id": label_id }));
    let robot = mayor.make("/robots", &robot_of(name, &format!("{name}-robot")));
    let rule = json!({ "name": format!("{name}-rule"), "issuer": format!("https://{name}.test"), "audience": name,
        "claims": { "sub": format!("{name}-job") } });
    let rule = mayor.make(&format!("/robots/{robot}/trust-rules"), &rule);
    let quota = mayor.get(&format!("/quotas?reference=project&reference_id={project}"))[0]["id"].to_string();
    let audit = mayor.make("/system/storage-audit", &json!({}));
    let grant = json!({ "role_id": 3, "repository": format!("{name}/{name}-app"),
        "member_user": { "username": format!("{name}-user") } });
    let grant = mayor.make(&format!("/projects/{name}/grants"), &grant);
    let pattern =
        |decoration: &str| json!([{ "kind": "doublestar", "decoration": decoration, "pattern": name }]);
    let kept = json!({ "tag_selectors": pattern("matches"), "scope_selectors": { "repository": pattern("repoMatches") } });
    let kept = mayor.make(&format!("/projects/{name}/immutabletagrules"), &kept);
    let retention =
        json!({ "rules": [], "scope": { "level": "project", "ref": project.parse::<i64>().unwrap() } });
    let retention = mayor.make("/retentions", &retention);
    let role = json!({ "name": format!("role-of-{}", name.len()), "permissions": ["repository:pull"] });
    let role = mayor.make("/roles", &role);
    let source = json!({ "name": format!("source-{}", name.len()), "kind": "ldap", "enabled": false,
        "settings": { "url": "ldap://127.0.0.1:1", "base_dn": "dc=x" } });
    let source = mayor.make("/identity-sources", &source);
    let owner = mayor.by(&format!("{name}-user"), PASSWORD);
    let (_, token) =
        owner.send(&Method::POST, "/users/current/tokens", Some(&json!({ "name": format!("{name}-token") })));
    let values = [
        ("grant", grant),
        ("immutable_rule", kept),
        ("retention", retention),
        ("role", role),
        ("source", source),
        ("token", token["id"].to_string()),
        ("session", "1".to_owned()),
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
        ("rule", rule),
        ("quota", quota),
        ("audit", audit),
    ];
    Place(values.into_iter().chain(common()).collect())
}

fn absent() -> Place {
    let values = [
        ("grant", "987654308".to_owned()),
        ("immutable_rule", "987654318".to_owned()),
        ("retention", "987654319".to_owned()),
        ("role", "987654309".to_owned()),
        ("source", "987654310".to_owned()),
        ("token", "987654311".to_owned()),
        ("session", "987654312".to_owned()),
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
        ("rule", "987654313".to_owned()),
        ("quota", "987654307".to_owned()),
        ("audit", "987654314".to_owned()),
    ];
    Place(values.into_iter().chain(common()).collect())
}

/// Parameters that name nothing secret.
fn common() -> impl Iterator<Item = (&'static str, String)> {
    [
        ("name", "public"),
        ("addition", "build_history"),
        ("digest", NO_DIGEST),
        ("execution", "1"),
        ("task", "1"),
        ("job", "1"),
        ("job_id", "1"),
        ("job_type", "all"),
        ("pool_id", "all"),
        ("purge_id", "1"),
        ("gc_id", "1"),
    ]
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
