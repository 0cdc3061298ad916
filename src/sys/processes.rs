//! Finds a process by its name, and the user as whom it runs (`/proc`, proc(5)).

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::limits::{PROCESS_STATUS_BYTES_MAX, PROCESSES_MAX};
use crate::sys::directory;
use crate::sys::files::{self, Links};

/// Asterisk's command name.
pub const ASTERISK: &str = "asterisk";

/// The user as whom a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The effective user id.
    pub uid: u32,
    /// The effective group id and the supplementary ones.
    pub gids: Vec<u32>,
}

impl User {
    /// Returns whether the mode of a file gives this user these permissions (rwx). Root has them all.
    pub fn may(&self, of: &Metadata, bits: u32) -> bool {
        let mode = of.mode();
        let granted = if self.uid == 0 {
            return true;
        } else if self.uid == of.uid() {
            mode >> 6
        } else if self.gids.contains(&of.gid()) {
            mode >> 3
        } else {
            mode
        };
        granted & bits == bits
    }
}

/// Returns the user of the first process whose command name is `name`; `None` if there is none, or this
/// user may not see it. A process of another PID namespace does not count: it belongs to a container, which
/// has a spool and a configuration of its own.
pub fn user_of(name: &str) -> Option<User> {
    let own_depth = depth(&status(Path::new("/proc/self"))?);
    let folder = Path::new("/proc");
    let mut found = None;
    let mut left = PROCESSES_MAX;
    let walked = directory::each(&File::open(folder).ok()?, &mut |entry, _| {
        let is_number = entry.iter().all(u8::is_ascii_digit);
        let status = is_number.then(|| status(&folder.join(OsStr::from_bytes(entry))));
        let status = status.flatten().filter(|it| depth(it) == own_depth);
        found = status.and_then(|status| user(&status, name));
        left = left.saturating_sub(1);
        found.is_none() && left > 0
    });
    // A process that was found before an error counts.
    drop(walked);
    found
}

fn status(process: &Path) -> Option<String> {
    let file = process.join("status");
    let bytes = files::read(&file, PROCESS_STATUS_BYTES_MAX, Links::Refuse).ok()?;
    String::from_utf8(bytes).ok()
}

/// Returns how many PID namespaces deep a process is: `NSpid:` has its number in each, from the namespace
/// of this `/proc` down to its own. `/proc` shows that namespace and those within it, so a process as deep
/// as ourselves is in ours. The links `ns/pid` name the namespaces themselves, but those of another user
/// cannot be read, and Asterisk often is another user. Returns zero, which is equal for all, on a system
/// without PID namespaces, and before Linux 4.1, which does not tell.
fn depth(status: &str) -> usize {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.map_or(0, |numbers| numbers.split_ascii_whitespace().count())
}

/// Returns the user of a process if it has that name. `Uid:` and `Gid:` are real, effective, saved,
/// filesystem. A process that has ended and was not waited for (`Z`) does not count.
fn user(status: &str, name: &str) -> Option<User> {
    let mut named = false;
    let mut uid = None;
    let mut gids = Vec::new();
    for line in status.lines() {
        let Some((field, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim_ascii();
        match field {
            "Name" => named = value == name,
            "State" if value.starts_with('Z') => return None,
            "Uid" => uid = numbers(value).get(1).copied(),
            "Gid" => gids.push(*numbers(value).get(1)?),
            "Groups" => gids.extend(numbers(value)),
            _ => {}
        }
    }
    let uid = uid.filter(|_| named && !gids.is_empty())?;
    Some(User { uid, gids })
}

fn numbers(text: &str) -> Vec<u32> {
    let mut numbers = Vec::new();
    for word in text.split_ascii_whitespace() {
        numbers.extend(word.parse::<u32>().ok());
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_names_the_user() {
        fn check(status: &str, expected: Option<(u32, &[u32])>) {
            let expected = expected.map(|(uid, gids)| User {
                uid,
                gids: gids.to_vec(),
            });
            assert_eq!(user(status, "a"), expected, "{status}");
        }
        let whole = "Name:\ta\nState:\tS (sleeping)\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n";
        check(whole, Some((2, &[6])));
        check(&format!("{whole}Groups:\t9 10 \n"), Some((2, &[6, 9, 10])));
        check(&whole.replace("S (", "Z ("), None);
        check(&whole.replace("\ta\n", "\tab\n"), None);
        check("Name:\ta\nState:\tS\nUid:\t1\n", None);
        check("", None);
    }

    #[test]
    fn a_status_names_the_depth() {
        fn check(status: &str, expected: usize) {
            assert_eq!(depth(status), expected, "{status}");
        }
        check("Name:\ta\nNSpid:\t17\nNSsid:\t3\t4\n", 1);
        check("NSpid:\t17\t1\n", 2);
        check("NSpid:\n", 0);
        check("Name:\tNSpid:\t1\n", 0);
        check("", 0);
    }

    #[test]
    fn nobody_of_an_unknown_name() {
        assert_eq!(user_of("no-such-program"), None);
    }
}
