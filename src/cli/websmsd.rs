//! `websmsd`: turns a command line and the environment into the daemon's options.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

use super::options::{self, Action, BadUsage, Flag, Kind, Known, Options, User, Users, Value};
use super::{EXIT_FAULT, common, config_path, misused, show, usage};
use crate::cli::selftest::{self, Wanted};
use crate::daemon;
use crate::limits::CONFIG_BYTES_MAX;
use crate::proto::wire::ini;
use crate::surroundings::variable;
use crate::sys::files::{self, Links};
use crate::sys::stdio::{complain, print};

const KNOWN: Known = Known {
    options: &[
        ("-c", Users::People, Kind::Value(Value::Config)),
        ("--config", Users::People, Kind::Value(Value::Config)),
        ("-l", Users::People, Kind::Value(Value::Listen)),
        ("--listen", Users::People, Kind::Value(Value::Listen)),
        ("-i", Users::People, Kind::Value(Value::Index)),
        ("--index", Users::People, Kind::Value(Value::Index)),
        ("--from", Users::People, Kind::Value(Value::From)),
        (
            "--replay",
            Users::People,
            Kind::Value(Value::Asks(Action::Replay)),
        ),
        ("--poll", Users::People, Kind::Action(Action::Poll)),
        ("-v", Users::People, Kind::Flag(Flag::Verbose)),
        ("--json", Users::People, Kind::Flag(Flag::Json)),
        ("--check", Users::People, Kind::Action(Action::Check)),
        (
            "--dump-config",
            Users::People,
            Kind::Action(Action::DumpConfig),
        ),
        ("--selftest", Users::People, Kind::Action(Action::SelfTest)),
        ("-V", Users::People, Kind::Action(Action::Version)),
        ("--version", Users::People, Kind::Action(Action::Version)),
        ("-h", Users::People, Kind::Action(Action::Help)),
        ("--help", Users::People, Kind::Action(Action::Help)),
    ],
    stranger: "an argument that is no option",
};

/// Runs `websmsd` and returns the exit code.
pub(super) fn run(arguments: &[OsString]) -> u8 {
    match parse(arguments).and_then(|line| line.run()) {
        Ok(exit) => exit,
        Err(BadUsage(fault)) => misused("websmsd", &fault, usage::WEBSMSD),
    }
}

/// A parsed command line.
struct CommandLine<'a> {
    options: Options<'a>,
    listen: Vec<SocketAddr>,
    from: Option<IpAddr>,
}

impl CommandLine<'_> {
    fn run(self) -> Result<u8, BadUsage> {
        let options = self.options;
        let config = config_path(options.config);
        match (options.action, options.object) {
            (None | Some(Action::SelfTest), _) => {}
            (Some(Action::DumpConfig), _) => return Ok(dump_config(&config)),
            (Some(Action::Replay), Some(file)) => {
                return Ok(daemon::replay(&config, Path::new(file), options.stderr()));
            }
            (Some(Action::Poll), _) => {
                let index = options.index.map(OsStr::to_string_lossy);
                return Ok(daemon::poll(&config, index.as_deref(), options.stderr()));
            }
            (Some(action), _) => return Ok(common(action, &config, usage::WEBSMSD)),
        }
        let serving = daemon::Options {
            config,
            listen: self.listen,
            port: port(std::env::var_os("WEBSMSD_PORT").as_deref())?,
            verbose: options.verbose,
        };
        if options.action.is_none() {
            return Ok(daemon::run(&serving));
        }
        let index = options.index.map(OsStr::to_string_lossy);
        let wanted = Wanted {
            index: index.as_deref(),
            from: self.from,
        };
        Ok(show(&selftest::inbound(&serving, wanted), options.json))
    }
}

fn parse(arguments: &[OsString]) -> Result<CommandLine<'_>, BadUsage> {
    let (options, data) = options::parse(arguments, &KNOWN, User::Person)?;
    if !data.is_empty() {
        return Err(KNOWN.stranger.into());
    }
    let mut listen = Vec::new();
    for text in &options.listen {
        listen.push(parsed(text, "-l needs ADDR:PORT, IPv6 as [::]:80")?);
    }
    let from = match options.from {
        Some(text) => Some(parsed(text, "--from needs an address")?),
        None => None,
    };
    let of_selftest = options.json || from.is_some();
    let particular = match options.action {
        Some(Action::SelfTest) => false,
        Some(Action::Poll) => of_selftest,
        _ => of_selftest || options.index.is_some(),
    };
    if particular {
        return Err("-i goes with --selftest and --poll, --from and --json with --selftest".into());
    }
    Ok(CommandLine {
        options,
        listen,
        from,
    })
}

fn parsed<T: FromStr>(text: &OsStr, fault: &str) -> Result<T, BadUsage> {
    let parsed = text.to_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| fault.into())
}

/// Parses `WEBSMSD_PORT`: digits only; anything else is a fault, also an empty value.
fn port(value: Option<&OsStr>) -> Result<Option<u16>, BadUsage> {
    let Some(value) = value else {
        return Ok(None);
    };
    let digits = value.as_bytes().iter().all(u8::is_ascii_digit);
    let port = value.to_str().and_then(|text| text.parse().ok());
    match port.filter(|_| digits) {
        Some(port) => Ok(Some(port)),
        None => Err("WEBSMSD_PORT is no port number".into()),
    }
}

/// Prints the parsed INI as JSON. Prints nothing where PHP would have nothing.
fn dump_config(path: &Path) -> u8 {
    let file = path.display();
    let bytes = match files::read(path, CONFIG_BYTES_MAX, Links::Follow) {
        Ok(bytes) => bytes,
        Err(error) => {
            complain(format_args!("{file}: cannot be read: {error}"));
            return EXIT_FAULT;
        }
    };
    match ini::parse(&bytes, &variable) {
        Ok(ini) => {
            let mut json = ini::encode_json(&ini.root);
            json.push('\n');
            print(json.as_bytes());
            0
        }
        Err(fault) => {
            complain(format_args!("{file}:{}: {}", fault.line, fault.text));
            EXIT_FAULT
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
                Ok(CommandLine {
                    options, listen, ..
                }) => {
                    let asked = match (options.action, options.object) {
                        (None, _) => "Serve".to_owned(),
                        (Some(Action::Replay), Some(file)) => format!("Replay({file:?})"),
                        (Some(action), _) => format!("{action:?}"),
                    };
                    let config = options.config.unwrap_or_default();
                    let config = config.display();
                    format!("{asked} {config} {listen:?} {}", options.verbose)
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
        check(&["--poll", "-i", "a"], "Poll  [] false");
        check(&["--poll", "--json"], "fault");
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
