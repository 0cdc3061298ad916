//! SIGHUP → a byte in a stream.

use std::io;
use std::os::unix::net::UnixStream;

/// Where a byte arrives for each SIGHUP, which from now on ends this process no more.
pub fn hangups() -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGHUP, write)?;
    Ok(read)
}
