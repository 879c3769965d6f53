//! Clients on slow lines: each chunk takes its time, so that a node that stops has uploads in its hands. What a client sends
//! after a failure is not what it sent before, so that nothing of a writer that was given up may come to be.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use hythe_acceptance::desk::digest;
use reqwest::{Body, Method, StatusCode};

use crate::hand::{Hand, Outcome, PAUSE, Standing, UPLOAD_PATIENCE, outcome, range};
use crate::record::count;

const REPOSITORY: &str = "slow";
/// A chunk comes in so many pieces, one after each pause.
const PIECES: usize = 8;
const BETWEEN: Duration = Duration::from_millis(150);
/// A lease of 30 s is renewed every 10 s: nobody can lose one that it took so short a while ago.
const WELL_WITHIN_A_LEASE: Duration = Duration::from_secs(15);
/// After trouble a client has a rest, long enough for a writer that was asleep to wake up and do harm.
const LULL: Duration = Duration::from_secs(6);
/// What the registry says to a writer whose upload was given to another.
const TAKEN_OVER: &str = "was taken over by another request";

/// An upload as its client sees it.
struct Upload {
    path: String,
    /// What was acknowledged.
    content: Vec<u8>,
    /// Sent to where the upload stands now, and not answered: one of them may still come to be, or its beginning.
    open: Vec<Vec<u8>>,
    /// Whether something was not answered since the last chunk that was.
    troubled: bool,
}

/// Goes on until the run is over.
pub(crate) async fn run(mut hand: Hand) {
    while !hand.ground.is_over() {
        match hand.start_upload(&hand.repository(REPOSITORY)).await {
            Some(path) => upload(&mut hand, path).await,
            None => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// One upload from its begin to its end, if its client does not lose patience.
async fn upload(hand: &mut Hand, path: String) {
    let mut upload = Upload { path, content: Vec::new(), open: Vec::new(), troubled: false };
    let mut left = 6 + hand.dice.below(8);
    let mut progress = Instant::now();
    while left > 0 {
        if progress.elapsed() > UPLOAD_PATIENCE || hand.ground.is_over() {
            return;
        }
        let before = upload.content.len();
        if !chunk(hand, &mut upload).await {
            return;
        }
        if upload.content.len() > before {
            (left, progress) = (left - 1, Instant::now());
            if std::mem::take(&mut upload.troubled) {
                tokio::time::sleep(LULL).await;
                if !settle(hand, &mut upload).await {
                    return;
                }
            }
        }
        hand.rest(PAUSE * 2).await;
    }
    finish(hand, &upload).await;
}

/// One chunk, at times with a rival that is sent to the same place meanwhile. False if the upload is of no use any more.
async fn chunk(hand: &mut Hand, upload: &mut Upload) -> bool {
    let length = 2_000 + hand.dice.below(30_000);
    let (bytes, with_rival) = (hand.bytes(length), hand.dice.below(3) == 0);
    let rival = hand.bytes(length / 2);
    let begun = Instant::now();
    let (first, second) = tokio::join!(send(hand, upload, &bytes, BETWEEN), async {
        if !with_rival {
            return None;
        }
        tokio::time::sleep(BETWEEN * 4).await;
        count(&hand.ground.done.rivals);
        Some(send(hand, upload, &rival, Duration::ZERO).await)
    });
    let mut done = Vec::new();
    for (sent, bytes) in [(Some(first), bytes), (second, rival)] {
        match sent {
            None => {}
            Some(Outcome::Done) => done.push(bytes),
            Some(Outcome::Open) => {
                upload.open.push(bytes);
                upload.troubled = true;
            }
            Some(Outcome::Refused(status, words)) => refused(hand, upload, begun, status, &words),
        }
    }
    acknowledge(hand, upload, done) && settle(hand, upload).await
}

/// Another writes, or has written, to the same place: nothing else is a reason, and not even that to take an upload from
/// one who writes.
fn refused(hand: &Hand, upload: &Upload, begun: Instant, status: StatusCode, words: &str) {
    let (path, took) = (&upload.path, begun.elapsed());
    let taken_over = words.contains(TAKEN_OVER);
    match status {
        StatusCode::CONFLICT if taken_over && took < WELL_WITHIN_A_LEASE => {
            hand.accuse(&format!("{path} was taken from its writer after {took:?}: {words}"));
        }
        StatusCode::CONFLICT | StatusCode::RANGE_NOT_SATISFIABLE => {}
        status => hand.accuse(&format!("a chunk that fits {path} was refused: {status} {words}")),
    }
}

/// Two writers cannot both have gone on from the same place.
fn acknowledge(hand: &Hand, upload: &mut Upload, mut done: Vec<Vec<u8>>) -> bool {
    if done.len() > 1 {
        hand.accuse(&format!("{} took two chunks to the same place", upload.path));
        return false;
    }
    if let Some(bytes) = done.pop() {
        count(&hand.ground.done.chunks);
        upload.content.extend(bytes);
        upload.open.clear();
    }
    true
}

/// Holds what the registry says against what it acknowledged: no less, and no more than what is still open. Of a chunk
/// whose client broke off in the middle the registry keeps what has arrived.
async fn settle(hand: &Hand, upload: &mut Upload) -> bool {
    let repository = hand.repository(REPOSITORY);
    let at = match hand.standing(&repository, &upload.path, &digest(&upload.content), false).await {
        Standing::At(at) => at,
        Standing::Unknown => return true,
        Standing::Finished | Standing::Gone => return false,
    };
    let acknowledged = upload.content.len();
    if at == acknowledged {
        return true;
    }
    let more = at.checked_sub(acknowledged);
    let mut came: Vec<&Vec<u8>> =
        upload.open.iter().filter(|bytes| more.is_some_and(|more| bytes.len() >= more)).collect();
    // Lengths differ: where one has just this length, it is the one that came, and whole.
    if came.iter().any(|bytes| Some(bytes.len()) == more) {
        came.retain(|bytes| Some(bytes.len()) == more);
    }
    let ([bytes, others @ ..], Some(more)) = (came.as_slice(), more) else {
        hand.accuse(&format!("{} stands at {at}, and {acknowledged} bytes were acknowledged", upload.path));
        return false;
    };
    // Of which of them they are cannot be told.
    if !others.is_empty() {
        return false;
    }
    upload.content.extend(&bytes[..more]);
    upload.open.clear();
    true
}

/// Sends a chunk piece by piece.
async fn send(hand: &Hand, upload: &Upload, bytes: &[u8], between: Duration) -> Outcome {
    let from = upload.content.len();
    let pieces: Vec<Vec<u8>> = bytes.chunks(bytes.len().div_ceil(PIECES)).map(<[u8]>::to_vec).collect();
    let slowly = stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(between).await;
        Ok::<_, std::io::Error>(piece)
    });
    let patch = hand
        .request(Method::PATCH, &upload.path)
        .header("content-range", range(from, from + bytes.len()))
        .header("content-length", bytes.len())
        .body(Body::wrap_stream(slowly));
    outcome(patch.send().await, StatusCode::ACCEPTED).await
}

/// What was acknowledged chunk by chunk is a blob with the digest of the whole.
async fn finish(hand: &mut Hand, upload: &Upload) {
    let (repository, named, begun) = (hand.repository(REPOSITORY), digest(&upload.content), Instant::now());
    let put = format!("{}?digest={named}", upload.path);
    while begun.elapsed() < UPLOAD_PATIENCE {
        let sent = hand.request(Method::PUT, &put).header("content-length", 0).send().await;
        match outcome(sent, StatusCode::CREATED).await {
            Outcome::Done => return,
            Outcome::Refused(StatusCode::NOT_FOUND, _) if begun.elapsed() > PAUSE => return,
            Outcome::Open | Outcome::Refused(StatusCode::CONFLICT, _) => tokio::time::sleep(PAUSE).await,
            Outcome::Refused(status, words) => {
                return hand.accuse(&format!(
                    "{repository}: {} bytes that were acknowledged make no blob: {status} {words}",
                    upload.content.len()
                ));
            }
        }
    }
}
