//! The multicall binary: argv → applet → exit code. Nothing else.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    websms::cli::run(&argv)
}
