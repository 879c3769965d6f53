//! Pushing 1 GiB in one PUT, durable, beside docker-registry (which does not sync) and beside hashing alone.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::client::{Client, path_of};
use super::peers::{Hythe, Registry};
use super::report::{Report, median};
use super::{BLOB_BYTES, said};
use crate::command::Outcome;

/// Bytes of a write to a file that is pushed. Many small ones leave it in small pages, and its reader slow.
const PIECE: usize = 1 << 20;

/// A file to push, and its digest.
pub(super) struct Source {
    path: PathBuf,
    digest: String,
}

/// A blob that Hythe holds: where it is served, and where its bytes lie.
pub(super) struct Blob {
    pub(super) url_path: String,
    pub(super) path: PathBuf,
}

/// Three different files, so that no server has seen the bytes of one push in the push before.
pub(super) fn make_files(folder: &Path) -> Outcome<Vec<Source>> {
    (0..3)
        .map(|number| {
            let path = folder.join(format!("source-{number}"));
            let mut random = File::open("/dev/urandom")?.take(BLOB_BYTES);
            io::copy(&mut random, &mut BufWriter::with_capacity(PIECE, File::create(&path)?))?;
            let hash = said("sha256sum", &[&path.to_string_lossy()])?;
            let digest = format!("sha256:{}", hash.split_whitespace().next().unwrap_or_default());
            Ok(Source { path, digest })
        })
        .collect()
}

pub(super) fn measure(
    hythe: &Hythe,
    registry: &Registry,
    files: &[Source],
    rounds: usize,
    report: &mut Report,
) -> Outcome {
    let (mut ours, mut theirs, mut hashing) = (Vec::new(), Vec::new(), Vec::new());
    settle()?;
    for round in 0..rounds {
        let source = &files[round % files.len()];
        let token = hythe.token(&format!("repository:library/push{round}:pull,push"))?;
        let name = format!("library/push{round}");
        ours.push(timed(|| push(&hythe.client(Some(token)), &name, source).map(drop))?);
        theirs.push(timed(|| push(&registry.client(), &name, source).map(drop))?);
        hashing
            .push(timed(|| said("openssl", &["dgst", "-sha256", &source.path.to_string_lossy()]).map(drop))?);
        settle()?;
    }
    let (ours, theirs, hashing) = (median(&ours), median(&theirs), median(&hashing));
    report.add("push 1 GiB in one PUT, durable: speed, of docker-registry's", theirs / ours, "at least 1.2");
    report.add(
        "push 1 GiB in one PUT, durable: speed, of hashing alone on one thread",
        hashing / ours,
        "at least 0.85",
    );
    report.note(format!(
        "push: Hythe {ours:.2} s, docker-registry {theirs:.2} s, `openssl dgst -sha256` {hashing:.2} s"
    ));
    Ok(())
}

/// Pushes one file and says where it is now.
pub(super) fn push_once(hythe: &Hythe, files: &[Source]) -> Outcome<Blob> {
    let token = hythe.token("repository:library/pull:pull,push")?;
    let source = &files[0];
    let url_path = push(&hythe.client(Some(token)), "library/pull", source)?;
    let hex = source.digest.trim_start_matches("sha256:");
    let folder = hythe.data().join("blobs/blobs/sha256").join(&hex[..2]).join(&hex[2..4]);
    let entry = fs::read_dir(&folder)?.next().ok_or("the blob's folder is empty")??;
    Ok(Blob { url_path, path: entry.path() })
}

fn push(client: &Client, name: &str, source: &Source) -> Outcome<String> {
    let begun = client
        .send_bytes("POST", &format!("/v2/{name}/blobs/uploads/"), "application/octet-stream", b"")?
        .expect(202)?;
    let location = path_of(begun.header("location").ok_or("no Location")?);
    let joint = if location.contains('?') { '&' } else { '?' };
    let done = client
        .send_file("PUT", &format!("{location}{joint}digest={}", source.digest), &source.path)?
        .expect(201)?;
    Ok(path_of(done.header("location").ok_or("no Location")?))
}

/// Lets the disk finish what other servers left to it, so that nobody pays for another's writing.
fn settle() -> Outcome {
    said("sync", &[]).map(drop)
}

fn timed(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}
