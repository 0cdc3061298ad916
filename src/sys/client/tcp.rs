//! Connects to addresses over TCP, and adapts the connection to ureq.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, LazyBuffers, NextTimeout, Transport,
};

use crate::sys::clock::Deadline;
use crate::sys::stream::{Stream, Tcp};

/// Tries one address after the other. Each but the last gets half of the time that is left: the first ones
/// are the most likely to work.
pub(super) fn connect(
    addresses: &[SocketAddr],
    deadline: Deadline,
) -> io::Result<(SocketAddr, TcpStream)> {
    let mut last = io::ErrorKind::TimedOut.into();
    let mut rest = addresses;
    while let Some((address, behind)) = rest.split_first() {
        let shares = match behind {
            [] => 1,
            _ => 2,
        };
        let Some(wait) = deadline.share(shares).left() else {
            break;
        };
        match TcpStream::connect_timeout(address, wait) {
            Ok(socket) => return Ok((*address, socket)),
            Err(error) => last = error,
        }
        rest = behind;
    }
    Err(last)
}

/// A plain connection.
pub(super) struct TcpTransport {
    tcp: Tcp,
    buffers: LazyBuffers,
}

impl TcpTransport {
    /// Connects to one of the addresses that were resolved.
    pub fn connect(details: &ConnectionDetails) -> Result<TcpTransport, Error> {
        let (_, socket) = connect(&details.addrs, until(details.timeout))
            .map_err(|error| fault(error, details.timeout))?;
        Ok(TcpTransport {
            tcp: Tcp::new(Arc::new(socket)),
            buffers: LazyBuffers::new(
                details.config.input_buffer_size(),
                details.config.output_buffer_size(),
            ),
        })
    }
}

/// ureq requires this; there is nothing to show.
impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TcpTransport")
    }
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        let written = self.tcp.write(output, until(timeout));
        written.map_err(|error| fault(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let read = self
            .tcp
            .read(self.buffers.input_append_buf(), until(timeout));
        let amount = read.map_err(|error| fault(error, timeout))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// ureq asks this of connections that are kept for another request, and none is.
    fn is_open(&mut self) -> bool {
        false
    }
}

fn until(timeout: NextTimeout) -> Deadline {
    Deadline::after(*timeout.after)
}

fn fault(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}
