//! Reads files that the operator names within bounds, asks the system about paths, and makes random ids.
//!
//! Files in the program's own folders are opened by [`super::directory`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    Access, FileType, Mode, OFlags, StatFs, access, fstat, fstatfs, getxattr, major, minor, open,
    statfs, statvfs,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::umask;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::limits::MOUNTS_BYTES_MAX;
use crate::sys::cause::Cause;

/// Whether a symbolic link at the end of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Links are refused, for our own files, which are never links.
    Refuse,
    /// Links are followed, for files that the operator names.
    Follow,
}

/// The reason why a file was not read.
#[derive(Debug)]
pub enum Unreadable {
    /// The system refused an operation.
    Io(io::Error),
    /// It is a folder, a pipe or a device; or a link where links are refused.
    NotRegular,
    /// It is longer than allowed; nothing of it is used.
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
}

impl From<Unreadable> for io::Error {
    fn from(why: Unreadable) -> io::Error {
        match why {
            Unreadable::Io(error) => error,
            Unreadable::NotRegular => io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR),
            Unreadable::TooLong { .. } => io::ErrorKind::FileTooLarge.into(),
        }
    }
}

const NOT_REGULAR: &str = "not a regular file";

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::Io(error) => write!(f, "{}", Cause(error)),
            Unreadable::NotRegular => f.write_str(NOT_REGULAR),
            Unreadable::TooLong { bytes_max } => write!(f, "longer than {bytes_max} bytes"),
        }
    }
}

/// Removes the owner's bits from the umask, so that this process can always open what it makes: without
/// them it could not even open a folder to set its mode. Call it at the start, before there are threads.
pub fn open_umask() {
    let usual = umask(Mode::RWXG | Mode::RWXO);
    umask(usual & (Mode::RWXG | Mode::RWXO));
}

/// Reads a regular file of at most `bytes_max` bytes; never waits for a pipe.
pub fn read(path: &Path, bytes_max: usize, links: Links) -> Result<Vec<u8>, Unreadable> {
    read_open(open_any(path, links)?, bytes_max)
}

/// Opens a file to read it, whatever it is; never waits for a pipe.
pub fn open_any(path: &Path, links: Links) -> Result<File, Unreadable> {
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    match open(path, flags, Mode::empty()) {
        Ok(file) => Ok(File::from(file)),
        Err(Errno::LOOP) if links == Links::Refuse => Err(Unreadable::NotRegular),
        Err(error) => Err(Unreadable::Io(error.into())),
    }
}

/// Reads an open file, which must be a regular one of at most `bytes_max` bytes.
pub fn read_open(file: File, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
    let found = fstat(&file).map_err(|error| Unreadable::Io(error.into()))?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(Unreadable::NotRegular);
    }
    // The size is only a hint: the file may grow, and files of /proc have size 0.
    let bytes_said = usize::try_from(found.st_size).unwrap_or(usize::MAX);
    if bytes_said > bytes_max {
        return Err(Unreadable::TooLong { bytes_max });
    }
    let bytes = read_rest(&file, bytes_said, bytes_max).map_err(Unreadable::Io)?;
    match bytes.len() > bytes_max {
        true => Err(Unreadable::TooLong { bytes_max }),
        false => Ok(bytes),
    }
}

/// Reads a file from where it stands to its end, or until there are more than `bytes_max` bytes. Room for the
/// size that the file is said to have is made at once, because pieces of a buffer that grows stay in the heap.
/// The standard library's function does the same in five times as much code.
pub fn read_rest(file: &File, bytes_said: usize, bytes_max: usize) -> io::Result<Vec<u8>> {
    const GROWTH: usize = 1024;
    let room = match bytes_said {
        0 => GROWTH,
        said => said.min(bytes_max).saturating_add(1),
    };
    let mut bytes = Vec::with_capacity(room);
    while bytes.len() <= bytes_max {
        if bytes.len() == bytes.capacity() {
            bytes.reserve(GROWTH);
        }
        if retry_on_intr(|| rustix::io::read(file, spare_capacity(&mut bytes)))? == 0 {
            break;
        }
    }
    Ok(bytes)
}

/// Whether a path is on a filesystem in memory (`statfs(2)`: tmpfs, ramfs). `false` if it cannot be told.
pub fn is_in_memory(path: &Path) -> bool {
    const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    statfs(path).is_ok_and(|status| IN_MEMORY.contains(&kind(&status)))
}

/// Whether a restart empties the filesystem that a path is on: one in memory, or an overlay whose upper
/// layer is in memory or, as in a container, out of this process's sight. A router's root is an overlay of
/// its flash, which stays. `false` if it cannot be told.
pub fn is_volatile(path: &Path) -> bool {
    const OVERLAY: u32 = 0x794c_7630;
    let is_overlay = statfs(path).is_ok_and(|status| kind(&status) == OVERLAY);
    if !is_overlay {
        return is_in_memory(path);
    }
    upper_layer(path).is_none_or(|upper| !upper.exists() || is_volatile(&upper))
}

/// Returns the folder in which an overlay keeps its changes (`proc_pid_mountinfo(5)`).
fn upper_layer(path: &Path) -> Option<PathBuf> {
    let mounts = Path::new("/proc/self/mountinfo");
    let mounts = read(mounts, MOUNTS_BYTES_MAX, Links::Refuse).ok()?;
    let device = std::fs::metadata(path).ok()?.dev();
    let device = format!("{}:{}", major(device), minor(device));
    let mut lines = str::from_utf8(&mounts).ok()?.lines();
    let line = lines.find(|line| line.split(' ').nth(2) == Some(&device))?;
    let mut options = line.rsplit(' ').next()?.split(',');
    options.find_map(|option| Some(option.strip_prefix("upperdir=")?.into()))
}

/// Returns a path, or the nearest of its parents that exists.
pub fn nearest(path: &Path) -> Option<&Path> {
    let here = |place: &'_ Path| place.as_os_str().is_empty();
    path.ancestors()
        .find(|place| here(place) || place.exists())
        .map(|place| if here(place) { Path::new(".") } else { place })
}

/// Returns a path from the root; one that begins there already is returned unchanged, unlike by the standard
/// library's function, which takes it apart. An empty path is an error.
pub fn absolute(path: &Path) -> io::Result<PathBuf> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    match path.as_os_str().is_empty() {
        true => Err(io::ErrorKind::InvalidInput.into()),
        false => Ok(std::env::current_dir()?.join(path)),
    }
}

/// Returns the bytes that a user may still write on a folder's filesystem, and the files that it may still
/// make, where the filesystem has such a number.
pub fn free(folder: &Path) -> Option<(u64, Option<u64>)> {
    let found = statvfs(folder).ok()?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    Some((bytes, (found.f_files > 0).then_some(found.f_favail)))
}

/// Whether a file is on a filesystem that keeps modes (`statfs(2)`). Those that do not show one mode for
/// all files: vfat, exfat, ntfs (two drivers), FUSE, cifs, smb2, smbfs, VirtualBox's shared folders and
/// 9p, which may show those of a Windows disk.
pub fn keeps_modes(file: &File) -> bool {
    const MODELESS: [u32; 10] = [
        0x4d44,
        0x2011_bab0,
        0x5346_544e,
        0x7366_746e,
        0x6573_5546,
        0xff53_4d42,
        0xfe53_4d42,
        0x517b,
        0x786f_4256,
        0x0102_1997,
    ];
    !fstatfs(file).is_ok_and(|status| MODELESS.contains(&kind(&status)))
}

/// Returns the filesystem's number. Its type and sign differ between targets; its 32 bits do not.
fn kind(status: &StatFs) -> u32 {
    u32::try_from(i128::from(status.f_type) & 0xffff_ffff).unwrap_or(0)
}

/// Whether a file has an access control list beside its mode (acl(5)).
pub fn has_acl(path: &Path) -> bool {
    // No list is as short as this.
    let mut byte = [0_u8; 1];
    let read = getxattr(path, "system.posix_acl_access", &mut byte);
    matches!(read, Err(Errno::RANGE))
}

/// Whether this process may execute a file (`access(2)`).
pub fn is_executable(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok()
}

/// Whether the disk, or this user's part of it, is full.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOSPC | Errno::DQUOT)
    )
}

/// Whether this process may make something in a folder (`access(2)`).
pub fn is_writable(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Returns 64 random bits of the operating system as 16 hexadecimal digits: an id for a file and the log.
pub fn unique() -> io::Result<String> {
    unique_number().map(|number| format!("{number:016x}"))
}

/// Returns 64 random bits of the operating system as a number.
pub fn unique_number() -> io::Result<u64> {
    // Each call of the system brings several, since an SMS would wait for the call.
    static DRAWN: Mutex<Vec<[u8; 8]>> = Mutex::new(Vec::new());
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    if drawn.is_empty() {
        let mut numbers = vec![[0_u8; 8]; 32];
        let bytes = numbers.as_flattened_mut();
        // A router that just started may not have gathered its entropy yet. Waiting for it would hold
        // up SMS; what /dev/urandom gives meanwhile is random enough for a name.
        if getrandom(&mut *bytes, GetRandomFlags::NONBLOCK) != Ok(bytes.len()) {
            File::open("/dev/urandom")?.read_exact(bytes)?;
        }
        *drawn = numbers;
    }
    let number = drawn.pop().map(u64::from_ne_bytes);
    number.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::unwrap_in_result)]
    use super::*;

    #[test]
    fn ids_are_16_hex_digits_and_differ() {
        let mut ids: Vec<String> = (0..1000).map(|_| unique().unwrap()).collect();
        assert!(ids.iter().all(|id| {
            id.len() == 16
                && id
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1000);
    }
}
