//! The product seen from outside while something fails: what it answers, what it says of itself, and that nothing it has
//! acknowledged is lost.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod certificates;
mod clients_gone;
mod crowds;
mod damaged_blobs;
mod database_gone;
mod drain;
mod full_disk;
mod killed;
mod logs;
mod read_only;
mod restart;
mod rolling_upgrade;
mod second_process;
mod support;
mod two_nodes;
mod wrong_clocks;
