//! Asterisk's spool: folders, a call file written and moved, whether Asterisk may take it and does.
//!
//! Invariant: the one file that reaches Asterisk calls an extension of a context that nobody has,
//! once; it is removed if Asterisk does not take it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use super::{Finding, Report};
use crate::config::{self, Config};
use crate::limits::{SELFTEST_SPOOL_PAUSE, SELFTEST_SPOOL_WAIT};
use crate::outbound::spool_settings;
use crate::sys::clock::Deadline;
use crate::sys::files;
use crate::sys::processes::{self, User};
use crate::sys::spool::{File, Spool};

/// Asterisk's command name.
const ASTERISK: &str = "asterisk";

/// What Asterisk gets to read: a channel that cannot be made (research: the call fails, the file is
/// gone).
const CALL_FILE: &str = "Channel: Local/websms-selftest@websms-selftest\n\
    Context: websms-selftest\n\
    Extension: websms-selftest\n\
    Priority: 1\n\
    MaxRetries: 0\n\
    RetryTime: 1\n\
    WaitTime: 1\n\
    Archive: no\n";

/// A spool of this run's own, within the configuration's `stagingdir` or, where that cannot be, with
/// the other temporary files. Removed with the value.
pub(super) struct Private {
    folder: PathBuf,
    pub(super) settings: config::Spool,
}

impl Private {
    pub(super) fn make(config: &Config) -> Option<Private> {
        let name = format!("websms-selftest.{}", files::unique().ok()?);
        let owner = files::owner_of(&config.spool.outgoing).ok();
        let places = [config.spool.staging.clone(), std::env::temp_dir()];
        let folder = places.iter().map(|place| place.join(&name));
        let mut usable = folder.filter(|folder| {
            folder.parent().is_some_and(Path::is_dir) && files::make_folder(folder, owner).is_ok()
        });
        let folder = usable.next()?;
        let settings = config::Spool {
            outgoing: folder.join("outgoing"),
            staging: folder.join("staging"),
            ..config.spool.clone()
        };
        Some(Private { folder, settings })
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// All of it. Whether call files can be delivered at all.
pub(super) fn check(config: &Config, report: &mut Report) {
    let outgoing = &config.spool.outgoing;
    if !outgoing.exists() {
        let fact = format!("{} does not exist", outgoing.display());
        let remedy = "outgoingdir is made by asterisk, in the folder that asterisk.conf calls \
                      astspooldir: see that it is that one";
        return report.add("spool", "", Finding::Fail, fact, remedy);
    }
    let spool = match Spool::open(&spool_settings(&config.spool)) {
        Ok(spool) => spool,
        Err(fault) => {
            let text = fault.to_string();
            let (fact, remedy) = match text.split_once("; ").or_else(|| text.split_once(": set ")) {
                Some((fact, remedy)) => (fact.to_owned(), remedy.to_owned()),
                None => (text.clone(), String::new()),
            };
            let remedy = match text.contains(": set ") {
                true => format!("set {remedy}"),
                false => remedy,
            };
            return report.add("spool", "", Finding::Fail, fact, remedy);
        }
    };
    report.ok(
        "spool",
        "",
        format!(
            "call files can be written in {} and moved to {}",
            config.spool.staging.display(),
            outgoing.display()
        ),
    );
    let user = processes::user_of(ASTERISK);
    let may = may_take(config, user.as_ref(), report);
    takes(&spool, config, user.is_some(), may, report);
}

/// Whether Asterisk's user can read a call file as it is written now, and delete it.
fn may_take(config: &Config, user: Option<&User>, report: &mut Report) -> bool {
    const NAME: &str = "permissions";
    let outgoing = &config.spool.outgoing;
    let Ok(folder) = fs::metadata(outgoing) else {
        return false;
    };
    let (user, whence) = match user {
        Some(user) => (user.clone(), "which asterisk runs as"),
        None => (
            User {
                uid: folder.uid(),
                gids: vec![folder.gid()],
            },
            "who owns outgoingdir",
        ),
    };
    let who = format!("user {}, {whence},", user.uid);
    let removes = holds(&user, &folder, 0o7)
        && outgoing
            .ancestors()
            .skip(1)
            .all(|above| fs::metadata(above).is_ok_and(|folder| holds(&user, &folder, 0o1)));
    if !removes {
        let fact = format!("{who} cannot list and delete in {}", outgoing.display());
        let remedy = format!(
            "chown {} {}; chmod u+rwx on it",
            user.uid,
            outgoing.display()
        );
        report.add(NAME, "", Finding::Fail, fact, remedy);
        return false;
    }
    let Some(file) = written(config) else {
        let fact = "no call file could be written to look at";
        report.add(NAME, "", Finding::Skip, fact, "");
        return true;
    };
    if !holds(&user, &file, 0o4) {
        let fact = format!(
            "{who} cannot read call files: mode {:o}, owner {}; it would delete them unread",
            file.mode() & 0o777,
            file.uid()
        );
        let remedy = "run websmsd as that user, or as root with fileowner, or give filemode 0640 and a \
                      common group";
        report.add(NAME, "", Finding::Fail, fact, remedy);
        return false;
    }
    report.ok(
        NAME,
        "",
        format!("{who} can read call files and delete them"),
    );
    true
}

/// A call file as it is delivered, in a spool of our own.
fn written(config: &Config) -> Option<Metadata> {
    let private = Private::make(config)?;
    let spool = Spool::open(&spool_settings(&private.settings)).ok()?;
    let name = name()?;
    spool.deliver(&[file(&name)]).ok()?;
    fs::metadata(private.settings.outgoing.join(name)).ok()
}

/// A name that our own sweep knows, should we be killed.
fn name() -> Option<String> {
    Some(format!("websms-selftest.0.{}.call", files::unique().ok()?))
}

fn file(name: &str) -> File<'_> {
    File {
        name,
        bytes: CALL_FILE.as_bytes(),
        delay_s: 0,
    }
}

/// Whether a user has these bits (rwx) of a file. Root has them all.
fn holds(user: &User, of: &Metadata, bits: u32) -> bool {
    let mode = of.mode();
    let granted = if user.uid == 0 {
        return true;
    } else if user.uid == of.uid() {
        mode >> 6
    } else if user.gids.contains(&of.gid()) {
        mode >> 3
    } else {
        mode
    };
    granted & bits == bits
}

/// Whether Asterisk takes a call file. One that it may not read would tell nothing.
fn takes(spool: &Spool, config: &Config, runs: bool, may: bool, report: &mut Report) {
    const NAME: &str = "asterisk";
    if !may {
        let fact = "not tried, since it has no permission";
        return report.add(NAME, "", Finding::Skip, fact, "");
    }
    let Some(name) = name() else {
        return;
    };
    if let Err(fault) = spool.deliver(&[file(&name)]) {
        return report.add(NAME, "", Finding::Fail, fault.to_string(), "");
    }
    let outgoing = &config.spool.outgoing;
    let path = outgoing.join(&name);
    let deadline = Deadline::after(SELFTEST_SPOOL_WAIT);
    while path.exists() && deadline.left().is_some() {
        thread::sleep(SELFTEST_SPOOL_PAUSE);
    }
    if fs::remove_file(&path).is_err() {
        return report.ok(
            NAME,
            "",
            format!("it takes call files from {}", outgoing.display()),
        );
    }
    let waited_s = SELFTEST_SPOOL_WAIT.as_secs();
    match runs {
        false => report.add(
            NAME,
            "",
            Finding::Fail,
            format!("it is stopped: no such process is seen, and a call file stayed for {waited_s} s"),
            "start it: systemctl start asterisk, or /etc/init.d/asterisk start",
        ),
        true => report.add(
            NAME,
            "",
            Finding::Fail,
            format!(
                "it runs, but does not read {}: a call file stayed for {waited_s} s",
                outgoing.display()
            ),
            "asterisk -rx 'module load pbx_spool.so', and load it in modules.conf; if it is loaded, \
             outgoingdir must be the folder outgoing in astspooldir of asterisk.conf",
        ),
    }
}
