//! Injects faults into every file call of the queue, and crashes at any of them: no SMS is lost, none half
//! queued.
//!
//! `strace` injects them into the real program: into a `websms` that queues, and into a `websms --flush`
//! that sends the waiting SMS with the same pass as `websmsd`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::rig::{self, Itsp, Scratch, Script, finish};

/// Further calls, beside those that every component makes.
const MORE_CALLS: [&str; 3] = ["mkdir", "flock", "read"];

/// A configuration whose queue was just flushed, so that it counts as drained.
struct Pbx {
    scratch: Scratch,
    conf: PathBuf,
}

impl Pbx {
    fn new(itsp: &Itsp) -> Pbx {
        let scratch = Scratch::new();
        let conf = format!(
            "[websms]\nhost = \"{}\"\nauth_method = none\n[queue]\nretry = 1s\n",
            itsp.url()
        );
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, &conf));
        let queue = scratch.folder("state/queue");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        fs::write(queue.join("flushed"), format!("{}\n", now.as_secs())).unwrap();
        for place in ["tmp", "new", "failed"] {
            fs::create_dir_all(queue.join(place)).unwrap();
        }
        Pbx { scratch, conf }
    }

    fn files(&self, place: &str) -> Vec<(String, String)> {
        let folder = self.scratch.join("state/queue").join(place);
        let mut files: Vec<(String, String)> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect();
        files.sort();
        files
    }

    fn empty(&self) {
        for place in ["tmp", "new", "failed"] {
            for (name, _) in self.files(place) {
                fs::remove_file(self.scratch.join("state/queue").join(place).join(name)).unwrap();
            }
        }
    }

    /// Runs the program under `strace`. Returns its exit code and the trace.
    fn traced(&self, options: &[&str], arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.scratch.join("trace");
        let mut run = rig::command(Path::new("strace"));
        run.args(["-f", "-o"]).arg(&output).args(options);
        run.arg(rig::binary())
            .arg("-c")
            .arg(&self.conf)
            .args(arguments);
        let ran = finish(run);
        (ran.code, fs::read_to_string(output).unwrap())
    }

    /// Returns how often the thread of the first `mark` makes each file call, from the first one on that
    /// touches the queue. The calls before it read the configuration and do not matter here.
    fn calls(&self, arguments: &[&str]) -> BTreeMap<(String, usize), ()> {
        let (_, trace) = self.traced(&["-e", "trace=all"], arguments);
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut calls = BTreeMap::new();
        let mut begun = false;
        for line in trace.lines() {
            let Some((thread, call)) = line.split_once(' ') else {
                continue;
            };
            let name = call.trim_start().split('(').next().unwrap();
            if !rig::is_file_call(name, &MORE_CALLS) {
                continue;
            }
            begun |= line.contains("queue\"");
            let count = seen
                .entry((thread.to_owned(), name.to_owned()))
                .or_insert(0);
            *count += 1;
            if begun {
                calls.insert((name.to_owned(), *count), ());
            }
        }
        assert!(calls.len() > 10, "{trace}");
        calls
    }
}

/// Checks that a queued SMS is whole.
fn is_whole(file: &str, text: &str) -> bool {
    file.starts_with("websms queue 1\nid: ")
        && file.ends_with(&format!("\ntext: {}\n\n{text}", text.len()))
}

const SEND: [&str; 4] = ["--", "+1", "alice", "hello"];

#[test]
fn slow_every_file_call_of_queueing_may_fail_or_be_the_last() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::new(&itsp);
    let calls = pbx.calls(&SEND);
    for needed in ["openat", "write", "fsync", "renameat"] {
        assert!(
            calls.keys().any(|(name, _)| name == needed),
            "{needed}: {calls:?}"
        );
    }
    pbx.empty();
    let (mut cases, mut injected, mut held, mut told) = (0, 0, 0, 0);
    for (name, nth) in calls.keys() {
        for fault in [
            "error=ENOSPC",
            "error=EIO",
            "error=EROFS",
            "error=EMFILE",
            "signal=SIGKILL",
        ] {
            let what = format!("{name} {nth} {fault}");
            let inject = format!("inject={name}:{fault}:when={nth}");
            let filter = format!("trace={name}");
            let (code, trace) = pbx.traced(&["-e", &filter, "-e", &inject], &SEND);
            cases += 1;
            injected += usize::from(trace.contains("(INJECTED)") || fault.starts_with("signal"));
            let files = pbx.files("new");
            assert!(
                files.iter().all(|(_, file)| is_whole(file, "hello")),
                "{what}: {files:?}"
            );
            match code {
                Some(0) => {
                    assert_eq!(files.len(), 1, "{what}: told that it is queued\n{trace}");
                    held += 1;
                }
                // The caller of a killed program knows of nothing, and may try again.
                None => assert!(files.len() <= 1, "{what}"),
                Some(_) => {
                    assert_eq!(files.len(), 0, "{what}: told that it is not\n{trace}");
                    told += 1;
                }
            }
            if code.is_some() && !name.starts_with("unlink") {
                assert!(
                    pbx.files("tmp").is_empty(),
                    "{what}: {:?}",
                    pbx.files("tmp")
                );
            }
            pbx.empty();
        }
    }
    println!(
        "-- queue: {cases} cases of queueing, {injected} faults injected, {held} queued, {told} told that they are not"
    );
    assert!(
        held > 10 && told > 10 && injected * 2 > cases,
        "{cases} {injected} {held} {told}"
    );
}

#[test]
fn slow_every_file_call_of_a_pass_may_fail_or_be_the_last() {
    let busy = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::new(&busy);
    let ran = Command::new(rig::binary())
        .arg("-c")
        .arg(&pbx.conf)
        .args(SEND)
        .status();
    assert_eq!(ran.unwrap().code(), Some(0));
    let (name, file) = pbx.files("new").remove(0);
    let itsp = Itsp::accepting();
    let conf = fs::read_to_string(&pbx.conf)
        .unwrap()
        .replace(&busy.url(), &itsp.url());
    fs::write(&pbx.conf, conf).unwrap();
    let plant = || {
        pbx.empty();
        for (place, to) in ["1", "2"].iter().enumerate() {
            // Each has another order and destination.
            let other = format!("{place:016x}{}", &name[16..33]);
            let other = format!("{other}-{place:016x}-{place:016x}");
            let file = file.replace("to: +1\n", &format!("to: +{to}\n"));
            fs::write(
                pbx.scratch
                    .join("state/queue/new")
                    .join(other.replace("--", "-")),
                file,
            )
            .unwrap();
        }
    };
    plant();
    let calls = pbx.calls(&["--flush"]);
    assert!(
        pbx.files("new").is_empty() && itsp.requests().len() == 2,
        "{:?}",
        pbx.files("new")
    );
    let (mut cases, mut doubles) = (0, 0);
    for (name, nth) in calls.keys() {
        for fault in [
            "error=ENOSPC",
            "error=EIO",
            "error=EMFILE",
            "signal=SIGKILL",
        ] {
            let what = format!("{name} {nth} {fault}");
            plant();
            let before = itsp.requests().len();
            let inject = format!("inject={name}:{fault}:when={nth}");
            let filter = format!("trace={name}");
            pbx.traced(&["-e", &filter, "-e", &inject], &["--flush"]);
            cases += 1;
            // The next run does what was not done.
            let mut flush = rig::command(&rig::binary());
            flush.arg("-c").arg(&pbx.conf).arg("--flush");
            let ran = finish(flush);
            assert_eq!(ran.code, Some(0), "{what}: {}{}", ran.stdout, ran.stderr);
            assert!(pbx.files("new").is_empty(), "{what}");
            let failed = pbx.files("failed");
            assert!(failed.is_empty(), "{what}: {failed:?}");
            let sent: Vec<String> = itsp.requests()[before..]
                .iter()
                .map(|it| it.form("To"))
                .collect();
            for to in ["+1", "+2"] {
                let times = sent.iter().filter(|other| *other == to).count();
                assert!(
                    times == 1 || times == 2,
                    "{what}: {to} was sent {times} times"
                );
                doubles += times - 1;
            }
        }
    }
    println!(
        "-- queue: {cases} faults and deaths in a pass of 2 SMS, none lost, {doubles} sent twice"
    );
    assert!(cases > 50 && doubles < cases, "{cases} {doubles}");
}
