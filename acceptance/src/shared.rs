//! One server for the tests of a module, for as long as one of them runs.

use std::sync::{Arc, Mutex, Weak};

use crate::server::Server;

/// A place for a server. Statics are never dropped, and a server that is never dropped outlives the tests; so
/// the place holds it weakly.
pub struct Shared(Mutex<Weak<Server>>);

impl Shared {
    /// An empty place.
    pub const fn new() -> Shared {
        Shared(Mutex::new(Weak::new()))
    }

    /// The running server, or a new one.
    pub fn server(&self) -> Arc<Server> {
        let mut place = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        place.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *place = Arc::downgrade(&server);
            server
        })
    }
}

impl Default for Shared {
    fn default() -> Shared {
        Shared::new()
    }
}
