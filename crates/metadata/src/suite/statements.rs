//! Every statement of every noun, prepared on both engines against the migrated schema.

use std::collections::BTreeMap;

use super::{reader, sqlite_options, with_postgres};
use crate::database::statement::Statement;
use crate::*;

/// A noun that is missing here leaves its list unused, which the compiler reports.
pub(super) fn all() -> Vec<&'static Statement> {
    [
        activity::STATEMENTS,
        artifact::STATEMENTS,
        artifact::BESIDE,
        artifact::LIST,
        audit::STATEMENTS,
        blob::STATEMENTS,
        charge::STATEMENTS,
        crate::database::STATEMENTS,
        crate::database::migration::STATEMENTS,
        crate::database::postgres::STATEMENTS,
        custom_role::STATEMENTS,
        data_key::STATEMENTS,
        described_repository::STATEMENTS,
        event::STATEMENTS,
        garbage::STATEMENTS,
        identity_source::STATEMENTS,
        grant::STATEMENTS,
        holding::STATEMENTS,
        job::STATEMENTS,
        immutable_rule::STATEMENTS,
        journal::STATEMENTS,
        label::STATEMENTS,
        lease::STATEMENTS,
        manifest::STATEMENTS,
        member::STATEMENTS,
        node::STATEMENTS,
        personal_token::STATEMENTS,
        portable::STATEMENTS,
        project::STATEMENTS,
        project_metadata::STATEMENTS,
        refresh_token::STATEMENTS,
        repository::STATEMENTS,
        retention::STATEMENTS,
        revocation::STATEMENTS,
        robot::STATEMENTS,
        schedule::STATEMENTS,
        session::STATEMENTS,
        setting::STATEMENTS,
        sign_in_throttle::STATEMENTS,
        signing_key::STATEMENTS,
        sourced_user::STATEMENTS,
        tag::STATEMENTS,
        trust_rule::STATEMENTS,
        trash::STATEMENTS,
        upload::STATEMENTS,
        usage::STATEMENTS,
        user::STATEMENTS,
        user_group::STATEMENTS,
    ]
    .concat()
}

async fn shapes(database: &Database) -> BTreeMap<String, (usize, Vec<String>)> {
    database.migrate().await.unwrap();
    let mut connection = reader(database).await;
    let mut shapes = BTreeMap::new();
    for statement in all() {
        let shape = connection.prepare(statement).await;
        let shape = shape.unwrap_or_else(|error| panic!("{statement} on {}: {error}", database.engine()));
        assert!(
            shapes.insert(statement.to_string(), shape).is_none(),
            "two statements are called {statement}"
        );
    }
    shapes
}

#[test]
fn every_statement_can_be_prepared_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    super::block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        assert_eq!(shapes(&database).await.len(), all().len());
    });
}

#[test]
fn both_engines_see_the_same_parameters_and_columns() {
    with_postgres(|options| async move {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = shapes(&Database::open(&sqlite_options(folder.path())).unwrap()).await;
        let postgres = shapes(&Database::open(&options).unwrap()).await;
        for (statement, shape) in &sqlite {
            assert_eq!(Some(shape), postgres.get(statement), "{statement}");
        }
    });
}
