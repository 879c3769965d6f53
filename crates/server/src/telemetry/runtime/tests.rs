//! The runtime, watched from outside.

use std::panic::Location;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::schedule::{Line, Sample, Trace, TraceError};
use super::{Options, build};
use crate::telemetry::logs::testing;
use crate::telemetry::{RequestContext, RequestLayer};

fn options() -> Options {
    Options { workers: Some(2), watchdog: Duration::from_millis(100), ..Options::default() }
}

/// Tests that log from threads of the runtime need the process's own subscriber, so they share it.
mod global {
    use std::sync::OnceLock;

    use crate::telemetry::logs::{Guard, testing};

    static LOGS: OnceLock<(Guard, testing::Page)> = OnceLock::new();

    pub(super) fn page() -> &'static testing::Page {
        let (_, page) = LOGS.get_or_init(|| {
            let (subscriber, guard, page) = testing::subscriber("info");
            tracing::subscriber::set_global_default(subscriber).unwrap();
            (guard, page)
        });
        page
    }
}

/// The lines of the watchdog about what was spawned here, once there are so many.
fn watchdog_lines(about: &str, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let mut lines = global::page().json();
        lines.retain(|line| {
            line["target"] == "hythe::watchdog" && line["message"].as_str().unwrap().contains(about)
        });
        if lines.len() >= count {
            return lines;
        }
        assert!(Instant::now() < until, "{lines:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn here() -> String {
    let location = Location::caller();
    format!("{}:{}", location.file(), location.line())
}

#[test]
fn a_task_that_blocks_is_named_while_it_does_and_when_it_ends() {
    global::page();
    let runtime = build(&options()).unwrap();
    let (place, task) = (here(), runtime.spawn(async { thread::sleep(Duration::from_millis(300)) }));
    let place = &format!("{place} ");
    let first = watchdog_lines(place, 1);
    assert!(first[0]["message"].as_str().unwrap().contains("still does"), "{first:?}");
    runtime.block_on(task).unwrap();
    let both = watchdog_lines(place, 2);
    let held: Vec<u64> = both.iter().map(|line| line["held_ms"].as_u64().unwrap()).collect();
    assert!((90..300).contains(&held[0]), "{held:?}");
    assert!((290..2_000).contains(&held[1]), "{held:?}");
    assert!(both[1]["message"].as_str().unwrap().contains("back after"));
}

#[test]
fn the_request_in_the_task_is_named() {
    global::page();
    let runtime = build(&options()).unwrap();
    let handler = service_fn(async |request: http::Request<axum::body::Body>| {
        request.extensions().get::<RequestContext>().unwrap().set_route("push_manifest");
        tokio::task::yield_now().await;
        thread::sleep(Duration::from_millis(250));
        Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()))
    });
    let service = RequestLayer::new(|_| None).layer(handler);
    let request =
        http::Request::get("/").header("x-request-id", "slow-1").body(axum::body::Body::empty()).unwrap();
    runtime.block_on(runtime.spawn(service.oneshot(request))).unwrap().unwrap();
    for line in watchdog_lines("in request push_manifest slow-1", 2) {
        assert_eq!((&line["route"], &line["request_id"]), (&"push_manifest".into(), &"slow-1".into()));
    }
}

#[test]
fn tasks_that_yield_are_left_alone() {
    global::page();
    let runtime = build(&Options { watchdog: Duration::from_millis(300), ..options() }).unwrap();
    let place = format!("{} ", here());
    runtime
        .block_on(runtime.spawn(async {
            for _ in 0..50 {
                thread::sleep(Duration::from_millis(10));
                tokio::task::yield_now().await;
            }
        }))
        .unwrap();
    assert!(watchdog_lines(&place, 0).is_empty());
}

#[test]
fn a_schedule_line_has_sane_numbers() {
    let options = Options { trace: "sched=1000".parse().unwrap(), ..options() };
    let workers = std::sync::Arc::default();
    let runtime = super::build_with(&options, &workers).unwrap();
    let metrics = runtime.metrics();
    let started = Instant::now();
    let before = Sample::take(&metrics, &workers);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            runtime.spawn(async {
                for _ in 0..10 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    std::hint::black_box((0..10_000).sum::<u64>());
                }
            })
        })
        .collect();
    let (let_go, told) = std::sync::mpsc::channel::<()>();
    let held = runtime.spawn_blocking(move || told.recv().is_err());
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    let after = Sample::take(&metrics, &workers);
    let line = Line { age: started.elapsed(), before: &before, after: &after, longest: None }.to_string();
    drop(let_go);
    runtime.block_on(held).unwrap();
    let said = |name: &str| -> f64 {
        let rest = line.split_once(&format!(" {name}=")).unwrap().1;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        rest[..end].parse().unwrap()
    };
    assert!(line.starts_with("SCHED ") && line.contains(" [0 0] "), "{line}");
    assert_eq!((said("workers"), said("queue")), (2.0, 0.0), "{line}");
    // Told in whole tasks a second, of a little less time than this.
    let seconds = started.elapsed().as_secs_f64();
    assert!((said("spawned/s") + 0.5) * seconds >= 10.0, "{line}");
    assert!(said("polls/s") > said("spawned/s"), "{line}");
    assert!((0.0..=100.0).contains(&said("busy")), "{line}");
    assert!(line.contains("blocking=1/1 (queue 0)"), "{line}");
}

#[test]
fn the_longest_poll_is_told_once_and_one_under_way_too() {
    let options = Options { trace: "sched=60000".parse().unwrap(), watchdog: Duration::ZERO, ..options() };
    let workers = std::sync::Arc::default();
    let runtime = super::build_with(&options, &workers).unwrap();
    let (place, task) = (here(), runtime.spawn(async { thread::sleep(Duration::from_millis(50)) }));
    thread::sleep(Duration::from_millis(25));
    let (_, going, told) = super::schedule::longest(&workers).unwrap();
    assert!(going && told.to_string().ends_with(&place), "{told}");
    runtime.block_on(task).unwrap();
    let (took, going, told) = super::schedule::longest(&workers).unwrap();
    assert!(!going && told.to_string().ends_with(&place), "{told}");
    assert!((50..30_000).contains(&took.as_millis()), "{took:?}");
    assert!(super::schedule::longest(&workers).is_none());
}

#[test]
fn a_worker_is_busy_while_a_poll_goes_on() {
    let options = Options { trace: "sched=60000".parse().unwrap(), watchdog: Duration::ZERO, ..options() };
    let workers = std::sync::Arc::default();
    let runtime = super::build_with(&options, &workers).unwrap();
    let (let_go, told) = std::sync::mpsc::channel::<()>();
    let task = runtime.spawn(async move { told.recv().is_err() });
    thread::sleep(Duration::from_millis(50));
    let before = Sample::take(&runtime.metrics(), &workers);
    thread::sleep(Duration::from_millis(100));
    let after = Sample::take(&runtime.metrics(), &workers);
    let line = Line { age: Duration::ZERO, before: &before, after: &after, longest: None }.to_string();
    let busy = line.split_once("busy=").and_then(|(_, rest)| rest.split_once('%')).unwrap().0;
    assert!((40.0..=60.0).contains(&busy.parse::<f64>().unwrap()), "one of two workers: {line}");
    drop(let_go);
    runtime.block_on(task).unwrap();
}

#[test]
fn a_runtime_ends_with_its_monitors() {
    let options = Options { trace: "sched=60000".parse().unwrap(), ..options() };
    let runtime = build(&options).unwrap();
    let started = Instant::now();
    runtime.shutdown_timeout(Duration::from_secs(30));
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_trace_is_read_strictly() {
    let read = |text: &str| text.parse::<Trace>();
    assert_eq!(read(""), Ok(Trace::default()));
    assert_eq!(read("sched=1000").unwrap().schedule, Some(Duration::from_secs(1)));
    assert_eq!(read("gc=1"), Err(TraceError::Unknown("gc=1".to_owned())));
    for wrong in ["sched=", "sched=1s", "sched=0", "sched=-1"] {
        assert_eq!(read(wrong), Err(TraceError::Period(wrong["sched=".len()..].to_owned())));
    }
}

#[test]
fn requests_outside_a_watched_runtime_are_served_all_the_same() {
    let (subscriber, _logs, _) = testing::subscriber("info");
    let _default = tracing::subscriber::set_default(subscriber);
    super::now_polling(&RequestContext::new(&http::Request::new(()), None));
}
