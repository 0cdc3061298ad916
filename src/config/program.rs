//! Reads the settings that apply to the whole program: listener, call files, queue.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::limits::{
    CONNECTIONS_MAX, EXPIRE_S_MAX, KEEP_REJECTED_MAX, QUEUE_MESSAGES_MAX, SPOOL_FILES_MAX,
};
use crate::message::LogNumbers;
use crate::proto::record::quota::Rate;
use crate::proto::webhook::callfile::{self, Encoding, Route, Switch};

use super::lists;
use super::lookup::Reader;
use super::values;

/// `[websmsd] listen` and the limits that may be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The addresses of `listen`; empty if the key is not given.
    pub addresses: Vec<SocketAddr>,
    /// `max_connections`.
    pub connections_max: usize,
    /// `keep_rejected`: refused requests kept for `--replay`.
    pub rejected_max: usize,
    /// The files with which HTTPS is served; `None` for HTTP.
    pub tls: Option<TlsFiles>,
    /// The program that is run for each SMS that came in.
    pub on_message: Option<PathBuf>,
}

/// The files that HTTPS needs, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `tls_cert`, the chain, with the server's own certificate first.
    pub cert: PathBuf,
    /// `tls_key`.
    pub key: PathBuf,
}

/// `[astqueue]`: folders and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// The folder from which Asterisk takes files.
    pub outgoing: PathBuf,
    /// The folder in which files are written first.
    pub staging: PathBuf,
    /// `filemode`, an octal number.
    pub mode: u32,
    /// `fileowner`: the user, and the group if given.
    pub owner: Option<(String, Option<String>)>,
    /// `sync`.
    pub sync: Sync,
    /// The number of files in `outgoing` beyond which webhooks get 503; also the limit for SMS in the inbox.
    pub files_max: usize,
    /// Whether SMS are kept in the inbox (`inbox`).
    pub inbox: InboxUse,
    /// The rate at which the inbox takes SMS (`inbox_rate`); `None` means no limit.
    pub inbox_rate: Option<Rate>,
}

/// `[astqueue] inbox`: whether an SMS is kept in a folder of ours until Asterisk has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InboxUse {
    /// Keeps SMS there if a restart empties the spool but not that folder.
    #[default]
    Auto,
    /// Always keeps SMS there.
    Yes,
    /// Never keeps SMS there: 200 means that the SMS is in the spool.
    No,
}

/// Whether a webhook is answered before its file is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// fsync comes first.
    Before,
    /// The operating system chooses the time.
    Never,
}

/// The settings of `[queue]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The folder of all our state; `None` if there is no queue, ids are in memory only, and nothing is
    /// kept.
    pub dir: Option<PathBuf>,
    /// The pauses between tries; the last repeats. Never empty.
    pub retry: Vec<Duration>,
    /// The age at which an SMS is given up.
    pub expire: Duration,
    /// The greatest number of messages in the queue.
    pub messages_max: usize,
    /// The first step of `websms` with a new SMS.
    pub first: First,
    /// The person who is told that an SMS was given up.
    pub notify: Notify,
    /// The program that is run for each SMS that is given up.
    pub on_failure: Option<PathBuf>,
    /// Whether delivery reports are requested and passed on. If so, there is a `dir`.
    pub reports: bool,
}

impl Queue {
    /// Returns the pause before a second try, or the provider's own if that is longer, but at most the
    /// longest of `retry`.
    pub fn pause(&self, asked: Duration) -> Duration {
        let longest = self
            .retry
            .iter()
            .copied()
            .fold(Duration::ZERO, Duration::max);
        let first = self.retry.first().copied().unwrap_or_default();
        first.max(asked.min(longest))
    }
}

/// The first step with a new SMS (`[queue] first`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// `no`: it is sent.
    Send,
    /// `yes`: it is put into the queue, from which `websmsd` sends at once.
    Queue,
}

/// The person who is told that an SMS was given up (`[queue] notify`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// `no`: nobody is told; the SMS is in `failed/`.
    Nobody,
    /// `yes`: its sender is told.
    Sender,
}

/// Reads the settings of `[websmsd]` for listening.
pub fn listening(reader: &mut Reader<'_, '_>) -> Listening {
    Listening {
        addresses: reader.read("listen", lists::addresses),
        connections_max: reader.read("max_connections", |value| {
            values::count(value, 1, CONNECTIONS_MAX)
        }),
        rejected_max: reader.read("keep_rejected", |value| {
            values::count(value, 0, KEEP_REJECTED_MAX)
        }),
        tls: tls(reader),
        on_message: reader.read("on_message", values::program),
    }
}

fn tls(reader: &mut Reader<'_, '_>) -> Option<TlsFiles> {
    let cert = reader.read("tls_cert", values::path_or_none);
    let key = reader.read("tls_key", values::path_or_none);
    if let (Some(cert), Some(key)) = (cert, key) {
        return Some(TlsFiles { cert, key });
    }
    let has = |name| !reader.raw(name).is_empty();
    match (has("tls_cert"), has("tls_key")) {
        (true, false) => reader.fault("tls_cert", "is given without tls_key; HTTPS needs both"),
        (false, true) => reader.fault("tls_key", "is given without tls_cert; HTTPS needs both"),
        _ => {}
    }
    None
}

/// Reads `[websms] log_numbers`.
pub fn log_numbers(reader: &mut Reader<'_, '_>) -> LogNumbers {
    reader.choose("log_numbers", values::LOG_NUMBERS, LogNumbers::Whole)
}

/// Reads the lines of a call file from `[astqueue]`.
pub fn route(reader: &mut Reader<'_, '_>) -> Route {
    let faults = reader.notes.faults();
    let number = |value: &[u8]| values::call_file_number(value, 0);
    let route = Route {
        channel_context: reader.read("channel_context", values::context),
        context: reader.read("context", values::context),
        priority: reader.read("priority", |value| values::call_file_number(value, 1)),
        waittime: reader.read("waittime", number),
        maxretries: reader.read("maxretries", number),
        retrytime: reader.read("retrytime", number),
        archive: match reader.read("archive", values::switch) {
            true => Switch::Yes,
            false => Switch::No,
        },
        account: reader.read("account", values::text),
        application: reader.read("application", values::text),
        data: reader.read("data", values::text),
        encoding: reader.choose("message_encode", values::MESSAGE_ENCODES, Encoding::Rfc3986),
    };
    // A part that could not be read has its fault already.
    if reader.notes.faults() == faults
        && let Err(key) = callfile::check(&route)
    {
        reader.fault(
            key,
            "makes a line that Asterisk would cut or skip; shorten it, and write a semicolon as \\;",
        );
    }
    route
}

/// Reads the folders and files from `[astqueue]`.
pub fn spool(reader: &mut Reader<'_, '_>, queue: &Queue) -> Spool {
    let outgoing = reader.read("outgoingdir", values::path);
    let staging = reader.read("stagingdir", values::path);
    if outgoing == staging && !outgoing.as_os_str().is_empty() {
        reader.fault(
            "stagingdir",
            "is outgoingdir, where Asterisk would read files that are not yet whole; name another \
             folder on the same filesystem",
        );
    }
    let mode = reader.read("filemode", values::mode);
    if mode & 0o002 != 0 {
        reader.warn(
            "filemode",
            "lets everybody write call files, and so run what they like in Asterisk; 0644, say",
        );
    }
    let inbox = reader.read("inbox", values::inbox);
    if inbox == InboxUse::Yes && queue.dir.is_none() {
        reader.fault(
            "inbox",
            "is yes, and [queue] dir, where it would be, is empty; give that a folder",
        );
    }
    Spool {
        outgoing,
        staging,
        mode,
        owner: reader.read("fileowner", values::owner),
        sync: match reader.read("sync", values::switch) {
            true => Sync::Before,
            false => Sync::Never,
        },
        files_max: reader.read("max", |value| values::count(value, 1, SPOOL_FILES_MAX)),
        inbox,
        inbox_rate: reader.read("inbox_rate", values::rate),
    }
}

/// Reads `[queue]`.
pub fn queue(reader: &mut Reader<'_, '_>) -> Queue {
    // A refused value must not count as an empty one.
    let dir = reader.read_or("dir", values::path_or_none, Some(PathBuf::new()));
    let reports = reader.read("reports", values::switch);
    if reports && dir.is_none() {
        reader.fault(
            "reports",
            "is yes, but SMS whose reports are awaited are kept in dir, which is empty; name a folder",
        );
    }
    Queue {
        dir,
        reports,
        retry: reader.read("retry", lists::pauses),
        expire: reader.read("expire", |value| values::duration(value, EXPIRE_S_MAX)),
        messages_max: reader.read("max", |value| values::count(value, 1, QUEUE_MESSAGES_MAX)),
        first: match reader.read("first", values::switch) {
            true => First::Queue,
            false => First::Send,
        },
        notify: match reader.read("notify", values::switch) {
            true => Notify::Sender,
            false => Notify::Nobody,
        },
        on_failure: reader.read("on_failure", values::program),
    }
}
