//! Tests `rate` and `limit` through the real `websms` and `websmsd`: no SMS exceeds them, and none is
//! uncounted.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::rig::pbx::now_s;
use crate::rig::{self, Called, Itsp, Ran, Scratch, Script, Websmsd, finish, wait_for, websms};

/// A PBX: a configuration and its state.
struct Pbx {
    scratch: Scratch,
    conf: PathBuf,
}

impl Pbx {
    fn new(conf: &str) -> Pbx {
        // The counts of a day must not begin anew within a test. A day is one of UTC.
        wait_for("a day that lasts", || now_s() % 86_400 < 86_400 - 40);
        let scratch = Scratch::new();
        let conf = rig::spool_conf(&scratch, conf);
        let conf = scratch.file("websms.conf", conf);
        Pbx { scratch, conf }
    }

    /// Makes a PBX with one interface at `url`.
    fn with(url: &str, websms: &str, queue: &str) -> Pbx {
        Pbx::new(&format!(
            "[websms]\nhost = \"{url}\"\nauth_method = none\n{websms}\n[queue]\nretry = 1s\n{queue}\n"
        ))
    }

    fn send(&self, to: &str) -> Ran {
        websms(&self.conf, &["-v", "--", to, "alice", "x"])
    }

    #[track_caller]
    fn check(&self, to: &str, code: i32, words: &str) {
        let ran = self.send(to);
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }

    fn count(&self) -> PathBuf {
        self.scratch.join("state/quota/interface-/count")
    }

    /// Returns the exact number of the day's SMS.
    fn counted(&self) -> u64 {
        let file = fs::read_to_string(self.count()).unwrap();
        let exact = file.lines().last().unwrap().split(' ').nth(2).unwrap();
        exact.parse().unwrap()
    }

    /// Changes the file as a start of the system would find it.
    fn boot_anew(&self) {
        let file = fs::read_to_string(self.count()).unwrap();
        let boot = file.lines().nth(2).unwrap();
        fs::write(self.count(), file.replace(boot, "boot: another")).unwrap();
    }

    fn websmsd(&self) -> Websmsd {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&self.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        let websmsd = Websmsd::spawn(run, scratch);
        wait_for("a daemon that drains", || {
            let listed = websms(&self.conf, &["--queue"]).stdout;
            listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
        });
        websmsd
    }

    fn names(&self, place: &str) -> usize {
        let folder = self.scratch.join("state/queue").join(place);
        fs::read_dir(folder).map_or(0, Iterator::count)
    }

    fn failed(&self) -> String {
        let folder = self.scratch.join("state/queue/failed");
        let mut names = fs::read_dir(folder).unwrap();
        fs::read_to_string(names.next().unwrap().unwrap().path()).unwrap()
    }
}

#[test]
fn beyond_the_limit_an_sms_is_refused_and_the_reason_told() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 3/day", "");
    for number in 1..=3 {
        pbx.check(&format!("+{number}"), 0, "out SENT");
    }
    let words = "out REFUSED";
    pbx.check("+4", 1, words);
    pbx.check("+5", 1, "the interface's limit of 3/day is reached");
    assert_eq!(itsp.requests().len(), 3);
    assert_eq!(pbx.counted(), 3);
}

#[test]
fn beyond_the_rate_an_sms_fails_for_now() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "rate = 2/h", "");
    pbx.check("+1", 0, "out SENT");
    pbx.check("+2", 0, "out SENT");
    let words = "the interface's rate of 2/h is reached; no websmsd drains the queue";
    pbx.check("+3", 75, words);
    assert_eq!(itsp.requests().len(), 2);
}

#[test]
fn without_either_no_file_is_touched() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "", "");
    pbx.check("+1", 0, "out SENT");
    assert!(!pbx.scratch.join("state/quota").exists());
}

#[test]
fn twenty_at_once_are_counted_exactly() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 33/day\ntimeout = 30", "");
    let two = |number: usize| {
        let to = format!("+{number}");
        let codes = [pbx.send(&to).code, pbx.send(&to).code];
        codes.iter().filter(|code| **code == Some(0)).count()
    };
    let two = &two;
    let sent: usize = thread::scope(|scope| {
        let runs: Vec<_> = (0..20)
            .map(|number| scope.spawn(move || two(number)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    assert_eq!(sent, 33);
    assert_eq!(itsp.requests().len(), 33);
    assert_eq!(pbx.counted(), 33);
}

#[test]
fn after_a_start_of_the_system_the_reserve_counts_as_sent() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 20/day", "");
    pbx.check("+1", 0, "out SENT");
    assert_eq!(pbx.counted(), 1);
    pbx.boot_anew();
    pbx.check("+2", 0, "out SENT");
    // Two SMS might have followed the last sync.
    assert_eq!(pbx.counted(), 3);
}

#[test]
fn under_a_clock_that_is_not_set_the_limit_holds() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 2/day", "");
    let at = |clock: &str| {
        let mut run = rig::command(&rig::binary());
        run.arg("-c")
            .arg(&pbx.conf)
            .args(["--", "+1", "alice", "x"]);
        rig::set_clock(&mut run, clock);
        finish(run).code
    };
    assert_eq!(at("@1970-01-01 00:10:00"), Some(0));
    assert_eq!(at("@1970-01-03 00:10:00"), Some(0));
    assert_eq!(at("@1970-01-09 00:10:00"), Some(1));
    assert_eq!(at(""), Some(1));
    assert_eq!(at("+2d"), Some(0));
}

#[test]
fn a_count_that_another_holds_is_waited_for_a_second() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 2/day", "");
    pbx.check("+1", 0, "out SENT");
    let folder = File::open(pbx.count().parent().unwrap()).unwrap();
    folder.lock().unwrap();
    let begun = Instant::now();
    pbx.check("+2", 75, "another process holds the count");
    let took = begun.elapsed().as_secs();
    assert!((1..20).contains(&took), "{took} s");
    folder.unlock().unwrap();
    assert_eq!(itsp.requests().len(), 1);
    pbx.check("+3", 0, "out SENT");
}

#[test]
fn what_cannot_be_counted_is_not_sent() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 2/day", "");
    let state = pbx.scratch.folder("state");
    // A file stands in the place of a folder.
    fs::write(state.join("quota"), "").unwrap();
    pbx.check(
        "+1",
        75,
        "it cannot be counted for the interface's rate or limit",
    );
    fs::remove_file(state.join("quota")).unwrap();
    // The disk is full.
    let out = pbx.scratch.join("out");
    let script = format!(
        "mount -t tmpfs -o size=64k tmpfs '{state}' && dd if=/dev/zero of='{state}/filler' bs=1k; \
         '{program}' -v -c '{conf}' -- +1 alice x 2>'{out}'; echo $? >>'{out}'",
        state = state.display(),
        program = rig::binary().display(),
        conf = pbx.conf.display(),
        out = out.display(),
    );
    let child = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    rig::wait_for_exit(&mut child.expect("unshare, of the package util-linux, and root"));
    let told = fs::read_to_string(&out).unwrap();
    assert!(told.contains("rate or limit: the disk is full"), "{told}");
    assert!(told.ends_with("\n75\n"), "{told}");
    assert_eq!(itsp.connections(), 0);
}

#[test]
fn a_broken_count_is_set_aside_and_begins_anew() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "limit = 2/day", "");
    pbx.check("+1", 0, "out SENT");
    pbx.check("+2", 0, "out SENT");
    for broken in ["", "websms quota 2\nday: 1\n", &"x".repeat(5000)] {
        fs::write(pbx.count(), broken).unwrap();
        pbx.check("+3", 0, "no count of SMS: ");
        assert_eq!(pbx.counted(), 1);
        let bad = fs::read_to_string(pbx.count().with_extension("bad")).unwrap();
        assert_eq!(bad, broken);
    }
}

#[test]
fn the_queue_waits_for_the_rate_and_sends_no_more_than_it_allows() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "rate = 2/s", "first = yes");
    let websmsd = pbx.websmsd();
    // The daemon stands still until all wait, because a busy machine may queue no more than two per second.
    websmsd.signal("STOP");
    for number in 1..=6 {
        pbx.check(&format!("+{number}"), 0, "out QUEUED");
    }
    let begun = Instant::now();
    websmsd.signal("CONT");
    wait_for("all of them", || itsp.requests().len() == 6);
    // Two are sent per second: the last two not before the third.
    assert!(begun.elapsed().as_millis() >= 1000, "{:?}", begun.elapsed());
    wait_for("an empty queue", || pbx.names("new") == 0);
    let log = websmsd.log();
    assert!(log.contains("try=0: the interface's rate of 2/s"), "{log}");
    assert_eq!(pbx.names("failed"), 0);
    assert_eq!(pbx.counted(), 6);
}

#[test]
fn what_the_rate_holds_back_is_queued_untried() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "rate = 1/h", "");
    let websmsd = pbx.websmsd();
    pbx.check("+1", 0, "out SENT");
    pbx.check("+2", 0, "out QUEUED");
    websmsd.wait_for_log("out WAITS");
    let listed = websms(&pbx.conf, &["--queue"]).stdout;
    assert!(listed.contains("rate of 1/h is reached"), "{listed}");
    // A flush does not avoid the limit.
    let mut run = rig::command(&rig::binary());
    run.arg("-c").arg(&pbx.conf).arg("--flush");
    assert_eq!(finish(run).code, Some(75));
    assert_eq!(itsp.requests().len(), 1);
}

#[test]
fn beyond_the_limit_the_queue_gives_up_with_that_reason() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "limit = 2/day", "");
    let websmsd = pbx.websmsd();
    pbx.check("+1", 0, "out QUEUED");
    // Its second try is the last permitted one.
    wait_for("failed/", || pbx.names("failed") == 1);
    let failed = pbx.failed();
    assert!(
        failed.contains("\nreason: the interface's limit of 2/day is reached\n"),
        "{failed}"
    );
    websmsd.wait_for_log("out REFUSED");
    assert_eq!(itsp.connections(), 2);
    assert_eq!(pbx.names("new"), 0);
}

#[test]
fn a_fallback_counts_its_own() {
    let (first, second) = (Itsp::accepting(), Itsp::accepting());
    let pbx = Pbx::new(&format!(
        "[websms]\nauth_method = none\nhost[a] = \"{}\"\nhost[b] = \"{}\"\nfallback[a] = b\n\
         rate[a] = 1/h\nlimit[b] = 2/day\n",
        first.url(),
        second.url()
    ));
    let send = |to: &str| websms(&pbx.conf, &["-v", "-i", "a", "--", to, "alice", "x"]);
    let ran: Vec<_> = ["+1", "+2", "+3", "+4"].iter().map(|to| send(to)).collect();
    let codes: Vec<_> = ran.iter().map(|ran| ran.code).collect();
    assert_eq!(codes, [Some(0), Some(0), Some(0), Some(75)]);
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
    assert!(
        ran[3].stderr.contains("the interface's rate of 1/h"),
        "{}",
        ran[3].stderr
    );
    // If this interface is asked for directly, its limit ends the run.
    let ran = websms(&pbx.conf, &["-v", "-i", "b", "--", "+5", "alice", "x"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
}
