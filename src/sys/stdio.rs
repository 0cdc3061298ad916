//! Reads and writes the process's own stdin and stdout within a time limit.

use std::fmt;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, retry_on_intr};
use rustix::stdio::{stdin, stdout};

/// Whether stdin and stdout are both pipes or sockets: then a program talks to us, not a person.
pub fn are_pipes() -> bool {
    is_pipe(stdin()) && is_pipe(stdout())
}

fn is_pipe(stream: BorrowedFd<'_>) -> bool {
    fstat(stream).is_ok_and(|status| {
        let kind = FileType::from_raw_mode(status.st_mode);
        matches!(kind, FileType::Fifo | FileType::Socket)
    })
}

/// Prints to a person's stdout. If nobody reads it, this is no error.
pub fn print(bytes: &[u8]) {
    let _ = write_all(bytes);
}

/// Writes without the buffer of the standard library's stdout: every caller has all of its bytes.
fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match retry_on_intr(|| rustix::io::write(stdout(), bytes))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => bytes = bytes.get(written..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// Writes a line to stderr, which may be closed.
pub fn complain(words: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{words}");
}

/// Reads the available bytes, at least one; 0 at the end. Waits for `wait` at most.
pub fn read(buffer: &mut [u8], wait: Duration) -> io::Result<usize> {
    await_ready(stdin(), PollFlags::IN, wait)?;
    Ok(retry_on_intr(|| rustix::io::read(stdin(), &mut *buffer))?)
}

/// Writes all bytes to stdout, and waits for room for `wait` at most. A pipe takes a line of ours whole or
/// not at all (`PIPE_BUF`).
pub fn write(bytes: &[u8], wait: Duration) -> io::Result<()> {
    await_ready(stdout(), PollFlags::OUT, wait)?;
    write_all(bytes)
}

fn await_ready(stream: BorrowedFd<'_>, flags: PollFlags, wait: Duration) -> io::Result<()> {
    let end = Instant::now().checked_add(wait);
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let left = Timespec::try_from(left.unwrap_or(wait)).map_err(io::Error::other)?;
        match poll(&mut [PollFd::from_borrowed_fd(stream, flags)], Some(&left)) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::TimedOut)),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
