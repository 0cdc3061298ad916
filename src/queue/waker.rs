//! Wakes the thread that drains the queue after a reload.

use std::sync::{Arc, Mutex, PoisonError};

/// Wakes a thread after a reload, so that the queue notices it at once and not only when something happens
/// there.
#[derive(Clone, Default)]
pub struct Waker(Arc<Mutex<Option<Wake>>>);

type Wake = Box<dyn Fn() + Send>;

impl Waker {
    /// Wakes the thread. Without a thread that drains the queue this has no effect.
    pub fn wake(&self) {
        let wake = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wake.as_ref() {
            wake();
        }
    }

    /// Sets the function that wakes the thread.
    pub(super) fn set(&self, wake: impl Fn() + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }
}
