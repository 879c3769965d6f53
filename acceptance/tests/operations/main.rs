//! What an operator does to a registry: saving it, moving it, finding what is wrong with it, and bringing it back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong in a test fails it")]

mod audit;
mod backup;
mod doctor;
mod doctor_api;
mod rebuild;
mod statements;
mod support;
