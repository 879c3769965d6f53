//! What the OCI specifications call things; no I/O, no asynchrony.
//!
//! Every type here is made by parsing and cannot hold a value that the specifications forbid, so no other
//! crate checks a name, a digest or a range again. Read in this order:
//!
//! - names of things: [`name`], [`tag`], [`digest`], [`reference`](mod@reference), [`upload_id`]
//! - what is stored: [`media_type`], [`descriptor`], [`manifest`]
//! - what is asked: [`route`] (a whole request), [`range`], [`scope`]
//! - what is answered when it goes wrong: [`error_code`], [`challenge`]

pub mod challenge;
pub mod descriptor;
pub mod digest;
pub mod error_code;
pub mod manifest;
pub mod media_type;
pub mod name;
pub mod range;
pub mod reference;
pub mod route;
pub mod scope;
pub mod tag;
mod text;
pub mod upload_id;

pub use challenge::{Challenge, ChallengeError};
pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest, DigestError};
pub use error_code::ErrorCode;
pub use manifest::{Kind, Manifest, ManifestError, ReferenceKind};
pub use name::{NameError, ProjectName, RepositoryName};
pub use range::{ContentRange, RangeHeader, Unsatisfiable};
pub use reference::{Reference, ReferenceError};
pub use route::{Page, Right, Route, RouteError};
pub use scope::{Action, Actions, Scope, parse_scopes};
pub use tag::{Tag, TagError};
pub use upload_id::{UploadId, UploadIdError};
