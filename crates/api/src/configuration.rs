//! The configuration, in Harbor's shapes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A key's value.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
pub struct ConfigurationItem {
    /// The value: a text, a whole number, or true or false.
    #[schema(value_type = Value)]
    pub value: Value,
    /// Whether it can be changed.
    pub editable: bool,
}
