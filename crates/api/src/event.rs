//! What the stream of events is made of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One event of the stream, field by field as `text/event-stream` has them (HTML, section 9.2.6).
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Event {
    /// `job`, `node` or `beat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub event: Option<String>,
    /// What is given back as `Last-Event-ID` to go on behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<String>,
    /// The job or the node as JSON, as the API shows it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub data: Option<String>,
}
