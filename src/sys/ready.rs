//! Tells the service manager that started the program that it serves, by the protocol of sd_notify(3).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The environment variable that names the service manager's socket.
pub const SOCKET: &str = "NOTIFY_SOCKET";

/// Tells the service manager, which waits for it before it calls the start done. A manager that cannot be
/// told gives up after a time of its own and reports that itself, so nothing is logged here.
pub fn tell(socket: &OsStr) {
    let sent = address(socket).and_then(|manager| {
        let from = UnixDatagram::unbound()?;
        from.send_to_addr(b"READY=1", &manager)
    });
    drop(sent);
}

/// Returns a socket's address. A name that begins with `@` is no path (abstract, unix(7)).
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(socket),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_that_is_gone_is_no_fault() {
        tell(OsStr::new("/nonexistent/notify"));
        tell(OsStr::new(""));
        tell(OsStr::new("@"));
        tell(OsStr::new(&format!("/{}", "x".repeat(200))));
        tell(OsStr::new(&format!("@{}", "x".repeat(200))));
    }

    #[test]
    fn a_manager_is_told_at_a_path_and_at_an_abstract_name() {
        let name = format!("websms-ready-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let _ = std::fs::remove_file(&path);
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        for (manager, socket) in [
            (UnixDatagram::bind(&path).unwrap(), path.as_os_str()),
            (
                UnixDatagram::bind_addr(&abstract_name).unwrap(),
                OsStr::new(&format!("@{name}")),
            ),
        ] {
            manager.set_nonblocking(true).unwrap();
            tell(socket);
            let mut told = [0; 16];
            assert_eq!(manager.recv(&mut told).ok(), Some(7), "{socket:?}");
            assert!(told.starts_with(b"READY=1"));
        }
        std::fs::remove_file(path).unwrap();
    }
}
