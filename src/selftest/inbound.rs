//! The inbound path: addresses, spool, Asterisk, then interface by interface who may deliver and
//! whether an SMS as the provider brings it arrives.
//!
//! Invariant: the samples go through a listener and a spool of this process; no SMS reaches Asterisk.
//! A running `websmsd` gets one GET without parameters.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use super::sample::{self, NoSample};
use super::spool::{self, Private};
use super::{Finding, Report, check_clock, configuration};
use crate::config::Config;
use crate::daemon::{Options, addresses, try_address};
use crate::inbound::{Service, Setup, serve};
use crate::limits::{SELFTEST_ANSWER_BYTES_MAX, SELFTEST_WAIT, SENDER_STACK_BYTES};
use crate::outbound::spool_settings;
use crate::proto::access::{self, Cidr, Gate, Rules};
use crate::proto::provider::Call;
use crate::proto::request::Request;
use crate::proto::verify::Scheme;
use crate::sys::client::{self, Settings, Trust};
use crate::sys::clock::{self, Deadline};
use crate::sys::files;
use crate::sys::listener::Slots;
use crate::sys::log;
use crate::sys::spool::Spool;
use crate::sys::stream::Tcp;
use crate::sys::threads;

/// What is to be looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// This interface alone.
    pub index: Option<&'a str>,
    /// Whether a request from this address would be let in.
    pub from: Option<IpAddr>,
}

/// Walks the interface of `wanted.index`, or all of them.
pub fn inbound(options: &Options, wanted: Wanted<'_>) -> Report {
    log::mute();
    let mut report = Report::default();
    let config = configuration(&options.config, &mut report);
    check_clock(&mut report);
    let Some(config) = config else {
        return report;
    };
    let config = Arc::new(config);
    let selected: Vec<usize> = (0..config.hooks.len())
        .filter(|at| {
            let hook = config.hooks.get(*at);
            wanted
                .index
                .is_none_or(|index| hook.is_some_and(|hook| hook.interface == index))
        })
        .collect();
    if selected.is_empty() {
        let known: Vec<&str> = config
            .hooks
            .iter()
            .map(|hook| hook.interface.as_str())
            .collect();
        let fact = format!("no interface of that name, there are: {}", known.join(", "));
        report.add("interface", "", Finding::Fail, fact, "");
        report.unusable = true;
        return report;
    }
    let all = addresses(options, &config);
    for address in &all {
        listens(*address, &all, &config, &mut report);
    }
    spool::check(&config, &mut report);
    if let Some(from) = wanted.from {
        passes(from, &config, &mut report);
    }
    for gate in selected {
        who_may_deliver(gate, &config, &mut report);
        arrives(gate, &config, &mut report);
    }
    report
}

// ---- Where it listens -----------------------------------------------------------------------

fn listens(address: SocketAddr, all: &[SocketAddr], config: &Config, report: &mut Report) {
    const NAME: &str = "listen";
    let (kind, text) = match try_address(address, all) {
        Ok(()) => {
            let fact = format!("{address} is free: no websmsd listens there now");
            return report.add(NAME, "", Finding::Ok, fact, "");
        }
        Err(fault) => fault,
    };
    if kind != io::ErrorKind::AddrInUse {
        let (fact, remedy) = text.rsplit_once(": ").unwrap_or((&text, ""));
        return report.add(NAME, "", Finding::Fail, fact, remedy);
    }
    let local = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let local = SocketAddr::new(local, address.port());
    let knock = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let secure = config.listening.tls.is_some();
    if secure && config.rules.is_stranger(local.ip()) {
        let fact = format!(
            "{address} is in use, by whom cannot be asked: over HTTPS a websmsd closes to who is not in \
             permit_addr, as this machine"
        );
        return report.add(NAME, "", Finding::Skip, fact, "who it is: ss -ltnp");
    }
    let answered = match config.listening.tls {
        None => ask(local, knock).as_deref().and_then(our_status),
        Some(_) => ask_tls(local),
    };
    match answered {
        Some(status) => report.ok(
            NAME,
            "",
            format!("a websmsd answers on {address}: {status} for a GET from this machine"),
        ),
        None => report.add(
            NAME,
            "",
            Finding::Fail,
            format!("another program listens on {address}"),
            "stop it, or choose another port with -l or listen; who it is: ss -ltnp",
        ),
    }
}

/// One request, one answer, over TCP. Errors are silence.
fn ask(address: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let mut socket = TcpStream::connect_timeout(&address, SELFTEST_WAIT).ok()?;
    socket.set_read_timeout(Some(SELFTEST_WAIT)).ok()?;
    socket.set_write_timeout(Some(SELFTEST_WAIT)).ok()?;
    socket.write_all(request).ok()?;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    // Another program may keep the connection. What came before an error counts.
    while answer.len() < SELFTEST_ANSWER_BYTES_MAX && !is_whole(&answer) {
        match socket.read(&mut piece) {
            Ok(amount @ 1..) => answer.extend_from_slice(piece.get(..amount)?),
            _ => break,
        }
    }
    Some(answer)
}

/// Whether all that is said of a length has come.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split_once("\r\ncontent-length:");
    let digits = length.and_then(|(_, rest)| rest.lines().next());
    let length = digits.and_then(|digits| digits.trim().parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

/// The same GET over TLS, whose certificate names another host than this address. Its head is not
/// seen, so what is no `websmsd` is known by its body only.
fn ask_tls(address: SocketAddr) -> Option<u16> {
    let knock = Call {
        method: "GET",
        url: format!("https://{address}/"),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let settings = Settings {
        proxy: None,
        trust: Trust::Anybody,
    };
    let reply = client::post(&knock, &settings, &Deadline::after(SELFTEST_WAIT)).ok()?;
    let known = match reply.status {
        200 => reply.body.is_empty(),
        403 | 404 | 503 => reply.body.len() < 32,
        _ => false,
    };
    known.then_some(reply.status)
}

/// The status of an answer that a `websmsd` can give to a bare GET. It says neither what it is nor
/// what time it is, as nearly every other server does.
fn our_status(answer: &[u8]) -> Option<u16> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, _) = answer.split_once("\r\n\r\n")?;
    let head = head.to_ascii_lowercase();
    let status = head.strip_prefix("http/1.1 ")?.get(..3)?.parse().ok()?;
    let others = ["\r\nserver:", "\r\ndate:", "\r\nlocation:"];
    let ours = matches!(status, 200 | 403 | 404 | 503) && head.contains("\r\ncontent-length:");
    (ours && !others.iter().any(|field| head.contains(field))).then_some(status)
}

// ---- Who may deliver ------------------------------------------------------------------------

fn who_may_deliver(at: usize, config: &Config, report: &mut Report) {
    const NAME: &str = "access";
    let rules = &config.rules;
    let (Some(gate), Some(hook)) = (rules.gates.get(at), config.hooks.get(at)) else {
        return;
    };
    let name = hook.interface.as_str();
    let proof = match &gate.scheme {
        Scheme::None => String::new(),
        scheme => format!(", with the proof of {}", scheme.name()),
    };
    let behind = match rules.proxies.is_empty() {
        true => ", and no proxy is believed".to_owned(),
        false => format!(
            "; proxies in {} are believed in {}",
            blocks(&rules.proxies),
            rules.proxy_header
        ),
    };
    let Some(permit) = &gate.permit else {
        let fact = format!("anybody passes{proof}{behind}");
        return match gate.scheme {
            Scheme::None => report.add(
                NAME,
                name,
                Finding::Warn,
                fact,
                "give permit_addr, or the provider's auth_method",
            ),
            _ => report.ok(NAME, name, fact),
        };
    };
    let fact = format!("{} may deliver{proof}{behind}", blocks(permit));
    if permit.is_empty() {
        let fact = "permit_addr is empty, so nobody may deliver";
        let remedy = "give the provider's addresses, or leave permit_addr out";
        return report.add(NAME, name, Finding::Fail, fact, remedy);
    }
    if lets_proxies_in_only(gate, rules) {
        let fact = format!(
            "{} may deliver, but these are proxies: whom a proxy names is judged, not the proxy, so no \
             provider passes",
            blocks(permit)
        );
        let remedy =
            "permit_addr wants the provider's own addresses, proxy_addr those of the proxies";
        return report.add(NAME, name, Finding::Fail, fact, remedy);
    }
    let local = |block: &Cidr| block.first_address().is_loopback();
    if permit.iter().any(local) {
        let remedy = "if a proxy on this machine brings the requests, the whole internet comes from \
                      here: put the provider's addresses into permit_addr, and the proxy's into \
                      proxy_addr";
        return report.add(NAME, name, Finding::Warn, fact, remedy);
    }
    report.ok(NAME, name, fact);
}

/// A mistake: no provider calls from a proxy's address. An empty list is one, too.
fn lets_proxies_in_only(gate: &Gate, rules: &Rules) -> bool {
    let is_proxy = |block: &Cidr| rules.is_proxy(block.first_address());
    let permit = gate.permit.as_ref();
    permit.is_some_and(|blocks| blocks.iter().all(is_proxy))
}

fn blocks(list: &[Cidr]) -> String {
    let shown: Vec<String> = list.iter().map(Cidr::to_string).collect();
    shown.join(", ")
}

/// Whether an address is let in, and by which interfaces.
fn passes(from: IpAddr, config: &Config, report: &mut Report) {
    const NAME: &str = "from";
    let rules = &config.rules;
    if rules.is_proxy(from) {
        let fact = format!("{from} is a proxy: whom it names is judged");
        return report.ok(NAME, "", fact);
    }
    let hooks = config.hooks.iter().zip(&rules.gates);
    let by: Vec<&str> = hooks
        .filter(|(_, gate)| gate.permits(Some(from)))
        .map(|(hook, _)| hook.interface.as_str())
        .collect();
    match (by.is_empty(), by.join(", ").as_str()) {
        (true, _) => report.add(
            NAME,
            "",
            Finding::Fail,
            format!("{from} is not let in: 403"),
            "if it is the provider's, add it to permit_addr; if it is a proxy's, to proxy_addr",
        ),
        (false, "") => report.ok(NAME, "", format!("{from} is let in")),
        (false, names) => report.ok(NAME, "", format!("{from} is let in for {names}")),
    }
}

/// An address that the interface lets in; one of documentation's where it lets everybody in.
fn caller(gate: &Gate) -> IpAddr {
    let first = gate.permit.as_ref().and_then(|blocks| blocks.first());
    first.map_or(Ipv4Addr::new(192, 0, 2, 1).into(), Cidr::first_address)
}

// ---- Whether an SMS arrives -----------------------------------------------------------------

fn arrives(at: usize, config: &Arc<Config>, report: &mut Report) {
    const NAME: &str = "sample";
    let rules = &config.rules;
    let (Some(gate), Some(hook)) = (rules.gates.get(at), config.hooks.get(at)) else {
        return;
    };
    let name = hook.interface.as_str();
    let mut skip = |fact: &str, remedy: &str| report.add(NAME, name, Finding::Skip, fact, remedy);
    if lets_proxies_in_only(gate, rules) {
        return skip("not tried: no provider may deliver", "");
    }
    let id = match files::unique() {
        Ok(unique) => format!("websms-selftest-{unique}"),
        Err(_) => return skip("not tried: no random numbers", ""),
    };
    let request = match sample::encode(hook, gate, &id, clock::now_s()) {
        Ok(request) => request,
        Err(NoSample::PrivateKey) => {
            let fact = "not tried: telnyx signs with a key that only they have, and auth_passwd is its \
                        public half";
            return skip(fact, "send an SMS to a number there, and look into the log");
        }
        Err(NoSample::Keys) => {
            let fact = "not tried: url_path and the keys make no request";
            return skip(
                fact,
                "see url_path, key_to, key_from, key_body, accept_if and each",
            );
        }
    };
    let peer = caller(gate);
    if let Some(taker) = taker(rules, peer, &request).filter(|taker| *taker != at) {
        let other = config.hooks.get(taker).map_or("", |hook| &hook.interface);
        let fact =
            format!("interface {other} takes its SMS: same address, same path, later in the file");
        let remedy = "give each interface a url_path of its own, and that to the provider";
        return report.add(NAME, name, Finding::Fail, fact, remedy);
    }
    match deliver(config, peer, &request) {
        Err(fact) => skip(fact, ""),
        Ok((200, 1)) => report.ok(
            NAME,
            name,
            format!(
                "an SMS made as the provider would, from {peer}, is accepted and makes a call file"
            ),
        ),
        Ok((status, files)) => {
            let (fact, remedy) = refused(status);
            let fact = format!("{fact}: {status}, call files: {files}");
            report.add(NAME, name, Finding::Fail, fact, remedy);
        }
    }
}

/// The interface that this request belongs to.
fn taker(rules: &Rules, peer: IpAddr, request: &[u8]) -> Option<usize> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = request.get(..end.saturating_add(4))?;
    let entry = access::admit(rules, peer, &Request::parse(head).ok()?).ok()?;
    Some(entry.gate())
}

/// Status and call files of a request that comes from `peer`, through a listener and a spool of our
/// own. As the service itself: no record of ids, nothing kept.
fn deliver(
    config: &Arc<Config>,
    peer: IpAddr,
    request: &[u8],
) -> Result<(u16, usize), &'static str> {
    const NONE: &str = "not tried: this user has no place for a spool of its own";
    let private = Private::make(config).ok_or(NONE)?;
    let spool = Spool::open(&spool_settings(&private.settings)).map_err(|_| NONE)?;
    let service = Service::new(
        Setup {
            config: Arc::clone(config),
            spool,
            duplicates: None,
            rejected: None,
            certificate: None,
            on_message: None,
            status: None,
        },
        Slots::new(1),
    );
    const NO_LISTENER: &str = "not tried: no listener on 127.0.0.1";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|_| NO_LISTENER)?;
    let address = listener.local_addr().map_err(|_| NO_LISTENER)?;
    let serving = threads::spawn("selftest", SENDER_STACK_BYTES, move || {
        if let Ok((socket, _)) = listener.accept() {
            serve(&service, &mut Tcp::new(Arc::new(socket)), peer);
        }
    });
    serving.map_err(|_| NO_LISTENER)?;
    let answer = ask(address, request).unwrap_or_default();
    let status = answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let status = status
        .and_then(|digits| digits.parse().ok())
        .ok_or("no answer came")?;
    let entries = std::fs::read_dir(&private.settings.outgoing);
    Ok((status, entries.map_or(0, Iterator::count)))
}

/// What a refusal of our own sample means.
fn refused(status: u16) -> (&'static str, &'static str) {
    match status {
        200 => (
            "the request is no message",
            "see accept_if, each, key_to, key_from and key_body",
        ),
        401 => (
            "the proof is not taken",
            "see auth_method, auth_passwd and public_url",
        ),
        403 => (
            "the address is not let in",
            "see permit_addr and proxy_addr",
        ),
        404 => ("the path is not served", "see url_path"),
        503 => (
            "it cannot be taken now",
            "see the steps above: the clock for a signature with a time, the spool for all",
        ),
        _ => (
            "the SMS is not acceptable",
            "see key_to, key_from, key_body, number_format and text_decode",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::response::{After, Answer, Refusal, encode};

    #[test]
    fn our_answers_are_known_from_others() {
        for answer in [
            Answer::empty(),
            Refusal::Address.answer(),
            Refusal::Path.answer(),
            Refusal::Busy.answer(),
        ] {
            let (bytes, _) = encode(&answer, After::Close, "");
            assert_eq!(our_status(&bytes), Some(answer.status));
        }
        let others: [&[u8]; 5] = [
            b"",
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\nDate: x\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        ];
        for other in others {
            assert_eq!(our_status(other), None, "{}", other.escape_ascii());
        }
    }
}
