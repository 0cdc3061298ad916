//! Writes one line for each event to syslog (local0) or stderr, escaped and cut.
//!
//! Nothing here waits: a line that cannot be sent is dropped and counted, and the next line that is sent is
//! preceded by the count. The socket is opened again after it broke. Without a syslog, lines go to stderr.
//! No time stamp is written: every syslog adds its own, and a static program does not know the local time.
//!
//! Invariant: every event is one line of at most [`LOG_LINE_BYTES_MAX`] bytes.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::makedev;

use crate::limits::{
    LOG_LINE_BYTES_MAX, LOG_LOOK_PAUSE, LOG_REFUSALS_PER_SECOND_MAX, LOG_VALUE_BYTES_MAX,
};

/// Opens the log of this process. `ident` is the program's name in every line. Before this call, and
/// without a syslog, lines go to stderr.
pub fn open(ident: &'static str, stderr: Stderr) {
    open_at(Path::new("/dev/log"), ident, stderr);
}

/// Opens the log of this process with another syslog socket.
pub fn open_at(socket: &'static Path, ident: &'static str, stderr: Stderr) {
    DETAIL.store(stderr == Stderr::Too, Ordering::Relaxed);
    let mut log = lock();
    *log = Log::new(socket, ident, stderr);
    log.connect(Instant::now());
}

/// Stops all logging: what follows is an experiment, whose results are shown to a person.
pub fn mute() {
    *lock() = Log {
        stderr: Stderr::Never,
        ..Log::new_const()
    };
}

/// Logs one line. [`Level::Debug`] is for `-v` only. Values from outside must be wrapped in [`Clean`], or
/// in [`Quoted`] if other values follow them; texts, secrets, targets and queries are not logged at all
/// (spec §11).
pub fn event(level: Level, words: fmt::Arguments<'_>) {
    if level == Level::Debug && !DETAIL.load(Ordering::Relaxed) {
        return;
    }
    let line = Line::of(words);
    lock().event(level, line.as_str(), Instant::now());
}

/// Returns whether the latest line went to stderr, because of `-v` or without a syslog.
pub fn has_shown() -> bool {
    lock().shown
}

/// Logs a refusal that anybody can provoke, as a notice: at most [`LOG_REFUSALS_PER_SECOND_MAX`] a second.
/// The others are counted, and their number precedes the next line of a later second.
pub fn refusal(words: fmt::Arguments<'_>) {
    refusal_at(Level::Notice, words);
}

/// Logs a refusal at this level, with the same limit, if the operator must learn of it.
pub fn refusal_at(level: Level, words: fmt::Arguments<'_>) {
    if lock().admits_refusal(Instant::now()) {
        event(level, words);
    }
}

/// Logs a further notice on a refusal that was logged: it counts as one of the lines of that second, and is
/// dropped uncounted if there is no room.
pub fn beside_refusal(words: fmt::Arguments<'_>) {
    if lock().admits_line(Instant::now()) {
        event(Level::Notice, words);
    }
}

/// The severity of an event, as the syslog levels of these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The operator must act.
    Error,
    /// The operator should look.
    Warning,
    /// The event is normal, but rare.
    Notice,
    /// The event is usual: one line for each SMS.
    Info,
    /// The event is for `-v` only.
    Debug,
}

/// Whether stderr gets every line as well (`-v`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// Every line, including [`Level::Debug`].
    Too,
    /// Every line while there is no syslog.
    Instead,
    /// No line.
    Never,
}

/// Bytes from outside, for a log line: all but printable ASCII becomes `\xHH`, a backslash is doubled. The
/// value is cut after [`LOG_VALUE_BYTES_MAX`] bytes with the mark `\...`, which no other input gives.
pub struct Clean<'a>(pub &'a [u8]);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..LOG_VALUE_BYTES_MAX).unwrap_or(self.0);
        match str::from_utf8(shown) {
            Ok(words) if is_plain(shown) && !words.contains('\\') => f.write_str(words)?,
            _ => escape(shown, f)?,
        }
        if self.0.len() > LOG_VALUE_BYTES_MAX {
            f.write_str(CUT_MARK)?;
        }
        Ok(())
    }
}

fn escape(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in bytes {
        match byte {
            b'\\' => f.write_str("\\\\")?,
            b' '..=b'~' => f.write_char(char::from(*byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    Ok(())
}

/// A value from outside that stands beside others in a line (`to=… from=…`). It is escaped like [`Clean`],
/// and put in double quotes if a blank, `=` or a quotation mark in it could be taken for the end of a field
/// or the beginning of another. A quotation mark in it becomes `\x22`.
pub struct Quoted<'a>(pub &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.iter().any(|byte| matches!(byte, b' ' | b'=' | b'"')) {
            return Clean(self.0).fmt(f);
        }
        let shown = self.0.get(..LOG_VALUE_BYTES_MAX).unwrap_or(self.0);
        f.write_char('"')?;
        for (number, part) in shown.split(|byte| *byte == b'"').enumerate() {
            if number > 0 {
                f.write_str("\\x22")?;
            }
            Clean(part).fmt(f)?;
        }
        if self.0.len() > LOG_VALUE_BYTES_MAX {
            f.write_str(CUT_MARK)?;
        }
        f.write_char('"')
    }
}

static LOG: Mutex<Log> = Mutex::new(Log::new_const());

/// Whether `-v` was given. It can be read without the lock, so that a line of detail that is not shown
/// costs nothing.
static DETAIL: AtomicBool = AtomicBool::new(false);

fn lock() -> MutexGuard<'static, Log> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Log {
    /// The path of the socket; `None` until it is opened, when there is stderr only.
    path: Option<&'static Path>,
    ident: &'static str,
    /// The number of the process, as it stands in a line to the syslog: `[1]: `.
    process: String,
    stderr: Stderr,
    /// Whether stderr is `/dev/null`, to which nothing need be written.
    is_null: bool,
    socket: Option<UnixDatagram>,
    /// The time of the last look that found no syslog.
    missed: Option<Instant>,
    /// Whether there ever was a syslog. If so, a line that it misses counts as lost even if stderr got it:
    /// a daemon's stderr is often `/dev/null`.
    reached: bool,
    /// Whether stderr got the latest line.
    shown: bool,
    lost: u64,
    second: Option<Instant>,
    refusals: u32,
    refusals_hidden: u64,
}

impl Log {
    const fn new_const() -> Log {
        Log {
            path: None,
            ident: "websms",
            process: String::new(),
            stderr: Stderr::Instead,
            is_null: false,
            socket: None,
            missed: None,
            reached: false,
            shown: false,
            lost: 0,
            second: None,
            refusals: 0,
            refusals_hidden: 0,
        }
    }

    fn new(path: &'static Path, ident: &'static str, stderr: Stderr) -> Log {
        Log {
            path: Some(path),
            ident,
            process: format!("[{}]: ", std::process::id()),
            stderr,
            is_null: is_null(io::stderr().as_fd()),
            ..Log::new_const()
        }
    }

    fn connect(&mut self, now: Instant) {
        let Some(path) = self.path else { return };
        let is_early = |missed| now.saturating_duration_since(missed) < LOG_LOOK_PAUSE;
        if self.missed.is_some_and(is_early) {
            return;
        }
        let connected = UnixDatagram::unbound().and_then(|socket| {
            socket.set_nonblocking(true)?;
            socket.connect(path)?;
            Ok(socket)
        });
        self.socket = connected.ok();
        self.missed = self.socket.is_none().then_some(now);
        self.reached |= self.socket.is_some();
    }

    fn event(&mut self, level: Level, words: &str, now: Instant) {
        if self.second_is_over(now) {
            self.tell_hidden(now);
        }
        if self.lost > 0 {
            let line = Line::of(format_args!("{} lines of this log are lost", self.lost));
            if self.send(Level::Warning, line.as_str(), now) {
                self.lost = 0;
            }
        }
        self.line(level, words, now);
    }

    fn line(&mut self, level: Level, words: &str, now: Instant) {
        let sent = self.send(level, words, now);
        let wanted = match self.stderr {
            Stderr::Too => true,
            Stderr::Instead => !sent,
            Stderr::Never => false,
        };
        self.shown = wanted && self.show(level, words);
        if !sent && (self.reached || !self.shown) {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// Sends a line to the syslog, which may have been started again since the last line.
    fn send(&mut self, level: Level, words: &str, now: Instant) -> bool {
        for _ in 0..2 {
            if self.socket.is_none() {
                self.connect(now);
            }
            let Some(socket) = &self.socket else {
                return false;
            };
            let line = [level.priority(), self.ident, &self.process, words].concat();
            match socket.send(line.as_bytes()) {
                Ok(_) => return true,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => self.socket = None,
            }
        }
        false
    }

    /// Shows a line on stderr, unless that would block: a pipe that nobody reads must not stop the SMS.
    fn show(&self, level: Level, words: &str) -> bool {
        if self.is_null {
            return true;
        }
        let line = [self.ident, ": ", level.name(), ": ", words, "\n"].concat();
        let mut stderr = io::stderr().lock();
        // A writable pipe has room for PIPE_BUF bytes (4096), which is more than a line.
        let mut watched = [PollFd::new(&stderr, PollFlags::OUT)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        if poll(&mut watched, Some(&at_once)) != Ok(1) {
            return false;
        }
        let [watched] = watched;
        if watched.revents() != PollFlags::OUT {
            return false;
        }
        stderr.write_all(line.as_bytes()).is_ok()
    }

    fn admits_refusal(&mut self, now: Instant) -> bool {
        let is_admitted = self.admits_line(now);
        if !is_admitted {
            self.refusals_hidden = self.refusals_hidden.saturating_add(1);
        }
        is_admitted
    }

    /// Whether this second has room for a line about a refusal. If so, the line takes it.
    fn admits_line(&mut self, now: Instant) -> bool {
        if self.second_is_over(now) {
            self.tell_hidden(now);
            self.second = Some(now);
            self.refusals = 0;
        }
        if self.refusals < LOG_REFUSALS_PER_SECOND_MAX {
            self.refusals = self.refusals.saturating_add(1);
            return true;
        }
        false
    }

    fn tell_hidden(&mut self, now: Instant) {
        let hidden = std::mem::take(&mut self.refusals_hidden);
        if hidden > 0 {
            let line = Line::of(format_args!("{hidden} more refusals in one second"));
            self.line(Level::Notice, line.as_str(), now);
        }
    }

    fn second_is_over(&self, now: Instant) -> bool {
        self.second
            .is_none_or(|start| now.saturating_duration_since(start) >= Duration::from_secs(1))
    }
}

impl Level {
    /// Returns the start of a line to the syslog: the facility local0 (16), times eight, and the severity.
    fn priority(self) -> &'static str {
        match self {
            Level::Error => "<131>",
            Level::Warning => "<132>",
            Level::Notice => "<133>",
            Level::Info => "<134>",
            Level::Debug => "<135>",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

/// Whether an open file is `/dev/null`, whatever its path.
fn is_null(file: BorrowedFd<'_>) -> bool {
    let found = file.try_clone_to_owned().map(fs::File::from);
    let found = found.and_then(|file| file.metadata());
    found.is_ok_and(|it| it.file_type().is_char_device() && it.rdev() == makedev(1, 3))
}

/// The words of an event on their way to one line: control characters are escaped, and the line is cut
/// between characters with a mark.
struct Line {
    text: String,
}

const CUT_MARK: &str = "\\...";

impl Line {
    fn of(words: fmt::Arguments<'_>) -> Line {
        let mut line = Line {
            text: String::with_capacity(LOG_LINE_BYTES_MAX),
        };
        // The error only says that the line was cut, which its mark says as well.
        let _ = line.write_fmt(words);
        line
    }

    fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes that are left. Room for the mark is kept free, so that it always fits.
    fn room(&self) -> usize {
        let room = LOG_LINE_BYTES_MAX.saturating_sub(CUT_MARK.len());
        room.saturating_sub(self.text.len())
    }
}

/// Whether bytes are printable ASCII.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

impl fmt::Write for Line {
    fn write_str(&mut self, words: &str) -> fmt::Result {
        // Most words have nothing to escape and fit. Character by character they would cost more than all
        // else about a line.
        if is_plain(words.as_bytes()) && words.len() <= self.room() {
            self.text.push_str(words);
            return Ok(());
        }
        words.chars().try_for_each(|c| self.write_char(c))
    }

    fn write_char(&mut self, c: char) -> fmt::Result {
        let mut escaped = String::from(c);
        if c.is_control() {
            escaped = format!("\\x{:02x}", u32::from(c));
        }
        if escaped.len() > self.room() {
            if !self.text.ends_with(CUT_MARK) {
                self.text.push_str(CUT_MARK);
            }
            return Err(fmt::Error);
        }
        self.text.push_str(&escaped);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]
mod tests;
