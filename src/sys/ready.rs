//! Tells the service manager that started the program that it serves, by the protocol of sd_notify(3).

use std::ffi::OsStr;
use std::os::unix::net::UnixDatagram;

/// The environment variable that names the service manager's socket.
pub const SOCKET: &str = "NOTIFY_SOCKET";

/// Tells the service manager, which waits for it before it calls the start done. A manager that cannot be
/// told gives up after a time of its own and reports that itself, so nothing is logged here.
pub fn tell(socket: &OsStr) {
    let sent = UnixDatagram::unbound().and_then(|from| from.send_to(b"READY=1", socket));
    drop(sent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_that_is_gone_is_no_fault() {
        tell(OsStr::new("/nonexistent/notify"));
        tell(OsStr::new(""));
    }
}
