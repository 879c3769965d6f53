//! The JSON of `/api/v2.0`, shared by the server and the command line; shapes and names are Harbor's.

pub mod error;
pub mod member;
pub mod project;
pub mod system;
pub mod tag;
pub mod user;
