//! `websmsd`: load the configuration, bind, accept for ever, reload.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the command line says.
#[derive(Debug, Clone)]
pub struct Options {
    /// `-c`, or its default.
    pub config: PathBuf,
    /// `-l`, in order; empty: the configuration's, then `WEBSMSD_PORT`, then `0.0.0.0:80`.
    pub listen: Vec<SocketAddr>,
    /// `-v`: the log goes to stderr as well, with detail.
    pub verbose: bool,
}

/// Serves until it is killed. Returns only where it cannot start, with the reason on stderr.
pub fn run(_options: Options) -> ExitCode {
    ExitCode::from(2)
}
