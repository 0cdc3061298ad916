//! Turns SIGHUP into bytes of a stream.

use std::io;
use std::os::unix::net::UnixStream;

/// Returns a stream in which a byte arrives for each SIGHUP, which no longer ends this process.
pub fn hangups() -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGHUP, write)?;
    Ok(read)
}
