//! `websms`: a command line, or Asterisk's → an order → variables and an exit code.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::{BadUsage, bad_usage, check, complain, config_path, flag, print, split_option, value};
use super::{usage, version};
use crate::check::load;
use crate::config::{Config, Severity};
use crate::limits::{AGI_ENVIRONMENT_BYTES_MAX, AGI_REPLY_BYTES_MAX, AGI_REPLY_WAIT};
use crate::outbound::{self, Look, Order, Outcome, Status};
use crate::proto::agi::{Environment, Fed, is_success, set_variable};
use crate::providers;
use crate::selftest;
use crate::sys::clock::Deadline;
use crate::sys::log::{self, Level, Stderr};
use crate::sys::stdio;

/// What a command line of `websms` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Send, or show what would be sent.
    Send {
        sending: Sending,
        /// TO, FROM, BODY.
        order: [OsString; 3],
        index: Option<OsString>,
    },
    Check,
    /// List the queue.
    Queue(Look),
    /// Try everything in the queue.
    Flush,
    /// Walk the outbound path of one interface, or of all.
    SelfTest {
        index: Option<OsString>,
        look: Look,
    },
    /// All presets, or one of them as this machine would use it.
    Providers {
        name: Option<OsString>,
        index: Option<OsString>,
    },
    Version,
    Help,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    Real,
    DryRun,
}

/// A command line, understood.
#[derive(Debug, PartialEq, Eq)]
struct CommandLine {
    config: Option<PathBuf>,
    stderr: Stderr,
    asked: Asked,
}

/// Runs `websms`; `start` is when the process began.
pub(super) fn run(arguments: &[OsString], under_agi: bool, start: Instant) -> ExitCode {
    if under_agi {
        return run_under_agi(arguments, start);
    }
    let line = match parse(arguments, Caller::Person) {
        Ok(line) => line,
        Err(BadUsage(text)) => {
            complain(format_args!(
                "websms: {text}\n\n{}",
                usage::WEBSMS.trim_end()
            ));
            return ExitCode::from(super::EXIT_FAULT);
        }
    };
    let path = config_path(line.config);
    match line.asked {
        Asked::Help => {
            print(usage::WEBSMS.as_bytes());
            ExitCode::SUCCESS
        }
        Asked::Version => version(),
        Asked::Check => check(&path),
        Asked::Queue(look) => list_queue(&path, look),
        Asked::Flush => {
            log::open("websms", line.stderr);
            flush(&path)
        }
        Asked::SelfTest { index, look } => {
            let index = index.as_deref().map(OsStr::as_bytes);
            super::show(&selftest::outbound(&path, index), look)
        }
        Asked::Providers { name: None, .. } => {
            print(providers::list().as_bytes());
            ExitCode::SUCCESS
        }
        Asked::Providers {
            name: Some(name),
            index,
        } => explain(&name, index.as_deref(), &path),
        Asked::Send {
            sending,
            order,
            index,
        } => {
            log::open("websms", line.stderr);
            let outcome = match sending {
                Sending::Real => send(&order, index.as_deref(), &path, start),
                Sending::DryRun => match dry_run(&order, index.as_deref(), &path) {
                    Ok(()) => return ExitCode::SUCCESS,
                    Err(outcome) => outcome,
                },
            };
            if outcome.status != Status::Sent {
                let word = outcome.status.word();
                complain(format_args!("websms: {word}: {}", outcome.reason));
            }
            ExitCode::from(outcome.status.exit_code())
        }
    }
}

/// `--queue`: what waits and what was given up.
fn list_queue(path: &Path, look: Look) -> ExitCode {
    let listed = configuration(path)
        .map_err(|outcome| outcome.reason.into_owned())
        .and_then(|config| outbound::listing(&config, look));
    match listed {
        Ok(list) => {
            print(&list);
            ExitCode::SUCCESS
        }
        Err(fault) => {
            complain(format_args!("websms: {fault}"));
            ExitCode::from(super::EXIT_FAULT)
        }
    }
}

/// `--flush`: 0 where nothing waits any more, 75 where something does.
fn flush(path: &Path) -> ExitCode {
    let flushed = configuration(path)
        .map_err(|outcome| outcome.reason.into_owned())
        .and_then(outbound::flush);
    match flushed {
        Ok(flushed) => {
            let lines: Vec<u8> = flushed
                .lines
                .iter()
                .flat_map(|line| [line, "\n"].concat().into_bytes())
                .collect();
            print(&lines);
            match flushed.left {
                0 => ExitCode::SUCCESS,
                _ => ExitCode::from(Status::Failed.exit_code()),
            }
        }
        Err(fault) => {
            complain(format_args!("websms: {fault}"));
            ExitCode::from(super::EXIT_FAULT)
        }
    }
}

/// `--providers NAME`: a preset, and what to enter at the provider. A configuration is not needed;
/// where there is a good one, the address is that of its interface.
fn explain(name: &OsStr, index: Option<&OsStr>, path: &Path) -> ExitCode {
    let config = load(path).config;
    let of_index = |name: &str| index.is_none_or(|index| index == name);
    let gate = config.as_ref().and_then(|config| {
        let mut gates = config.hooks.iter().zip(&config.rules.gates);
        gates.find(|(hook, _)| of_index(&hook.interface))
    });
    let public = gate.and_then(|(_, gate)| gate.public_url.as_ref());
    let mut hook = public.map_or(ADDRESS.to_owned(), |url| url.text());
    // Behind a proxy that changes paths, public_url has the one that counts.
    if hook.split('/').nth(3).is_none() {
        let served = gate.and_then(|(_, gate)| gate.paths.as_ref()?.first());
        hook.push_str(&served.map_or(PATH.into(), |path| String::from_utf8_lossy(path)));
    }
    match name
        .to_str()
        .and_then(|name| providers::explained(name, &hook))
    {
        Some(text) => {
            print(text.as_bytes());
            ExitCode::SUCCESS
        }
        None => {
            complain(format_args!(
                "websms: no preset of that name; websms --providers lists them"
            ));
            ExitCode::from(super::EXIT_FAULT)
        }
    }
}

/// What stands for the address where the configuration says none.
const ADDRESS: &str = "https://YOUR.HOST";

/// What stands for the path.
const PATH: &str = "/YOUR-PATH";

fn send(order: &[OsString; 3], index: Option<&OsStr>, path: &Path, start: Instant) -> Outcome {
    let config = match configuration(path) {
        Ok(config) => config,
        Err(outcome) => return outcome,
    };
    outbound::send(&order_of(order, index), &config, start)
}

fn dry_run(order: &[OsString; 3], index: Option<&OsStr>, path: &Path) -> Result<(), Outcome> {
    let config = configuration(path)?;
    print(&outbound::preview(&order_of(order, index), &config)?);
    Ok(())
}

fn order_of<'a>(order: &'a [OsString; 3], index: Option<&'a OsStr>) -> Order<'a> {
    let [to, from, text] = order;
    Order {
        to: to.as_bytes(),
        from: from.as_bytes(),
        text: text.as_bytes(),
        index: index.map(OsStr::as_bytes),
    }
}

/// The configuration, or the fault that there is none. Faults are logged; warnings, which every
/// SMS would repeat, with `-v` only.
fn configuration(path: &Path) -> Result<Config, Outcome> {
    let reading = load(path);
    for note in &reading.notes {
        let level = match note.severity {
            Severity::Fault => Level::Error,
            Severity::Warning => Level::Debug,
        };
        let (file, line, text) = (path.display(), note.line, &note.text);
        log::event(level, format_args!("{file}:{line}: {text}"));
    }
    let fault = "the configuration cannot be used (websms --check says why)";
    reading.config.ok_or(Outcome::new(Status::Fault, fault))
}

// ---- AGI ------------------------------------------------------------------------------------

/// Spec §6.6: the environment, the message, the variables. Nothing else reaches stdout.
fn run_under_agi(arguments: &[OsString], start: Instant) -> ExitCode {
    // Asterisk hangs up on the channel, not on the SMS. The flag itself is of no use.
    let hangup = Arc::new(AtomicBool::new(false));
    let _ = signal_hook::flag::register(signal_hook::consts::SIGHUP, hangup);
    let listening = read_environment(arguments);
    let outcome = match parse(arguments, Caller::Asterisk) {
        Ok(CommandLine {
            config,
            stderr,
            asked: Asked::Send { order, index, .. },
        }) => {
            log::open("websms", stderr);
            send(&order, index.as_deref(), &config_path(config), start)
        }
        Ok(_) => fault_of_usage("usage: only a message can be sent".into()),
        Err(BadUsage(text)) => fault_of_usage(format!("usage: {text}").into()),
    };
    if listening {
        tell(&outcome);
    }
    ExitCode::from(outcome.status.exit_code())
}

fn fault_of_usage(reason: Cow<'static, str>) -> Outcome {
    log::open("websms", Stderr::Instead);
    log::event(Level::Error, format_args!("{reason}"));
    Outcome::new(Status::Fault, reason)
}

/// Whether Asterisk's environment came to its end, so that it now waits for a command.
fn read_environment(arguments: &[OsString]) -> bool {
    let arguments = arguments.iter().map(|argument| argument.as_bytes());
    let mut environment = Environment::new(arguments, AGI_ENVIRONMENT_BYTES_MAX);
    let mut buffer = [0; 2048];
    loop {
        let Ok(amount @ 1..) = stdio::read(&mut buffer, AGI_REPLY_WAIT) else {
            return false;
        };
        match environment.feed(buffer.get(..amount).unwrap_or_default()) {
            Fed::More => {}
            Fed::End => return true,
            Fed::TooLong => return false,
        }
    }
}

/// One command, its reply, then the next; silence for the rest where one is not answered well. A
/// variable without a value is set all the same: a call before this one may have left one.
fn tell(outcome: &Outcome) {
    let variables = [
        ("WEBSMS_STATUS", outcome.status.word()),
        ("WEBSMS_ID", outcome.id.as_deref().unwrap_or("")),
        ("WEBSMS_REASON", outcome.reason.as_ref()),
    ];
    for (name, value) in variables {
        let command = set_variable(name, value);
        let written = stdio::write(command.as_bytes(), AGI_REPLY_WAIT);
        if written.is_err() || !read_reply().is_some_and(|reply| is_success(&reply)) {
            return;
        }
    }
}

/// One line of at most [`AGI_REPLY_BYTES_MAX`], which has [`AGI_REPLY_WAIT`] to come.
fn read_reply() -> Option<Vec<u8>> {
    let deadline = Deadline::after(AGI_REPLY_WAIT);
    let mut reply = Vec::new();
    let mut buffer = [0; AGI_REPLY_BYTES_MAX];
    loop {
        let amount = stdio::read(&mut buffer, deadline.left()?).ok()?;
        reply.extend_from_slice(buffer.get(..amount)?);
        let line_bytes = reply.iter().position(|byte| *byte == b'\n');
        match line_bytes {
            Some(bytes) if bytes < AGI_REPLY_BYTES_MAX => return Some(reply),
            None if amount > 0 && reply.len() < AGI_REPLY_BYTES_MAX => {}
            _ => return None,
        }
    }
}

// ---- Command line ---------------------------------------------------------------------------

/// Who wrote the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Person,
    /// Only `-c -i -v --` are options.
    Asterisk,
}

fn parse(arguments: &[OsString], caller: Caller) -> Result<CommandLine, BadUsage> {
    let mut config = None;
    let mut index: Option<OsString> = None;
    let mut stderr = Stderr::Instead;
    let mut sending = Sending::Real;
    let mut other = None;
    let mut json = false;
    let mut rest = arguments.iter();
    let mut data: Vec<OsString> = Vec::new();
    while let Some(argument) = rest.next() {
        if !argument.as_bytes().starts_with(b"-") {
            data.push(argument.clone());
            break;
        }
        let given = split_option(argument);
        let given = given.filter(|given| caller == Caller::Person || for_agi(given.name));
        let Some(given) = given else {
            return bad_usage("an argument before TO that is no option");
        };
        match given.name {
            "--" if given.joined.is_none() => break,
            "-c" | "--config" => config = Some(PathBuf::from(value(&given, &mut rest)?)),
            "-i" | "--index" => index = Some(value(&given, &mut rest)?.to_owned()),
            "-v" => stderr = flag(&given).map(|()| Stderr::Too)?,
            "-n" | "--dry-run" => sending = flag(&given).map(|()| Sending::DryRun)?,
            "--providers" => {
                other = flag(&given).map(|()| {
                    Some(Asked::Providers {
                        name: None,
                        index: None,
                    })
                })?;
            }
            "--check" => other = flag(&given).map(|()| Some(Asked::Check))?,
            "--queue" => {
                other = flag(&given).map(|()| Some(Asked::Queue(Look::Text)))?;
            }
            "--json" => json = flag(&given).map(|()| true)?,
            "--selftest" => {
                other = flag(&given).map(|()| {
                    Some(Asked::SelfTest {
                        index: None,
                        look: Look::Text,
                    })
                })?;
            }
            "--flush" => other = flag(&given).map(|()| Some(Asked::Flush))?,
            "--version" => other = flag(&given).map(|()| Some(Asked::Version))?,
            "--help" => other = flag(&given).map(|()| Some(Asked::Help))?,
            _ => return bad_usage("an argument before TO that is no option"),
        }
    }
    data.extend(rest.cloned());
    if json {
        match &mut other {
            Some(Asked::Queue(look) | Asked::SelfTest { look, .. }) => *look = Look::Json,
            _ => return bad_usage("--json goes with --queue or --selftest"),
        }
    }
    let asked = match other {
        Some(Asked::Providers { .. }) if data.len() < 2 => Asked::Providers {
            name: data.pop(),
            index,
        },
        Some(Asked::SelfTest { look, .. }) if data.is_empty() => Asked::SelfTest { index, look },
        Some(asked) if data.is_empty() => asked,
        Some(_) => return bad_usage("this option stands alone"),
        None => order(data, index, sending)?,
    };
    Ok(CommandLine {
        config,
        stderr,
        asked,
    })
}

fn for_agi(name: &str) -> bool {
    ["-c", "-i", "-v", "--"].contains(&name)
}

/// TO FROM BODY [INDEX]. INDEX may be given twice if it is the same.
fn order(
    data: Vec<OsString>,
    option: Option<OsString>,
    sending: Sending,
) -> Result<Asked, BadUsage> {
    let given = data.len();
    let mut data = data.into_iter();
    let (Some(to), Some(from), Some(text), fourth, None) = (
        data.next(),
        data.next(),
        data.next(),
        data.next(),
        data.next(),
    ) else {
        return bad_usage(format!(
            "TO FROM BODY [INDEX] are three or four, not {given}"
        ));
    };
    let option = option.filter(|index| !index.is_empty());
    let fourth = fourth.filter(|index| !index.is_empty());
    let index = match (option, fourth) {
        (Some(option), Some(fourth)) if option != fourth => {
            return bad_usage("-i and the fourth argument name two interfaces");
        }
        (option, fourth) => option.or(fourth),
    };
    Ok(Asked::Send {
        sending,
        order: [to, from, text],
        index,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(arguments: &[&str]) -> Vec<OsString> {
        arguments.iter().map(OsString::from).collect()
    }

    /// In words: what is asked for, then its parts.
    fn words(arguments: &[&str], caller: Caller) -> String {
        let Ok(line) = parse(&strings(arguments), caller) else {
            return "fault".to_owned();
        };
        let config = line.config.map(|path| format!("{} ", path.display()));
        let asked = match line.asked {
            Asked::Send {
                sending,
                order,
                index,
            } => {
                let order = order.map(|part| part.to_string_lossy().into_owned());
                let index = index.map(|index| index.to_string_lossy().into_owned());
                format!("{sending:?} {} {index:?}", order.join("|"))
            }
            other => format!("{other:?}"),
        };
        let stderr = if line.stderr == Stderr::Too { "v " } else { "" };
        format!("{}{stderr}{asked}", config.unwrap_or_default())
    }

    #[test]
    fn providers_take_a_name_and_no_more() {
        fn check(arguments: &[&str], expected: &str) {
            assert_eq!(words(arguments, Caller::Person), expected, "{arguments:?}");
        }
        check(&["--providers"], "Providers { name: None, index: None }");
        check(
            &["-i", "a", "--providers", "ovh"],
            "Providers { name: Some(\"ovh\"), index: Some(\"a\") }",
        );
        check(&["--providers", "ovh", "x"], "fault");
        check(&["--providers=ovh"], "fault");
        assert_eq!(words(&["--providers"], Caller::Asterisk), "fault");
    }

    #[test]
    fn options_stand_before_to_only() {
        fn check(arguments: &[&str], expected: &str) {
            assert_eq!(words(arguments, Caller::Person), expected, "{arguments:?}");
        }
        check(&["1", "2", "x"], "Real 1|2|x None");
        check(&["1", "2", "-n"], "Real 1|2|-n None");
        check(
            &["1", "--help", "--version"],
            "Real 1|--help|--version None",
        );
        check(&["--", "-1", "2", "x"], "Real -1|2|x None");
        check(&["--", "--", "2", "x"], "Real --|2|x None");
        check(&["1", "--", "x"], "Real 1|--|x None");
        check(&["1", "2", "x", "i"], "Real 1|2|x Some(\"i\")");
        check(&["1", "2", "x", ""], "Real 1|2|x None");
        check(&["1", "2", ""], "Real 1|2| None");
        check(&["-i", "i", "1", "2", "x"], "Real 1|2|x Some(\"i\")");
        check(&["-i", "", "1", "2", "x", "i"], "Real 1|2|x Some(\"i\")");
        check(&["-i", "i", "1", "2", "x", "i"], "Real 1|2|x Some(\"i\")");
        check(&["-i", "i", "1", "2", "x", ""], "Real 1|2|x Some(\"i\")");
        check(&["-i", "i", "1", "2", "x", "j"], "fault");
        check(&["--index=i", "1", "2", "x"], "Real 1|2|x Some(\"i\")");
        check(
            &["-c", "f", "-n", "-v", "1", "2", "x"],
            "f v DryRun 1|2|x None",
        );
        check(
            &["--config=f", "--dry-run", "1", "2", "x"],
            "f DryRun 1|2|x None",
        );
        check(&["--config", "f", "--check"], "f Check");
        check(&["--check", "-c", "f"], "f Check");
        check(&["--version"], "Version");
        check(&["--help"], "Help");
        check(&["--check", "1", "2", "x"], "fault");
        check(&["--check=yes"], "fault");
        check(&[], "fault");
        check(&["1", "2"], "fault");
        check(&["1", "2", "x", "i", "j"], "fault");
        check(&["-x", "1", "2", "x"], "fault");
        check(&["-", "1", "2", "x"], "fault");
        check(&["-1", "2", "x"], "fault");
        check(&["--=x", "1", "2", "x"], "fault");
        check(&["-c"], "fault");
        check(&["-c=f", "1", "2", "x"], "fault");
        check(&["--queue"], "Queue(Text)");
        check(&["--json", "--queue"], "Queue(Json)");
        check(&["--queue", "--json"], "Queue(Json)");
        check(&["--flush", "-c", "f"], "f Flush");
        check(&["--json"], "fault");
        check(&["--flush", "--json"], "fault");
        check(&["--selftest"], "SelfTest { index: None, look: Text }");
        check(
            &["--selftest", "-i", "a", "--json"],
            "SelfTest { index: Some(\"a\"), look: Json }",
        );
        check(&["--selftest", "1", "2", "x"], "fault");
        check(&["--queue", "1", "2", "x"], "fault");
    }

    #[test]
    fn asterisk_has_four_options() {
        fn check(arguments: &[&str], expected: &str) {
            assert_eq!(
                words(arguments, Caller::Asterisk),
                expected,
                "{arguments:?}"
            );
        }
        check(&["--", "1", "2", "-n"], "Real 1|2|-n None");
        check(
            &["-c", "f", "-i", "i", "-v", "--", "1", "2", "x"],
            "f v Real 1|2|x Some(\"i\")",
        );
        for option in [
            "-n",
            "--dry-run",
            "--check",
            "--version",
            "--help",
            "--queue",
            "--flush",
            "--selftest",
            "--json",
            "--config=f",
            "-",
        ] {
            check(&[option, "1", "2", "x"], "fault");
            check(&[option], "fault");
            check(
                &["--", option, "2", "x"],
                &format!("Real {option}|2|x None"),
            );
        }
    }
}
