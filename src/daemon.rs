//! `websmsd`: load the configuration, bind, accept for ever, reload.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Serves until it is killed; returns only where it could not start.
pub fn run(_options: Options) -> ExitCode {
    unimplemented!()
}
