//! Tests `sys::spool` and `sys::files` on real folders.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::rig::{self, Scratch, call_files, wait_for};
use websms::limits::SPOOL_FULL_WAIT;
use websms::sys::directory::Directory;
use websms::sys::files::{self, Links, Unreadable};
use websms::sys::spool::{self, File, Spool, SpoolFault, Step, Sync};

const LIMIT: usize = 1000;

fn settings<'a>(outgoing: &'a Path, staging: &'a Path) -> spool::Settings<'a> {
    spool::Settings {
        outgoing,
        staging,
        mode: 0o644,
        owner: None,
        sync: Sync::Never,
        files_max: LIMIT,
    }
}

/// Opens a spool in `scratch`, with the folder that Asterisk makes.
fn spool(
    scratch: &Scratch,
    change: impl FnOnce(&mut spool::Settings<'_>),
) -> Result<Spool, SpoolFault> {
    // The folder may exist already, or something else in its place.
    if fs::create_dir(scratch.join("outgoing")).is_ok() {
        let all = fs::Permissions::from_mode(0o700);
        fs::set_permissions(scratch.join("outgoing"), all).unwrap();
    }
    let (outgoing, staging) = (scratch.join("outgoing"), scratch.join("staging"));
    let mut settings = settings(&outgoing, &staging);
    change(&mut settings);
    Spool::open(&settings)
}

fn file<'a>(name: &'a str, bytes: &'a [u8]) -> File<'a> {
    File {
        name,
        bytes,
        delay_s: 0,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o7777
}

/// Runs the one test `name` of this file again in a process of its own: as nobody if this is root, after
/// the shell has run `setup`. Returns whether this *is* that process; if it is not, the test has passed
/// there.
fn is_alone(name: &str, setup: &str) -> bool {
    if std::env::var_os("WEBSMS_TEST_ALONE").is_some() {
        return true;
    }
    let folder = Scratch::new();
    // Other users may have no access to the build folder.
    let copy = folder.join("test");
    rig::copy_program(&std::env::current_exe().unwrap(), &copy);
    let mut run = Command::new("sh");
    run.args(["-c", &format!("{setup}; exec \"$@\""), "sh"]);
    run.arg(&copy).args(["--exact", &format!("spool::{name}")]);
    run.env("WEBSMS_TEST_ALONE", "1");
    if rig::is_root() {
        for path in [folder.path(), &copy] {
            std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
        }
        run.uid(65534).gid(65534);
    }
    run.env("TMPDIR", folder.path()).current_dir(folder.path());
    let ran = rig::finish(run);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    false
}

// ---- Delivering -----------------------------------------------------------------------------

#[test]
fn a_file_arrives_whole_with_mode_and_time_and_leaves_nothing_behind() {
    for sync in [Sync::Before, Sync::Never] {
        for filemode in [0o644, 0o600, 0o660, 0o666, 0o100_640] {
            let scratch = Scratch::new();
            let spool = spool(&scratch, |s| {
                s.sync = sync;
                s.mode = filemode;
            })
            .unwrap();
            let start = SystemTime::now();
            let files = [
                file("a.call", b"one\n"),
                File {
                    name: "b.call",
                    bytes: b"two\n",
                    delay_s: 1,
                },
                File {
                    name: "c.call",
                    bytes: b"",
                    delay_s: 15,
                },
            ];
            spool.deliver(&files).unwrap();
            let arrived = call_files(&scratch.join("outgoing"));
            assert_eq!(arrived.len(), 3);
            for (arrived, sent) in arrived.iter().zip(&files) {
                assert_eq!(arrived.name, sent.name);
                assert_eq!(arrived.bytes, sent.bytes);
                assert_eq!(mode(&arrived.path), filemode & 0o777);
                let time = arrived.path.metadata().unwrap().modified().unwrap();
                let ahead = Duration::from_secs(sent.delay_s);
                let grain = Duration::from_secs(1);
                assert!(time <= SystemTime::now() + ahead + grain, "{time:?}");
                // A filesystem may cut the time to its own precision, but not one that is ahead: Asterisk
                // knows whole seconds only, and one that it cuts is too early.
                let cut = if sent.delay_s == 0 {
                    grain
                } else {
                    Duration::ZERO
                };
                assert!(time + cut >= start + ahead, "{time:?}");
                let since = time.duration_since(UNIX_EPOCH).unwrap();
                assert!(sent.delay_s == 0 || since.subsec_nanos() == 0, "{time:?}");
            }
            assert_eq!(names(&scratch.join("staging")), [""; 0]);
        }
    }
}

#[test]
fn nothing_is_delivered_without_files() {
    let scratch = Scratch::new();
    spool(&scratch, |_| {}).unwrap().deliver(&[]).unwrap();
    assert_eq!(names(&scratch.join("outgoing")), [""; 0]);
}

#[test]
fn a_name_that_is_taken_is_not_replaced() {
    for sync in [Sync::Before, Sync::Never] {
        let scratch = Scratch::new();
        let spool = spool(&scratch, |s| s.sync = sync).unwrap();
        spool.deliver(&[file("b", b"first")]).unwrap();
        let fault = spool
            .deliver(&[file("a", b"2"), file("b", b"2"), file("c", b"2")])
            .unwrap_err();
        assert!(
            matches!(&fault, SpoolFault::Failed { step: Step::Move, error, .. }
                if error.kind() == std::io::ErrorKind::AlreadyExists),
            "{fault}"
        );
        // Moved files stay, because Asterisk may have them. The others are removed.
        assert_eq!(names(&scratch.join("outgoing")), ["a", "b"]);
        assert_eq!(fs::read(scratch.join("outgoing/b")).unwrap(), b"first");
        assert_eq!(names(&scratch.join("staging")), [""; 0]);
    }
}

#[test]
fn all_are_staged_before_the_first_is_moved() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |_| {}).unwrap();
    // Another program's file is neither replaced nor removed.
    fs::write(scratch.join("staging/c"), "theirs").unwrap();
    let fault = spool
        .deliver(&[file("a", b"1"), file("b", b"1"), file("c", b"1")])
        .unwrap_err();
    assert!(
        matches!(
            &fault,
            SpoolFault::Failed {
                step: Step::Write,
                ..
            }
        ),
        "{fault}"
    );
    assert_eq!(names(&scratch.join("outgoing")), [""; 0]);
    assert_eq!(names(&scratch.join("staging")), ["c"]);
    assert_eq!(fs::read(scratch.join("staging/c")).unwrap(), b"theirs");
}

#[test]
fn a_file_that_cannot_be_written_whole_leaves_nothing() {
    // The largest file is some kilobytes, so that a write fails in the middle as on a full disk.
    let setup = "trap '' XFSZ; ulimit -f 8";
    if !is_alone("a_file_that_cannot_be_written_whole_leaves_nothing", setup) {
        return;
    }
    let scratch = Scratch::new();
    let spool = spool(&scratch, |_| {}).unwrap();
    let long = vec![b'a'; 64 * 1024];
    let fault = spool
        .deliver(&[file("a", b"1"), file("b", &long), file("c", b"1")])
        .unwrap_err();
    assert!(
        matches!(
            &fault,
            SpoolFault::Failed {
                step: Step::Write,
                ..
            }
        ),
        "{fault}"
    );
    assert_eq!(names(&scratch.join("outgoing")), [""; 0]);
    assert_eq!(names(&scratch.join("staging")), [""; 0]);
    spool.deliver(&[file("a", b"1")]).unwrap();
}

#[test]
fn a_link_in_staging_is_not_followed() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |_| {}).unwrap();
    let victim = scratch.file("victim", "untouched");
    symlink(&victim, scratch.join("staging/a")).unwrap();
    spool.deliver(&[file("a", b"1")]).unwrap_err();
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
}

#[test]
fn a_name_cannot_leave_the_folder() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |_| {}).unwrap();
    for name in ["../a", "/a", "", ".", "..", "a/b", "a\0b"] {
        let fault = spool.deliver(&[file("ok", b"1"), file(name, b"1")]);
        assert!(fault.is_err(), "{name}");
    }
    assert_eq!(names(&scratch.join("outgoing")), [""; 0]);
    assert_eq!(names(scratch.path()), ["outgoing", "staging"]);
}

#[test]
fn threads_deliver_at_once_and_lose_nothing() {
    for sync in [Sync::Before, Sync::Never] {
        let scratch = Scratch::new();
        let spool = spool(&scratch, |s| s.sync = sync).unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let spool = &spool;
                scope.spawn(move || {
                    for number in 0..25 {
                        let name = format!("{thread}-{number}");
                        spool.deliver(&[file(&name, name.as_bytes())]).unwrap();
                    }
                });
            }
        });
        let arrived = call_files(&scratch.join("outgoing"));
        assert_eq!(arrived.len(), 200, "{sync:?}");
        assert!(arrived.iter().all(|f| f.name.as_bytes() == f.bytes));
    }
}

// ---- Folders --------------------------------------------------------------------------------

#[test]
fn a_missing_staging_is_made_for_us_alone() {
    let scratch = Scratch::new();
    let (outgoing, staging) = (scratch.folder("outgoing"), scratch.join("a/b/staging"));
    let spool = Spool::open(&settings(&outgoing, &staging)).unwrap();
    spool.deliver(&[file("x", b"1")]).unwrap();
    for made in ["a", "a/b", "a/b/staging"] {
        assert_eq!(mode(&scratch.join(made)), 0o700, "{made}");
    }
}

/// Checks that nothing can be delivered because `outgoing` is missing, and that nothing was made.
fn is_missing(scratch: &Scratch, spool: &Spool) -> bool {
    let is_so = |fault: Result<(), SpoolFault>| matches!(fault, Err(SpoolFault::Missing { .. }));
    let delivered = is_so(spool.deliver(&[file("x", b"1")]));
    delivered && is_so(spool.look()) && !scratch.join("outgoing").exists()
}

#[test]
fn a_missing_outgoing_is_never_made() {
    let scratch = Scratch::new();
    let (outgoing, staging) = (scratch.join("a/outgoing"), scratch.join("b/staging"));
    let fault = Spool::open(&settings(&outgoing, &staging)).unwrap_err();
    assert!(matches!(fault, SpoolFault::Missing { .. }), "{fault}");
    let spool = Spool::open_or_wait(&settings(&outgoing, &staging), None).unwrap();
    assert!(is_missing(&scratch, &spool));
    assert_eq!(names(scratch.path()), [""; 0]);
    let fault = spool.look().unwrap_err().to_string();
    assert!(fault.contains("a/outgoing does not exist"), "{fault}");
    // The folder is made, and deliveries work.
    scratch.folder("a/outgoing");
    spool.deliver(&[file("x", b"1")]).unwrap();
    assert_eq!(names(&outgoing), ["x"]);
    assert_eq!(mode(&staging), 0o700);
}

#[test]
fn one_folder_for_both_that_comes_later_is_a_fault() {
    let scratch = Scratch::new();
    let (one, other) = (scratch.join("one"), scratch.join("other"));
    symlink(&one, &other).unwrap();
    let spool = Spool::open_or_wait(&settings(&one, &other), None).unwrap();
    fs::create_dir(&one).unwrap();
    let fault = spool.deliver(&[file("x", b"1")]).unwrap_err();
    assert!(matches!(&fault, SpoolFault::OneFolder { .. }), "{fault}");
    assert_eq!(names(&one), [""; 0]);
}

#[test]
fn one_folder_for_both_that_comes_while_we_run_is_a_fault() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |_| {}).unwrap();
    spool.deliver(&[file("a", b"1")]).unwrap();
    let [outgoing, staging] = ["outgoing", "staging"].map(|name| scratch.join(name));
    fs::remove_dir(&staging).unwrap();
    symlink(&outgoing, &staging).unwrap();
    let changed = || fs::metadata(&outgoing).unwrap().modified().unwrap();
    let before = changed();
    let fault = spool.deliver(&[file("b", b"1")]).unwrap_err();
    assert!(matches!(&fault, SpoolFault::OneFolder { .. }), "{fault}");
    // Asterisk would take a file that is written there even for a moment.
    assert_eq!(changed(), before);
    assert_eq!(names(&outgoing), ["a"]);
}

#[test]
fn folders_that_are_there_stay_as_they_are() {
    let scratch = Scratch::new();
    for folder in ["outgoing", "staging"] {
        let made = scratch.folder(folder);
        fs::set_permissions(made, fs::Permissions::from_mode(0o755)).unwrap();
    }
    spool(&scratch, |_| {}).unwrap();
    assert_eq!(mode(&scratch.join("outgoing")), 0o755);
    assert_eq!(mode(&scratch.join("staging")), 0o755);
}

#[test]
fn folders_removed_while_we_run_come_back() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |s| s.sync = Sync::Before).unwrap();
    for (number, gone) in [
        &["outgoing"][..],
        &["staging"],
        &["outgoing", "staging"],
        &[],
    ]
    .iter()
    .enumerate()
    {
        for folder in *gone {
            fs::remove_dir_all(scratch.join(folder)).unwrap();
        }
        if gone.contains(&"outgoing") {
            for _ in 0..2 {
                assert!(is_missing(&scratch, &spool), "{gone:?}");
            }
            // Asterisk makes the folder, and that is enough.
            scratch.folder("outgoing");
        }
        let (a, b) = (format!("a{number}"), format!("b{number}"));
        spool.deliver(&[file(&a, b"1"), file(&b, b"2")]).unwrap();
        assert_eq!(fs::read(scratch.join("outgoing").join(a)).unwrap(), b"1");
        assert_eq!(fs::read(scratch.join("outgoing").join(b)).unwrap(), b"2");
        assert_eq!(names(&scratch.join("staging")), [""; 0]);
    }
}

#[test]
fn a_folder_put_in_another_s_place_gets_the_next_file() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |_| {}).unwrap();
    spool.deliver(&[file("a", b"1")]).unwrap();
    fs::rename(scratch.join("outgoing"), scratch.join("old")).unwrap();
    fs::create_dir(scratch.join("outgoing")).unwrap();
    spool.deliver(&[file("b", b"1")]).unwrap();
    assert_eq!(names(&scratch.join("outgoing")), ["b"]);
}

#[test]
fn one_folder_for_both_is_a_fault() {
    let scratch = Scratch::new();
    let one = scratch.folder("one");
    symlink(&one, scratch.join("other")).unwrap();
    for staging in [one.clone(), scratch.join("other")] {
        let fault = Spool::open(&settings(&one, &staging)).unwrap_err();
        assert!(matches!(&fault, SpoolFault::OneFolder { .. }), "{fault}");
    }
}

#[test]
fn two_filesystems_are_a_fault() {
    let scratch = Scratch::new();
    let other = Scratch::within(Path::new("/dev/shm"));
    let dev = |path: &Path| path.metadata().unwrap().dev();
    assert_ne!(
        dev(scratch.path()),
        dev(other.path()),
        "this test needs a temporary folder that is not in /dev/shm"
    );
    let (outgoing, staging) = (scratch.folder("outgoing"), other.join("staging"));
    let fault = Spool::open(&settings(&outgoing, &staging)).unwrap_err();
    assert!(
        matches!(&fault, SpoolFault::TwoFilesystems { .. }),
        "{fault}"
    );
    assert!(!staging.exists());
    let text = fault.to_string();
    assert!(text.contains("set stagingdir"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_file_where_a_folder_should_be_is_a_fault() {
    let check = |name: &str, expected: Step| {
        let scratch = Scratch::new();
        scratch.file(name, "");
        let fault = spool(&scratch, |_| {}).unwrap_err();
        assert!(
            matches!(&fault, SpoolFault::Failed { step, .. } if *step == expected),
            "{fault}"
        );
        let words = "a file stands where a folder should";
        assert!(fault.to_string().contains(words), "{fault}");
    };
    check("outgoing", Step::Look);
    check("staging", Step::Make);
}

#[test]
fn folders_without_permission_are_a_fault() {
    if !is_alone("folders_without_permission_are_a_fault", "umask 022") {
        return;
    }
    fn check(folder: &str, folder_mode: u32, step: Step) {
        let scratch = Scratch::new();
        for folder in ["outgoing", "staging"] {
            scratch.folder(folder);
        }
        let set = |mode| {
            let permissions = fs::Permissions::from_mode(mode);
            fs::set_permissions(scratch.join(folder), permissions).unwrap();
        };
        let matches = |fault: &SpoolFault| {
            matches!(fault, SpoolFault::Failed { step: at, folder: place, error }
                if *at == step && place.ends_with(folder)
                    && error.kind() == std::io::ErrorKind::PermissionDenied)
        };
        set(folder_mode);
        let fault = spool(&scratch, |_| {}).unwrap_err();
        assert!(matches(&fault), "{fault}");
        // The mode changes while we run; when it is restored, deliveries work again.
        set(0o700);
        let spool = spool(&scratch, |_| {}).unwrap();
        set(0o500);
        let fault = spool.deliver(&[file("a", b"1")]).unwrap_err();
        assert!(fault.to_string().contains("no permission"), "{fault}");
        set(0o700);
        assert_eq!(names(&scratch.join("staging")), [""; 0]);
        spool.deliver(&[file("a", b"1")]).unwrap();
    }
    check("outgoing", 0o500, Step::Move);
    check("outgoing", 0o300, Step::Look);
    check("staging", 0o500, Step::Write);

    let scratch = Scratch::new();
    scratch.folder("outgoing");
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let fault = spool(&scratch, |_| {}).unwrap_err();
    assert!(fault.to_string().contains("cannot make"), "{fault}");
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    if !is_alone("modes_do_not_depend_on_the_umask", "umask 0177") {
        return;
    }
    let scratch = Scratch::new();
    let spool = spool(&scratch, |s| s.mode = 0o664).unwrap();
    for name in ["a", "b"] {
        spool.deliver(&[file(name, b"1")]).unwrap();
        assert_eq!(mode(&scratch.join(&format!("outgoing/{name}"))), 0o664);
    }
    assert_eq!(mode(&scratch.join("outgoing")), 0o700);
    let folder = Directory::open(scratch.path()).unwrap();
    folder.create("state").unwrap();
    assert_eq!(mode(&scratch.join("state")), 0o600);
}

// ---- Owners ---------------------------------------------------------------------------------

#[test]
fn root_works_in_no_folder_of_somebody_else_and_takes_the_group_of_its_own() {
    if !rig::is_root() {
        return;
    }
    let scratch = Scratch::new();
    let (outgoing, staging) = (scratch.folder("outgoing"), scratch.folder("staging"));
    std::os::unix::fs::chown(&outgoing, Some(0), Some(4343)).unwrap();
    let spool = Spool::open(&settings(&outgoing, &staging)).unwrap();
    spool.deliver(&[file("x", b"1")]).unwrap();
    let found = outgoing.join("x").metadata().unwrap();
    assert_eq!((found.uid(), found.gid()), (0, 4343));
    // A folder that is given away meanwhile belongs to another user: `outgoing` for the next delivery,
    // `staging` for the first one after a pause, or a second later.
    for folder in [&outgoing, &staging] {
        std::os::unix::fs::chown(folder, Some(4242), None).unwrap();
        if folder == &staging {
            spool.rest();
        }
        let fault = spool.deliver(&[file("y", b"1")]).unwrap_err();
        assert!(matches!(fault, SpoolFault::Failed { .. }), "{fault}");
        assert_eq!(names(&outgoing), ["x"]);
        assert_eq!(names(&staging), [""; 0]);
        std::os::unix::fs::chown(folder, Some(0), None).unwrap();
    }
}

#[test]
fn what_is_moved_is_synced_where_it_was_moved_to() {
    if !rig::is_root() {
        return;
    }
    let scratch = Scratch::new();
    let spool = spool(&scratch, |settings| settings.sync = Sync::Before).unwrap();
    spool.deliver(&[file("x", b"1")]).unwrap();
    // A link of another user is not followed when a folder is opened; it leads to the folder that is open.
    let [outgoing, real] = ["outgoing", "real"].map(|name| scratch.join(name));
    fs::rename(&outgoing, &real).unwrap();
    symlink(&real, &outgoing).unwrap();
    std::os::unix::fs::lchown(&outgoing, Some(4242), None).unwrap();
    spool.deliver(&[file("y", b"1")]).unwrap();
    spool.rest();
    let fault = spool.deliver(&[file("z", b"1")]).unwrap_err();
    assert!(matches!(fault, SpoolFault::Failed { .. }), "{fault}");
    assert_eq!(names(&real), ["x", "y"]);
}

#[test]
fn a_file_owner_is_given() {
    // Root may give a file to anybody; anybody may give one to himself.
    let own = fs::metadata("/proc/self").unwrap();
    let (uid, gid) = if rig::is_root() {
        (4242, 4343)
    } else {
        (own.uid(), own.gid())
    };
    let (user, group) = (uid.to_string(), gid.to_string());
    let scratch = Scratch::new();
    let (outgoing, staging) = (scratch.folder("outgoing"), scratch.join("staging"));
    let spool = Spool::open(&spool::Settings {
        owner: Some((&user, Some(&group))),
        ..settings(&outgoing, &staging)
    })
    .unwrap();
    spool.deliver(&[file("x", b"1")]).unwrap();
    let found = scratch.join("outgoing/x").metadata().unwrap();
    assert_eq!((found.uid(), found.gid()), (uid, gid));
}

#[test]
fn a_file_owner_that_cannot_be_is_a_fault_at_once() {
    if !is_alone(
        "a_file_owner_that_cannot_be_is_a_fault_at_once",
        "umask 022",
    ) {
        return;
    }
    let scratch = Scratch::new();
    let fault = spool(&scratch, |s| s.owner = Some(("no-such-user", None))).unwrap_err();
    assert!(
        matches!(&fault, SpoolFault::NoSuchOwner { owner } if owner == "no-such-user:"),
        "{fault}"
    );
    let fault = spool(&scratch, |s| s.owner = Some(("0", Some("0")))).unwrap_err();
    assert!(
        matches!(
            &fault,
            SpoolFault::Failed {
                step: Step::Own,
                ..
            }
        ),
        "{fault}"
    );
    assert_eq!(names(&scratch.join("staging")), [""; 0]);
}

// ---- Limits ---------------------------------------------------------------------------------

#[test]
fn a_full_folder_refuses_and_takes_again() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |s| s.files_max = 3).unwrap();
    let full = |files: &[File<'_>]| {
        matches!(
            spool.deliver(files),
            Err(SpoolFault::Full { files_max: 3, .. })
        )
    };
    spool.deliver(&[file("1", b"")]).unwrap();
    spool.deliver(&[file("2", b"")]).unwrap();
    // One place is left, and files of one request stay together: all of them are delivered, and then none.
    let together = ["3", "4", "5", "6", "7"].map(|name| file(name, b""));
    spool.deliver(&together).unwrap();
    assert!(full(&[file("8", b"")]));
    assert!(full(&[file("8", b""), file("9", b"")]));
    let outgoing = scratch.join("outgoing");
    assert_eq!(names(&outgoing), ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(names(&scratch.join("staging")), [""; 0]);
    // Asterisk takes some, but there is no place until they are fewer than the limit.
    for name in ["1", "2", "3", "4"] {
        fs::remove_file(outgoing.join(name)).unwrap();
    }
    let refused_until = Instant::now() + SPOOL_FULL_WAIT * 2;
    while Instant::now() < refused_until {
        assert!(full(&[file("8", b"")]));
        thread::sleep(Duration::from_millis(20));
    }
    fs::remove_file(outgoing.join("5")).unwrap();
    wait_for("a place in the folder", || {
        spool.deliver(&[file("8", b"")]).is_ok()
    });
    assert!(full(&[file("9", b"")]));
}

#[test]
fn more_than_the_limit_at_once_is_delivered_to_an_empty_folder() {
    let scratch = Scratch::new();
    let spool = spool(&scratch, |s| s.files_max = 1).unwrap();
    spool.deliver(&[file("1", b""), file("2", b"")]).unwrap();
    assert_eq!(names(&scratch.join("outgoing")), ["1", "2"]);
}

#[test]
fn files_of_others_count_and_folders_do_not() {
    let scratch = Scratch::new();
    let outgoing = scratch.folder("outgoing");
    scratch.folder("outgoing/folder");
    let spool = spool(&scratch, |s| s.files_max = 2).unwrap();
    spool.deliver(&[file("1", b"")]).unwrap();
    fs::write(outgoing.join(".theirs"), "").unwrap();
    wait_for("a count that sees the file of others", || {
        let name = files::unique().unwrap();
        let full = spool.deliver(&[file(&name, b"")]).is_err();
        if !full {
            fs::remove_file(outgoing.join(name)).unwrap();
        }
        full
    });
}

#[test]
fn the_limit_holds_under_threads_and_does_not_slow_a_quick_asterisk() {
    let scratch = Scratch::new();
    let outgoing = scratch.folder("outgoing");
    let spool = spool(&scratch, |s| s.files_max = 40).unwrap();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (spool, start) = (&spool, &start);
            scope.spawn(move || {
                start.wait();
                for number in 0..10 {
                    let _ = spool.deliver(&[file(&format!("{thread}-{number}"), b"")]);
                }
            });
        }
    });
    assert_eq!(names(&outgoing).len(), 40);
    for name in names(&outgoing) {
        fs::remove_file(outgoing.join(name)).unwrap();
    }
    wait_for("an empty folder to be seen", || {
        spool.deliver(&[file("first", b"")]).is_ok()
    });
    // Each is taken at once: ten times the limit passes without one refusal.
    for number in 0..400 {
        let name = format!("quick-{number}");
        spool.deliver(&[file(&name, b"")]).unwrap();
        fs::remove_file(outgoing.join(name)).unwrap();
    }
}

// ---- Sweeping -------------------------------------------------------------------------------

#[test]
fn only_old_files_of_ours_are_swept() {
    let scratch = Scratch::new();
    let folder = scratch.folder("staging");
    let ours = "1.1795392000.0123456789abcdef.call";
    let is_ours = |name: &str| name.ends_with(".call");
    for name in [ours, "notes.txt"] {
        fs::write(folder.join(name), "").unwrap();
    }
    fs::create_dir(folder.join("folder.call")).unwrap();
    symlink(scratch.file("victim", ""), folder.join("link.call")).unwrap();
    let directory = Directory::open(&folder).unwrap();
    let swept = |age_s| directory.sweep(None, Duration::from_secs(age_s), &is_ours);
    assert_eq!(swept(3600), 0);
    // The modification time alone makes nothing old, because it can be set.
    fs::File::options()
        .write(true)
        .open(folder.join(ours))
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!(swept(3600), 0);
    wait_for("a file over an age of nought seconds", || swept(0) == 1);
    assert_eq!(names(&folder), ["folder.call", "link.call", "notes.txt"]);
    assert!(scratch.join("victim").exists());
}

#[test]
fn a_fresh_leftover_stays_and_is_never_delivered() {
    let scratch = Scratch::new();
    let folder = scratch.folder("staging");
    let name = "1.1795392000.0123456789abcdef.call";
    fs::write(folder.join(name), "half a fi").unwrap();
    let spool = spool(&scratch, |_| {}).unwrap();
    spool.deliver(&[file("a", b"")]).unwrap();
    assert_eq!(spool.sweep(), 0);
    assert_eq!(names(&folder), [name]);
    assert_eq!(names(&scratch.join("outgoing")), ["a"]);
}

// ---- Reading and making ---------------------------------------------------------------------

#[test]
fn reading_is_bounded_and_takes_regular_files_only() {
    let scratch = Scratch::new();
    scratch.file("nine", "123456789");
    scratch.file("empty", "");
    scratch.folder("folder");
    symlink("nine", scratch.join("link")).unwrap();
    let pipe = scratch.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());

    let check = |name: &str, bytes_max: usize, links: Links, expected: &str| {
        let read = match files::read(&scratch.join(name), bytes_max, links) {
            Ok(bytes) => String::from_utf8(bytes).unwrap(),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(read, expected, "{name} {bytes_max} {links:?}");
    };
    check("nine", 10, Links::Refuse, "123456789");
    check("nine", 9, Links::Refuse, "123456789");
    check("nine", 8, Links::Refuse, "longer than 8 bytes");
    check("empty", 0, Links::Refuse, "");
    check("link", 9, Links::Refuse, "not a regular file");
    check("link", 9, Links::Follow, "123456789");
    check("folder", 9, Links::Follow, "not a regular file");
    check("pipe", 9, Links::Follow, "not a regular file");
    check("none", 9, Links::Follow, "does not exist");
    // The size of this file is given as 0.
    let endless = files::read(Path::new("/proc/self/environ"), 3, Links::Refuse);
    assert!(matches!(endless, Err(Unreadable::TooLong { bytes_max: 3 })));
}

#[test]
fn a_file_is_created_only_where_there_is_none() {
    let scratch = Scratch::new();
    let folder = Directory::open(scratch.path()).unwrap();
    folder.create("a").unwrap();
    assert_eq!(mode(&scratch.join("a")), 0o600);
    let again = folder.create("a").unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    symlink("nowhere", scratch.join("link")).unwrap();
    folder.create("link").unwrap_err();
    assert!(!scratch.join("nowhere").exists());
}

#[test]
fn a_folder_is_made_once_and_synced() {
    let scratch = Scratch::new();
    let path = scratch.join("a/b/c");
    for _ in 0..2 {
        Directory::make(&path).unwrap().sync().unwrap();
    }
    assert_eq!(mode(&path), 0o700);
    scratch.file("file", "");
    Directory::make(&scratch.join("file")).unwrap_err();
    Directory::make(&scratch.join("file/below")).unwrap_err();
    // A link's target is not made.
    symlink("none", scratch.join("link")).unwrap();
    Directory::make(&scratch.join("link/below")).unwrap_err();
    assert!(!scratch.join("none").exists());
}
