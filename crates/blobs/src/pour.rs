//! Carries a body from the async side to blocking threads, one that hashes it and one that stores it.
//!
//! Hashing 480 KiB keeps a core busy for 0.3 ms with SHA extensions and 1.4 ms without, and a write may wait for the
//! disk: neither belongs on an async worker. A task of its own per piece costs half the speed, so the threads stay with a
//! body for as long as pieces keep coming. They leave when none has come for a while: five hundred slow clients must not
//! hold the blocking threads that cold reads need. Hashing and storing side by side, because a copy into the page cache
//! takes a third of the time of hashing and would be added to it.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::body::{BodyError, BodyStream};
use crate::error::Error;
use crate::hash::Hasher;

/// Bytes of one body that may wait for its threads: what hashing takes while another thread has its core for a turn. With
/// a megabyte, everybody waits for everybody (1 GiB over HTTP on two cores: 1.21 s, with four 1.0 s, with eight no less).
const AHEAD: u32 = 4 * 1024 * 1024;
/// Bytes of all bodies together that may wait: however many push at once, the memory for it has an end. A piece may hold
/// a buffer of several times its size.
static ALL_AHEAD: Semaphore = Semaphore::const_new(8 * 1024 * 1024);
/// What a piece counts at least, so that a flood of tiny pieces is bounded as well.
const LEAST: u32 = 4096;
/// How long the thread waits for the next piece before it leaves.
const PATIENCE: Duration = Duration::from_millis(100);

/// What takes the bytes; runs on a blocking thread.
pub(crate) trait Sink: Send + 'static {
    /// Takes the next bytes, in order. An error ends the pouring.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error>;
}

/// A body that can be read up to a limit, then further, and that remembers how it ended.
pub(crate) struct Body {
    stream: BodyStream,
    rest: Bytes,
    ended: Option<Result<(), BodyError>>,
}

impl Body {
    pub(crate) fn new(stream: BodyStream) -> Self {
        Self { stream, rest: Bytes::new(), ended: None }
    }

    /// Whether nothing more will come.
    #[cfg(test)]
    fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// The reason, if the client broke off.
    pub(crate) fn outcome(self) -> Result<(), Error> {
        self.ended.unwrap_or(Ok(())).map_err(Error::Body)
    }

    /// The next piece, at most `limit` bytes of it; `None` once it is over.
    async fn next(&mut self, limit: u64) -> Option<Bytes> {
        while self.rest.is_empty() && self.ended.is_none() {
            match self.stream.next().await {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => self.ended = Some(Err(error)),
                None => self.ended = Some(Ok(())),
            }
        }
        let length = usize::try_from(limit).unwrap_or(usize::MAX).min(self.rest.len());
        (length > 0).then(|| self.rest.split_to(length))
    }
}

impl Sink for Hasher {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.update(bytes);
        Ok(())
    }
}

/// Pours up to `limit` bytes of the body into hash and sink and gives both back when they have taken all.
///
/// If the returned future is dropped, they take no further piece.
pub(crate) async fn pour<S: Sink>(
    body: &mut Body,
    limit: u64,
    hash: Hasher,
    sink: S,
) -> Result<(Hasher, S), Error> {
    let room = Room(Arc::new(Semaphore::new(AHEAD as usize)));
    let mut lines = (Line::new(hash, &room), Line::new(sink, &room));
    let mut left = limit;
    while left > 0 {
        let Some(bytes) = unless_failed(&mut lines, body.next(left)).await? else { break };
        left -= bytes.len() as u64;
        let share = unless_failed(&mut lines, room.share(bytes.len())).await??;
        lines.0.send(Piece { bytes: bytes.clone(), _share: Arc::clone(&share) });
        lines.1.send(Piece { bytes, _share: share });
    }
    Ok((lines.0.finish().await?, lines.1.finish().await?))
}

/// Waits for something else while watching the threads, whose failure ends the wait.
async fn unless_failed<A: Sink, B: Sink, T>(
    lines: &mut (Line<A>, Line<B>),
    other: impl Future<Output = T>,
) -> Result<T, Error> {
    tokio::select! {
        done = other => Ok(done),
        error = lines.0.failure() => Err(error),
        error = lines.1.failure() => Err(error),
    }
}

/// Bounds what is on the way. Dropping it tells the threads that nobody waits for them any more.
struct Room(Arc<Semaphore>);

impl Room {
    async fn share(&self, length: usize) -> Result<Arc<Share>, Error> {
        let cost = u32::try_from(length).unwrap_or(AHEAD).clamp(LEAST, AHEAD);
        let of_body = Arc::clone(&self.0).acquire_many_owned(cost).await.map_err(stopped)?;
        // The body's own first: who waits for it holds nothing that others need.
        let of_all = ALL_AHEAD.acquire_many(cost).await.map_err(stopped)?;
        Ok(Arc::new(Share { _of_body: of_body, _of_all: of_all }))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Room for one piece.
struct Share {
    _of_body: OwnedSemaphorePermit,
    _of_all: SemaphorePermit<'static>,
}

struct Piece {
    bytes: Bytes,
    /// Given back when both threads are done with the piece.
    _share: Arc<Share>,
}

/// A sink and the queue before it.
struct Line<S> {
    pieces: Option<Sender<Piece>>,
    room: Arc<Semaphore>,
    worker: Worker<S>,
}

enum Worker<S> {
    Running(JoinHandle<Result<Hand<S>, Error>>),
    /// Nothing is queued while it rests.
    Resting(Hand<S>),
    /// It failed.
    Gone,
}

/// The thread's end of the line.
struct Hand<S> {
    sink: S,
    pieces: Receiver<Piece>,
}

impl<S: Sink> Line<S> {
    fn new(sink: S, room: &Room) -> Self {
        let (sender, pieces) = mpsc::channel();
        let worker = Worker::Resting(Hand { sink, pieces });
        Self { pieces: Some(sender), room: Arc::clone(&room.0), worker }
    }

    /// Queues a piece and calls the thread if it rests.
    fn send(&mut self, piece: Piece) {
        match std::mem::replace(&mut self.worker, Worker::Gone) {
            Worker::Resting(hand) => self.worker = self.run(hand, piece),
            worker => {
                self.worker = worker;
                // A failed thread has dropped its end; the next `failure` or `finish` says why.
                let _ = self.pieces.as_ref().map(|pieces| pieces.send(piece));
            }
        }
    }

    fn run(&self, hand: Hand<S>, first: Piece) -> Worker<S> {
        let room = Arc::clone(&self.room);
        Worker::Running(spawn_blocking(move || work(hand, first, &room)))
    }

    /// The thread has left. A piece that was queued in that moment calls it back.
    fn left(&mut self, hand: Result<Result<Hand<S>, Error>, JoinError>) -> Result<(), Error> {
        self.worker = Worker::Gone;
        let hand = hand.map_err(stopped).flatten()?;
        self.worker = match hand.pieces.try_recv() {
            Ok(piece) => self.run(hand, piece),
            Err(_) => Worker::Resting(hand),
        };
        Ok(())
    }

    /// Why the thread failed; waits for ever if it does not.
    async fn failure(&mut self) -> Error {
        loop {
            match &mut self.worker {
                Worker::Running(handle) => {
                    let hand = handle.await;
                    if let Err(error) = self.left(hand) {
                        return error;
                    }
                }
                Worker::Resting(_) => pending().await,
                Worker::Gone => return stopped("it failed before"),
            }
        }
    }

    /// Waits until everything sent has been taken.
    async fn finish(mut self) -> Result<S, Error> {
        // Without a sender the thread leaves as soon as its queue is empty.
        self.pieces = None;
        while let Worker::Running(handle) = &mut self.worker {
            let hand = handle.await;
            self.left(hand)?;
        }
        match self.worker {
            Worker::Resting(hand) => Ok(hand.sink),
            _ => Err(stopped("it failed before")),
        }
    }
}

/// Takes pieces until none has come for a while, the sender is gone, or the whole pouring is.
fn work<S: Sink>(mut hand: Hand<S>, first: Piece, room: &Semaphore) -> Result<Hand<S>, Error> {
    let mut next = Some(first);
    while let Some(piece) = next {
        if room.is_closed() {
            break;
        }
        hand.sink.take(&piece.bytes)?;
        drop(piece);
        next = hand.pieces.recv_timeout(PATIENCE).ok();
    }
    Ok(hand)
}

/// The thread ended without an answer: it panicked, or the runtime is shutting down.
pub(crate) fn stopped(reason: impl std::fmt::Display) -> Error {
    Error::Unavailable { place: "the thread for storage".to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::stream;

    use hythe_oci::digest::Algorithm;

    use super::*;
    use crate::hash::digest_of;

    #[derive(Default)]
    struct Heap {
        bytes: Vec<u8>,
        fail_at: Option<usize>,
    }

    impl Sink for Heap {
        fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
            self.bytes.extend_from_slice(bytes);
            match self.fail_at {
                Some(at) if self.bytes.len() >= at => Err(stopped("full heap")),
                _ => Ok(()),
            }
        }
    }

    async fn pour_heap(body: &mut Body, limit: u64) -> Heap {
        let (hash, heap) = pour(body, limit, Hasher::new(Algorithm::Sha256), Heap::default()).await.unwrap();
        assert_eq!(hash.finish(), digest_of(Algorithm::Sha256, &heap.bytes));
        heap
    }

    fn body_of(pieces: Vec<Result<&'static str, &'static str>>) -> Body {
        let pieces = pieces.into_iter().map(|piece| piece.map(Bytes::from).map_err(BodyError::new));
        Body::new(stream::iter(pieces).boxed())
    }

    #[tokio::test]
    async fn cuts_at_the_limit_and_goes_on_behind_it() {
        let mut body = body_of(vec![Ok("abc"), Ok(""), Ok("defgh")]);
        let first = pour_heap(&mut body, 5).await;
        assert_eq!(first.bytes, b"abcde");
        assert!(!body.is_over());
        let second = pour_heap(&mut body, 5).await;
        assert_eq!(second.bytes, b"fgh");
        assert!(body.is_over());
        body.outcome().unwrap();
    }

    #[tokio::test]
    async fn keeps_what_came_before_the_client_broke_off() {
        let mut body = body_of(vec![Ok("abc"), Err("connection reset"), Ok("never")]);
        let heap = pour_heap(&mut body, u64::MAX).await;
        assert_eq!(heap.bytes, b"abc");
        assert_eq!(body.outcome().unwrap_err().to_string(), "the body ended early: connection reset");
    }

    #[tokio::test]
    async fn a_failing_sink_ends_an_endless_body() {
        let piece = Bytes::from(vec![1; 64 * 1024]);
        let mut body = Body::new(stream::repeat_with(move || Ok(piece.clone())).boxed());
        let failed = {
            let heap = Heap { bytes: vec![], fail_at: Some(1 << 20) };
            pour(&mut body, u64::MAX, Hasher::new(Algorithm::Sha256), heap).await
        };
        assert!(failed.err().unwrap().to_string().contains("full heap"));
    }

    #[tokio::test]
    async fn goes_on_after_the_thread_has_rested() {
        let pieces = stream::unfold(0, |turn: u8| async move {
            tokio::time::sleep(PATIENCE * 2).await;
            (turn < 3).then(|| (Ok(Bytes::from(vec![turn])), turn + 1))
        });
        let heap = pour_heap(&mut Body::new(pieces.boxed()), u64::MAX).await;
        assert_eq!(heap.bytes, [0, 1, 2]);
    }

    /// Pieces that come in exactly when the thread gives up waiting must not be forgotten.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn loses_nothing_when_pieces_and_patience_meet() {
        let pieces = stream::unfold(0, |turn: u8| async move {
            tokio::time::sleep(PATIENCE - Duration::from_millis(1)).await;
            (turn < 12).then(|| (Ok(Bytes::from(vec![turn; 5000])), turn + 1))
        });
        let heap = pour_heap(&mut Body::new(pieces.boxed()), u64::MAX).await;
        assert_eq!(heap.bytes.len(), 12 * 5000);
    }

    struct Slow(Arc<AtomicUsize>);

    impl Sink for Slow {
        fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
            std::thread::sleep(Duration::from_millis(20));
            self.0.fetch_add(bytes.len(), Ordering::SeqCst);
            Ok(())
        }
    }

    #[tokio::test]
    async fn reads_a_bounded_way_ahead_and_stops_when_dropped() {
        const PIECE: usize = 256 * 1024;
        let (read, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&read);
        let pieces = stream::repeat_with(move || {
            counter.fetch_add(PIECE, Ordering::SeqCst);
            Ok(Bytes::from(vec![0; PIECE]))
        });
        let mut body = Body::new(pieces.boxed());
        let pouring = pour(&mut body, u64::MAX, Hasher::new(Algorithm::Sha256), Slow(Arc::clone(&taken)));
        assert!(tokio::time::timeout(Duration::from_millis(200), pouring).await.is_err());
        let (read, stopped_at) = (read.load(Ordering::SeqCst), taken.load(Ordering::SeqCst));
        assert!(read - stopped_at <= AHEAD as usize + 2 * PIECE, "{read} read, {stopped_at} taken");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(taken.load(Ordering::SeqCst) <= stopped_at + PIECE);
    }
}
