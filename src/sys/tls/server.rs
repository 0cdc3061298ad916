//! Serves TLS on a TCP stream, for a `websmsd` that serves HTTPS itself.
//!
//! Invariant: the handshake, every read and every write end at the caller's deadline.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::ServerConnection;

use super::certificate::Identity;
use crate::limits::TLS_BUFFER_BYTES_MAX;
use crate::sys::clock::Deadline;
use crate::sys::stream::{Stream, Tcp};

/// A connection under TLS.
pub struct Secure {
    tcp: Tcp,
    connection: ServerConnection,
}

impl Secure {
    /// Performs the handshake, all of it before `deadline`.
    pub fn accept(tcp: Tcp, identity: &Identity, deadline: Deadline) -> io::Result<Secure> {
        let mut connection = ServerConnection::new(Arc::clone(&identity.config))
            .map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        connection.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX));
        let mut secure = Secure { tcp, connection };
        while secure.connection.is_handshaking() {
            secure.flush(deadline)?;
            if secure.connection.is_handshaking() && secure.take(deadline)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        secure.flush(deadline)?;
        Ok(secure)
    }

    /// Takes the bytes that have come; 0 if the peer has closed.
    fn take(&mut self, deadline: Deadline) -> io::Result<usize> {
        let mut wire = Wire {
            tcp: &mut self.tcp,
            deadline,
        };
        let taken = self.connection.read_tls(&mut wire)?;
        if self.connection.process_new_packets().is_err() {
            // The peer is told what is wrong, if it still listens.
            let _ = self.flush(deadline);
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(taken)
    }

    /// Writes all waiting bytes.
    fn flush(&mut self, deadline: Deadline) -> io::Result<()> {
        while self.connection.wants_write() {
            let mut wire = Wire {
                tcp: &mut self.tcp,
                deadline,
            };
            self.connection.write_tls(&mut wire)?;
        }
        Ok(())
    }
}

impl Stream for Secure {
    fn read(&mut self, buffer: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The peer closed without an alert. If a part of the request is missing, its reader
                // notices.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                done => return done,
            }
            if self.take(deadline)? == 0 {
                return Ok(0);
            }
            self.flush(deadline)?;
        }
    }

    fn write(&mut self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = self.connection.writer().write(bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
            self.flush(deadline)?;
        }
        Ok(())
    }

    fn finish(&mut self) {
        self.connection.send_close_notify();
        // This is one packet, which a socket takes at once or never.
        let _ = self.flush(Deadline::after(std::time::Duration::from_millis(100)));
        self.tcp.finish();
    }
}

/// A TCP stream, adapted to rustls.
struct Wire<'a> {
    tcp: &'a mut Tcp,
    deadline: Deadline,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.read(buffer, self.deadline)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.write(bytes, self.deadline)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
