//! The command line for a person or for Asterisk: options, usage texts and exit codes. `argv[0]`, else
//! `argv[1]`, chooses the applet.

mod options;
mod selftest;
mod usage;
mod websms;
mod websmsd;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::config::Severity;
use crate::surroundings;
use crate::sys::files;
use crate::sys::stdio::{self, complain, print};
use options::Action;
use selftest::Report;

/// The path of the configuration unless `-c` or `WEBSMS_CONF` gives another.
const CONFIG_DEFAULT: &str = "/etc/asterisk/websms.conf";

/// The commit and the target of this build, as `cross/build.sh` sets them.
const BUILT: &str = match option_env!("WEBSMS_BUILT") {
    Some(built) => built,
    None => "built by cargo",
};

/// A usage or configuration fault (spec §2).
const EXIT_FAULT: u8 = 2;

/// The exit code if a step of a self-test fails.
const EXIT_FAILS: u8 = 1;

/// Runs the applet that `argv` names.
pub fn run(argv: &[OsString]) -> ExitCode {
    let start = Instant::now();
    files::open_umask();
    let (program, arguments) = match argv.split_first() {
        Some((program, arguments)) => (program.as_os_str(), arguments),
        None => (OsStr::new(""), argv),
    };
    // Asterisk sets this variable for its programs (res_agi.c), and talks to them through pipes.
    let under_agi = std::env::var_os("AST_AGI_DIR").is_some() && stdio::are_pipes();
    let exit = match (is_websmsd(program), arguments.split_first()) {
        (true, _) => websmsd::run(arguments),
        // Under AGI a stranger may have dialled the first argument.
        (false, Some((first, rest))) if first == "websmsd" && !under_agi => websmsd::run(rest),
        (false, _) if under_agi => websms::run_under_agi(arguments, start),
        (false, _) => websms::run(arguments, start),
    };
    ExitCode::from(exit)
}

/// Whether a program's name means `websmsd`; any other means `websms`.
fn is_websmsd(program: &OsStr) -> bool {
    let name = Path::new(program).file_name().unwrap_or_default();
    let name = name.as_bytes();
    name.strip_suffix(b".php").unwrap_or(name) == b"websmsd"
}

/// Returns the path of `-c`, else of `WEBSMS_CONF`, else the default. An empty variable counts as absent.
fn config_path(option: Option<&OsStr>) -> PathBuf {
    let path = match option {
        Some(path) => Some(path.to_owned()),
        None => std::env::var_os("WEBSMS_CONF").filter(|path| !path.is_empty()),
    };
    path.unwrap_or_else(|| CONFIG_DEFAULT.into()).into()
}

// ---- Actions of both applets --------------------------------------------------------------

/// Writes three lines to stderr: the fault, the most common usage, and where to read the rest.
fn misused(applet: &str, fault: &str, usage: &str) -> u8 {
    let usage = usage.lines().next().unwrap_or_default();
    complain(format_args!(
        "{applet}: {fault}\n{usage}\n{applet} --help says all"
    ));
    EXIT_FAULT
}

/// Carries out an action that both applets have.
fn common(action: Action, path: &Path, usage: &str) -> u8 {
    match action {
        Action::Check => return check(path),
        Action::Version => {
            let version = concat!("websms ", env!("CARGO_PKG_VERSION"), " (");
            print([version, BUILT, ")\n"].concat().as_bytes());
        }
        _ => print(usage.as_bytes()),
    }
    0
}

/// Runs `--check`: prints every fault and warning, and where SMS are kept. Exits with 0 only if there is no
/// fault.
fn check(path: &Path) -> u8 {
    let (reading, entered) = surroundings::load_whole(path, &mut |_| {});
    let mut out = Vec::new();
    let mut exit = match reading.config {
        Some(_) => 0,
        None => EXIT_FAULT,
    };
    for note in &reading.notes {
        let kind = match note.severity {
            Severity::Fault => {
                exit = EXIT_FAULT;
                ": fault: "
            }
            Severity::Warning => ": warning: ",
            Severity::Fact => ": note: ",
        };
        out.extend_from_slice(path.as_os_str().as_bytes());
        let line = [&surroundings::line(note), kind, &note.text, "\n"].concat();
        out.extend_from_slice(line.as_bytes());
    }
    print(&out);
    entered.map_or_else(|why| why.exit_code(), |()| exit)
}

/// `--selftest`: shows the report, for a person or for a monitor.
fn show(report: &Report, json: bool) -> u8 {
    match json {
        false => print(report.text()),
        true => print(&report.json()),
    }
    match report.conclusion() {
        selftest::Conclusion::Holds => 0,
        selftest::Conclusion::Fails => EXIT_FAILS,
        selftest::Conclusion::Unusable => EXIT_FAULT,
    }
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
