//! `argv[0]`, then `argv[1]` → an applet; its options; usage texts; fault → exit code.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs what `argv` asks for.
pub fn run(_argv: Vec<OsString>) -> ExitCode {
    ExitCode::from(2)
}
