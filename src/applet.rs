//! `argv[0]`, then `argv[1]` → an applet; its options; usage texts; fault → exit code.

mod usage;
mod websms;
mod websmsd;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::check;
use crate::config::{Reading, Severity};
use crate::outbound::Look;
use crate::selftest::{self, Report};
use crate::sys::stdio;

/// Where the configuration is unless `-c` or `WEBSMS_CONF` says otherwise.
const CONFIG_DEFAULT: &str = "/etc/asterisk/websms.conf";

/// A usage or configuration fault (spec §2).
const EXIT_FAULT: u8 = 2;

/// A step of a self-test fails.
const EXIT_FAILS: u8 = 1;

/// Runs what `argv` asks for.
pub fn run(argv: Vec<OsString>) -> ExitCode {
    let start = Instant::now();
    let mut argv = argv.into_iter();
    let program = argv.next().unwrap_or_default();
    let arguments: Vec<OsString> = argv.collect();
    // Asterisk tells its programs where it is (res_agi.c), and talks to them through pipes.
    let under_agi = std::env::var_os("AST_AGI_DIR").is_some() && stdio::are_pipes();
    match (is_websmsd(&program), arguments.split_first()) {
        (true, _) => websmsd::run(&arguments),
        // Under AGI a first argument may be what a stranger dialled.
        (false, Some((first, rest))) if first == "websmsd" && !under_agi => websmsd::run(rest),
        (false, _) => websms::run(&arguments, under_agi, start),
    }
}

/// Any other name is `websms`.
fn is_websmsd(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().unwrap_or_default();
    let name = name.as_bytes();
    name.strip_suffix(b".php").unwrap_or(name) == b"websmsd"
}

// ---- Options --------------------------------------------------------------------------------

/// Why a command line is not understood: one line, nothing in it that could be a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct BadUsage(String);

fn bad_usage<T>(text: impl Into<String>) -> Result<T, BadUsage> {
    Err(BadUsage(text.into()))
}

/// One option: its name, and its value where that was joined by `=`.
struct Given<'a> {
    name: &'a str,
    joined: Option<&'a OsStr>,
}

/// Takes an argument apart that begins with `-`. An option of ours is ASCII; anything else is not
/// shown, for it may be a text that stands in the wrong place.
fn split_option(argument: &OsStr) -> Option<Given<'_>> {
    let bytes = argument.as_bytes();
    let (name, joined) = match bytes.iter().position(|byte| *byte == b'=') {
        Some(at) if bytes.starts_with(b"--") => {
            let (name, value) = bytes.split_at(at);
            (name, value.get(1..).map(OsStr::from_bytes))
        }
        _ => (bytes, None),
    };
    let name = std::str::from_utf8(name).ok()?;
    Some(Given { name, joined })
}

/// The value of an option: what is joined to it, else the next argument.
fn value<'a>(
    given: &Given<'a>,
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Result<&'a OsStr, BadUsage> {
    let next = || rest.next().map(OsString::as_os_str);
    match given.joined.or_else(next) {
        Some(value) => Ok(value),
        None => bad_usage(format!("{} needs a value", given.name)),
    }
}

/// An option that has no value.
fn flag(given: &Given<'_>) -> Result<(), BadUsage> {
    match given.joined {
        None => Ok(()),
        Some(_) => bad_usage(format!("{} takes no value", given.name)),
    }
}

/// `-c`, else `WEBSMS_CONF`, else the default. An empty variable counts as absent.
fn config_path(option: Option<PathBuf>) -> PathBuf {
    let variable = || std::env::var_os("WEBSMS_CONF").filter(|path| !path.is_empty());
    option
        .or_else(|| variable().map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from(CONFIG_DEFAULT))
}

// ---- What both applets do -------------------------------------------------------------------

/// `--check`: every fault and warning, 0 only where there is no fault.
fn check(path: &Path) -> ExitCode {
    let Reading { config, mut notes } = check::load(path);
    if let Some(config) = &config {
        notes.extend(check::surroundings(path, config));
    }
    let mut out = Vec::new();
    for note in &notes {
        let kind = match note.severity {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
        };
        out.extend_from_slice(path.as_os_str().as_bytes());
        // A remark on the file as a whole, or on what stands around it, has no line.
        let line = match note.line {
            0 => String::new(),
            line => format!(":{line}"),
        };
        out.extend_from_slice(format!("{line}: {kind}: {}\n", note.text).as_bytes());
    }
    let usable = config.is_some() && notes.iter().all(|note| note.severity != Severity::Fault);
    print(&out);
    match usable {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(EXIT_FAULT),
    }
}

/// `--selftest`: the report, for a person or for a monitor.
fn show(report: &Report, look: Look) -> ExitCode {
    match look {
        Look::Text => print(report.text().as_bytes()),
        Look::Json => print(&report.json()),
    }
    match report.outcome() {
        selftest::Outcome::Holds => ExitCode::SUCCESS,
        selftest::Outcome::Fails => ExitCode::from(EXIT_FAILS),
        selftest::Outcome::Unusable => ExitCode::from(EXIT_FAULT),
    }
}

/// A person's stdout. That nobody reads it is nobody's fault.
fn print(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
}

/// A line on stderr, which may be closed.
fn complain(words: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{words}");
}

fn version() -> ExitCode {
    print(concat!("websms ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_chooses_the_applet() {
        fn check(program: &str, expected: bool) {
            assert_eq!(is_websmsd(OsStr::new(program)), expected, "{program}");
        }
        check("websmsd", true);
        check("websmsd.php", true);
        check("/usr/sbin/websmsd", true);
        check("./websmsd.php", true);
        check("websms", false);
        check("websms.php", false);
        check("websmsd.php.php", false);
        check("websmsd.sh", false);
        check("/websmsd/x", false);
        check("", false);
    }
}
