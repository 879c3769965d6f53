//! The logs, read as an operator and as a machine would.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::subscriber::with_default;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::render::Render;
use super::repeat::{FREE, Repeats, Verdict};
use super::testing::{Page, options};
use super::{Filter, Guard, layer_to};

/// What a piece of code logs, after the guard has gone.
fn logged(render: Render, filter: &str, code: impl FnOnce()) -> Page {
    let page = Page::default();
    let (layer, guard) = layer_to(render, Box::new(page.clone())).unwrap();
    let layer = layer.with_filter(Filter::parse(filter).unwrap().targets());
    with_default(tracing_subscriber::registry().with(layer), code);
    guard.shutdown();
    page
}

#[test]
fn json_lines_are_flat_and_carry_the_span() {
    let page = logged(Render::json(&options()), "info", || {
        let span = tracing::error_span!("request", request_id = "r-1", route = tracing::field::Empty);
        let _inside = span.enter();
        span.record("route", "pull_manifest");
        tracing::warn!(size_bytes = 12, ok = true, ratio = 0.5, request_id = "r-2", "disk \"a\" is full");
    });
    let line = &page.json()[0];
    assert_eq!(line["message"], "disk \"a\" is full");
    assert_eq!((&line["level"], &line["node"]), (&Value::from("WARN"), &Value::from("node-1")));
    assert_eq!(line["target"], module_path!());
    assert_eq!((&line["size_bytes"], &line["ok"], &line["ratio"]), (&12.into(), &true.into(), &0.5.into()));
    assert_eq!(line["route"], "pull_manifest");
    assert_eq!(line["request_id"], "r-2", "the event's own word goes before the span's");
    assert_eq!(page.text().matches("request_id").count(), 1);
    let timestamp = line["timestamp"].as_str().unwrap();
    assert_eq!((timestamp.len(), timestamp.ends_with('Z')), ("2026-11-21T01:26:24.123456Z".len(), true));
    timestamp.parse::<jiff::Timestamp>().unwrap();
}

#[test]
fn a_field_cannot_pose_as_the_line() {
    let page = logged(Render::json(&options()), "info", || tracing::info!(level = "x", node = "y", "hello"));
    let line = &page.json()[0];
    assert_eq!((&line["level"], &line["node"]), (&Value::from("INFO"), &Value::from("node-1")));
    assert_eq!((&line["field_level"], &line["field_node"]), (&Value::from("x"), &Value::from("y")));
}

#[test]
fn text_reads_alone_and_names_the_node_where_lines_may_mix() {
    let page = logged(Render::text(&options(), false), "info", || {
        tracing::info!(address = "0.0.0.0:5000", who = "a b", "listening\x1b[2J");
    });
    let text = page.text();
    let (time, rest) = text.split_at("2026-11-21 01:26:24.123".len());
    jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S%.f", time).unwrap();
    assert_eq!(
        rest, "  INFO listening\\u{1b}[2J  address=0.0.0.0:5000  who=\"a b\"  node=node-1\n",
        "a client's bytes must not reach the terminal"
    );
}

#[test]
fn a_terminal_gets_colours_and_no_node() {
    let page = logged(Render::text(&options(), true), "info", || tracing::error!("gone"));
    let text = page.text();
    assert!(text.contains("\x1b[1;31mERROR\x1b[0m gone") && !text.contains("node"), "{text:?}");
}

#[test]
fn an_error_is_told_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot open blob")]
    struct Outer(#[source] io::Error);
    let page = logged(Render::json(&options()), "info", || {
        let error = Outer(io::Error::other("disk is gone"));
        tracing::error!(error = &error as &dyn std::error::Error, "pull failed");
    });
    assert_eq!(page.json()[0]["error"], "cannot open blob: disk is gone");
}

#[test]
fn levels_by_module_hold() {
    let page = logged(Render::json(&options()), "warn,quiet=off,chatty=debug", || {
        tracing::info!("not this");
        tracing::error!(target: "quiet::inner", "nor this");
        tracing::debug!(target: "chatty", "but this");
    });
    assert_eq!(page.json().len(), 1);
    assert_eq!(page.json()[0]["message"], "but this");
}

#[test]
fn a_wrong_filter_names_the_wrong_part() {
    let refused = |filter: &str| Filter::parse(filter).unwrap_err().to_string();
    assert_eq!(
        refused("info,hythe_registry=debgu"),
        "log filter \"info,hythe_registry=debgu\": \"hythe_registry=debgu\" is not a level \
         (off, error, warn, info, debug, trace) or module=level"
    );
    assert!(refused("inof").contains("\"inof\" is not a level"));
    assert!(refused("info,=debug").contains("does not name a module"));
    assert!(refused("info,[span]=debug").contains("does not name a module"));
    assert_eq!(Filter::parse(""), Filter::parse("info"));
    assert_eq!(Filter::parse(" INFO , a=Warn"), Filter::parse("a=warn,info"));
}

#[test]
fn equal_errors_are_folded_and_the_rest_is_said_at_the_end() {
    let page = logged(Render::json(&options()), "info", || {
        for attempt in 0..1_254 {
            tracing::error!(attempt, "cannot write /data: no space left, {attempt} tries");
        }
        tracing::error!("something else");
    });
    let lines = page.json();
    assert_eq!(lines.len(), FREE as usize + 2);
    let last = lines.last().unwrap();
    assert_eq!(last["message"], "cannot write /data: no space left, 20 tries … repeated 1,234 times in 1 s");
    assert_eq!((&last["repeated"], &last["level"]), (&1_234.into(), &Value::from("ERROR")));
}

#[test]
fn facts_with_different_fields_are_not_folded() {
    let page = logged(Render::json(&options()), "info", || {
        (0..100).for_each(|number| tracing::info!(project = number, "project created"));
    });
    assert_eq!(page.json().len(), 100);
}

/// The fault of the field report: 49,428 lines in nine days, one in 16 seconds.
#[test]
fn a_slow_fault_of_nine_days_leaves_some_hundred_lines() {
    let (repeats, callsite, start) = (Repeats::default(), callsite(), Instant::now());
    let line = error_line();
    let mut written = 0;
    let mut told = 0;
    for step in 0..49_428 {
        let now = start + Duration::from_secs(16) * step;
        written += u32::from(repeats.judge(&callsite, &line, now) == Verdict::Write);
        for summary in repeats.due(now).lines {
            written += 1;
            told += repeated(&summary);
        }
    }
    told += repeats.all().iter().map(repeated).sum::<u64>();
    assert!((1_000..2_000).contains(&written), "{written} lines");
    assert_eq!(told + u64::from(FREE), 49_428, "none is lost from the count");
}

#[test]
fn summaries_come_at_growing_pauses_and_end_with_the_fault() {
    let (repeats, callsite, start) = (Repeats::default(), callsite(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    let written =
        (0..25).filter(|_| repeats.judge(&callsite, &error_line(), start) == Verdict::Write).count();
    assert_eq!(written, FREE as usize);
    assert!(repeats.due(at(9)).lines.is_empty());
    assert_eq!(repeats.due(at(10)).lines.len(), 1);
    repeats.judge(&callsite, &error_line(), at(11));
    assert!(repeats.due(at(29)).lines.is_empty());
    assert_eq!(repeats.due(at(30)).lines.len(), 1);
    assert!(repeats.due(at(300)).folding);
    assert!(!repeats.due(at(700)).folding, "ten quiet minutes end it");
    assert_eq!(repeats.judge(&callsite, &error_line(), at(701)), Verdict::Write);
}

fn repeated(line: &super::line::Line) -> u64 {
    match line.fields.0.as_slice() {
        [("repeated", super::line::Value::Unsigned(count))] => *count,
        other => panic!("{other:?}"),
    }
}

fn error_line() -> super::line::Line {
    super::line::Line {
        level: tracing::Level::ERROR,
        target: "test",
        message: "disk is full".to_owned(),
        fields: Default::default(),
    }
}

fn callsite() -> tracing::callsite::Identifier {
    let span =
        tracing::subscriber::with_default(tracing_subscriber::registry(), || tracing::error_span!("any"));
    span.metadata().unwrap().callsite()
}

/// Stops at its first byte until it is let go.
struct Stuck(Arc<Mutex<()>>, Page);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(self.0.lock().unwrap());
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_does_not_read_stops_nobody_and_is_told_what_it_missed() {
    let (door, page) = (Arc::new(Mutex::new(())), Page::default());
    let (layer, guard): (_, Guard) =
        layer_to(Render::json(&options()), Box::new(Stuck(Arc::clone(&door), page.clone()))).unwrap();
    let shut = door.lock().unwrap();
    let long = "x".repeat(64 * 1024);
    let started = Instant::now();
    with_default(tracing_subscriber::registry().with(layer), || {
        (0..200).for_each(|number| tracing::info!(number, long, "a long line"));
    });
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(shut);
    guard.shutdown();
    let lines = page.json();
    let told = lines.iter().find_map(|line| {
        line["message"]
            .as_str()
            .unwrap()
            .strip_suffix(" log lines were dropped: nobody reads standard output")
    });
    let dropped: usize = told.unwrap().parse().unwrap();
    assert_eq!(lines.len() - 1 + dropped, 200);
}

#[test]
fn lines_after_the_end_are_written_all_the_same() {
    let page = Page::default();
    let (layer, guard) = layer_to(Render::json(&options()), Box::new(page.clone())).unwrap();
    with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!("before");
        guard.shutdown();
        tracing::info!("after");
    });
    assert_eq!(page.json().len(), 2);
}
