//! The source of an SMS, its numbers and its interface, as the log shows them.

use std::fmt;
use std::net::IpAddr;

use crate::message::{LogNumbers, Message};
use crate::proto::webhook::access::Caller;
use crate::sys::log::{Clean, Quoted};

/// The sender's address for the log: `1.2.3.4`, or `1.2.3.4 by 172.16.0.1`; `poll` if the provider was polled.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// The other end of a connection, and the caller that it names.
    Peer(IpAddr, Option<Caller>),
    /// An answer to a poll of ours.
    Poll,
}

impl Source {
    /// Returns the log's word for the answer to an SMS that is safe.
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

/// The two numbers of an SMS, for the log: `from "+1" to "+2"`, shown as `log_numbers` says.
pub(super) struct FromTo<'a>(pub &'a Message, pub LogNumbers);

impl fmt::Display for FromTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FromTo(message, numbers) = self;
        let [from, to] = [message.from.as_str(), message.to.as_str()];
        let [from, to] = [from, to].map(|number| numbers.show(number.as_bytes()));
        write!(f, "from {} to {}", Quoted(&from), Quoted(&to))
    }
}

/// An interface's name for the log: ` [name]`, or nothing if it has none.
pub(super) struct InBrackets<'a>(pub &'a str);

impl fmt::Display for InBrackets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            name => write!(f, " [{}]", Clean(name.as_bytes())),
        }
    }
}
