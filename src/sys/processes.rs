//! The system's list of processes → the one of a name, and as whom it runs (`/proc`, proc(5)).

use std::fs;
use std::path::Path;

use crate::limits::{PROCESS_STATUS_BYTES_MAX, PROCESSES_MAX};
use crate::sys::files::{self, Links};

/// As whom a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Effective user id.
    pub uid: u32,
    /// Effective group id and the supplementary ones.
    pub gids: Vec<u32>,
}

/// The user of the first process whose command name is `name`. `None`: there is none, or this user
/// may not see it.
pub fn user_of(name: &str) -> Option<User> {
    let entries = fs::read_dir("/proc").ok()?.take(PROCESSES_MAX).flatten();
    entries.map(|entry| entry.path()).find_map(|place| {
        let status = status(&place)?;
        let mut lines = status.lines();
        let ours = lines.next()?.strip_prefix("Name:")?.trim() == name;
        ours.then(|| user(&status)).flatten()
    })
}

fn status(place: &Path) -> Option<String> {
    let digits = place.file_name()?.to_str()?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let file = place.join("status");
    let bytes = files::read(&file, PROCESS_STATUS_BYTES_MAX, Links::Refuse).ok()?;
    String::from_utf8(bytes).ok()
}

/// `Uid:` and `Gid:` are real, effective, saved, filesystem. One that has ended and was not waited
/// for (`Z`) runs no more.
fn user(status: &str) -> Option<User> {
    let numbers = |field: &str| -> Option<Vec<u32>> {
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        Some(
            line.split_whitespace()
                .filter_map(|n| n.parse().ok())
                .collect(),
        )
    };
    let state = status
        .lines()
        .find_map(|line| line.strip_prefix("State:"))?;
    if state.trim_start().starts_with('Z') {
        return None;
    }
    let uid = *numbers("Uid:")?.get(1)?;
    let mut gids = vec![*numbers("Gid:")?.get(1)?];
    gids.extend(numbers("Groups:").unwrap_or_default());
    Some(User { uid, gids })
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
            assert_eq!(user(status), expected, "{status}");
        }
        let whole = "Name:\ta\nState:\tS (sleeping)\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n";
        check(whole, Some((2, &[6])));
        check(&format!("{whole}Groups:\t9 10 \n"), Some((2, &[6, 9, 10])));
        check(&whole.replace("S (", "Z ("), None);
        check("Name:\ta\nState:\tS\nUid:\t1\n", None);
        check("", None);
    }

    #[test]
    fn nobody_of_an_unknown_name() {
        assert_eq!(user_of("no-such-program"), None);
    }
}
