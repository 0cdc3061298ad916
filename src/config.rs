//! An INI tree → [`Config`]: every key typed, checked, defaulted; aliases, interfaces; unknown keys
//! reported.
//!
//! Nothing is read here: the caller hands over the file's bytes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::proto::{access, callfile, provider, webhook};

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Outbound interfaces in file order: one without an index, or one an index.
    pub outgoing: Vec<Outgoing>,
    /// Who may deliver. `rules.gates[n]` belongs to `hooks[n]`.
    pub rules: access::Rules,
    /// How webhooks are read, one a gate.
    pub hooks: Vec<webhook::Hook>,
    /// Where `websmsd` listens.
    pub listening: Listening,
    /// How a call file looks.
    pub route: callfile::Route,
    /// Where it goes.
    pub spool: Spool,
}

/// One outbound interface (`[websms]`).
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The request.
    pub account: provider::Account,
    /// The connection.
    pub client: Client,
}

/// How to reach a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// For the whole run of `websms`.
    pub timeout: Duration,
    /// HTTP proxy URL.
    pub proxy: Option<String>,
    /// Certificate check.
    pub trust: Trust,
}

/// Whom a TLS client believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Embedded roots, the system's bundle, and this PEM file.
    Roots {
        /// `ca_file`.
        ca_file: Option<PathBuf>,
    },
    /// Anybody: `tls_verify = no`.
    Anybody,
}

/// `[websmsd] listen` and the limits that may be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Addresses of `listen`; empty: the key is not given.
    pub addresses: Vec<SocketAddr>,
    /// `max_connections`.
    pub connections_max: usize,
}

/// `[astqueue]`: folders and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// Where Asterisk picks up.
    pub outgoing: PathBuf,
    /// Where files are written first.
    pub staging: PathBuf,
    /// `filemode`, octal.
    pub mode: u32,
    /// `fileowner`: user, and group if given.
    pub owner: Option<(String, Option<String>)>,
    /// `sync`.
    pub sync: Sync,
    /// Files in `outgoing` beyond which webhooks get 503.
    pub files_max: usize,
}

/// Whether a webhook is answered before its file is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// fsync first.
    Before,
    /// The operating system's own time.
    Never,
}

/// One remark on a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Line of the file, from 1; 0 where it belongs to no line.
    pub line: u32,
    /// Whether it can be run so.
    pub severity: Severity,
    /// Fact and remedy, no secret in it.
    pub text: String,
}

/// How bad a [`Note`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It cannot be run.
    Fault,
    /// It can, but probably not as meant.
    Warning,
}

/// A file, read: the configuration unless there is a fault, and every remark in file order.
#[derive(Debug, Clone)]
pub struct Reading {
    /// `None` where a note is a fault.
    pub config: Option<Config>,
    /// Faults and warnings.
    pub notes: Vec<Note>,
}

/// Reads the bytes of a `websms.conf`; `variable` looks up `${name}`.
pub fn read(_file: &[u8], _variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Reading {
    unimplemented!()
}
