//! Holds the latest events of this machine in the daemon, to which every other process sends its own.
//! Events are bytes whose meaning is not known here.
//!
//! Nothing is written to a disk: another process sends an event in one datagram to a socket, and does not
//! wait. If nobody reads there, or too slowly, the event is lost.
//!
//! Invariant: an event is recorded with a copy and without a system call in the process that holds them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits::{EVENT_BYTES_MAX, EVENTS_KEYS_MAX, EVENTS_MAX, EVENTS_STACK_BYTES};
use crate::sys::directory::Directory;
use crate::sys::threads;

/// The meaning of an event for the thing that its key names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The event has no meaning for it.
    Neither,
    /// It works.
    Works,
    /// It works, but not for this event, which is the latest failure and is not listed among the events.
    Refuses,
    /// It has failed. This event is the latest failure as well, and not listed either.
    Fails,
}

/// The failures of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// The key of the thing that has failed.
    pub key: String,
    /// The first failure since it worked last; `None` if it has worked since.
    pub first: Option<Box<[u8]>>,
    /// The latest failure.
    pub last: Box<[u8]>,
}

/// The events of this process and of those that send it theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// The latest [`EVENTS_MAX`], oldest first.
    pub events: Vec<Box<[u8]>>,
    /// The failures of each key that has ever failed.
    pub failures: Vec<Failures>,
}

/// The place to which events go.
enum Sink {
    /// Events are dropped.
    Nowhere,
    /// Events are held here.
    Here(Held),
    /// Events are sent to the process that reads this socket.
    Socket(PathBuf),
}

static SINK: Mutex<Sink> = Mutex::new(Sink::Nowhere);

fn sink() -> MutexGuard<'static, Sink> {
    SINK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds events in this process from now on. Events that are held already stay.
pub fn hold() {
    let mut sink = sink();
    if !matches!(*sink, Sink::Here(_)) {
        *sink = Sink::Here(Held::default());
    }
}

/// Sends events from now on to the process that reads this socket, if there is one.
pub fn tell(socket: PathBuf) {
    *sink() = Sink::Socket(socket);
}

/// Drops events from now on, and forgets those that were held.
pub fn forget() {
    *sink() = Sink::Nowhere;
}

/// Whether events are held or sent.
pub fn are_wanted() -> bool {
    !matches!(*sink(), Sink::Nowhere)
}

/// Records an event. An event longer than [`EVENT_BYTES_MAX`] is lost.
pub fn record(mark: Mark, key: &str, event: &[u8]) {
    match &mut *sink() {
        Sink::Nowhere => {}
        Sink::Here(held) => held.take(mark, key, event),
        Sink::Socket(path) => send(path, mark, key, event),
    }
}

/// Shows the events that are held to `read`, which must not wait or record: others wait for it.
pub fn read(read: &mut dyn FnMut(&Held)) {
    if let Sink::Here(held) = &*sink() {
        read(held);
    }
}

impl Held {
    fn take(&mut self, mark: Mark, key: &str, event: &[u8]) {
        if event.len() > EVENT_BYTES_MAX {
            return;
        }
        let is_failure = matches!(mark, Mark::Refuses | Mark::Fails);
        if !is_failure {
            if self.events.len() >= EVENTS_MAX {
                self.events.remove(0);
            }
            self.events.push(event.into());
        }
        let at = self.failures.iter().position(|it| it.key == key);
        if at.is_none() && is_failure && self.failures.len() < EVENTS_KEYS_MAX {
            self.failures.push(Failures {
                key: key.to_owned(),
                ..Failures::default()
            });
        }
        let at = at.unwrap_or(self.failures.len().saturating_sub(1));
        let known = self.failures.get_mut(at).filter(|it| it.key == key);
        if let Some(known) = known.filter(|_| mark != Mark::Neither) {
            match mark {
                Mark::Fails => {
                    known.first.get_or_insert_with(|| event.into());
                }
                _ => known.first = None,
            }
            if is_failure {
                known.last = event.into();
            }
        }
    }
}

// ---- Between processes ----------------------------------------------------------------------

/// The length of the longest key in a datagram, in bytes; its length is stored in one byte.
const KEY_BYTES_MAX: usize = 255;
/// The length of the longest datagram: mark, length of the key, key, event.
const DATAGRAM_BYTES_MAX: usize = 2 + KEY_BYTES_MAX + EVENT_BYTES_MAX;

fn send(path: &Path, mark: Mark, key: &str, event: &[u8]) {
    let Ok(length) = u8::try_from(key.len()) else {
        return;
    };
    let mark = match mark {
        Mark::Neither => b'-',
        Mark::Works => b'+',
        Mark::Refuses => b'?',
        Mark::Fails => b'!',
    };
    let datagram = [&[mark, length], key.as_bytes(), event].concat();
    // Sending never waits: an event that cannot be sent now is lost.
    let _ = UnixDatagram::unbound().and_then(|socket| {
        socket.set_nonblocking(true)?;
        socket.send_to(&datagram, path)
    });
}

/// Reads a datagram. Returns `None` if it is not ours.
fn parse(datagram: &[u8]) -> Option<(Mark, &str, &[u8])> {
    let (mark, rest) = datagram.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (key, event) = rest.split_at_checked(usize::from(*length))?;
    let mark = match mark {
        b'-' => Mark::Neither,
        b'+' => Mark::Works,
        b'?' => Mark::Refuses,
        b'!' => Mark::Fails,
        _ => return None,
    };
    Some((mark, core::str::from_utf8(key).ok()?, event))
}

/// The socket that the thread reads, if there is such a thread.
static READ: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Reads the events of other processes from a socket at `path`, on a thread of its own, unless it does so
/// already. A socket that an earlier run has left is replaced; anything else in its place is an error.
pub fn listen(path: &Path) -> io::Result<()> {
    let mut read_already = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if read_already.as_deref() == Some(path) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        Directory::make(folder)?;
    }
    if let Ok(found) = fs::symlink_metadata(path)
        && found.file_type().is_socket()
    {
        fs::remove_file(path)?;
    }
    let socket = UnixDatagram::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    threads::spawn("events", EVENTS_STACK_BYTES, move || receive(&socket))?;
    *read_already = Some(path.to_owned());
    Ok(())
}

fn receive(socket: &UnixDatagram) {
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    loop {
        match socket.recv(&mut datagram) {
            Ok(bytes) => {
                let told = datagram.get(..bytes).and_then(parse);
                if let (Some((mark, key, event)), Sink::Here(held)) = (told, &mut *sink()) {
                    held.take(mark, key, event);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn texts(held: &Held) -> Vec<String> {
        let text = |event: &[u8]| String::from_utf8(event.to_vec()).unwrap();
        held.events.iter().map(|it| text(it)).collect()
    }

    #[test]
    fn the_latest_are_held_and_the_oldest_go() {
        for (count, expected, first) in [
            (EVENTS_MAX - 1, EVENTS_MAX - 1, "0"),
            (EVENTS_MAX, EVENTS_MAX, "0"),
            (EVENTS_MAX + 1, EVENTS_MAX, "1"),
        ] {
            let mut held = Held::default();
            for n in 0..count {
                held.take(Mark::Neither, "", n.to_string().as_bytes());
            }
            let texts = texts(&held);
            assert_eq!((texts.len(), texts[0].as_str()), (expected, first));
        }
    }

    #[test]
    fn a_failure_stands_until_its_key_works_and_the_latest_is_known_after_that() {
        let mut held = Held::default();
        held.take(Mark::Works, "a", b"1");
        assert_eq!(held.failures, []);
        held.take(Mark::Fails, "a", b"2");
        held.take(Mark::Fails, "b", b"3");
        held.take(Mark::Fails, "a", b"4");
        let one = |key: &str, first: Option<&[u8]>, last: &[u8]| Failures {
            key: key.to_owned(),
            first: first.map(Into::into),
            last: last.into(),
        };
        let b = one("b", Some(b"3"), b"3");
        assert_eq!(held.failures, [one("a", Some(b"2"), b"4"), b.clone()]);
        held.take(Mark::Works, "a", b"5");
        assert_eq!(held.failures, [one("a", None, b"4"), b]);
        assert_eq!(texts(&held), ["1", "5"]);
        // A refusal is an answer, and so is the end of a failure.
        held.take(Mark::Refuses, "b", b"6");
        assert_eq!(held.failures[1], one("b", None, b"6"));
        assert_eq!(texts(&held), ["1", "5"]);
    }

    #[test]
    fn what_is_too_much_is_lost() {
        let mut held = Held::default();
        for bytes in [EVENT_BYTES_MAX - 1, EVENT_BYTES_MAX, EVENT_BYTES_MAX + 1] {
            held.take(Mark::Neither, "", &vec![b'x'; bytes]);
        }
        assert_eq!(held.events.len(), 2);
        for n in 0..EVENTS_KEYS_MAX + 1 {
            held.take(Mark::Fails, &n.to_string(), b"x");
        }
        assert_eq!(held.failures.len(), EVENTS_KEYS_MAX);
    }

    #[test]
    fn a_datagram_of_somebody_else_says_nothing() {
        assert_eq!(parse(b"+\x01ax"), Some((Mark::Works, "a", b"x".as_slice())));
        assert_eq!(parse(b"-\x00"), Some((Mark::Neither, "", b"".as_slice())));
        for bad in [b"".as_slice(), b"+", b"+\x02a", b"x\x01ax", b"!\x01\xff"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
