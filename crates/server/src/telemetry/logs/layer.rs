//! The tracing layer behind the logs: event in, rendered line out.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::{Collector, Fields, Line};
use super::render::Render;
use super::repeat::{Repeats, Verdict};
use super::sink::Sink;

/// Writes events as log lines.
#[derive(Debug)]
pub struct LogLayer {
    shared: Arc<Shared>,
}

/// What the layer shares with the writer's thread.
#[derive(Debug)]
pub(super) struct Shared {
    render: Render,
    repeats: Repeats,
    sink: Arc<Sink>,
}

impl LogLayer {
    pub(super) fn new(shared: Arc<Shared>) -> LogLayer {
        LogLayer { shared }
    }
}

impl Shared {
    pub(super) fn new(render: Render, sink: Arc<Sink>) -> Shared {
        Shared { render, repeats: Repeats::default(), sink }
    }

    fn write(&self, line: &Line) {
        thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            self.render.line(line, buffer);
            self.sink.push(buffer);
        });
    }

    /// Says how often the folded lines came since they were last spoken of, where it is time.
    /// Returns whether any line is still being folded.
    pub(super) fn write_due(&self, now: Instant) -> bool {
        let due = self.repeats.due(now);
        due.lines.iter().for_each(|line| self.write(line));
        due.folding
    }

    /// Says it now, for the last time.
    pub(super) fn write_folded(&self) {
        self.repeats.all().iter().for_each(|line| self.write(line));
    }

    /// A line about the log itself.
    pub(super) fn render_own(&self, message: String, buffer: &mut Vec<u8>) {
        let line =
            Line { level: tracing::Level::WARN, target: module_path!(), message, fields: Fields::default() };
        self.render.line(&line, buffer);
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut collector = Collector::default();
        attributes.record(&mut collector);
        span.extensions_mut().insert(collector.fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut collector = Collector::default();
        values.record(&mut collector);
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            collector.fields.0.into_iter().for_each(|(name, value)| fields.set(name, value));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut collector = Collector::default();
        event.record(&mut collector);
        if let Some(scope) = context.event_scope(event) {
            for span in scope {
                if let Some(fields) = span.extensions().get::<Fields>() {
                    collector.fields.add_missing(fields);
                }
            }
        }
        let metadata = event.metadata();
        let line = Line {
            level: *metadata.level(),
            target: metadata.target(),
            message: collector.message,
            fields: collector.fields,
        };
        match self.shared.repeats.judge(&metadata.callsite(), &line, Instant::now()) {
            Verdict::Write => self.shared.write(&line),
            Verdict::Fold { first } if first => self.shared.sink.wake(),
            Verdict::Fold { .. } => {}
        }
    }
}
