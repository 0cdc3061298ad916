//! SMS that failed for now, through the real `websms` and `websmsd` → sent later, once, in order; or
//! given up, with the reason.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a test that panics has failed, which is its job"
)]

mod rig;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use websms::limits::{
    FLUSH_FAILURES_MAX, QUEUE_FAILED_MAX, QUEUE_FILE_BYTES_MAX, QUEUE_LOOKS_MAX, QUEUE_WRITE_PAUSE,
};
use websms::proto::envelope::interface;

use rig::{
    Called, Decision, Itsp, Ran, Received, Scratch, Script, Websmsd, deaf_address, finish,
    wait_for, websms,
};

/// A PBX: a configuration, its queue, and perhaps a daemon.
struct Pbx {
    scratch: Scratch,
    conf: PathBuf,
}

impl Pbx {
    fn new(conf: &str) -> Pbx {
        let scratch = Scratch::new();
        let conf = rig::spool_conf(&scratch, conf);
        let conf = scratch.file("websms.conf", conf);
        Pbx { scratch, conf }
    }

    /// One interface at `url`.
    fn with(url: &str, more: &str) -> Pbx {
        Pbx::new(&one(url, more))
    }

    /// Its daemon, which outlives no test.
    fn websmsd(&self) -> Websmsd {
        self.websmsd_at("")
    }

    /// The same under a clock of one's choice.
    fn websmsd_at(&self, clock: &str) -> Websmsd {
        // The daemon owns a folder of its own and works with ours.
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c")
            .arg(&self.conf)
            .args(["-l", "127.0.0.1:0", "-v"]);
        rig::set_clock(&mut run, clock);
        let websmsd = Websmsd::spawn(run, scratch);
        // Once it listens it still has to take the queue.
        wait_for("a daemon that drains", || {
            let listed = websms(&self.conf, &["--queue"]).stdout;
            listed.contains(" waiting, ") && !listed.contains("no websmsd drains")
        });
        websmsd
    }

    fn send(&self, to: &str, text: &str) -> Ran {
        websms(&self.conf, &["-v", "--", to, "alice", text])
    }

    #[track_caller]
    fn queued(&self, to: &str, text: &str) -> Ran {
        let ran = self.send(to, text);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
        ran
    }

    fn queue(&self) -> PathBuf {
        self.scratch.join("state").join("queue")
    }

    fn names(&self, place: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.queue().join(place)) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn files(&self, place: &str) -> Vec<String> {
        let read = |name: &String| fs::read(self.queue().join(place).join(name)).unwrap();
        let texts = self.names(place);
        texts
            .iter()
            .map(|name| String::from_utf8_lossy(&read(name)).into_owned())
            .collect()
    }

    #[track_caller]
    fn wait_until_empty(&self) {
        wait_for("an empty queue", || self.names("new").is_empty());
    }

    /// A message as an earlier run left it.
    fn plant(&self, order: u64, to: &str, item: &str) -> PathBuf {
        let folder = self.queue().join("new");
        fs::create_dir_all(&folder).unwrap();
        let name = format!("{order:016x}-{order:016x}-{:016x}-{:016x}", hash(to), 0);
        let path = folder.join(name);
        fs::write(&path, item).unwrap();
        path
    }
}

/// Different for different texts is all that is needed here.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(7, |hash, byte| hash * 31 + u64::from(byte))
}

fn one(url: &str, more: &str) -> String {
    format!(
        "[websms]\nhost = \"{url}\"\nauth_method = none\n[websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = 1s\n{more}\n"
    )
}

fn item(order: u64, to: &str, queued_s: u64, text: &str) -> String {
    format!(
        "websms queue 1\nid: {order:016x}\ninterface: \nto: {to}\nfrom: alice\nqueued: {queued_s}\n\
         tries: 1\nunsure: 0\ndue: 0\nreason: provider answered 503\ntext: {}\n\n{text}",
        text.len()
    )
}

fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn texts(requests: &[Received]) -> Vec<String> {
    requests
        .iter()
        .map(|request| request.form("Body"))
        .collect()
}

// ---- Out and back -----------------------------------------------------------------------------

#[test]
fn what_failed_for_now_is_sent_later_and_one_id_finds_it_all() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "{}")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let websmsd = pbx.websmsd();
    let ran = pbx.queued("+12025550183", "a\nb");
    let id = ran
        .stderr
        .split("QUEUED ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(id.len(), 16, "{}", ran.stderr);
    pbx.wait_until_empty();
    websmsd.wait_for_log(&format!("out SENT {id} to=+12025550183 from=alice"));
    assert_eq!(texts(&itsp.requests()), ["a\nb", "a\nb"]);
    assert!(pbx.names("failed").is_empty() && pbx.names("tmp").is_empty());
}

#[test]
fn a_waiting_message_is_a_file_to_be_read() {
    let pbx = Pbx::with(&format!("http://{}", deaf_address()), "");
    let _websmsd = pbx.websmsd();
    pbx.queued("+1", "hello");
    let file = pbx.files("new").remove(0);
    for line in [
        "websms queue 1\n",
        "\ninterface: \n",
        "\nto: +1\n",
        "\nfrom: alice\n",
        "\ntries: 1\n",
        "\nunsure: 0\n",
        "\nreason: connection refused\n",
        "\ntext: 5\n\nhello",
    ] {
        assert!(file.contains(line), "{line:?} in {file}");
    }
}

#[test]
fn without_somebody_who_drains_nothing_is_queued() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "first = yes");
    let ran = pbx.send("+1", "x");
    assert_eq!(ran.code, Some(75));
    let reason = "FAILED: provider answered 503; no websmsd drains the queue";
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    assert!(pbx.names("new").is_empty());
    assert_eq!(
        itsp.connections(),
        1,
        "first is ignored where nobody drains"
    );
}

#[test]
fn a_flush_of_the_last_day_counts_as_somebody_who_drains() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let check = |age_s: u64, code: i32| {
        fs::create_dir_all(pbx.queue()).unwrap();
        fs::write(
            pbx.queue().join("flushed"),
            format!("{}\n", now_s() - age_s),
        )
        .unwrap();
        let ran = pbx.send(&format!("+{age_s}"), "x");
        assert_eq!(ran.code, Some(code), "{age_s}: {}", ran.stderr);
    };
    let old = Itsp::start(vec![Script::reply(503, "")]);
    let other = Pbx::with(&old.url(), "");
    fs::create_dir_all(other.queue()).unwrap();
    fs::write(
        other.queue().join("flushed"),
        format!("{}\n", now_s() - 86_460),
    )
    .unwrap();
    assert_eq!(other.send("+1", "x").code, Some(75));
    check(86_000, 0);
    let ran = websms(&pbx.conf, &["--flush"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.ends_with(" sent\n"), "{}", ran.stdout);
}

#[test]
fn refused_later_goes_to_failed_with_its_reason() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(400, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    websmsd.wait_for_log("out REFUSED");
    wait_for("failed/", || pbx.names("failed").len() == 1);
    assert!(pbx.files("failed")[0].contains("\nreason: provider answered 400\n"));
    pbx.wait_until_empty();
    let listed = websms(&pbx.conf, &["--queue"]);
    assert!(
        listed.stdout.contains("0 waiting, 1 failed"),
        "{}",
        listed.stdout
    );
    assert!(listed.stdout.contains("failed to=+1 "), "{}", listed.stdout);
}

#[test]
fn first_hands_over_and_websmsd_sends_at_once() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "first = yes");
    let websmsd = pbx.websmsd();
    // Once the daemon listens it still has to take the queue.
    wait_for("a daemon that drains", || {
        pbx.send("+0", "warm").stderr.contains("QUEUED")
    });
    pbx.wait_until_empty();
    let before = itsp.requests().len();
    let mut waits = Vec::new();
    for number in 1..=20 {
        pbx.queued(&format!("+{number}"), "x");
        let start = Instant::now();
        wait_for("its sending", || itsp.requests().len() == before + number);
        waits.push(start.elapsed());
    }
    // The machine may be busy with other things now and then.
    waits.sort();
    assert!(waits[15] < Duration::from_millis(100), "{waits:?}");
    assert!(websmsd.log().contains("out SENT"));
}

// ---- Who waits for whom -----------------------------------------------------------------------

#[test]
fn an_sms_behind_another_one_waits_and_order_is_kept() {
    let failures = AtomicUsize::new(0);
    let script = move |request: &Received| match request.form("Body").as_str() {
        "1" if failures.fetch_add(1, Ordering::SeqCst) < 2 => (503, String::new()),
        _ => (200, String::new()),
    };
    let broken = Itsp::start(vec![Script::Decide(Decision(Arc::new(script)))]);
    let conf = format!(
        "[websms]\nauth_method = none\nhost[a] = \"{url}\"\nhost[b] = \"{url}\"\n\
         [websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = 1s\n",
        url = broken.url()
    );
    let pbx = Pbx::new(&conf);
    let _websmsd = pbx.websmsd();
    let send = |to: &str, text: &str, index: &str| {
        let ran = websms(&pbx.conf, &["-v", "--", to, "alice", text, index]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.stderr
    };
    assert!(send("+1", "1", "a").contains("QUEUED"));
    // The same number over another interface, and the same interface to another number.
    let waits = "an earlier SMS to this number waits";
    assert!(send("+1", "2", "b").contains(waits));
    assert!(send("+1", "3", "b").contains(waits));
    let down = "an earlier SMS failed for now on this interface";
    assert!(send("+2", "4", "a").contains(down));
    // Neither.
    assert!(send("+3", "5", "b").contains("SENT"));
    pbx.wait_until_empty();
    let sent: Vec<String> = broken
        .requests()
        .iter()
        .filter(|request| request.form("To") == "+1")
        .map(|request| request.form("Body"))
        .collect();
    assert_eq!(sent, ["1", "1", "1", "2", "3"]);
}

#[test]
fn an_interface_that_hangs_holds_up_no_other() {
    let (hangs, works) = (Itsp::start(vec![Script::HangUnread]), Itsp::accepting());
    let conf = format!(
        "[websms]\nauth_method = none\ntimeout = 5\nhost[slow] = \"{}\"\nhost[quick] = \"{}\"\n\
         [websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = 1s\nfirst = yes\n",
        hangs.url(),
        works.url()
    );
    let pbx = Pbx::new(&conf);
    let _websmsd = pbx.websmsd();
    wait_for("a daemon that drains", || {
        websms(&pbx.conf, &["-i", "slow", "--", "+1", "a", "x"])
            .stderr
            .contains("QUEUED")
    });
    wait_for("the slow one's turn", || hangs.connections() > 0);
    let start = Instant::now();
    for number in 2..12 {
        let ran = websms(
            &pbx.conf,
            &["-i", "quick", "--", &format!("+{number}"), "a", "x"],
        );
        assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    }
    wait_for("the quick ones", || works.requests().len() == 10);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn while_an_interface_is_down_the_others_files_are_not_touched() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    for number in 1..=20 {
        let to = format!("+{number}");
        let text = item(number, &to, now_s(), "x").replace("tries: 1", "tries: 0");
        pbx.plant(number, &to, &text);
    }
    let _websmsd = pbx.websmsd();
    wait_for("three probes", || itsp.connections() >= 3);
    let tried = pbx
        .files("new")
        .iter()
        .filter(|file| !file.contains("tries: 0"))
        .count();
    assert!((1..=itsp.connections()).contains(&tried), "{tried}");
    assert!(itsp.connections() < 10, "{}", itsp.connections());
}

/// What the system says of a process: memory in KiB, processor time in ticks.
fn costs(pid: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let memory_kib = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<u64> = stat
        .rsplit(") ")
        .next()
        .unwrap()
        .split(' ')
        .skip(11)
        .take(2)
        .map(|it| it.parse().unwrap())
        .collect();
    (memory_kib, fields[0] + fields[1])
}

#[test]
fn slow_a_thousand_that_wait_cost_next_to_nothing() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let fill = |pbx: &Pbx, many: u64| {
        for number in 1..=many {
            let to = format!("+{number}");
            pbx.plant(
                number,
                &to,
                &item(number, &to, now_s(), "a text of the usual length"),
            );
        }
    };
    let of = |many: u64| {
        let pbx = Pbx::with(&itsp.url(), "retry = 1h");
        fill(&pbx, many);
        let tries = itsp.connections();
        let websmsd = pbx.websmsd();
        wait_for("the first try", || itsp.connections() > tries);
        websmsd.wait_for_log("out WAITS");
        let stamps = |pbx: &Pbx| -> Vec<_> {
            let names = pbx.names("new");
            let path = |name: &String| pbx.queue().join("new").join(name);
            names
                .iter()
                .map(|name| path(name).metadata().unwrap().modified().unwrap())
                .collect()
        };
        let (memory_kib, ticks) = costs(websmsd.pid());
        let before = stamps(&pbx);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(100));
        }
        let (_, later) = costs(websmsd.pid());
        assert_eq!(stamps(&pbx), before, "files were touched");
        (memory_kib, later - ticks)
    };
    let (one_kib, _) = of(1);
    let (thousand_kib, ticks) = of(1000);
    println!(
        "-- queue: 1,000 waiting cost {} KiB and {ticks} ticks in 3 s",
        thousand_kib.saturating_sub(one_kib)
    );
    assert!(thousand_kib <= one_kib + 1024, "{one_kib} {thousand_kib}");
    assert!(ticks <= 1, "{ticks} ticks in 3 s");
    assert_eq!(itsp.connections(), 2);
}

// ---- Other interfaces -------------------------------------------------------------------------

fn two(first: &str, second: &str, more: &str) -> String {
    format!(
        "[websms]\nauth_method = none\ntimeout = 4\nhost[first] = \"{first}\"\n\
         host[second] = \"{second}\"\nfallback[first] = second\n\
         [websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = 1s\n{more}\n"
    )
}

#[test]
fn the_fallback_is_tried_in_the_same_run_and_no_daemon_is_needed() {
    let works = Itsp::accepting();
    for first in [
        format!("http://{}", deaf_address()),
        Itsp::start(vec![Script::reply(503, "")]).url(),
    ] {
        let pbx = Pbx::new(&two(&first, &works.url(), ""));
        let ran = websms(&pbx.conf, &["-v", "-i", "first", "--", "+1", "a", "x"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stderr.contains("out SENT"), "{}", ran.stderr);
    }
    assert_eq!(works.requests().len(), 2);
}

#[test]
fn a_fallback_is_named_and_so_is_who_failed_before_it() {
    let fails = Itsp::start(vec![Script::reply(500, "")]);
    let works = Itsp::accepting();
    let pbx = Pbx::new(&two(&fails.url(), &works.url(), ""));
    let ran = websms(&pbx.conf, &["-v", "-i", "first", "--", "+1", "a", "x"]);
    let [waits, sent] = ["out WAITS", "out SENT"].map(|word| {
        let mut lines = ran.stderr.lines();
        lines.find(|line| line.contains(word)).expect(word)
    });
    let first = "interface=first try=1: provider answered 500";
    assert!(waits.ends_with(first), "{waits}");
    assert!(sent.contains(" interface=second "), "{sent}");
}

#[test]
fn an_interface_that_hangs_leaves_its_fallback_time() {
    let (hangs, works) = (Itsp::start(vec![Script::HangUnread]), Itsp::accepting());
    let pbx = Pbx::new(&two(&hangs.url(), &works.url(), ""));
    // A request that is too long for the socket's buffers is not written whole.
    let text = "x".repeat(120_000);
    let start = Instant::now();
    let texts = [text.clone(), text].concat();
    let ran = websms(
        &pbx.conf,
        &[
            "-i",
            "first",
            "--",
            "+1",
            "a",
            texts.get(..120_000).unwrap(),
        ],
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(matches!(ran.code, Some(0 | 75)), "{}", ran.stderr);
}

#[test]
fn one_that_may_have_been_sent_is_not_given_to_the_fallback() {
    let (lost, other) = (Itsp::start(vec![Script::Close]), Itsp::accepting());
    let pbx = Pbx::new(&two(&lost.url(), &other.url(), ""));
    let websmsd = pbx.websmsd();
    let ran = websms(&pbx.conf, &["-v", "-i", "first", "--", "+1", "a", "x"]);
    assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("it may have been sent"),
        "{}",
        ran.stderr
    );
    // The first and two more, then it is the operator's.
    wait_for("failed/", || pbx.names("failed").len() == 1);
    websmsd.wait_for_log("out FAILED");
    assert_eq!(lost.requests().len(), 3);
    assert_eq!(other.connections(), 0);
    let file = pbx.files("failed").remove(0);
    assert!(file.contains("\nreason: it may have been sent: "), "{file}");
    assert!(file.contains("\nunsure: 3\n"), "{file}");
}

#[test]
fn one_that_may_have_been_sent_is_tried_twice_more_whatever_comes() {
    let itsp = Itsp::start(vec![Script::Close, Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let _websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    wait_for("failed/", || pbx.names("failed").len() == 1);
    assert_eq!(itsp.requests().len(), 3);
    let file = pbx.files("failed").remove(0);
    let reason = "\nreason: it may have been sent before; last: provider answered 503\n";
    assert!(file.contains(reason), "{file}");
}

#[test]
fn one_that_always_fails_alone_holds_up_nobody_for_long() {
    let itsp = refusing_for_now("+1");
    let pbx = Pbx::with(&itsp.url(), "retry = 1s,60s");
    let _websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    // Now its own pause is a minute, and the interface's is still a second.
    wait_for("its tries", || itsp.requests().len() == 3);
    let start = Instant::now();
    pbx.queued("+2", "x");
    wait_for("the other", || itsp.requests().len() == 4);
    assert!(start.elapsed() < Duration::from_secs(5));
    wait_for("an end to it", || pbx.names("new").len() == 1);
}

#[test]
fn tries_are_counted_whether_they_are_written_down_or_not() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "expire = 5s");
    let websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    websmsd.wait_for_log(" try=3: provider answered 503");
    wait_for("failed/", || pbx.names("failed").len() == 1);
    let tries = itsp.requests().len();
    let file = pbx.files("failed").remove(0);
    assert!(file.contains(&format!("\ntries: {tries}\n")), "{file}");
    assert!(
        file.contains("\nreason: expired; last: provider answered 503\n"),
        "{file}"
    );
}

#[test]
fn retry_after_counts_up_to_the_longest_pause() {
    let busy = Script::Reply {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "3".to_owned())],
        body: Vec::new(),
    };
    let itsp = Itsp::start(vec![busy, Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "retry = 1s,2s,1h");
    let _websmsd = pbx.websmsd();
    let start = Instant::now();
    pbx.queued("+1", "x");
    pbx.wait_until_empty();
    let took = start.elapsed();
    assert!(
        took > Duration::from_secs(2) && took < Duration::from_secs(6),
        "{took:?}"
    );
}

// ---- What is not well -------------------------------------------------------------------------

#[test]
fn bad_files_are_set_aside_and_the_good_go_out() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "");
    let good = item(1, "+1", now_s(), "good");
    pbx.plant(1, "+1", &good);
    pbx.plant(2, "+2", good.get(..good.len() - 2).unwrap());
    pbx.plant(3, "+3", "nonsense");
    pbx.plant(4, "+4", &good.replace("queue 1", "queue 2"));
    pbx.plant(5, "+5", &good.replace("to: +1", "to: +1,+2"));
    let place = pbx.plant(6, "+6", "");
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    pbx.plant(7, "+7", &item(7, "+7", now_s(), "also good"));
    fs::write(pbx.queue().join("new/README"), "mine").unwrap();
    let websmsd = pbx.websmsd();
    wait_for("the good", || itsp.requests().len() == 2);
    wait_for("the bad", || pbx.names("failed").len() == 5);
    let log = websmsd.log();
    for why in [
        "it is cut",
        "its first line is not of this version",
        "its line to is missing or wrong",
        "not a regular file",
    ] {
        assert!(log.contains(why), "{why} in\n{log}");
    }
    assert_eq!(pbx.names("new"), ["README"]);
    let listed = websms(&pbx.conf, &["--queue", "--json"]).stdout;
    assert_eq!(
        listed
            .matches("\"reason\":\"no message, set aside\"")
            .count(),
        5,
        "{listed}"
    );
}

#[test]
fn a_queue_that_cannot_take_it_says_why() {
    let check = |pbx: &Pbx, expected: &str| {
        let ran = pbx.send("+1", "x");
        assert_eq!(ran.code, Some(75), "{expected}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
        assert!(pbx.names("tmp").is_empty());
    };
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let full = Pbx::with(&itsp.url(), "max = 1\nretry = 1h");
    let _websmsd = full.websmsd();
    full.queued("+2", "x");
    check(&full, "the queue holds 1 messages, its limit");
    let blocked = Pbx::with(&itsp.url(), "");
    let _websmsd = blocked.websmsd();
    wait_for("a daemon that drains", || {
        blocked.queue().join("lock").exists()
    });
    fs::remove_dir_all(blocked.queue().join("tmp")).unwrap();
    fs::write(blocked.queue().join("tmp"), "in its place").unwrap();
    let ran = blocked.send("+1", "x");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the queue cannot take it: "),
        "{}",
        ran.stderr
    );
}

/// A shell in a mount namespace of its own, where `folder` is a small disk.
fn on_a_small_disk(folder: &Path, script: &str) -> Child {
    let mount = format!(
        "mount -t tmpfs -o size=64k tmpfs '{}' && {script}",
        folder.display()
    );
    Command::new("unshare")
        .args(["--mount", "sh", "-c", &mount])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("unshare, of the package util-linux, and root")
}

#[test]
fn a_full_disk_is_told_and_nothing_half_is_left() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "retry = 1h");
    let state = pbx.scratch.folder("state");
    let out = pbx.scratch.join("out");
    let fill = format!(
        "mkdir -p '{state}/queue' && date +%s >'{state}/queue/flushed' && \
         '{program}' -c '{conf}' -- +1 alice first; \
         dd if=/dev/zero of='{state}/filler' bs=1k 2>/dev/null; \
         '{program}' -c '{conf}' -- +2 alice second 2>'{out}'; echo $? >>'{out}'; \
         ls '{state}/queue/tmp' '{state}/queue/new' >>'{out}'",
        state = state.display(),
        program = rig::binary().display(),
        conf = pbx.conf.display(),
        out = out.display(),
    );
    let mut child = on_a_small_disk(&state, &fill);
    rig::wait_for_exit(&mut child);
    let told = fs::read_to_string(&out).unwrap();
    assert!(
        told.contains("the queue cannot take it: the disk is full\n75\n"),
        "{told}"
    );
    assert_eq!(
        told.matches("-000000").count() + told.matches("\n000").count(),
        1,
        "{told}"
    );
}

#[test]
fn a_clock_that_is_not_set_makes_nothing_old() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "expire = 2s");
    // Under 1970 a message gets no time, and waits whatever its age.
    pbx.plant(1, "+1", &item(1, "+1", 0, "no time"));
    pbx.plant(2, "+2", &item(2, "+2", 1_795_392_000, "an old one"));
    let websmsd = pbx.websmsd_at("@1970-01-01 00:10:00");
    wait_for("tries", || itsp.connections() > 4);
    assert_eq!(pbx.names("new").len(), 2, "{}", websmsd.log());
    drop(websmsd);
    // Now it is set: the one gets its time and then its end, the other its end.
    let websmsd = pbx.websmsd();
    wait_for("the end of both", || pbx.names("failed").len() == 2);
    assert!(websmsd.log().contains("expired"), "{}", websmsd.log());
}

#[test]
fn a_clock_that_goes_back_an_hour_holds_up_nothing() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "retry = 1s,2s");
    let text =
        item(1, "+1", now_s() + 3600, "x").replace("due: 0", &format!("due: {}", now_s() + 3600));
    pbx.plant(1, "+1", &text);
    let _websmsd = pbx.websmsd();
    pbx.wait_until_empty();
    assert!(pbx.names("failed").is_empty());
}

#[test]
fn a_folder_that_is_removed_is_made_again_and_drained() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let _websmsd = pbx.websmsd();
    fs::remove_dir_all(pbx.queue())
        .or_else(|_| fs::remove_dir_all(pbx.queue()))
        .unwrap_or(());
    wait_for("a daemon that drains again", || {
        !websms(&pbx.conf, &["--queue"])
            .stdout
            .contains("no websmsd drains")
    });
    pbx.queued("+1", "x");
    pbx.wait_until_empty();
    assert_eq!(itsp.requests().len(), 2);
}

// ---- Limits -----------------------------------------------------------------------------------

#[test]
fn failed_holds_so_many_and_lets_the_oldest_go() {
    let check = |held: usize, gone: bool| {
        let itsp = Itsp::start(vec![Script::reply(400, "")]);
        let pbx = Pbx::with(&itsp.url(), "");
        pbx.plant(9_999, "+1", &item(9_999, "+1", now_s(), "x"));
        let failed = pbx.queue().join("failed");
        fs::create_dir_all(&failed).unwrap();
        for order in 1..=held {
            fs::write(
                failed.join(format!("{order:016x}-{order:016x}-{0:016x}-{0:016x}", 0)),
                "",
            )
            .unwrap();
        }
        let oldest = pbx.names("failed").remove(0);
        let mut run = rig::command(&rig::binary());
        run.arg("-c").arg(&pbx.conf).args(["-v", "--flush"]);
        let ran = finish(run);
        let names = pbx.names("failed");
        assert_eq!(names.len(), QUEUE_FAILED_MAX);
        assert_eq!(!names.contains(&oldest), gone, "{held}");
        assert!(names[QUEUE_FAILED_MAX - 1].contains("270f"), "the new one");
        let told = "queue 0000000000000001: dropped from failed/, which is full";
        assert_eq!(ran.stderr.contains(told), gone, "{}", ran.stderr);
    };
    check(QUEUE_FAILED_MAX - 1, false);
    check(QUEUE_FAILED_MAX, true);
}

#[test]
fn the_longest_text_of_a_command_line_fits_the_queue() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let _websmsd = pbx.websmsd();
    // Linux takes no argument beyond 128 KiB.
    let text = "x".repeat(128 * 1024 - 1);
    pbx.queued("+1", &text);
    pbx.wait_until_empty();
    assert_eq!(itsp.requests()[1].form("Body"), text);
}

#[test]
fn a_file_that_is_too_long_is_no_message() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "");
    let long = |bytes: usize| {
        let with = |text: usize| item(1, "+1", now_s(), &"x".repeat(text));
        let item = with(2 * bytes - with(bytes).len());
        assert_eq!(item.len(), bytes);
        item
    };
    let flush = || websms(&pbx.conf, &["--flush"]);
    pbx.plant(1, "+1", &long(QUEUE_FILE_BYTES_MAX));
    flush();
    assert_eq!(itsp.requests().len(), 1);
    assert_eq!(pbx.names("failed").len(), 0);
    pbx.plant(1, "+1", &long(QUEUE_FILE_BYTES_MAX + 1));
    flush();
    assert_eq!(itsp.requests().len(), 1);
    assert!(pbx.names("failed")[0].ends_with(".bad"));
}

#[test]
fn a_crowd_that_waits_is_not_looked_through() {
    let check = |held: usize, status: &str| {
        let itsp = Itsp::accepting();
        let pbx = Pbx::with(&itsp.url(), "");
        // Somebody flushes daily, so what is put in will be sent.
        websms(&pbx.conf, &["--flush"]);
        let digest = interface("");
        for order in 1..=held {
            let to = format!("+{order}00");
            let order = u64::try_from(order).unwrap();
            let untried = item(order, &to, now_s(), "x").replace("tries: 1", "tries: 0");
            let path = pbx.plant(order, &to, &untried);
            let name = path.file_name().unwrap().to_str().unwrap();
            let name = format!("{}{digest:016x}", &name[..name.len() - 16]);
            fs::rename(&path, path.with_file_name(name)).unwrap();
        }
        let ran = pbx.send("+1", "x");
        assert!(ran.stderr.contains(status), "{held}: {}", ran.stderr);
    };
    check(QUEUE_LOOKS_MAX, "out SENT");
    check(QUEUE_LOOKS_MAX + 1, "out QUEUED");
}

// ---- Flushing ---------------------------------------------------------------------------------

#[test]
fn a_flush_beside_websmsd_makes_it_try_everything() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let pbx = Pbx::with(&itsp.url(), "retry = 1h");
    let _websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    wait_for("its waiting", || {
        websms(&pbx.conf, &["--queue"])
            .stdout
            .contains(" waits to=+1 ")
    });
    let ran = websms(&pbx.conf, &["--flush"]);
    assert_eq!(ran.code, Some(0), "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stdout.ends_with(" sent\n"), "{}", ran.stdout);
    assert_eq!(itsp.requests().len(), 2);
    assert!(!pbx.queue().join("flush").exists());
}

#[test]
fn a_flush_that_leaves_something_says_so() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "retry = 1h");
    for number in 1..=5 {
        let to = format!("+{number}");
        pbx.plant(number, &to, &item(number, &to, now_s(), "x"));
    }
    let ran = websms(&pbx.conf, &["--flush"]);
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    for number in 1..=5 {
        let line = format!("000000000000000{number} waits to +{number}: provider answered 503");
        assert!(ran.stdout.contains(&line), "{}", ran.stdout);
    }
    // A provider that is away does not take the time of each.
    assert_eq!(itsp.connections(), FLUSH_FAILURES_MAX);
}

/// A provider that takes all SMS but those to one number.
fn refusing_for_now(to: &'static str) -> Itsp {
    let script = move |request: &Received| match request.form("To") == to {
        true => (500, String::new()),
        false => (200, String::new()),
    };
    Itsp::start(vec![Script::Decide(Decision(Arc::new(script)))])
}

#[test]
fn a_flush_gets_past_one_that_always_fails() {
    let itsp = refusing_for_now("+1");
    let pbx = Pbx::with(&itsp.url(), "retry = 1h");
    for number in 1..=6 {
        let to = format!("+{number}");
        pbx.plant(number, &to, &item(number, &to, now_s(), "x"));
    }
    let ran = websms(&pbx.conf, &["--flush"]);
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert_eq!(itsp.requests().len(), 6);
    assert_eq!(pbx.names("new").len(), 1);
}

#[test]
fn a_flush_writes_down_its_tries_but_at_most_once_an_hour() {
    let itsp = refusing_for_now("+1");
    let pbx = Pbx::with(&itsp.url(), "");
    pbx.plant(1, "+1", &item(1, "+1", now_s(), "x"));
    websms(&pbx.conf, &["--flush"]);
    let file = pbx.files("new").remove(0);
    assert!(file.contains("\ntries: 1\n"), "{file}");
    let path = pbx.queue().join("new").join(&pbx.names("new")[0]);
    let long_ago = std::time::SystemTime::now() - QUEUE_WRITE_PAUSE - Duration::from_secs(9);
    let planted = fs::File::options().write(true).open(path).unwrap();
    planted.set_modified(long_ago).unwrap();
    websms(&pbx.conf, &["--flush"]);
    let file = pbx.files("new").remove(0);
    assert!(file.contains("\ntries: 2\n"), "{file}");
    assert!(file.contains("\nreason: provider answered 500\n"), "{file}");
}

#[test]
fn two_flushes_at_once_send_nothing_twice() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "");
    for number in 1..=30 {
        let to = format!("+{number}");
        pbx.plant(number, &to, &item(number, &to, now_s(), &to));
    }
    let flush = || {
        let mut run = rig::command(&rig::binary());
        run.arg("-c").arg(&pbx.conf).arg("--flush");
        finish(run)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..3).map(|_| scope.spawn(flush)).collect();
        for other in others {
            assert_eq!(other.join().unwrap().code, Some(0));
        }
    });
    let mut sent = texts(&itsp.requests());
    sent.sort();
    sent.dedup();
    assert_eq!((itsp.requests().len(), sent.len()), (30, 30));
}

#[test]
fn a_list_holds_no_text_and_needs_a_queue() {
    let pbx = Pbx::with("http://127.0.0.1:9", "");
    pbx.plant(1, "+1", &item(1, "+1", now_s() - 90, "a secret text"));
    let text = websms(&pbx.conf, &["--queue"]);
    assert_eq!(text.code, Some(0), "{}", text.stderr);
    assert!(
        text.stdout
            .starts_with("1 waiting, 0 failed; no websmsd drains the queue\n"),
        "{}",
        text.stdout
    );
    assert!(
        text.stdout
            .contains("0000000000000001 waits to=+1 interface=- age=1m3"),
        "{}",
        text.stdout
    );
    assert!(
        text.stdout
            .contains("tries=1 next=when its turn comes: provider answered 503"),
        "{}",
        text.stdout
    );
    let json = websms(&pbx.conf, &["--queue", "--json"]).stdout;
    assert!(
        json.starts_with("{\"drained\":false,\"waiting\":[{\"id\":\"0000000000000001\""),
        "{json}"
    );
    assert!(!text.stdout.contains("secret") && !json.contains("secret"));
    let none = Pbx::new("[websms]\nauth_method = none\n[queue]\ndir = \"\"\n");
    for option in ["--queue", "--flush"] {
        let ran = websms(&none.conf, &[option]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.contains("there is no queue"), "{}", ran.stderr);
    }
}
