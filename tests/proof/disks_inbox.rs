//! Faults of every file call of the inbox, and death at any of them → no 200 without its SMS, no half file,
//! and each SMS once.
//!
//! `strace` injects them into the running daemon: into the thread that puts an SMS in, and into the one that
//! makes its call file, records the move and forgets it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::rig::{
    self, CallFile, Called, FORM, Http, Scratch, Tracer, Websmsd, call_files, post, wait_for,
};

/// Beside the calls that everything here makes.
const MORE_CALLS: [&str; 4] = ["fstat", "flock", "faccessat2", "inotify_add_watch"];

/// Spool and state that outlive a daemon.
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

    /// Takes call files until the inbox is empty; what they said.
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

/// A call file has all its lines, the last one ended.
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

/// One SMS; `None` where the connection ended without an answer.
fn send(websmsd: &Websmsd, text: &str) -> Option<u16> {
    let mut http = Http::connect(websmsd.address);
    http.send(post("/", FORM, format!("To=%2B1&From=Bank&Body={text}")));
    http.try_answer().map(|answer| answer.status)
}

/// How often a thread makes each file call for one SMS, at most, until it is forgotten.
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
                // The fault has gone, and so has its effect.
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
            // What Asterisk takes may be what it dies of.
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
                // Taken between the move and the record of it; the answer may not have come by then.
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
