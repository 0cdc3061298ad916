//! Who has read another configuration → who drains the queue.

use std::sync::{Arc, Mutex, PoisonError};

/// Rung where the configuration is another, so that it is heard of now and not when something happens in
/// the queue.
#[derive(Clone, Default)]
pub struct Bell(Arc<Mutex<Option<Ring>>>);

type Ring = Box<dyn Fn() + Send>;

impl Bell {
    /// Where nobody drains the queue, nobody hears it.
    pub fn ring(&self) {
        let hung = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = hung.as_ref() {
            ring();
        }
    }

    /// From now on it does this.
    pub(super) fn hang(&self, ring: impl Fn() + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(ring));
    }
}
