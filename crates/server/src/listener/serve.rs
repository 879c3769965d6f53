//! Accepting connections, and the orderly end of it all.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::accept_trouble::AcceptTrouble;
use super::bind::Listener;
use super::connection::{self, Handler};
use super::counters;
use super::options::Options;
use super::phase::{Phase, Stage};
use super::sniff;
use super::tls::Tls;

/// Clients that are told at one time that there is no room; more are closed without a word.
const TURNED_AWAY_AT_ONCE: usize = 64;
const NO_ROOM: &str = "this node has as many connections open as it is allowed to; please try again";
/// How long cut connections may take to let go.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// What became of the connections that were busy when the drain began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Finished what they were at.
    pub finished: usize,
    /// Were still at it at the deadline, and were cut.
    pub cut: usize,
}

/// What all connections share.
pub(super) struct House {
    pub(super) options: Options,
    pub(super) tls: Option<Tls>,
    pub(super) phase: Phase,
    tasks: TaskTracker,
    room: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    finished: AtomicUsize,
    cut: AtomicUsize,
}

/// Answers on `listener` with `service` until `shutdown` resolves, then drains.
///
/// Draining: no connection is accepted any more, idle ones end at once, requests under way may end within
/// `options.drain_timeout`, new ones on live connections get a 503. After that, or as soon as `cut` resolves,
/// whatever is left is dropped. Dropping the returned future cuts at once.
///
/// Without `tls`, a client that begins a TLS handshake is told so in plain HTTP.
pub async fn serve<S>(
    listener: Listener,
    service: S,
    options: Options,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
    cut: impl Future<Output = ()>,
) -> Drained
where
    S: Handler,
{
    let house = House::open(options, tls);
    let _cut_on_drop = CutOnDrop(Arc::clone(&house));
    let mut doors = JoinSet::new();
    for socket in listener.sockets {
        doors.spawn(accept(Arc::clone(&house), service.clone(), socket));
    }
    doors.spawn(renew_certificate(Arc::clone(&house)));
    tokio::pin!(cut);
    let was_cut = tokio::select! {
        () = shutdown => false,
        () = &mut cut => true,
    };
    house.phase.advance(if was_cut { Stage::Cut } else { Stage::Draining });
    doors.shutdown().await;
    // What has come to its end may not be asked again.
    if was_cut { house.drain(std::future::ready(())).await } else { house.drain(cut).await }
}

impl House {
    fn open(options: Options, tls: Option<Tls>) -> Arc<Self> {
        let room = options.max_connections.min(descriptors_for_connections()).min(Semaphore::MAX_PERMITS);
        if room < options.max_connections {
            tracing::warn!(
                connections = room,
                wanted = options.max_connections,
                "fewer connections than configured: the limit on open files (ulimit -n) is too low for more"
            );
        }
        Arc::new(Self {
            options,
            tls,
            phase: Phase::default(),
            tasks: TaskTracker::new(),
            room: Arc::new(Semaphore::new(room)),
            turned_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
            finished: AtomicUsize::new(0),
            cut: AtomicUsize::new(0),
        })
    }

    /// Runs the streams of HTTP/2 connections as tasks that the drain waits for.
    pub(super) fn executor(&self) -> Tracked {
        Tracked(self.tasks.clone())
    }

    /// A connection that was busy when the drain began has ended.
    pub(super) fn count_drained(&self, was_cut: bool) {
        let counter = if was_cut { &self.cut } else { &self.finished };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    async fn drain(&self, cut: impl Future<Output = ()>) -> Drained {
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            () = sleep(self.options.drain_timeout) => {}
            () = cut => {}
        }
        self.phase.advance(Stage::Cut);
        let _ = timeout(LAST_MOMENT, self.tasks.wait()).await;
        Drained { finished: self.finished.load(Ordering::Relaxed), cut: self.cut.load(Ordering::Relaxed) }
    }
}

struct CutOnDrop(Arc<House>);

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.phase.advance(Stage::Cut);
    }
}

/// hyper's way to start tasks, so that none is forgotten.
#[derive(Clone)]
pub(super) struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}

/// A quarter of the process's descriptors stays for files and databases.
fn descriptors_for_connections() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit / 4 * 3).ok()).unwrap_or(usize::MAX)
}

async fn accept<S: Handler>(house: Arc<House>, service: S, socket: TcpListener) {
    let mut trouble = AcceptTrouble::default();
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                trouble.over();
                admit(&house, &service, stream, peer);
            }
            Err(error) => sleep(trouble.wait_after(&error)).await,
        }
    }
}

fn admit<S: Handler>(house: &Arc<House>, service: &S, stream: TcpStream, peer: SocketAddr) {
    match Arc::clone(&house.room).try_acquire_owned() {
        Ok(place) => {
            let connection = connection::run(Arc::clone(house), service.clone(), stream, peer);
            house.tasks.spawn(async move {
                connection.await;
                drop(place);
            });
        }
        Err(_) => turn_away(house, stream),
    }
}

/// A few are told why; nobody can make us keep many of those either.
fn turn_away(house: &Arc<House>, stream: TcpStream) {
    counters::refused("max_connections");
    if let Ok(place) = Arc::clone(&house.turned_away).try_acquire_owned() {
        house.tasks.spawn(say_no_room(stream, place));
    }
}

async fn say_no_room(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    const PATIENCE: Duration = Duration::from_secs(1);
    if let Ok(Ok(true)) = timeout(PATIENCE, sniff::is_plain(&stream)).await {
        sniff::part(&mut stream, "503 Service Unavailable", NO_ROOM).await;
    }
}

async fn renew_certificate(house: Arc<House>) {
    let Some(tls) = house.tls.clone() else { return };
    let Some(path) = tls.certificate_path().map(|path| path.display().to_string()) else { return };
    loop {
        sleep(house.options.certificate_poll).await;
        let tls = tls.clone();
        let Ok(reloaded) = tokio::task::spawn_blocking(move || tls.reload_if_changed()).await else {
            continue;
        };
        match reloaded {
            Ok(true) => tracing::info!(certificate = path, "the certificate has changed and is in use"),
            Ok(false) => {}
            Err(error) => tracing::error!(
                certificate = path,
                %error,
                "the certificate has changed but cannot be used; the one before it stays in use"
            ),
        }
    }
}
