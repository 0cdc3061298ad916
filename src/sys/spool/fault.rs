//! Describes a refusal of the system in one line that names the step, the folder and the remedy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::sys::cause::Cause;

/// The reason why nothing, or not everything, was delivered. It is our fault, never the peer's, and
/// answered with 503. It is shown as one line of lower case with the step, the folder and the remedy.
#[derive(Debug)]
pub enum SpoolFault {
    /// The limit of files in `outgoing` is reached.
    Full {
        /// The path of `outgoing`.
        folder: PathBuf,
        /// The limit.
        files_max: usize,
    },
    /// One destination holds more than its share of `outgoing`.
    Crowded {
        /// The path of `outgoing`.
        folder: PathBuf,
        /// The index of the destination's file among those that were to be delivered.
        file: usize,
        /// The number of files that wait for the destination.
        held: usize,
        /// The number of free places.
        free: usize,
    },
    /// There is no `outgoing`, which this program never makes.
    Missing {
        /// The path of `outgoing`.
        folder: PathBuf,
    },
    /// `outgoing` and `staging` are on two filesystems, so nothing can be moved.
    TwoFilesystems {
        /// The folder from which Asterisk takes files.
        outgoing: PathBuf,
        /// The folder in which files are written first.
        staging: PathBuf,
    },
    /// `outgoing` and `staging` are one folder, so Asterisk would read half-written files.
    OneFolder {
        /// The path of both.
        folder: PathBuf,
    },
    /// `fileowner` names no user.
    NoSuchOwner {
        /// The value of `fileowner`.
        owner: String,
    },
    /// The operating system refused a step.
    Failed {
        /// The step that failed.
        step: Step,
        /// The folder of the step.
        folder: PathBuf,
        /// The system's error.
        error: io::Error,
    },
}

/// The step that the operating system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Making a folder that was missing.
    Make,
    /// Looking into a folder.
    Look,
    /// Writing a file.
    Write,
    /// Setting the `filemode` or `fileowner` of a file.
    Own,
    /// Waiting for the disk.
    Sync,
    /// Moving a file to `outgoing`.
    Move,
}

impl fmt::Display for SpoolFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpoolFault::Full { folder, files_max } => write!(
                f,
                "{} holds {files_max} files, the limit: see whether asterisk runs, or raise max",
                folder.display()
            ),
            SpoolFault::Crowded {
                folder, held, free, ..
            } => write!(
                f,
                "{held} call files for it wait in {}, more than a third of the {free} places still \
                 free: see whether its phone is there and the dialplan has it",
                folder.display()
            ),
            SpoolFault::Missing { folder } => write!(
                f,
                "{} does not exist: asterisk makes it, see whether asterisk is installed and the \
                 filesystem mounted",
                folder.display()
            ),
            SpoolFault::TwoFilesystems { outgoing, staging } => write!(
                f,
                "{} and {} are on two filesystems: set stagingdir to a folder beside outgoingdir",
                staging.display(),
                outgoing.display()
            ),
            SpoolFault::OneFolder { folder } => write!(
                f,
                "outgoingdir and stagingdir are both {}: set stagingdir to another folder",
                folder.display()
            ),
            SpoolFault::NoSuchOwner { owner } => write!(
                f,
                "fileowner {owner} is not in /etc/passwd and /etc/group: name another or a number",
            ),
            SpoolFault::Failed {
                step,
                folder,
                error,
            } => write!(
                f,
                "cannot {} {}: {}; {}",
                step.words(),
                folder.display(),
                Cause(error),
                remedy(*step, error)
            ),
        }
    }
}

impl Step {
    fn words(self) -> &'static str {
        match self {
            Step::Make => "make the folder",
            Step::Look => "look into",
            Step::Write => "write a file in",
            Step::Own => "set filemode and fileowner in",
            Step::Sync => "sync",
            Step::Move => "move a file into",
        }
    }
}

fn remedy(step: Step, error: &io::Error) -> &'static str {
    match (step, Errno::from_io_error(error)) {
        (Step::Own, Some(Errno::PERM | Errno::ACCESS)) => {
            "only root may set fileowner: leave it out, or run as that user"
        }
        (_, Some(Errno::PERM | Errno::ACCESS)) => {
            "let the user that this runs as read, write and enter it"
        }
        (_, Some(Errno::ROFS)) => "mount it for writing",
        (_, Some(Errno::NOSPC | Errno::DQUOT)) => "free some space",
        (_, Some(Errno::NOTDIR)) => "remove that file",
        (_, Some(Errno::EXIST)) => "nothing was replaced, try again",
        (_, Some(Errno::MFILE | Errno::NFILE)) => "raise the limit of open files",
        (_, Some(Errno::IO)) => "check the disk",
        _ => "check outgoingdir and stagingdir",
    }
}

/// Makes the fault for a `step` in `folder` that the system refused.
pub(super) fn failed(step: Step, folder: &Path, error: io::Error) -> SpoolFault {
    SpoolFault::Failed {
        step,
        folder: folder.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_step_folder_and_remedy() {
        fn check(step: Step, error: Errno, expected: &str) {
            let fault = failed(step, Path::new("/spool/out"), error.into());
            assert_eq!(fault.to_string(), expected);
        }
        check(
            Step::Make,
            Errno::NOTDIR,
            "cannot make the folder /spool/out: a file stands where a folder should; \
             remove that file",
        );
        check(
            Step::Write,
            Errno::ACCESS,
            "cannot write a file in /spool/out: no permission; \
             let the user that this runs as read, write and enter it",
        );
        check(
            Step::Own,
            Errno::PERM,
            "cannot set filemode and fileowner in /spool/out: no permission; \
             only root may set fileowner: leave it out, or run as that user",
        );
        check(
            Step::Move,
            Errno::ROFS,
            "cannot move a file into /spool/out: the filesystem is read-only; mount it for writing",
        );
        check(
            Step::Write,
            Errno::NOSPC,
            "cannot write a file in /spool/out: the disk is full; free some space",
        );
        check(
            Step::Sync,
            Errno::NXIO,
            "cannot sync /spool/out: system error 6; check outgoingdir and stagingdir",
        );
    }
}
