//! Injects faults into every file call of a delivery, and crashes between any two: files are whole, answers
//! honest.
//!
//! `strace` injects them into the real, running program. Each time, no file of Asterisk's is partial, no
//! SMS is answered 200 without its file, and the next SMS is delivered.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::rig::{
    self, Answer, CallFile, Called, FORM, Http, Scratch, Tracer, Websmsd, call_files, post,
};

const KEYS: &str = "[websmsd]\nkey_to=to\nkey_from=from\nkey_body=text\n";

/// Starts a daemon that delivers to folders that outlive it.
fn start(spool: &Scratch) -> Websmsd {
    start_with(spool, "")
}

/// Starts such a daemon under another clock, because the change times of files cannot be set.
fn start_with(spool: &Scratch, clock: &str) -> Websmsd {
    spool.folder("outgoing");
    let folder = spool.path().display();
    let conf = format!(
        "{KEYS}[astqueue]\noutgoingdir = \"{folder}/outgoing\"\nstagingdir = \"{folder}/staging\"\n"
    );
    let scratch = Scratch::new();
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("-c").arg(conf).args(["-l", "127.0.0.1:0", "-v"]);
    rig::set_clock(&mut run, clock);
    Websmsd::spawn(run, scratch)
}

/// Returns a text of two call files, so that there is something between their moves.
fn text(number: usize) -> String {
    format!("{number} {} end", "x".repeat(1500))
}

fn request(number: usize) -> Vec<u8> {
    let text = text(number).replace(' ', "+");
    post(
        "/",
        FORM,
        format!("to=%2B12025550160&from=Bank&text={text}"),
    )
}

/// Delivers one SMS; `None` if the connection ended without an answer.
fn deliver(websmsd: &Websmsd, number: usize) -> Option<Answer> {
    let mut http = Http::connect(websmsd.address);
    http.send(request(number));
    http.try_answer()
}

/// Returns the calls of a delivery that touch files, each with how often its thread makes it.
fn file_calls() -> BTreeMap<String, usize> {
    let spool = Scratch::new();
    let websmsd = start(&spool);
    let tracer = Tracer::attach(websmsd.pid(), &websmsd.scratch, &["-e", "trace=all"]);
    assert_eq!(deliver(&websmsd, 0).unwrap().status, 200);
    let trace = tracer.detach();
    let thread = trace
        .lines()
        .find(|line| line.contains("renameat2("))
        .and_then(|line| line.split_whitespace().next())
        .expect("a move")
        .to_owned();
    let mut calls = BTreeMap::new();
    for line in trace.lines() {
        let Some((tid, call)) = line.split_once(' ') else {
            continue;
        };
        let name = call.trim_start().split('(').next().unwrap();
        if tid == thread && rig::is_file_call(name, &MORE_CALLS) {
            *calls.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    for needed in ["openat", "write", "fsync", "renameat2"] {
        assert!(calls.contains_key(needed), "{calls:?}\n{trace}");
    }
    calls
}

/// Further calls, beside those that every component makes.
const MORE_CALLS: [&str; 10] = [
    "writev",
    "fchown",
    "utimensat",
    "close",
    "fstat",
    "mkdir",
    "readlinkat",
    "faccessat",
    "faccessat2",
    "ftruncate",
];

/// Checks that every file in `outgoing` is whole: all its lines, the last one ended.
#[track_caller]
fn check_whole(files: &[CallFile]) {
    for file in files {
        let text = file.text();
        assert!(text.starts_with("Channel: Local/+12025550160@"), "{text}");
        assert!(
            text.ends_with("\nsetvar: MESSAGE_ENCODE=rfc3986\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 13, "{text}");
    }
}

/// Whether all parts of an SMS are there, in order, once.
fn has_arrived(files: &[CallFile], number: usize) -> bool {
    let body: String = files.iter().map(CallFile::body).collect();
    body == text(number)
}

/// Asterisk runs call files that are due together in parallel, so the parts of a text are due a second
/// apart at least, each counted from when Asterisk can run the one before, however long writing and moving
/// them took.
#[test]
fn parts_of_a_text_are_due_one_after_another_on_a_slow_disk() {
    for slow in [
        "inject=fsync:delay_exit=600000",
        "inject=renameat2:delay_enter=1300000",
    ] {
        let spool = Scratch::new();
        let websmsd = start(&spool);
        let options = ["-e", "trace=fsync,renameat2", "-e", slow];
        let tracer = Tracer::attach(websmsd.pid(), &websmsd.scratch, &options);
        let text = "x".repeat(3000);
        let form = format!("to=%2B12025550160&from=Bank&text={text}");
        let mut http = Http::connect(websmsd.address);
        http.send(post("/", FORM, form));
        assert_eq!(http.answer().status, 200);
        tracer.detach();
        let files = call_files(&spool.join("outgoing"));
        assert!(files.len() > 2, "{files:?}");
        let mut before_ns = None;
        for file in &files {
            let part = file.path.metadata().unwrap();
            // The move is the last change of a file.
            let moved_ns = part.ctime() * 1_000_000_000 + part.ctime_nsec();
            let due_ns = part.mtime() * 1_000_000_000;
            if let Some(before_ns) = before_ns {
                assert!(due_ns - before_ns >= 1_000_000_000, "{slow}: {files:?}");
            }
            before_ns = Some(due_ns.max(moved_ns));
        }
    }
}

fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

#[test]
fn slow_every_file_call_of_a_delivery_may_fail() {
    let calls = file_calls();
    let spool = Scratch::new();
    let websmsd = start(&spool);
    let (outgoing, staging) = (spool.join("outgoing"), spool.join("staging"));
    let (mut cases, mut injected, mut refused) = (0, 0, 0);
    for (name, count) in &calls {
        // A close that is not carried out would leak, which no kernel does.
        if name == "close" {
            continue;
        }
        for nth in 1..=*count {
            for error in ["ENOSPC", "EIO", "EROFS", "EMFILE"] {
                cases += 1;
                let what = format!("{name} {nth} {error}");
                let inject = format!("inject={name}:error={error}:when={nth}");
                let filter = format!("trace={name}");
                let tracer = Tracer::attach(
                    websmsd.pid(),
                    &websmsd.scratch,
                    &["-e", &filter, "-e", &inject],
                );
                let status = deliver(&websmsd, cases).map(|answer| answer.status);
                let trace = tracer.detach();
                injected += trace.matches("(INJECTED)").count();
                let files = call_files(&outgoing);
                check_whole(&files);
                match status {
                    Some(200) => assert!(has_arrived(&files, cases), "{what}: {files:?}"),
                    Some(503) => refused += 1,
                    other => panic!("{what}: {other:?}\n{trace}"),
                }
                if !name.starts_with("unlink") {
                    assert_eq!(
                        fs::read_dir(&staging).unwrap().count(),
                        0,
                        "{what}: staging"
                    );
                }
                empty(&outgoing);
                empty(&staging);
                // The fault is over, and so is its effect.
                let again = deliver(&websmsd, cases).unwrap();
                assert_eq!(again.status, 200, "{what}: afterwards");
                assert!(has_arrived(&call_files(&outgoing), cases), "{what}");
                empty(&outgoing);
            }
        }
    }
    println!("-- disks: {cases} cases, {injected} faults injected, {refused} deliveries refused");
    assert!(
        injected * 2 > cases && refused > 20,
        "{cases} {injected} {refused}"
    );
}

#[test]
fn slow_death_between_any_two_file_calls() {
    let calls = file_calls();
    let (mut kills, mut silent) = (0, 0);
    for (name, count) in &calls {
        for nth in 1..=*count {
            let what = format!("killed at {name} {nth}");
            let spool = Scratch::new();
            let (outgoing, staging) = (spool.join("outgoing"), spool.join("staging"));
            let mut websmsd = start(&spool);
            let inject = format!("inject={name}:signal=SIGKILL:when={nth}");
            let filter = format!("trace={name}");
            let tracer = Tracer::attach(
                websmsd.pid(),
                &websmsd.scratch,
                &["-e", &filter, "-e", &inject],
            );
            let status = deliver(&websmsd, kills).map(|answer| answer.status);
            websmsd.wait_for_exit();
            tracer.after_death();
            kills += 1;
            let files = call_files(&outgoing);
            check_whole(&files);
            match status {
                Some(200) => assert!(has_arrived(&files, kills - 1), "{what}: {files:?}"),
                None => silent += 1,
                other => panic!("{what}: {other:?}"),
            }
            // A client without an answer sends again, and is served.
            let before = files.len();
            let left: Vec<PathBuf> = fs::read_dir(&staging)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            let websmsd = start(&spool);
            assert_eq!(deliver(&websmsd, 7).unwrap().status, 200, "{what}: again");
            let files = call_files(&outgoing);
            check_whole(&files);
            assert_eq!(
                files.len(),
                before + 2,
                "{what}: a staged file was delivered later"
            );
            drop(websmsd);
            // Young files stay; old ones of ours are removed at the next start, but never another's.
            let stranger = staging.join("notes.txt");
            fs::write(&stranger, "keep").unwrap();
            for path in left.iter().chain([&stranger]) {
                assert!(path.exists(), "{what}: {}", path.display());
            }
            drop(start_with(&spool, "+2h"));
            let kept: Vec<PathBuf> = fs::read_dir(&staging)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            assert_eq!(kept, [stranger], "{what}");
        }
    }
    println!("-- disks: {kills} kills, {silent} of them before the answer");
    assert!(kills > 15 && silent > 10, "{kills} {silent}");
}

#[test]
fn a_sync_that_fails_once_is_not_tried_again() {
    let spool = Scratch::new();
    let websmsd = start(&spool);
    let tracer = Tracer::attach(
        websmsd.pid(),
        &websmsd.scratch,
        &[
            "-e",
            "trace=fsync,unlink,unlinkat,renameat2",
            "-e",
            "inject=fsync:error=EIO:when=1",
        ],
    );
    assert_eq!(deliver(&websmsd, 1).unwrap().status, 503);
    let trace = tracer.detach();
    assert_eq!(trace.matches("fsync(").count(), 1, "{trace}");
    assert_eq!(trace.matches("renameat2(").count(), 0, "{trace}");
    assert!(trace.contains("unlink"), "{trace}");
    assert_eq!(call_files(&spool.join("outgoing")).len(), 0);
}

#[test]
fn trouble_at_accept_and_threads_that_cannot_start() {
    let spool = Scratch::new();
    let websmsd = start(&spool);
    for error in ["EMFILE", "ENFILE", "ENOMEM", "ECONNABORTED"] {
        let inject = format!("inject=accept4:error={error}:when=1..2");
        let tracer = Tracer::attach(
            websmsd.pid(),
            &websmsd.scratch,
            &["-e", "trace=accept4", "-e", &inject],
        );
        // The call that was waiting when the tracer attached is not counted.
        assert_eq!(deliver(&websmsd, 1).unwrap().status, 200, "{error}");
        assert_eq!(deliver(&websmsd, 1).unwrap().status, 200, "{error}");
        let trace = tracer.detach();
        assert!(trace.contains("(INJECTED)"), "{error}: {trace}");
    }
    websmsd.wait_for_log("cannot accept connections");
    let calls = "clone,clone3";
    let tracer = Tracer::attach(
        websmsd.pid(),
        &websmsd.scratch,
        &[
            "-e",
            &format!("trace={calls}"),
            "-e",
            &format!("inject={calls}:error=EAGAIN"),
        ],
    );
    let answer = deliver(&websmsd, 1).expect("an answer without a thread");
    assert_eq!(answer.status, 503);
    assert!(answer.header("Retry-After").is_some() && answer.closes());
    assert!(tracer.detach().contains("(INJECTED)"));
    assert_eq!(deliver(&websmsd, 1).unwrap().status, 200);
}

/// A small filesystem in memory, in a mount namespace of the daemon: writes come out short, then fail, as
/// on a disk that fills up.
#[test]
fn a_disk_that_fills_up() {
    let scratch = Scratch::new();
    let disk = scratch.folder("disk");
    // Beside a spool in memory the inbox would be on the disk, and not fill up.
    let conf = format!(
        "{KEYS}[astqueue]\ninbox = no\noutgoingdir = \"{0}/outgoing\"\nstagingdir = \"{0}/staging\"\n",
        disk.display()
    );
    let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
    let mut run = rig::command(Path::new("unshare"));
    run.args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .arg("mount -t tmpfs -o size=40k none \"$0\" && mkdir \"$0/outgoing\" && exec \"$@\"")
        .arg(&disk)
        .arg(rig::binary())
        .args(["websmsd", "-c"])
        .arg(&conf)
        .args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    let inside = PathBuf::from(format!("/proc/{}/root{}", websmsd.pid(), disk.display()));
    let (outgoing, staging) = (inside.join("outgoing"), inside.join("staging"));
    let (mut taken, mut refused) = (0, 0);
    for number in 0..30 {
        let status = deliver(&websmsd, number).unwrap().status;
        let files = call_files(&outgoing);
        check_whole(&files);
        assert_eq!(fs::read_dir(&staging).unwrap().count(), 0);
        match status {
            200 => {
                taken += 1;
                assert_eq!(files.len(), 2 * taken);
            }
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    println!("-- disks: {taken} SMS fitted, {refused} were refused on the full disk");
    assert!(taken > 0 && refused > 10, "{taken} {refused}");
    empty(&outgoing);
    assert_eq!(deliver(&websmsd, 99).unwrap().status, 200);
    assert!(!websmsd.log().contains("xxxx"), "a text in the log");
}
