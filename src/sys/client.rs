//! A call → a reply, over ureq and rustls.
//!
//! Never a library's error text: an address or a header in it could hold a key. What failed is told
//! by a [`Step`], a fixed phrase.

use std::path::Path;
use std::time::Instant;

use crate::proto::provider::{Call, Reply};

/// How to reach a provider.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// HTTP proxy URL, `http://` or `https://`.
    pub proxy: Option<&'a str>,
    /// Whom to believe.
    pub trust: Trust<'a>,
}

/// Whose certificates count.
#[derive(Clone, Copy)]
pub enum Trust<'a> {
    /// The embedded roots, the system's bundle and this PEM file.
    Roots {
        /// One more PEM file.
        ca_file: Option<&'a Path>,
    },
    /// Anybody's.
    Anybody,
}

/// No status line came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It cannot be tried at all: the configuration's fault.
    Setup(Step),
    /// The request was not written whole: the provider cannot have acted on it.
    Unwritten(Step),
    /// The request was written whole: the provider may have acted on it.
    Unanswered(Step),
}

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `ca_file` cannot be read or holds no certificate.
    CaFile,
}

/// One request, one answer, before `deadline`: name resolution, connection, TLS, writing and
/// reading together.
pub fn post(_call: &Call, _settings: &Settings<'_>, _deadline: Instant) -> Result<Reply, Failure> {
    unimplemented!()
}
