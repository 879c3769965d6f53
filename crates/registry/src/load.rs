//! What this node has under way for its clients: counted by the server, shown by `hythe nodes`, heeded by background work.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::Registry;

/// What a node has under way at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Requests whose answers have not gone out whole.
    pub requests: u32,
    /// Among them, bodies of 64 KiB and more, or of unknown size, in either direction.
    pub transfers: u32,
}

/// Who is asked for it; nobody in a command without a server.
#[derive(Default)]
pub(crate) struct Gauge(OnceLock<fn() -> Load>);

impl Registry {
    /// Says where the load is to be read. The first to say so is heard.
    pub fn measure_load_by(&self, measure: fn() -> Load) {
        let _ = self.load.0.set(measure);
    }

    /// What this node has under way now.
    pub fn load(&self) -> Load {
        self.load.0.get().map_or_else(Load::default, |measure| measure())
    }
}
