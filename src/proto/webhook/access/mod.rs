//! Rules + peer + request → a [`Permit`], or who must stay outside.
//!
//! In two steps, since the first must pass before any of the body is read: [`admit`] looks at
//! address and path and gives an [`Entry`], [`check`] turns that and the whole request into a
//! [`Permit`].
//!
//! Invariant: a `Permit` is made here only, so that no message is read from a request that was
//! not let in.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::proof::{self, Coverage, Proven};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::request::Request;

/// All that decides who may deliver.
#[derive(Debug, Clone)]
pub struct Rules {
    /// In file order; of those that match, the last is used (spec §4).
    pub interfaces: Vec<Interface>,
    /// Trusted reverse proxies.
    pub proxies: Vec<Cidr>,
    /// CGI spelling of the field they set, `HTTP_X_FORWARDED_FOR`; empty: none.
    pub proxy_header: String,
    /// The status page; `None`: there is none.
    pub status: Option<Status>,
}

impl Rules {
    /// The interface at which delivery reports arrive of SMS that `outgoing` sent: that of the same index,
    /// else the one without, else, where there is only one to send over, the first that reads reports.
    pub fn reporter(&self, outgoing: &str) -> Option<&Interface> {
        let mut all = self.interfaces.iter();
        let find = |name: &str| self.interfaces.iter().find(|it| it.name == name);
        let own = find(outgoing).or_else(|| find(""));
        own.or_else(|| all.find(|it| outgoing.is_empty() && it.webhook.dlr.reads()))
    }
}

/// Whether what arrives at an interface of `[websmsd]` may tell of SMS that one of `[websms]` sent.
pub fn tells_of(incoming: &str, outgoing: &str) -> bool {
    incoming == outgoing || incoming.is_empty() || outgoing.is_empty()
}

/// The status page: where it is, and who may read it. It belongs to no interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its path, undecoded (`status_path`). No interface has it.
    pub path: Vec<u8>,
    /// Blocks let in (`status_addr`); empty: nobody.
    pub permit: Vec<Cidr>,
}

/// Where a request comes from and which interface it belongs to: address and path have passed,
/// credentials have not been looked at.
#[derive(Debug)]
pub struct Entry<'r> {
    interface: &'r Interface,
    caller: Caller,
}

/// Leave to read messages from one request. Consumed by `webhook::read`.
#[derive(Debug)]
pub struct Permit<'r> {
    interface: &'r Interface,
    proven: Proven,
}

/// Who sent a request, as far as can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The connection's other end, which is no proxy.
    Peer(IpAddr),
    /// What a trusted proxy says.
    Forwarded(IpAddr),
    /// A trusted proxy that names nobody but proxies, or nobody at all: its own address.
    Proxy(IpAddr),
    /// A trusted proxy names something that is no address. Only interfaces that let everybody in
    /// take it.
    Unknown,
}

/// Why no interface takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No interface permits the address: 403.
    Address,
    /// None of those that do serves the path: 404.
    Path,
}

impl Rules {
    /// Whether the peer is one of the trusted proxies.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|block| block.contains(peer))
    }

    /// Whether nothing that this peer sends can be let in, so that it need not be read.
    pub fn is_stranger(&self, peer: IpAddr) -> bool {
        let status = self.status.as_ref();
        let mut interfaces = self.interfaces.iter();
        !self.is_proxy(peer)
            && !interfaces.any(|interface| interface.gate.permits(Some(peer)))
            && !status.is_some_and(|status| status.permits(peer))
    }
}

impl Status {
    fn permits(&self, address: IpAddr) -> bool {
        self.permit.iter().any(|block| block.contains(address))
    }

    fn is_at(&self, request: &Request) -> bool {
        self.path == request.path()
    }
}

impl Caller {
    /// The address, if there is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Caller::Peer(address) | Caller::Forwarded(address) | Caller::Proxy(address) => {
                Some(*address)
            }
            Caller::Unknown => None,
        }
    }
}

impl<'r> Entry<'r> {
    /// The interface.
    pub fn interface(&self) -> &'r Interface {
        self.interface
    }

    /// Who sent it.
    pub fn caller(&self) -> Caller {
        self.caller
    }
}

impl<'r> Permit<'r> {
    /// The interface that has let it in.
    pub fn interface(&self) -> &'r Interface {
        self.interface
    }

    /// What of the request may be read.
    pub fn coverage(&self) -> &Coverage {
        &self.proven.coverage
    }

    /// The signature by which it was let in; empty where there is none.
    pub fn signature(&self) -> &[u8] {
        &self.proven.signature
    }

    /// The permit of a kept request that is replayed: it passed when it came, and what its proof
    /// covered then was kept with it.
    pub fn replayed(interface: &'r Interface, coverage: Coverage) -> Permit<'r> {
        let signature = Vec::new();
        Permit {
            interface,
            proven: Proven {
                coverage,
                signature,
            },
        }
    }
}

/// Whether a request is one for the status page, by somebody who may read it. Who may not is told by
/// [`admit`] what holds for a path that nobody has.
///
/// A proxy that nobody declared makes the world look like this machine, so a request that has a trace
/// of one is let in only where a trusted proxy names a caller, and that caller is not this machine
/// itself, which needs no proxy.
pub fn reads_status(rules: &Rules, peer: IpAddr, request: &Request) -> bool {
    let Some(status) = rules.status.as_ref().filter(|it| it.is_at(request)) else {
        return false;
    };
    match caller(rules, peer, request) {
        Caller::Peer(address) | Caller::Proxy(address) => {
            status.permits(address) && !has_trace_of_proxy(rules, request)
        }
        Caller::Forwarded(address) => status.permits(address) && !address.is_loopback(),
        Caller::Unknown => false,
    }
}

fn has_trace_of_proxy(rules: &Rules, request: &Request) -> bool {
    const TRACES: [&str; 4] = ["Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"];
    request.fields.iter().any(|field| {
        is_cgi_name(&rules.proxy_header, field.name)
            || TRACES.iter().any(|it| it.eq_ignore_ascii_case(field.name))
    })
}

/// Address, then path: the interface that a request belongs to. Its body has not been read.
pub fn admit<'r>(rules: &'r Rules, peer: IpAddr, request: &Request) -> Result<Entry<'r>, Denied> {
    let caller = caller(rules, peer, request);
    let is_taken = rules.status.as_ref().is_some_and(|it| it.is_at(request));
    let mut denied = Denied::Address;
    for interface in rules.interfaces.iter().rev() {
        if interface.gate.permits(caller.address()) {
            if interface.gate.serves(request) && !is_taken {
                return Ok(Entry { interface, caller });
            }
            denied = Denied::Path;
        }
    }
    Err(denied)
}

/// The entry's credentials or signature over the whole request, body included. `now_s` is `None`
/// while the clock is not sane. The choice of interface is final: no other is tried.
pub fn check<'r>(
    entry: Entry<'r>,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Permit<'r>, proof::Denied> {
    let interface = entry.interface;
    let gate = &interface.gate;
    let public_url = gate.public_url.as_ref();
    Ok(Permit {
        proven: gate
            .credentials
            .check(public_url, request, now_s, gate.auth_age_s)?,
        interface,
    })
}

/// The peer, or whom a trusted proxy names: the field's lines in order, read from the right,
/// proxies skipped.
pub fn caller(rules: &Rules, peer: IpAddr, request: &Request) -> Caller {
    let peer = peer.to_canonical();
    if !rules.is_proxy(peer) {
        return Caller::Peer(peer);
    }
    let lines = request
        .fields
        .iter()
        .filter(|field| is_cgi_name(&rules.proxy_header, field.name));
    for line in lines.rev() {
        if line.value.trim_ascii().is_empty() {
            continue;
        }
        for entry in line.value.rsplit(|b| *b == b',') {
            match forwarded_address(entry) {
                None => return Caller::Unknown,
                Some(address) if rules.is_proxy(address) => {}
                Some(address) => return Caller::Forwarded(address),
            }
        }
    }
    Caller::Proxy(peer)
}

/// Whether CGI calls the field `cgi`: `HTTP_A_B` is `A-B` and no other. A field with `_` in its
/// own name could be anybody's and is never it.
fn is_cgi_name(cgi: &str, field: &str) -> bool {
    let wanted = cgi.strip_prefix("HTTP_").unwrap_or(cgi);
    wanted.len() == field.len()
        && !wanted.is_empty()
        && wanted.bytes().zip(field.bytes()).all(|(wanted, given)| {
            let wanted = if wanted == b'_' { b'-' } else { wanted };
            wanted.eq_ignore_ascii_case(&given)
        })
}

/// `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`, blanks around it.
fn forwarded_address(entry: &[u8]) -> Option<IpAddr> {
    let entry = core::str::from_utf8(entry.trim_ascii()).ok()?;
    if let Some(bracketed) = entry.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        if !rest.is_empty() && !is_port(rest.strip_prefix(':')?) {
            return None;
        }
        let address: Ipv6Addr = address.parse().ok()?;
        return Some(IpAddr::V6(address).to_canonical());
    }
    if let Some((address, port)) = entry.split_once(':')
        && is_port(port)
    {
        let address: Ipv4Addr = address.parse().ok()?;
        return Some(IpAddr::V4(address));
    }
    let address: IpAddr = entry.parse().ok()?;
    Some(address.to_canonical())
}

/// One to five digits, at most 65535. `::1` has a colon first and an empty text before it, `1::` none
/// after.
fn is_port(text: &str) -> bool {
    let is_short = (1..=5).contains(&text.len());
    // The parser takes a sign as well.
    is_short && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
