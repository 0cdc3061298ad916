//! Puts an error of the system into our own words, or shows its number if there are none.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// The system's error, for a log line or a person: lower case, one line, and always with a name or a number
/// by which it can be looked up.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a>(pub &'a io::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(errno) = Errno::from_io_error(self.0) else {
            // This error comes from the standard library, or is one of ours with its own words.
            return match self.0.get_ref() {
                Some(words) => write!(f, "{words}"),
                None => write!(f, "{}", self.0.kind()),
            };
        };
        f.write_str(match errno {
            Errno::NOENT => "does not exist",
            Errno::ACCESS | Errno::PERM => "no permission",
            Errno::ROFS => "the filesystem is read-only",
            Errno::NOSPC | Errno::DQUOT => "the disk is full",
            Errno::EXIST => "the name is taken",
            Errno::NOTDIR => "a file stands where a folder should",
            Errno::ISDIR => "it is a folder",
            Errno::LOOP => "a symbolic link stands in the way",
            Errno::IO => "the disk fails",
            Errno::MFILE | Errno::NFILE => "too many open files",
            Errno::NAMETOOLONG => "the name is too long",
            _ => return write!(f, "system error {}", errno.raw_os_error()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_name_or_a_number() {
        fn check(error: io::Error, expected: &str) {
            assert_eq!(Cause(&error).to_string(), expected);
        }
        check(Errno::NOENT.into(), "does not exist");
        check(Errno::PERM.into(), "no permission");
        check(Errno::DQUOT.into(), "the disk is full");
        check(Errno::LOOP.into(), "a symbolic link stands in the way");
        check(Errno::XDEV.into(), "system error 18");
        check(Errno::STALE.into(), "system error 116");
        check(io::Error::from_raw_os_error(4095), "system error 4095");
        check(io::ErrorKind::TimedOut.into(), "timed out");
        check(io::ErrorKind::FileTooLarge.into(), "file too large");
        check(io::Error::other("our own words"), "our own words");
        // Every number gives some words.
        for number in 1..134 {
            let said = Cause(&io::Error::from_raw_os_error(number)).to_string();
            assert!(!said.is_empty() && said != "system error", "{number}");
        }
    }
}
