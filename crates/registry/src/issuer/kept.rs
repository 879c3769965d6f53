//! A thing fetched from elsewhere and kept for a while; one fetch at a time, and the old one while the new cannot be had.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::ASKED_AGAIN_AFTER;

/// Nothing yet, or what the last fetches gave.
pub(super) struct Kept<T>(Mutex<Slot<T>>);

struct Slot<T> {
    value: Option<(Arc<T>, Instant)>,
    failure: Option<(String, Instant)>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept(Mutex::new(Slot { value: None, failure: None }))
    }
}

impl<T> Kept<T> {
    /// The value, fetched anew if it is older than `age`. What fails is not tried again for a moment; meanwhile an
    /// older value stands in, if there is one.
    pub(super) async fn get<F>(&self, age: Duration, fetch: impl FnOnce() -> F) -> Result<Arc<T>, String>
    where
        F: Future<Output = Result<T, String>>,
    {
        let mut slot = self.0.lock().await;
        if let Some((value, at)) = &slot.value
            && at.elapsed() < age
        {
            return Ok(value.clone());
        }
        if !slot.failed_just_now() {
            slot.take_in(fetch().await);
        }
        slot.answer()
    }
}

impl<T> Slot<T> {
    fn failed_just_now(&self) -> bool {
        self.failure.as_ref().is_some_and(|(_, at)| at.elapsed() < ASKED_AGAIN_AFTER)
    }

    fn take_in(&mut self, fetched: Result<T, String>) {
        match fetched {
            Ok(value) => *self = Slot { value: Some((Arc::new(value), Instant::now())), failure: None },
            Err(reason) => {
                tracing::warn!(%reason, "an issuer could not be asked");
                self.failure = Some((reason, Instant::now()));
            }
        }
    }

    fn answer(&self) -> Result<Arc<T>, String> {
        match (&self.value, &self.failure) {
            (Some((value, _)), _) => Ok(value.clone()),
            (None, Some((reason, _))) => Err(reason.clone()),
            (None, None) => Err("nothing was fetched".to_owned()),
        }
    }
}
