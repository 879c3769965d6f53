//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second for one at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How often the process was told to end.
pub(super) struct Signals(watch::Receiver<u32>);

impl Signals {
    /// Begins to listen; from now on a signal does not end the process by itself.
    pub(super) fn listen() -> io::Result<Self> {
        let (count, counted) = watch::channel(0);
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(count_signals(interrupt, terminate, count));
        Ok(Self(counted))
    }

    /// Resolves at the first signal.
    pub(super) fn stop(&self) -> impl Future<Output = ()> + Send + use<> {
        reached(self.0.clone(), 1)
    }

    /// Resolves at the second.
    pub(super) fn stop_now(&self) -> impl Future<Output = ()> + Send + use<> {
        reached(self.0.clone(), 2)
    }
}

async fn count_signals(mut interrupt: Signal, mut terminate: Signal, count: watch::Sender<u32>) {
    loop {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        count.send_modify(|count| *count += 1);
        match *count.borrow() {
            1 => {
                tracing::info!(signal = name, "stopping: running transfers may end, new requests are refused")
            }
            _ => tracing::info!(signal = name, "stopping at once"),
        }
    }
}

async fn reached(mut counted: watch::Receiver<u32>, number: u32) {
    if counted.wait_for(|count| *count >= number).await.is_err() {
        // Nobody counts any more, so no signal will come.
        std::future::pending::<()>().await;
    }
}
