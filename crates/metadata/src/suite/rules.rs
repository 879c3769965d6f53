//! Rules about tags: immutable tag rules, retention policies and what became of their executions.

use super::{make_project, name, on_both_engines, reader, write};
use crate::job::State;
use crate::retention::{NewExecution, NewTask};
use crate::{Database, Error, Result, Window, immutable_rule, project, retention};

on_both_engines![
    an_immutable_rule_is_there_once_and_goes_with_its_project,
    a_project_has_one_policy,
    executions_are_kept_the_newest_and_a_task_is_written_over,
];

const ALL: Window<i64> = Window { after: 0, skip: 0, limit: 1000 };

fn conflicts<T: std::fmt::Debug>(result: Result<T>) {
    assert!(matches!(result, Err(Error::Conflict { .. })), "{result:?}");
}

async fn an_immutable_rule_is_there_once_and_goes_with_its_project(database: Database) {
    let (team, other) =
        (make_project(&database, "team", true).await.id, make_project(&database, "b", true).await.id);
    let make = |project, disabled, selectors: &'static str| {
        database.transaction(move |c| Box::pin(immutable_rule::create(c, project, disabled, selectors, 1)))
    };
    let first = make(team, false, "a").await.unwrap();
    conflicts(make(team, true, "a").await);
    let second = make(team, true, "b").await.unwrap();
    make(other, false, "a").await.unwrap();
    let change = |id, selectors: &'static str| {
        database.transaction(move |c| Box::pin(immutable_rule::update(c, team, id, false, selectors, 2)))
    };
    conflicts(change(second, "a").await);
    let mut c = reader(&database).await;
    assert_eq!(immutable_rule::list_enabled(&mut c, team).await.unwrap().len(), 1);
    assert!(change(second, "c").await.unwrap());
    assert_eq!(immutable_rule::list_enabled(&mut c, team).await.unwrap().len(), 2);
    assert_eq!(
        immutable_rule::list(&mut c, team, Window { after: first, ..ALL }).await.unwrap()[0].selectors,
        "c"
    );
    assert!(immutable_rule::find(&mut c, other, first).await.unwrap().is_none());
    assert!(write(&database, move |c| Box::pin(project::delete(c, team))).await);
    assert_eq!(immutable_rule::count(&mut c, team).await.unwrap(), 0);
}

async fn make_policy(database: &Database, project: i64) -> Result<i64> {
    database.transaction(move |c| Box::pin(retention::create(c, project, "{}", 1))).await
}

async fn a_project_has_one_policy(database: Database) {
    let team = make_project(&database, "team", true).await.id;
    let id = make_policy(&database, team).await.unwrap();
    conflicts(make_policy(&database, team).await);
    assert!(write(&database, move |c| Box::pin(retention::update(c, id, "new", 2))).await);
    let mut c = reader(&database).await;
    let found = retention::find_of_project(&mut c, team).await.unwrap().unwrap();
    assert_eq!((found.id, found.body.as_str()), (id, "new"));
    assert!(write(&database, move |c| Box::pin(retention::delete(c, id))).await);
    assert!(retention::find(&mut c, id).await.unwrap().is_none());
}

async fn executions_are_kept_the_newest_and_a_task_is_written_over(database: Database) {
    let team = make_project(&database, "team", true).await.id;
    let policy_id = make_policy(&database, team).await.unwrap();
    for id in 1..=105 {
        let new = NewExecution { id, policy_id, dry_run: true, cause: "manual".to_owned(), created_at: id };
        write(&database, move |c| {
            let new = new.clone();
            Box::pin(async move { retention::create_execution(c, &new).await })
        })
        .await;
    }
    let mut c = reader(&database).await;
    assert_eq!(retention::count_executions(&mut c, policy_id).await.unwrap(), 100);
    let newest = Window { after: i64::MAX, skip: 0, limit: 2 };
    let listed = retention::list_executions(&mut c, policy_id, newest).await.unwrap();
    assert_eq!(
        listed.iter().map(|one| (one.id, one.state)).collect::<Vec<_>>(),
        [(105, State::Failed), (104, State::Failed)]
    );
    for total in [7, 9] {
        let task = NewTask {
            execution_id: 105,
            repository: name("team/app"),
            total,
            retained: 3,
            failed: 0,
            started_at: 1,
            finished_at: 2,
            decisions: "[]".to_owned(),
        };
        write(&database, move |c| {
            let task = task.clone();
            Box::pin(async move { retention::put_task(c, &task).await })
        })
        .await;
    }
    assert!(write(&database, |c| Box::pin(retention::finish_execution(c, 105, 9))).await);
    let found = retention::find_execution(&mut c, policy_id, 105).await.unwrap().unwrap();
    assert_eq!((found.state, found.finished_at), (State::Succeeded, Some(9)));
    assert!(retention::find_execution(&mut c, policy_id + 1, 105).await.unwrap().is_none());
    let tasks = retention::list_tasks(&mut c, 105, ALL).await.unwrap();
    assert_eq!(tasks.iter().map(|task| task.total).collect::<Vec<_>>(), [9]);
    assert_eq!(retention::count_tasks(&mut c, 105).await.unwrap(), 1);
    assert!(retention::find_task(&mut c, 105, tasks[0].id).await.unwrap().is_some());
    let decisions = retention::find_decisions(&mut c, 105, tasks[0].id).await.unwrap();
    assert_eq!(decisions.as_deref(), Some("[]"));
}
