//! Loads a configuration with every remark on it, including those that need the file system.
//!
//! Used by `--check`, by `websms` and by `websmsd` when it starts and when it reads its
//! configuration again.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::{self, Config, Intact, Note, Outgoing, Reading, Severity};
use crate::limits::CONFIG_BYTES_MAX;
use crate::message::{Message, Number, Sender, Text};
use crate::outbound::attempt::connection;
use crate::privileges::{self, NotEntered};
use crate::proto::provider;
use crate::state::Keeping;
use crate::sys::client::{self, Failure};
use crate::sys::files::{self, Links, Unreadable, nearest};
use crate::sys::processes::{self, ASTERISK, User};
use crate::sys::tls::certificate::{BadIdentity, Identity};
use crate::sys::user::{self, Owner};

/// Reads a configuration. If it cannot be read, or others may write it, this is a fault among the notes.
/// Only [`notes`] looks at what is around the file.
pub fn load(path: &Path) -> Reading {
    let opened = files::open_any(path, Links::Follow).and_then(|file| {
        let mode = file.metadata().map_err(Unreadable::Io)?;
        let keeps_modes = files::keeps_modes(&file);
        Ok((files::read_open(file, CONFIG_BYTES_MAX)?, mode, keeps_modes))
    });
    match opened {
        Ok((bytes, found, keeps_modes)) => {
            let mut reading = config::read(&bytes, &variable);
            check_writers(&mut reading, &found, keeps_modes);
            check_memory(&mut reading);
            reading
        }
        Err(error) => {
            let mut notes = Vec::new();
            fault(&mut notes, &["cannot be read: ", &error.to_string()]);
            Reading {
                config: None,
                draft: None,
                notes,
            }
        }
    }
}

/// Checks who may write the configuration: its writers can have any program run and send the credentials
/// anywhere.
fn check_writers(reading: &mut Reading, found: &Metadata, keeps_modes: bool) {
    let draft = reading.draft.as_ref().filter(|(_, intact)| intact.spool);
    let config = reading.config.as_ref().or(draft.map(|(config, _)| config));
    let outgoing = config.and_then(|config| nearest(&config.spool.outgoing));
    let outgoing = outgoing.and_then(|folder| fs::metadata(folder).ok());
    let is_foreign = outgoing.as_ref().is_some_and(|it| it.gid() != found.gid());
    let is_ours = found.uid() == 0 || outgoing.is_none_or(|it| it.uid() == found.uid());
    let (who, remedy) = if found.mode() & OTHERS_WRITE != 0 {
        ("others", ": chmod o-w")
    } else if found.mode() & GROUP_WRITES != 0 && is_foreign {
        ("a group other than outgoingdir's", ": chmod g-w, or chgrp")
    } else {
        // In a container the owner may be a user of the host, so this alone is no fault.
        if keeps_modes && !is_ours && user::is_root() {
            let text = "a user who is neither root nor outgoingdir's owner owns this file, and so has root run \
                        the programs that it names: chown root";
            warn(&mut reading.notes, &[text]);
        }
        return;
    };
    let may = " may write this file, which names programs that are run";
    if !keeps_modes {
        let remedy = "; its filesystem keeps no modes, so see how it is mounted";
        return warn(&mut reading.notes, &[who, may, remedy]);
    }
    refuse(reading, &[who, may, remedy]);
}

/// Adds a fault with which the configuration cannot be run, though all of it is intact.
fn refuse(reading: &mut Reading, text: &[&str]) {
    fault(&mut reading.notes, text);
    if let Some(config) = reading.config.take() {
        reading.draft = Some((config, Intact::WHOLE));
    }
}

/// Refuses `poll` with a record in memory: after each restart the whole list would count as new, or as old.
fn check_memory(reading: &mut Reading) {
    let polls = |config: &&Config| !config.polls.is_empty();
    let config = reading.config.as_ref().filter(polls);
    let dir = config.and_then(|config| config.queue.dir.as_deref());
    if dir.and_then(nearest).is_some_and(files::is_in_memory) {
        let text = "[websmsd] poll remembers in [queue] dir what was delivered, and that is on a RAM disk: name \
                    a folder that outlives a restart";
        refuse(reading, &[text]);
    }
}

/// Reads a configuration, lets `first` work with it, becomes the owner of its folders and looks around it
/// as that user. If it cannot become their owner, the configuration is a draft, and the reason is returned
/// beside the notes.
pub fn load_whole(
    path: &Path,
    first: &mut dyn FnMut(&Config),
) -> (Reading, Result<(), NotEntered>) {
    let mut reading = load(path);
    let mut entered = Ok(());
    if let Some(config) = reading.config.take() {
        first(&config);
        match privileges::enter(&config, path) {
            Ok(_) => reading.config = Some(config),
            Err(why) => {
                fault(&mut reading.notes, &[&why.to_string()]);
                reading.draft = Some((config, Intact::WHOLE));
                entered = Err(why);
            }
        }
    }
    let more = match (&reading.config, &reading.draft) {
        (Some(config), _) => notes(path, config, Intact::WHOLE),
        (None, Some((draft, intact))) => notes(path, draft, *intact),
        // Nothing in the file could be read, if it exists at all.
        (None, None) => file_notes(path),
    };
    reading.notes.extend(more);
    (reading, entered)
}

/// Looks up `${name}` of a configuration.
pub fn variable(name: &[u8]) -> Option<Vec<u8>> {
    // PHP asks C, which reads up to a NUL only.
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    std::env::var_os(OsStr::from_bytes(name)).map(OsStringExt::into_vec)
}

/// Returns what is wrong around a configuration that is right in itself: files that others may read or
/// write, folders that cannot work together, requests that cannot be made. If the configuration has faults,
/// only its `intact` parts are looked at.
pub fn notes(path: &Path, config: &Config, intact: Intact) -> Vec<Note> {
    let mut notes = file_notes(path);
    for outgoing in config.outgoing.iter().filter(|_| intact.outgoing) {
        if let Some((is_fault, text)) = interface_fault(outgoing) {
            let tell = if is_fault { fault } else { warn };
            match outgoing.account.interface.as_str() {
                "" => tell(&mut notes, &[&text]),
                index => tell(&mut notes, &["interface ", index, ": ", &text]),
            }
        }
    }
    if let Some(tls) = &config.listening.tls
        && intact.listening
    {
        if others_may(&tls.key, OTHERS_READ) {
            let text = "others may read the file of tls_key: chmod o-r";
            warn(&mut notes, &[text]);
        }
        if let Err(BadIdentity(what)) = Identity::load(&tls.cert, &tls.key) {
            fault(&mut notes, &[&what]);
        }
    }
    if intact.spool {
        reader_note(path, &config.spool, &mut notes);
        let keeping = Some(Keeping::of(config)).filter(|_| intact.queue);
        spool_notes(&config.spool, keeping, &mut notes);
        if let Some(keeping) = keeping {
            keeping_notes(config, keeping, &mut notes);
        }
    }
    let (on_message, on_failure) = (&config.listening.on_message, &config.queue.on_failure);
    let hooks = [
        ("[websmsd] on_message: ", on_message, intact.listening),
        ("[queue] on_failure: ", on_failure, intact.queue),
    ];
    for (key, program, is_sound) in hooks {
        let program = program.as_deref().filter(|_| is_sound);
        if let Some(what) = program.and_then(hook_doubt) {
            warn(&mut notes, &[key, what]);
        }
    }
    if let Some(dir) = &config.queue.dir
        && intact.queue
    {
        if others_may(dir, OTHERS_WRITE) {
            warn(&mut notes, &others_write("[queue] dir"));
        }
        if let Some(what) = obstacle(dir) {
            let so = ", so nothing is queued or kept";
            warn(&mut notes, &["[queue] dir", what.words(), so]);
        }
        if nearest(dir).is_some_and(files::is_in_memory) {
            let text = "[queue] dir is on a RAM disk: what waits there is lost with the power";
            warn(&mut notes, &[text]);
        }
    }
    notes
}

/// Returns what is wrong with the file itself.
fn file_notes(path: &Path) -> Vec<Note> {
    let mut notes = Vec::new();
    if others_may(path, OTHERS_READ) {
        let text = "others may read this file, which holds credentials: chmod o-r";
        warn(&mut notes, &[text]);
    }
    let folder = path.parent().and_then(nearest).map(fs::metadata);
    if let Some(Ok(folder)) = folder
        && folder.mode() & OTHERS_WRITE != 0
        && folder.mode() & STICKY == 0
    {
        let text = "others may replace this file, since they may write to its folder: chmod o-w";
        warn(&mut notes, &[text]);
    }
    notes
}

/// Adds a note if Asterisk's user cannot read the configuration: `websms`, which Asterisk runs, then refuses
/// every SMS. The user of this process has read it already.
fn reader_note(path: &Path, spool: &config::Spool, notes: &mut Vec<Note>) {
    let running = processes::user_of(ASTERISK);
    let named = match &spool.owner {
        Some((user, group)) if running.is_none() => user::owner_named(user, group.as_deref()),
        _ => None,
    };
    let mut owner = Owner { uid: 0, gid: None };
    let whence = if let Some(user) = &running {
        owner.uid = user.uid;
        ", which asterisk runs as, cannot "
    } else if let Some(named) = named {
        owner = named;
        ", who is fileowner, cannot "
    } else if let Ok(folder) = fs::metadata(&spool.outgoing) {
        (owner.uid, owner.gid) = (folder.uid(), Some(folder.gid()));
        ", who owns outgoingdir, cannot "
    } else {
        return;
    };
    if owner.uid == user::own_uid() {
        return;
    }
    let Ok(identity) = user::identity(owner) else {
        return;
    };
    let user = running.unwrap_or(User {
        uid: owner.uid,
        gids: identity.groups,
    });
    let (mut bits, mut verb, mut bit) = (0o4, "read ", "r");
    for place in path.ancestors() {
        // An access control list beside the mode is not read.
        let found = fs::metadata(place);
        if found.is_ok_and(|found| !user.may(&found, bits)) && !files::has_acl(place) {
            let so = ", so every SMS from a phone is INVALID: chgrp it to a group of that user, and chmod g+";
            let place = place.to_string_lossy();
            let text = ["user ", &identity.name, whence, verb, &place, so, bit];
            return warn(notes, &text);
        }
        (bits, verb, bit) = (0o1, "enter ", "x");
    }
}

/// Returns why a hook will not run, or not as its owner means.
fn hook_doubt(program: &Path) -> Option<&'static str> {
    let folder = program.parent()?;
    match fs::metadata(program) {
        Err(_) => Some("there is no such program; it is a path alone, without arguments"),
        Ok(status) if !status.is_file() => Some("is no file"),
        Ok(_) if !files::is_executable(program) => {
            Some("this user may not execute the program: chmod +x")
        }
        Ok(_) if others_may(program, OTHERS_WRITE) || others_may(folder, OTHERS_WRITE) => {
            Some("others may write to the program or its folder: chmod o-w")
        }
        Ok(_) => None,
    }
}

/// Notes whether a restart or a power cut loses an SMS that was answered with 200.
fn keeping_notes(config: &Config, keeping: Keeping, notes: &mut Vec<Note>) {
    let kept = "SMS are kept in the inbox, below [queue] dir, until asterisk has taken them";
    let lost = ": what asterisk has not taken by then is lost, though it was answered with 200";
    let is_lost = !keeping.outlives_restart();
    match (keeping.inbox, is_lost) {
        (true, true) => warn(notes, &[kept, ", but a restart empties that folder", lost]),
        (true, false) => note(notes, Severity::Fact, &[kept]),
        (false, true) if keeping.dir_is_volatile => {
            let text =
                "a restart empties outgoingdir, and there is no [queue] dir that outlives it";
            warn(notes, &[text, lost]);
        }
        (false, true) => warn(
            notes,
            &["a restart empties outgoingdir, and inbox is no", lost],
        ),
        (false, false) => {}
    }
    if config.spool.sync == config::Sync::Never && !is_lost {
        let text = "sync is no: what is answered with 200 does not outlive a power cut";
        warn(notes, &[text]);
    }
}

fn spool_notes(spool: &config::Spool, keeping: Option<Keeping>, notes: &mut Vec<Note>) {
    const OUTGOING: &str = "outgoingdir";
    let folders = [(OUTGOING, &spool.outgoing), ("stagingdir", &spool.staging)];
    let mut places = Vec::new();
    for (key, folder) in folders {
        let status = fs::metadata(folder).ok();
        match obstacle(folder) {
            Some(what @ Obstacle::File) => fault(notes, &[key, what.words()]),
            _ if key == OUTGOING && status.is_none() => {
                let until = " does not exist, and until asterisk has made it ";
                let what = match keeping.is_some_and(|keeping| keeping.inbox) {
                    true => "SMS wait in the inbox",
                    false => "webhooks get 503",
                };
                let remedy = ": see whether asterisk is installed and its filesystem mounted";
                warn(notes, &[key, until, what, remedy]);
                continue;
            }
            // Another user may run websmsd.
            Some(what) => warn(notes, &[key, what.words(), ", so no SMS is delivered"]),
            None => {}
        }
        match status {
            Some(status) => {
                places.push((status.dev(), status.ino()));
                if status.is_dir() && status.mode() & OTHERS_WRITE != 0 {
                    warn(notes, &others_write(key));
                }
            }
            // The folder will be made there.
            None => {
                let status = nearest(folder).and_then(|place| fs::metadata(place).ok());
                places.extend(status.map(|status| (status.dev(), 0)));
            }
        }
    }
    if let [outgoing, staging] = places[..] {
        if outgoing == staging {
            let text = "outgoingdir and stagingdir are one folder, where Asterisk would read half a \
                        call file: set stagingdir to another";
            fault(notes, &[text]);
        } else if outgoing.0 != staging.0 {
            let text = "outgoingdir and stagingdir are on two filesystems: \
                        a call file cannot be moved from one to the other";
            fault(notes, &[text]);
        }
    }
    if let Some((user, group)) = &spool.owner
        && user::owner_named(user, group.as_deref()).is_none()
    {
        let text = "fileowner is not in /etc/passwd and /etc/group: name another or a number";
        fault(notes, &[text]);
    }
}

/// Returns what keeps this user from making files in a folder, or from making the folder.
fn obstacle(folder: &Path) -> Option<Obstacle> {
    match nearest(folder) {
        Some(place) if !place.is_dir() => Some(Obstacle::File),
        Some(place) if files::is_writable(place) => None,
        _ => Some(Obstacle::Permission),
    }
}

/// The reason why a folder cannot be used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    File,
    Permission,
}

impl Obstacle {
    fn words(self) -> &'static str {
        match self {
            Obstacle::File => ": a file stands where a folder should",
            Obstacle::Permission => ": this user may not write there",
        }
    }
}

/// Returns why no request can be made for an interface, whatever the message, and whether that is a fault: what
/// the system lacks stops no SMS that comes in.
fn interface_fault(outgoing: &Outgoing) -> Option<(bool, String)> {
    let call = match provider::encode(&sample()?, &outgoing.account, 0) {
        Ok(call) => call,
        Err(fault) => return Some((true, fault.to_string())),
    };
    let failure = client::check(&call.url, &connection(&outgoing.client)).err()?;
    let is_fault = matches!(failure, Failure::Setup(_));
    Some((is_fault, failure.phrase().to_owned()))
}

/// Returns a made-up message, with a sender and a destination that belong to nobody.
pub fn sample() -> Option<Message> {
    Some(Message {
        to: Number::parse_outbound(b"+15550123456").ok()?,
        from: Sender::parse_outbound(b"+15550123457").ok()?,
        text: Text::parse_outbound(b"self-test").ok()?,
    })
}

// ---- Files ----------------------------------------------------------------------------------

const OTHERS_READ: u32 = 0o004;
const OTHERS_WRITE: u32 = 0o002;
const GROUP_WRITES: u32 = 0o020;
const STICKY: u32 = 0o1000;

fn others_may(path: &Path, bits: u32) -> bool {
    fs::metadata(path).is_ok_and(|status| status.mode() & bits != 0)
}

fn others_write(key: &str) -> [&str; 3] {
    ["others may write to ", key, ": chmod o-w"]
}

// ---- Remarks --------------------------------------------------------------------------------

/// Returns `:line` of a remark; empty if it has no line.
pub fn line(note: &Note) -> String {
    match note.line {
        0 => String::new(),
        line => format!(":{line}"),
    }
}

fn fault(notes: &mut Vec<Note>, text: &[&str]) {
    note(notes, Severity::Fault, text);
}

fn warn(notes: &mut Vec<Note>, text: &[&str]) {
    note(notes, Severity::Warning, text);
}

/// Adds a remark on a file as a whole, or on what is around it, which has no line.
fn note(notes: &mut Vec<Note>, severity: Severity, text: &[&str]) {
    notes.push(Note {
        line: 0,
        severity,
        text: text.concat(),
    });
}
