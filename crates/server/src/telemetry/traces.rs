//! Spans for an OpenTelemetry collector, over OTLP/HTTP, where one is configured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, Request};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::{Layer, Registry};

const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Where spans go.
#[derive(Debug, Clone)]
pub struct Options {
    /// The collector: `http://collector:4318`, or with the full path where it is not `/v1/traces`.
    pub endpoint: String,
    /// The share of traces kept of those that begin here, 0 to 1; a caller's own decision is honoured.
    pub sample: f64,
    /// The name of this node: `service.instance.id`.
    pub node: String,
}

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("traces endpoint {endpoint:?} is not an http or https address")]
    Endpoint { endpoint: String },
    #[error("cannot set up the client for the traces endpoint: {0}")]
    Client(#[from] reqwest::Error),
    #[error("cannot set up the exporter of traces: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Holds the spans that are still to be sent.
#[derive(Debug)]
pub struct Guard(SdkTracerProvider);

impl Guard {
    /// Sends what is left, for at most five seconds. Blocks, while the runtime still runs.
    pub fn shutdown(self) {
        ENABLED.store(false, Ordering::Relaxed);
        // A collector that does not answer has been named already.
        let _ = self.0.shutdown_with_timeout(LAST_WAIT);
    }
}

/// Whether spans go anywhere, so that requests need not ask the subscriber.
static ENABLED: AtomicBool = AtomicBool::new(false);

pub(super) type TraceLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The layer that turns spans into OpenTelemetry's, and what flushes them.
pub(super) fn layer(options: &Options, runtime: &Handle) -> Result<(TraceLayer, Guard), Error> {
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(Exporter::new(options, runtime)?)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sample))))
        .with_resource(resource(options))
        .build();
    ENABLED.store(true, Ordering::Relaxed);
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("hythe"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO);
    Ok((Box::new(layer), Guard(provider)))
}

fn resource(options: &Options) -> Resource {
    Resource::builder_empty()
        .with_service_name("hythe")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", options.node.clone()))
        .build()
}

/// Sends batches from the runtime's threads, since the SDK calls from a thread of its own where
/// reqwest cannot run, and says once that a collector does not answer.
#[derive(Debug)]
struct Exporter {
    otlp: Arc<OtlpExporter>,
    runtime: Handle,
    endpoint: String,
    failing: AtomicBool,
}

impl Exporter {
    fn new(options: &Options, runtime: &Handle) -> Result<Exporter, Error> {
        let endpoint = endpoint(&options.endpoint)?;
        // reqwest panics without a provider; where the process has one already, that one stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(EXPORT_TIMEOUT).build()?;
        let otlp = OtlpExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(&endpoint)
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        Ok(Exporter {
            otlp: Arc::new(otlp),
            runtime: runtime.clone(),
            endpoint,
            failing: AtomicBool::new(false),
        })
    }

    fn tell(&self, result: &OTelSdkResult) {
        match result {
            Err(error) if !self.failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%error, "cannot send traces to {}, they are dropped until it answers", self.endpoint);
            }
            Ok(()) if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("traces are sent to {} again", self.endpoint);
            }
            _ => {}
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let otlp = Arc::clone(&self.otlp);
        let sent = self.runtime.spawn(async move { otlp.export(batch).await }).await;
        let result = sent.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        self.tell(&result);
        result
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(otlp) = Arc::get_mut(&mut self.otlp) {
            otlp.set_resource(resource);
        }
    }
}

/// The full address of a collector: OTLP's path is added to one that has none.
fn endpoint(text: &str) -> Result<String, Error> {
    let wrong = || Error::Endpoint { endpoint: text.to_owned() };
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    match (url.scheme(), url.path()) {
        ("http" | "https", "/" | "") => Ok(format!("{}/v1/traces", text.trim_end_matches('/'))),
        ("http" | "https", _) => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

/// Joins a request's span to the trace that its `traceparent` names.
pub(super) fn begin<B>(span: &Span, request: &Request<B>) {
    if !ENABLED.load(Ordering::Relaxed) {
        return;
    }
    let parent =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(request.headers()));
    // Refused only by a span that has begun or has no layer; then it stands alone.
    let _ = span.set_parent(parent);
    span.set_attribute("otel.kind", "server");
    span.set_attribute("http.request.method", request.method().as_str().to_owned());
    span.set_attribute("url.path", request.uri().path().to_owned());
}

/// Adds what is known at the end.
pub(super) fn end(span: &Span, route: &'static str, status: u16) {
    if !ENABLED.load(Ordering::Relaxed) {
        return;
    }
    span.set_attribute("http.route", route);
    span.set_attribute("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.set_status(Status::error(format!("status {status}")));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests;
