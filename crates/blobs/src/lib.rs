//! Bytes by digest: the contract, uploads and the back ends.
