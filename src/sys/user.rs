//! Looks up the system's users by name or number, and becomes another user.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::fchown;
use rustix::io::Errno;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::limits::ACCOUNTS_BYTES_MAX;
use crate::sys::files::{self, Links, Unreadable};

/// The owner of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user id.
    pub uid: u32,
    /// The group id; `None` leaves the group that the system gives.
    pub gid: Option<u32>,
}

/// Gives an open file or directory to an owner.
pub(super) fn give(file: BorrowedFd<'_>, owner: Owner) -> Result<(), Errno> {
    let uid = Uid::from_raw(owner.uid);
    fchown(file, Some(uid), owner.gid.map(Gid::from_raw))
}

/// The ids with which a process runs as a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name for a person, or else the number.
    pub name: String,
    uid: u32,
    gid: u32,
    /// `gid` and those of `/etc/group`.
    pub groups: Vec<u32>,
}

/// As whom this process works.
pub fn own_uid() -> u32 {
    geteuid().as_raw()
}

/// Whether this process may do everything that root may.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Returns the identity of an owner: group and groups of `/etc/passwd` and `/etc/group`, or if these do not
/// have the user, `owner`'s group alone. A missing file is no error.
pub fn identity(owner: Owner) -> Result<Identity, Unreadable> {
    let accounts =
        |path: &str| match files::read(Path::new(path), ACCOUNTS_BYTES_MAX, Links::Follow) {
            Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        };
    Ok(identity_among(
        &accounts("/etc/passwd")?,
        &accounts("/etc/group")?,
        owner,
    ))
}

impl Identity {
    /// Takes the user's group and groups. This is the first half, after which root still is root. Only a
    /// process with one thread may call it, because the system changes one thread only; threads that start
    /// later inherit the change.
    pub fn take_groups(&self) -> io::Result<()> {
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups)?;
        let gid = Gid::from_raw(self.gid);
        Ok(set_thread_res_gid(gid, gid, gid)?)
    }

    /// Becomes the user for good. If there were a way back, this returns an error.
    pub fn take_user(&self) -> io::Result<()> {
        let uid = Uid::from_raw(self.uid);
        set_thread_res_uid(uid, uid, uid)?;
        match set_thread_res_uid(None, Uid::ROOT, None) {
            Err(_) if geteuid() == uid => Ok(()),
            _ => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

/// Looks up `fileowner`: names in `/etc/passwd` and `/etc/group`, or numbers. Without a group the user's
/// own is taken. Returns `None` if there is no such user. Directory services are not asked, because a
/// static program cannot.
pub fn owner_named(user: &str, group: Option<&str>) -> Option<Owner> {
    let accounts = |path: &str| {
        files::read(Path::new(path), ACCOUNTS_BYTES_MAX, Links::Follow).unwrap_or_default()
    };
    owner_among(
        &accounts("/etc/passwd"),
        &accounts("/etc/group"),
        user,
        group,
    )
}

/// Does what [`owner_named`] does, with the contents of the two files: `name:password:uid:gid:…` and
/// `name:password:gid:…` (passwd(5), group(5)).
fn owner_among(passwd: &[u8], groups: &[u8], user: &str, group: Option<&str>) -> Option<Owner> {
    let account = record(passwd, user);
    let uid = account
        .and_then(|account| id(field(account, 2)?))
        .or_else(|| id(user.as_bytes()))?;
    let gid = match group {
        Some(group) => Some(
            record(groups, group)
                .and_then(|found| id(field(found, 2)?))
                .or_else(|| id(group.as_bytes()))?,
        ),
        None => account
            .or_else(|| record_of_uid(passwd, uid))
            .and_then(|account| id(field(account, 3)?)),
    };
    Some(Owner { uid, gid })
}

fn identity_among(passwd: &[u8], groups: &[u8], owner: Owner) -> Identity {
    let account = record_of_uid(passwd, owner.uid);
    let name = account.and_then(|account| field(account, 0));
    let gid = account
        .and_then(|account| id(field(account, 3)?))
        .or(owner.gid)
        .unwrap_or(owner.uid);
    let mut identity = Identity {
        name: match name {
            Some(name) => String::from_utf8_lossy(name).into_owned(),
            None => owner.uid.to_string(),
        },
        uid: owner.uid,
        gid,
        groups: vec![gid],
    };
    for group in groups.split(|byte| *byte == b'\n') {
        let mut members = field(group, 3).unwrap_or_default().split(|b| *b == b',');
        if name.is_some_and(|name| members.any(|member| member == name))
            && let Some(gid) = field(group, 2).and_then(id)
            && !identity.groups.contains(&gid)
        {
            identity.groups.push(gid);
        }
    }
    identity
}

fn record<'a>(accounts: &'a [u8], name: &str) -> Option<&'a [u8]> {
    accounts
        .split(|byte| *byte == b'\n')
        .find(|line| !name.is_empty() && field(line, 0) == Some(name.as_bytes()))
}

fn record_of_uid(passwd: &[u8], uid: u32) -> Option<&[u8]> {
    passwd
        .split(|byte| *byte == b'\n')
        .find(|line| field(line, 2).and_then(id) == Some(uid))
}

fn field(line: &[u8], number: usize) -> Option<&[u8]> {
    line.split(|byte| *byte == b':').nth(number)
}

/// Reads an id of digits only; not 2^32 - 1, which chown(2) takes for "leave it".
fn id(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse::<u32>().ok()?;
    (number != u32::MAX).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nasterisk:x:110:120::/x:/bin/false\n\
                            1234:x:5:6::/:/\nbad\nworse:x:no:no::/:/\n:x:9:9::/:/\nlast:x:7:8";
    const GROUPS: &[u8] =
        b"root:x:0:\nsms:x:300:asterisk\n44:x:45:last,asterisk\nasterisk:x:120:asterisk\n\
                            bad:x:no:asterisk\nworse\nnext:x:46:asterisk2, asterisk";

    #[test]
    fn an_owner_is_found_by_name_or_number() {
        fn check(user: &str, group: Option<&str>, expected: Option<(u32, Option<u32>)>) {
            let owner = expected.map(|(uid, gid)| Owner { uid, gid });
            assert_eq!(
                owner_among(PASSWD, GROUPS, user, group),
                owner,
                "{user} {group:?}"
            );
        }
        check("root", None, Some((0, Some(0))));
        check("asterisk", None, Some((110, Some(120))));
        check("asterisk", Some("sms"), Some((110, Some(300))));
        check("asterisk", Some("7"), Some((110, Some(7))));
        check("asterisk", Some("nobody"), None);
        check("asterisk", Some(""), None);
        check("last", None, Some((7, Some(8))));
        check("110", None, Some((110, Some(120))));
        check("999", None, Some((999, None)));
        check("999", Some("sms"), Some((999, Some(300))));
        // A name wins over a number.
        check("1234", None, Some((5, Some(6))));
        check("1", Some("44"), Some((1, Some(45))));
        check("worse", None, None);
        check("bad", None, None);
        check("", None, None);
        check("+5", None, None);
        check("-1", None, None);
        check("4294967294", None, Some((4_294_967_294, None)));
        check("4294967295", None, None);
        check("4294967296", None, None);
        check("asteris", None, None);
    }

    #[test]
    fn an_identity_has_the_groups_of_its_user() {
        fn check(uid: u32, gid: Option<u32>, name: &str, expected: &[u32]) {
            let identity = identity_among(PASSWD, GROUPS, Owner { uid, gid });
            assert_eq!((identity.name.as_str(), identity.uid), (name, uid));
            assert_eq!(identity.groups, expected, "{name}");
            assert!(expected.contains(&identity.gid), "{name}");
        }
        check(110, Some(9), "asterisk", &[120, 300, 45]);
        check(7, None, "last", &[8, 45]);
        check(5, Some(1), "1234", &[6]);
        // Nobody has the number, so the folder's group is all that is known.
        check(999, Some(998), "999", &[998]);
        check(999, None, "999", &[999]);
        let primary = identity_among(
            PASSWD,
            GROUPS,
            Owner {
                uid: 110,
                gid: Some(9),
            },
        )
        .gid;
        assert_eq!(primary, 120);
    }
}
