//! Rows that go from each engine to each, while others write, and lines that are not whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::shape::Shape;
use super::{Moved, Open, Tell};
use crate::database::migration;
use crate::suite::{block_on, raw, reader, sqlite_options, with_postgres, write};
use crate::{Database, Engine, Error, Options, user};

/// Every kind of value, every kind of pointer, words of SQL in names, and a number that is gone again.
const ROWS: &str = "
    INSERT INTO user_account (name, email, full_name, password_hash, administrator, disabled, created_at) VALUES
        ('alice', 'alice@example.com', 'Álice \"the\" \\ Ω\nnewline', 'h', TRUE, FALSE, 1),
        ('bob', NULL, '', 'h', FALSE, TRUE, 2), ('gone', NULL, '', '', FALSE, FALSE, 3);
    DELETE FROM user_account WHERE name = 'gone';
    INSERT INTO project (name, public, created_at, created_by) SELECT 'team', TRUE, 1, id FROM user_account
        WHERE name = 'alice';
    INSERT INTO member (project_id, user_id, role, created_at) SELECT p.id, u.id, 2, 1 FROM project p, user_account u;
    INSERT INTO repository (project_id, name, created_at) SELECT id, 'team/app', 1 FROM project;
    INSERT INTO blob VALUES ('sha256:aa', 9223372036854775807, 'sha256/aa/1', 1), ('sha256:bb', 0, 'sha256/bb/2', 1);
    INSERT INTO repository_blob (repository_id, digest, created_at) SELECT r.id, b.digest, 1 FROM repository r, blob b;
    INSERT INTO setting VALUES ('a', '1'), ('b', '{}');
    INSERT INTO audit_event (at, actor, actor_kind, through, address, user_agent, request_id, resource_type, resource,
        operation, description, before, after, succeeded)
        VALUES (1, 'alice', 'user', 'api', '', '', '', 'project', 'team', 'create', '', NULL, '{}', FALSE);
    INSERT INTO revocation (subject, at, expires_at) VALUES ('user:1', 1, 2);
    DELETE FROM revocation;";

/// Loaded rows are told by a journal of their own.
const BEFORE_ANY_JOURNAL: &str = "DELETE FROM journal_change; INSERT INTO setting VALUES ('journal', '');";

/// Bytes of every value, and enough manifests for several pages.
async fn fill(database: &Database) {
    raw(database, ROWS).await;
    write(database, |c| {
        Box::pin(async move {
            let bytes: Vec<u8> = (0..=255).collect();
            let repository = c.query_text("test", "SELECT MIN(id) FROM repository", &[]).await?[0][0].clone();
            for number in 0..300 {
                let digest = format!("sha256:{number:04}");
                let text = "INSERT INTO manifest (repository_id, digest, media_type, kind, size, pushed_at, pushed_by,
                    annotations, bytes) VALUES ($1, $2, 'm', 'image', 256, 1, 'alice', '{}', $3)";
                c.execute_text("test", text, &[repository.clone(), digest.into(), (&bytes).into()]).await?;
            }
            c.batch("test", BEFORE_ANY_JOURNAL).await
        })
    })
    .await;
}

fn quiet() -> Tell {
    Arc::new(|_| {})
}

async fn save(database: &Database) -> Vec<u8> {
    let mut out = Vec::new();
    database.save(&mut out, 7, &quiet()).await.unwrap();
    out
}

async fn load(database: &Database, lines: &[u8]) -> Result<Moved, Error> {
    let lines = lines.to_vec();
    let open: Open = Arc::new(move || Ok(Box::new(Cursor::new(lines.clone()))));
    database.load(open, quiet()).await
}

/// What has to be equal whichever engine wrote it.
fn rows_of(lines: &[u8]) -> String {
    let text = String::from_utf8(lines.to_vec()).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let mut head: serde_json::Value = serde_json::from_str(head).unwrap();
    head["engine"] = serde_json::Value::Null;
    let (rows, _) = rows.trim_end().rsplit_once('\n').unwrap();
    format!("{head}\n{rows}")
}

async fn there_and_back(from: Options, to: Options) {
    let (from, to) = (Database::open(&from).unwrap(), Database::open(&to).unwrap());
    from.migrate().await.unwrap();
    fill(&from).await;
    let first = save(&from).await;
    let moved = load(&to, &first).await.unwrap();
    assert!(moved.rows > 300 && moved.made_at == 7, "{moved:?}");
    assert_eq!(rows_of(&first), rows_of(&save(&to).await));
    numbers_go_on(&to).await;
}

/// The number of a row that is gone is not given out again.
async fn numbers_go_on(database: &Database) {
    raw(
        database,
        "INSERT INTO user_account (name, full_name, password_hash, administrator, disabled, created_at)
            VALUES ('new', '', '', FALSE, FALSE, 1);
        INSERT INTO revocation (subject, at, expires_at) VALUES ('user:1', 1, 2);",
    )
    .await;
    let mut c = reader(database).await;
    let new = user::find_by_name(&mut c, "new").await.unwrap().unwrap();
    assert_eq!(new.id, 4, "alice is 1, bob is 2, 3 is gone");
    let rows = c.query_text("test", "SELECT id FROM revocation", &[]).await.unwrap();
    assert_eq!(rows, [[2_i64.into()]]);
}

#[test]
fn from_sqlite_to_sqlite() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    block_on(there_and_back(sqlite_options(here.path()), sqlite_options(there.path())));
}

#[test]
fn from_sqlite_to_postgres() {
    with_postgres(|postgres| async move {
        let folder = tempfile::tempdir().unwrap();
        there_and_back(sqlite_options(folder.path()), postgres).await;
    });
}

#[test]
fn from_postgres_to_sqlite() {
    with_postgres(|postgres| async move {
        let folder = tempfile::tempdir().unwrap();
        there_and_back(postgres, sqlite_options(folder.path())).await;
    });
}

/// What this fails on when a table is added: a table without a key, a circle of pointers, or engines that differ.
#[test]
fn every_table_of_both_engines_is_known() {
    let shape = Shape::of(migration::EXPECTED).unwrap();
    for table in &shape.tables {
        assert!(!table.key.is_empty(), "table {} has no primary key to be read by", table.name);
        assert!(
            !table.numbered || table.key == ["id"],
            "table {} numbers another column than id",
            table.name
        );
    }
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        assert_eq!(catalogue(&database).await, columns(&shape));
    });
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        assert_eq!(catalogue(&database).await, columns(&Shape::of(migration::EXPECTED).unwrap()));
        assert_eq!(numbered(&database).await, {
            let shape = Shape::of(migration::EXPECTED).unwrap();
            shape.tables.into_iter().filter(|table| table.numbered).map(|table| table.name).collect()
        });
    });
}

type Columns = BTreeMap<String, BTreeSet<String>>;

fn columns(shape: &Shape) -> Columns {
    let names =
        |table: &super::shape::Table| table.columns.iter().map(|column| column.name.clone()).collect();
    shape.tables.iter().map(|table| (table.name.clone(), names(table))).collect()
}

/// What the engine itself says, but for the one table that is about the schema.
async fn catalogue(database: &Database) -> Columns {
    database.migrate().await.unwrap();
    let text = match database.engine() {
        Engine::Sqlite => {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
                WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'schema_migration'"
        }
        Engine::Postgres => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name <> 'schema_migration'"
        }
    };
    let mut columns = Columns::new();
    for row in reader(database).await.query_text("test", text, &[]).await.unwrap() {
        let [crate::database::value::Value::Text(table), crate::database::value::Value::Text(column)] =
            &row[..]
        else {
            panic!("{row:?}")
        };
        columns.entry(table.to_string()).or_default().insert(column.to_string());
    }
    columns
}

async fn numbered(database: &Database) -> BTreeSet<String> {
    let text = "SELECT table_name::text FROM information_schema.columns
        WHERE table_schema = current_schema() AND is_identity = 'YES'";
    let rows = reader(database).await.query_text("test", text, &[]).await.unwrap();
    let name = |row: &Vec<_>| match &row[0] {
        crate::database::value::Value::Text(name) => name.to_string(),
        other => panic!("{other:?}"),
    };
    rows.iter().map(name).collect()
}

#[test]
fn an_older_schema_is_loaded_and_brought_up_to_date() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    block_on(async {
        let old = Database::open(&sqlite_options(here.path())).unwrap();
        write(&old, |c| Box::pin(async move { migration::migrate_to(c, 1).await.map(|_| ()) })).await;
        raw(
            &old,
            "INSERT INTO project (name, public, created_at) VALUES ('team', TRUE, 1);
            INSERT INTO repository (project_id, name, created_at) VALUES (1, 'team/app', 1);
            INSERT INTO manifest (repository_id, digest, media_type, kind, size, pushed_at, pushed_by, annotations, bytes)
                VALUES (1, 'sha256:aa', 'm', 'image', 2, 1, 'alice', '{}', x'7b7d');",
        )
        .await;
        let new = Database::open(&sqlite_options(there.path())).unwrap();
        assert_eq!(load(&new, &save(&old).await).await.unwrap().schema, 1);
        new.schema().await.unwrap().check().unwrap();
        let artifacts =
            reader(&new).await.query_text("test", "SELECT digest FROM artifact", &[]).await.unwrap();
        assert_eq!(artifacts, [["sha256:aa".into()]], "a migration after it has seen the rows");
    });
}

async fn two_databases(test: impl AsyncFnOnce(Database, Database)) {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let from = Database::open(&sqlite_options(here.path())).unwrap();
    from.migrate().await.unwrap();
    let to = Database::open(&sqlite_options(there.path())).unwrap();
    test(from, to).await;
}

#[test]
fn rows_are_not_mixed_with_others() {
    block_on(two_databases(async |from, to| {
        fill(&from).await;
        let lines = save(&from).await;
        load(&to, &lines).await.unwrap();
        let error = load(&to, &lines).await.unwrap_err();
        assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
    }));
}

#[test]
fn damaged_lines_leave_nothing_behind() {
    block_on(two_databases(async |from, to| {
        fill(&from).await;
        let whole = save(&from).await;
        let mut changed = whole.clone();
        let place = whole.windows(5).position(|bytes| bytes == b"alice").unwrap();
        changed[place] = b'A';
        let mut longer = whole.clone();
        longer.extend_from_slice(b"[]\n");
        let text = String::from_utf8(whole.clone()).unwrap();
        let other_form = text.replacen("\"version\":1", "\"version\":2", 1).into_bytes();
        let newer = text.replacen("\"schema\":", "\"schema\":9", 1).into_bytes();
        let shorter = |by: usize| whole[..whole.len() - by].to_vec();
        let cases =
            [changed, longer, shorter(1), shorter(80), shorter(2000), b"{}\n".to_vec(), other_form, newer];
        for case in cases {
            let error = load(&to, &case).await.unwrap_err();
            assert!(matches!(error, Error::Portable { .. }), "{error}");
            assert_eq!(to.schema().await.unwrap().version, 0, "{error}");
        }
        load(&to, &whole).await.unwrap();
    }));
}

/// Pairs of rows are written in one transaction each, in two tables, while the rows are read in many pages.
async fn reads_one_moment(options: Options) {
    let database = Database::open(&options).unwrap();
    database.migrate().await.unwrap();
    fill(&database).await;
    let (stop, pairs) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let writer = tokio::spawn(write_pairs(database.clone(), stop.clone(), pairs.clone()));
    // However slow the disk is that the pairs are synced to.
    while pairs.load(Ordering::Relaxed) < 10 {
        let lines = String::from_utf8(save(&database).await).unwrap();
        let settings = lines.matches("[\"pair-").count();
        let blobs = lines.matches("[\"sha256:pair-").count();
        assert_eq!(settings, blobs);
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
}

async fn write_pairs(database: Database, stop: Arc<AtomicBool>, pairs: Arc<AtomicI64>) {
    while !stop.load(Ordering::Relaxed) {
        let number = pairs.fetch_add(1, Ordering::Relaxed);
        let pair = write(&database, move |c| {
            Box::pin(async move {
                let (setting, digest) = (format!("pair-{number}"), format!("sha256:pair-{number}"));
                c.execute_text("test", "INSERT INTO setting VALUES ($1, '')", &[setting.into()]).await?;
                let blob = "INSERT INTO blob VALUES ($1, 0, 'somewhere', 1)";
                c.execute_text("test", blob, &[digest.into()]).await.map(|_| ())
            })
        });
        pair.await;
    }
}

#[test]
fn sqlite_is_read_at_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    block_on(reads_one_moment(sqlite_options(folder.path())));
}

#[test]
fn postgres_is_read_at_one_moment() {
    with_postgres(reads_one_moment);
}
