//! Serves one blob, or pulls from any HTTP server and throws the bytes away: to hold the listener against nginx.
//!
//! ```text
//! sendfile_speed serve FILE ADDRESS:PORT      answers every GET with FILE, plain and TLS
//! sendfile_speed pull ADDRESS:PORT PATH N     GETs PATH over N connections at once, prints GB/s
//! ```
//! The client has the kernel drop what arrives (`MSG_TRUNC`), so that the server's cost is what shows.

use std::error::Error;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use futures_util::TryStreamExt;
use hythe_blobs::{Blob, BlobStore, BodyError, Filesystem, Upload};
use hythe_oci::digest::Algorithm;
use hythe_oci::upload_id::UploadId;
use hythe_server::listener::{self, ConnectionInfo, Listener, Options, Tls};
use rustix::net::RecvFlags;
use tokio_util::io::ReaderStream;

type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", file, address] => serve(Path::new(file), address.parse()?),
        ["pull", address, path, connections] => pull(address.parse()?, path, connections.parse()?),
        _ => Err("usage: sendfile_speed serve FILE ADDRESS:PORT | pull ADDRESS:PORT PATH CONNECTIONS".into()),
    }
}

#[tokio::main]
async fn serve(file: &Path, address: SocketAddr) -> Outcome {
    let folder = tempfile::tempdir_in(file.parent().unwrap_or(Path::new(".")))?;
    let blob = Arc::new(publish(folder.path(), file).await?);
    let answer = move |Extension(info): Extension<ConnectionInfo>| std::future::ready(body(&info, &blob));
    let listener = Listener::bind(&[address])?;
    let made = listener::self_signed(&listener::self_signed_names(listener.local_addrs()))?;
    let tls = Tls::from_pem(&made.certificate_pem, &made.key_pem)?;
    println!("serving {} on {}", file.display(), listener.local_addr());
    let router = Router::new().fallback(answer);
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    listener::serve(listener, router, Options::default(), Some(tls), interrupted, std::future::pending())
        .await;
    Ok(())
}

/// `file` as a blob in a store of its own, as a push would leave it.
async fn publish(folder: &Path, file: &Path) -> Result<Blob, Box<dyn Error + Send + Sync>> {
    let store = Filesystem::open(folder)?;
    let mut upload = Upload::new(UploadId::from_u128(1), Algorithm::Sha256);
    let bytes = ReaderStream::with_capacity(tokio::fs::File::open(file).await?, 1 << 20);
    store.append(&mut upload, Box::pin(bytes.map_err(|error| BodyError::new(error.to_string())))).await?;
    let digest = upload.hash.finish();
    let location = store.publish(&mut upload, &digest).await?;
    Ok(store.open(&location, upload.offset).await?)
}

fn body(info: &ConnectionInfo, blob: &Blob) -> Body {
    match blob.file() {
        Some(file) => listener::file_body(info, file, 0..blob.size(), |range| blob.stream(range)),
        None => Body::from_stream(blob.stream(0..blob.size())),
    }
}

fn pull(address: SocketAddr, path: &str, connections: usize) -> Outcome {
    let begin = Instant::now();
    let pulls: Vec<_> = (0..connections)
        .map(|_| {
            let path = path.to_owned();
            thread::spawn(move || pull_once(address, &path))
        })
        .collect();
    let mut bytes = 0;
    for pull in pulls {
        bytes += pull.join().map_err(|_| "a client thread panicked")??;
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{:.3} GB/s, {bytes} bytes in {seconds:.3} s", bytes as f64 / seconds / 1e9);
    Ok(())
}

/// Bytes of one whole response, its headers included.
fn pull_once(address: SocketAddr, path: &str) -> Result<u64, std::io::Error> {
    const AT_ONCE: usize = 4 << 20;
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut never_written = Vec::with_capacity(AT_ONCE);
    let mut bytes = 0;
    loop {
        let room = never_written.spare_capacity_mut();
        match rustix::net::recv(&stream, room, RecvFlags::TRUNC)?.1 {
            0 => return Ok(bytes),
            dropped => bytes += dropped as u64,
        }
    }
}
