//! Decides whether a request is let in, by the rules and the peer, and gives it a [`Permit`].
//!
//! This takes two steps, because the first must pass before any of the body is read: [`admit`] looks at
//! address and path and gives an [`Admission`]; [`check`] turns that and the whole request into a
//! [`Permit`].
//!
//! Invariant: only this module makes a `Permit`, so that no message is read from a request that was not let
//! in.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::proto::webhook::interface::Interface;
use crate::proto::webhook::proof::{self, Coverage, Proven};
use crate::proto::webhook::verify;
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::request::Request;

/// The rules that decide who may deliver.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The interfaces in file order; of several that match, the last is used (spec §4).
    pub interfaces: Vec<Interface>,
    /// The trusted reverse proxies.
    pub proxies: Vec<Cidr>,
    /// The CGI spelling of the field that the proxies set, as `HTTP_X_FORWARDED_FOR`; empty if there is
    /// none.
    pub proxy_header: String,
    /// The status page; `None` if there is none.
    pub status: Option<StatusPage>,
}

impl Rules {
    /// Returns the interface at which delivery reports for SMS of `outgoing` arrive: the one with the same
    /// index, otherwise the one without an index, otherwise, if SMS are sent over a single interface, the
    /// first that reads reports.
    pub fn reporter(&self, outgoing: &str) -> Option<&Interface> {
        let mut all = self.interfaces.iter();
        let find = |name: &str| self.interfaces.iter().find(|it| it.name == name);
        let own = find(outgoing).or_else(|| find(""));
        own.or_else(|| all.find(|it| outgoing.is_empty() && it.webhook.dlr.reads()))
    }
}

/// Whether a request at this interface of `[websmsd]` may report on SMS that this one of `[websms]` sent.
pub fn tells_of(incoming: &str, outgoing: &str) -> bool {
    incoming == outgoing || incoming.is_empty() || outgoing.is_empty()
}

/// The status page: its path, and who may read it. It belongs to no interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    /// The undecoded path (`status_path`). No interface has it.
    pub path: Vec<u8>,
    /// The blocks of addresses that may read it (`status_addr`); empty if nobody may.
    pub permit: Vec<Cidr>,
    /// `user:password` (`status_auth`); if empty, nobody sees more than figures and problems.
    pub login: Vec<u8>,
}

/// The `status_auth` in a request for the status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// The configuration has none.
    Closed,
    /// The request has none.
    Absent,
    /// The request has a wrong one.
    Wrong,
    /// The request has the right one.
    Right,
}

/// The sender of a request and the interface that it belongs to. Address and path have passed, credentials
/// have not been looked at.
#[derive(Debug)]
pub struct Admission<'r> {
    interface: &'r Interface,
    caller: Caller,
}

/// Permission to read messages from one request. `webhook::read` consumes it.
#[derive(Debug)]
pub struct Permit<'r> {
    interface: &'r Interface,
    proven: Proven,
}

/// The sender of a request, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// The connection's peer, which is no proxy.
    Peer(IpAddr),
    /// The address that a trusted proxy names.
    Forwarded(IpAddr),
    /// A trusted proxy, with its own address, that names nobody but proxies, or nobody at all.
    Proxy(IpAddr),
    /// A trusted proxy named something that is no address. Only interfaces without `permit_addr` take the
    /// request.
    Unknown,
}

/// The reason why no interface takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No interface permits the address; the answer is 403.
    Address,
    /// No interface that permits the address serves the path; the answer is 404.
    Path,
}

impl Rules {
    /// Whether the peer is one of the trusted proxies.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|block| block.contains(peer))
    }

    /// Whether no request from this peer can be let in, so that none need be read.
    pub fn is_stranger(&self, peer: IpAddr) -> bool {
        let status = self.status.as_ref();
        let mut interfaces = self.interfaces.iter();
        !self.is_proxy(peer)
            && !interfaces.any(|interface| interface.gate.permits(Some(peer)))
            && !status.is_some_and(|status| status.permits(peer))
    }
}

impl StatusPage {
    fn permits(&self, address: IpAddr) -> bool {
        self.permit.iter().any(|block| block.contains(address))
    }

    fn is_at(&self, request: &Request) -> bool {
        self.path == request.path()
    }

    /// Compares what a request gives as `status_auth`.
    pub fn login(&self, request: &Request) -> Login {
        if self.login.is_empty() {
            return Login::Closed;
        }
        let mut given = request.headers("Authorization");
        match (given.next(), given.next()) {
            (None, _) => Login::Absent,
            (Some(given), None) if verify::is_basic(given, &self.login) => Login::Right,
            _ => Login::Wrong,
        }
    }
}

impl Caller {
    /// Returns the address, if it is known.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Caller::Peer(address) | Caller::Forwarded(address) | Caller::Proxy(address) => {
                Some(*address)
            }
            Caller::Unknown => None,
        }
    }
}

impl<'r> Admission<'r> {
    /// Returns the interface.
    pub fn interface(&self) -> &'r Interface {
        self.interface
    }

    /// Returns the sender.
    pub fn caller(&self) -> Caller {
        self.caller
    }
}

impl<'r> Permit<'r> {
    /// Returns the interface that has let the request in.
    pub fn interface(&self) -> &'r Interface {
        self.interface
    }

    /// Returns the parts of the request that may be read.
    pub fn coverage(&self) -> &Coverage {
        &self.proven.coverage
    }

    /// Returns the signature that let the request in; empty if there is none.
    pub fn signature(&self) -> &[u8] {
        &self.proven.signature
    }

    /// Returns the permit of a kept request that is replayed. It passed when it came, and the coverage of
    /// its proof was kept with it.
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

/// Whether a request is for the status page and its sender may read that. For everyone else [`admit`] gives
/// the usual answer for an unknown path.
///
/// A proxy that is not declared would make every caller look like this machine. So a request with a trace
/// of a proxy is let in only if a trusted proxy names the caller, and the caller is not this machine
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

/// Judges address and path of a request and returns the interface that it belongs to. The body has not been
/// read.
pub fn admit<'r>(
    rules: &'r Rules,
    peer: IpAddr,
    request: &Request,
) -> Result<Admission<'r>, Denied> {
    let caller = caller(rules, peer, request);
    let is_taken = rules.status.as_ref().is_some_and(|it| it.is_at(request));
    let mut denied = Denied::Address;
    for interface in rules.interfaces.iter().rev() {
        if interface.gate.permits(caller.address()) {
            if interface.gate.serves(request) && !is_taken {
                return Ok(Admission { interface, caller });
            }
            denied = Denied::Path;
        }
    }
    Err(denied)
}

/// Checks the credentials or the signature over the whole request, body included. `now_s` is `None` while
/// the clock is not sane. The choice of the interface is final: no other is tried.
pub fn check<'r>(
    entry: Admission<'r>,
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

/// Returns the peer, or the caller that a trusted proxy names. The field's lines count in order and are
/// read from the right; proxies are skipped.
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

/// Whether CGI calls the field `cgi`: `HTTP_A_B` stands for `A-B` alone. A field with `_` in its own name
/// could come from anybody and is never taken for it.
fn is_cgi_name(cgi: &str, field: &str) -> bool {
    let wanted = cgi.strip_prefix("HTTP_").unwrap_or(cgi);
    wanted.len() == field.len()
        && !wanted.is_empty()
        && wanted.bytes().zip(field.bytes()).all(|(wanted, given)| {
            let wanted = if wanted == b'_' { b'-' } else { wanted };
            wanted.eq_ignore_ascii_case(&given)
        })
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`, with blanks around
/// it.
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

/// Whether a text is a port: one to five digits, at most 65535. In `::1` an empty text stands before the
/// first colon, and in `1::` behind the last one.
fn is_port(text: &str) -> bool {
    let is_short = (1..=5).contains(&text.len());
    // The parser takes a sign as well.
    is_short && text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
