//! The look at everything when nothing breaks any more, and what is found wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use hythe_acceptance::desk::digest;
use reqwest::Client as Http;

use crate::cluster::Cluster;
use crate::hand::{look, patient};
use crate::history::{self, Operation, What};
use crate::housekeeping;
use crate::owner::ROTATED;
use crate::record::{Ground, Record, Rotated};

/// Questions at once.
const AT_ONCE: usize = 16;
/// The search goes as deep as a name has operations.
const STACK: usize = 1 << 30;

/// Everything that is wrong.
pub(crate) async fn judge(cluster: &Cluster, ground: &Ground) -> Vec<String> {
    let http = patient();
    let mut record = std::mem::take(&mut *ground.record.lock().unwrap());
    let mut found = std::mem::take(&mut record.violations);
    found.extend(housekeeping::collect_to_the_end(&http, ground).await.err());
    retention_may_take(&mut record);
    for host in cluster.hosts() {
        read_names(&http, &host, ground, &mut record).await;
        found.extend(not_whole(&http, &host, &record.kept).await);
        found.extend(taken_too_early(&http, &host, &record.rotated).await);
    }
    found.extend(unexplained(&record));
    found.extend(cluster.audit().err());
    let collected = housekeeping::collected(&http, ground).await;
    println!("{collected} blobs were collected while clients worked");
    *ground.record.lock().unwrap() = record;
    found
}

/// A tag that retention looks at is deleted by it at any time, or never.
fn retention_may_take(record: &mut Record) {
    for tag in &record.rotated {
        let taken = Operation { begun: tag.begun, ended: None, what: What::Write(None), client: usize::MAX };
        record.operations.push((tag.path.clone(), taken));
    }
}

/// Every name once more, as reads that come after everything.
async fn read_names(http: &Http, host: &str, ground: &Ground, record: &mut Record) {
    let names: BTreeSet<String> = record.operations.iter().map(|(path, _)| path.clone()).collect();
    let names: Vec<String> = names.into_iter().collect();
    for paths in names.chunks(AT_ONCE) {
        let begun = ground.now();
        let looked = join_all(paths.iter().map(|path| look(http, host, path))).await;
        for (path, bytes) in paths.iter().zip(looked) {
            let what = What::Read(bytes.map(|bytes| digest(&bytes)));
            let read = Operation { begun, ended: Some(ground.now()), what, client: usize::MAX };
            record.operations.push((path.clone(), read));
        }
    }
}

/// What was acknowledged and nobody may take.
async fn not_whole(http: &Http, host: &str, kept: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for paths in kept.chunks(AT_ONCE) {
        let looked = join_all(paths.iter().map(|path| look(http, host, path))).await;
        for (path, bytes) in paths.iter().zip(looked) {
            if !bytes.is_some_and(|bytes| path.ends_with(&digest(&bytes))) {
                found.push(format!("{host}: {path} was acknowledged and is not there whole"));
            }
        }
    }
    found
}

/// The last of the tags that retention looks at are not its to take, whatever order their pushes came in.
async fn taken_too_early(http: &Http, host: &str, rotated: &[Rotated]) -> Vec<String> {
    let may_be_later = |tag: &&Rotated| {
        rotated.iter().filter(|other| other.ended.is_none_or(|end| end >= tag.begun)).count() - 1
    };
    let last = rotated.iter().filter(|tag| tag.ended.is_some() && may_be_later(tag) < ROTATED);
    let mut found = Vec::new();
    for tag in last {
        if look(http, host, &tag.path).await.is_none() {
            found.push(format!("{host}: {} is among the last {ROTATED} and was taken", tag.path));
        }
    }
    found
}

/// On a stack of its own.
fn unexplained(record: &Record) -> Vec<String> {
    let search = || {
        let mut of_names: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
        for (path, operation) in &record.operations {
            of_names.entry(path).or_default().push(operation.clone());
        }
        let unexplained = |(path, operations): (&&str, &Vec<Operation>)| {
            let placed = history::explain(operations).err()?;
            let told = told(operations);
            Some(format!("{path}: no order explains its history; {placed} events could be placed\n{told}"))
        };
        of_names.iter().filter_map(unexplained).collect()
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, search).unwrap().join().unwrap()
    })
}

/// A history for a person to read.
fn told(operations: &[Operation]) -> String {
    let mut operations: Vec<&Operation> = operations.iter().collect();
    operations.sort_by_key(|operation| operation.begun);
    let mut text = String::new();
    for Operation { begun, ended, what, client } in operations {
        let _ = writeln!(text, "  {begun:?} to {ended:?} client {client}: {what:?}");
    }
    text
}

/// What a run did, in a few lines.
pub(crate) fn summary(ground: &Ground, faults: usize, violations: &[String]) -> String {
    let record = ground.record.lock().unwrap();
    let count =
        |wanted: fn(&Operation) -> bool| record.operations.iter().filter(|(_, done)| wanted(done)).count();
    let of = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let done = &ground.done;
    format!(
        "{faults} faults; {} writes and {} reads of names; {} requests without an answer; {} blobs and images looked at \
         on every node\n{} slow chunks, {} with a rival; {} collections, {} retentions, {} undeleted, {} pushed again \
         unsent; {} violations",
        count(|done| done.ended.is_some() && matches!(done.what, What::Write(_))),
        count(|done| matches!(done.what, What::Read(_))),
        record.unanswered,
        record.kept.len(),
        of(&done.chunks),
        of(&done.rivals),
        of(&done.collections),
        of(&done.retentions),
        of(&done.restored),
        of(&done.told),
        violations.len(),
    )
}
