//! Every permission × every role × every visibility, decided over real rows and held against the table.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use hythe_blobs::hash::digest_of;
use hythe_blobs::{BlobStore, Memory, body};
use hythe_metadata::Database;
use hythe_metadata::member::Entity;
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_registry::access::permission::{PROJECT_RULES, SYSTEM_PERMISSIONS};
use hythe_registry::access::{BuiltIn, Caller, Permission, Principal, Pull, Push, Question, Through};
use hythe_registry::grants::WantedGrant;
use hythe_registry::manifests::{Expected, PushManifest};
use hythe_registry::projects::WantedProject;
use hythe_registry::roles::WantedRole;
use hythe_registry::uploads::{Chunk, Mounted};
use hythe_registry::users::CreateUser;
use hythe_registry::{Options, Registry};
use tempfile::TempDir;

const VISIBILITIES: [&str; 3] = ["private", "internal", "public"];

struct Bench {
    registry: Arc<Registry>,
    operator: Caller,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Memory::default());
        let url = format!("sqlite://{}/hythe.db", folder.path().display());
        let options = hythe_metadata::Options { exclusive: false, ..hythe_metadata::Options::new(url) };
        let registry = Registry::new(Database::open(&options).unwrap(), blobs, Options::default());
        registry.database().migrate().await.unwrap();
        registry.set_up(Some("correct horse")).await.unwrap();
        let bench = Bench { registry, operator: Caller::operator(), _folder: folder };
        for visibility in VISIBILITIES {
            let metadata = BTreeMap::from([("visibility".to_owned(), visibility.to_owned())]);
            let wanted = WantedProject { name: visibility.parse().unwrap(), metadata, storage_limit: None };
            bench.registry.create_project(&bench.operator, wanted).await.unwrap();
        }
        bench
    }

    /// A user who holds this role in all three projects, or none.
    async fn user(&self, name: &str, role: Option<i64>) -> Caller {
        let permit = self.registry.permit_everywhere(&self.operator).await.unwrap();
        let wanted = CreateUser {
            name: name.to_owned(),
            email: String::new(),
            full_name: String::new(),
            comment: String::new(),
            password: "correct horse".to_owned(),
            administrator: false,
        };
        let user = self.registry.create_user(&permit, wanted).await.unwrap();
        if let Some(role) = role {
            for visibility in VISIBILITIES {
                let permit =
                    self.registry.permit_in_project(&self.operator, &project(visibility)).await.unwrap();
                self.registry.create_member(&permit, Entity::User(user.id), role).await.unwrap();
            }
        }
        Caller::user(Arc::new(user), Through::Password, Arc::default())
    }

    async fn may(&self, caller: &Caller, permission: Permission, place: Option<&str>) -> bool {
        let project = place.map(|place| project(place.split('/').next().unwrap()));
        let repository: Option<RepositoryName> =
            place.filter(|place| place.contains('/')).map(|place| place.parse().unwrap());
        let question = Question { about: None, permission, project, repository, tag: None };
        self.registry.explain(caller, &question).await.unwrap().allowed
    }
}

impl Bench {
    async fn push_blob(&self, repository: &str, bytes: &str) {
        let permit = self.registry.permit(&self.operator, &repository.parse().unwrap()).await.unwrap();
        let whole =
            Chunk { range: None, length: Some(bytes.len() as u64), body: body::whole(bytes.to_owned()) };
        self.registry.push_blob(permit, digest(bytes), whole).await.unwrap();
    }

    async fn push_manifest(&self, repository: &str, reference: &str, bytes: &str) -> String {
        let permit = self.registry.permit(&self.operator, &repository.parse().unwrap()).await.unwrap();
        let push = PushManifest {
            reference: reference.parse().unwrap(),
            tags: Vec::new(),
            content_type: None,
            bytes: bytes.to_owned().into(),
            expected: Expected::Any,
        };
        self.registry.push_manifest(&permit, push).await.unwrap().digest.to_string()
    }

    /// An image of one layer; by its tag, or by its digest if there is none. Returns its digest.
    async fn push_image(&self, repository: &str, tag: Option<&str>, layer: &str) -> String {
        self.push_blob(repository, "{}").await;
        self.push_blob(repository, layer).await;
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest("{}").to_string(), "size": 2 },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest(layer).to_string(),
                "size": layer.len(),
            }],
        })
        .to_string();
        let own = digest(&manifest).to_string();
        self.push_manifest(repository, tag.unwrap_or(&own), &manifest).await
    }
}

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

fn index(image: &str) -> String {
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{ "mediaType": IMAGE, "digest": image, "size": 2 }],
    })
    .to_string()
}

fn digest(bytes: &str) -> Digest {
    digest_of(Algorithm::Sha256, bytes.as_bytes())
}

fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

#[tokio::test]
async fn every_role_may_what_the_table_says_in_every_visibility_and_no_more() {
    let bench = Bench::new().await;
    let mut callers = vec![
        (None, true, Caller::anonymous(Arc::default())),
        (None, false, bench.user("stranger", None).await),
    ];
    for role in BuiltIn::ALL {
        let name = format!("user-{}", role.id());
        callers.push((Some(role), false, bench.user(&name, Some(role.id())).await));
    }
    let mut decided = 0;
    for (role, anonymous, caller) in &callers {
        for visibility in VISIBILITIES {
            for rule in PROJECT_RULES {
                let visitor = visibility == "public" || (visibility == "internal" && !anonymous);
                let expected =
                    role.is_some_and(|role| rule.roles.contains(role)) || (rule.visitors && visitor);
                for place in [visibility.to_owned(), format!("{visibility}/app")] {
                    let allowed = bench.may(caller, rule.permission, Some(&place)).await;
                    assert_eq!(allowed, expected, "{role:?} {} in {place}", rule.permission);
                    decided += 1;
                }
            }
        }
    }
    assert_eq!(decided, 7 * 3 * 2 * PROJECT_RULES.len());
}

#[tokio::test]
async fn the_system_is_its_administrators_alone() {
    let bench = Bench::new().await;
    let member = bench.user("member", Some(BuiltIn::ProjectAdmin.id())).await;
    let admin = bench.registry.sign_in("admin", "correct horse", &Arc::default()).await.unwrap();
    for permission in SYSTEM_PERMISSIONS {
        assert!(!bench.may(&member, *permission, None).await, "{permission}");
        assert!(!bench.may(&Caller::anonymous(Arc::default()), *permission, None).await, "{permission}");
        assert!(bench.may(&admin, *permission, None).await, "{permission}");
    }
    for rule in PROJECT_RULES {
        assert!(bench.may(&admin, rule.permission, Some("private")).await, "{}", rule.permission);
    }
}

#[tokio::test]
async fn a_role_of_ones_own_permits_its_list_and_is_kept_while_it_is_held() {
    let bench = Bench::new().await;
    let permit = bench.registry.permit_everywhere(&bench.operator).await.unwrap();
    let wanted = WantedRole {
        name: "tester".to_owned(),
        description: String::new(),
        permissions: vec!["repository:pull".parse().unwrap(), "log:list".parse().unwrap()],
    };
    let role = bench.registry.create_role(&permit, wanted).await.unwrap().id;
    let tester = bench.user("tester", Some(role)).await;
    for rule in PROJECT_RULES {
        let expected = matches!(rule.permission.to_string().as_str(), "repository:pull" | "log:list");
        let allowed = bench.may(&tester, rule.permission, Some("private/app")).await;
        assert_eq!(allowed, expected, "{}", rule.permission);
    }
    let permit = bench.registry.permit_everywhere(&bench.operator).await.unwrap();
    let held = bench.registry.delete_role(&permit, role).await.unwrap_err();
    assert!(held.message().contains("is held by"), "{held}");
}

#[tokio::test]
async fn a_grant_reaches_its_repositories_and_tags_and_no_others() {
    let bench = Bench::new().await;
    let alice = bench.user("alice", None).await;
    let permit = bench.registry.permit_in_project(&bench.operator, &project("private")).await.unwrap();
    let wanted = WantedGrant {
        entity: Entity::User(alice.user_id().unwrap()),
        repository: "private/app-*".to_owned(),
        tag: "v*".to_owned(),
        role: BuiltIn::Developer.id(),
    };
    bench.registry.create_grant(&permit, wanted).await.unwrap();
    let push: Permission = "repository:push".parse().unwrap();
    for (place, expected) in [("private/app-web", true), ("private/app", false), ("private/other", false)] {
        assert_eq!(bench.may(&alice, push, Some(place)).await, expected, "{place}");
    }
    let asked = |tag: &str| Question {
        about: None,
        permission: push,
        project: Some(project("private")),
        repository: Some("private/app-web".parse().unwrap()),
        tag: Some(tag.parse().unwrap()),
    };
    assert!(bench.registry.explain(&alice, &asked("v1")).await.unwrap().allowed);
    let refused = bench.registry.explain(&alice, &asked("latest")).await.unwrap();
    assert!(!refused.allowed && refused.rule.contains("does not cover tag latest"), "{}", refused.rule);
}

#[tokio::test]
async fn whoever_may_use_some_tags_reaches_what_lies_under_them_and_nothing_else() {
    let bench = Bench::new().await;
    let alice = bench.user("alice", None).await;
    let permit = bench.registry.permit_in_project(&bench.operator, &project("private")).await.unwrap();
    let wanted = WantedGrant {
        entity: Entity::User(alice.user_id().unwrap()),
        repository: "private/app".to_owned(),
        tag: "v*".to_owned(),
        role: BuiltIn::Developer.id(),
    };
    bench.registry.create_grant(&permit, wanted).await.unwrap();
    let released = bench.push_image("private/app", None, "released").await;
    bench.push_manifest("private/app", "v1", &index(&released)).await;
    let secret = bench.push_image("private/app", Some("secret"), "secret").await;
    bench.push_blob("private/app", "on its way").await;

    let pull = bench.registry.permit::<Pull>(&alice, &"private/app".parse().unwrap()).await.unwrap();
    for (reference, expected) in [("v1", true), (&released, true), ("secret", false), (&secret, false)] {
        let pulled = bench.registry.pull_manifest(&pull, &reference.parse().unwrap()).await;
        assert_eq!(pulled.is_ok(), expected, "{reference}");
    }
    for (bytes, expected) in [("released", true), ("{}", true), ("on its way", true), ("secret", false)] {
        assert_eq!(bench.registry.get_blob(&pull, &digest(bytes)).await.is_ok(), expected, "{bytes}");
        let push = bench.registry.permit::<Push>(&alice, &"private/app".parse().unwrap()).await.unwrap();
        for from in [Some(&pull), None] {
            let mounted = bench.registry.mount_blob(&push, digest(bytes), from, true).await.unwrap();
            assert_eq!(matches!(mounted, Mounted::Mounted(_)), expected, "{bytes}");
        }
    }
    let refused = bench.registry.get_blob(&pull, &digest("secret")).await.unwrap_err();
    assert!(refused.message().contains("under the tags v*, which are all that"), "{refused}");
}

#[tokio::test]
async fn whoever_asks_about_others_must_see_the_members() {
    let bench = Bench::new().await;
    let stranger = bench.user("stranger", None).await;
    let guest = bench.user("guest", Some(BuiltIn::Guest.id())).await;
    let question = Question {
        about: Some("guest".to_owned()),
        permission: "repository:push".parse().unwrap(),
        project: Some(project("private")),
        repository: None,
        tag: None,
    };
    assert!(bench.registry.explain(&stranger, &question).await.is_err());
    let answer = bench.registry.explain(&guest, &question).await.unwrap();
    assert!(
        !answer.allowed && answer.rule.contains("projectAdmin, developer, maintainer"),
        "{}",
        answer.rule
    );
    assert!(matches!(guest.principal, Principal::User(_)));
}

#[tokio::test]
async fn whoever_has_signed_in_makes_projects_only_where_that_is_allowed() {
    let bench = Bench::new().await;
    let alice = bench.user("alice", None).await;
    let wanted =
        |name: &str| WantedProject { name: project(name), metadata: BTreeMap::new(), storage_limit: None };
    for (restriction, allowed) in [("adminonly", false), ("everyone", true)] {
        let permit = bench.registry.permit_everywhere(&bench.operator).await.unwrap();
        let given = serde_json::json!({ "project_creation_restriction": restriction });
        bench.registry.update_configuration(&permit, given.as_object().unwrap()).await.unwrap();
        let made = bench.registry.create_project(&alice, wanted(restriction)).await;
        assert_eq!(made.is_ok(), allowed, "{restriction}");
        assert!(
            bench.registry.create_project(&Caller::anonymous(Arc::default()), wanted("other")).await.is_err()
        );
    }
    let permit = bench.registry.permit_in_project(&alice, &project("everyone")).await.unwrap();
    bench.registry.delete_project(&permit).await.unwrap();
}
