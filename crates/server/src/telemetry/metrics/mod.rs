//! Numbers for Prometheus: what `GET /metrics` answers.
//!
//! Labels are routes, methods, statuses and directions. Never a repository, a user or an address:
//! their number has no bound.

pub(crate) mod health;
mod process;
mod requests;

pub(super) use requests::{Direction, Finished, Transfer, intern, record};

use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::runtime::Handle;

use super::Error;

/// Half a millisecond to ten minutes: a manifest and a large blob through a slow line.
const REQUEST_SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0,
];
/// Ten microseconds to ten seconds: a page in memory and a disk in trouble.
const STORE_SECONDS: &[f64] =
    &[0.00001, 0.000025, 0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];
/// The exporter keeps every sample until it is asked for; nobody may ever ask.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process and its text.
#[derive(Debug, Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    runtime: Handle,
}

impl Metrics {
    /// Makes this the recorder behind the `metrics` facade, once a process.
    pub(super) fn install(runtime: &Handle) -> Result<Metrics, Error> {
        let recorder = builder()
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|_: BuildError| Error::MetricsTwice)?;
        describe();
        let kept = recorder.clone();
        runtime.spawn(async move {
            let mut pace = tokio::time::interval(UPKEEP);
            loop {
                pace.tick().await;
                kept.run_upkeep();
            }
        });
        Ok(Metrics { recorder, runtime: runtime.clone() })
    }

    /// The text that Prometheus reads, version 0.0.4.
    pub fn render(&self) -> String {
        self.set_runtime();
        let mut text = self.recorder.render();
        process::render(&mut text);
        text
    }

    fn set_runtime(&self) {
        let metrics = self.runtime.metrics();
        let busy: Duration =
            (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum();
        ::metrics::gauge!("hythe_runtime_workers").set(metrics.num_workers() as f64);
        ::metrics::gauge!("hythe_runtime_tasks").set(metrics.num_alive_tasks() as f64);
        ::metrics::gauge!("hythe_runtime_queue").set(metrics.global_queue_depth() as f64);
        ::metrics::gauge!("hythe_runtime_blocking_threads").set(metrics.num_blocking_threads() as f64);
        ::metrics::gauge!("hythe_runtime_blocking_queue").set(metrics.blocking_queue_depth() as f64);
        ::metrics::gauge!("hythe_runtime_busy_seconds").set(busy.as_secs_f64());
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(STORE_SECONDS)?
        .set_buckets_for_metric(Matcher::Full(requests::SECONDS.to_owned()), REQUEST_SECONDS)
}

fn describe() {
    use ::metrics::{describe_gauge, describe_histogram};
    requests::describe();
    health::describe();
    describe_histogram!("hythe_database_seconds", "Time of one statement or transaction.");
    describe_histogram!("hythe_storage_seconds", "Time of one storage operation.");
    describe_gauge!("hythe_build_info", "Always 1; the labels say what runs.");
    describe_gauge!("hythe_runtime_workers", "Threads that poll tasks.");
    describe_gauge!("hythe_runtime_tasks", "Tasks alive.");
    describe_gauge!("hythe_runtime_queue", "Tasks that wait for any worker.");
    describe_gauge!("hythe_runtime_blocking_threads", "Threads for blocking calls, idle ones too.");
    describe_gauge!("hythe_runtime_blocking_queue", "Blocking calls that wait for a thread.");
    describe_gauge!("hythe_runtime_busy_seconds", "Time the workers have spent polling, all together.");
}

/// Says what runs. The binary knows its own commit.
pub fn set_build_info(version: &'static str, commit: &'static str) {
    ::metrics::gauge!("hythe_build_info", "version" => version, "commit" => commit).set(1.0);
}

#[cfg(test)]
mod tests;
