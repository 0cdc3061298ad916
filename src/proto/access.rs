//! Rules + peer + request → a [`Permit`], or who must stay outside.
//!
//! In two steps, since the first must pass before any of the body is read: [`admit`] looks at
//! address and path and gives an [`Entry`], [`check`] turns that and the whole request into a
//! [`Permit`].
//!
//! Invariant: a `Permit` is made here only, so that no message is read from a request that was
//! not let in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::proto::request::Request;
use crate::proto::verify::{self, Coverage, PublicUrl, Scheme};

/// An address block, IPv4 or IPv6; host bits are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cidr {
    /// IPv4 as its IPv4-mapped IPv6 address.
    pub address: u128,
    /// Of 128.
    pub prefix_bits: u8,
}

/// All that decides who may deliver.
#[derive(Debug, Clone)]
pub struct Rules {
    /// One a candidate interface, in file order; of those that match, the last is used (spec §4).
    pub gates: Vec<Gate>,
    /// Trusted reverse proxies.
    pub proxies: Vec<Cidr>,
    /// CGI spelling of the field they set, `HTTP_X_FORWARDED_FOR`; empty: none.
    pub proxy_header: String,
    /// The status page; `None`: there is none.
    pub status: Option<Status>,
}

/// The status page: where it is, and who may read it. It belongs to no interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its path, undecoded (`status_path`). No interface has it.
    pub path: Vec<u8>,
    /// Blocks let in (`status_addr`); empty: nobody.
    pub permit: Vec<Cidr>,
}

/// What one interface asks of a request.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Blocks let in; `None`: everybody, empty: nobody.
    pub permit: Option<Vec<Cidr>>,
    /// Request paths served, undecoded; one with `?` is compared with the whole target.
    /// `None`: every path, empty: none.
    pub paths: Option<Vec<Vec<u8>>>,
    /// How the provider proves itself.
    pub scheme: Scheme,
    /// Where the provider sends to (`public_url`), for schemes that sign it.
    pub public_url: Option<PublicUrl>,
    /// The parameter whose value is echoed (`key_echo`); empty: none.
    pub key_echo: Vec<u8>,
}

/// Where a request comes from and which interface it belongs to: address and path have passed,
/// credentials have not been looked at.
#[derive(Debug)]
pub struct Entry {
    gate: usize,
    caller: Caller,
}

/// Leave to read messages from one request. Consumed by `webhook::read`.
#[derive(Debug)]
pub struct Permit {
    gate: usize,
    coverage: Coverage,
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

/// Who must stay outside, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No interface permits the address: 403.
    Address,
    /// None of those that do serves the path: 404.
    Path,
    /// Credentials or signature wrong, and what about them: 401.
    Credentials(&'static str),
    /// A time-windowed signature cannot be judged under this clock: 503.
    Clock,
}

impl Cidr {
    /// `1.2.3.4`, `1.2.3.0/24`, `2001:db8::/32`, without blanks around it. Host bits may be set.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        // Whatever `parse` of the number takes besides digits ("+8") is no prefix.
        if prefix.is_some_and(|p| p.len() > 3 || !p.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        let address: IpAddr = address.parse().ok()?;
        let (bits_max, bits_before) = match address {
            IpAddr::V4(_) => (32_u8, 96_u8),
            IpAddr::V6(_) => (128, 0),
        };
        let bits = match prefix {
            None => bits_max,
            Some(prefix) => prefix.parse::<u8>().ok().filter(|bits| *bits <= bits_max)?,
        };
        Some(Cidr {
            address: mapped(address),
            prefix_bits: bits.checked_add(bits_before)?,
        })
    }

    /// Whether the address lies in the block. An IPv4 address, mapped or not, lies in IPv4 blocks
    /// only: `::/0` is all of IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = mapped(address);
        let is_v4 = address >> 32 == 0xffff;
        if is_v4 && self.prefix_bits < 96 {
            return false;
        }
        let host_bits = 128_u32.saturating_sub(u32::from(self.prefix_bits));
        let network = |address: u128| address.checked_shr(host_bits).unwrap_or(0);
        network(address) == network(self.address)
    }
}

impl Cidr {
    /// The address that was given with the block, host bits and all.
    pub fn first_address(&self) -> IpAddr {
        Ipv6Addr::from(self.address).to_canonical()
    }
}

/// As it is parsed.
impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = self.first_address();
        let (bits, bits_max) = match address {
            IpAddr::V4(_) => (self.prefix_bits.saturating_sub(96), 32),
            IpAddr::V6(_) => (self.prefix_bits, 128),
        };
        match bits == bits_max {
            true => write!(f, "{address}"),
            false => write!(f, "{address}/{bits}"),
        }
    }
}

/// IPv6 as it is, IPv4 as `::ffff:a.b.c.d`.
fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

impl Rules {
    /// Whether the peer is one of the trusted proxies.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|block| block.contains(peer))
    }

    /// Whether nothing that this peer sends can be let in, so that it need not be read.
    pub fn is_stranger(&self, peer: IpAddr) -> bool {
        let status = self.status.as_ref();
        !self.is_proxy(peer)
            && !self.gates.iter().any(|gate| gate.permits(Some(peer)))
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

impl Gate {
    /// Whether the address may enter; `None` is an address that could not be found out.
    pub fn permits(&self, address: Option<IpAddr>) -> bool {
        match (&self.permit, address) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(blocks), Some(address)) => blocks.iter().any(|block| block.contains(address)),
        }
    }

    /// Whether the path is served, bytewise and undecoded.
    fn serves(&self, request: &Request) -> bool {
        let Some(paths) = &self.paths else {
            return true;
        };
        paths.iter().any(|path| match path.contains(&b'?') {
            true => path == request.target,
            false => path == request.path(),
        })
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

impl Entry {
    /// Index into `rules.gates` and `config.hooks`.
    pub fn gate(&self) -> usize {
        self.gate
    }

    /// Who sent it.
    pub fn caller(&self) -> Caller {
        self.caller
    }
}

impl Permit {
    /// Index into `rules.gates` and `config.hooks`.
    pub fn gate(&self) -> usize {
        self.gate
    }

    /// What of the request may be read.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The permit of a kept request that is replayed: it passed when it came, and what its proof
    /// covered then was kept with it.
    pub fn replayed(gate: usize, coverage: Coverage) -> Permit {
        Permit { gate, coverage }
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
pub fn admit(rules: &Rules, peer: IpAddr, request: &Request) -> Result<Entry, Denied> {
    let caller = caller(rules, peer, request);
    let permitted = |gate: &&Gate| gate.permits(caller.address());
    let is_taken = rules.status.as_ref().is_some_and(|it| it.is_at(request));
    let gate = rules
        .gates
        .iter()
        .rposition(|gate| permitted(&gate) && gate.serves(request) && !is_taken);
    match gate {
        Some(gate) => Ok(Entry { gate, caller }),
        None if rules.gates.iter().any(|gate| permitted(&gate)) => Err(Denied::Path),
        None => Err(Denied::Address),
    }
}

/// The entry's credentials or signature over the whole request, body included. `now_s` is `None`
/// while the clock is not sane. The choice of interface is final: no other is tried.
pub fn check(
    entry: Entry,
    rules: &Rules,
    request: &Request,
    now_s: Option<u64>,
) -> Result<Permit, Denied> {
    let gate = rules.gates.get(entry.gate).ok_or(Denied::Address)?;
    let public_url = gate.public_url.as_ref();
    match verify::check(&gate.scheme, public_url, request, now_s) {
        Ok(coverage) => Ok(Permit {
            gate: entry.gate,
            coverage,
        }),
        Err(verify::Denied::Clock) => Err(Denied::Clock),
        Err(denied) => Err(Denied::Credentials(denied.phrase())),
    }
}

/// The peer, or whom a trusted proxy names: the field's lines in order, read from the right,
/// proxies skipped.
fn caller(rules: &Rules, peer: IpAddr, request: &Request) -> Caller {
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
    let entry = std::str::from_utf8(entry.trim_ascii()).ok()?;
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

/// One to five digits. `::1` has a colon first and an empty text before it, `1::` none after.
fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::request::{Field, Version};

    #[test]
    fn blocks() {
        let check = |text: &str, expected: Option<(&str, u8)>| {
            let expected = expected.map(|(address, prefix_bits)| Cidr {
                address: mapped(address.parse().unwrap()),
                prefix_bits,
            });
            assert_eq!(Cidr::parse(text), expected, "{text:?}");
        };
        check("1.2.3.4", Some(("1.2.3.4", 128)));
        check("1.2.3.4/32", Some(("1.2.3.4", 128)));
        check("1.2.3.4/24", Some(("1.2.3.4", 120)));
        check("0.0.0.0/0", Some(("0.0.0.0", 96)));
        check("1.2.3.4/032", Some(("1.2.3.4", 128)));
        check("::1", Some(("::1", 128)));
        check("2001:db8::/32", Some(("2001:db8::", 32)));
        check("::/0", Some(("::", 0)));
        check("::/128", Some(("::", 128)));
        check("::ffff:1.2.3.4", Some(("1.2.3.4", 128)));
        for bad in [
            "",
            "/",
            "1.2.3",
            "1.2.3.4/",
            "1.2.3.4/33",
            "1.2.3.4/+8",
            "1.2.3.4/-1",
            "1.2.3.4/8/8",
            "1.2.3.04",
            "1.2.3.256",
            "::/129",
            "::/0128",
            "a",
            " 1.2.3.4",
            "1.2.3.4 ",
            "[::1]",
            "1.2.3.4:80",
            "1.2.3.0/255.255.255.0",
            "::1%lo",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn block_contains() {
        let check = |block: &str, address: &str, expected: bool| {
            let found = Cidr::parse(block)
                .unwrap()
                .contains(address.parse().unwrap());
            assert_eq!(found, expected, "{block} {address}");
        };
        check("1.2.3.4", "1.2.3.4", true);
        check("1.2.3.4", "1.2.3.5", false);
        check("1.2.3.4", "::ffff:1.2.3.4", true);
        check("::ffff:1.2.3.4", "1.2.3.4", true);
        check("1.2.3.4/24", "1.2.3.255", true);
        check("1.2.3.4/24", "1.2.4.0", false);
        check("1.2.3.4/31", "1.2.3.5", true);
        check("1.2.3.4/31", "1.2.3.6", false);
        check("0.0.0.0/0", "255.1.2.3", true);
        check("0.0.0.0/0", "::1", false);
        check("0.0.0.0/0", "::ffff:1.2.3.4", true);
        check("::/0", "2001:db8::1", true);
        check("::/0", "1.2.3.4", false);
        check("::/0", "::ffff:1.2.3.4", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("2001:db8::8/125", "2001:db8::f", true);
        check("2001:db8::8/125", "2001:db8::10", false);
        check("::1.2.3.4", "1.2.3.4", false);
    }

    fn blocks_of(list: &str) -> Vec<Cidr> {
        list.split_whitespace()
            .map(|block| Cidr::parse(block).unwrap())
            .collect()
    }

    fn gate(permit: Option<&str>, paths: Option<&[&str]>) -> Gate {
        Gate {
            permit: permit.map(blocks_of),
            paths: paths.map(|paths| paths.iter().map(|path| path.as_bytes().to_vec()).collect()),
            scheme: Scheme::None,
            public_url: None,
            key_echo: Vec::new(),
        }
    }

    fn rules(gates: Vec<Gate>) -> Rules {
        Rules {
            gates,
            proxies: blocks_of("172.16.0.0/12 fd00::/8"),
            proxy_header: "HTTP_X_FORWARDED_FOR".to_owned(),
            status: None,
        }
    }

    fn request<'a>(target: &'a str, fields: &[(&'a str, &'a str)]) -> Request<'a> {
        Request {
            method: "POST",
            target: target.as_bytes(),
            version: Version::Http11,
            fields: fields
                .iter()
                .map(|(name, value)| Field {
                    name,
                    value: value.as_bytes(),
                })
                .collect(),
            body: b"",
        }
    }

    #[test]
    fn callers() {
        let check = |peer: &str, fields: &[(&str, &str)], expected: Caller| {
            let found = caller(&rules(vec![]), peer.parse().unwrap(), &request("/", fields));
            assert_eq!(found, expected, "{peer} {fields:?}");
        };
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let forwarded = |text: &str| Caller::Forwarded(ip(text));
        let xff = "X-Forwarded-For";
        let (proxy, itself) = ("172.16.0.1", Caller::Proxy(ip("172.16.0.1")));

        // A peer that is no proxy says nothing about itself.
        check("9.9.9.9", &[(xff, "1.1.1.1")], Caller::Peer(ip("9.9.9.9")));
        check("::ffff:9.9.9.9", &[], Caller::Peer(ip("9.9.9.9")));
        check("::ffff:172.16.0.1", &[], itself);
        check("fd00::1", &[(xff, "1.1.1.1")], forwarded("1.1.1.1"));

        check(proxy, &[(xff, "1.1.1.1")], forwarded("1.1.1.1"));
        check(
            proxy,
            &[("x-forwarded-FOR", "1.1.1.1")],
            forwarded("1.1.1.1"),
        );
        check(proxy, &[(xff, "6.6.6.6, 1.1.1.1")], forwarded("1.1.1.1"));
        check(
            proxy,
            &[(xff, "1.1.1.1,172.16.0.2 , fd00::2")],
            forwarded("1.1.1.1"),
        );
        check(
            proxy,
            &[(xff, "6.6.6.6"), (xff, "1.1.1.1")],
            forwarded("1.1.1.1"),
        );
        check(
            proxy,
            &[(xff, "1.1.1.1"), (xff, "172.16.0.2")],
            forwarded("1.1.1.1"),
        );
        check(proxy, &[(xff, "1.1.1.1"), (xff, "")], forwarded("1.1.1.1"));
        check(proxy, &[(xff, "1.1.1.1:8080")], forwarded("1.1.1.1"));
        check(
            proxy,
            &[(xff, "[2001:db8::1]:8080")],
            forwarded("2001:db8::1"),
        );
        check(proxy, &[(xff, "[2001:db8::1]")], forwarded("2001:db8::1"));
        check(proxy, &[(xff, "2001:db8::1")], forwarded("2001:db8::1"));
        check(proxy, &[(xff, "::1")], forwarded("::1"));
        check(proxy, &[(xff, "::ffff:1.1.1.1")], forwarded("1.1.1.1"));
        check(
            proxy,
            &[(xff, "[::ffff:172.16.0.2]:1, ::ffff:172.16.0.3")],
            itself,
        );

        // Nobody but proxies, or nobody.
        check(proxy, &[], itself);
        check(proxy, &[(xff, "")], itself);
        check(proxy, &[(xff, "172.16.0.2")], itself);
        // A field of another name is not it, whatever CGI would make of it.
        check(proxy, &[("X_Forwarded_For", "1.1.1.1")], itself);
        check(proxy, &[("X-Forwarded_For", "1.1.1.1")], itself);
        check(proxy, &[("X.Forwarded.For", "1.1.1.1")], itself);
        check(proxy, &[("Forwarded-For", "1.1.1.1")], itself);
        check(proxy, &[("HTTP_X_FORWARDED_FOR", "1.1.1.1")], itself);

        for bad in [
            "unknown",
            "1.1.1.1, unknown",
            "1.1.1.1,",
            "1.1.1.1, ,172.16.0.2",
            "1.1.1.1:",
            "1.1.1",
            "1.1.1.1:http",
            "1.1.1.1:123456",
            "[1.1.1.1]",
            "[::1",
            "[::1]80",
            "[::1]:",
            "fe80::1%eth0",
            "\"1.1.1.1\"",
            "for=1.1.1.1",
            "01.1.1.1",
            "1.1.1.1 2.2.2.2",
            "\u{661}.1.1.1",
        ] {
            check(proxy, &[(xff, bad)], Caller::Unknown);
        }
    }

    #[test]
    fn no_header_named() {
        let mut rules = rules(vec![]);
        for name in ["", "HTTP_"] {
            rules.proxy_header = name.to_owned();
            let request = request("/", &[("", "1.1.1.1"), ("X-Forwarded-For", "1.1.1.1")]);
            let proxy: IpAddr = "172.16.0.1".parse().unwrap();
            assert_eq!(caller(&rules, proxy, &request), Caller::Proxy(proxy));
        }
    }

    /// The gate for a target from a peer.
    fn check_admit(gates: Vec<Gate>, peer: &str, target: &str, expected: Result<usize, Denied>) {
        let (rules, peer) = (rules(gates), peer.parse().unwrap());
        let found = admit(
            &rules,
            peer,
            &request(target, &[("X-Forwarded-For", "bad")]),
        );
        let found = found.map(|entry| entry.gate());
        assert_eq!(found, expected, "{peer} {target}");
        // Who is let in is never turned away unread.
        assert!(
            !(found.is_ok() && rules.is_stranger(peer)),
            "{peer} {target}"
        );
    }

    #[test]
    fn admission() {
        let check = check_admit;
        let one = |permit, paths| vec![gate(permit, paths)];
        check(vec![], "1.1.1.1", "/", Err(Denied::Address));
        check(one(None, None), "1.1.1.1", "/", Ok(0));
        check(one(Some(""), None), "1.1.1.1", "/", Err(Denied::Address));
        check(one(Some("1.1.1.0/24"), None), "1.1.1.1", "/", Ok(0));
        check(one(Some("1.1.1.0/24"), None), "::ffff:1.1.1.1", "/", Ok(0));
        check(
            one(Some("1.1.1.0/24"), None),
            "1.1.2.1",
            "/",
            Err(Denied::Address),
        );
        check(
            one(Some("1.1.1.0/24 2001:db8::/32"), None),
            "2001:db8::1",
            "/",
            Ok(0),
        );

        // A proxy that names something that is no address.
        check(one(None, None), "172.16.0.1", "/", Ok(0));
        check(
            one(Some("0.0.0.0/0 ::/0"), None),
            "172.16.0.1",
            "/",
            Err(Denied::Address),
        );

        check(one(None, Some(&[])), "1.1.1.1", "/", Err(Denied::Path));
        check(one(None, Some(&["/sms"])), "1.1.1.1", "/sms", Ok(0));
        check(one(None, Some(&["/sms"])), "1.1.1.1", "/sms?a=b", Ok(0));
        check(
            one(None, Some(&["/sms"])),
            "1.1.1.1",
            "/sms/",
            Err(Denied::Path),
        );
        check(
            one(None, Some(&["/sms"])),
            "1.1.1.1",
            "/SMS",
            Err(Denied::Path),
        );
        check(
            one(None, Some(&["/sms"])),
            "1.1.1.1",
            "/%73ms",
            Err(Denied::Path),
        );
        check(one(None, Some(&["/sms?a=b"])), "1.1.1.1", "/sms?a=b", Ok(0));
        check(
            one(None, Some(&["/sms?a=b"])),
            "1.1.1.1",
            "/sms?a=b&c",
            Err(Denied::Path),
        );
        check(
            one(None, Some(&["/sms?a=b"])),
            "1.1.1.1",
            "/sms",
            Err(Denied::Path),
        );
        check(one(None, Some(&["/a", "/b"])), "1.1.1.1", "/b", Ok(0));
        // The address is judged first: a stranger does not learn which paths there are.
        check(
            one(Some("2.2.2.2"), Some(&["/a"])),
            "1.1.1.1",
            "/b",
            Err(Denied::Address),
        );

        // Of several, the last that matches in both.
        let several = || {
            vec![
                gate(Some("1.1.1.1 2.2.2.2"), Some(&["/a"])),
                gate(Some("1.1.1.1"), Some(&["/a", "/b"])),
                gate(Some("2.2.2.2"), Some(&["/b"])),
            ]
        };
        check(several(), "1.1.1.1", "/a", Ok(1));
        check(several(), "2.2.2.2", "/a", Ok(0));
        check(several(), "2.2.2.2", "/b", Ok(2));
        check(several(), "1.1.1.1", "/c", Err(Denied::Path));
        check(several(), "3.3.3.3", "/a", Err(Denied::Address));
    }

    #[test]
    fn strangers() {
        let check = |gates: Vec<Gate>, peer: &str, expected: bool| {
            let found = rules(gates).is_stranger(peer.parse().unwrap());
            assert_eq!(found, expected, "{peer}");
        };
        let two = || {
            vec![
                gate(Some("1.1.1.1"), None),
                gate(Some("2001:db8::/32"), None),
            ]
        };
        check(two(), "1.1.1.1", false);
        check(two(), "::ffff:1.1.1.1", false);
        check(two(), "2001:db8::1", false);
        check(two(), "1.1.1.2", true);
        check(two(), "172.16.0.1", false);
        check(vec![gate(None, Some(&[]))], "1.1.1.2", false);
        check(vec![], "1.1.1.2", true);
    }

    /// Rules with a status page at `/status`, for 127.0.0.0/8, ::1 and 10.0.0.0/8.
    fn with_status(gates: Vec<Gate>) -> Rules {
        let mut rules = rules(gates);
        rules.status = Some(Status {
            path: b"/status".to_vec(),
            permit: blocks_of("127.0.0.0/8 ::1 10.0.0.0/8"),
        });
        rules
    }

    #[test]
    fn who_reads_the_status_page() {
        let rules = with_status(vec![gate(None, None)]);
        let check = |peer: &str, target: &str, fields: &[(&str, &str)], expected: bool| {
            let request = request(target, fields);
            let found = reads_status(&rules, peer.parse().unwrap(), &request);
            assert_eq!(found, expected, "{peer} {target} {fields:?}");
        };
        for peer in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "10.1.2.3",
        ] {
            check(peer, "/status", &[], true);
            check(peer, "/status?a=b", &[], true);
            for path in [
                "/",
                "/status/",
                "/Status",
                "/%73tatus",
                "//status",
                "/status/x",
            ] {
                check(peer, path, &[], false);
            }
            for name in [
                "Via",
                "forwarded",
                "X-FORWARDED-FOR",
                "X-Real-IP",
                "x-forwarded-for",
            ] {
                for value in ["", "127.0.0.1", "10.0.0.1", "for=127.0.0.1", "1.1 squid"] {
                    check(peer, "/status", &[(name, value)], false);
                }
            }
            check(peer, "/status", &[("Forwarded-For", "x")], true);
        }
        for peer in [
            "192.0.2.1",
            "11.0.0.1",
            "2001:db8::1",
            "::2",
            "::ffff:192.0.2.1",
        ] {
            check(peer, "/status", &[], false);
            check(peer, "/status", &[("X-Forwarded-For", "127.0.0.1")], false);
        }
        // A proxy of ours: whom it names counts, if it names somebody.
        for proxy in ["172.16.0.1", "fd00::1"] {
            let named = |value| [("X-Forwarded-For", value), ("Via", "1.1 nginx")];
            check(proxy, "/status", &[], false);
            check(proxy, "/status", &named("10.1.2.3"), true);
            check(proxy, "/status", &named("192.0.2.1, 10.1.2.3"), true);
            check(proxy, "/status", &named("10.1.2.3, 192.0.2.1"), false);
            check(proxy, "/status", &named("127.0.0.1"), false);
            check(proxy, "/status", &named("::1"), false);
            check(proxy, "/status", &named("unknown"), false);
            check(proxy, "/status", &named(""), false);
            check(proxy, "/status", &named("172.16.0.9"), false);
        }
    }

    #[test]
    fn a_proxy_that_is_let_in_names_somebody_or_leaves_no_trace() {
        let mut rules = with_status(vec![]);
        rules.proxies = blocks_of("127.0.0.1");
        rules.proxy_header = "HTTP_X_CALLER".to_owned();
        let check = |fields: &[(&str, &str)], expected: bool| {
            let request = request("/status", fields);
            let found = reads_status(&rules, "127.0.0.1".parse().unwrap(), &request);
            assert_eq!(found, expected, "{fields:?}");
        };
        check(&[], true);
        check(&[("X-Caller", "10.0.0.1")], true);
        check(&[("X-Caller", "192.0.2.1")], false);
        check(&[("X-Caller", "127.0.0.1")], false);
        check(&[("X-Caller", "127.0.0.2")], false);
        check(&[("X-Caller", "")], false);
        check(&[("X-Forwarded-For", "192.0.2.1")], false);
        check(&[("Via", "1.1 nginx")], false);
    }

    #[test]
    fn the_status_page_lets_nobody_in_elsewhere_and_no_interface_has_its_path() {
        let check = |gates: Vec<Gate>, peer: &str, target: &str, expected| {
            let found = admit(
                &with_status(gates),
                peer.parse().unwrap(),
                &request(target, &[]),
            );
            assert_eq!(found.map(|entry| entry.gate()), expected, "{peer} {target}");
        };
        let all = || vec![gate(None, None)];
        let named = || vec![gate(None, Some(&["/status", "/status?a=b", "/sms"]))];
        let other = || vec![gate(Some("192.0.2.1"), None)];
        check(all(), "127.0.0.1", "/", Ok(0));
        check(all(), "127.0.0.1", "/status", Err(Denied::Path));
        check(all(), "192.0.2.1", "/status?a=b", Err(Denied::Path));
        check(named(), "192.0.2.1", "/sms", Ok(0));
        check(named(), "192.0.2.1", "/status", Err(Denied::Path));
        check(named(), "192.0.2.1", "/status?a=b", Err(Denied::Path));
        check(other(), "192.0.2.1", "/", Ok(0));
        check(other(), "127.0.0.1", "/", Err(Denied::Address));
        check(other(), "127.0.0.1", "/status", Err(Denied::Address));
        for (peer, expected) in [
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
        ] {
            let found = with_status(other()).is_stranger(peer.parse().unwrap());
            assert_eq!(found, expected, "{peer}");
        }
    }

    #[test]
    fn permits_need_the_credentials_of_their_own_gate() {
        let mut gates = vec![gate(None, None), gate(None, None)];
        for (gate, token) in gates.iter_mut().zip(["first", "second"]) {
            gate.scheme = Scheme::Bearer {
                token: token.as_bytes().to_vec(),
            };
        }
        let rules = rules(gates);
        let check_one = |authorization: &str, expected: Result<usize, Denied>| {
            let request = request("/", &[("Authorization", authorization)]);
            let entry = admit(&rules, "1.1.1.1".parse().unwrap(), &request).unwrap();
            let permit = check(entry, &rules, &request, None);
            assert_eq!(
                permit.map(|permit| permit.gate()),
                expected,
                "{authorization}"
            );
        };
        check_one("Bearer second", Ok(1));
        check_one("Bearer first", Err(Denied::Credentials("signature wrong")));
        check_one("", Err(Denied::Credentials("signature wrong")));
    }
}
