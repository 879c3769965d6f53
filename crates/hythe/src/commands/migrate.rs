//! `hythe migrate`: brings the database to this version's schema, or says what that would take.

use hythe_metadata::Step;
use serde::Serialize;

use crate::config::Inputs;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::stores::{self, Beside};

pub(crate) async fn run(plan: bool, format: Format, inputs: &Inputs) -> Result<(), Failure> {
    let (config, _) = stores::load_config(inputs)?;
    let url = &config.database.url;
    if stores::is_absent(url)? {
        // To open it would make it: a plan changes nothing, and a migration at the wrong place would seem to be done.
        return Err(Failure::new(format!("there is no database at {url}"))
            .hint("`hythe serve` makes it, or name another by --data or --config"));
    }
    let database = stores::open_database(&config, Beside::AServer)?;
    let answer = if plan {
        database.plan().await.map(|plan| Answer::new(url, plan.from, &plan.steps, false))
    } else {
        database.migrate().await.map(|done| Answer::new(url, done.from, &done.steps, true))
    };
    print(&answer.map_err(|error| Failure::new(error.to_string()))?, format);
    Ok(())
}

/// What was done, or would be.
#[derive(Serialize)]
struct Answer {
    database: String,
    from: i64,
    to: i64,
    applied: bool,
    steps: Vec<AnswerStep>,
}

#[derive(Serialize)]
struct AnswerStep {
    version: i64,
    name: &'static str,
    serves_from: i64,
    sql: &'static str,
}

impl Answer {
    fn new(database: &impl ToString, from: i64, steps: &[Step], applied: bool) -> Self {
        let to = steps.last().map_or(from, |step| step.version);
        let steps = steps.iter().map(|step| AnswerStep {
            version: step.version,
            name: step.name,
            serves_from: step.serves_from,
            sql: step.sql,
        });
        Self { database: database.to_string(), from, to, applied, steps: steps.collect() }
    }
}

fn print(answer: &Answer, format: Format) {
    match format {
        Format::Json => output::print_json(answer),
        Format::Text => output::print(&in_words(answer)),
    }
}

fn in_words(answer: &Answer) -> String {
    let Answer { database, from, to, applied, steps } = answer;
    if steps.is_empty() {
        return format!("{database} has schema {from}, which is this version's; there is nothing to do.\n");
    }
    let mut text = match applied {
        true => format!("{database} went from schema {from} to {to}:\n"),
        false => format!("{database} would go from schema {from} to {to}:\n"),
    };
    for step in steps {
        text.push_str(&if *applied { format!("  {}\n", step.name) } else { planned(step) });
    }
    if !applied {
        text.push_str("\n`hythe migrate` does it, all of it or nothing.");
        text.push_str(meanwhile(*from, steps));
        text.push('\n');
    }
    text
}

/// The statements are what an administrator decides on, so a plan shows them; afterwards the names will do.
fn planned(step: &AnswerStep) -> String {
    let lines: String = step.sql.lines().map(|line| format!("    {line}\n")).collect();
    format!("\n  {}\n{lines}", step.name)
}

/// What becomes of the nodes that serve the database now.
fn meanwhile(from: i64, steps: &[AnswerStep]) -> &'static str {
    match from {
        0 => "",
        _ if steps.iter().all(|step| step.serves_from <= from) => " Nodes may go on serving meanwhile.",
        _ => " Stop the nodes first: what they run cannot serve the schema that it makes.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Step =
        Step { version: 1, name: "0001_foundation", serves_from: 1, sql: "CREATE TABLE a (b BIGINT);" };

    #[test]
    fn a_plan_shows_its_statements_and_a_migration_its_steps() {
        let plan = in_words(&Answer::new(&"sqlite:///a.db", 0, &[STEP], false));
        assert_eq!(
            plan,
            "sqlite:///a.db would go from schema 0 to 1:\n\n  0001_foundation\n    CREATE TABLE a (b BIGINT);\n\n\
             `hythe migrate` does it, all of it or nothing.\n"
        );
        let two = [STEP, Step { version: 2, name: "0002_tags", ..STEP }];
        let done = in_words(&Answer::new(&"sqlite:///a.db", 0, &two, true));
        assert_eq!(done, "sqlite:///a.db went from schema 0 to 2:\n  0001_foundation\n  0002_tags\n");
        let upgrade = |serves_from| {
            let step = Step { version: 2, serves_from, ..STEP };
            in_words(&Answer::new(&"sqlite:///a.db", 1, &[step], false))
        };
        assert!(upgrade(1).ends_with("or nothing. Nodes may go on serving meanwhile.\n"), "{}", upgrade(1));
        assert!(upgrade(2).contains(" Stop the nodes first: "), "{}", upgrade(2));
        let nothing = in_words(&Answer::new(&"sqlite:///a.db", 1, &[], true));
        assert_eq!(
            nothing,
            "sqlite:///a.db has schema 1, which is this version's; there is nothing to do.\n"
        );
    }
}
