//! A path → a configuration and every remark on it, those that need the file system included.
//!
//! Used by `--check`, by `websms` and by `websmsd` when it starts and when it reads its
//! configuration again.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::{self, Config, Note, Outgoing, Reading, Severity};
use crate::limits::CONFIG_BYTES_MAX;
use crate::message::{Message, Number, Sender, Text};
use crate::outbound::connection;
use crate::proto::provider;
use crate::sys::client;
use crate::sys::files::{self, Links};
use crate::sys::tls::certificate::{BadIdentity, Identity};

/// Reads a configuration; that it cannot be read is a fault among the notes. The file system is
/// looked at by [`surroundings`] only.
pub fn load(path: &Path) -> Reading {
    match files::read(path, CONFIG_BYTES_MAX, Links::Follow) {
        Ok(bytes) => config::read(&bytes, &variable),
        Err(error) => Reading {
            config: None,
            notes: vec![fault(format!("cannot be read: {error}"))],
        },
    }
}

/// `${name}` of a configuration.
pub fn variable(name: &[u8]) -> Option<Vec<u8>> {
    std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
}

/// What is wrong around a configuration that is right in itself: files that others may read or
/// write, folders that cannot work together, requests that cannot be made.
pub fn surroundings(path: &Path, config: &Config) -> Vec<Note> {
    let mut notes = Vec::new();
    if others_may(path, OTHERS_READ) {
        notes.push(warning(
            "others may read this file, which holds credentials: chmod o-r".to_owned(),
        ));
    }
    for outgoing in &config.outgoing {
        notes.extend(interface_fault(outgoing).map(|text| {
            let index = &outgoing.account.interface;
            match index.is_empty() {
                true => fault(text),
                false => fault(format!("interface {index}: {text}")),
            }
        }));
    }
    if let Some(tls) = &config.listening.tls
        && others_may(&tls.key, OTHERS_READ)
    {
        notes.push(warning(
            "others may read the file of tls_key: chmod o-r".to_owned(),
        ));
    }
    if let Some(tls) = &config.listening.tls
        && let Err(BadIdentity(what)) = Identity::load(&tls.cert, &tls.key)
    {
        notes.push(fault(what));
    }
    notes.extend(spool_notes(&config.spool));
    let hooks = [
        ("[websmsd] on_message", &config.listening.on_message),
        ("[queue] on_failure", &config.queue.on_failure),
    ];
    for (key, program) in hooks {
        let doubt = program.as_deref().and_then(hook_doubt);
        notes.extend(doubt.map(|what| warning(format!("{key}: {what}"))));
    }
    if let Some(dir) = &config.queue.dir {
        if others_may(dir, OTHERS_WRITE) {
            notes.push(warning(others_write("[queue] dir")));
        }
        if !nearest(dir).is_some_and(files::is_writable) {
            notes.push(warning(
                "[queue] dir: this user may not write there, so nothing is queued or kept"
                    .to_owned(),
            ));
        }
        if nearest(dir).is_some_and(files::is_in_memory) {
            notes.push(warning(
                "[queue] dir is on a RAM disk: what waits there is lost with the power".to_owned(),
            ));
        }
    }
    notes
}

/// Why a hook will not run, or not as its owner means.
fn hook_doubt(program: &Path) -> Option<&'static str> {
    let folder = program.parent()?;
    match fs::metadata(program) {
        Err(_) => Some("there is no such program; it is a path alone, without arguments"),
        Ok(status) if !status.is_file() => Some("is no file"),
        Ok(_) if !files::is_executable(program) => {
            Some("this user may not execute the program: chmod +x")
        }
        Ok(_) if others_may(program, OTHERS_WRITE) || others_may(folder, OTHERS_WRITE) => {
            Some("others may write to the program or its folder: chmod o-w")
        }
        Ok(_) => None,
    }
}

fn spool_notes(spool: &config::Spool) -> Vec<Note> {
    let mut notes = Vec::new();
    let folders = [
        ("outgoingdir", &spool.outgoing),
        ("stagingdir", &spool.staging),
    ];
    for (key, folder) in folders {
        match fs::metadata(folder) {
            Ok(status) if !status.is_dir() => notes.push(fault(format!("{key} is no folder"))),
            Ok(_) if others_may(folder, OTHERS_WRITE) => notes.push(warning(others_write(key))),
            Ok(_) => {}
            Err(_) => notes.push(warning(format!("{key} is not there yet"))),
        }
    }
    let device = |folder| fs::metadata(folder).ok().map(|status| status.dev());
    if let (Some(outgoing), Some(staging)) = (device(&spool.outgoing), device(&spool.staging))
        && outgoing != staging
    {
        let text = "outgoingdir and stagingdir are on two filesystems: \
                    a call file cannot be moved from one to the other";
        notes.push(fault(text.to_owned()));
    }
    notes
}

/// Why no request can be made for an interface, whatever the message.
fn interface_fault(outgoing: &Outgoing) -> Option<String> {
    let sample = Message {
        to: Number::parse_outbound(b"1").ok()?,
        from: Sender::parse_outbound(b"1").ok()?,
        text: Text::parse_outbound(b"x").ok()?,
    };
    if let Err(fault) = provider::encode(&sample, &outgoing.account, 0) {
        return Some(fault.to_string());
    }
    let settings = connection(&outgoing.client);
    client::check(&settings).err().map(str::to_owned)
}

// ---- Files ----------------------------------------------------------------------------------

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;

fn others_may(path: &Path, bits: u32) -> bool {
    fs::metadata(path).is_ok_and(|status| status.mode() & bits != 0)
}

fn others_write(key: &str) -> String {
    format!("others may write to {key}: chmod o-w")
}

/// A path, or the nearest of its parents that is there.
fn nearest(path: &Path) -> Option<&Path> {
    path.ancestors().find(|place| place.exists())
}

fn fault(text: String) -> Note {
    Note {
        line: 0,
        severity: Severity::Fault,
        text,
    }
}

fn warning(text: String) -> Note {
    Note {
        line: 0,
        severity: Severity::Warning,
        text,
    }
}
