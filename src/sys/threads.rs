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
    // The same type as that of `spawn_boxed`, so that the code of the standard library is there once.
    let run: Box<dyn FnOnce() + Send> = Box::new(run);
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(name.to_owned());
        let spawned = builder.stack_size(stack_bytes).spawn_scoped(scope, run)?;
        // Nothing panics, so the result of the thread carries no information.
        let _ = spawned.join();
        Ok(())
    })
}

/// Opens a channel for news from many threads to one, which keeps their order.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        news: Mutex::new(Some(Vec::new())),
        arrived: Condvar::new(),
    });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The end of a channel that sends.
pub struct Sender<T>(Arc<Shared<T>>);

/// The end of a channel that waits for news.
pub struct Receiver<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// The news that waits; `None` when there is no receiver any more.
    news: Mutex<Option<Vec<T>>>,
    arrived: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<T>>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sender<T> {
    /// Sends without waiting. Returns false if there is no receiver.
    pub fn send(&self, this: T) -> bool {
        let mut news = self.0.lock();
        let Some(news) = news.as_mut() else {
            return false;
        };
        news.push(this);
        self.0.arrived.notify_one();
        true
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender(Arc::clone(&self.0))
    }
}

impl<T> Receiver<T> {
    /// Returns the oldest news, for which it waits so long.
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

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// Lets a fixed number of threads do something at once; the others wait.
pub struct Semaphore {
    places: Mutex<Places>,
    ended: Condvar,
}

struct Places {
    free: usize,
    /// The number of waiting threads: without any, none need be woken.
    waiting: usize,
}

/// A place of a [`Semaphore`], which is given back when the value is dropped.
pub struct SemaphoreGuard<'t>(&'t Semaphore);

impl Semaphore {
    /// Makes a semaphore with `most` places, at least one.
    pub fn new(most: usize) -> Semaphore {
        Semaphore {
            places: Mutex::new(Places {
                free: most.max(1),
                waiting: 0,
            }),
            ended: Condvar::new(),
        }
    }

    /// Takes a place, and waits for one without a limit: the holder must be quick, and wait for nothing.
    pub fn take(&self) -> SemaphoreGuard<'_> {
        let mut places = self.lock();
        while places.free == 0 {
            places.waiting = places.waiting.saturating_add(1);
            places = (self.ended.wait(places)).unwrap_or_else(PoisonError::into_inner);
            places.waiting = places.waiting.saturating_sub(1);
        }
        places.free = places.free.saturating_sub(1);
        SemaphoreGuard(self)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SemaphoreGuard<'_> {
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
        let (sender, receiver) = channel();
        assert_eq!(receiver.wait(Duration::from_millis(1)), None);
        for number in 0..3 {
            assert!(sender.send(number));
        }
        let other = sender.clone();
        let spawned = spawn("test", 64 * 1024, move || {
            // The others may have been received by then or not.
            other.send(3);
        });
        assert!(spawned.is_ok());
        let heard: Vec<_> = (0..4).filter_map(|_| receiver.wait(LONG)).collect();
        assert_eq!(heard, [0, 1, 2, 3]);
        assert_eq!(receiver.wait(Duration::ZERO), None);
    }

    #[test]
    fn a_sender_knows_that_there_is_no_receiver() {
        let (sender, receiver) = channel();
        drop(receiver);
        assert!(!sender.send(1));
    }

    #[test]
    fn a_third_waits_for_one_of_two() {
        let semaphore = Arc::new(Semaphore::new(2));
        let first = semaphore.take();
        let second = semaphore.take();
        let (sender, receiver) = channel();
        let shared = Arc::clone(&semaphore);
        let spawned = spawn("test", 64 * 1024, move || {
            let _third = shared.take();
            sender.send(());
        });
        assert!(spawned.is_ok());
        assert_eq!(receiver.wait(Duration::from_millis(50)), None);
        drop(second);
        assert_eq!(receiver.wait(LONG), Some(()));
        drop(first);
        drop((semaphore.take(), semaphore.take()));
    }
}
