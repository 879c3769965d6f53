//! The composition root: opens, joins and returns. Rules and handlers live elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::StatusCode;
use hythe_oci::error_code::ErrorCode;
use hythe_registry::Registry;
use hythe_registry::nodes::Identity;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::answer::Failure;
use crate::health::{self, Health};
use crate::listener::{ConnectionInfo, Drained, Listener, Tls};
use crate::options::Options;
use crate::state::App;
use crate::telemetry::load;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::request::RequestLayer;
use crate::{answer, console, host, listener, oidc, presence, protocol, rest, sign_in, token, unread};

/// What was received of pushes that the end has cut off may take this long to be written down.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// All that a node needs to serve.
pub struct Node {
    /// What the product does.
    pub registry: Arc<Registry>,
    /// The port.
    pub listener: Listener,
    /// The certificate.
    pub tls: Tls,
    /// Limits and timeouts of connections.
    pub connections: listener::Options,
    /// The HTTP side.
    pub options: Options,
    /// What `/metrics` prints; nothing without it.
    pub metrics: Option<Metrics>,
    /// What `hythe nodes` calls it.
    pub identity: Identity,
}

impl Node {
    /// Serves until `shutdown`, then lets running transfers end; `stop_now` ends them too.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send,
        stop_now: impl Future<Output = ()> + Send,
    ) -> Drained {
        let mut background = JoinSet::new();
        let health = Health::watch(&self.registry, &mut background);
        self.registry.measure_load_by(load::measure);
        background.spawn(presence::keep_showing(self.registry.clone(), self.identity, health.clone()));
        background.spawn(follow_configuration(self.registry.clone()));
        background.spawn(follow_revocations(self.registry.clone()));
        background.spawn(write_uses(self.registry.clone()));
        background.spawn(write_pulls(self.registry.clone()));
        background.spawn(seal_audit(self.registry.clone()));
        background.spawn(forward_audit(self.registry.clone()));
        background.spawn(self.registry.clone().run_jobs());
        background.spawn(gather_news(self.registry.clone()));
        background.spawn(write_journal(self.registry.clone()));
        background.spawn(renew_plans(self.registry.clone()));
        background.spawn(clean_regularly(self.registry.clone(), self.options.janitor_interval));
        let registry = self.registry.clone();
        let going = registry.clone();
        let (leaving, ending) = (CancellationToken::new(), CancellationToken::new());
        let notice = self.options.notice;
        let app = Arc::new(App {
            registry: self.registry,
            options: self.options,
            health,
            leaving: leaving.clone(),
            ending: ending.clone(),
            metrics: self.metrics,
        });
        let shutdown = async {
            shutdown.await;
            leaving.cancel();
            going.leave_jobs();
            // A request on a connection that is closed in the same moment would fail: its sender has to know before.
            tokio::time::sleep(notice).await;
            ending.cancel();
        };
        let drained = listener::serve(
            self.listener,
            service(app),
            self.connections,
            Some(self.tls),
            shutdown,
            stop_now,
        )
        .await;
        background.shutdown().await;
        if tokio::time::timeout(LAST_WORDS, registry.finish_uploads()).await.is_err() {
            tracing::warn!(
                "uploads are still being written to; they can be gone on with once their leases have run out"
            );
        }
        write_rest(&registry).await;
        if let Err(error) = registry.release_jobs().await {
            tracing::warn!(%error, "jobs could not be given back; other nodes take them once their leases have run out");
        }
        presence::leave(&registry).await;
        drained
    }
}

/// The routes, and what has to be done before one is chosen and after the router is done with the answer.
fn service(app: Arc<App>) -> impl listener::Handler {
    router(app).map_request(rest::clean_path).map_response(answer::without_needless_length)
}

/// Every route of the product.
fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v2", any(protocol::handle))
        .route("/v2/", any(protocol::handle))
        .route("/v2/{*path}", any(protocol::handle))
        .route("/service/token", get(token::get).post(token::post))
        .route("/service/token/keys", get(token::keys))
        .route("/c/login", post(sign_in::login).layer(from_fn(console::without_prompt)))
        .route("/c/log_out", get(sign_in::log_out))
        .route("/c/oidc/login", get(oidc::login))
        .route("/c/oidc/callback", get(oidc::callback))
        .route("/c/oidc/onboard", post(oidc::onboard))
        .nest("/api/v2.0", rest::routes().layer(from_fn(console::without_prompt)))
        .route("/assets/{*path}", get(console::asset))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/health", get(health::ready))
        .route("/metrics", get(metrics))
        .fallback(page_or_nothing)
        .method_not_allowed_fallback(not_that_way)
        .layer(from_fn(host::has_one))
        .layer(from_fn(unread::read_away))
        .layer(RequestLayer::new(peer).after_panic(after_panic))
        .with_state(app)
}

fn peer(extensions: &http::Extensions) -> Option<SocketAddr> {
    extensions.get::<ConnectionInfo>().map(|connection| connection.peer)
}

fn after_panic() -> Response {
    Failure::new(
        ErrorCode::Unknown,
        "a fault inside the server ended this request; its operator finds the fault in the log by the X-Request-Id",
    )
    .into_response()
}

async fn metrics(State(app): State<Arc<App>>) -> Response {
    match &app.metrics {
        Some(metrics) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Every address that is nothing else is one of the console's, for a browser.
async fn page_or_nothing(method: http::Method, uri: http::Uri, headers: http::HeaderMap) -> Response {
    if console::is_asked_for_a_page(&method, &uri, &headers) {
        return console::page(&uri);
    }
    nothing_here(&uri).into_response()
}

fn nothing_here(uri: &http::Uri) -> Failure {
    Failure::with_status(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        format!(
            "there is nothing at {}; the registry is at /v2/, its API at /api/v2.0",
            uri.path().escape_debug()
        ),
    )
}

/// The `Allow` header is the router's, which knows the route.
async fn not_that_way(method: http::Method, uri: http::Uri) -> Failure {
    Failure::with_status(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        format!("{method} is not supported at {}; the Allow header says what is", uri.path().escape_debug()),
    )
}

/// Keeps in memory what an administrator changes, on this node or another.
async fn follow_revocations(registry: Arc<Registry>) {
    registry.follow_revocations().await;
}

async fn seal_audit(registry: Arc<Registry>) {
    registry.seal_audit_regularly().await;
}

async fn forward_audit(registry: Arc<Registry>) {
    registry.forward_audit_regularly().await;
}

async fn gather_news(registry: Arc<Registry>) {
    registry.gather_news().await;
}

async fn write_journal(registry: Arc<Registry>) {
    registry.write_journal_regularly().await;
}

async fn renew_plans(registry: Arc<Registry>) {
    registry.renew_plans_regularly().await;
}

async fn write_pulls(registry: Arc<Registry>) {
    registry.write_pulls_regularly().await;
}

/// What was counted and not yet written when the node stops.
async fn write_rest(registry: &Registry) {
    for (what, written) in [("pulls", registry.write_pulls().await), ("uses", registry.write_uses().await)] {
        if let Err(error) = written {
            tracing::warn!(%error, "the last {what} could not be written down");
        }
    }
}

async fn write_uses(registry: Arc<Registry>) {
    registry.write_uses_regularly().await;
}

async fn follow_configuration(registry: Arc<Registry>) {
    registry.follow_configuration().await;
}

/// The janitor's rounds, the first at once: a node that is restarted often must come to it too. An error is said and
/// the next round tries again.
async fn clean_regularly(registry: Arc<Registry>, every: Duration) {
    loop {
        match registry.clean().await {
            Ok(round) if round.uploads > 0 => {
                tracing::info!(uploads = round.uploads, "cleaned away expired uploads")
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the janitor could not finish its round"),
        }
        tokio::time::sleep(every).await;
    }
}
