//! `websmsd`: loads the configuration, binds, accepts for ever, reloads.
//!
//! The main thread waits for SIGHUP. One thread per listening address accepts, and one per connection
//! serves; one drains the outbound queue, one delivers from the inbox, one polls the providers. SIGTERM
//! needs no handler: what was acknowledged is on the disk.

mod beside;
mod listening;
mod poll;
mod remarks;
mod replay;
mod setup;
mod workers;

pub use poll::poll;
pub use replay::replay;

use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub use listening::{BindFault, addresses, try_address};

use crate::config::{Config, Intact, Note, Severity};
use crate::inbound::{Keeps, Service, Setup};
use crate::limits::{CONNECTION_STACK_BYTES, SPOOL_LOOK_PAUSE};
use crate::privileges::{self, NotEntered};
use crate::queue::Waker;
use crate::surroundings;
use crate::sys::cause::Cause;
use crate::sys::listener::Slots;
use crate::sys::log::{self, Level, Stderr};
use crate::sys::ready;
use crate::sys::signals;
use crate::sys::stdio::complain;
use crate::sys::threads;
use listening::{accept, bind_all, connections_max};
use remarks::Remarks;
use setup::open;
use workers::{NO_THREAD, ask_providers, deliver_inbox, drain_queue};

/// The settings from the command line and the environment; all others come from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// `-c`, else `WEBSMS_CONF`, else the default.
    pub config: PathBuf,
    /// `-l`, in order; wins over `[websmsd] listen`.
    pub listen: Vec<SocketAddr>,
    /// `WEBSMSD_PORT`, on 0.0.0.0; used if neither `-l` nor `listen` is given. `None` means 80.
    pub port: Option<u16>,
    /// `-v`: the log goes to stderr as well, with detail.
    pub verbose: bool,
}

/// The reason why the daemon cannot start or cannot take a new configuration.
struct Fault {
    /// The fault in lines, each with fact and remedy.
    lines: Vec<String>,
    exit: u8,
}

/// Returns a fault of one line.
#[inline(never)]
fn fault(exit: u8, line: String) -> Fault {
    let lines = vec![line];
    Fault { lines, exit }
}

/// Returns the fault for a step that the system refused.
#[inline(never)]
fn refused(what: &str, error: &io::Error) -> Fault {
    fault(EXIT_SYSTEM, format!("{what}: {}", Cause(error)))
}

/// The exit code for a configuration that cannot be run.
const EXIT_CONFIG: u8 = 2;
/// The exit code if the system refuses: no address, no thread.
const EXIT_SYSTEM: u8 = 1;

/// Serves until it is killed. Returns, with the exit code, only if it could not start.
pub fn run(options: &Options) -> u8 {
    let stderr = match options.verbose {
        true => Stderr::Too,
        false => Stderr::Instead,
    };
    log::open("websmsd", stderr);
    match start(options) {
        Ok(running) => {
            if let Some(socket) = std::env::var_os(ready::SOCKET) {
                ready::tell(&socket);
            }
            log_surroundings(&options.config, &running.service.setup().config);
            reload(options, &running)
        }
        Err(fault) => {
            for line in &fault.lines {
                tell(Level::Error, line);
                if !log::has_shown() {
                    complain(format_args!("websmsd: {line}"));
                }
            }
            fault.exit
        }
    }
}

/// The parts that were started and that no new configuration changes.
struct Running {
    service: Arc<Service>,
    /// The stream in which a byte arrives for each SIGHUP.
    hangups: UnixStream,
    addresses: Vec<SocketAddr>,
    queue_dir: Option<PathBuf>,
    /// Wakes the thread that drains the queue.
    waker: Waker,
    /// Tells the polling thread of a new configuration; `None` if there is no such thread.
    asking: Mutex<Option<threads::Sender<()>>>,
}

/// Does everything up to the first accepted connection.
fn start(options: &Options) -> Result<Running, Fault> {
    // This comes first, so that an early SIGHUP does not kill the process.
    let hangups = signals::hangups().and_then(|hangups| {
        hangups.set_read_timeout(Some(SPOOL_LOOK_PAUSE))?;
        Ok(hangups)
    });
    let hangups = hangups.map_err(|error| refused("cannot wait for SIGHUP", &error))?;
    let (config, remarks) = load_config(&options.config)?;
    let addresses = addresses(options, &config);
    let queue_dir = config.queue.dir.clone();
    let listeners = bind_all(&addresses)?;
    enter(&config, &options.config)?;
    let setup = open(config, remarks, None)?;
    let slots = Slots::new(connections_max(&setup.config));
    let service = Arc::new(Service::new(setup, slots));
    deliver_inbox(&service)?;
    let no_thread = |error| refused(NO_THREAD, &error);
    for listener in listeners {
        let address = listener.local_addr();
        let address = address.map_err(|error| refused("cannot listen", &error))?;
        let accepting = Arc::clone(&service);
        let run = move || accept(&accepting, &listener);
        threads::spawn("accept", CONNECTION_STACK_BYTES, run).map_err(no_thread)?;
        log::event(Level::Notice, format_args!("listening on {address}"));
    }
    if addresses.is_empty() {
        let words = format_args!("listens nowhere: the providers are asked for SMS");
        log::event(Level::Notice, words);
    }
    let asking = Mutex::new(None);
    ask_providers(&service, &asking).map_err(no_thread)?;
    Ok(Running {
        waker: drain_queue(&service)?,
        asking,
        service,
        hangups,
        addresses,
        queue_dir,
    })
}

/// Becomes the owner of the folders if this is root.
fn enter(config: &Config, path: &Path) -> Result<(), Fault> {
    if let Some(name) = privileges::enter(config, path).map_err(not_entered)? {
        let words = format_args!("runs as user {name}, who owns the folders");
        log::event(Level::Notice, words);
    }
    Ok(())
}

/// Reads the configuration and becomes the owner of its folders.
fn load_and_enter(path: &Path) -> Result<Config, Fault> {
    let (config, _) = load_config(path)?;
    enter(&config, path)?;
    Ok(config)
}

fn not_entered(why: NotEntered) -> Fault {
    fault(why.exit_code(), why.to_string())
}

/// Reads the configuration again. The threads that run stay what they are, so root stays root.
fn reload_config(path: &Path) -> Result<(Config, Remarks), Fault> {
    let (config, remarks) = load_config(path)?;
    match privileges::owner(&config).map_err(not_entered)? {
        None => Ok((config, remarks)),
        Some(_) => {
            let line =
                "the folders belong to another user now: restart websmsd, which becomes that user";
            Err(fault(EXIT_CONFIG, line.to_owned()))
        }
    }
}

/// Reads the configuration. Warnings go to the log.
fn load_config(path: &Path) -> Result<(Config, Remarks), Fault> {
    let (config, remarks) = Remarks::read(path);
    let mut faults = Vec::new();
    for note in remarks.notes() {
        match note.severity {
            Severity::Fault => faults.push(remark(path, note)),
            Severity::Warning => tell(Level::Warning, &remark(path, note)),
            Severity::Fact => tell(Level::Notice, &remark(path, note)),
        }
    }
    match config {
        Some(config) => Ok((config, remarks)),
        None => Err(Fault {
            lines: faults,
            exit: EXIT_CONFIG,
        }),
    }
}

/// Logs faults around a configuration that works. This takes longer than connections should wait for their
/// listener.
fn log_surroundings(path: &Path, config: &Config) {
    for note in &surroundings::notes(path, config, Intact::WHOLE) {
        let level = match note.severity {
            Severity::Fault => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Fact => Level::Notice,
        };
        tell(level, &remark(path, note));
    }
}

/// Returns `file:line: …`, with the line if there is one.
fn remark(path: &Path, note: &Note) -> String {
    let (path, line) = (path.display(), surroundings::line(note));
    format!("{path}{line}: {}", note.text)
}

fn tell(level: Level, words: &str) {
    log::event(level, format_args!("{words}"));
}

/// Loads a new configuration at every SIGHUP, and checks meanwhile whether Asterisk's spool is there.
fn reload(options: &Options, running: &Running) -> ! {
    let mut bytes = [0; 64];
    // A missing spool was logged together with the other faults around the configuration.
    let mut is_there = running.service.setup().spool.look().is_ok();
    loop {
        // Several signals at once ask for a single reload.
        match (&running.hangups).read(&mut bytes) {
            Ok(_) => {
                renew(options, running);
                let setup = running.service.setup();
                // A spool that is missing was logged with the configuration.
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

/// Whether SMS can be delivered now. Logs each change.
#[inline(never)]
fn look_at_spool(setup: &Setup, was_there: bool) -> bool {
    match (setup.spool.look(), was_there) {
        // The thread that delivers from the inbox logs it.
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

/// Replaces the configuration if the new one can be used; a faulty one is logged and changes nothing. A
/// function of its own: inside the calling loop the compiler would load every address of a text first.
#[inline(never)]
fn renew(options: &Options, running: &Running) {
    let service = &running.service;
    let before = service.setup();
    match reload_config(&options.config)
        .and_then(|(config, remarks)| open(config, remarks, Some(&before)))
    {
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
            running.waker.wake();
            if let Err(error) = ask_providers(service, &running.asking) {
                let words = format_args!("no provider is asked: {NO_THREAD}: {}", Cause(&error));
                log::event(Level::Error, words);
            }
            if let Err(fault) = deliver_inbox(service) {
                fault.lines.iter().for_each(|line| tell(Level::Error, line));
            }
            if let Some(inbox) = &service.setup().inbox {
                inbox.wake();
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
