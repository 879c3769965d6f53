//! Labels, and what they are put on.

use super::{
    digest, insert_manifest, make_project, make_repository, new_manifest, on_both_engines, reader, write,
};
use crate::label::{self, Filter, Label, Words};
use crate::project::Text;
use crate::{Database, Error, Window, manifest};

on_both_engines![
    a_name_is_one_label_in_its_place,
    labels_are_filtered_and_paged_by_name,
    a_label_is_put_on_an_artifact_once_and_goes_with_either,
];

fn words(name: &str) -> Words {
    Words { name: name.to_owned(), description: "for what is".to_owned(), color: "#0065AB".to_owned() }
}

async fn make(database: &Database, project: Option<i64>, name: &'static str) -> Result<Label, Error> {
    database
        .transaction(move |c| Box::pin(async move { label::create(c, project, &words(name), 1).await }))
        .await
}

async fn rename(database: &Database, id: i64, name: &'static str) -> Result<bool, Error> {
    database.transaction(move |c| Box::pin(async move { label::update(c, id, &words(name), 2).await })).await
}

async fn a_name_is_one_label_in_its_place(database: Database) {
    let team = make_project(&database, "team", true).await.id;
    let own = make(&database, Some(team), "good").await.unwrap();
    let good = make(&database, None, "good").await.unwrap();
    let other = make(&database, None, "other").await.unwrap();
    assert!(matches!(make(&database, None, "good").await, Err(Error::Conflict { .. })));
    assert!(matches!(make(&database, Some(team), "good").await, Err(Error::Conflict { .. })));
    assert!(matches!(rename(&database, other.id, "good").await, Err(Error::Conflict { .. })));
    assert!(rename(&database, good.id, "good").await.unwrap(), "its own name");
    assert!(rename(&database, own.id, "other").await.unwrap(), "a name of the system's in a project");
    assert!(!rename(&database, 999, "nobody").await.unwrap());
    let found = label::find(&mut reader(&database).await, own.id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.project_id, found.updated_at), ("other", Some(team), 2));
}

async fn labels_are_filtered_and_paged_by_name(database: Database) {
    let team = make_project(&database, "team", true).await.id;
    for name in ["delta", "alpha", "Beta", "gamma"] {
        make(&database, None, name).await.unwrap();
    }
    make(&database, Some(team), "alpha").await.unwrap();
    let mut c = reader(&database).await;
    let names = |labels: Vec<Label>| labels.into_iter().map(|label| label.name).collect::<Vec<_>>();
    let all = Filter::default();
    let window = Window { after: "", skip: 1, limit: 2 };
    assert_eq!(names(label::list(&mut c, &all, window).await.unwrap()), ["alpha", "delta"]);
    assert_eq!(
        names(label::list(&mut c, &all, Window::behind("alpha", 9)).await.unwrap()),
        ["delta", "gamma"]
    );
    let part = Filter { name: Text::Part("ET".to_owned()), ..Filter::default() };
    assert_eq!(names(label::list(&mut c, &part, Window::behind("", 9)).await.unwrap()), ["Beta"]);
    assert_eq!(
        (label::count(&mut c, &all, 99).await.unwrap(), label::count(&mut c, &all, 3).await.unwrap()),
        (4, 3)
    );
    let ours = Filter { project_id: Some(team), ..Filter::default() };
    assert_eq!(names(label::list(&mut c, &ours, Window::behind("", 9)).await.unwrap()), ["alpha"]);
}

async fn a_label_is_put_on_an_artifact_once_and_goes_with_either(database: Database) {
    let repository = make_repository(&database, "team/app").await;
    let (first, second) =
        (make(&database, None, "b").await.unwrap(), make(&database, None, "a").await.unwrap());
    for seed in [1, 2] {
        insert_manifest(&database, new_manifest(repository, digest(seed)), Vec::new()).await;
    }
    let attach = |seed, id| {
        write(&database, move |c| {
            Box::pin(async move { label::attach(c, repository, &digest(seed), id, 1).await })
        })
    };
    assert!(attach(1, first.id).await && attach(1, second.id).await && attach(2, first.id).await);
    assert!(!attach(1, first.id).await);
    let mut c = reader(&database).await;
    assert_eq!(
        label::list_of_artifact(&mut c, repository, &digest(1)).await.unwrap(),
        [second.clone(), first.clone()]
    );
    write(&database, move |c| Box::pin(async move { label::delete(c, second.id).await })).await;
    assert_eq!(
        label::list_of_artifact(&mut c, repository, &digest(1)).await.unwrap(),
        std::slice::from_ref(&first)
    );
    let detach = || {
        write(&database, move |c| {
            Box::pin(async move { label::detach(c, repository, &digest(1), first.id).await })
        })
    };
    assert!(detach().await && !detach().await);
    write(&database, move |c| {
        Box::pin(async move { manifest::delete(c, repository, &digest(2), &super::deletion("d", 3)).await })
    })
    .await;
    assert_eq!(label::list_of_artifact(&mut c, repository, &digest(2)).await.unwrap(), []);
}
