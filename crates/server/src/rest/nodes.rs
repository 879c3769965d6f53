//! Nodes over the API: Hythe's own; Harbor does not know of its replicas.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use hythe_api::node::{Node, NodeLoad};
use hythe_api::system::ComponentHealthStatus;
use hythe_registry::nodes;

use super::{Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

/// `GET /nodes`: a handful, so they come on one page.
#[utoipa::path(
    get, path = "/nodes", tag = "node", operation_id = "listNodes",
    responses((status = 200, description = "Every node that is there or was lately", body = [Node]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Json<Vec<Node>>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let nodes = app.registry.list_nodes(&permit).await?;
    Ok(Json(nodes.into_iter().map(show).collect()))
}

pub(super) fn show(node: nodes::Node) -> Node {
    let load = node.report.load;
    Node {
        id: node.id,
        name: node.name,
        version: node.version,
        addresses: node.addresses,
        state: node.state.as_str().to_owned(),
        started_at: timestamp(node.started_at),
        seen_at: timestamp(node.seen_at),
        clock_offset_ms: node.clock_offset / 1000,
        load: NodeLoad { requests: load.requests, transfers: load.transfers },
        components: node.report.parts.into_iter().map(component).collect(),
        here: node.here,
    }
}

fn component(part: nodes::Part) -> ComponentHealthStatus {
    let status = if part.trouble.is_some() { "unhealthy" } else { "healthy" };
    ComponentHealthStatus {
        name: part.name,
        status: status.to_owned(),
        since: timestamp(part.since),
        error: part.trouble,
    }
}
