//! What is under way in this process: two numbers, for whoever decides by them.

use std::sync::atomic::{AtomicU32, Ordering};

use hythe_registry::load::Load;

static REQUESTS: AtomicU32 = AtomicU32::new(0);
static TRANSFERS: AtomicU32 = AtomicU32::new(0);

static STREAMS: AtomicU32 = AtomicU32::new(0);

/// Both, now. Answers that wait for something to tell are neither: nobody has to give way to them.
pub fn measure() -> Load {
    let streams = STREAMS.load(Ordering::Relaxed);
    let but_for_streams = |count: &AtomicU32| count.load(Ordering::Relaxed).saturating_sub(streams);
    Load { requests: but_for_streams(&REQUESTS), transfers: but_for_streams(&TRANSFERS) }
}

/// One thing under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(&'static AtomicU32);

impl UnderWay {
    pub(super) fn request() -> UnderWay {
        UnderWay::begin(&REQUESTS)
    }

    /// An answer without an end, which is counted as a request and as a transfer beside.
    pub(crate) fn stream() -> UnderWay {
        UnderWay::begin(&STREAMS)
    }

    /// How many of those there are.
    pub(crate) fn streams() -> u32 {
        STREAMS.load(Ordering::Relaxed)
    }

    pub(super) fn transfer() -> UnderWay {
        UnderWay::begin(&TRANSFERS)
    }

    fn begin(count: &'static AtomicU32) -> UnderWay {
        count.fetch_add(1, Ordering::Relaxed);
        UnderWay(count)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
