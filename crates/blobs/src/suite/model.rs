//! Random appends, breaks, lost rows and restarts against a model that is only the bytes.

use hythe_oci::digest::Algorithm;
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::{Bench, assert_holds, breaking, bytes, filesystem, memory, reread, sha256, start, taken_over};
use crate::Error;
use crate::body::whole;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A body that ends well.
    Append(usize),
    /// A body that breaks off.
    Break(usize),
    /// An append whose row is never saved.
    Lose(usize),
    /// Another process goes on.
    Restart,
    /// Another process goes on after a lease has run out, and the one before writes once more.
    TakeOver(usize),
    /// A client that announces the wrong digest.
    Mismatch,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = prop_oneof![0usize..10, 10usize..70_000];
    let step = prop_oneof![
        4 => length.clone().prop_map(Step::Append),
        2 => length.clone().prop_map(Step::Break),
        2 => length.clone().prop_map(Step::Lose),
        2 => length.prop_map(Step::TakeOver),
        2 => Just(Step::Restart),
        1 => Just(Step::Mismatch),
    ];
    prop::collection::vec(step, 0..12)
}

async fn run(bench: Bench, steps: Vec<Step>) {
    let source = bytes(12 * 70_000);
    let (mut store, mut other) = (&bench.first, &bench.second);
    let mut upload = start(Algorithm::Sha256);
    let mut model = 0;
    for step in steps {
        match step {
            Step::Append(length) => {
                store.append(&mut upload, whole(source[model..model + length].to_vec())).await.unwrap();
                model += length;
            }
            Step::Break(length) => {
                let body = breaking(&source[model..model + length]);
                assert!(matches!(store.append(&mut upload, body).await, Err(Error::Body(_))));
                model += length;
            }
            Step::Lose(length) => {
                store.append(&mut reread(&upload), whole(vec![7; length])).await.unwrap();
            }
            Step::Restart => {
                upload = reread(&upload);
                std::mem::swap(&mut store, &mut other);
            }
            Step::TakeOver(length) => {
                let mut stale = reread(&upload);
                upload = taken_over(&upload);
                let _ = store.append(&mut stale, whole(vec![7; length])).await;
                std::mem::swap(&mut store, &mut other);
            }
            Step::Mismatch => {
                let error = store.publish(&mut upload, &sha256(b"something else")).await.unwrap_err();
                assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
            }
        }
        assert_eq!(upload.offset, model as u64);
        assert_eq!(upload.hash.finish(), sha256(&source[..model]));
    }
    let location = store.publish(&mut upload, &sha256(&source[..model])).await.unwrap();
    assert_holds(&**other, &location, &source[..model]).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn memory_follows_the_model(steps in steps()) {
        Runtime::new().unwrap().block_on(run(memory().unwrap(), steps));
    }

    #[test]
    fn filesystem_follows_the_model(steps in steps()) {
        Runtime::new().unwrap().block_on(run(filesystem().unwrap(), steps));
    }
}
