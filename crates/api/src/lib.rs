//! The JSON of `/api/v2.0`, shared by the server and the command line; shapes and names are Harbor's.

pub mod artifact;
pub mod audit;
pub mod configuration;
pub mod error;
pub mod grant;
pub mod icon;
pub mod identity_source;
pub mod label;
pub mod ldap;
pub mod member;
pub mod node;
pub mod permission;
pub mod project;
pub mod quota;
pub mod repository;
pub mod robot;
pub mod role;
pub mod search;
pub mod statistic;
pub mod system;
pub mod tag;
pub mod token;
pub mod trust_rule;
pub mod user;
pub mod user_group;
