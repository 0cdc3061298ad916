//! Tests Asterisk's spool: the folders, a call file that is written and moved, and whether Asterisk may
//! take it and does.
//!
//! Invariant: the one file that reaches Asterisk calls, once, an extension of a context that does not
//! exist. It is removed if Asterisk does not take it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::thread;

use super::{Finding, Report, cut};
use crate::config::Config;
use crate::inbound::{PBX_SPOOL_REMEDY, spool_settings};
use crate::limits::{SELFTEST_SPOOL_PAUSE, SELFTEST_SPOOL_WAIT};
use crate::state::Keeping;
use crate::sys::clock::Deadline;
use crate::sys::directory::Directory;
use crate::sys::files;
use crate::sys::processes::{self, User};
use crate::sys::spool::{File, Spool};

/// The contents of the call file for Asterisk: its channel cannot be made, so the call fails and the file
/// is removed.
const CALL_FILE: &str = "Channel: Local/websms-selftest@websms-selftest\n\
    Context: websms-selftest\n\
    Extension: websms-selftest\n\
    Priority: 1\n\
    MaxRetries: 0\n\
    RetryTime: 1\n\
    WaitTime: 1\n\
    Archive: no\n";

/// A spool of this run's own, within the configuration's `stagingdir` or, if that is impossible, among the
/// other temporary files. It is removed with the value.
pub(super) struct Private {
    place: Directory,
    name: String,
    pub(super) outgoing: PathBuf,
    staging: PathBuf,
}

impl Private {
    pub(super) fn make(config: &Config) -> Option<Private> {
        let name = format!("websms-selftest.{}", files::unique().ok()?);
        for place in [&config.spool.staging, &std::env::temp_dir()] {
            let folder = place.join(&name);
            if let Ok(place) = Directory::open(place)
                && let Ok(own) = place.make_in(&name)
                && own.make_in("outgoing").is_ok()
            {
                return Some(Private {
                    place,
                    name,
                    outgoing: folder.join("outgoing"),
                    staging: folder.join("staging"),
                });
            }
        }
        None
    }

    /// Opens this spool, whose files are made as the configuration says.
    pub(super) fn open(&self, config: &Config) -> Option<Spool> {
        let mut settings = spool_settings(&config.spool);
        settings.outgoing = &self.outgoing;
        settings.staging = &self.staging;
        Spool::open(&settings).ok()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = self.place.remove_all(&self.name);
    }
}

/// Runs all steps. Returns whether call files can be delivered at all.
pub(super) fn check(config: &Config, report: &mut Report) {
    let keeping = Keeping::of(config);
    // The remarks on the configuration report all other cases.
    if !keeping.inbox && keeping.outlives_restart() {
        report.name = "restart";
        report.ok(format_args!(
            "what is answered with 200 is in outgoingdir, which outlives it"
        ));
    }
    report.name = "spool";
    let outgoing = config.spool.outgoing.display();
    if !config.spool.outgoing.exists() {
        return report.add(
            Finding::Fail,
            format_args!("{outgoing} does not exist"),
            "outgoingdir is made by asterisk, in the folder that asterisk.conf calls astspooldir: see \
             that it is that one",
        );
    }
    let spool = match Spool::open(&spool_settings(&config.spool)) {
        Ok(spool) => spool,
        Err(fault) => {
            let text = fault.to_string();
            let parts = cut(&text, "; ").or_else(|| cut(&text, ": "));
            let (fact, remedy) = parts.unwrap_or((&text, ""));
            return report.add(Finding::Fail, format_args!("{fact}"), remedy);
        }
    };
    let staging = config.spool.staging.display();
    report.ok(format_args!(
        "call files can be written in {staging} and moved to {outgoing}"
    ));
    let user = processes::user_of(processes::ASTERISK);
    let runs = user.is_some();
    let may = may_take(config, user, report);
    takes(&spool, config, runs, may, report);
}

/// Whether Asterisk's user can read and delete a call file as it is written now.
fn may_take(config: &Config, user: Option<User>, report: &mut Report) -> bool {
    report.name = "permissions";
    let outgoing = &config.spool.outgoing;
    let Ok(folder) = fs::metadata(outgoing) else {
        return false;
    };
    let whence = match user {
        Some(_) => "which asterisk runs as",
        None => "who owns outgoingdir",
    };
    let user = user.unwrap_or_else(|| User {
        uid: folder.uid(),
        gids: vec![folder.gid()],
    });
    let who = format!("user {}, {whence},", user.uid);
    let removes = user.may(&folder, 0o7)
        && outgoing
            .ancestors()
            .skip(1)
            .all(|above| fs::metadata(above).is_ok_and(|folder| user.may(&folder, 0o1)));
    if !removes {
        let (uid, outgoing) = (user.uid, outgoing.display());
        report.add(
            Finding::Fail,
            format_args!("{who} cannot list and delete in {outgoing}"),
            &format!("chown {uid} {outgoing}; chmod u+rwx on it"),
        );
        return false;
    }
    let Some(file) = written(config) else {
        let fact = format_args!("no call file could be written to look at");
        report.add(Finding::Skip, fact, "");
        return true;
    };
    let reads = user.may(&file, 0o4);
    if reads {
        report.ok(format_args!("{who} can read call files and delete them"));
    } else {
        let (mode, uid) = (file.mode() & 0o777, file.uid());
        report.add(
            Finding::Fail,
            format_args!(
                "{who} cannot read call files: mode {mode:o}, owner {uid}; it would delete them unread"
            ),
            "run websmsd as that user, or as root with fileowner, or give filemode 0640 and a common \
             group",
        );
    }
    reads
}

/// Writes a call file as for a delivery, into a spool of our own.
fn written(config: &Config) -> Option<Metadata> {
    let private = Private::make(config)?;
    let spool = private.open(config)?;
    let name = name()?;
    spool.deliver(&[file(&name)]).ok()?;
    fs::metadata(private.outgoing.join(name)).ok()
}

/// Returns a name that our own sweep recognises in case this process is killed.
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

/// Tests whether Asterisk takes a call file. A file that it may not read would show nothing.
fn takes(spool: &Spool, config: &Config, runs: bool, may: bool, report: &mut Report) {
    report.name = "asterisk";
    if !may {
        let fact = format_args!("not tried, since it has no permission");
        return report.add(Finding::Skip, fact, "");
    }
    let Some(name) = name() else {
        return;
    };
    if let Err(fault) = spool.deliver(&[file(&name)]) {
        return report.add(Finding::Fail, format_args!("{fault}"), "");
    }
    let path = config.spool.outgoing.join(&name);
    let deadline = Deadline::after(SELFTEST_SPOOL_WAIT);
    while path.exists() && deadline.left().is_some() {
        thread::sleep(SELFTEST_SPOOL_PAUSE);
    }
    let outgoing = config.spool.outgoing.display();
    if fs::remove_file(&path).is_err() {
        return report.ok(format_args!("it takes call files from {outgoing}"));
    }
    let waited_s = SELFTEST_SPOOL_WAIT.as_secs();
    match runs {
        false => report.add(
            Finding::Fail,
            format_args!(
                "it is stopped: no such process is seen, and a call file stayed for {waited_s} s"
            ),
            "start it: systemctl start asterisk, or /etc/init.d/asterisk start",
        ),
        true => report.add(
            Finding::Fail,
            format_args!(
                "it runs, but does not read {outgoing}: a call file stayed for {waited_s} s"
            ),
            PBX_SPOOL_REMEDY,
        ),
    }
}
