//! Injects faults into every file call of the inbox, and crashes at any of them: no 200 without its SMS, no
//! partial file, and each SMS once.
//!
//! `strace` injects them into the running daemon: into the thread that puts an SMS in, and into the thread
//! that makes its call file, records the move and removes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::rig::{
    self, CallFile, Called, FORM, Http, Scratch, Tracer, Websmsd, call_files, holds_within, post,
    wait_for,
};

/// Further calls, beside those that every component makes.
const MORE_CALLS: [&str; 4] = ["fstat", "flock", "faccessat2", "inotify_add_watch"];

/// A spool and a state folder that outlive a daemon.
struct Home {
    scratch: Scratch,
    conf: PathBuf,
}

impl Home {
    fn new() -> Home {
        let scratch = Scratch::new();
        let conf = "[astqueue]\ninbox = yes\ninbox_rate =\n";
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, conf));
        Home { scratch, conf }
    }

    fn start(&self) -> Websmsd {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&self.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        Websmsd::spawn(run, scratch)
    }

    fn names(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.scratch.join("state/inbox").join(place));
        let entries = entries.into_iter().flatten();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect()
    }

    /// Takes call files until the inbox is empty, and returns their texts.
    #[track_caller]
    fn take_all(&self, what: &str) -> Vec<String> {
        let mut texts = Vec::new();
        wait_for(&format!("an empty inbox: {what}"), || {
            for file in call_files(&self.scratch.join("outgoing")) {
                check_whole(&file);
                texts.push(file.body());
                fs::remove_file(file.path).unwrap();
            }
            self.names("new").is_empty()
        });
        assert!(self.names("failed").is_empty(), "{what}");
        texts
    }
}

/// Checks that a call file has all its lines, the last one ended.
#[track_caller]
fn check_whole(file: &CallFile) {
    let text = file.text();
    assert!(text.starts_with("Channel: Local/+1@"), "{text}");
    assert!(
        text.ends_with("\nsetvar: MESSAGE_ENCODE=rfc3986\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 13, "{text}");
}

/// Sends one SMS; `None` if the connection ended without an answer.
fn send(websmsd: &Websmsd, text: &str) -> Option<u16> {
    let mut http = Http::connect(websmsd.address);
    http.send(post("/", FORM, format!("To=%2B1&From=Bank&Body={text}")));
    http.try_answer().map(|answer| answer.status)
}

/// Returns how often a thread makes each file call for one SMS, at most, until it is removed.
fn file_calls() -> BTreeMap<String, usize> {
    let home = Home::new();
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "first"), Some(200));
    home.take_all("the first");
    let tracer = Tracer::attach(websmsd.pid(), &websmsd.scratch, &["-e", "trace=all"]);
    assert_eq!(send(&websmsd, "a"), Some(200));
    home.take_all("the second");
    rig::wait_for_rest(websmsd.pid());
    let trace = tracer.detach();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in trace.lines() {
        if let Some((thread, call)) = line.split_once(' ') {
            let name = call.trim_start().split('(').next().unwrap();
            if rig::is_file_call(name, &MORE_CALLS) {
                *counts.entry((thread, name)).or_default() += 1;
            }
        }
    }
    let mut calls = BTreeMap::new();
    for ((_, name), count) in counts {
        let most: &mut usize = calls.entry(name.to_owned()).or_default();
        *most = count.max(*most);
    }
    for needed in [
        "openat",
        "write",
        "fsync",
        "renameat",
        "renameat2",
        "unlinkat",
    ] {
        assert!(calls.contains_key(needed), "{calls:?}\n{trace}");
    }
    calls
}

fn traced(websmsd: &Websmsd, name: &str, nth: usize, fault: &str) -> Tracer {
    let inject = format!("inject={name}:{fault}:when={nth}");
    let filter = format!("trace={name}");
    let options = ["-e", &filter, "-e", &inject];
    Tracer::attach(websmsd.pid(), &websmsd.scratch, &options)
}

#[test]
fn slow_every_file_call_of_the_inbox_may_fail() {
    let calls = file_calls();
    let home = Home::new();
    let websmsd = home.start();
    let (mut cases, mut injected, mut refused) = (0, 0, 0);
    for (name, count) in &calls {
        for nth in 1..=*count {
            for error in ["ENOSPC", "EIO"] {
                cases += 1;
                let what = format!("{name} {nth} {error}");
                let tracer = traced(&websmsd, name, nth, &format!("error={error}"));
                let text = format!("m{cases}");
                let status = send(&websmsd, &text);
                let texts = match status {
                    Some(200) => home.take_all(&what),
                    Some(503) => {
                        refused += 1;
                        assert!(home.names("new").is_empty(), "{what}");
                        Vec::new()
                    }
                    other => panic!("{what}: {other:?}"),
                };
                injected += tracer.detach().matches("(INJECTED)").count();
                let expected = match status {
                    Some(200) => vec![text],
                    _ => Vec::new(),
                };
                assert_eq!(texts, expected, "{what}");
                if !name.starts_with("unlink") {
                    assert!(home.names("tmp").is_empty(), "{what}");
                }
                // The fault is over, and so is its effect.
                assert_eq!(send(&websmsd, "next"), Some(200), "{what}");
                assert_eq!(home.take_all(&what), ["next"], "{what}: afterwards");
            }
        }
    }
    println!(
        "-- inbox: {cases} cases, {injected} faults injected, {refused} SMS refused, all others arrived once"
    );
    assert!(
        injected * 2 > cases && refused > 20,
        "{cases} {injected} {refused}"
    );
}

#[test]
fn slow_death_at_any_file_call_of_the_inbox() {
    let calls = file_calls();
    let (mut kills, mut silent, mut doubles) = (0, 0, 0);
    for (name, count) in &calls {
        for nth in 1..=*count {
            let what = format!("killed at {name} {nth}");
            let home = Home::new();
            let mut websmsd = home.start();
            assert_eq!(send(&websmsd, "first"), Some(200));
            home.take_all(&what);
            let tracer = traced(&websmsd, name, nth, "signal=SIGKILL");
            let status = send(&websmsd, "a");
            let mut texts = Vec::new();
            // A call file that Asterisk takes may cause the crash.
            let ended = rig::holds_within(rig::PATIENCE, || {
                if status.is_some() {
                    for file in call_files(&home.scratch.join("outgoing")) {
                        check_whole(&file);
                        texts.push(file.body());
                        fs::remove_file(file.path).unwrap();
                    }
                }
                !websmsd.is_running() || (!texts.is_empty() && home.names("new").is_empty())
            });
            assert!(ended, "{what}");
            if !websmsd.is_running() {
                kills += 1;
            }
            drop(tracer);
            drop(websmsd);
            let websmsd = home.start();
            texts.extend(home.take_all(&what));
            match (status, texts.len()) {
                (Some(200), 1) => {}
                // It was taken between the move and the record of it; the answer may not have come by then.
                (Some(200) | None, 2) => doubles += 1,
                (None, 0 | 1) => silent += 1,
                other => panic!("{what}: {other:?}"),
            }
            assert_eq!(send(&websmsd, "next"), Some(200), "{what}");
            assert_eq!(home.take_all(&what), ["next"], "{what}: afterwards");
        }
    }
    println!(
        "-- inbox: {kills} times killed at a file call, {silent} requests without an answer, {doubles} SMS \
         twice, since Asterisk took them between move and record"
    );
    assert!(kills > 20 && silent > 5, "{kills} {silent}");
}

/// A spool on a filesystem in memory that lies in a mount namespace of the daemon's own, and a state on the
/// disk: as on a router.
struct Router {
    home: Home,
    spool: PathBuf,
}

impl Router {
    fn new() -> Router {
        let scratch = Scratch::new();
        let spool = scratch.folder("spool");
        let conf = format!(
            "[astqueue]\ninbox = auto\ninbox_rate =\noutgoingdir = \"{0}/outgoing\"\n\
             stagingdir = \"{0}/staging\"\n",
            spool.display()
        );
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
        let home = Home { scratch, conf };
        Router { home, spool }
    }

    /// Boots: the filesystem is empty.
    fn boot(&self) -> Websmsd {
        let mut run = rig::command(Path::new("unshare"));
        run.args(["--user", "--map-root-user", "--mount", "sh", "-ec"]);
        let script = "mount -t tmpfs none \"$0\"; mkdir \"$0/outgoing\"; exec \"$@\"";
        run.arg(script).arg(&self.spool);
        run.arg(rig::binary()).arg("websmsd");
        run.arg("-c").arg(&self.home.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        Websmsd::spawn(run, Scratch::new())
    }

    /// Runs a script where the daemon's filesystems are, with the spool's path as `$0`.
    #[track_caller]
    fn within(&self, websmsd: &Websmsd, script: &str) {
        let mut run = rig::command(Path::new("nsenter"));
        run.args(["--user", "--mount", "--preserve-credentials", "-t"]);
        run.arg(websmsd.pid().to_string());
        run.args(["sh", "-ec", script]).arg(&self.spool);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(0), "{script}: {}{}", ran.stdout, ran.stderr);
    }

    fn files(&self, websmsd: &Websmsd) -> Vec<CallFile> {
        let root = format!("/proc/{}/root{}", websmsd.pid(), self.spool.display());
        let outgoing = PathBuf::from(root).join("outgoing");
        match outgoing.is_dir() {
            true => call_files(&outgoing),
            false => Vec::new(),
        }
    }

    /// Takes the call file for a number, once so many SMS have one, and waits until its SMS is forgotten.
    #[track_caller]
    fn take(&self, websmsd: &Websmsd, many: usize, to: &str) -> String {
        wait_for("call files", || self.files(websmsd).len() == many);
        let waiting = self.home.names("new").len();
        let mut files = self.files(websmsd).into_iter();
        let file = files.find(|file| file.value("Extension") == to).unwrap();
        fs::remove_file(&file.path).unwrap();
        wait_for("an SMS that is forgotten", || {
            self.home.names("new").len() == waiting - 1
        });
        file.body()
    }

    /// Takes call files until the inbox is empty; what they said.
    #[track_caller]
    fn take_all(&self, websmsd: &Websmsd) -> Vec<String> {
        let mut texts = Vec::new();
        wait_for("an empty inbox", || {
            for file in self.files(websmsd) {
                texts.push(file.body());
                fs::remove_file(file.path).unwrap();
            }
            self.home.names("new").is_empty()
        });
        texts
    }
}

#[track_caller]
fn send_to(websmsd: &Websmsd, to: usize, text: &str) {
    let body = format!("To=%2B{to}&From=Bank&Body={text}");
    assert_eq!(websmsd.post("/", FORM, body).status, 200, "{text}");
}

/// The texts in order, of which each number's begin with its digit.
#[track_caller]
fn check_order(texts: &[String], expected: &[&str]) {
    let of = |texts: &[&str], digit: char| -> Vec<String> {
        let of = texts.iter().filter(|text| text.starts_with(digit));
        of.map(|text| (*text).to_owned()).collect()
    };
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(texts.len(), expected.len(), "{texts:?}");
    for digit in '1'..='3' {
        assert_eq!(of(&texts, digit), of(expected, digit), "{texts:?}");
    }
}

#[test]
fn what_a_reboot_takes_from_the_spool_comes_again_and_nothing_else() {
    let router = Router::new();
    let websmsd = router.boot();
    for text in ["1a", "1b", "1c"] {
        send_to(&websmsd, 1, text);
    }
    send_to(&websmsd, 2, "2a");
    send_to(&websmsd, 3, "3a");
    // Asterisk has taken one before the current goes; the other two numbers have their call files.
    assert_eq!(router.take(&websmsd, 3, "+2"), "2a");
    wait_for("call files", || router.files(&websmsd).len() == 2);
    drop(websmsd);
    let websmsd = router.boot();
    check_order(&router.take_all(&websmsd), &["1a", "1b", "1c", "3a"]);
    drop(websmsd);
    let websmsd = router.boot();
    send_to(&websmsd, 1, "1d");
    check_order(&router.take_all(&websmsd), &["1d"]);
}

#[test]
fn slow_a_spool_that_is_mounted_anew_beside_a_running_daemon_gets_what_was_lost() {
    let router = Router::new();
    let websmsd = router.boot();
    send_to(&websmsd, 1, "1a");
    send_to(&websmsd, 1, "1b");
    send_to(&websmsd, 2, "2a");
    assert_eq!(router.take(&websmsd, 2, "+2"), "2a");
    // With its filesystem go the call files. What comes meanwhile waits.
    // The SMS is forgotten a moment before the folders are closed.
    router.within(&websmsd, "until umount \"$0\"; do sleep 0.05; done");
    send_to(&websmsd, 2, "2b");
    websmsd.wait_for_log("cannot deliver SMS, they wait in the inbox");
    assert_eq!(router.home.names("new").len(), 3);
    router.within(
        &websmsd,
        "mount -t tmpfs none \"$0\"; mkdir \"$0/outgoing\"",
    );
    check_order(&router.take_all(&websmsd), &["1a", "1b", "2b"]);
    // An empty one that is laid over it while it is in use tells nobody: a look finds it within 30 s.
    send_to(&websmsd, 3, "3a");
    wait_for("a call file", || router.files(&websmsd).len() == 1);
    router.within(
        &websmsd,
        "mount -t tmpfs none \"$0\"; mkdir \"$0/outgoing\"",
    );
    assert!(router.files(&websmsd).is_empty());
    let has_come = || !router.files(&websmsd).is_empty();
    assert!(holds_within(Duration::from_secs(120), has_come));
    check_order(&router.take_all(&websmsd), &["3a"]);
}
