//! How the C library's allocator is told which buffers to keep and which to give back.
//!
//! By itself it raises the size from which a buffer gets pages of its own with every such buffer that is freed: one
//! password's 19 MiB, and from then on nothing is returned (180 MiB resident after 64 pushes at once). At the size where
//! it starts, 128 KiB, each piece of a body gets new pages from the kernel and returns them: 0.7 of the 2.0 CPU seconds
//! for a push of 1 GiB. In between, the pieces of bodies are used again, and what is left over has a limit.
//!
//! Neither limit reaches what lies unused between two buffers in use: a start leaves 14 MiB of it. That is given back now and
//! then.
#![allow(unsafe_code)]

use std::time::Duration;

/// When a start is over.
const AFTER_START: Duration = Duration::from_secs(2);

/// A burst may leave holes too.
const EVERY: Duration = Duration::from_secs(60);

/// Larger buffers get pages of their own, for good: the pieces of a body are below, a password's memory is above.
#[cfg(target_env = "gnu")]
const OWN_PAGES_FROM: libc::c_int = 1024 * 1024;

/// What an arena may keep unused at its end; the library's 128 KiB would be less than one piece of a body.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 8 * 1024 * 1024;

/// An arena for each thread that can run: what one keeps is of no use to another, and the library makes eight times as many
/// (64 pushes into S3 at once: 177 MiB with 16 arenas, 161 with two).
#[cfg(target_env = "gnu")]
fn arenas() -> libc::c_int {
    std::thread::available_parallelism().ok().and_then(|threads| threads.get().try_into().ok()).unwrap_or(2)
}

/// Fixes the limits. Called first in `main`.
#[cfg(target_env = "gnu")]
pub(crate) fn bound_unused_buffers() {
    for (parameter, value) in [
        (libc::M_MMAP_THRESHOLD, OWN_PAGES_FROM),
        (libc::M_TRIM_THRESHOLD, KEPT),
        (libc::M_ARENA_MAX, arenas()),
    ] {
        // SAFETY: `mallopt` takes two integers and keeps no pointer (mallopt(3)); it may be called at any time, and no
        // other thread runs yet. An answer of 0 means that nothing was changed, which is how it was.
        let _ = unsafe { libc::mallopt(parameter, value) };
    }
}

/// Gives back, for as long as it is polled, what lies unused.
pub(crate) async fn keep_giving_back() {
    let mut pause = AFTER_START;
    loop {
        tokio::time::sleep(pause).await;
        // It looks at all of the heap, for milliseconds.
        let _ = tokio::task::spawn_blocking(give_back).await;
        pause = EVERY;
    }
}

#[cfg(target_env = "gnu")]
fn give_back() {
    // SAFETY: `malloc_trim` takes a number, may be called by any thread at any time, and touches only pages that nothing
    // allocated lies on (malloc_trim(3)).
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Other libraries have no such call.
#[cfg(not(target_env = "gnu"))]
fn give_back() {}

/// Other libraries have no such limits.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn bound_unused_buffers() {}
