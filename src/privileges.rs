//! As whom the program works in the folders of a configuration (spec §5).
//!
//! Root never works in a folder that belongs to somebody else: whoever owns it could lead root to other
//! places meanwhile. So root becomes the owner first, for good. `[queue] dir` says who that is; where it is
//! not there, `outgoingdir` does, then `stagingdir`; where none of them is there, the nearest folders above.
//!
//! Invariant: after an error nothing has been touched in a folder of somebody else's.

use std::fmt;
use std::io;
use std::path::Path;

use crate::config::{Config, Trust};
use crate::limits::{CONFIG_BYTES_MAX, PEM_BYTES_MAX};
use crate::sys::cause::Cause;
use crate::sys::directory::{self, Made};
use crate::sys::files::{self, Links};
use crate::sys::user::{self, Owner};

/// Why the program cannot work in the folders.
#[derive(Debug)]
pub enum NotEntered {
    /// The configuration or what it names is wrong.
    Fault(String),
    /// The system refused a step.
    System(String),
}

impl NotEntered {
    /// What a program ends with (spec §2, §5).
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

/// Becomes the owner of the folders, where this is root and they are somebody else's, and says who that
/// is; `file` is where the configuration came from. For a process that has one thread, and that has done
/// all that needs root.
pub fn enter(config: &Config, file: &Path) -> Result<Option<String>, NotEntered> {
    let Some(owner) = owner(config)? else {
        return Ok(None);
    };
    let identity = match user::identity(owner) {
        Ok(identity) => identity,
        Err(why) => {
            let text = format!("/etc/passwd or /etc/group cannot be read: {why}");
            return Err(NotEntered::System(text));
        }
    };
    let name = identity.name.as_str();
    let failed = |error: io::Error| {
        let words = Cause(&error);
        let remedy = "run it as that user";
        NotEntered::System(format!(
            "cannot become user {name}, who owns the folders: {words}; {remedy}"
        ))
    };
    identity.take_groups().map_err(failed)?;
    let made = make_missing(config, owner);
    if let Err(error) = identity.take_user() {
        made.iter().for_each(Made::undo);
        return Err(failed(error));
    }
    read_again(config, file, name)?;
    Ok(Some(identity.name))
}

/// The user that root must become before it works in the folders; `None` where it need not.
pub fn owner(config: &Config) -> Result<Option<Owner>, NotEntered> {
    if !user::is_root() {
        return Ok(None);
    }
    let folders = [
        ("[queue] dir", config.queue.dir.as_deref()),
        ("outgoingdir", Some(config.spool.outgoing.as_path())),
        ("stagingdir", Some(config.spool.staging.as_path())),
    ];
    let mut first: Option<(&str, Owner)> = None;
    let mut above = None;
    for (key, folder) in folders {
        let Some(folder) = folder else { continue };
        let (owner, nearest) = directory::owner(folder).map_err(|error| {
            let (folder, words) = (folder.display(), Cause(&error));
            NotEntered::System(format!("{key} {folder} cannot be looked at: {words}"))
        })?;
        if nearest.uid != 0 {
            above.get_or_insert(nearest);
        }
        match (owner, first) {
            (Some(owner), None) => first = Some((key, owner)),
            (Some(owner), Some((other, chosen))) if owner.uid != chosen.uid => {
                let (one, two) = (chosen.uid, owner.uid);
                return Err(NotEntered::Fault(format!(
                    "{other} belongs to user {one} and {key} to user {two}, so root cannot work in both: \
                     chown them to one user"
                )));
            }
            _ => {}
        }
    }
    let owner = first.map_or(above, |(_, owner)| Some(owner));
    let Some(owner) = owner.filter(|owner| owner.uid != 0) else {
        return Ok(None);
    };
    if let Some((user, group)) = &config.spool.owner
        && user::owner_named(user, group.as_deref()).is_some_and(|named| named.uid != owner.uid)
    {
        let uid = owner.uid;
        return Err(NotEntered::Fault(format!(
            "fileowner is another user than {uid}, who owns the folders and whom root becomes: leave it out"
        )));
    }
    Ok(Some(owner))
}

/// Makes what the owner could not make in a folder of root's. What root cannot make either is complained
/// about where it is used.
fn make_missing(config: &Config, owner: Owner) -> Vec<Made> {
    let folders = [
        config.queue.dir.as_deref(),
        Some(config.spool.staging.as_path()),
    ];
    let made = folders.into_iter().flatten().map(|folder| {
        let is_missing = directory::owner(folder).is_ok_and(|(owner, _)| owner.is_none());
        match is_missing {
            true => directory::make_for(folder, owner).ok().flatten(),
            false => None,
        }
    });
    made.flatten().collect()
}

/// Opens once more what a reload will need: what only root can read would fail then, perhaps weeks later.
fn read_again(config: &Config, file: &Path, name: &str) -> Result<(), NotEntered> {
    let pem_bytes_max = usize::try_from(PEM_BYTES_MAX).unwrap_or(usize::MAX);
    let ca_files = config
        .outgoing
        .iter()
        .filter_map(|outgoing| match &outgoing.client.trust {
            Trust::Roots { ca_file } => ca_file.as_deref(),
            Trust::Anybody => None,
        });
    let ca_files = ca_files.map(|path| ("ca_file ", path, pem_bytes_max));
    for (key, path, bytes_max) in [("", file, CONFIG_BYTES_MAX)].into_iter().chain(ca_files) {
        if let Err(why) = files::read(path, bytes_max, Links::Follow) {
            let path = path.display();
            return Err(NotEntered::Fault(format!(
                "{key}{path} cannot be read by user {name}, whom root becomes: {why}; let its group read it \
                 (chgrp, chmod g+r)"
            )));
        }
    }
    Ok(())
}
