//! The text that Prometheus reads.

use std::sync::LazyLock;
use std::time::Duration;

use http::Method;

use super::{Direction, Finished, Metrics, Transfer, record};

/// The recorder is the process's, and so are these tests' numbers: each has a route of its own.
static METRICS: LazyLock<(tokio::runtime::Runtime, Metrics)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let metrics = Metrics::install(runtime.handle()).unwrap();
    (runtime, metrics)
});

fn finished(route: &'static str, method: &Method, status: u16) {
    let duration = Duration::from_millis(3);
    record(&Finished { route, method, status, duration, received: 5, sent: 1_000 });
}

fn lines(containing: &str) -> Vec<String> {
    METRICS.1.render().lines().filter(|line| line.contains(containing)).map(str::to_owned).collect()
}

#[test]
fn requests_are_counted_by_route_method_and_status() {
    LazyLock::force(&METRICS);
    (0..3).for_each(|_| finished("counted", &Method::GET, 200));
    finished("counted", &Method::from_bytes(b"BREW").unwrap(), 405);
    let found = lines("counted");
    for wanted in [
        "hythe_requests_total{route=\"counted\",method=\"GET\",status=\"200\"} 3",
        "hythe_requests_total{route=\"counted\",method=\"OTHER\",status=\"405\"} 1",
        "hythe_received_bytes_total{route=\"counted\"} 20",
        "hythe_sent_bytes_total{route=\"counted\"} 4000",
        "hythe_request_seconds_bucket{route=\"counted\",method=\"GET\",status=\"200\",le=\"0.0025\"} 0",
        "hythe_request_seconds_bucket{route=\"counted\",method=\"GET\",status=\"200\",le=\"0.005\"} 3",
        "hythe_request_seconds_count{route=\"counted\",method=\"GET\",status=\"200\"} 3",
    ] {
        assert!(found.iter().any(|line| line == wanted), "{wanted} in {found:#?}");
    }
}

#[test]
fn threads_count_together() {
    LazyLock::force(&METRICS);
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| finished("together", &Method::PUT, 201))));
    });
    assert!(
        lines("together")
            .contains(&"hythe_requests_total{route=\"together\",method=\"PUT\",status=\"201\"} 4".into())
    );
}

#[test]
fn transfers_are_counted_while_they_last() {
    LazyLock::force(&METRICS);
    let transfer = Transfer::begin(Direction::In);
    assert_eq!(lines("hythe_transfers{direction=\"in\"}"), ["hythe_transfers{direction=\"in\"} 1"]);
    drop(transfer);
    assert_eq!(lines("hythe_transfers{direction=\"in\"}"), ["hythe_transfers{direction=\"in\"} 0"]);
}

#[test]
fn latencies_of_other_crates_get_buckets_of_their_size() {
    LazyLock::force(&METRICS);
    ::metrics::histogram!("hythe_database_seconds", "statement" => "pull").record(0.000_02);
    let found = lines("hythe_database_seconds_bucket");
    assert!(
        found.contains(&"hythe_database_seconds_bucket{statement=\"pull\",le=\"0.00001\"} 0".into()),
        "{found:?}"
    );
    assert!(
        found.contains(&"hythe_database_seconds_bucket{statement=\"pull\",le=\"0.000025\"} 1".into()),
        "{found:?}"
    );
}

#[test]
fn the_process_and_what_runs_are_told() {
    LazyLock::force(&METRICS);
    super::set_build_info("1.2.3", "abcdef");
    let number = |name: &str| -> f64 {
        let found = lines(&format!("{name} "));
        found.iter().find(|line| line.starts_with(name)).unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    assert!((1e6..1e10).contains(&number("process_resident_memory_bytes")));
    assert!((0.0..1e5).contains(&number("process_cpu_seconds_total")));
    assert!(number("process_open_fds") >= 3.0 && number("process_open_fds") < number("process_max_fds"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((0.0..3_600.0).contains(&(now - number("process_start_time_seconds"))));
    assert_eq!(number("hythe_runtime_workers"), 1.0);
    assert_eq!(lines("hythe_build_info{"), ["hythe_build_info{version=\"1.2.3\",commit=\"abcdef\"} 1"]);
}
