//! `websmsd`: a command line and the environment → the daemon's options.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{BadUsage, bad_usage, check, complain, config_path, flag, print, split_option, value};
use super::{EXIT_FAULT, usage, version};
use crate::check::variable;
use crate::daemon;
use crate::limits::CONFIG_BYTES_MAX;
use crate::outbound::Look;
use crate::proto::ini;
use crate::selftest::{self, Wanted};
use crate::sys::files::{self, Links};
use crate::sys::log::Stderr;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Serve,
    Check,
    DumpConfig,
    Replay(PathBuf),
    SelfTest,
    Version,
    Help,
}

/// A command line, understood.
#[derive(Debug, PartialEq, Eq)]
struct CommandLine {
    config: Option<PathBuf>,
    listen: Vec<SocketAddr>,
    verbose: bool,
    asked: Asked,
    look: Look,
    index: Option<String>,
    from: Option<IpAddr>,
}

/// Runs `websmsd`.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let line = match parse(arguments) {
        Ok(line) => line,
        Err(fault) => return complain_of(&fault),
    };
    let path = config_path(line.config);
    match line.asked {
        Asked::Help => {
            print(usage::WEBSMSD.as_bytes());
            ExitCode::SUCCESS
        }
        Asked::Version => version(),
        Asked::Check => check(&path),
        Asked::DumpConfig => dump_config(&path),
        Asked::Replay(file) => daemon::replay(
            &path,
            &file,
            match line.verbose {
                true => Stderr::Too,
                false => Stderr::Instead,
            },
        ),
        Asked::Serve | Asked::SelfTest => {
            let port = match port(std::env::var_os("WEBSMSD_PORT").as_deref()) {
                Ok(port) => port,
                Err(fault) => return complain_of(&fault),
            };
            let options = daemon::Options {
                config: path,
                listen: line.listen,
                port,
                verbose: line.verbose,
            };
            if line.asked == Asked::Serve {
                return daemon::run(options);
            }
            let wanted = Wanted {
                index: line.index.as_deref(),
                from: line.from,
            };
            super::show(&selftest::inbound(&options, wanted), line.look)
        }
    }
}

fn complain_of(fault: &BadUsage) -> ExitCode {
    let usage = usage::WEBSMSD.trim_end();
    complain(format_args!("websmsd: {}\n\n{usage}", fault.0));
    ExitCode::from(EXIT_FAULT)
}

fn parse(arguments: &[OsString]) -> Result<CommandLine, BadUsage> {
    let mut line = CommandLine {
        config: None,
        listen: Vec::new(),
        verbose: false,
        asked: Asked::Serve,
        look: Look::Text,
        index: None,
        from: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let option = argument.as_bytes().starts_with(b"-");
        let Some(given) = split_option(argument).filter(|_| option) else {
            return bad_usage("an argument that is no option");
        };
        match given.name {
            "-c" | "--config" => line.config = Some(PathBuf::from(value(&given, &mut rest)?)),
            "-l" | "--listen" => line.listen.push(address(value(&given, &mut rest)?)?),
            "-v" => line.verbose = flag(&given).map(|()| true)?,
            "--check" => line.asked = flag(&given).map(|()| Asked::Check)?,
            "--dump-config" => line.asked = flag(&given).map(|()| Asked::DumpConfig)?,
            "--replay" => {
                line.asked = Asked::Replay(PathBuf::from(value(&given, &mut rest)?));
            }
            "--selftest" => line.asked = flag(&given).map(|()| Asked::SelfTest)?,
            "--json" => line.look = flag(&given).map(|()| Look::Json)?,
            "-i" | "--index" => {
                let index = value(&given, &mut rest)?;
                line.index = Some(index.to_string_lossy().into_owned());
            }
            "--from" => line.from = Some(source(value(&given, &mut rest)?)?),
            "--version" => line.asked = flag(&given).map(|()| Asked::Version)?,
            "--help" => line.asked = flag(&given).map(|()| Asked::Help)?,
            _ => return bad_usage("an argument that is no option"),
        }
    }
    let particular = line.look == Look::Json || line.index.is_some() || line.from.is_some();
    match particular && line.asked != Asked::SelfTest {
        true => bad_usage("-i, --from and --json go with --selftest"),
        false => Ok(line),
    }
}

fn source(text: &OsStr) -> Result<IpAddr, BadUsage> {
    let parsed = text.to_str().and_then(|text| text.parse().ok());
    parsed.map_or_else(|| bad_usage("--from needs an address"), Ok)
}

fn address(text: &OsStr) -> Result<SocketAddr, BadUsage> {
    let parsed = text.to_str().and_then(|text| text.parse().ok());
    parsed.map_or_else(|| bad_usage("-l needs ADDR:PORT, IPv6 as [::]:80"), Ok)
}

/// `WEBSMSD_PORT`: digits only; anything else is a fault, an empty value too.
fn port(value: Option<&OsStr>) -> Result<Option<u16>, BadUsage> {
    let Some(value) = value else {
        return Ok(None);
    };
    let digits = value.as_bytes().iter().all(u8::is_ascii_digit);
    let port = value.to_str().and_then(|text| text.parse().ok());
    match port.filter(|_| digits) {
        Some(port) => Ok(Some(port)),
        None => bad_usage("WEBSMSD_PORT is no port number"),
    }
}

/// The parsed INI as JSON. Where PHP has nothing, neither do we.
fn dump_config(path: &Path) -> ExitCode {
    let file = path.display();
    let bytes = match files::read(path, CONFIG_BYTES_MAX, Links::Follow) {
        Ok(bytes) => bytes,
        Err(error) => {
            complain(format_args!("{file}: cannot be read: {error}"));
            return ExitCode::from(EXIT_FAULT);
        }
    };
    match ini::parse(&bytes, &variable) {
        Ok(ini) => {
            let mut json = ini::encode_json(&ini.root);
            json.push('\n');
            print(json.as_bytes());
            ExitCode::SUCCESS
        }
        Err(fault) => {
            complain(format_args!("{file}:{}: {}", fault.line, fault.text));
            ExitCode::from(EXIT_FAULT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood() {
        fn check(arguments: &[&str], expected: &str) {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            let words = match parse(&arguments) {
                Ok(line) => {
                    let config = line.config.unwrap_or_default();
                    let config = config.display();
                    format!(
                        "{:?} {config} {:?} {}",
                        line.asked, line.listen, line.verbose
                    )
                }
                Err(_) => "fault".to_owned(),
            };
            assert_eq!(words, expected, "{arguments:?}");
        }
        check(&[], "Serve  [] false");
        check(&["-c", "f", "-v"], "Serve f [] true");
        check(
            &["-l", "127.0.0.1:80", "--listen=[::]:8080"],
            "Serve  [127.0.0.1:80, [::]:8080] false",
        );
        check(&["--check"], "Check  [] false");
        check(&["--dump-config", "--config=f"], "DumpConfig f [] false");
        check(&["--version"], "Version  [] false");
        check(&["--help"], "Help  [] false");
        check(&["-l", "80"], "fault");
        check(&["-l", "localhost:80"], "fault");
        check(&["-l"], "fault");
        check(&["x"], "fault");
        check(&["--"], "fault");
        check(&["--replay", "x", "-c", "f"], "Replay(\"x\") f [] false");
        check(&["--replay=x", "-v"], "Replay(\"x\")  [] true");
        check(&["--replay"], "fault");
        check(&["--selftest"], "SelfTest  [] false");
        check(
            &["--selftest", "--json", "-i", "a", "--from=192.0.2.1"],
            "SelfTest  [] false",
        );
        check(&["--selftest", "--from", "host"], "fault");
        check(&["--json"], "fault");
        check(&["-i", "a"], "fault");
        check(&["--check", "--from", "192.0.2.1"], "fault");
    }

    #[test]
    fn the_port_variable_is_a_number() {
        fn check(value: &str, expected: Option<u16>) {
            assert_eq!(
                port(Some(OsStr::new(value))).ok().flatten(),
                expected,
                "{value}"
            );
        }
        check("80", Some(80));
        check("65535", Some(65535));
        check("65536", None);
        check("+80", None);
        check("-1", None);
        check("", None);
        check("http", None);
        check("80 ", None);
        assert_eq!(port(None), Ok(None));
    }
}
