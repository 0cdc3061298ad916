//! Tests a spool in a real folder: names, moves without `RENAME_NOREPLACE`, shared syncs.

use super::*;
use std::fs;

/// Returns a spool in a folder of its own, which the caller removes.
fn spool(name: &str) -> (Spool, PathBuf) {
    let folder = format!("websms-spool-{}-{name}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("outgoing")).unwrap();
    let spool = Spool::open(&Settings {
        outgoing: &folder.join("outgoing"),
        staging: &folder.join("staging"),
        mode: 0o600,
        owner: None,
        sync: Sync::Before,
        files_max: 10,
    });
    (spool.unwrap(), folder)
}

#[test]
fn a_filesystem_without_noreplace_gets_files_and_keeps_them() {
    let (spool, folder) = spool("look");
    spool.moves_by_looking.store(true, Ordering::Relaxed);
    let file = |bytes| File {
        name: "a",
        bytes,
        delay_s: 0,
    };
    let arrived = || fs::read(folder.join("outgoing/a")).unwrap();
    spool.deliver(&[file(b"first")]).unwrap();
    assert_eq!(arrived(), b"first");
    let fault = spool.deliver(&[file(b"second")]).unwrap_err();
    assert!(fault.to_string().contains("the name is taken"), "{fault}");
    assert_eq!(arrived(), b"first");
    assert_eq!(fs::read_dir(folder.join("staging")).unwrap().count(), 0);
    // A link that leads nowhere still takes the name.
    fs::remove_file(folder.join("outgoing/a")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("outgoing/a")).unwrap();
    spool.deliver(&[file(b"third")]).unwrap_err();
    // A folder that was removed is made again here too.
    fs::remove_file(folder.join("outgoing/a")).unwrap();
    fs::remove_dir_all(folder.join("staging")).unwrap();
    spool.deliver(&[file(b"fourth")]).unwrap();
    assert_eq!(arrived(), b"fourth");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_name_stays_in_its_folder() {
    fn check(name: &str, expected: bool) {
        assert_eq!(is_plain(name), expected, "{name}");
    }
    check("a.call", true);
    check("...", true);
    check("", false);
    check(".", false);
    check("..", false);
    check("../a", false);
    check("/a", false);
    check("a/", false);
    check("a\0b", false);
}

#[test]
fn a_mode_that_new_files_lose_later_is_set_again() {
    // acl(5): a list that gives new files to their owner alone, as `setfacl -d -m g::-,o::-` does.
    const OWNER_ALONE: &[u8] = b"\x02\0\0\0\
        \x01\0\x07\0\xff\xff\xff\xff\x04\0\0\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff";
    let (mut spool, folder) = spool("list");
    spool.mode = Mode::from_raw_mode(0o644);
    let mode_of = |name| {
        let bytes = b"text";
        let file = File {
            name,
            bytes,
            delay_s: 0,
        };
        spool.deliver(&[file]).unwrap();
        let found = fs::metadata(folder.join("outgoing").join(name)).unwrap();
        found.mode() & 0o777
    };
    assert_eq!(mode_of("before"), 0o644);
    let (staging, key) = (folder.join("staging"), "system.posix_acl_default");
    let is_set = rustix::fs::setxattr(staging, key, OWNER_ALONE, rustix::fs::XattrFlags::empty());
    // Not every filesystem has such lists.
    if is_set != Err(Errno::NOTSUP) {
        is_set.unwrap();
        std::thread::sleep(SPOOL_STAGING_WAIT);
        assert_eq!(mode_of("after"), 0o644);
    }
    fs::remove_dir_all(folder).unwrap();
}
