//! Splits arguments into the options at their beginning and the data after them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::sys::log::Stderr;

/// The options of an applet.
pub(super) struct Known {
    /// The name of each option, who may use it and what it does.
    pub(super) options: &'static [(&'static str, Users, Kind)],
    /// The fault for an argument that is no option.
    pub(super) stranger: &'static str,
}

/// The callers that may use an option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Users {
    /// A person at a command line.
    People,
    /// Asterisk too, whose arguments may be what a stranger dialled or wrote.
    Everyone,
}

impl Users {
    fn include(self, user: User) -> bool {
        match user {
            User::Person => true,
            User::Asterisk => self == Users::Everyone,
        }
    }
}

/// The party that wrote a command line.
#[derive(Clone, Copy)]
pub(super) enum User {
    /// A person, or a program of theirs.
    Person,
    /// A dialplan.
    Asterisk,
}

/// The effect of an option.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// It keeps the value that follows it; the last one if it is given twice.
    Value(Value),
    /// It records that it was given.
    Flag(Flag),
    /// It asks for an action other than the applet's usual one; the last one counts.
    Action(Action),
    /// It ends the options.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Config,
    Index,
    From,
    /// Every value is kept.
    Listen,
    /// The action is asked for with the value.
    Asks(Action),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Verbose,
    DryRun,
    Json,
}

/// An action that an option asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Check,
    Queue,
    Flush,
    SelfTest,
    Providers,
    DumpConfig,
    Replay,
    Poll,
    Show,
    Retry,
    Drop,
    Version,
    Help,
}

/// The options that were given.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) action: Option<Action>,
    pub(super) verbose: bool,
    pub(super) dry_run: bool,
    pub(super) json: bool,
    pub(super) config: Option<&'a OsStr>,
    pub(super) index: Option<&'a OsStr>,
    pub(super) from: Option<&'a OsStr>,
    /// The value that goes with the action: a kept request, or an id.
    pub(super) object: Option<&'a OsStr>,
    pub(super) listen: Vec<&'a OsStr>,
}

/// The reason why a command line is not understood: one line, without anything that could be a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadUsage(pub(super) String);

impl From<&str> for BadUsage {
    fn from(text: &str) -> BadUsage {
        BadUsage(text.to_owned())
    }
}

/// Splits the arguments into options and what follows them, from the first argument that does not begin
/// with `-`. An option that the user may not use counts as unknown. An argument that does not look like an
/// option is not shown, because it may be a text in the wrong place.
pub(super) fn parse<'a>(
    arguments: &'a [OsString],
    known: &Known,
    user: User,
) -> Result<(Options<'a>, &'a [OsString]), BadUsage> {
    let mut options = Options::default();
    let mut rest = arguments;
    while let Some((argument, after)) = rest.split_first() {
        let argument = argument.as_bytes();
        if !argument.starts_with(b"-") {
            break;
        }
        rest = after;
        let (name, joined) = match argument.iter().position(|byte| *byte == b'=') {
            Some(at) if argument.starts_with(b"--") => {
                let (name, value) = argument.split_at(at);
                (name, value.get(1..).map(OsStr::from_bytes))
            }
            _ => (argument, None),
        };
        if let Some((name, kind)) = known.find(name, user) {
            if matches!(kind, Kind::End) && joined.is_none() {
                break;
            }
            options.take(name, kind, joined, &mut rest)?;
            continue;
        }
        // `-nv` means `-n -v`.
        let letters = match name {
            [b'-', letters @ ..]
                if letters.len() > 1
                    && !letters.starts_with(b"-")
                    && matches!(user, User::Person) =>
            {
                letters
            }
            _ => return Err(known.unknown(name, user)),
        };
        for letter in letters {
            let option = [b'-', *letter];
            let Some((option, kind)) = known.find(&option, user) else {
                return Err(known.unknown(&option, user));
            };
            options.take(option, kind, None, &mut rest)?;
        }
    }
    Ok((options, rest))
}

impl Known {
    fn find(&self, name: &[u8], user: User) -> Option<(&'static str, Kind)> {
        let mut rows = self.options.iter();
        let found = rows.find(|(known, users, _)| known.as_bytes() == name && users.include(user));
        found.map(|(known, _, kind)| (*known, *kind))
    }

    /// Names what a person wrote in place of an option, if it looks like an option.
    fn unknown(&self, name: &[u8], user: User) -> BadUsage {
        let is_word = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'-';
        let is_long = name.starts_with(b"--") && name.len() <= 24 && name.iter().all(is_word);
        let is_short = matches!(name, [b'-', letter] if letter.is_ascii_alphanumeric());
        match (user, str::from_utf8(name)) {
            (User::Person, Ok(name)) if is_long || is_short => {
                BadUsage([name, " is no option"].concat())
            }
            _ => self.stranger.into(),
        }
    }
}

impl<'a> Options<'a> {
    pub(super) fn stderr(&self) -> Stderr {
        match self.verbose {
            true => Stderr::Too,
            false => Stderr::Instead,
        }
    }

    /// Takes one option, and its value if it has one: the part after `=`, else the first of `rest`.
    fn take(
        &mut self,
        name: &str,
        kind: Kind,
        joined: Option<&'a OsStr>,
        rest: &mut &'a [OsString],
    ) -> Result<(), BadUsage> {
        match (kind, joined) {
            (Kind::Value(kind), Some(value)) => self.keep(kind, value),
            (Kind::Value(kind), None) => {
                let Some((value, after)) = rest.split_first() else {
                    return Err(BadUsage([name, " needs a value"].concat()));
                };
                *rest = after;
                self.keep(kind, value);
            }
            (_, Some(_)) => return Err(BadUsage([name, " takes no value"].concat())),
            (Kind::Flag(Flag::Verbose), None) => self.verbose = true,
            (Kind::Flag(Flag::DryRun), None) => self.dry_run = true,
            (Kind::Flag(Flag::Json), None) => self.json = true,
            (Kind::Action(action), None) => self.action = Some(action),
            (Kind::End, None) => {}
        }
        Ok(())
    }

    fn keep(&mut self, kind: Value, value: &'a OsStr) {
        match kind {
            Value::Config => self.config = Some(value),
            Value::Index => self.index = Some(value),
            Value::From => self.from = Some(value),
            Value::Listen => self.listen.push(value),
            Value::Asks(action) => {
                self.object = Some(value);
                self.action = Some(action);
            }
        }
    }
}
