//! Tests links, pipes, swaps and other people's folders on the way to a directory and in it. Cases that
//! need another user's folder run only if the tests run as root.

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Another user, who is not root.
const STRANGER: u32 = 5151;

/// A folder that belongs to one test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("websms-directory-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn link(&self, name: &str, to: &str) {
        symlink(to, self.join(name)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_root() -> bool {
    geteuid().is_root()
}

/// Checks by a file in it that a path leads to this directory.
fn leads_to(path: &Path, to: &Path) -> bool {
    let opened = Directory::open(path);
    opened.is_ok_and(|opened| {
        drop(opened.create("mark").unwrap());
        let there = to.join("mark").exists();
        opened.remove("mark").unwrap();
        there
    })
}

#[test]
fn own_links_are_followed_wherever_they_stand() {
    let scratch = Scratch::new();
    let deep = scratch.folder("a/b/c");
    scratch.link("relative", "a/b");
    scratch.link("a/up", "../relative/c/.");
    scratch.link("twice", "a/up");
    let absolute = scratch.join("a/b/c");
    symlink(&absolute, scratch.join("absolute")).unwrap();
    for path in [
        "a/b/c",
        "a/./b//c/",
        "a/b/../b/c",
        "relative/c",
        "a/up",
        "twice",
        "twice/../c",
        "absolute",
    ] {
        assert!(leads_to(&scratch.join(path), &deep), "{path}");
    }
    let from_here = Directory::open(&scratch.join("a")).unwrap();
    assert!(from_here.open_in("up").is_ok());
}

#[test]
fn what_leads_nowhere_is_an_error() {
    let scratch = Scratch::new();
    fs::write(scratch.join("file"), "").unwrap();
    scratch.link("dangling", "none");
    scratch.link("to-file", "file");
    scratch.link("loop", "loop");
    for (path, expected) in [
        ("none", Errno::NOENT),
        ("none/below", Errno::NOENT),
        ("dangling", Errno::NOENT),
        ("file", Errno::NOTDIR),
        ("file/below", Errno::NOTDIR),
        ("to-file", Errno::NOTDIR),
        ("loop", Errno::LOOP),
    ] {
        let error = Directory::open(&scratch.join(path)).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(expected), "{path}");
    }
}

#[test]
fn as_many_links_as_linux_follows_and_no_more() {
    let scratch = Scratch::new();
    scratch.folder("0");
    for number in 1..=LINKS_MAX + 1 {
        let before = number.saturating_sub(1).to_string();
        scratch.link(&number.to_string(), &before);
    }
    let open = |number: usize| Directory::open(&scratch.join(&number.to_string()));
    open(LINKS_MAX - 1).unwrap();
    open(LINKS_MAX).unwrap();
    open(LINKS_MAX + 1).unwrap_err();
}

#[test]
fn a_missing_folder_is_made_but_not_what_a_link_names() {
    let scratch = Scratch::new();
    scratch.folder("real");
    scratch.link("link", "real");
    scratch.link("dangling", "none");
    for path in ["a/b/c", "link/d", "a/b/c"] {
        Directory::make(&scratch.join(path)).unwrap();
        let found = fs::metadata(scratch.join(path)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o700, "{path}");
    }
    assert!(scratch.join("real/d").is_dir());
    Directory::make(&scratch.join("dangling")).unwrap_err();
    Directory::make(&scratch.join("dangling/e")).unwrap_err();
    assert!(!scratch.join("none").exists());
}

#[test]
fn a_link_of_a_stranger_is_not_followed() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    scratch.folder("real/below");
    scratch.link("link", "real");
    scratch.link("by-own", "link/below");
    for path in ["link", "link/below", "by-own"] {
        Directory::open(&scratch.join(path)).unwrap();
    }
    lchown(scratch.join("link"), Some(STRANGER), None).unwrap();
    for path in ["link", "link/below", "by-own", "real/../link"] {
        let error = Directory::open(&scratch.join(path)).unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::LOOP), "{path}");
        Place::of(&scratch.join(path)).unwrap_err();
    }
}

#[test]
fn root_works_in_no_folder_of_somebody_else() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let theirs = scratch.folder("theirs");
    lchown(&theirs, Some(STRANGER), None).unwrap();
    for opened in [
        Directory::open(&theirs),
        Directory::make(&theirs),
        Directory::make(&theirs.join("below")),
    ] {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
    assert!(!theirs.join("below").exists());
    // The owner is returned all the same; for a missing folder, that of the nearest folder above.
    let uid = |path: &Path| {
        let place = Place::of(path).unwrap();
        (place.owner.map(|owner| owner.uid), place.nearest.uid)
    };
    assert_eq!(uid(&theirs), (Some(STRANGER), STRANGER));
    assert_eq!(uid(&theirs.join("a/b")), (None, STRANGER));
    assert_eq!(uid(&scratch.join("a/b")), (None, 0));
    assert_eq!(uid(Path::new("no-such-folder")).0, None);
    fs::write(scratch.join("file"), "").unwrap();
    assert_eq!(uid(&scratch.join("file/a")), (None, 0));
}

#[test]
fn root_makes_the_first_missing_folder_for_its_owner_in_its_own_alone() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let owner = Owner {
        uid: STRANGER,
        gid: Some(STRANGER),
    };
    let make_for = |path: &str| {
        let place = Place::of(&scratch.join(path)).unwrap();
        place.make_for(owner).unwrap()
    };
    let made = make_for("a/b").unwrap();
    let found = fs::metadata(scratch.join("a")).unwrap();
    assert_eq!((found.uid(), found.gid()), (STRANGER, STRANGER));
    assert_eq!(found.permissions().mode() & 0o7777, 0o700);
    assert!(!scratch.join("a/b").exists());
    made.undo();
    assert!(!scratch.join("a").exists());
    // Others may write there, or it is theirs, or there is something else.
    let open = scratch.folder("open");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let theirs = scratch.folder("theirs");
    lchown(&theirs, Some(STRANGER), None).unwrap();
    scratch.link("dangling", "none");
    fs::write(scratch.join("file"), "").unwrap();
    for path in ["open/a", "theirs/a", "dangling", "dangling/a", "file/a"] {
        assert!(make_for(path).is_none(), "{path}");
        assert!(!scratch.join(path).exists(), "{path}");
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_strangers_link_leads_nowhere() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let (place, link) = (scratch.folder("place"), scratch.join("link"));
    scratch.folder("place/below");
    let victim = scratch.folder("victim");
    scratch.folder("victim/below");
    scratch.link("link", "victim");
    lchown(&link, Some(STRANGER), None).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                renameat_with(CWD, &place, CWD, &link, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let mut opened = 0;
        for number in 0..3000 {
            if let Ok(below) = Directory::open(&place.join("below")) {
                drop(below.create(&number.to_string()).unwrap());
                opened += 1;
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(opened > 0);
    });
    assert_eq!(fs::read_dir(victim.join("below")).unwrap().count(), 0);
}

#[test]
fn only_regular_files_are_opened_and_nothing_is_waited_for() {
    let scratch = Scratch::new();
    fs::write(scratch.join("file"), "nine bytes").unwrap();
    fs::create_dir(scratch.join("folder")).unwrap();
    scratch.link("link", "file");
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(CWD, scratch.join("pipe"), FileType::Fifo, mode, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scratch.join("socket")).unwrap();
    let directory = Directory::open(&scratch.0).unwrap();
    for access in [
        OFlags::RDONLY,
        OFlags::WRONLY,
        OFlags::WRONLY | OFlags::APPEND,
    ] {
        assert!(directory.regular("file", access).is_ok());
        for name in ["folder", "link", "pipe", "socket"] {
            let why = directory.regular(name, access).unwrap_err();
            assert!(matches!(why, Unreadable::NotRegular), "{name}: {why}");
        }
    }
    assert_eq!(directory.read("file", 10).unwrap(), b"nine bytes");
    let why = directory.read("file", 9).unwrap_err();
    assert!(matches!(why, Unreadable::TooLong { bytes_max: 9 }), "{why}");
    for name in ["file", "folder", "link", "pipe"] {
        let error = directory.create(name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{name}");
        assert!(directory.has(name));
    }
    let mut names: Vec<(Vec<u8>, bool)> = Vec::new();
    let mut see = |name: &[u8], is_folder| {
        names.push((name.to_vec(), is_folder));
        true
    };
    directory.each(&mut see).unwrap();
    names.sort();
    let expected = ["file", "folder", "link", "pipe", "socket"];
    let expected = expected.map(|name| (name.as_bytes().to_vec(), name == "folder"));
    assert_eq!(names, expected);
}

#[test]
fn a_tree_is_removed_and_nothing_that_its_links_name() {
    let scratch = Scratch::new();
    fs::write(scratch.join("outside"), "").unwrap();
    scratch.folder("beside/x");
    scratch.folder("tree/a/b");
    fs::write(scratch.join("tree/a/b/file"), "").unwrap();
    scratch.link("tree/a/link", "../../beside");
    scratch.link("tree/link", "../outside");
    let directory = Directory::open(&scratch.0).unwrap();
    directory.remove_all("tree").unwrap();
    directory.remove_all("outside").unwrap();
    assert!(!scratch.join("tree").exists() && !scratch.join("outside").exists());
    assert!(scratch.join("beside/x").exists());
    // This one is too deep and stays.
    let mut deep = "deep".to_owned();
    for _ in 0..=TREE_DEPTH_MAX {
        deep.push_str("/x");
    }
    scratch.folder(&deep);
    directory.remove_all("deep").unwrap_err();
    assert!(scratch.join(&deep).exists());
    directory.remove_all("none").unwrap_err();
}
