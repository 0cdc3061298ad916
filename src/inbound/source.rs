//! Where an SMS came from, and by which interface, for the log.

use std::fmt;
use std::net::IpAddr;

use crate::proto::webhook::access::Caller;
use crate::sys::log::Clean;

/// Who sent it, for the log: `1.2.3.4`, or `1.2.3.4 by 172.16.0.1`; `poll`, where the provider was asked.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The other end of a connection, and whom it names.
    Peer(IpAddr, Option<Caller>),
    /// An answer to a request of ours.
    Poll,
}

impl Source {
    /// What an SMS that is safe is answered.
    pub fn verdict(self) -> &'static str {
        match self {
            Source::Peer(..) => "200",
            Source::Poll => "delivered",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peer, caller) = match self {
            Source::Poll => return f.write_str("poll"),
            Source::Peer(peer, caller) => (peer, caller),
        };
        match caller {
            Some(Caller::Forwarded(address)) => write!(f, "{address} by {peer}"),
            Some(Caller::Unknown) => write!(f, "unknown by {peer}"),
            Some(Caller::Peer(_) | Caller::Proxy(_)) | None => write!(f, "{peer}"),
        }
    }
}

/// An interface's name, for the log: ` [name]`, nothing where it has none.
pub(super) struct InBrackets<'a>(pub &'a str);

impl fmt::Display for InBrackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            name => write!(f, " [{}]", Clean(name.as_bytes())),
        }
    }
}
