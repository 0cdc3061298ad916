//! Tests the inbound path: addresses, spool, Asterisk; then for each interface who may deliver, and whether
//! an SMS as the provider brings it arrives.
//!
//! Invariant: the samples go through a listener and a spool of this process; no SMS reaches Asterisk.
//! A running `websmsd` gets one GET without parameters.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use super::sample::{self, NoSample};
use super::spool::{self, Private};
use super::{Finding, Report, check_clock, configuration, cut, list, no_interface};
use crate::config::{Config, Polling};
use crate::daemon::{BindFault, Options, addresses, try_address};
use crate::inbound::{Keeps, Service, Setup, serve};
use crate::limits::{SELFTEST_ANSWER_BYTES_MAX, SELFTEST_WAIT, SENDER_STACK_BYTES};
use crate::poll::look;
use crate::proto::provider::Call;
use crate::proto::webhook::access::{self, Rules};
use crate::proto::webhook::interface::{Gate, Interface};
use crate::proto::wire::cidr::Cidr;
use crate::proto::wire::request::Request;
use crate::sys::client::{self, Trust};
use crate::sys::clock::{self, Deadline};
use crate::sys::directory::Directory;
use crate::sys::files;
use crate::sys::listener::{Share, Slots};
use crate::sys::log;
use crate::sys::stream::Tcp;
use crate::sys::threads;

/// The parts to be tested.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Only this interface is tested, if given.
    pub index: Option<&'a str>,
    /// Tests whether a request from this address would be let in, if given.
    pub from: Option<IpAddr>,
}

/// Tests the interface of `wanted.index`, or all of them.
pub fn inbound(options: &Options, wanted: Wanted<'_>) -> Report {
    log::mute();
    let mut report = Report::default();
    let mut bound = Vec::new();
    let config = configuration(&options.config, &mut report, &mut |config| {
        let all = addresses(options, config);
        for address in &all {
            bound.push((*address, try_address(*address, &all)));
        }
    });
    check_clock(&mut report);
    let Some(config) = config else {
        return report;
    };
    let is_wanted = |one: &Interface| wanted.index.is_none_or(|index| one.name == index);
    if !config.rules.interfaces.iter().any(is_wanted) {
        let mut known = String::new();
        for interface in &config.rules.interfaces {
            list(&mut known, &interface.name);
        }
        let fact = format_args!("no interface of that name, there are: {known}");
        no_interface(&mut report, fact);
        return report;
    }
    for (address, tried) in bound {
        listens(address, tried, &config, &mut report);
    }
    spool::check(&config, &mut report);
    if let Some(from) = wanted.from {
        passes(from, &config, &mut report);
    }
    let config = Arc::new(config);
    for interface in &config.rules.interfaces {
        if is_wanted(interface) {
            report.interface.clone_from(&interface.name);
            // An interface that is polled and permits nobody takes no webhook.
            let is_closed = interface.gate.permit.as_ref().is_some_and(Vec::is_empty);
            if interface.polled.is_none() || !is_closed {
                who_may_deliver(&interface.gate, &config.rules, &mut report);
                arrives(interface, &config, &mut report);
            }
            let mut polls = config.polls.iter();
            if let Some(polling) = polls.find(|it| it.interface == interface.name) {
                is_asked(polling, &config, &mut report);
            }
        }
    }
    report
}

// ---- Its addresses --------------------------------------------------------------------------

// Functions that a loop calls stand apart from it, here and below: inlined, the loop would load the address
// of every text before it begins.
#[inline(never)]
fn listens(
    address: SocketAddr,
    tried: Result<(), BindFault>,
    config: &Config,
    report: &mut Report,
) {
    report.name = "listen";
    let (kind, fact, remedy) = match tried {
        Ok(()) => {
            return report.ok(format_args!(
                "{address} is free: no websmsd listens there now"
            ));
        }
        Err(fault) => fault,
    };
    if kind != io::ErrorKind::AddrInUse {
        return report.add(Finding::Fail, format_args!("{fact}"), remedy);
    }
    let mut local = address;
    if address.ip().is_unspecified() {
        local.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    let secure = config.listening.tls.is_some();
    if secure && config.rules.is_stranger(local.ip()) {
        return report.add(
            Finding::Skip,
            format_args!(
                "{address} is in use, by whom cannot be asked: over HTTPS a websmsd closes to who is not \
                 in permit_addr, as this machine"
            ),
            "who it is: ss -ltnp",
        );
    }
    let answered = match secure {
        false => {
            let knock = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            our_status(&ask(local, knock))
        }
        true => ask_tls(local),
    };
    match answered {
        Some(status) => report.ok(format_args!(
            "a websmsd answers on {address}: {status} for a GET from this machine"
        )),
        None => report.add(
            Finding::Fail,
            format_args!("another program listens on {address}"),
            "stop it, or choose another port with -l or listen; who it is: ss -ltnp",
        ),
    }
}

/// Sends a request over TCP and returns the bytes of the answer.
fn ask(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    // Another program may keep the connection open. The bytes before an error count.
    let _ = exchange(address, request, &mut answer);
    answer
}

fn exchange(address: SocketAddr, request: &[u8], answer: &mut Vec<u8>) -> io::Result<()> {
    let mut socket = TcpStream::connect_timeout(&address, SELFTEST_WAIT)?;
    socket.set_read_timeout(Some(SELFTEST_WAIT))?;
    socket.set_write_timeout(Some(SELFTEST_WAIT))?;
    socket.write_all(request)?;
    let mut piece = [0; 1024];
    while answer.len() < SELFTEST_ANSWER_BYTES_MAX && !is_whole(answer) {
        let amount = socket.read(&mut piece)?;
        if amount == 0 {
            break;
        }
        answer.extend_from_slice(piece.get(..amount).unwrap_or_default());
    }
    Ok(())
}

/// Whether the answer is as long as its head says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = cut(&text, HEAD_END) else {
        return false;
    };
    let digits = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = digits.and_then(|digits| digits.trim_ascii().parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

/// The bytes that end a head.
const HEAD_END: &str = "\r\n\r\n";

/// Sends the GET over TLS, whose certificate names another host than this address. The head is not
/// returned, so that another server is recognised by its body only.
fn ask_tls(address: SocketAddr) -> Option<u16> {
    let knock = Call {
        method: "GET",
        url: format!("https://{address}/"),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let settings = client::Settings {
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

/// Returns the status of an answer that a `websmsd` can give to a bare GET. It names neither the server nor
/// the time, as nearly every other server does.
fn our_status(answer: &[u8]) -> Option<u16> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (head, _) = cut(answer, HEAD_END)?;
    let head = head.to_ascii_lowercase();
    let status = status_of(head.as_bytes()).filter(|_| head.starts_with("http/1.1 "))?;
    let fields = [
        ("\r\ncontent-length:", true),
        ("\r\nserver:", false),
        ("\r\ndate:", false),
        ("\r\nlocation:", false),
    ];
    let ours = fields.iter().all(|(field, is)| head.contains(field) == *is);
    (ours && matches!(status, 200 | 403 | 404 | 503)).then_some(status)
}

/// Returns the three digits behind `HTTP/1.1 `.
fn status_of(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

// ---- The permitted addresses ----------------------------------------------------------------

#[inline(never)]
fn who_may_deliver(gate: &Gate, rules: &Rules, report: &mut Report) {
    report.name = "access";
    let proved = !gate.credentials.is_none();
    let (with, scheme) = match proved {
        true => (", with the proof of ", gate.credentials.scheme.name),
        false => ("", ""),
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
        let (finding, remedy) = match proved {
            false => (
                Finding::Warn,
                "give permit_addr, or the provider's auth_method",
            ),
            true => (Finding::Ok, ""),
        };
        let fact = format_args!("anybody passes{with}{scheme}{behind}");
        return report.add(finding, fact, remedy);
    };
    let shown = blocks(permit);
    if permit.is_empty() {
        return report.add(
            Finding::Fail,
            format_args!("permit_addr is empty, so nobody may deliver"),
            "give the provider's addresses, or leave permit_addr out",
        );
    }
    if lets_proxies_in_only(gate, rules) {
        return report.add(
            Finding::Fail,
            format_args!(
                "{shown} may deliver, but these are proxies: whom a proxy names is judged, not the \
                 proxy, so no provider passes"
            ),
            "permit_addr wants the provider's own addresses, proxy_addr those of the proxies",
        );
    }
    let is_local = |block: &Cidr| block.first_address().is_loopback();
    let (finding, remedy) = match permit.iter().any(is_local) {
        true => (
            Finding::Warn,
            "if a proxy on this machine brings the requests, the whole internet comes from here: put \
             the provider's addresses into permit_addr, and the proxy's into proxy_addr",
        ),
        false => (Finding::Ok, ""),
    };
    let fact = format_args!("{shown} may deliver{with}{scheme}{behind}");
    report.add(finding, fact, remedy);
}

/// Whether only proxies' addresses are permitted, which is a mistake: no provider calls from them. An empty
/// list is one, too.
fn lets_proxies_in_only(gate: &Gate, rules: &Rules) -> bool {
    let is_proxy = |block: &Cidr| rules.is_proxy(block.first_address());
    let permit = gate.permit.as_ref();
    permit.is_some_and(|blocks| blocks.iter().all(is_proxy))
}

fn blocks(cidrs: &[Cidr]) -> String {
    let mut shown = String::new();
    for cidr in cidrs {
        list(&mut shown, cidr);
    }
    shown
}

/// Reports whether an address is let in, and by which interfaces.
fn passes(from: IpAddr, config: &Config, report: &mut Report) {
    report.name = "from";
    if config.rules.is_proxy(from) {
        return report.ok(format_args!("{from} is a proxy: whom it names is judged"));
    }
    let mut passes = false;
    let mut names = String::new();
    for interface in &config.rules.interfaces {
        if interface.gate.permits(Some(from)) {
            passes = true;
            list(&mut names, &interface.name);
        }
    }
    match (passes, names.as_str()) {
        (false, _) => report.add(
            Finding::Fail,
            format_args!("{from} is not let in: 403"),
            "if it is the provider's, add it to permit_addr; if it is a proxy's, to proxy_addr",
        ),
        (true, "") => report.ok(format_args!("{from} is let in")),
        (true, names) => report.ok(format_args!("{from} is let in for {names}")),
    }
}

/// Returns an address that the interface lets in; one reserved for documentation if it lets everybody in.
fn caller(gate: &Gate) -> IpAddr {
    let first = gate.permit.as_ref().and_then(|blocks| blocks.first());
    first.map_or(Ipv4Addr::new(192, 0, 2, 1).into(), Cidr::first_address)
}

// ---- Polling ----------------------------------------------------------------------------------

/// Requests the first page of the list. Nothing of it is delivered or recorded.
#[inline(never)]
fn is_asked(polling: &Polling, config: &Config, report: &mut Report) {
    report.name = "poll";
    if polling.lister.consumes {
        let fact = format_args!("not asked: what this provider lists once is not listed again");
        return report.add(Finding::Skip, fact, "websmsd --poll asks, and delivers it");
    }
    match look(config, polling) {
        Ok((bytes, elements, sms)) => report.ok(format_args!(
            "the provider lists {elements} elements, {sms} of them SMS, in {bytes} bytes; asked every {} s",
            polling.every.as_secs()
        )),
        Err(why) => report.add(
            Finding::Fail,
            format_args!("{why}"),
            "see host, the credentials and poll_path, and at the provider which addresses may ask",
        ),
    }
}

// ---- Delivery -------------------------------------------------------------------------------

#[inline(never)]
fn arrives(interface: &Interface, config: &Arc<Config>, report: &mut Report) {
    report.name = "sample";
    let peer = caller(&interface.gate);
    let request = match sample(interface, &config.rules) {
        Ok(request) => request,
        Err((why, remedy)) => {
            return report.add(Finding::Skip, format_args!("not tried: {why}"), remedy);
        }
    };
    let taker = taker(&config.rules, peer, &request).unwrap_or(&interface.name);
    if taker != interface.name {
        return report.add(
            Finding::Fail,
            format_args!(
                "interface {taker} takes its SMS: same address, same path, later in the file"
            ),
            "give each interface a url_path of its own, and that to the provider",
        );
    }
    match deliver(config, peer, &request) {
        Err(fact) => report.add(Finding::Skip, format_args!("{fact}"), ""),
        Ok((200, 1)) => report.ok(format_args!(
            "an SMS made as the provider would, from {peer}, is accepted and makes a call file"
        )),
        Ok((status, files)) => {
            let (fact, remedy) = refused(status);
            let fact = format_args!("{fact}: {status}, call files: {files}");
            report.add(Finding::Fail, fact, remedy);
        }
    }
}

/// Makes the request of an SMS, or returns why there is none and a remedy.
fn sample(interface: &Interface, rules: &Rules) -> Result<Vec<u8>, (&'static str, &'static str)> {
    if lets_proxies_in_only(&interface.gate, rules) {
        return Err(("no provider may deliver", ""));
    }
    let Ok(unique) = files::unique() else {
        return Err(("no random numbers", ""));
    };
    let id = format!("websms-selftest-{unique}");
    sample::encode(interface, &id, clock::now_s()).map_err(|none| match none {
        NoSample::PrivateKey => (
            "telnyx signs with a key that only they have, and auth_passwd is its public half",
            "send an SMS to a number there, and look into the log",
        ),
        NoSample::Keys => (
            "url_path and the keys make no request",
            "see url_path, key_to, key_from, key_body, accept_if and each",
        ),
    })
}

/// Returns the name of the interface that this request belongs to.
fn taker<'r>(rules: &'r Rules, peer: IpAddr, request: &[u8]) -> Option<&'r str> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = request.get(..end.saturating_add(4))?;
    let entry = access::admit(rules, peer, &Request::parse(head).ok()?).ok()?;
    Some(&entry.interface().name)
}

/// Sends a request from `peer` through a listener and a spool of our own, and returns the status and the
/// number of call files. It works like the service, but remembers no ids and keeps nothing.
fn deliver(
    config: &Arc<Config>,
    peer: IpAddr,
    request: &[u8],
) -> Result<(u16, usize), &'static str> {
    const NONE: &str = "not tried: this user has no place for a spool of its own";
    let private = Private::make(config).ok_or(NONE)?;
    let spool = private.open(config).ok_or(NONE)?;
    let service = Service::new(
        Setup {
            config: Arc::clone(config),
            spool,
            inbox: None,
            keeps: Keeps::Spool,
            parts: None,
            duplicates: None,
            rejected: None,
            certificate: None,
            on_message: None,
            status: None,
            reports: None,
        },
        Slots::new(1),
    );
    const NO_LISTENER: &str = "not tried: no listener on 127.0.0.1";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|_| NO_LISTENER)?;
    let address = listener.local_addr().map_err(|_| NO_LISTENER)?;
    let serving = threads::spawn("selftest", SENDER_STACK_BYTES, move || {
        if let Ok((socket, _)) = listener.accept()
            && let Some(slot) = service.slots.take(peer, Share::Whole)
        {
            serve(&service, &mut Tcp::new(Arc::new(socket)), peer, &slot);
        }
    });
    serving.map_err(|_| NO_LISTENER)?;
    let status = status_of(&ask(address, request)).ok_or("no answer came")?;
    let outgoing = Directory::open(&private.outgoing);
    let names = outgoing.and_then(|folder| folder.names(&|_| true));
    Ok((status, names.map_or(0, |names| names.len())))
}

/// Returns the meaning of a refusal of our own sample, and a remedy.
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
    use crate::proto::wire::response::{After, Answer, Refusal, encode};

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
