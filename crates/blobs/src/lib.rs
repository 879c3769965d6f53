//! Bytes by digest: the contract, uploads and the back ends.
//!
//! Bytes live at a *location* that belongs to the upload which brought them and to nothing else. Two uploads of one
//! digest therefore never touch the same file, and a garbage collector that removes one location can never race a push
//! of the same digest to another. Which digest lies where is a row's business: this crate knows no database.
//!
//! Whatever is written to storage can be found again from an upload's id alone ([`BlobStore::discard`]), so that a crash
//! at any point leaves nothing behind which no row names.

pub mod body;
pub mod error;
pub mod hash;
pub mod mount;
pub mod store;

mod blob;
mod filesystem;
mod memory;
mod open;
mod pool;
mod pour;
mod s3;
mod stored;
#[cfg(test)]
mod suite;
mod timed;

pub use blob::Blob;
pub use body::{BodyError, BodyStream};
pub use error::Error;
pub use filesystem::Filesystem;
pub use hash::Hasher;
pub use memory::Memory;
pub use open::{Options, open};
pub use s3::{S3, S3Options};
pub use store::{BlobStore, Location, Note, Probe, Upload};
pub use stored::{Shelf, Stored};
