//! Wakes the thread that drains the queue after a reload.

use std::sync::{Arc, Mutex, PoisonError};

/// Rung after a reload, so that the queue notices it at once and not only when something happens there.
#[derive(Clone, Default)]
pub struct Bell(Arc<Mutex<Option<Ring>>>);

type Ring = Box<dyn Fn() + Send>;

impl Bell {
    /// Rings; without a process that drains the queue this has no effect.
    pub fn ring(&self) {
        let hung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = hung.as_ref() {
            ring();
        }
    }

    /// Sets what ringing does from now on.
    pub(super) fn hang(&self, ring: impl Fn() + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(ring));
    }
}
