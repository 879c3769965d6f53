//! Server-sent events: how jobs and nodes change, for as long as somebody looks on.
//!
//! Nothing is read from the database for one stream alone but who is asking, every few seconds: a stream ends with its
//! session. It ends when the node begins to end, too; browsers come back by themselves, and reach another node.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::request::Parts;
use http::{HeaderMap, HeaderName, StatusCode};
use hythe_registry::error::Kind;
use hythe_registry::news::{News, Onlooker, Sights, Subject};
use hythe_registry::{Caller, Error};
use serde::Deserialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use utoipa::IntoParams;

use super::{Query, Refusals, RestFailure, SignedIn, jobs, nodes};
use crate::identity::identify;
use crate::state::App;
use crate::telemetry::load::UnderWay;

/// Proxies keep a connection on which something is said this often; who is asking is looked at as often.
const BEAT: Duration = Duration::from_secs(15);

/// Streams that a node has open at once.
const MOST: u32 = 256;

/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// For nginx, which otherwise keeps answers until there is enough of them.
const UNBUFFERED: (&str, &str) = ("x-accel-buffering", "no");

/// What somebody wants to look at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// `job`, `node`, or both with a comma between; without it, whatever the caller may see.
    topics: Option<String>,
}

/// `GET /events`: a stream that goes on until the session or the node ends.
///
/// Each event is named `job` or `node`; its data is the thing as `GET /jobs/{job}` or `GET /nodes` shows it, its id what
/// `Last-Event-ID` takes to go on behind it. An event `beat` says every 15 seconds that the stream is there.
#[utoipa::path(
    get, path = "/events", tag = "event", operation_id = "streamEvents",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")
    ),
    responses(
        (status = 200, description = "Events, each of this form", body = hythe_api::event::Event, content_type = "text/event-stream"),
        Refusals
    )
)]
pub(super) async fn stream(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(wanted): Query<EventsQuery>,
    parts: Parts,
) -> Result<Response, RestFailure> {
    let topics = Topics::parse(wanted.topics.as_deref())?;
    if UnderWay::streams() >= MOST {
        let message =
            "this node has as many event streams open as it is allowed to; ask for the lists instead";
        return Err(RestFailure::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    let sights = topics.sights(&app, &caller).await?;
    let run = app.registry.run_id().simple().to_string();
    let after = last_seen(&parts.headers, &run);
    let feed = Feed {
        onlooker: app.registry.look_on(sights, after),
        beat: beats(),
        run,
        topics,
        parts,
        app,
        _under_way: UnderWay::stream(),
    };
    let greeting = stream::iter([Ok::<_, Infallible>(beat().retry(RETRY))]);
    let events = stream::unfold(feed, async |mut feed| Some((Ok(feed.next().await?), feed)));
    let events = stream::StreamExt::chain(greeting, events);
    Ok(([UNBUFFERED], Sse::new(events)).into_response())
}

/// A stream under way.
struct Feed {
    app: Arc<App>,
    parts: Parts,
    topics: Topics,
    onlooker: Onlooker,
    beat: Interval,
    run: String,
    _under_way: UnderWay,
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            () = self.app.ending.cancelled() => None,
            _ = self.beat.tick() => self.may_go_on().await.then(beat),
            news = self.onlooker.next() => self.show(&*news?),
        }
    }

    /// Whether the caller is still signed in and may still see what they are shown.
    async fn may_go_on(&self) -> bool {
        match identify(&self.app, &self.parts).await {
            Ok(caller) => self.topics.sights(&self.app, &caller).await.is_ok(),
            Err(_) => false,
        }
    }

    fn show(&self, news: &News) -> Option<Event> {
        let event = Event::default().id(format!("{}-{}", self.run, news.number));
        let event = match &news.subject {
            Subject::Job(job) => event.event("job").json_data(jobs::show((**job).clone())),
            Subject::Node(node) => event.event("node").json_data(nodes::show((**node).clone())),
        };
        event.ok()
    }
}

/// Which things are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topics {
    /// Whatever the caller may see.
    Any,
    /// These, and the caller must be allowed to see them.
    These { jobs: bool, nodes: bool },
}

impl Topics {
    fn parse(words: Option<&str>) -> Result<Topics, RestFailure> {
        let Some(words) = words.filter(|words| !words.is_empty()) else { return Ok(Topics::Any) };
        let (mut jobs, mut nodes) = (false, false);
        for word in words.split(',') {
            match word {
                "job" => jobs = true,
                "node" => nodes = true,
                _ => {
                    return Err(RestFailure::new(
                        StatusCode::BAD_REQUEST,
                        "topics is job, node, or both with a comma between",
                    ));
                }
            }
        }
        Ok(Topics::These { jobs, nodes })
    }

    /// What the caller may look at; refused where they may not see what they ask for, or nothing at all.
    async fn sights(self, app: &App, caller: &Caller) -> Result<Sights, Error> {
        let (jobs, nodes) = match self {
            Topics::Any => (true, true),
            Topics::These { jobs, nodes } => (jobs, nodes),
        };
        let jobs = if jobs { Some(app.registry.permit_everywhere(caller).await) } else { None };
        let nodes = if nodes { Some(app.registry.permit_everywhere(caller).await) } else { None };
        match (self, jobs, nodes) {
            (Topics::Any, Some(Err(refusal)), Some(Err(_))) => Err(refusal),
            (Topics::Any, jobs, nodes) => Ok(Sights { jobs: allowed(jobs)?, nodes: allowed(nodes)? }),
            (_, jobs, nodes) => Ok(Sights { jobs: jobs.transpose()?, nodes: nodes.transpose()? }),
        }
    }
}

/// What is refused is left out; a database that is away is no refusal.
fn allowed<T>(asked: Option<Result<T, Error>>) -> Result<Option<T>, Error> {
    match asked {
        Some(Err(error)) if error.kind() != Kind::Forbidden => Err(error),
        asked => Ok(asked.and_then(Result::ok)),
    }
}

fn beat() -> Event {
    Event::default().event("beat").data("")
}

fn beats() -> Interval {
    let mut beats = interval_at(Instant::now() + BEAT, BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats
}

/// The number behind which to go on, if it was this run of this node that gave it.
fn last_seen(headers: &HeaderMap, run: &str) -> Option<u64> {
    let (of, number) = headers.get(LAST_EVENT_ID)?.to_str().ok()?.rsplit_once('-')?;
    (of == run).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read() {
        assert_eq!(Topics::parse(None).unwrap(), Topics::Any);
        assert_eq!(Topics::parse(Some("node")).unwrap(), Topics::These { jobs: false, nodes: true });
        assert_eq!(Topics::parse(Some("job,node")).unwrap(), Topics::These { jobs: true, nodes: true });
        for bad in ["jobs", "job, node", ","] {
            assert!(Topics::parse(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_an_id_of_this_run_is_gone_on_from() {
        let seen = |id: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LAST_EVENT_ID, http::HeaderValue::from_static(id));
            last_seen(&headers, "run")
        };
        assert_eq!(seen("run-7"), Some(7));
        assert_eq!((seen("other-7"), seen("run-"), seen("7"), seen("run-x")), (None, None, None, None));
    }
}
