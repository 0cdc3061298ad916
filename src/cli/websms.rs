//! `websms`: turns a command line, or Asterisk's, into an order, and its result into variables and an exit
//! code.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Instant;

use super::options::{self, Action, BadUsage, Flag, Kind, Known, Options, User, Users, Value};
use super::{EXIT_FAULT, common, config_path, misused, show, usage};
use crate::cli::selftest;
use crate::config::{Config, Severity};
use crate::limits::{AGI_ENVIRONMENT_BYTES_MAX, AGI_REPLY_BYTES_MAX, AGI_REPLY_WAIT};
use crate::outbound::{self, Order, Outcome, Status};
use crate::privileges::{self, NotEntered};
use crate::proto::wire::agi::{Environment, Fed, is_success, set_variable};
use crate::providers;
use crate::queue::{self, Look, Refusal};
use crate::surroundings::{self, load};
use crate::sys::clock::Deadline;
use crate::sys::log::{self, Level, Stderr};
use crate::sys::signals;
use crate::sys::stdio::{self, complain, print};

const KNOWN: Known = Known {
    options: &[
        ("-c", Users::Everyone, Kind::Value(Value::Config)),
        ("--config", Users::People, Kind::Value(Value::Config)),
        ("-i", Users::Everyone, Kind::Value(Value::Index)),
        ("--index", Users::People, Kind::Value(Value::Index)),
        ("-v", Users::Everyone, Kind::Flag(Flag::Verbose)),
        ("--", Users::Everyone, Kind::End),
        ("-n", Users::People, Kind::Flag(Flag::DryRun)),
        ("--dry-run", Users::People, Kind::Flag(Flag::DryRun)),
        ("--json", Users::People, Kind::Flag(Flag::Json)),
        ("--check", Users::People, Kind::Action(Action::Check)),
        ("--queue", Users::People, Kind::Action(Action::Queue)),
        ("--flush", Users::People, Kind::Action(Action::Flush)),
        (
            "--show",
            Users::People,
            Kind::Value(Value::Asks(Action::Show)),
        ),
        (
            "--retry",
            Users::People,
            Kind::Value(Value::Asks(Action::Retry)),
        ),
        (
            "--drop",
            Users::People,
            Kind::Value(Value::Asks(Action::Drop)),
        ),
        ("--selftest", Users::People, Kind::Action(Action::SelfTest)),
        (
            "--providers",
            Users::People,
            Kind::Action(Action::Providers),
        ),
        ("-V", Users::People, Kind::Action(Action::Version)),
        ("--version", Users::People, Kind::Action(Action::Version)),
        ("-h", Users::People, Kind::Action(Action::Help)),
        ("--help", Users::People, Kind::Action(Action::Help)),
    ],
    stranger: "an argument before TO that is no option",
};

/// The request that a command line of `websms` makes.
enum Asked<'a> {
    Send(Order<'a>),
    /// Another action, with the name of a preset or the id of an SMS if given.
    Other(Action, Option<&'a OsStr>),
}

/// Runs `websms` and returns the exit code; `start` is when the process began.
pub(super) fn run(arguments: &[OsString], start: Instant) -> u8 {
    let (options, asked) = match parse(arguments, User::Person) {
        Ok(understood) => understood,
        Err(BadUsage(text)) => return misused("websms", &text, usage::WEBSMS),
    };
    let path = config_path(options.config);
    let done = match asked {
        Asked::Send(order) => {
            log::open("websms", options.stderr());
            let (outcome, is_told) = match options.dry_run {
                // Without a syslog and with -v, the line of the log has told it on stderr.
                false => (send(&order, &path, start), log::has_shown()),
                true => match dry_run(&order, &path) {
                    Ok(()) => return 0,
                    Err(outcome) => (outcome, false),
                },
            };
            if outcome.status != Status::Sent && !is_told {
                let word = outcome.status.word();
                complain(format_args!("websms: {word}: {}", outcome.reason));
            }
            return outcome.status.exit_code();
        }
        Asked::Other(Action::Queue, _) => list_queue(&path, &options),
        Asked::Other(Action::Flush, _) => {
            log::open("websms", options.stderr());
            flush(&path)
        }
        Asked::Other(Action::SelfTest, _) => {
            let index = options.index.map(OsStr::as_bytes);
            return show(&selftest::outbound(&path, index), options.json);
        }
        Asked::Other(action @ (Action::Show | Action::Retry | Action::Drop), id) => {
            manage(action, id.unwrap_or_default(), &path)
        }
        Asked::Other(Action::Providers, name) => providers(name, options.index, &path),
        Asked::Other(action, _) => return common(action, &path, usage::WEBSMS),
    };
    match done {
        Ok((lines, exit)) => {
            print(&lines);
            exit
        }
        Err(Undone(fault, exit)) => {
            complain(format_args!("websms: {fault}"));
            exit
        }
    }
}

/// The output for stdout and the exit code, or the reason why there is neither.
type Done = Result<(Vec<u8>, u8), Undone>;

/// The reason why an option was not carried out, and the exit code.
struct Undone(String, u8);

impl From<String> for Undone {
    fn from(fault: String) -> Undone {
        Undone(fault, EXIT_FAULT)
    }
}

impl From<&str> for Undone {
    fn from(fault: &str) -> Undone {
        fault.to_owned().into()
    }
}

/// `--queue`: lists the SMS that wait and those that were given up.
fn list_queue(path: &Path, options: &Options<'_>) -> Done {
    let look = match options.json {
        true => Look::Json,
        false => Look::Text,
    };
    let config = entered(path).map_err(told)?;
    Ok((queue::listing(&config, look)?, 0))
}

/// `--flush`: exits with 0 if nothing waits any more, with 75 if something does.
fn flush(path: &Path) -> Done {
    let flushed = queue::flush(entered(path).map_err(told)?)?;
    let mut lines = Vec::new();
    for line in &flushed.lines {
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }
    let exit = match flushed.left {
        0 => 0,
        _ => Status::Failed.exit_code(),
    };
    Ok((lines, exit))
}

/// `--show`, `--retry`, `--drop`: exit with 1 if no SMS has that id, with 75 if the queue has no room.
fn manage(action: Action, id: &OsStr, path: &Path) -> Done {
    let config = entered(path).map_err(told)?;
    let id = id.to_string_lossy();
    let done = match action {
        Action::Retry => queue::retry(&config, &id),
        Action::Drop => queue::drop(&config, &id),
        _ => queue::show(&config, &id),
    };
    let (fault, status) = match done {
        Ok(lines) => return Ok((lines.into_bytes(), 0)),
        Err(Refusal::NotFound(fault)) => (fault, Status::Refused),
        Err(Refusal::Full(fault)) => (fault, Status::Failed),
        Err(Refusal::Fault(fault)) => (fault, Status::Fault),
    };
    Err(Undone(fault, status.exit_code()))
}

fn told(outcome: Outcome) -> Undone {
    let exit = outcome.status.exit_code();
    Undone(outcome.reason.into_owned(), exit)
}

/// `--providers`: shows all presets, or one with the data to enter at the provider. No configuration is
/// needed; with a good one, the address is that of its interface.
fn providers(name: Option<&OsStr>, index: Option<&OsStr>, path: &Path) -> Done {
    let Some(name) = name else {
        return Ok((providers::list().into_bytes(), 0));
    };
    let config = load(path).config;
    let gate = config.as_ref().and_then(|config| {
        let mut interfaces = config.rules.interfaces.iter();
        let found = interfaces.find(|it| index.is_none_or(|index| index == it.name.as_str()));
        found.map(|interface| &interface.gate)
    });
    let public = gate.and_then(|gate| gate.public_url.as_ref());
    let mut address = public.map_or(ADDRESS.to_owned(), |url| url.text());
    // Behind a proxy that changes paths, public_url has the path that counts.
    if address.split('/').nth(3).is_none() {
        match gate.and_then(|gate| gate.paths.as_ref()?.first()) {
            Some(path) => address.push_str(&String::from_utf8_lossy(path)),
            None => address.push_str(PATH),
        }
    }
    let explained = name
        .to_str()
        .and_then(|name| providers::explained(name, &address));
    match explained {
        Some(text) => Ok((text.into_bytes(), 0)),
        None => Err("no preset of that name; websms --providers lists them".into()),
    }
}

/// Stands for the address if the configuration has none.
const ADDRESS: &str = "https://YOUR.HOST";

/// Stands for the path if the configuration has none.
const PATH: &str = "/YOUR-PATH";

fn send(order: &Order<'_>, path: &Path, start: Instant) -> Outcome {
    match entered(path) {
        Ok(config) => outbound::send(order, &config, start),
        Err(outcome) => {
            outbound::tell_unsent(order, &outcome);
            outcome
        }
    }
}

fn dry_run(order: &Order<'_>, path: &Path) -> Result<(), Outcome> {
    let config = configuration(path)?;
    let mut request = outbound::preview(order, &config)?;
    if !request.ends_with(b"\n") {
        request.push(b'\n');
    }
    print(&request);
    Ok(())
}

/// Returns the configuration, or the fault if there is none. Faults are logged; warnings, which every SMS
/// would repeat, only with `-v`.
fn configuration(path: &Path) -> Result<Config, Outcome> {
    let reading = load(path);
    for note in &reading.notes {
        let level = match note.severity {
            Severity::Fault => Level::Error,
            Severity::Warning | Severity::Fact => Level::Debug,
        };
        let (file, line, text) = (path.display(), surroundings::line(note), &note.text);
        log::event(level, format_args!("{file}{line}: {text}"));
    }
    let fault = "the configuration cannot be used (websms --check says why)";
    reading.config.ok_or(Outcome::new(Status::Fault, fault))
}

/// Returns the configuration after becoming the owner of its folders, for commands that work there.
fn entered(path: &Path) -> Result<Config, Outcome> {
    let config = configuration(path)?;
    let Err(refusal) = privileges::enter(&config, path) else {
        return Ok(config);
    };
    let status = match refusal {
        NotEntered::Fault(_) => Status::Fault,
        NotEntered::System(_) => Status::Refused,
    };
    Err(Outcome::new(status, refusal.to_string()))
}

// ---- AGI ------------------------------------------------------------------------------------

/// Runs `websms` under AGI (spec §6.6): the environment, the message, the variables. Nothing else is
/// written to stdout. Returns the exit code.
pub(super) fn run_under_agi(arguments: &[OsString], start: Instant) -> u8 {
    // Asterisk hangs up on the channel, not on the SMS. Bytes that arrive there are of no use.
    let _hangups = signals::hangups();
    let listening = read_environment(arguments);
    let outcome = match parse(arguments, User::Asterisk) {
        Ok((options, Asked::Send(order))) => {
            log::open("websms", options.stderr());
            send(&order, &config_path(options.config), start)
        }
        Ok(_) => fault_of_usage("usage: only a message can be sent".into()),
        Err(BadUsage(text)) => fault_of_usage(format!("usage: {text}").into()),
    };
    if listening {
        tell(&outcome);
    }
    outcome.status.exit_code()
}

fn fault_of_usage(reason: Cow<'static, str>) -> Outcome {
    log::open("websms", Stderr::Instead);
    log::event(Level::Error, format_args!("{reason}"));
    Outcome::new(Status::Fault, reason)
}

/// Whether Asterisk's environment was complete, so that Asterisk now waits for a command.
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

/// Sends a command, reads its reply, then sends the next; stops at a reply that is not good. A variable
/// without a value is set as well, because an earlier call may have left one.
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

/// Reads one line of at most [`AGI_REPLY_BYTES_MAX`], which must come within [`AGI_REPLY_WAIT`].
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

fn parse(arguments: &[OsString], user: User) -> Result<(Options<'_>, Asked<'_>), BadUsage> {
    let (options, data) = options::parse(arguments, &KNOWN, user)?;
    if options.json && !matches!(options.action, Some(Action::Queue | Action::SelfTest)) {
        return Err("--json goes with --queue or --selftest".into());
    }
    let asked = match (options.action, data) {
        (None, _) => Asked::Send(order(data, options.index)?),
        (Some(action), []) => Asked::Other(action, options.object),
        (Some(Action::Providers), [name]) => Asked::Other(Action::Providers, Some(name)),
        (Some(_), _) => return Err("this option stands alone".into()),
    };
    Ok((options, asked))
}

/// Parses TO FROM BODY [INDEX]. INDEX may be given twice if both are equal.
fn order<'a>(data: &'a [OsString], option: Option<&'a OsStr>) -> Result<Order<'a>, BadUsage> {
    let (to, from, text, fourth) = match data {
        [to, from, text] => (to, from, text, None),
        [to, from, text, fourth] => (to, from, text, Some(fourth.as_os_str())),
        _ => {
            let s = if data.len() == 1 { "" } else { "s" };
            return Err(BadUsage(format!(
                "expected TO FROM BODY [INDEX], got {} argument{s}",
                data.len()
            )));
        }
    };
    let option = option.filter(|index| !index.is_empty());
    let fourth = fourth.filter(|index| !index.is_empty());
    if option.is_some() && fourth.is_some() && option != fourth {
        return Err("-i and the fourth argument name two interfaces".into());
    }
    Ok(Order {
        to: to.as_bytes(),
        from: from.as_bytes(),
        text: text.as_bytes(),
        index: option.or(fourth).map(OsStr::as_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(arguments: &[&str]) -> Vec<OsString> {
        arguments.iter().map(OsString::from).collect()
    }

    /// Returns a parsed command line in words: the action, then its parts.
    fn words(arguments: &[&str], user: User) -> String {
        let arguments = strings(arguments);
        let Ok((options, asked)) = parse(&arguments, user) else {
            return "fault".to_owned();
        };
        let config = options.config.map(|path| format!("{} ", path.display()));
        let index = options.index;
        let look = if options.json { "Json" } else { "Text" };
        let asked = match asked {
            Asked::Send(order) => {
                let sending = if options.dry_run { "DryRun" } else { "Real" };
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let parts = [order.to, order.from, order.text].map(text).join("|");
                format!("{sending} {parts} {:?}", order.index.map(text))
            }
            Asked::Other(Action::Queue, _) => format!("Queue({look})"),
            Asked::Other(Action::SelfTest, _) => {
                format!("SelfTest {{ index: {index:?}, look: {look} }}")
            }
            Asked::Other(Action::Providers, name) => {
                format!("Providers {{ name: {name:?}, index: {index:?} }}")
            }
            Asked::Other(action, _) => format!("{action:?}"),
        };
        let stderr = if options.verbose { "v " } else { "" };
        format!("{}{stderr}{asked}", config.unwrap_or_default())
    }

    #[test]
    fn providers_take_a_name_and_no_more() {
        fn check(arguments: &[&str], expected: &str) {
            assert_eq!(words(arguments, User::Person), expected, "{arguments:?}");
        }
        check(&["--providers"], "Providers { name: None, index: None }");
        check(
            &["-i", "a", "--providers", "ovh"],
            "Providers { name: Some(\"ovh\"), index: Some(\"a\") }",
        );
        check(&["--providers", "ovh", "x"], "fault");
        check(&["--providers=ovh"], "fault");
        assert_eq!(words(&["--providers"], User::Asterisk), "fault");
    }

    #[test]
    fn options_stand_before_to_only() {
        fn check(arguments: &[&str], expected: &str) {
            assert_eq!(words(arguments, User::Person), expected, "{arguments:?}");
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
            assert_eq!(words(arguments, User::Asterisk), expected, "{arguments:?}");
        }
        check(&["--", "1", "2", "-n"], "Real 1|2|-n None");
        check(
            &["-c", "f", "-i", "i", "-v", "--", "1", "2", "x"],
            "f v Real 1|2|x Some(\"i\")",
        );
        check(&["-c", "f", "1", "2", "x"], "f Real 1|2|x None");
        check(&["-i", "i", "1", "2", "x"], "Real 1|2|x Some(\"i\")");
        check(&["-v", "1", "2", "x"], "v Real 1|2|x None");
        check(&["--", "1", "2", "x"], "Real 1|2|x None");
        let rows = KNOWN.options.iter().map(|(name, ..)| *name);
        for option in rows.chain(["--config=f", "--index=i", "-", "-x"]) {
            // Behind `--` every word is data.
            let data = format!("Real {option}|2|x None");
            check(&["--", option, "2", "x"], &data);
            if !matches!(option, "-c" | "-i" | "-v" | "--") {
                let arguments = strings(&[option, "1", "2", "x"]);
                let fault = parse(&arguments, User::Asterisk).err();
                assert_eq!(fault, Some(KNOWN.stranger.into()), "{option}");
            }
        }
    }
}
