//! Files as bodies: by `sendfile` or not, the bytes are the file's.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use hythe_server::listener::{ConnectionInfo, Options, file_body};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::{client, is_closed, open, read_until, within};

const MIB: u64 = 1 << 20;

/// `GET /start/end` answers with that range of `file`.
fn serving(file: File) -> Router {
    let file = Arc::new(file);
    let answer = move |Path((start, end)): Path<(u64, u64)>, Extension(info): Extension<ConnectionInfo>| {
        let source = Arc::clone(&file);
        std::future::ready(file_body(&info, &file, start..end, |range| pieces(source, range)))
    };
    Router::new().route("/{start}/{end}", get(answer))
}

fn pieces(file: Arc<File>, range: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> + Unpin {
    stream::iter(range.clone().step_by(100_000).map(move |start| {
        let mut piece = vec![0; usize::try_from((range.end - start).min(100_000)).unwrap()];
        file.read_exact_at(&mut piece, start)?;
        Ok(Bytes::from(piece))
    }))
}

fn patterned(len: u64) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&pattern(0..len)).unwrap();
    file
}

/// What belongs at these positions of a file: repeats only after a prime number of bytes, so that a wrong offset
/// shows.
fn pattern(range: Range<u64>) -> Vec<u8> {
    const PERIOD: usize = 1_000_003;
    static ONCE: OnceLock<Vec<u8>> = OnceLock::new();
    let once = ONCE.get_or_init(|| (0..PERIOD).map(|place| (place * 31 / 7 % 251) as u8).collect());
    let len = (range.end - range.start) as usize;
    let mut bytes = Vec::with_capacity(len);
    let mut place = (range.start % PERIOD as u64) as usize;
    while bytes.len() < len {
        let count = (PERIOD - place).min(len - bytes.len());
        bytes.extend_from_slice(&once[place..place + count]);
        place = 0;
    }
    bytes
}

/// One range over a connection that stays open.
async fn fetch(stream: &mut TcpStream, range: Range<u64>) -> Vec<u8> {
    ask(stream, &range).await;
    read_answer(stream, &range).await
}

async fn ask(stream: &mut TcpStream, range: &Range<u64>) {
    let request = format!("GET /{}/{} HTTP/1.1\r\nhost: h\r\n\r\n", range.start, range.end);
    stream.write_all(request.as_bytes()).await.unwrap();
}

async fn read_answer(stream: &mut TcpStream, range: &Range<u64>) -> Vec<u8> {
    let len = read_head(stream, range).await;
    let mut body = vec![0; usize::try_from(len).unwrap()];
    within(20, stream.read_exact(&mut body)).await.unwrap();
    body
}

/// Reads up to the body, of which the length is told.
async fn read_head(stream: &mut TcpStream, range: &Range<u64>) -> u64 {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(20, stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let len = range.end - range.start;
    assert!(head.contains(&format!("content-length: {len}\r\n")), "{head}");
    len
}

fn interesting_ranges(len: u64) -> Vec<Range<u64>> {
    let window = 8 * MIB;
    vec![
        0..len,
        0..1,
        len - 1..len,
        0..0,
        1..len,
        4_095..200_001,
        65_535..131_072,
        0..65_536,
        0..65_537,
        window - 1..window + 70_000,
        3..window + 4,
        3..2 * window + 4,
        len - 100_000..len,
    ]
}

fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).unwrap();
        handle
    })
}

fn sent_by_sendfile() -> u64 {
    let text = metrics().render();
    let line = text.lines().find_map(|line| line.strip_prefix("hythe_sendfile_bytes_total "));
    line.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_over_one_connection_are_the_files_bytes_and_go_by_sendfile() {
    let before = sent_by_sendfile();
    let len = 20 * MIB + 12_345;
    let house = open(serving(patterned(len)), Options::default());
    let mut stream = house.connect().await;
    for range in interesting_ranges(len) {
        let body = fetch(&mut stream, range.clone()).await;
        assert!(body == pattern(range.clone()), "{range:?} differs");
    }
    let mapped =
        interesting_ranges(len).into_iter().map(|range| range.end - range.start).filter(|len| *len > 65_536);
    assert!(sent_by_sendfile() - before >= mapped.sum());
}

#[tokio::test(flavor = "multi_thread")]
async fn four_connections_at_once() {
    let len = 20 * MIB + 12_345;
    let house = Arc::new(open(serving(patterned(len)), Options::default()));
    let clients = (0..4).map(|number| {
        let house = Arc::clone(&house);
        tokio::spawn(async move {
            let mut stream = house.connect().await;
            for round in 0..4 {
                let range = number * 1_000 + round..len - number * 777;
                assert!(
                    fetch(&mut stream, range.clone()).await == pattern(range.clone()),
                    "{range:?} differs"
                );
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_and_http2_get_the_same_bytes_from_the_stream() {
    let len = 3 * MIB + 5;
    let house = open(serving(patterned(len)), Options::default());
    let clients =
        [(client().http2_prior_knowledge(), "http"), (client().http1_only(), "https"), (client(), "https")];
    for (client, scheme) in clients {
        let client = client.build().unwrap();
        for range in [0..len, 7..len - 9] {
            let url = house.url(scheme, &format!("/{}/{}", range.start, range.end));
            let answer = client.get(url).send().await.unwrap();
            assert_eq!(answer.content_length(), Some(range.end - range.start));
            assert!(answer.bytes().await.unwrap() == pattern(range));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_order() {
    let len = 10 * MIB;
    let house = open(serving(patterned(len)), Options::default());
    let mut stream = house.connect().await;
    let ranges = [0..len, 5..100_005, 0..10, 1..len - 1];
    for range in &ranges {
        ask(&mut stream, range).await;
    }
    for range in ranges {
        assert!(read_answer(&mut stream, &range).await == pattern(range.clone()), "{range:?} differs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_has_the_length_and_no_body() {
    let house = open(serving(patterned(MIB)), Options::default());
    let mut stream = house.connect().await;
    stream.write_all(b"HEAD /0/1048576 HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").await.contains("content-length: 1048576\r\n"));
    assert!(fetch(&mut stream, 5..MIB).await == pattern(5..MIB));
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_clients_leave_nothing_behind() {
    let len = 64 * MIB;
    let house = open(serving(patterned(len)), Options::default());
    let mapped_before = own_mappings();
    for _ in 0..20 {
        let mut stream = house.connect().await;
        ask(&mut stream, &(0..len)).await;
        stream.read_exact(&mut vec![0; 100_000]).await.unwrap();
    }
    within(20, async {
        while own_mappings() > mapped_before + 10 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(fetch(&mut house.connect().await, 0..MIB).await == pattern(0..MIB));
}

/// Mappings of deleted files, as temporary ones are.
fn own_mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.ends_with("(deleted)") && line.contains("r--s")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_beyond_two_and_four_gib() {
    let file = tempfile::tempfile().unwrap();
    let len = 5 * 1024 * MIB;
    file.set_len(len).unwrap();
    let marks = [(1 << 31) - 50_000, (1 << 31) + 7, (1_u64 << 32) - 3, len - 100_000];
    for mark in marks {
        file.write_all_at(&pattern(mark..mark + 100_000), mark).unwrap();
    }
    let house = open(serving(file), Options::default());
    let mut stream = house.connect().await;
    for mark in &marks[1..] {
        let range = *mark..mark + 100_000;
        assert!(fetch(&mut stream, range.clone()).await == pattern(range), "at {mark}");
    }
    let longer_than_2_gib = 5..(1 << 31) + MIB;
    ask(&mut stream, &longer_than_2_gib).await;
    let mut left = read_head(&mut stream, &longer_than_2_gib).await;
    let mut buffer = vec![0; 1 << 20];
    while left > 0 {
        let got = within(10, stream.read(&mut buffer)).await.unwrap();
        assert_ne!(got, 0, "closed {left} bytes before the end");
        left -= got as u64;
    }
    assert!(
        fetch(&mut stream, 1..10).await.iter().all(|byte| *byte == 0),
        "the next answer begins where it should"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_shrinks_underneath_ends_the_connection_and_nothing_else() {
    let path = tempfile::NamedTempFile::new().unwrap();
    path.as_file().write_all_at(&pattern(0..MIB), 0).unwrap();
    let house = open(serving(File::open(path.path()).unwrap()), Options::default());
    assert!(fetch(&mut house.connect().await, 0..MIB).await == pattern(0..MIB));
    path.as_file().set_len(300_000).unwrap();
    let mut stream = house.connect().await;
    ask(&mut stream, &(0..MIB)).await;
    let mut got = Vec::new();
    let _ = within(20, stream.read_to_end(&mut got)).await;
    assert!(got.len() < 301_000, "{} bytes of a shorter file", got.len());
    assert!(fetch(&mut house.connect().await, 0..200_000).await == pattern(0..200_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_in_memory_is_read_first() {
    let path = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let len = 30 * MIB;
    path.as_file().write_all_at(&pattern(0..len), 0).unwrap();
    path.as_file().sync_all().unwrap();
    rustix::fs::fadvise(path.as_file(), 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let house = open(serving(File::open(path.path()).unwrap()), Options::default());
    assert!(fetch(&mut house.connect().await, 0..len).await == pattern(0..len));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_early_is_no_whole_answer() {
    let short = |Extension(info): Extension<ConnectionInfo>| async move {
        let file = Arc::new(tempfile::tempfile().unwrap());
        file_body(&info, &file, 0..10, |_| stream::iter([Ok::<_, io::Error>(Bytes::from("12345"))]))
    };
    let house = open(Router::new().route("/", get(short)), Options::default());
    let answer = async { client().build().unwrap().get(house.url("http", "/")).send().await?.bytes().await };
    assert!(answer.await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_passes_through_another_layer_is_still_right() {
    let file = Arc::new(patterned(2 * MIB));
    let copied = move |Extension(info): Extension<ConnectionInfo>| {
        let file = Arc::clone(&file);
        async move {
            let body = file_body(&info, &file, 3..2 * MIB, |_| stream::empty::<io::Result<Bytes>>());
            Body::from(axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec())
        }
    };
    let house = open(Router::new().route("/", get(copied)), Options::default());
    let answer = client().build().unwrap().get(house.url("http", "/")).send().await.unwrap();
    assert!(answer.bytes().await.unwrap() == pattern(3..2 * MIB));
    let mut stream = house.connect().await;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(is_closed(&mut stream).await);
}
