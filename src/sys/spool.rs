//! Bytes → a file in Asterisk's `outgoing/`, whole or not at all.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where call files go and how they look (`[astqueue]`).
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Where Asterisk picks up.
    pub outgoing: &'a Path,
    /// Where files are written first, on the same filesystem.
    pub staging: &'a Path,
    /// Mode of a call file.
    pub mode: u32,
    /// `fileowner`: user, and group if given.
    pub owner: Option<(&'a str, Option<&'a str>)>,
    /// Whether [`Spool::deliver`] waits for the disk.
    pub sync: Sync,
    /// Files in `outgoing` beyond which nothing is delivered.
    pub files_max: usize,
}

/// Whether a delivery waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// It is reported when a power cut cannot take it back.
    Before,
    /// It is reported when Asterisk can see it.
    Never,
}

/// One file to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its name, no folder.
    pub name: &'a str,
    /// Its contents.
    pub bytes: &'a [u8],
    /// Seconds that its modification time lies ahead of now, for which Asterisk waits.
    pub delay_s: u64,
}

/// Asterisk's spool, ready. One for all threads.
#[derive(Debug)]
pub struct Spool {}

/// Why nothing, or not everything, was delivered. Ours, never the peer's fault: 503. Says the step,
/// the folder and the remedy in one line of lower case.
#[derive(Debug)]
pub enum SpoolFault {
    /// The limit of files in `outgoing` is reached.
    Full {
        /// `outgoing`.
        folder: PathBuf,
        /// The limit.
        files_max: usize,
    },
    /// `outgoing` and `staging` stand on two filesystems: nothing can be moved.
    TwoFilesystems {
        /// Where Asterisk picks up.
        outgoing: PathBuf,
        /// Where files are written first.
        staging: PathBuf,
    },
    /// `fileowner` names nobody.
    NoSuchOwner {
        /// What it says.
        owner: String,
    },
    /// The operating system refused.
    Failed {
        /// What was tried.
        step: Step,
        /// Where.
        folder: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// What was tried when the operating system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making a folder that was missing.
    Make,
    /// Looking at a folder.
    Look,
    /// Writing a file in `staging`.
    Write,
    /// Giving it `filemode` or `fileowner`.
    Own,
    /// Waiting for the disk.
    Sync,
    /// Moving it to `outgoing`.
    Move,
}

impl fmt::Display for SpoolFault {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}

impl Spool {
    /// Makes missing folders, sweeps leftovers of ours and proves that files can be written and
    /// moved.
    pub fn open(_settings: &Settings<'_>) -> Result<Spool, SpoolFault> {
        unimplemented!()
    }

    /// Delivers all of `files`, in order. Every one is whole in `staging`, and on the disk, before
    /// the first is moved. After an error nothing stays in `staging`; those already moved stay
    /// delivered, so whoever sends again delivers them twice: at least once.
    pub fn deliver(&self, _files: &[File<'_>]) -> Result<(), SpoolFault> {
        unimplemented!()
    }
}
