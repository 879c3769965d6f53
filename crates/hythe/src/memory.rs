//! How the C library's allocator is told to give large buffers back.
//!
//! By itself it raises the size from which a buffer gets pages of its own with every such buffer that is freed: one
//! password's 19 MiB, and from then on body buffers lie among small things and are never returned. Measured with 64
//! pushes of 256 MiB at once: 180 MiB resident with the moving limit, 59 MiB with a fixed one.
#![allow(unsafe_code)]

/// The limit where the library starts, 128 KiB, for good.
#[cfg(target_env = "gnu")]
const OWN_PAGES_FROM: libc::c_int = 128 * 1024;

/// Fixes the limit. Called first in `main`.
#[cfg(target_env = "gnu")]
pub(crate) fn give_back_large_buffers() {
    // SAFETY: `mallopt` takes two integers and keeps no pointer (mallopt(3)); it may be called at any time, and no other
    // thread runs yet. An answer of 0 means that nothing was changed, which is how it was.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES_FROM) };
}

/// Other libraries do not move the limit.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back_large_buffers() {}
