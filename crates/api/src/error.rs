//! The error envelope of both APIs.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// `{"errors": [...]}`, as the distribution specification ("Error Codes") and Harbor have it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct Errors {
    /// At least one.
    pub errors: Vec<ErrorItem>,
}

/// One error.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct ErrorItem {
    /// An upper-case code that programs can compare.
    pub code: String,
    /// One line for a person: what, where, why and what to do.
    pub message: String,
    /// Data about it, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Errors {
    /// An envelope with one error.
    pub fn one(code: impl Into<String>, message: impl Into<String>, detail: Option<Value>) -> Errors {
        Errors { errors: vec![ErrorItem { code: code.into(), message: message.into(), detail }] }
    }
}
