//! Decides as which user the program works in the folders of a configuration (spec §5).
//!
//! Root never works in a folder that belongs to another user, because its owner could lead root to other
//! places meanwhile. So root becomes the owner first, for good. The owner is that of `[queue] dir`; if that
//! does not exist, of `outgoingdir`, then of `stagingdir`; and if none of them exists, of the nearest
//! folders above.
//!
//! Invariant: after an error nothing has been touched in another user's folder.

use std::fmt;
use std::io;
use std::path::Path;

use crate::config::{Config, Trust};
use crate::sys::cause::Cause;
use crate::sys::directory::{Made, Place};
use crate::sys::files::{self, Links, Unreadable};
use crate::sys::user::{self, Owner};

/// The reason why the program cannot work in the folders.
#[derive(Debug)]
pub enum NotEntered {
    /// The configuration or a path in it is wrong.
    Fault(String),
    /// The system refused a step.
    System(String),
}

impl NotEntered {
    /// Returns the exit code of the program (spec §2, §5).
    pub fn exit_code(&self) -> u8 {
        match self {
            NotEntered::Fault(_) => 2,
            NotEntered::System(_) => 1,
        }
    }
}

impl fmt::Display for NotEntered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotEntered::Fault(text) | NotEntered::System(text) => f.write_str(text),
        }
    }
}

/// Becomes the owner of the folders if this is root and they belong to another user, and returns the
/// owner's name; `file` is the configuration's path. Only a process with one thread may call it, after
/// everything that needs root.
pub fn enter(config: &Config, file: &Path) -> Result<Option<String>, NotEntered> {
    let Some(owner) = owner(config)? else {
        return Ok(None);
    };
    let identity = match user::identity(owner) {
        Ok(identity) => identity,
        Err(why) => {
            let what = "/etc/passwd or /etc/group cannot be read: ";
            return Err(system(&[what, &why.to_string()]));
        }
    };
    let failed = |error: io::Error| {
        let why = Cause(&error).to_string();
        let whom = "cannot become user ";
        let remedy = "; run it as that user";
        let owns = ", who owns the folders: ";
        Err(system(&[whom, &identity.name, owns, &why, remedy]))
    };
    if let Err(error) = identity.take_groups() {
        return failed(error);
    }
    let made = make_missing(config, owner);
    if let Err(error) = identity.take_user() {
        made.iter().for_each(Made::undo);
        return failed(error);
    }
    read_again(config, file, &identity.name)?;
    Ok(Some(identity.name))
}

/// Returns the user that root must become before it works in the folders; `None` if it need not.
pub fn owner(config: &Config) -> Result<Option<Owner>, NotEntered> {
    if !user::is_root() {
        return Ok(None);
    }
    let mut first: Option<(&str, Owner)> = None;
    let mut above = None;
    for (key, folder) in folders(config) {
        let Some(folder) = folder else { continue };
        let place = match Place::of(folder) {
            Ok(place) => place,
            Err(error) => {
                let (folder, why) = (folder.to_string_lossy(), Cause(&error).to_string());
                let parts = [key, " ", &folder, " cannot be looked at: ", &why];
                return Err(system(&parts));
            }
        };
        if place.nearest.uid != 0 {
            above.get_or_insert(place.nearest);
        }
        let Some(owner) = place.owner else { continue };
        let (other, chosen) = *first.get_or_insert((key, owner));
        if owner.uid != chosen.uid {
            let what =
                " belong to two users, so root cannot work in both: chown them to Asterisk's user";
            return Err(NotEntered::Fault([other, " and ", key, what].concat()));
        }
    }
    let owner = first.map_or(above, |(_, owner)| Some(owner));
    let Some(owner) = owner.filter(|owner| owner.uid != 0) else {
        return Ok(None);
    };
    if let Some((user, group)) = &config.spool.owner
        && user::owner_named(user, group.as_deref()).is_some_and(|named| named.uid != owner.uid)
    {
        let what = "fileowner is another user than the owner of the folders, whom root becomes: leave \
                    it out";
        return Err(NotEntered::Fault(what.to_owned()));
    }
    Ok(Some(owner))
}

/// Returns the folders with their keys; the first that exists decides the owner.
fn folders(config: &Config) -> [(&'static str, Option<&Path>); 3] {
    [
        ("[queue] dir", config.queue.dir.as_deref()),
        (OUTGOING, Some(&config.spool.outgoing)),
        (STAGING, Some(&config.spool.staging)),
    ]
}

/// Asterisk makes this folder.
const OUTGOING: &str = "outgoingdir";
/// The folder on the spool's filesystem, which may not be mounted yet.
const STAGING: &str = "stagingdir";

/// Makes folders that the owner could not make in a folder of root's. If root cannot make one either, its
/// first use reports that.
fn make_missing(config: &Config, owner: Owner) -> Vec<Made> {
    let mut all = Vec::new();
    let outgoing = Place::of(&config.spool.outgoing);
    let has_spool = outgoing.is_ok_and(|place| place.owner.is_some());
    for (key, folder) in folders(config) {
        if key != OUTGOING
            && (has_spool || key != STAGING)
            && let Some(folder) = folder
            && let Ok(place) = Place::of(folder)
            && let Ok(Some(made)) = place.make_for(owner)
        {
            all.push(made);
        }
    }
    all
}

/// Opens the files again that a reload will need. A file that only root can read would fail then, perhaps
/// weeks later.
fn read_again(config: &Config, file: &Path, name: &str) -> Result<(), NotEntered> {
    read_one("", file, name)?;
    for outgoing in &config.outgoing {
        if let Trust::Roots { ca_file } = &outgoing.client.trust
            && let Some(ca_file) = ca_file
        {
            read_one("ca_file ", ca_file, name)?;
        }
    }
    Ok(())
}

fn read_one(key: &str, path: &Path, name: &str) -> Result<(), NotEntered> {
    let Err(why) = files::open_any(path, Links::Follow) else {
        return Ok(());
    };
    let (path, reason) = (path.to_string_lossy(), why.to_string());
    let cannot = " cannot be read by user ";
    let whom = ", whom root becomes: ";
    let remedy = match why {
        Unreadable::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            "; let its group read it (chgrp, chmod g+r)"
        }
        _ => "",
    };
    let parts = [key, &path, cannot, name, whom, &reason, remedy];
    Err(NotEntered::Fault(parts.concat()))
}

fn system(parts: &[&str]) -> NotEntered {
    NotEntered::System(parts.concat())
}
