//! Reads and writes a TCP stream under one total deadline.
//!
//! Sockets have a timeout per call, with which a peer that sends a byte a second could go on for ever. Here
//! each call gets the deadline at which everything must be over, and the socket's timeout is the remaining
//! time. It is set only if it is off by much, which saves a system call for most requests.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::sys::clock::Deadline;

/// Bytes to and from one peer: TCP in this file, TLS over it, or a script of pieces in tests.
pub trait Stream {
    /// Reads the available bytes and waits for the first until `deadline`, then returns `TimedOut`. 0 bytes
    /// mean that the peer sends no more.
    fn read(&mut self, buffer: &mut [u8], deadline: Deadline) -> io::Result<usize>;

    /// Writes all bytes until `deadline`, or returns `TimedOut` with an unknown part written.
    fn write(&mut self, bytes: &[u8], deadline: Deadline) -> io::Result<()>;

    /// Tells the peer that nothing more will be written. Reading remains possible.
    fn finish(&mut self);
}

/// A plain connection.
pub struct Tcp {
    socket: Arc<TcpStream>,
    read_wait: Duration,
    write_wait: Duration,
}

impl Tcp {
    /// Takes an accepted socket, which blocks. It is shared, because the accepting thread must still answer
    /// if there is no thread for the connection.
    pub fn new(socket: Arc<TcpStream>) -> Tcp {
        // An answer is one write; waiting for more would only delay it.
        let _ = socket.set_nodelay(true);
        Tcp {
            socket,
            read_wait: Duration::ZERO,
            write_wait: Duration::ZERO,
        }
    }
}

impl Stream for Tcp {
    fn read(&mut self, buffer: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        loop {
            if let Some(wait) = new_wait(self.read_wait, left(deadline)?) {
                self.socket.set_read_timeout(Some(wait))?;
                self.read_wait = wait;
            }
            match (&*self.socket).read(buffer) {
                Err(e) if is_early(&e) => {}
                done => return done,
            }
        }
    }

    fn write(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            if let Some(wait) = new_wait(self.write_wait, left(deadline)?) {
                self.socket.set_write_timeout(Some(wait))?;
                self.write_wait = wait;
            }
            match (&*self.socket).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(e) if is_early(&e) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn finish(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }
}

/// Whether an error is a timeout of the socket (`EAGAIN`) or a signal. The deadline decides whether the
/// time is over.
fn is_early(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

fn left(deadline: Deadline) -> io::Result<Duration> {
    deadline.left().ok_or(io::ErrorKind::TimedOut.into())
}

/// The greatest delay of a call's return behind its deadline.
const SLACK: Duration = Duration::from_millis(20);

/// Returns the timeout to set if the present one could end too late, or so early that the call would have
/// to be repeated more than twice. Zero stands for none.
///
/// The kernel rounds a socket's timeout up by as much as an eighth (its timer wheel). So a timeout is set
/// that is shorter by this much, and the rest is waited for again, until it is too short to matter.
fn new_wait(set: Duration, left: Duration) -> Option<Duration> {
    let late = set.saturating_add(eighth(set)) > left.saturating_add(SLACK);
    let early = set < left.checked_div(2).unwrap_or(left);
    let rounded = eighth(left);
    let wait = match rounded > SLACK {
        true => left.saturating_sub(rounded),
        false => left,
    };
    (late || early).then_some(wait)
}

fn eighth(wait: Duration) -> Duration {
    wait.checked_div(8).unwrap_or_default()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Instant;

    fn pair() -> (Tcp, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Tcp::new(Arc::new(listener.accept().unwrap().0)), peer)
    }

    fn soon(ms: u64) -> Deadline {
        Deadline::after(Duration::from_millis(ms))
    }

    #[test]
    fn waits() {
        let check = |set: u64, left: u64, expected: Option<u64>| {
            let found = new_wait(Duration::from_millis(set), Duration::from_millis(left));
            assert_eq!(found, expected.map(Duration::from_millis), "{set} {left}");
        };
        check(0, 5000, Some(4375));
        check(4375, 5000, None);
        check(4375, 4902, None);
        check(4375, 4896, Some(4284));
        check(4375, 8750, None);
        check(4375, 8752, Some(7658));
        check(1, 5000, Some(4375));
        // Less than an eighth of it is the slack: another wait would gain nothing.
        check(0, 160, Some(160));
        check(0, 168, Some(147));
    }

    #[test]
    fn a_read_ends_at_its_deadline() {
        let (mut stream, _peer) = pair();
        let start = Instant::now();
        let error = stream.read(&mut [0; 8], soon(60)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= Duration::from_millis(60));
        let error = stream.read(&mut [0; 8], soon(0)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn a_write_ends_at_its_deadline() {
        let (mut stream, _peer) = pair();
        // These are more bytes than both sockets' buffers take, to a peer that reads nothing.
        let bytes = vec![0; 64 << 20];
        let error = stream.write(&bytes, soon(60)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn bytes_pass() {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"ab").unwrap();
        let mut buffer = [0; 8];
        assert_eq!(stream.read(&mut buffer, soon(5000)).unwrap(), 2);
        assert_eq!(&buffer[..2], b"ab");
        stream.write(b"cd", soon(5000)).unwrap();
        stream.finish();
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"cd");
        peer.write_all(b"e").unwrap();
        drop(peer);
        assert_eq!(stream.read(&mut buffer, soon(5000)).unwrap(), 1);
        assert_eq!(stream.read(&mut buffer, soon(5000)).unwrap(), 0);
    }
}
