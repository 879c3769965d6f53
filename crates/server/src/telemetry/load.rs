//! What is under way in this process: two numbers, for whoever decides by them.

use std::sync::atomic::{AtomicU32, Ordering};

use hythe_registry::load::Load;

static REQUESTS: AtomicU32 = AtomicU32::new(0);
static TRANSFERS: AtomicU32 = AtomicU32::new(0);

/// Both, now.
pub fn measure() -> Load {
    Load { requests: REQUESTS.load(Ordering::Relaxed), transfers: TRANSFERS.load(Ordering::Relaxed) }
}

/// One thing under way, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(&'static AtomicU32);

impl UnderWay {
    pub(super) fn request() -> UnderWay {
        UnderWay::begin(&REQUESTS)
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
