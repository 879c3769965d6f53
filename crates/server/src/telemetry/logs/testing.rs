//! For tests: logs on a page instead of standard output.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::Subscriber;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::render::Render;
use super::{Filter, Guard, Options, layer_to};

/// What was written.
#[derive(Clone, Default)]
pub(in crate::telemetry) struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    pub(in crate::telemetry) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(in crate::telemetry) fn json(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(super) fn options() -> Options {
    Options { node: "node-1".to_owned(), ..Options::default() }
}

/// A subscriber that writes JSON lines to a page. Read the page after the guard has gone.
pub(in crate::telemetry) fn subscriber(filter: &str) -> (impl Subscriber + Send + Sync, Guard, Page) {
    let page = Page::default();
    let (layer, guard) = layer_to(Render::json(&options()), Box::new(page.clone())).unwrap();
    let layer = layer.with_filter(Filter::parse(filter).unwrap().targets());
    (tracing_subscriber::registry().with(layer), guard, page)
}
