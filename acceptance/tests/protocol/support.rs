//! What the tests work with: a server while anybody needs it, requests, answers, and bytes sent as they are.

pub(crate) use hythe_acceptance::answer::Answer;
pub(crate) use hythe_acceptance::desk::{
    Desk, OCI_INDEX, OCI_MANIFEST, basic, builder, descriptor, digest, sha512,
};
pub(crate) use hythe_acceptance::raw::Raw;
pub(crate) use hythe_acceptance::shared::Shared;
