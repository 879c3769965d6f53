//! How much slower than hashing alone a durable push to a folder is: `push_speed FOLDER [UPLOADS]`.
//!
//! Hashes 1 GiB on one thread, then appends and publishes 1 GiB in frames as hyper delivers them, five times in turn, and
//! prints medians. With UPLOADS it also pushes so many at once, 4 GiB in all. `dd conv=fsync` beside it tells what the
//! disk allows.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hythe_blobs::{BlobStore, BodyStream, Filesystem, Hasher, Upload};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::upload_id::UploadId;

const GIB: usize = 1 << 30;
const ROUNDS: usize = 5;
/// Frames of hyper lie between 256 and 480 KiB.
const FRAMES: [usize; 3] = [256 * 1024, 480 * 1024, 384 * 1024];

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: push_speed FOLDER [UPLOADS]")?;
    let uploads: Option<usize> = arguments.next().map(|count| count.parse()).transpose()?;
    let store: Arc<Filesystem> = Arc::new(Filesystem::open(&folder)?);
    let source = Bytes::from(noise(64 << 20));
    let (mut hashing, mut appending, mut publishing) = (vec![], vec![], vec![]);
    let mut digest = None;
    for _ in 0..ROUNDS {
        let (took, found) = hash(&source, GIB);
        hashing.push(took);
        let (append, publish) = push(&store, &source, GIB, *digest.insert(found)).await?;
        appending.push(append);
        publishing.push(publish);
    }
    let (hash_s, append_s, publish_s) = (median(hashing), median(appending), median(publishing));
    println!("hashing alone   {:.3} s  {:.2} GB/s", hash_s, rate(GIB, hash_s));
    println!("append          {:.3} s  {:.2} GB/s", append_s, rate(GIB, append_s));
    println!("publish         {:.3} s", publish_s);
    println!("push / hashing  {:.2}", hash_s / (append_s + publish_s));
    match uploads {
        Some(count) => at_once(&store, &source, count).await,
        None => Ok(()),
    }
}

async fn at_once(store: &Arc<Filesystem>, source: &Bytes, count: usize) -> Outcome<()> {
    let size = 4 * GIB / count;
    let (_, digest) = hash(source, size);
    let start = Instant::now();
    let pushes: Vec<_> = (0..count)
        .map(|_| {
            let (store, source) = (Arc::clone(store), source.clone());
            tokio::spawn(async move { push(&store, &source, size, digest).await })
        })
        .collect();
    for push in pushes {
        push.await??;
    }
    let took = start.elapsed().as_secs_f64();
    println!("{count} at once     {:.3} s  {:.2} GB/s, peak {}", took, rate(4 * GIB, took), peak_memory());
    Ok(())
}

async fn push(
    store: &Filesystem,
    source: &Bytes,
    size: usize,
    digest: Digest,
) -> Outcome<(Duration, Duration)> {
    let id = UploadId::from_u128(uuid::Uuid::new_v4().as_u128());
    let mut upload = Upload::new(id, Algorithm::Sha256);
    let start = Instant::now();
    store.append(&mut upload, body(source, size)).await?;
    let appended = start.elapsed();
    let location = store.publish(&mut upload, &digest).await?;
    let published = start.elapsed() - appended;
    store.remove(&location).await?;
    Ok((appended, published))
}

fn body(source: &Bytes, size: usize) -> BodyStream {
    stream::iter(frames(source.clone(), size).map(Ok)).boxed()
}

fn frames(source: Bytes, size: usize) -> impl Iterator<Item = Bytes> + Send {
    let (mut left, mut at, mut turn) = (size, 0, 0);
    std::iter::from_fn(move || {
        let length = FRAMES[turn % FRAMES.len()].min(left);
        (at, turn) = (if at + length > source.len() { 0 } else { at }, turn + 1);
        let frame = source.slice(at..at + length);
        (at, left) = (at + length, left - length);
        (length > 0).then_some(frame)
    })
}

fn hash(source: &Bytes, size: usize) -> (Duration, Digest) {
    let start = Instant::now();
    let mut hasher = Hasher::new(Algorithm::Sha256);
    frames(source.clone(), size).for_each(|frame| hasher.update(&frame));
    (start.elapsed(), hasher.finish())
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn rate(bytes: usize, seconds: f64) -> f64 {
    bytes as f64 / seconds / 1e9
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.unwrap_or("unknown").trim().to_owned()
}
