//! Identity sources, their users, groups and sessions.

use super::{make_user, on_both_engines, reader, write};
use crate::identity_source::{self, IdentitySource, NewSource};
use crate::session::{self, NewSession};
use crate::sourced_user::{self, SourcedUser};
use crate::user_group::{self, Filter, NewGroup};
use crate::{Database, Error, UserId, Window, user};

on_both_engines![
    sources_are_kept_in_their_order,
    a_person_is_known_by_source_and_subject,
    an_address_that_is_taken_is_left_out,
    groups_follow_what_the_source_says,
    groups_are_filtered_and_paged,
    a_session_is_found_by_its_cookie_until_it_ends,
];

fn source(name: &str, position: i64) -> NewSource {
    NewSource {
        name: name.to_owned(),
        kind: "ldap".to_owned(),
        position,
        enabled: true,
        settings: "{}".to_owned(),
        created_at: 1,
    }
}

async fn sources_are_kept_in_their_order(database: Database) {
    let make = |name, position| {
        let new = source(name, position);
        write(&database, move |c| {
            let new = new.clone();
            Box::pin(async move { identity_source::create(c, &new).await })
        })
    };
    let (second, first) = (make("second", 2).await, make("first", 1).await);
    let again = source("first", 3);
    let taken = database.transaction(move |c| {
        let again = again.clone();
        Box::pin(async move { identity_source::create(c, &again).await })
    });
    assert!(matches!(taken.await, Err(Error::Conflict { what }) if what.contains("first")));
    let mut c = reader(&database).await;
    assert_eq!(identity_source::list(&mut c, 10).await.unwrap(), [first.clone(), second.clone()]);

    let moved =
        IdentitySource { position: 0, enabled: false, settings: "[]".to_owned(), updated_at: 5, ..second };
    let wanted = moved.clone();
    assert!(
        write(&database, move |c| {
            let wanted = wanted.clone();
            Box::pin(async move { identity_source::update(c, &wanted).await })
        })
        .await
    );
    assert_eq!(identity_source::list(&mut c, 10).await.unwrap(), [moved, first.clone()]);
    assert!(
        write(&database, move |c| Box::pin(async move { identity_source::delete(c, first.id).await })).await
    );
    assert_eq!(identity_source::find(&mut c, first.id).await.unwrap(), None);
}

fn person(source: &str, name: &str) -> SourcedUser {
    SourcedUser {
        source: source.to_owned(),
        subject: format!("{name} for ever"),
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        full_name: name.to_uppercase(),
        administrator_by_group: false,
    }
}

async fn create(database: &Database, person: SourcedUser) -> Option<UserId> {
    write(database, move |c| {
        let person = person.clone();
        Box::pin(async move { sourced_user::create(c, &person, 7).await })
    })
    .await
}

async fn update(database: &Database, id: UserId, person: SourcedUser) -> bool {
    write(database, move |c| {
        let person = person.clone();
        Box::pin(async move { sourced_user::update(c, id, &person, 8).await })
    })
    .await
}

async fn a_person_is_known_by_source_and_subject(database: Database) {
    let id = create(&database, person("corp", "alice")).await.unwrap();
    let mut c = reader(&database).await;
    assert_eq!(sourced_user::find(&mut c, "corp", "alice for ever").await.unwrap(), Some(id));
    assert_eq!(sourced_user::find(&mut c, "other", "alice for ever").await.unwrap(), None);
    assert_eq!(create(&database, person("other", "alice")).await, None, "the name is taken");

    assert!(!update(&database, id, person("corp", "alice")).await, "nothing has changed");
    let raised = SourcedUser { administrator_by_group: true, email: None, ..person("corp", "alice") };
    assert!(update(&database, id, raised).await);
    assert_eq!(user::find(&mut c, id).await.unwrap().unwrap().email, None);
    let lower = |_| {
        write(&database, move |c| {
            Box::pin(async move { sourced_user::remove_administrator_by_group(c, id, 9).await })
        })
    };
    assert!(lower(()).await);
    assert!(!lower(()).await);
}

async fn an_address_that_is_taken_is_left_out(database: Database) {
    make_user(&database, "alice").await;
    let bob = SourcedUser { email: Some("alice@example.com".to_owned()), ..person("corp", "bob") };
    let id = create(&database, bob.clone()).await.unwrap();
    let mut c = reader(&database).await;
    assert_eq!(user::find(&mut c, id).await.unwrap().unwrap().email, None);
    assert!(!update(&database, id, bob).await);
    assert!(update(&database, id, person("corp", "bob")).await);
    assert!(!update(&database, id, person("corp", "bob")).await, "one's own address is not taken");
}

fn group(name: &str) -> NewGroup {
    NewGroup {
        name: name.to_owned(),
        kind: user_group::LDAP,
        ldap_group_dn: format!("cn={name}"),
        identity: format!("1:cn={name}"),
    }
}

async fn set(database: &Database, user: UserId, names: &[&str]) -> bool {
    let groups: Vec<NewGroup> = names.iter().map(|name| group(name)).collect();
    write(database, move |c| {
        let groups = groups.clone();
        Box::pin(async move { user_group::set_of_user(c, user, &groups, 3).await })
    })
    .await
}

async fn names(database: &Database, user: UserId) -> Vec<String> {
    let mut c = reader(database).await;
    user_group::of_user(&mut c, user).await.unwrap().into_iter().map(|group| group.name).collect()
}

async fn groups_follow_what_the_source_says(database: Database) {
    let alice = create(&database, person("corp", "alice")).await.unwrap();
    let bob = create(&database, person("corp", "bob")).await.unwrap();
    assert!(set(&database, alice, &["devs", "staff"]).await);
    assert!(set(&database, bob, &["staff"]).await);
    assert!(!set(&database, alice, &["staff", "devs"]).await, "nothing has changed");
    assert!(set(&database, alice, &["ops", "staff"]).await, "as many, but others");
    assert_eq!(names(&database, alice).await, ["ops", "staff"]);
    assert_eq!(names(&database, bob).await, ["staff"]);
    assert!(set(&database, alice, &[]).await);
    assert!(!set(&database, alice, &[]).await);
    assert!(names(&database, alice).await.is_empty());
    let mut c = reader(&database).await;
    assert_eq!(user_group::count(&mut c, &Filter::default()).await.unwrap(), 3, "empty groups stay");
}

fn window(after: i64, skip: u32) -> Window<i64> {
    Window { after, skip, limit: 10 }
}

async fn groups_are_filtered_and_paged(database: Database) {
    let ensure = |name: &'static str| {
        write(&database, move |c| Box::pin(async move { user_group::ensure(c, &group(name), 1).await }))
    };
    let (devs, ops, devops) = (ensure("Devs").await, ensure("ops").await, ensure("devops").await);
    assert_eq!(ensure("Devs").await, devs);
    let again = database
        .transaction(|c| Box::pin(async move { user_group::create(c, &group("ops"), 1).await }))
        .await;
    assert!(matches!(again, Err(Error::Conflict { .. })));

    let mut c = reader(&database).await;
    let filter = Filter { name_contains: Some("DEV".to_owned()), ..Filter::default() };
    assert_eq!(
        user_group::list(&mut c, &filter, window(0, 0)).await.unwrap(),
        [devs.clone(), devops.clone()]
    );
    assert_eq!(user_group::list(&mut c, &filter, window(devs.id, 0)).await.unwrap()[0], devops);
    assert_eq!(user_group::list(&mut c, &filter, window(0, 1)).await.unwrap()[0], devops);
    assert_eq!(user_group::count(&mut c, &filter).await.unwrap(), 2);
    let one = Filter { identity: Some("1:cn=ops".to_owned()), ..Filter::default() };
    assert_eq!(user_group::list(&mut c, &one, window(0, 0)).await.unwrap()[0], ops);
    let none = Filter { kind: Some(user_group::OIDC), ..Filter::default() };
    assert!(user_group::list(&mut c, &none, window(0, 0)).await.unwrap().is_empty());

    assert!(
        write(&database, move |c| Box::pin(
            async move { user_group::rename(c, ops.id, "operators", 4).await }
        ))
        .await
    );
    assert_eq!(user_group::find(&mut c, ops.id).await.unwrap().unwrap().name, "operators");
    assert!(write(&database, move |c| Box::pin(async move { user_group::delete(c, ops.id).await })).await);
    assert_eq!(user_group::find(&mut c, ops.id).await.unwrap(), None);
}

async fn a_session_is_found_by_its_cookie_until_it_ends(database: Database) {
    let user_id = create(&database, person("corp", "alice")).await.unwrap();
    let new = move |hash: u8| NewSession {
        hash: vec![hash; 32],
        user_id,
        source: "corp".to_owned(),
        address: "192.0.2.1".to_owned(),
        user_agent: "browser".to_owned(),
        created_at: 10,
        expires_at: 100,
    };
    let id = write(&database, move |c| Box::pin(async move { session::create(c, &new(1)).await })).await;
    let other = write(&database, move |c| Box::pin(async move { session::create(c, &new(2)).await })).await;
    let mut c = reader(&database).await;
    let found = session::find(&mut c, &[1; 32], 99).await.unwrap().unwrap();
    assert_eq!((found.id, found.user_id, found.seen_at), (id, user_id, 10));
    assert_eq!(session::find(&mut c, &[1; 32], 100).await.unwrap(), None, "it has ended");
    assert_eq!(session::find(&mut c, &[3; 32], 99).await.unwrap(), None);
    assert!(write(&database, move |c| Box::pin(async move { session::touch(c, id, 90, 200).await })).await);
    assert_eq!(session::find(&mut c, &[1; 32], 150).await.unwrap().unwrap().seen_at, 90);
    assert!(write(&database, |c| Box::pin(async move { session::delete(c, &[1; 32]).await })).await);
    assert_eq!(session::find(&mut c, &[1; 32], 99).await.unwrap(), None);
    assert_eq!(session::find(&mut c, &[2; 32], 99).await.unwrap().unwrap().id, other);
}
