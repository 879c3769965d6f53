//! Icons of artifacts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A picture.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Icon {
    /// Its media type.
    #[serde(rename = "content-type")]
    pub content_type: String,
    /// The picture in base64.
    pub content: String,
}
