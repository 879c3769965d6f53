//! Whether this node can do its work: looked at all the time in the background, answered from memory.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hythe_registry::{Registry, clock};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::state::App;
use crate::telemetry::metrics::health as health_metrics;

/// How often each part is looked at. A look at the storage writes a small object, so it comes less often.
const DATABASE_EVERY: Duration = Duration::from_secs(2);
const STORAGE_EVERY: Duration = Duration::from_secs(15);
/// While something is wrong, it is looked at this often, to come back soon.
const TROUBLED_EVERY: Duration = Duration::from_secs(1);
/// A part that does not answer for this long is out of reach.
const PATIENCE: Duration = Duration::from_secs(5);

/// One part that the node stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: &'static str,
    /// What is wrong; nothing if all is well.
    trouble: Option<String>,
    /// Since when it is as it is, microseconds since the epoch.
    since: clock::Micros,
}

/// The state of all parts, for whoever asks.
#[derive(Clone)]
pub(crate) struct Health {
    database: watch::Receiver<Part>,
    storage: watch::Receiver<Part>,
}

impl Health {
    /// Looks once at both, then keeps looking until the returned tasks are dropped.
    pub(crate) fn watch(registry: &Arc<Registry>, tasks: &mut tokio::task::JoinSet<()>) -> Health {
        let (database_sender, database) = watch::channel(Part::well("database"));
        let (storage_sender, storage) = watch::channel(Part::well("storage"));
        let database_registry = registry.clone();
        tasks.spawn(keep_looking(database_sender, DATABASE_EVERY, move || {
            let registry = database_registry.clone();
            async move { registry.database().ping().await.map_err(|error| error.to_string()) }
        }));
        let storage_registry = registry.clone();
        tasks.spawn(keep_looking(storage_sender, STORAGE_EVERY, move || {
            let registry = storage_registry.clone();
            async move {
                let probe = registry.blob_store().probe().await.map_err(|error| error.to_string())?;
                health_metrics::set_room(probe.free_bytes, probe.total_bytes);
                Ok(())
            }
        }));
        Health { database, storage }
    }

    /// Every part, for the node's own row.
    pub(crate) fn report(&self) -> Vec<hythe_registry::nodes::Part> {
        self.parts().iter().map(Part::to_report).collect()
    }

    fn parts(&self) -> [Part; 2] {
        [self.database.borrow().clone(), self.storage.borrow().clone()]
    }
}

impl Part {
    fn well(name: &'static str) -> Part {
        Part { name, trouble: None, since: clock::now() }
    }

    fn to_report(&self) -> hythe_registry::nodes::Part {
        hythe_registry::nodes::Part {
            name: self.name.to_owned(),
            trouble: self.trouble.clone(),
            since: self.since,
        }
    }

    fn to_json(&self) -> Value {
        let since = jiff::Timestamp::from_microsecond(self.since).unwrap_or_default();
        match &self.trouble {
            None => json!({ "name": self.name, "status": "healthy", "since": since }),
            Some(trouble) => {
                json!({ "name": self.name, "status": "unhealthy", "since": since, "error": trouble })
            }
        }
    }
}

async fn keep_looking<F, Fut>(state: watch::Sender<Part>, every: Duration, look: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), String>>,
{
    loop {
        let looked = tokio::time::timeout(PATIENCE, look()).await;
        let trouble = match looked {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let pause = if trouble.is_some() { TROUBLED_EVERY } else { every };
        health_metrics::set_healthy(state.borrow().name, trouble.is_none());
        state.send_if_modified(|part| part.update(trouble));
        tokio::time::sleep(pause).await;
    }
}

impl Part {
    /// Takes in what was seen; true if something changed. Each change is one log line, not each look.
    fn update(&mut self, trouble: Option<String>) -> bool {
        if self.trouble.is_some() != trouble.is_some() {
            self.since = clock::now();
            match &trouble {
                Some(trouble) => {
                    tracing::error!(part = self.name, error = %trouble, "a part this node stands on is out of order")
                }
                None => tracing::info!(part = self.name, "a part this node stands on is well again"),
            }
        }
        let changed = self.trouble != trouble;
        self.trouble = trouble;
        changed
    }
}

/// `GET /livez`: the process answers; nothing else is asked.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: whether to send requests here; which part is out of order, and since when.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.leaving.is_cancelled() {
        return unavailable(json!({ "status": "leaving", "components": [] }));
    }
    answer(&app.health)
}

/// `GET /api/v2.0/health`, in Harbor's shape.
#[utoipa::path(
    get, path = "/health", tag = "health", operation_id = "getHealth",
    responses(
        (status = 200, description = "All is well", body = hythe_api::system::OverallHealthStatus),
        (status = 503, description = "A part is out of order", body = hythe_api::system::OverallHealthStatus),
    )
)]
pub(crate) async fn components(State(app): State<Arc<App>>) -> Response {
    answer(&app.health)
}

fn answer(health: &Health) -> Response {
    let parts = health.parts();
    let well = parts.iter().all(|part| part.trouble.is_none());
    let status = if well { "healthy" } else { "unhealthy" };
    let components: Vec<Value> = parts.iter().map(Part::to_json).collect();
    let body = json!({ "status": status, "components": components });
    if well { Json(body).into_response() } else { unavailable(body) }
}

fn unavailable(body: Value) -> Response {
    let retry = [(header::RETRY_AFTER, HeaderValue::from_static("5"))];
    (StatusCode::SERVICE_UNAVAILABLE, retry, Json(body)).into_response()
}
