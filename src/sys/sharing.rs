//! Shares one sync of a folder among all threads that have changed it.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

/// Numbers the syncs of one folder. A thread that has changed it needs a sync that *began* after the
/// change; all threads that wait meanwhile share the next.
#[derive(Debug, Default)]
pub struct SharedSync {
    syncs: Mutex<Syncs>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Syncs {
    begun: u64,
    done: u64,
    /// The number of the last failed sync; `error` is its error.
    failed: u64,
    error: Option<Errno>,
}

impl SharedSync {
    /// Waits until this thread's changes are on the disk; one thread calls `sync` for all.
    pub fn sync(&self, sync: &dyn Fn() -> io::Result<()>) -> io::Result<()> {
        let mut syncs = self.lock();
        let mine = syncs.begun.saturating_add(1);
        while syncs.done < mine {
            if syncs.begun > syncs.done {
                syncs = (self.ended.wait(syncs)).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            syncs.begun = syncs.begun.saturating_add(1);
            drop(syncs);
            let synced = sync();
            syncs = self.lock();
            syncs.done = syncs.begun;
            if let Err(error) = synced {
                syncs.failed = syncs.done;
                syncs.error = Errno::from_io_error(&error);
            }
            self.ended.notify_all();
        }
        match syncs.failed < mine {
            true => Ok(()),
            false => Err(syncs.error.unwrap_or(Errno::IO).into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Syncs> {
        self.syncs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_syncs_and_each_gets_one_that_began_after_it_asked() {
        let shared = SharedSync::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let begun = shared.lock().begun;
                        shared.sync(&|| Ok(())).unwrap();
                        assert!(shared.lock().done > begun);
                    }
                });
            }
        });
        let syncs = shared.lock();
        assert_eq!(syncs.begun, syncs.done);
        assert!(syncs.done <= 400, "{}", syncs.done);
    }

    #[test]
    fn a_failed_sync_is_told_and_the_next_is_another() {
        let shared = SharedSync::default();
        let failed = shared.sync(&|| Err(Errno::IO.into())).unwrap_err();
        assert_eq!(Errno::from_io_error(&failed), Some(Errno::IO));
        shared.sync(&|| Ok(())).unwrap();
    }
}
