//! Runs work on threads of its own, passes news between threads, and limits how many do something at once.
//!
//! Threads take any closure and channels any news, but the code that starts and waits is the same for all:
//! with the standard library's functions the program would contain a copy for each type.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::sys::clock::Deadline;

/// Starts a thread with a stack of fixed size. If none can be had, this returns an error and does not
/// panic.
pub fn spawn(
    name: &str,
    stack_bytes: usize,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    spawn_boxed(name, stack_bytes, Box::new(run))
}

fn spawn_boxed(name: &str, stack_bytes: usize, run: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(stack_bytes).spawn(run).map(drop)
}

/// Runs a function on a thread of its own and waits for its end, so that the memory of a deep stack is
/// freed. If no thread can be had, the function does not run.
pub fn apart(name: &str, stack_bytes: usize, run: &mut (dyn FnMut() + Send)) -> io::Result<()> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(name.to_owned());
        let spawned = builder.stack_size(stack_bytes).spawn_scoped(scope, run)?;
        // Nothing panics, so the result of the thread carries no information.
        let _ = spawned.join();
        Ok(())
    })
}

/// News from many threads to one, in their order.
pub fn mailbox<T>() -> (Tell<T>, Inbox<T>) {
    let shared = Arc::new(Shared {
        news: Mutex::new(Some(Vec::new())),
        arrived: Condvar::new(),
    });
    (Tell(Arc::clone(&shared)), Inbox(shared))
}

/// Where news is told.
pub struct Tell<T>(Arc<Shared<T>>);

/// Where it is waited for.
pub struct Inbox<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// `None` when nobody waits any more.
    news: Mutex<Option<Vec<T>>>,
    arrived: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<T>>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Tell<T> {
    /// Never waits. False: nobody will hear it.
    pub fn tell(&self, this: T) -> bool {
        let mut news = self.0.lock();
        let Some(news) = news.as_mut() else {
            return false;
        };
        news.push(this);
        self.0.arrived.notify_one();
        true
    }
}

impl<T> Clone for Tell<T> {
    fn clone(&self) -> Tell<T> {
        Tell(Arc::clone(&self.0))
    }
}

impl<T> Inbox<T> {
    /// The oldest news, waited for so long.
    pub fn wait(&self, wait: Duration) -> Option<T> {
        let deadline = Deadline::after(wait);
        let mut news = self.0.lock();
        loop {
            if let Some(news) = news.as_mut()
                && !news.is_empty()
            {
                return Some(news.remove(0));
            }
            let woken = self.0.arrived.wait_timeout(news, deadline.left()?);
            (news, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Drop for Inbox<T> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// So many may do something at once; the others wait for one of them to end.
pub struct Turns {
    places: Mutex<Places>,
    ended: Condvar,
}

struct Places {
    free: usize,
    /// Threads that wait for one: where there are none, nobody need be woken.
    waiting: usize,
}

/// One of them, to the end of the value.
pub struct Turn<'t>(&'t Turns);

impl Turns {
    /// `most` at once, at least one.
    pub fn new(most: usize) -> Turns {
        Turns {
            places: Mutex::new(Places {
                free: most.max(1),
                waiting: 0,
            }),
            ended: Condvar::new(),
        }
    }

    /// Waits without end: what is done in a turn must be short, and wait for nothing.
    pub fn take(&self) -> Turn<'_> {
        let mut places = self.lock();
        while places.free == 0 {
            places.waiting = places.waiting.saturating_add(1);
            places = (self.ended.wait(places)).unwrap_or_else(PoisonError::into_inner);
            places.waiting = places.waiting.saturating_sub(1);
        }
        places.free = places.free.saturating_sub(1);
        Turn(self)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut places = self.0.lock();
        places.free = places.free.saturating_add(1);
        if places.waiting > 0 {
            self.0.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn news_comes_in_order_and_from_threads() {
        let (tell, inbox) = mailbox();
        assert_eq!(inbox.wait(Duration::from_millis(1)), None);
        for number in 0..3 {
            assert!(tell.tell(number));
        }
        let other = tell.clone();
        let spawned = spawn("test", 64 * 1024, move || {
            // The others may have been heard by then or not.
            other.tell(3);
        });
        assert!(spawned.is_ok());
        let heard: Vec<_> = (0..4).filter_map(|_| inbox.wait(LONG)).collect();
        assert_eq!(heard, [0, 1, 2, 3]);
        assert_eq!(inbox.wait(Duration::ZERO), None);
    }

    #[test]
    fn who_tells_knows_that_nobody_hears() {
        let (tell, inbox) = mailbox();
        drop(inbox);
        assert!(!tell.tell(1));
    }

    #[test]
    fn a_third_waits_for_one_of_two() {
        let turns = Arc::new(Turns::new(2));
        let first = turns.take();
        let second = turns.take();
        let (tell, inbox) = mailbox();
        let shared = Arc::clone(&turns);
        let spawned = spawn("test", 64 * 1024, move || {
            let _third = shared.take();
            tell.tell(());
        });
        assert!(spawned.is_ok());
        assert_eq!(inbox.wait(Duration::from_millis(50)), None);
        drop(second);
        assert_eq!(inbox.wait(LONG), Some(()));
        drop(first);
        drop((turns.take(), turns.take()));
    }
}
