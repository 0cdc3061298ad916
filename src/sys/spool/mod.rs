//! Puts a file into Asterisk's `outgoing/`, whole or not at all.
//!
//! A file is written in `staging` under an unused name, gets mode and owner on its descriptor, is synced,
//! and is moved. Asterisk takes a file that is moved in at once; one that is linked or created there it
//! holds back, so nothing is ever linked or written in `outgoing`. It runs files that are due together in
//! parallel. The later parts of a text therefore get modification times ahead, for which it waits.
//!
//! Both folders stay open from the first delivery to [`Spool::rest`]. Each delivery checks whether their
//! paths still name the open folders, so it notices a folder that was removed, mounted over, given to
//! another user or made anew meanwhile. A missing `staging` is made, on the filesystem of `outgoing`, and
//! the delivery tried once more. `outgoing` is never made: it is Asterisk's, and nobody would read one that
//! we made. While it is missing nothing is delivered.
//!
//! Invariant: [`Spool::deliver`] says yes only after every file stands in `outgoing` under its name,
//! and, with [`Sync::Before`], a power cut cannot take it back. It never replaces a file.

use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use rustix::fs::{Mode, fchmod, fsync};
use rustix::io::Errno;

use crate::limits::{SPOOL_STAGING_WAIT, SWEEP_AGE};
use crate::sys::directory::Directory;
use crate::sys::files;
use crate::sys::sharing::SharedSync;
use crate::sys::user::{self, Owner};

mod fault;
mod folders;
mod marker;
mod name;
mod places;
mod table;

use fault::failed;
pub use fault::{SpoolFault, Step};
use folders::{At, Folders, Identities, Identity};
pub use marker::{Ground, withdraw};
use name::CallFileName;
use places::{NoPlace, Places, Want};

/// The settings for call files (`[astqueue]`).
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// The folder from which Asterisk takes files.
    pub outgoing: &'a Path,
    /// The folder in which files are written first, on the same filesystem.
    pub staging: &'a Path,
    /// The mode of a call file; only the nine permission bits count.
    pub mode: u32,
    /// `fileowner`: the user, and the group if given. Without it, root's files take the group of
    /// `outgoing`.
    pub owner: Option<(&'a str, Option<&'a str>)>,
    /// Whether [`Spool::deliver`] waits for the disk.
    pub sync: Sync,
    /// The number of files in `outgoing` beyond which nothing is delivered.
    pub files_max: usize,
}

/// Whether a delivery waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// A delivery is reported when a power cut cannot take it back.
    Before,
    /// A delivery is reported when Asterisk can see it.
    Never,
}

/// One file to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// The name of the file without a folder.
    pub name: &'a str,
    /// The contents of the file.
    pub bytes: &'a [u8],
    /// The seconds that its modification time lies ahead of its move, at least, and by less than one more;
    /// Asterisk waits for this time. 0 leaves the time as it is.
    pub delay_s: u64,
}

/// Asterisk's spool, ready for deliveries. All threads share one.
#[derive(Debug)]
pub struct Spool {
    outgoing: PathBuf,
    staging: PathBuf,
    mode: Mode,
    owner: Option<Owner>,
    is_root: bool,
    sync: Sync,
    files_max: usize,
    /// Whether both folders were there and usable when they were last checked.
    is_ready: AtomicBool,
    /// Both folders, open while deliveries follow each other, and when they were opened.
    held: Mutex<Option<(Arc<Folders>, Instant)>>,
    places: Arc<Mutex<Places>>,
    /// Whether the filesystem has no `RENAME_NOREPLACE`.
    moves_by_looking: AtomicBool,
}

impl Spool {
    /// Makes a missing `staging`, sweeps leftovers of ours and proves that files can be written and
    /// moved. A full disk is no fault yet: it may have room again when the first SMS comes.
    pub fn open(settings: &Settings<'_>) -> Result<Spool, SpoolFault> {
        let spool = Spool::new(settings)?;
        spool.ready()?;
        Ok(spool)
    }

    /// Opens the spool for a daemon: a missing `outgoing` is no fault yet either. Counts of the files that
    /// wait in the same folder are taken over from `before`.
    pub fn open_or_wait(
        settings: &Settings<'_>,
        before: Option<&Spool>,
    ) -> Result<Spool, SpoolFault> {
        let mut spool = Spool::new(settings)?;
        match spool.ready() {
            Ok(()) | Err(SpoolFault::Missing { .. }) => {}
            Err(fault) => return Err(fault),
        }
        if let Some(before) = before.filter(|before| before.outgoing == spool.outgoing) {
            spool.places = Arc::clone(&before.places);
            lock(&spool.places).forget();
        }
        Ok(spool)
    }

    fn new(settings: &Settings<'_>) -> Result<Spool, SpoolFault> {
        let owner = match settings.owner {
            None => None,
            Some((user, group)) => {
                Some(
                    user::owner_named(user, group).ok_or_else(|| SpoolFault::NoSuchOwner {
                        owner: [user, group.unwrap_or_default()].join(":"),
                    })?,
                )
            }
        };
        // The process may change its folder later.
        let absolute =
            |path: &Path| files::absolute(path).map_err(|error| failed(Step::Look, path, error));
        Ok(Spool {
            outgoing: absolute(settings.outgoing)?,
            staging: absolute(settings.staging)?,
            mode: Mode::from_raw_mode(settings.mode & 0o777),
            owner,
            is_root: user::is_root(),
            sync: settings.sync,
            files_max: settings.files_max,
            is_ready: AtomicBool::new(false),
            held: Mutex::default(),
            places: Arc::new(Mutex::new(Places::new(
                files::unique_number().unwrap_or(0),
                Instant::now(),
            ))),
            moves_by_looking: AtomicBool::new(false),
        })
    }

    /// Checks whether files can be delivered, and makes a missing `staging`.
    pub fn look(&self) -> Result<(), SpoolFault> {
        if !self.outgoing.is_dir() {
            self.is_ready.store(false, Ordering::Relaxed);
        }
        self.ready()
    }

    /// Closes the folders when no delivery follows, so that their filesystem can be unmounted.
    pub fn rest(&self) {
        *lock(&self.held) = None;
    }

    /// Delivers all of `files`, in order. Every one is whole in `staging`, and on the disk, before
    /// the first is moved. After an error nothing stays in `staging`; those already moved stay
    /// delivered, because Asterisk may have taken them, so whoever sends again delivers them twice:
    /// at least once. A name that is taken is an error and nothing is replaced.
    pub fn deliver(&self, files: &[File<'_>]) -> Result<(), SpoolFault> {
        if !files.iter().all(|file| is_plain(file.name)) {
            let error = io::ErrorKind::InvalidInput.into();
            return Err(failed(Step::Write, &self.staging, error));
        }
        self.ready()?;
        let wanted = self.reserve(files)?;
        let mut left = files;
        let mut result = self.stage_and_move(&mut left);
        if matches!(&result, Err(SpoolFault::Failed { error, .. }) if is_missing(error)) {
            self.is_ready.store(false, Ordering::Relaxed);
            result = self.ready().and_then(|()| self.stage_and_move(&mut left));
        }
        let mut places = lock(&self.places);
        places.settle(&wanted);
        places.remember(&wanted, Instant::now());
        drop(places);
        result
    }

    /// Removes call files that a crash left in `staging` over an hour ago. They are never delivered: their
    /// senders got no 200 and send again. Returns the number of removed files.
    pub fn sweep(&self) -> usize {
        let staging = Directory::open(&self.staging);
        let is_ours = |name: &str| CallFileName::parse(name.as_bytes()).is_some();
        staging.map_or(0, |staging| staging.sweep(self.owner, SWEEP_AGE, &is_ours))
    }

    /// Prepares the folders if they are not ready.
    fn ready(&self) -> Result<(), SpoolFault> {
        if !self.is_ready.load(Ordering::Relaxed) {
            self.rest();
            self.prepare()?;
            self.sweep();
            self.is_ready.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Checks that the folders exist, are on one filesystem and are writable.
    fn prepare(&self) -> Result<(), SpoolFault> {
        let look = |folder: &Directory, path: &Path| {
            let found = folder.metadata();
            found.map_err(|error| failed(Step::Look, path, error))
        };
        let outgoing = match Directory::open(&self.outgoing) {
            Err(error) if is_missing(&error) => {
                return Err(SpoolFault::Missing {
                    folder: self.outgoing.clone(),
                });
            }
            opened => opened.map_err(|error| failed(Step::Look, &self.outgoing, error))?,
        };
        let outgoing_found = look(&outgoing, &self.outgoing)?;
        // Nothing is made beneath a place where a filesystem is not mounted yet.
        let mut above = self.staging.ancestors();
        let place = above.find_map(|folder| folder.metadata().ok());
        if place.is_some_and(|place| place.dev() != outgoing_found.dev()) {
            return Err(self.two_filesystems());
        }
        let staging = Directory::make(&self.staging);
        let staging = staging.map_err(|error| failed(Step::Make, &self.staging, error))?;
        let folders = Folders {
            identities: Identities {
                staging: Identity::of(&look(&staging, &self.staging)?),
                outgoing: Identity::of(&outgoing_found),
            },
            staging,
            outgoing,
            sync: SharedSync::default(),
            makes_mode: OnceLock::new(),
        };
        self.refuse_one_folder(&folders.identities)?;
        if folders.identities.outgoing.device != folders.identities.staging.device {
            return Err(self.two_filesystems());
        }
        let readable = folders.outgoing.readable();
        readable.map_err(|error| failed(Step::Look, &self.outgoing, error))?;
        let writable = folders.outgoing.check_writable();
        writable.map_err(|error| failed(Step::Move, &self.outgoing, error.into()))?;

        let unique = files::unique().map_err(|error| failed(Step::Write, &self.staging, error))?;
        let name = format!("probe.0.{unique}.call");
        // A file that moved would be taken by Asterisk, so one that does not exist is moved: the
        // system finds two mounts or a read-only one before it looks for the file. Two mounts can
        // show the same device.
        match self.move_in(&folders, &name) {
            Err(SpoolFault::Failed { error, .. }) if is_missing(&error) => {}
            Err(fault) => return Err(fault),
            Ok(()) => {}
        }
        let probe = File {
            name: &name,
            bytes: b"",
            delay_s: 0,
        };
        match self.stage(&folders, &probe) {
            Ok(()) => folders.discard(&name),
            Err(SpoolFault::Failed { error, .. }) if files::is_full(&error) => {}
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Returns both folders as their paths name them: `outgoing` now, since a file that is moved into a
    /// folder that Asterisk does not see is lost, and `staging` now and then. Both are opened anew then, so
    /// that what is known of them is not older: which mode a new file has, for one.
    fn folders(&self) -> Result<Arc<Folders>, SpoolFault> {
        let outgoing = At(&self.outgoing, Step::Move);
        let is_outgoing = outgoing.named()?;
        let mut held = lock(&self.held);
        if let Some((folders, opened)) = held.as_ref()
            && folders.identities.outgoing == is_outgoing
            && opened.elapsed() < SPOOL_STAGING_WAIT
        {
            return Ok(Arc::clone(folders));
        }
        let (staging, is_staging) = At(&self.staging, Step::Write).open()?;
        let (outgoing, is_outgoing) = outgoing.open()?;
        let identities = Identities {
            staging: is_staging,
            outgoing: is_outgoing,
        };
        self.refuse_one_folder(&identities)?;
        let folders = Arc::new(Folders {
            staging,
            outgoing,
            identities,
            sync: SharedSync::default(),
            makes_mode: OnceLock::new(),
        });
        *held = Some((Arc::clone(&folders), Instant::now()));
        Ok(folders)
    }

    /// Returns the new owner of call files; `None` if they stay as the system makes them. If root works in
    /// it, `outgoing` is root's, but its group may be Asterisk's.
    fn heir(&self, folders: &Folders) -> Option<Owner> {
        match self.owner {
            None if self.is_root => {
                Some(folders.identities.outgoing.owner).filter(|owner| owner.gid != Some(0))
            }
            owner => owner,
        }
    }

    /// Stages the files in `left`, then moves them, and removes from `left` those that were moved. With
    /// [`Sync::Before`] all that were moved are on the disk at the end, in the folder that they were moved to.
    fn stage_and_move(&self, left: &mut &[File<'_>]) -> Result<(), SpoolFault> {
        let folders = self.folders()?;
        let mut staged = 0_usize;
        let mut result = Ok(());
        for file in *left {
            result = self.stage(&folders, file);
            if result.is_err() {
                break;
            }
            staged = staged.saturating_add(1);
        }
        let (whole, _) = left.split_at_checked(staged).unwrap_or_default();
        let mut moved = 0_usize;
        // It must be known before anything is moved that a time cannot be set.
        result = result.and_then(|()| {
            let delayed = whole.iter().try_for_each(|file| folders.delay(file));
            delayed.map_err(|error| failed(Step::Write, &self.staging, error))
        });
        result = result.and_then(|()| {
            for file in whole {
                // Once more: moving the parts before it may have taken longer than their times are apart. If
                // this fails, it keeps the time that it has, since those before it are with Asterisk.
                let _ = folders.delay(file);
                self.move_in(&folders, file.name)?;
                moved = moved.saturating_add(1);
            }
            Ok(())
        });
        for file in whole.get(moved..).unwrap_or_default() {
            folders.discard(file.name);
        }
        *left = left.get(moved..).unwrap_or_default();
        match self.sync {
            Sync::Before if moved > 0 => result.and(self.sync_outgoing(&folders)),
            Sync::Before | Sync::Never => result,
        }
    }

    /// Writes one file in `staging`; leaves nothing there when it fails.
    fn stage(&self, folders: &Folders, file: &File<'_>) -> Result<(), SpoolFault> {
        let fault = |step| move |error| failed(step, &self.staging, error);
        let created = folders.staging.create_raw(file.name, self.mode);
        let mut written = created.map_err(fault(Step::Write))?;
        let mut fill = || {
            written.write_all(file.bytes).map_err(fault(Step::Write))?;
            if let Some(owner) = self.heir(folders) {
                let given = user::give(written.as_fd(), owner);
                given.map_err(|error| fault(Step::Own)(error.into()))?;
            }
            if !folders.makes_mode(&written, self.mode) {
                fchmod(&written, self.mode).map_err(|error| fault(Step::Own)(error.into()))?;
            }
            if self.sync == Sync::Before {
                fsync(&written).map_err(|error| fault(Step::Sync)(error.into()))?;
            }
            Ok(())
        };
        let filled = fill();
        if filled.is_err() {
            folders.discard(file.name);
        }
        filled
    }

    /// Moves a staged file under the same name; never replaces one.
    fn move_in(&self, folders: &Folders, name: &str) -> Result<(), SpoolFault> {
        let mut moved = Err(Errno::NOSYS);
        if !self.moves_by_looking.load(Ordering::Relaxed) {
            moved = folders.staging.rename_new(name, &folders.outgoing);
        }
        if matches!(moved, Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP)) {
            self.moves_by_looking.store(true, Ordering::Relaxed);
            moved = folders.move_by_looking(name);
        }
        match moved {
            Ok(()) => Ok(()),
            Err(Errno::XDEV) => Err(self.two_filesystems()),
            Err(error) => Err(failed(Step::Move, &self.outgoing, error.into())),
        }
    }

    /// Refuses one folder for both: Asterisk would take files in `staging` before they are whole.
    fn refuse_one_folder(&self, found: &Identities) -> Result<(), SpoolFault> {
        match found.staging.is_folder_of(&found.outgoing) {
            true => Err(SpoolFault::OneFolder {
                folder: self.outgoing.clone(),
            }),
            false => Ok(()),
        }
    }

    fn two_filesystems(&self) -> SpoolFault {
        SpoolFault::TwoFilesystems {
            outgoing: self.outgoing.clone(),
            staging: self.staging.clone(),
        }
    }
}

// ---- How many files there are ---------------------------------------------------------------

impl Spool {
    /// Reserves places for `files`, or says that there are none. A text that needs more places than are
    /// left gets them if one is free: otherwise it would never be delivered.
    fn reserve(&self, files: &[File<'_>]) -> Result<Vec<Want>, SpoolFault> {
        let now = Instant::now();
        let mut places = lock(&self.places);
        let wanted = places.wanted(files);
        if places.needs_look(&wanted, self.files_max, now) {
            match self.count(&mut places, now) {
                Ok(()) => {}
                // The delivery reports a missing folder.
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(failed(Step::Look, &self.outgoing, error)),
            }
        }
        let folder = || self.outgoing.clone();
        match places.judge(&wanted, self.files_max) {
            Ok(()) => {
                places.take(&wanted);
                places.remember(&wanted, now);
                Ok(wanted)
            }
            Err(NoPlace::Full) => Err(SpoolFault::Full {
                folder: folder(),
                files_max: self.files_max,
            }),
            Err(NoPlace::Crowded { file, held, free }) => Err(SpoolFault::Crowded {
                folder: folder(),
                file,
                held,
                free,
            }),
        }
    }

    /// Counts the files in the folder, up to the limit. Asterisk takes all files, whatever their names, so all
    /// count.
    fn count(&self, places: &mut Places, now: Instant) -> io::Result<()> {
        places.begin_look(now);
        let outgoing = Directory::open(&self.outgoing)?;
        outgoing.each(&mut |name, is_folder| {
            if !is_folder {
                places.see(name);
            }
            !places.is_full(self.files_max)
        })?;
        places.end_look(now);
        Ok(())
    }
}

// ---- One fsync of the folder for many -------------------------------------------------------

impl Spool {
    /// Syncs the folder that the files were moved to, even if its path names another folder meanwhile.
    fn sync_outgoing(&self, folders: &Folders) -> Result<(), SpoolFault> {
        let synced = folders.sync.sync(&|| folders.outgoing.sync());
        synced.map_err(|error| failed(Step::Sync, &self.outgoing, error))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// ---- Names ---------------------------------------------------------------------------------

/// A name that stays in its folder.
fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.bytes().any(|byte| matches!(byte, b'/' | 0))
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
