//! How the engines find what a request asks for: by an index, in its order, never by reading a table.

use super::{on_both_engines, raw, run_on_sqlite, statements, with_postgres, write};
use crate::database::statement::Statement;
use crate::database::value::{FromRow, Row};
use crate::{Connection, Database, Engine, Result};

on_both_engines![hot_statements_are_index_reads];

/// A list of artifacts that filters nothing.
const WALK: &[&str] = &[
    "1", "FALSE", "NULL", "''", "'%%'", "''", "''", "''", "0", "9", "0", "9", "','", "0", "FALSE", "9", "9",
    "100", "0",
];

/// The statements of the request path, each with an argument for every parameter.
const HOT: &[(&str, &[&str])] = &[
    ("artifact.accessories_of", &["'[\"1\"]'", "100"]),
    ("artifact.find", &["1", "'d'"]),
    ("artifact.find_touched", &["'team/app'", "'d'"]),
    ("artifact.list_accessories", &["1", "1", "100", "0"]),
    ("artifact.list_first_pulled", WALK),
    ("artifact.list_largest", WALK),
    ("artifact.list_last_pulled", WALK),
    ("artifact.list_newest", WALK),
    ("artifact.list_newest_of_project", WALK),
    ("artifact.list_oldest", WALK),
    ("artifact.list_oldest_of_project", WALK),
    ("artifact.list_smallest", WALK),
    ("artifact.tags_of", &["'[\"1\"]'", "100"]),
    ("artifact.parts_of", &["'[\"1\"]'", "100"]),
    ("blob.find", &["'d'"]),
    ("blob.find_linked", &["1", "'d'"]),
    ("blob.find_linked_by_name", &["'team/app'", "'d'"]),
    ("blob.find_to_tell", &["'team/app'", "'d'"]),
    ("blob.is_referenced", &["1", "'d'"]),
    ("blob.linked", &["1", "'[\"d\"]'"]),
    ("blob.linked_in", &["'d'", "32"]),
    ("charge.pin", &["1", "'[\"d\"]'"]),
    ("described_repository.find", &["'team/app'"]),
    ("described_repository.list", &["'%%'", "'a'", "'b'", "FALSE", "TRUE", "1", "'[]'", "NULL", "100", "0"]),
    ("described_repository.list_with_blob", &["'d'", "1", "100"]),
    ("holding.list", &["1", "1"]),
    ("immutable_rule.list_enabled", &["1"]),
    ("job.find", &["1"]),
    ("job.hold", &["1", "1"]),
    ("job.list_log", &["1", "0", "100"]),
    ("manifest.find", &["1", "'d'"]),
    ("manifest.pull_by_digest", &["'team/app'", "'d'"]),
    ("manifest.pull_by_tag", &["'team/app'", "'v1'"]),
    ("manifest.referrers", &["'team/app'", "'d'", "''", "100", "9"]),
    ("manifest.referrers_of_type", &["'team/app'", "'d'", "''", "100", "9", "'[\"t\"]'"]),
    ("project.find", &["'team'"]),
    ("project.list", &["'%%'", "NULL", "NULL", "FALSE", "TRUE", "NULL", "1", "100", "0", "'a'"]),
    ("refresh_token.find", &["X'00'", "1"]),
    ("repository.catalog", &["'a'", "100"]),
    ("repository.catalog_of_user", &["'a'", "100", "1", "'[\"t\"]'"]),
    ("repository.catalog_public", &["'a'", "100"]),
    ("repository.find", &["'team/app'"]),
    ("repository.list", &["1", "'a'", "100"]),
    ("tag.find", &["1", "'v1'"]),
    ("tag.history", &["1", "'v1'", "9", "100"]),
    ("tag.list", &["1", "'a'", "100"]),
    ("tag.list_by_digest", &["1", "'d'", "100"]),
    ("tag.list_rows", &["1", "'d'", "'%%'", "'a'", "100", "0"]),
    ("trust_rule.find_by_issuer", &["'https://ci.example.com'"]),
    ("trust_rule.list", &["1"]),
    ("upload.count_open", &["'alice'", "1"]),
    ("upload.find", &["'u'", "1"]),
    ("usage.standing", &["'team'", "'d'", "'quota_enforced'"]),
    ("user.find", &["1"]),
    ("user.find_by_name", &["'alice'"]),
];

/// What may read all that a repository has: its pages in an order of their own, and what looks at or deletes all of it.
const WHOLE: &[&str] = &[
    "artifact.count",
    "artifact.list_first_pulled",
    "artifact.list_largest",
    "artifact.list_last_pulled",
    "artifact.list_smallest",
    "charge.missing",
    "charge.of_links",
    "repository.create",
    "repository.delete",
    "repository.has_uploads",
];

async fn hot_statements_are_index_reads(database: Database) {
    let plans = database.transaction(|c| Box::pin(explain_all(c))).await.unwrap();
    for (statement, plan) in plans {
        let text = plan.join("\n");
        for bad in ["Seq Scan on", "SCAN ", "Sort", "USE TEMP B-TREE"] {
            let listed = text.lines().filter(|line| !is_short(line)).any(|line| line.contains(bad));
            assert!(!listed, "{statement} on {}:\n{text}", database.engine());
        }
    }
}

#[test]
fn no_statement_about_one_thing_reads_a_whole_repository() {
    run_on_sqlite(|database| async move {
        let read = write(&database, |c| Box::pin(whole_reads(c))).await;
        assert_eq!(read, WHOLE, "see 0014_statistics.sql");
    });
}

/// The statements that look for nothing but the repository in one of its tables.
async fn whole_reads(c: &mut Connection) -> Result<Vec<&'static str>> {
    let mut found = Vec::new();
    for statement in statements::all() {
        let arguments = vec!["'1'"; 40];
        let plan = explain(c, statement, &arguments).await?;
        if plan.iter().any(|line| line.ends_with(" (repository_id=?)")) {
            let name: &'static str = Box::leak(statement.to_string().into_boxed_str());
            found.push(name);
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[test]
fn the_planner_is_told_of_every_table_and_index() {
    run_on_sqlite(|database| async move {
        let untold = statement_of(UNTOLD.to_owned());
        let missing: Vec<String> = database.connect().await.unwrap().query(untold, &[]).await.unwrap();
        assert_eq!(
            missing, [""; 0],
            "its migration says what the planner is to think, see 0014_statistics.sql"
        );
    });
}

/// Tables and indexes of which SQLite's planner was told nothing.
const UNTOLD: &str = "SELECT COALESCE(i.name, m.name) AS value
    FROM sqlite_schema m LEFT JOIN pragma_index_list(m.name) i
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'schema_migration'
        AND NOT EXISTS (SELECT 1 FROM sqlite_stat1 s WHERE s.tbl = m.name
            AND (i.name IS NULL OR s.idx = i.name OR (s.idx = m.name AND i.origin = 'pk')))";

/// A list that came in as an argument is read from end to end, as it should be, and so is a page that a subquery found; a
/// lock sorts the few rows it holds.
fn is_short(line: &str) -> bool {
    ["json_each", "VIRTUAL TABLE", "SCAN CONSTANT ROW", "SCAN found", "SCAN page", "SCAN (subquery"]
        .iter()
        .any(|short| line.contains(short))
}

async fn explain_all(c: &mut Connection) -> Result<Vec<(&'static str, Vec<String>)>> {
    if c.engine() == Engine::Postgres {
        // The tables are empty, and reading all of an empty table is the best plan there is.
        c.batch(
            "plan",
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off",
        )
        .await?;
    }
    let all = statements::all();
    let mut plans = Vec::new();
    for (name, arguments) in HOT {
        let statement = all.iter().find(|statement| statement.to_string() == *name);
        let statement = statement.unwrap_or_else(|| panic!("no statement is called {name}"));
        plans.push((*name, explain(c, statement, arguments).await?));
    }
    Ok(plans)
}

async fn explain(c: &mut Connection, statement: &Statement, arguments: &[&str]) -> Result<Vec<String>> {
    let mut text = statement.text(c.engine()).to_owned();
    for (index, argument) in arguments.iter().enumerate().rev() {
        text = text.replace(&format!("${}", index + 1), argument);
    }
    match c.engine() {
        Engine::Sqlite => {
            let lines: Vec<SqliteLine> =
                c.query(statement_of(format!("EXPLAIN QUERY PLAN {text}")), &[]).await?;
            Ok(lines.into_iter().map(|line| line.0).collect())
        }
        Engine::Postgres => {
            let text = text.replace("X'00'", "'\\x00'");
            let lines: Vec<PostgresLine> = c.query(statement_of(format!("EXPLAIN {text}")), &[]).await?;
            Ok(lines.into_iter().map(|line| line.0).collect())
        }
    }
}

#[test]
fn plans_made_of_empty_tables_are_made_anew_when_they_have_grown() {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        grow(&database, 1, 1).await;
        raw(&database, "ANALYZE").await;
        let c = &mut database.connect().await.unwrap();
        c.batch("plan", "SET plan_cache_mode = force_generic_plan").await.unwrap();
        prepare_all(c).await.unwrap();
        pages_of_all(c).await.unwrap();
        grow(&database, 2, 5000).await;
        let stale = pages_of_all(c).await.unwrap();
        assert!(stale.iter().sum::<u64>() > 20_000, "what is to be mended is not there: {stale:?}");
        database.renew_plans().await.unwrap();
        let renewed = pages_of_all(c).await.unwrap();
        raw(&database, "ANALYZE").await;
        let best = pages_of_all(c).await.unwrap();
        for (index, (name, _)) in HOT.iter().enumerate() {
            let (renewed, best) = (renewed[index], best[index]);
            assert!(renewed <= 2 * best + 50, "{name} reads {renewed} pages, and {best} by a fresh plan");
        }
    });
}

async fn prepare_all(c: &mut Connection) -> Result<()> {
    let all = statements::all();
    for (index, (name, _)) in HOT.iter().enumerate() {
        let statement = all.iter().find(|statement| statement.to_string() == *name).unwrap();
        let text = statement.text(Engine::Postgres);
        c.batch("plan", &format!("PREPARE hot{index} AS {text}")).await?;
    }
    Ok(())
}

/// Runs all that was prepared; the pages that each of them read.
async fn pages_of_all(c: &mut Connection) -> Result<Vec<u64>> {
    let mut pages = Vec::new();
    for (index, (_, arguments)) in HOT.iter().enumerate() {
        pages.push(pages_of(c, index, arguments).await?);
    }
    Ok(pages)
}

async fn pages_of(c: &mut Connection, index: usize, arguments: &[&str]) -> Result<u64> {
    let arguments = arguments.join(", ").replace("X'00'", "'\\x00'");
    let text =
        format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) EXECUTE hot{index} ({arguments})");
    let lines: Vec<PostgresLine> = c.query(statement_of(text), &[]).await?;
    // Behind `Planning:` stand the pages of the catalogue, which depend on what the connection remembers of it.
    let run = lines.iter().map(|line| line.0.trim()).take_while(|line| *line != "Planning:");
    let buffers = run.filter_map(|line| line.strip_prefix("Buffers: shared ")).next().unwrap_or("");
    let read = buffers.split(' ').filter(|part| part.starts_with("hit=") || part.starts_with("read="));
    Ok(read.filter_map(|part| part.split_once('=')?.1.parse::<u64>().ok()).sum())
}

async fn grow(database: &Database, first: u32, last: u32) {
    let text = include_str!("plans.sql")
        .replace("NUMBER", "COALESCE(NULLIF(CAST(n AS TEXT), '1'), '')")
        .replace("FIRST", &first.to_string())
        .replace("LAST", &last.to_string());
    write(database, move |c| {
        let text = text.clone();
        Box::pin(async move { c.batch("grow", &text).await })
    })
    .await;
}

/// Statements are known by their address and live for ever; a test may leak a few.
fn statement_of(text: String) -> &'static Statement {
    let text: &'static str = Box::leak(text.into_boxed_str());
    Box::leak(Box::new(Statement::new("test", "explain", text, text)))
}

struct SqliteLine(String);

impl FromRow for SqliteLine {
    fn from_row(row: &mut Row) -> Result<SqliteLine> {
        for column in ["id", "parent", "notused"] {
            row.take::<i64>(column)?;
        }
        Ok(SqliteLine(row.take("detail")?))
    }
}

struct PostgresLine(String);

impl FromRow for PostgresLine {
    fn from_row(row: &mut Row) -> Result<PostgresLine> {
        Ok(PostgresLine(row.take("QUERY PLAN")?))
    }
}
