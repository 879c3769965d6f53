//! What the tests share: a server while anybody needs it, requests, answers, and bytes sent as they are.

mod answer;
mod desk;
mod raw;
mod shared;

pub(crate) use answer::Answer;
pub(crate) use desk::{Desk, OCI_INDEX, OCI_MANIFEST, basic, builder, descriptor, digest, sha512};
pub(crate) use raw::Raw;
pub(crate) use shared::Shared;
