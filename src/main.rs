//! The multicall binary: passes its arguments to the applet and returns the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    websms::cli::run(&argv)
}
