//! What alarms go by: whether the parts that the node stands on are well, and how much room there is.

use metrics::{describe_gauge, gauge};

pub(super) fn describe() {
    describe_gauge!("hythe_part_healthy", "1 while a part that the node stands on is well, else 0.");
    describe_gauge!("hythe_storage_free_bytes", "Room left in the storage; only where it is a folder.");
    describe_gauge!(
        "hythe_storage_total_bytes",
        "Size of the storage's file system; only where it is a folder."
    );
}

/// Says whether a part was well when it was looked at last.
pub(crate) fn set_healthy(part: &'static str, healthy: bool) {
    gauge!("hythe_part_healthy", "part" => part).set(f64::from(u8::from(healthy)));
}

/// Says how much room the storage has; a bucket does not tell.
pub(crate) fn set_room(free: Option<u64>, total: Option<u64>) {
    let rooms = [("hythe_storage_free_bytes", free), ("hythe_storage_total_bytes", total)];
    for (name, bytes) in rooms.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
        gauge!(name).set(bytes as f64);
    }
}
