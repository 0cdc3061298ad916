//! The multicall binary: argv → applet → exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    websms::applet::run(std::env::args_os().collect())
}
