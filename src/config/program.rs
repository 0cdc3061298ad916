//! What is given once for the whole program: listener, call files, queue.

use crate::limits::{
    CONNECTIONS_MAX, EXPIRE_S_MAX, KEEP_REJECTED_MAX, QUEUE_MESSAGES_MAX, SPOOL_FILES_MAX,
};
use crate::message::LogNumbers;
use crate::proto::callfile::{self, Encoding, Route, Switch};

use super::lookup::Reader;
use super::{First, Listening, Notify, Queue, Spool, Sync, TlsFiles, values};

/// `[websmsd]`.
pub fn listening(reader: &mut Reader<'_, '_>) -> Listening {
    Listening {
        addresses: reader.read("listen", values::addresses).unwrap_or_default(),
        connections_max: reader
            .read("max_connections", |value| {
                values::count(value, 1, CONNECTIONS_MAX)
            })
            .unwrap_or_default(),
        rejected_max: reader
            .read("keep_rejected", |value| {
                values::count(value, 0, KEEP_REJECTED_MAX)
            })
            .unwrap_or_default(),
        tls: tls(reader),
        on_message: reader.read("on_message", values::program).flatten(),
    }
}

fn tls(reader: &mut Reader<'_, '_>) -> Option<TlsFiles> {
    let cert = reader.read("tls_cert", values::path_or_none).flatten();
    let key = reader.read("tls_key", values::path_or_none).flatten();
    match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (Some(_), None) => {
            reader.fault("tls_cert", "is given without tls_key; HTTPS needs both");
            None
        }
        (None, Some(_)) => {
            reader.fault("tls_key", "is given without tls_cert; HTTPS needs both");
            None
        }
        (None, None) => None,
    }
}

/// `[websms] log_numbers`.
pub fn log_numbers(reader: &mut Reader<'_, '_>) -> LogNumbers {
    const CHOICES: &[(&str, LogNumbers)] =
        &[("whole", LogNumbers::Whole), ("masked", LogNumbers::Masked)];
    let read = reader.read("log_numbers", |value| values::choice(value, CHOICES));
    read.unwrap_or(LogNumbers::Whole)
}

/// `[astqueue]`, the lines of a call file.
pub fn route(reader: &mut Reader<'_, '_>) -> Route {
    let faults = reader.notes.faults();
    let number = |min| move |value: &[u8]| values::call_file_number(value, min);
    let route = Route {
        channel_context: reader
            .read("channel_context", values::context)
            .unwrap_or_default(),
        context: reader.read("context", values::context).unwrap_or_default(),
        priority: reader.read("priority", number(1)).unwrap_or_default(),
        waittime: reader.read("waittime", number(0)).unwrap_or_default(),
        maxretries: reader.read("maxretries", number(0)).unwrap_or_default(),
        retrytime: reader.read("retrytime", number(0)).unwrap_or_default(),
        archive: match reader.read("archive", values::switch) {
            Some(true) => Switch::Yes,
            Some(false) | None => Switch::No,
        },
        account: reader.read("account", values::text).unwrap_or_default(),
        application: reader.read("application", values::text).unwrap_or_default(),
        data: reader.read("data", values::text).unwrap_or_default(),
        encoding: reader
            .read("message_encode", values::message_encode)
            .unwrap_or(Encoding::Rfc3986),
    };
    // What could not be read has had its fault.
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

/// `[astqueue]`, the folders and files.
pub fn spool(reader: &mut Reader<'_, '_>) -> Spool {
    let outgoing = reader.read("outgoingdir", values::path).unwrap_or_default();
    let staging = reader.read("stagingdir", values::path).unwrap_or_default();
    if outgoing == staging {
        reader.fault(
            "stagingdir",
            "is outgoingdir, where Asterisk would read files that are not yet whole; name another \
             folder on the same filesystem",
        );
    }
    let mode = reader.read("filemode", values::mode).unwrap_or_default();
    if mode & 0o002 != 0 {
        reader.warn(
            "filemode",
            "lets everybody write call files, and so run what they like in Asterisk; 0644, say",
        );
    }
    Spool {
        outgoing,
        staging,
        mode,
        owner: reader.read("fileowner", values::owner).flatten(),
        sync: match reader.read("sync", values::switch) {
            Some(false) => Sync::Never,
            Some(true) | None => Sync::Before,
        },
        files_max: reader
            .read("max", |value| values::count(value, 1, SPOOL_FILES_MAX))
            .unwrap_or_default(),
    }
}

/// `[queue]`.
pub fn queue(reader: &mut Reader<'_, '_>) -> Queue {
    Queue {
        dir: reader.read("dir", values::path_or_none).flatten(),
        retry: reader.read("retry", values::pauses).unwrap_or_default(),
        expire: reader
            .read("expire", |value| values::duration(value, EXPIRE_S_MAX))
            .unwrap_or_default(),
        messages_max: reader
            .read("max", |value| values::count(value, 1, QUEUE_MESSAGES_MAX))
            .unwrap_or_default(),
        first: match reader.read("first", values::switch) {
            Some(true) => First::Queue,
            Some(false) | None => First::Send,
        },
        notify: match reader.read("notify", values::switch) {
            Some(true) => Notify::Sender,
            Some(false) | None => Notify::Nobody,
        },
        on_failure: reader.read("on_failure", values::program).flatten(),
    }
}
