//! `websmsd`: load the configuration, bind, accept for ever, reload.
//!
//! The main thread waits for SIGHUP; a thread a listening address accepts; a thread a connection
//! serves; one drains the outbound queue, one asks the providers that are to be asked. SIGTERM needs no handler: what was acknowledged is on the disk.

mod beside;
mod poll;
mod replay;

pub use poll::poll;
pub use replay::replay;

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{Config, Note, Severity, Sound};
use crate::inbound::inbox::{self, Inbox};
use crate::inbound::{
    self, Counts, Duplicates, Keeps, Parts, Rejected, Reports, Service, Setup, Status,
    kept_settings,
};
use crate::limits::{
    CONNECTION_STACK_BYTES, HANDSHAKE_WAIT, INBOX_STACK_BYTES, SENDER_STACK_BYTES,
    SPOOL_LOOK_PAUSE, TLS_STACK_BYTES,
};
use crate::outbound;
use crate::poll as polls;
use crate::privileges::{self, NotEntered};
use crate::proto::record::seen::remembers;
use crate::proto::webhook::access::Rules;
use crate::proto::webhook::interface::Interface;
use crate::proto::wire::response::{self, After, HANDSHAKE, Refusal};
use crate::queue::{self, Bell};
use crate::state::{Keeping, State};
use crate::surroundings;
use crate::sys::cause::Cause;
use crate::sys::clock::Deadline;
use crate::sys::listener::{self, Arrival, Parting, Share, Slot, Slots};
use crate::sys::log::{self, Level, Stderr};
use crate::sys::signals;
use crate::sys::spool::{Spool, SpoolFault};
use crate::sys::stdio::complain;
use crate::sys::stream::Tcp;
use crate::sys::threads::{self, Tell};
use crate::sys::tls::certificate::{BadIdentity, Certificate};
use crate::sys::tls::server::Secure;

/// What the command line and the environment say; the rest is the configuration's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `-c`, else `WEBSMS_CONF`, else the default.
    pub config: PathBuf,
    /// `-l`, in order; wins over `[websmsd] listen`.
    pub listen: Vec<SocketAddr>,
    /// `WEBSMSD_PORT`, on 0.0.0.0; used where neither `-l` nor `listen` is given. `None`: 80.
    pub port: Option<u16>,
    /// `-v`: the log goes to stderr as well, with detail.
    pub verbose: bool,
}

/// Why it cannot start or cannot take a new configuration.
struct Fault {
    /// One line each, fact and remedy.
    lines: Vec<String>,
    exit: u8,
}

fn fault<T>(exit: u8, line: String) -> Result<T, Fault> {
    let lines = vec![line];
    Err(Fault { lines, exit })
}

/// The system's refusal of what cannot be done.
fn refused<T>(what: &str, error: &io::Error) -> Result<T, Fault> {
    fault(EXIT_SYSTEM, format!("{what}: {}", Cause(error)))
}

/// Exit code of a configuration that cannot be run.
const EXIT_CONFIG: u8 = 2;
/// Exit code where the system refuses: no address, no thread.
const EXIT_SYSTEM: u8 = 1;

/// Serves until it is killed; returns, with the exit code, only where it could not start.
pub fn run(options: &Options) -> u8 {
    let stderr = match options.verbose {
        true => Stderr::Too,
        false => Stderr::Instead,
    };
    log::open("websmsd", stderr);
    match start(options) {
        Ok(running) => {
            log_surroundings(&options.config, &running.service.setup().config);
            reload(options, &running)
        }
        Err(fault) => {
            for line in &fault.lines {
                tell(Level::Error, line);
                // With `-v` the log has said it on stderr already.
                if !options.verbose {
                    complain(format_args!("websmsd: {line}"));
                }
            }
            fault.exit
        }
    }
}

/// What was started, and what of it no new configuration changes.
struct Running {
    service: Arc<Service>,
    /// Where SIGHUPs arrive.
    hangups: UnixStream,
    addresses: Vec<SocketAddr>,
    queue_dir: Option<PathBuf>,
    /// Of who drains the queue.
    bell: Bell,
    /// Where who asks the providers hears of another configuration; `None`: nobody does.
    asking: Mutex<Option<Tell<()>>>,
}

/// Everything up to the first accepted connection.
fn start(options: &Options) -> Result<Running, Fault> {
    // First of all, so that an early SIGHUP does not kill.
    let hangups = match signals::hangups() {
        Ok(hangups) => hangups,
        Err(error) => return refused("cannot wait for SIGHUP", &error),
    };
    if let Err(error) = hangups.set_read_timeout(Some(SPOOL_LOOK_PAUSE)) {
        return refused("cannot wait for SIGHUP", &error);
    }
    let config = load_config(&options.config)?;
    let addresses = addresses(options, &config);
    let queue_dir = config.queue.dir.clone();
    let listeners = bind_all(&addresses)?;
    enter(&config, &options.config)?;
    let setup = open(config, None)?;
    let slots = Slots::new(connections_max(&setup.config));
    let service = Arc::new(Service::new(setup, slots));
    deliver_inbox(&service)?;
    for listener in listeners {
        let address = match listener.local_addr() {
            Ok(address) => address,
            Err(error) => return refused("cannot listen", &error),
        };
        let accepting = Arc::clone(&service);
        let run = move || accept(&accepting, &listener);
        if let Err(error) = threads::spawn("accept", CONNECTION_STACK_BYTES, run) {
            return refused(NO_THREAD, &error);
        }
        log::event(Level::Notice, format_args!("listening on {address}"));
    }
    let asking = Mutex::new(None);
    if let Err(error) = ask_providers(&service, &asking) {
        return refused(NO_THREAD, &error);
    }
    Ok(Running {
        bell: drain_queue(&service)?,
        asking,
        service,
        hangups,
        addresses,
        queue_dir,
    })
}

const NO_THREAD: &str = "cannot start a thread";

/// Starts to drain the outbound queue, where there is one.
fn drain_queue(service: &Arc<Service>) -> Result<Bell, Fault> {
    let bell = Bell::default();
    let Some(state) = State::of(&service.setup().config) else {
        return Ok(bell);
    };
    let folder = state.queue();
    let service = Arc::clone(service);
    let source: queue::Source = Arc::new(move || Arc::clone(&service.setup().config));
    let heard = bell.clone();
    let drain = move || queue::drain(&folder, &source, &heard);
    match threads::spawn("queue", SENDER_STACK_BYTES, drain) {
        Ok(()) => Ok(bell),
        Err(error) => refused(NO_THREAD, &error),
    }
}

/// Starts to ask the providers, where one is to be asked, or tells whoever does that the configuration is
/// another.
fn ask_providers(service: &Arc<Service>, asking: &Mutex<Option<Tell<()>>>) -> io::Result<()> {
    let mut asking = asking.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tell) = asking.as_ref() {
        tell.tell(());
        return Ok(());
    }
    if service.setup().config.polls.is_empty() {
        return Ok(());
    }
    let (tell, news) = threads::mailbox();
    let service = Arc::clone(service);
    let source: polls::Source = Arc::new(move || service.setup());
    threads::spawn("poll", CONNECTION_STACK_BYTES, move || {
        polls::run(&source, &news)
    })?;
    *asking = Some(tell);
    Ok(())
}

/// Starts to deliver from the inbox, where SMS are kept there or an earlier run has left some, and nobody
/// does it yet.
fn deliver_inbox(service: &Arc<Service>) -> Result<(), Fault> {
    let setup = service.setup();
    if let Some(parts) = &setup.parts {
        let service = Arc::clone(service);
        if let Err(error) = parts.attend(Arc::new(move || service.setup())) {
            return refused(NO_THREAD, &error);
        }
    }
    let Some(inbox) = &setup.inbox else {
        return Ok(());
    };
    if setup.keeps == Keeps::Spool && !inbox.is_left() {
        return Ok(());
    }
    let Some(mail) = inbox.attend() else {
        return Ok(());
    };
    let (inbox, service) = (Arc::clone(inbox), Arc::clone(service));
    let source: inbox::Source = Arc::new(move || service.setup());
    let deliver = move || inbox::deliver(&inbox, &mail, &source);
    match threads::spawn("inbox", INBOX_STACK_BYTES, deliver) {
        Ok(()) => Ok(()),
        Err(error) => refused(NO_THREAD, &error),
    }
}

/// Becomes the owner of the folders, where this is root.
fn enter(config: &Config, path: &Path) -> Result<(), Fault> {
    if let Some(name) = privileges::enter(config, path).or_else(not_entered)? {
        let words = format_args!("runs as user {name}, who owns the folders");
        log::event(Level::Notice, words);
    }
    Ok(())
}

fn not_entered<T>(why: NotEntered) -> Result<T, Fault> {
    fault(why.exit_code(), why.to_string())
}

/// Reads the configuration again. The threads that run stay what they are, so root stays root.
fn reload_config(path: &Path) -> Result<Config, Fault> {
    let config = load_config(path)?;
    match privileges::owner(&config).or_else(not_entered)? {
        None => Ok(config),
        Some(_) => {
            let line =
                "the folders belong to another user now: restart websmsd, which becomes that user";
            fault(EXIT_CONFIG, line.to_owned())
        }
    }
}

/// Opens what a configuration names. What `before` remembers goes on.
fn open(config: Config, before: Option<&Setup>) -> Result<Setup, Fault> {
    let before_spool = before.map(|before| &before.spool);
    let keeping = Keeping::of(&config);
    Ok(Setup {
        spool: usable(Spool::open_or_wait(
            &kept_settings(&config, keeping),
            before_spool,
        ))?,
        inbox: inbox(&config, before),
        keeps: inbox::keeps(keeping),
        parts: parts(&config, before),
        duplicates: duplicates(&config, before),
        rejected: rejected(&config),
        certificate: certificate(&config)?,
        on_message: config.listening.on_message.clone(),
        status: status(&config, before),
        reports: reports(&config, before),
        config: Arc::new(config),
    })
}

/// Where SMS wait for Asterisk. That of `before` stays where its folder does.
fn inbox(config: &Config, before: Option<&Setup>) -> Option<Arc<Inbox>> {
    let folder = State::of(config)?.inbox();
    let same = before.and_then(|before| before.inbox.clone());
    let same = same.filter(|inbox| inbox.folder().root() == folder.root());
    Some(same.unwrap_or_else(|| Arc::new(Inbox::new(folder))))
}

/// Texts whose parts are awaited, where an interface has some. Those of `before` stay where the folder does.
fn parts(config: &Config, before: Option<&Setup>) -> Option<Arc<Parts>> {
    let mut interfaces = config.rules.interfaces.iter();
    if !interfaces.any(|interface| interface.webhook.has_parts()) {
        return None;
    }
    let folder = State::of(config)?.parts();
    let same = before.and_then(|before| before.parts.clone());
    let same = same.filter(|parts| parts.folder().root() == folder.root());
    Some(same.unwrap_or_else(|| Arc::new(Parts::new(folder))))
}

/// Reads the configuration. Warnings go to the log.
fn load_config(path: &Path) -> Result<Config, Fault> {
    let reading = surroundings::load(path);
    let mut faults = Vec::new();
    for note in &reading.notes {
        match note.severity {
            Severity::Fault => faults.push(remark(path, note)),
            Severity::Warning => tell(Level::Warning, &remark(path, note)),
            Severity::Fact => tell(Level::Notice, &remark(path, note)),
        }
    }
    match reading.config {
        Some(config) => Ok(config),
        None => Err(Fault {
            lines: faults,
            exit: EXIT_CONFIG,
        }),
    }
}

fn usable(spool: Result<Spool, SpoolFault>) -> Result<Spool, Fault> {
    spool.or_else(|bad| fault(EXIT_CONFIG, bad.to_string()))
}

/// What HTTPS is served with, where it is.
fn certificate(config: &Config) -> Result<Option<Arc<Certificate>>, Fault> {
    let Some(files) = &config.listening.tls else {
        return Ok(None);
    };
    match Certificate::load(&files.cert, &files.key) {
        Ok(certificate) => Ok(Some(Arc::new(certificate))),
        Err(BadIdentity(what)) => fault(EXIT_CONFIG, what),
    }
}

/// The record of SMS that were delivered, where an interface remembers them. That of `before` stays where its folder
/// does, for some of its SMS may be under way.
fn duplicates(config: &Config, before: Option<&Setup>) -> Option<Arc<Duplicates>> {
    let rules = &config.rules;
    if !rules.interfaces.iter().any(|it| remembers(rules, it)) {
        return None;
    }
    let seen = State::of(config).map(|state| state.seen());
    let same = before
        .and_then(|before| before.duplicates.clone())
        .filter(|duplicates| duplicates.is_of(seen.as_ref()));
    Some(same.unwrap_or_else(|| Arc::new(Duplicates::open(seen))))
}

/// Where refused requests are kept, if they are.
fn rejected(config: &Config) -> Option<Rejected> {
    let state = State::of(config)?;
    Rejected::open(state.rejected(), config.listening.rejected_max)
}

/// What is counted for the status page, if there is one; that of `before` goes on.
fn status(config: &Config, before: Option<&Setup>) -> Option<Status> {
    config.rules.status.as_ref()?;
    let same = before.and_then(|before| before.status.clone());
    Some(same.unwrap_or_else(|| Status {
        counts: Arc::new(Counts::default()),
        outbound: outbound::outbound,
    }))
}

/// Which SMS were sent whose delivery reports are wanted, if they are; what `before` knows goes on.
fn reports(config: &Config, before: Option<&Setup>) -> Option<Arc<Reports>> {
    let sent = State::of(config).filter(|_| config.queue.reports)?.sent();
    let same = before.and_then(|before| before.reports.clone());
    let same = same.filter(|reports| reports.is_of(&sent));
    Some(same.unwrap_or_else(|| Arc::new(Reports::new(sent, queue::reported))))
}

/// Logs what is wrong around a configuration that works: it takes longer than connections should
/// wait for their listener.
fn log_surroundings(path: &Path, config: &Config) {
    for note in &surroundings::notes(path, config, Sound::WHOLE) {
        let level = match note.severity {
            Severity::Fault => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Fact => Level::Notice,
        };
        tell(level, &remark(path, note));
    }
}

/// `file:line: …`, the line where there is one.
fn remark(path: &Path, note: &Note) -> String {
    let (path, line) = (path.display(), surroundings::line(note));
    format!("{path}{line}: {}", note.text)
}

fn tell(level: Level, words: &str) {
    log::event(level, format_args!("{words}"));
}

/// `-l`, else `listen`, else the environment's port, else port 80, or none where every interface's provider
/// is asked.
pub fn addresses(options: &Options, config: &Config) -> Vec<SocketAddr> {
    let listen = &config.listening.addresses;
    if !options.listen.is_empty() {
        options.listen.clone()
    } else if !listen.is_empty() {
        listen.clone()
    } else if options.port.is_none() && asks_everywhere(config) {
        Vec::new()
    } else {
        let port = options.port.unwrap_or(PORT_DEFAULT);
        vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))]
    }
}

/// Whether nobody need call us.
fn asks_everywhere(config: &Config) -> bool {
    let polled = |it: &Interface| it.polled.is_some();
    config.rules.interfaces.iter().all(polled)
}

/// Where providers expect a web server.
const PORT_DEFAULT: u16 = 80;

fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, Fault> {
    let mut listeners = Vec::new();
    let mut lines = Vec::new();
    for address in addresses {
        match listener::bind(*address, addresses) {
            Ok(listener) => listeners.push(listener),
            Err(error) => {
                let (fact, remedy) = bind_fault(*address, &error);
                lines.push(match remedy {
                    "" => fact,
                    _ => [&fact, ": ", remedy].concat(),
                });
            }
        }
    }
    match lines.is_empty() {
        true => Ok(listeners),
        false => Err(Fault {
            lines,
            exit: EXIT_SYSTEM,
        }),
    }
}

/// Why an address cannot be listened on: the kind of error, fact and remedy.
pub type BindFault = (io::ErrorKind, String, &'static str);

/// Whether an address could be listened on now; all of them are needed to know what `[::]` means.
pub fn try_address(address: SocketAddr, all: &[SocketAddr]) -> Result<(), BindFault> {
    match listener::bind(address, all) {
        Ok(_) => Ok(()),
        Err(error) => {
            let (fact, remedy) = bind_fault(address, &error);
            Err((error.kind(), fact, remedy))
        }
    }
}

/// Why an address cannot be listened on, and what helps, where we know.
fn bind_fault(address: SocketAddr, error: &io::Error) -> (String, &'static str) {
    let said = Cause(error).to_string();
    let (words, remedy) = match error.kind() {
        io::ErrorKind::PermissionDenied => (
            "not permitted",
            "a port below 1024 needs root or CAP_NET_BIND_SERVICE; choose another with -l or listen",
        ),
        io::ErrorKind::AddrInUse => (
            "in use",
            "another program, another websmsd or another listen of this one has it; stop it or choose \
             another port with -l or listen",
        ),
        io::ErrorKind::AddrNotAvailable => (
            "no such address on this machine",
            "give one of its own, or 0.0.0.0 or [::] for all",
        ),
        _ => (said.as_str(), ""),
    };
    (format!("cannot listen on {address}: {words}"), remedy)
}

/// `max_connections`, or what the file limit allows.
fn connections_max(config: &Config) -> usize {
    let wanted = config.listening.connections_max;
    let allowed = listener::connections_allowed(wanted);
    if allowed < wanted {
        log::event(
            Level::Warning,
            format_args!(
                "max_connections is {wanted}, the file limit allows {allowed}: raise it (ulimit -n)"
            ),
        );
    }
    allowed
}

/// Accepts on one address for ever. Who cannot be let in is told so from here, without a thread.
fn accept(service: &Arc<Service>, listener: &TcpListener) {
    let mut parting = Parting::default();
    listener::accept(listener, |arrival| match arrival {
        Arrival::Connection(socket, peer) => {
            if let Err((socket, refusal)) = admit(service, socket, peer) {
                let words = (refusal.status(), refusal.phrase());
                service.count_refusal(refusal.reason());
                log::refusal(format_args!("{peer}: {}, {}", words.0, words.1));
                if service.setup().certificate.is_some() {
                    // An answer would need a handshake, for which nobody here waits.
                    return;
                }
                let (answer, _) = response::encode(&refusal.answer(), After::Close, "");
                if let Some(socket) = Arc::into_inner(socket) {
                    parting.turn_away(socket, &answer);
                }
            }
        }
        Arrival::Trouble(error) => {
            parting.clear();
            log::event(
                Level::Error,
                format_args!("cannot accept connections: {}; trying on", Cause(&error)),
            );
        }
    })
}

/// Gives a connection its slot and thread, or gives it back with the reason.
fn admit(
    service: &Arc<Service>,
    socket: TcpStream,
    peer: IpAddr,
) -> Result<(), (Arc<TcpStream>, Refusal)> {
    let socket = Arc::new(socket);
    let setup = service.setup();
    let rules = &setup.config.rules;
    if rules.is_stranger(peer) {
        return Err((socket, Refusal::Address));
    }
    let Some(slot) = service.slots.take(peer, share(rules, peer)) else {
        return Err((socket, Refusal::Busy));
    };
    let (service, shared) = (Arc::clone(service), Arc::clone(&socket));
    let certificate = setup.certificate.clone();
    let stack_bytes = match certificate {
        Some(_) => TLS_STACK_BYTES,
        None => CONNECTION_STACK_BYTES,
    };
    let spawned = threads::spawn("connection", stack_bytes, move || {
        let tcp = Tcp::new(shared);
        match certificate {
            Some(certificate) => serve_tls(&service, tcp, &certificate, peer, &slot),
            None => inbound::serve(&service, &mut { tcp }, peer, &slot),
        }
        drop(slot);
        // The spool's filesystem can be unmounted while nobody delivers.
        if service.slots.taken().0 == 0 {
            service.setup().spool.rest();
        }
    });
    spawned.map_err(|_| (socket, Refusal::Busy))
}

/// Shakes hands and serves. Who does not come to the end of it is closed: there is no answer in the
/// clear that a TLS client would understand.
fn serve_tls(service: &Service, tcp: Tcp, certificate: &Certificate, peer: IpAddr, slot: &Slot) {
    let deadline = Deadline::after(HANDSHAKE_WAIT);
    match Secure::accept(tcp, &certificate.identity(), deadline) {
        Ok(mut secure) => inbound::serve(service, &mut secure, peer, slot),
        Err(error) => {
            let what = match error.kind() {
                io::ErrorKind::TimedOut => "too slow",
                io::ErrorKind::InvalidData => "no TLS that we speak",
                _ => "cut off",
            };
            service.count_refusal(HANDSHAKE);
            log::refusal(format_args!("{peer}: closed, TLS handshake: {what}"));
        }
    }
}

/// A proxy speaks for many, and this machine is no stranger.
fn share(rules: &Rules, peer: IpAddr) -> Share {
    match peer.is_loopback() || rules.is_proxy(peer) {
        true => Share::Whole,
        false => Share::Limited,
    }
}

/// Takes a new configuration at every SIGHUP, and looks meanwhile whether Asterisk's spool is there.
fn reload(options: &Options, running: &Running) -> ! {
    let mut bytes = [0; 64];
    // A missing spool was logged with all else that is wrong around the configuration.
    let mut is_there = running.service.setup().spool.look().is_ok();
    loop {
        // Several signals at once are one wish.
        match (&running.hangups).read(&mut bytes) {
            Ok(_) => {
                renew(options, running);
                let setup = running.service.setup();
                // One that is missing was logged with the configuration.
                is_there = match is_there {
                    true => setup.spool.look().is_ok(),
                    false => look_at_spool(&setup, false),
                };
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                is_there = look_at_spool(&running.service.setup(), is_there);
            }
            Err(_) => std::thread::park(),
        }
    }
}

/// Whether SMS can be delivered now. Logs it where that has changed.
#[inline(never)]
fn look_at_spool(setup: &Setup, was_there: bool) -> bool {
    match (setup.spool.look(), was_there) {
        // Whoever delivers from the inbox says it.
        (found, _) if setup.keeps == Keeps::Inbox => return found.is_ok(),
        (Ok(()), false) => tell(Level::Notice, "SMS can be delivered again"),
        (Ok(()), true) => {}
        (Err(_), false) => return false,
        (Err(fault), true) => {
            let words = format_args!("cannot deliver SMS, webhooks get 503: {fault}");
            log::event(Level::Error, words);
            return false;
        }
    }
    true
}

/// One configuration for another, where the new one can be used; one that is faulty is logged and changes
/// nothing. Apart from the loop that calls it:
/// within it, every address of a text would be fetched and kept before the loop begins.
#[inline(never)]
fn renew(options: &Options, running: &Running) {
    let service = &running.service;
    let before = service.setup();
    match reload_config(&options.config).and_then(|config| open(config, Some(&before))) {
        Ok(setup) => {
            if addresses(options, &setup.config) != running.addresses {
                let words = "listen has changed: restart websmsd to listen there";
                tell(Level::Warning, words);
            }
            if setup.config.queue.dir != running.queue_dir {
                let words = "[queue] dir has changed: restart websmsd to send what waits there";
                tell(Level::Warning, words);
            }
            service.slots.set_max(connections_max(&setup.config));
            service.replace(setup);
            running.bell.ring();
            if let Err(error) = ask_providers(service, &running.asking) {
                let words = format_args!("no provider is asked: {NO_THREAD}: {}", Cause(&error));
                log::event(Level::Error, words);
            }
            if let Err(fault) = deliver_inbox(service) {
                fault.lines.iter().for_each(|line| tell(Level::Error, line));
            }
            if let Some(inbox) = &service.setup().inbox {
                inbox.ring();
            }
            tell(Level::Notice, "configuration read again");
            log_surroundings(&options.config, &service.setup().config);
        }
        Err(fault) => {
            for line in &fault.lines {
                tell(Level::Error, line);
            }
            tell(
                Level::Error,
                "configuration not taken, the one before stays",
            );
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config;

    fn config(conf: &str) -> Config {
        config::read(conf.as_bytes(), &|_| None).config.unwrap()
    }

    #[test]
    fn where_it_listens() {
        let check = |listen: &[&str], conf: &str, port: Option<u16>, expected: &[&str]| {
            let options = Options {
                config: PathBuf::new(),
                listen: listen.iter().map(|text| text.parse().unwrap()).collect(),
                port,
                verbose: false,
            };
            let found = addresses(&options, &config(&format!("[websmsd]\n{conf}\n")));
            let found: Vec<String> = found.iter().map(SocketAddr::to_string).collect();
            assert_eq!(found, expected, "{listen:?} {conf:?} {port:?}");
        };
        let poll = "poll = 60s\npoll_path = /m\npoll_id = id";
        check(&[], poll, None, &[]);
        check(&[], poll, Some(80), &["0.0.0.0:80"]);
        check(&["[::]:1"], poll, None, &["[::]:1"]);
        check(
            &[],
            &format!("{poll}\nlisten = 127.0.0.1:81"),
            None,
            &["127.0.0.1:81"],
        );
        let other = format!("poll [a] = 60s\n{poll}\npermit_addr [b] = 192.0.2.1\npoll [b] =");
        check(&[], &other, None, &["0.0.0.0:80"]);
        let conf = "listen = \"127.0.0.1:81,[::1]:82\"";
        check(&[], "", None, &["0.0.0.0:80"]);
        check(&[], "", Some(8080), &["0.0.0.0:8080"]);
        check(&[], conf, Some(8080), &["127.0.0.1:81", "[::1]:82"]);
        check(
            &["[::]:1", "0.0.0.0:1"],
            conf,
            Some(8080),
            &["[::]:1", "0.0.0.0:1"],
        );
    }

    #[test]
    fn who_may_take_all_slots() {
        let config = config("[websmsd]\nproxy_addr = 192.0.2.0/24\n");
        let check = |peer: &str, expected: Share| {
            assert_eq!(
                share(&config.rules, peer.parse().unwrap()),
                expected,
                "{peer}"
            );
        };
        check("127.0.0.1", Share::Whole);
        check("127.1.2.3", Share::Whole);
        check("::1", Share::Whole);
        check("192.0.2.7", Share::Whole);
        check("192.0.3.7", Share::Limited);
        check("2001:db8::1", Share::Limited);
    }
}
