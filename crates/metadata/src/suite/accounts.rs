//! Projects, users, members, keys, tokens, leases and settings.

use super::{make_project, make_repository, make_user, on_both_engines, reader, write};
use crate::project::{Filter, Text};
use crate::signing_key::SigningKey;
use crate::{
    Connection, Database, Error, Window, custom_role, grant, holding, lease, member, project, refresh_token,
    repository, setting, signing_key, user, user_group,
};

on_both_engines![
    a_name_is_given_once,
    projects_are_filtered_and_paged,
    projects_are_seen_by_those_who_hold_something_in_them,
    a_repository_needs_its_project,
    roles_change_and_end_with_the_user,
    a_grant_is_held_for_its_part_of_the_project,
    a_list_shows_what_begins_so,
    a_users_row_can_be_changed,
    keys_and_tokens_expire,
    a_lease_has_one_holder_and_a_growing_fence,
    the_first_value_stands,
];

async fn a_name_is_given_once(database: Database) {
    make_project(&database, "team", true).await;
    make_user(&database, "alice").await;
    let again = database.transaction(|c| {
        Box::pin(async move {
            let name = "team".parse().unwrap();
            let new =
                project::NewProject { name, public: false, internal: false, created_at: 2, created_by: None };
            project::create(c, &new).await
        })
    });
    assert!(matches!(again.await, Err(Error::Conflict { what }) if what.contains("team")));
    let same_email = database.transaction(|c| {
        Box::pin(async move {
            let new = user::NewUser {
                name: "other".to_owned(),
                email: Some("alice@example.com".to_owned()),
                full_name: String::new(),
                password_hash: String::new(),
                administrator: false,
                comment: String::new(),
                created_at: 2,
            };
            user::create(c, &new).await
        })
    });
    assert!(matches!(same_email.await, Err(Error::Conflict { .. })));
}

async fn projects_are_filtered_and_paged(database: Database) {
    for (name, public) in [("alpha", true), ("beta", false), ("betamax", true), ("gamma", true)] {
        make_project(&database, name, public).await;
    }
    let filter = Filter { name: Text::Part("BETA".to_owned()), ..Filter::default() };
    let mut c = reader(&database).await;
    assert_eq!(project::count(&mut c, &filter, 10).await.unwrap(), 2);
    assert_eq!(project::count(&mut c, &filter, 1).await.unwrap(), 1);
    let by_name = project::Order::Name;
    let public = Filter { public: Some(true), ..filter.clone() };
    assert_eq!(names(&database, &public, by_name, Window::behind("", 10)).await, ["betamax"]);
    let whole = Filter { name: Text::Whole("Beta".to_owned()), ..Filter::default() };
    assert_eq!(names(&database, &whole, by_name, Window::behind("", 10)).await, ["beta"]);
    let literal = Filter { name: Text::Part("b_ta".to_owned()), ..Filter::default() };
    assert!(names(&database, &literal, by_name, Window::behind("", 10)).await.is_empty());
    let all = Filter::default();
    assert_eq!(names(&database, &all, by_name, Window::behind("alpha", 2)).await, ["beta", "betamax"]);
    let second = Window { after: "", skip: 2, limit: 1 };
    assert_eq!(names(&database, &all, by_name, second).await, ["betamax"]);
    for (order, first) in [
        (project::Order::NameDescending, "gamma"),
        (project::Order::Newest, "gamma"),
        (project::Order::Oldest, "alpha"),
    ] {
        assert_eq!(names(&database, &all, order, Window::behind("", 1)).await, [first]);
    }
}

async fn projects_are_seen_by_those_who_hold_something_in_them(database: Database) {
    let alice = make_user(&database, "alice").await.id;
    for (name, public) in
        [("granted", false), ("grouped", false), ("joined", false), ("open", true), ("shut", false)]
    {
        make_project(&database, name, public).await;
    }
    write(&database, move |c| {
        Box::pin(async move {
            let mut ids = Vec::new();
            for name in ["granted", "grouped", "joined", "shut"] {
                ids.push(project::find(c, &name.parse().unwrap()).await?.unwrap().id);
            }
            let devs = user_group::NewGroup {
                name: "devs".to_owned(),
                kind: user_group::OIDC,
                ldap_group_dn: String::new(),
                identity: "oidc:devs".to_owned(),
            };
            user_group::set_of_user(c, alice, std::slice::from_ref(&devs), 1).await?;
            let group = user_group::ensure(c, &devs, 1).await?.id;
            member::create(c, ids[2], member::Entity::User(alice), 3, 1).await?;
            member::create(c, ids[1], member::Entity::Group(group), 3, 1).await?;
            let new = grant::NewGrant {
                project_id: ids[0],
                entity: member::Entity::User(alice),
                repository: "granted/app".to_owned(),
                and_below: false,
                tag_pattern: "*".to_owned(),
                role: 3,
                created_at: 1,
            };
            grant::create(c, &new).await.map(|_| ())
        })
    })
    .await;
    for (visible, expected) in [
        (project::Visible::User(alice), vec!["granted", "grouped", "joined", "open"]),
        (project::Visible::Public, vec!["open"]),
        (project::Visible::All, vec!["granted", "grouped", "joined", "open", "shut"]),
    ] {
        let filter = Filter { visible, ..Filter::default() };
        assert_eq!(names(&database, &filter, project::Order::Name, Window::behind("", 10)).await, expected);
    }
}

async fn names(
    database: &Database,
    filter: &Filter,
    order: project::Order,
    window: Window<&str>,
) -> Vec<String> {
    let mut c = reader(database).await;
    let projects = project::list(&mut c, filter, order, window).await.unwrap();
    projects.into_iter().map(|project| project.name.to_string()).collect()
}

async fn a_repository_needs_its_project(database: Database) {
    let ensure = || {
        write(&database, |c| {
            Box::pin(async move { repository::ensure(c, &"team/app".parse().unwrap(), 1).await })
        })
    };
    assert_eq!(ensure().await, None);
    let project = make_project(&database, "team", false).await;
    let (first, again) = (ensure().await.unwrap(), ensure().await.unwrap());
    assert_eq!(first, again);
    assert_eq!((first.project_id, first.public), (project.id, false));
    let mut c = reader(&database).await;
    assert_eq!(repository::list(&mut c, project.id, None, 10).await.unwrap(), [first]);
    assert_eq!(repository::count(&mut c, project.id).await.unwrap(), 1);
}

async fn roles_change_and_end_with_the_user(database: Database) {
    let (project, alice) =
        (make_project(&database, "team", false).await.id, make_user(&database, "alice").await.id);
    let mut c = reader(&database).await;
    let entity = member::Entity::User(alice);
    let id =
        write(&database, move |c| Box::pin(async move { member::create(c, project, entity, 2, 1).await }))
            .await;
    let again = database
        .transaction(move |c| Box::pin(async move { member::create(c, project, entity, 3, 1).await }))
        .await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    assert_eq!(roles(&mut c, project, alice).await, [2]);
    assert!(write(&database, move |c| Box::pin(member::update_role(c, project, id, 4))).await);
    assert_eq!(roles(&mut c, project, alice).await, [4]);
    let members = member::list(&mut c, project, "LIC", Window::behind(("", 0), 10)).await.unwrap();
    assert_eq!(members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>(), ["alice"]);
    assert!(member::list(&mut c, project, "", Window::behind(("alice", id), 10)).await.unwrap().is_empty());
    assert_eq!(member::find(&mut c, project, id).await.unwrap().as_ref(), members.first());
    assert_eq!(member::find_by_entity(&mut c, project, entity).await.unwrap().as_ref(), members.first());
    assert_eq!(member::count_by_role(&mut c, project).await.unwrap(), [(4, 1)]);
    assert!(write(&database, move |c| Box::pin(async move { user::delete(c, alice).await })).await);
    assert!(roles(&mut c, project, alice).await.is_empty());
}

async fn roles(c: &mut Connection, project: i64, user: i64) -> Vec<i64> {
    holding::list(c, project, user).await.unwrap().into_iter().map(|holding| holding.role).collect()
}

async fn a_grant_is_held_for_its_part_of_the_project(database: Database) {
    let (project, alice) =
        (make_project(&database, "team", false).await.id, make_user(&database, "alice").await.id);
    for repository in ["team/app", "team/app-web", "team/other"] {
        make_repository(&database, repository).await;
    }
    let new = grant::NewGrant {
        project_id: project,
        entity: member::Entity::User(alice),
        repository: "team/app-".to_owned(),
        and_below: true,
        tag_pattern: "v*".to_owned(),
        role: 100,
        created_at: 1,
    };
    let role = write(&database, |c| {
        Box::pin(async move { custom_role::create(c, "tester", "", "[\"repository:pull\"]", 1).await })
    })
    .await;
    assert_eq!(role.id, 100);
    let id = write(&database, move |c| {
        let new = new.clone();
        Box::pin(async move { grant::create(c, &new).await })
    })
    .await;
    let mut c = reader(&database).await;
    let held = holding::list(&mut c, project, alice).await.unwrap();
    let part = held[0].grant.as_ref().unwrap();
    assert_eq!((held.len(), part.pattern().as_str(), part.tag_pattern.as_str()), (1, "team/app-*", "v*"));
    assert_eq!(held[0].custom_role.as_ref().map(|role| role.name.as_str()), Some("tester"));
    assert!(part.covers(&"team/app-web".parse().unwrap()) && !part.covers(&"team/app".parse().unwrap()));
    let visible = repository::Visible::Subject(alice);
    assert_eq!(repository::catalog(&mut c, visible, None, 10).await.unwrap(), ["team/app-web"]);
    assert_eq!(grant::list(&mut c, project, Window::behind(0, 10)).await.unwrap()[0].name, "alice");
    let held_role = database.transaction(move |c| Box::pin(custom_role::delete(c, 100))).await;
    assert!(matches!(held_role, Err(Error::Conflict { .. })), "{held_role:?}");
    assert!(write(&database, move |c| Box::pin(grant::delete(c, project, id))).await);
    assert!(write(&database, move |c| Box::pin(custom_role::delete(c, 100))).await);
}

async fn a_list_shows_what_begins_so(database: Database) {
    for repository in ["team/app", "team/app2", "other/app"] {
        make_repository(&database, repository).await;
    }
    make_project(&database, "shut", false).await;
    write(&database, |c| {
        Box::pin(async move {
            for name in ["team", "other"] {
                let id = project::find(c, &name.parse().unwrap()).await?.unwrap().id;
                project::update_visibility(c, id, false, false, 2).await?;
            }
            Ok(())
        })
    })
    .await;
    let mut c = reader(&database).await;
    for (beginning, expected) in [("team/", vec!["team/app", "team/app2"]), ("team/app ", vec!["team/app"])] {
        let visible = repository::Visible::Listed(vec![beginning.to_owned()]);
        assert_eq!(repository::catalog(&mut c, visible, None, 10).await.unwrap(), expected);
    }
    let alice = make_user(&database, "alice").await.id;
    let team = project::find(&mut c, &"team".parse().unwrap()).await.unwrap().unwrap().id;
    let member = member::Entity::User(alice);
    write(&database, move |c| Box::pin(async move { member::create(c, team, member, 2, 1).await })).await;
    for (beginnings, expected) in [
        (vec!["team/app "], vec!["team/app"]),
        (vec!["other/", "team/app2"], vec!["team/app2"]),
        (vec![], vec![]),
    ] {
        let beginnings = beginnings.into_iter().map(str::to_owned).collect();
        let visible = repository::Visible::SubjectWithin(alice, beginnings);
        assert_eq!(repository::catalog(&mut c, visible, None, 10).await.unwrap(), expected);
    }
}

async fn a_users_row_can_be_changed(database: Database) {
    let id = make_user(&database, "alice").await.id;
    make_user(&database, "bob").await;
    write(&database, move |c| {
        Box::pin(async move {
            assert!(user::update_password(c, id, "other").await?);
            assert!(user::set_administrator(c, id, true).await?);
            assert_eq!(user::count_administrators(c).await?, 1);
            assert!(user::set_disabled(c, id, true).await?);
            assert_eq!(user::count_administrators(c).await?, 0, "one that cannot sign in is none");
            assert!(!user::set_disabled(c, 4711, true).await?);
            Ok(())
        })
    })
    .await;
    let mut c = reader(&database).await;
    let alice = user::find_by_name(&mut c, "alice").await.unwrap().unwrap();
    assert_eq!(user::find(&mut c, id).await.unwrap().as_ref(), Some(&alice));
    assert!(alice.administrator && alice.disabled && alice.password_hash == "other");
    assert!(!format!("{alice:?}").contains("other"), "a hash is not for logs");
    let after: Vec<_> = user::list(&mut c, &Text::Any, Window::behind("alice", 10)).await.unwrap();
    assert_eq!(after.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["bob"]);
}

async fn keys_and_tokens_expire(database: Database) {
    let alice = make_user(&database, "alice").await.id;
    let counts = write(&database, move |c| {
        Box::pin(async move {
            for (id, expires_at) in [("old", 10), ("new", 20)] {
                let key = SigningKey {
                    id: id.to_owned(),
                    private_der: vec![1, 2],
                    public_der: vec![3],
                    created_at: 1,
                    sign_from: 1,
                    sign_until: 5,
                    expires_at,
                };
                signing_key::insert(c, &key).await?;
                refresh_token::insert(c, id.as_bytes(), alice, "hythe", 1, expires_at).await?;
            }
            assert_eq!(signing_key::list_live(c, 10).await?.len(), 1);
            assert_eq!(refresh_token::find(c, b"old", 9).await?, Some(alice));
            assert_eq!(refresh_token::find(c, b"old", 10).await?, None);
            assert_eq!(refresh_token::delete_oldest(c, alice, 2).await?, 0);
            refresh_token::insert(c, b"newest", alice, "hythe", 2, 10).await?;
            assert_eq!(refresh_token::delete_oldest(c, alice, 2).await?, 1);
            assert_eq!(refresh_token::find(c, b"newest", 9).await?, Some(alice));
            let keys = signing_key::delete_expired(c, 10).await?;
            let tokens = refresh_token::delete_expired(c, 10).await?;
            Ok((keys, tokens, refresh_token::delete_for_user(c, alice).await?))
        })
    })
    .await;
    assert_eq!(counts, (1, 1, 1));
}

async fn a_lease_has_one_holder_and_a_growing_fence(database: Database) {
    write(&database, |c| {
        Box::pin(async move {
            assert_eq!(lease::take(c, "sweep", "one", 100, 1).await?, Some(1));
            assert_eq!(lease::take(c, "sweep", "other", 200, 99).await?, None);
            assert!(lease::renew(c, "sweep", 1, 150).await?);
            assert_eq!(lease::take(c, "sweep", "other", 300, 150).await?, Some(2));
            assert!(!lease::renew(c, "sweep", 1, 900).await? && !lease::release(c, "sweep", 1).await?);
            assert!(lease::release(c, "sweep", 2).await?);
            assert_eq!(lease::take(c, "sweep", "one", 400, 151).await?, Some(3));
            Ok(())
        })
    })
    .await;
}

async fn the_first_value_stands(database: Database) {
    let tasks = ["a", "b", "c", "d"].map(|value| {
        let database = database.clone();
        tokio::spawn(async move {
            write(&database, move |c| Box::pin(setting::put_if_absent(c, "key", value))).await
        })
    });
    let mut stood = Vec::new();
    for task in tasks {
        stood.push(task.await.unwrap());
    }
    stood.dedup();
    assert_eq!(stood.len(), 1, "{stood:?}");
    write(&database, |c| Box::pin(setting::put(c, "key", "later"))).await;
    assert_eq!(setting::find(&mut reader(&database).await, "key").await.unwrap().as_deref(), Some("later"));
}
