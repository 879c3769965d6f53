//! Where people come from who are not the registry's own: directories and OpenID providers.

pub mod identity;
pub mod ldap;
pub mod secret;

pub use secret::Secret;
