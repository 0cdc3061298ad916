//! Tests SMS that failed temporarily, through the real `websms` and `websmsd`: they are sent later, once
//! and in order, or given up with the reason.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::rig::pbx::{Pbx, item, now_s, refusing_for_now, texts};
use crate::rig::{self, Decision, Itsp, Received, Script, deaf_address, wait_for, websms};

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
        "\nreason: connection refused: 127.0.0.1:",
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
    let reason = "provider answered 503; no websmsd drains the queue";
    assert!(ran.tells("FAILED", reason), "{}", ran.stderr);
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

/// A router without a battery begins in 1970, and its cron may flush before the clock is set.
#[test]
fn a_flush_counts_while_the_clock_is_not_set_and_after_it_is() {
    let check = |clock: &str, flushed_s: u64, code: i32| {
        let itsp = Itsp::start(vec![Script::reply(503, "")]);
        let pbx = Pbx::with(&itsp.url(), "");
        fs::create_dir_all(pbx.queue().join("tmp")).unwrap();
        let stamp = pbx.queue().join("flushed");
        fs::write(&stamp, format!("{flushed_s}\n")).unwrap();
        let mut run = Command::new(rig::binary());
        run.arg("-c")
            .arg(&pbx.conf)
            .args(["-v", "--", "+1", "a", "x"]);
        rig::set_clock(&mut run, clock);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(code), "{clock} {flushed_s}: {}", ran.stderr);
        let stamped = fs::read_to_string(stamp).unwrap();
        stamped.trim().parse::<u64>().unwrap()
    };
    let now_s = now_s();
    let kept = check("@1970-01-01 00:10:00", now_s, 0);
    assert_eq!(kept, now_s);
    check("@1970-01-01 00:10:00", 900, 0);
    let stamped = check("", 900, 0);
    assert!(stamped >= now_s, "{stamped}");
    check("", now_s + 3600, 0);
    check("", now_s + 90_000, 75);
}

#[test]
fn a_umask_that_leaves_nothing_hinders_nobody() {
    let pbx = Pbx::with("http://127.0.0.1:9", "");
    let program = pbx.scratch.join("websms");
    rig::copy_program(&rig::binary(), &program);
    let nobody = 65_534;
    for path in [pbx.scratch.join(""), pbx.conf.clone(), program.clone()] {
        chown(&path, Some(nobody), Some(nobody)).unwrap();
    }
    let mut run = Command::new("sh");
    run.args(["-c", "umask 0777; exec \"$0\" -c \"$1\" --flush"]);
    run.args([&program, &pbx.conf])
        .uid(nobody)
        .gid(nobody)
        .current_dir("/");
    let ran = rig::finish(run);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let folder = pbx.queue();
    for folder in [folder.join("new"), folder] {
        let mode = fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
    }
}

#[test]
fn a_flush_does_not_call_sent_what_it_could_not_read() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    assert_eq!(websms(&pbx.conf, &["--flush"]).code, Some(0));
    pbx.queued("+1", "x");
    let file = pbx.queue().join("new").join(&pbx.names("new")[0]);
    fs::write(&file, "no message").unwrap();
    let ran = websms(&pbx.conf, &["--flush"]);
    assert!(
        ran.stdout.ends_with(" failed: its file cannot be read\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(pbx.names("failed").len(), 1);
}

#[test]
fn what_may_have_been_sent_and_ends_another_way_says_so() {
    let check = |later: Script, more: &str, end: &str| {
        let itsp = Itsp::start(vec![Script::Close, later]);
        let pbx = Pbx::with(&itsp.url(), more);
        let websmsd = pbx.websmsd();
        pbx.queued("+1", "x");
        wait_for("failed/", || pbx.names("failed").len() == 1);
        let reason = format!("it may have been sent before; {end}");
        websmsd.wait_for_log(&reason);
        let file = pbx.files("failed").remove(0);
        assert!(file.contains(&format!("\nreason: {reason}\n")), "{file}");
    };
    check(Script::reply(400, ""), "", "provider answered 400");
    check(
        Script::reply(503, ""),
        "retry = 6s\nexpire = 10s",
        "expired; last: provider answered 503",
    );
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

/// Runs a provider that answers `status` to SMS for `to` while `refuses` is set, and takes all others.
fn forbidding(to: &'static str, status: u16, refuses: Arc<AtomicBool>) -> Itsp {
    let script = move |request: &Received| {
        let is_it = to.is_empty() || request.form("To") == to;
        match is_it && refuses.load(Ordering::SeqCst) {
            true => (status, r#"{"message":"Not for you"}"#.to_owned()),
            false => (200, String::new()),
        }
    };
    Itsp::start(vec![Script::Decide(Decision(Arc::new(script)))])
}

#[test]
fn an_account_that_is_refused_loses_no_sms() {
    let check = |status| {
        let refuses = Arc::new(AtomicBool::new(true));
        let itsp = forbidding("", status, Arc::clone(&refuses));
        let pbx = Pbx::with(&itsp.url(), "");
        for order in 1..=5 {
            let to = format!("+{order}");
            pbx.plant(order, &to, &item(order, &to, now_s(), "x"));
        }
        // An operator who has replaced a token does this.
        let ran = websms(&pbx.conf, &["--flush"]);
        assert_eq!(pbx.names("new").len(), 5, "{status}: {}", ran.stdout);
        assert!(pbx.names("failed").is_empty());
        let websmsd = pbx.websmsd();
        websmsd.wait_for_log("the account is refused: ");
        websmsd.wait_for_log("where there is a queue");
        let before = itsp.requests().len();
        wait_for("further tries", || itsp.requests().len() >= before + 2);
        let why = format!("provider answered {status}: Not for you");
        assert!(websmsd.log().contains(&why), "{}", websmsd.log());
        let told = websmsd.log().matches("the account is refused").count();
        assert_eq!(told, 1, "{}", websmsd.log());
        refuses.store(false, Ordering::SeqCst);
        pbx.wait_until_empty();
        assert!(pbx.names("failed").is_empty());
    };
    // These run at once, because each waits for seconds.
    std::thread::scope(|scope| {
        for status in [401, 402, 407] {
            scope.spawn(move || check(status));
        }
    });
}

#[test]
fn one_that_is_forbidden_holds_up_nobody_and_is_given_up_when_others_go() {
    let refuses = Arc::new(AtomicBool::new(true));
    let itsp = forbidding("+1", 403, refuses);
    let pbx = Pbx::with(&itsp.url(), "");
    let websmsd = pbx.websmsd();
    pbx.queued("+1", "forbidden");
    let tries = || {
        let all = itsp.requests();
        all.iter().filter(|r| r.form("To") == "+1").count()
    };
    // This one alone is tried again and again, because it may be the account's fault.
    wait_for("four tries", || tries() >= 4);
    assert!(pbx.names("failed").is_empty());
    assert!(pbx.files("new")[0].starts_with("websms queue 2\n"));
    // An SMS to another number is sent at once, by the program itself and not by the queue.
    let ran = pbx.send("+2", "another");
    assert!(ran.stderr.contains("out SENT"), "{}", ran.stderr);
    let behind = pbx.send("+1", "behind it");
    assert!(behind.stderr.contains("QUEUED"), "{}", behind.stderr);
    // Only the daemon's own count shows that others were sent meanwhile.
    let ran = pbx.send("+3", "x");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    pbx.plant(9, "+4", &item(9, "+4", now_s(), "x"));
    wait_for("failed/", || !pbx.names("failed").is_empty());
    let reason = "\nreason: provider answered 403: Not for you\n";
    assert!(
        pbx.files("failed")[0].contains(reason),
        "{:?}",
        pbx.files("failed")
    );
    websmsd.wait_for_log("out REFUSED");
}

#[test]
fn a_forbidden_one_goes_to_no_fallback() {
    let refuses = Arc::new(AtomicBool::new(true));
    let (first, second) = (forbidding("", 403, refuses), Itsp::accepting());
    let pbx = Pbx::new(&two(&first.url(), &second.url(), ""));
    let _websmsd = pbx.websmsd();
    let ran = websms(&pbx.conf, &["-v", "--", "+1", "alice", "x", "first"]);
    assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    wait_for("another try", || first.requests().len() >= 2);
    assert_eq!(second.connections(), 0);
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
    let (mut runs, mut waits) = (Vec::new(), Vec::new());
    for number in 1..=20 {
        let start = Instant::now();
        pbx.queued(&format!("+{number}"), "x");
        runs.push(start.elapsed());
        let start = Instant::now();
        wait_for("its sending", || itsp.requests().len() == before + number);
        waits.push(start.elapsed());
    }
    // The time that a run of `websms` takes shows how busy the machine is.
    runs.sort();
    waits.sort();
    let most = Duration::from_millis(100).max(runs[10] * 2);
    assert!(waits[10] < most, "{runs:?} {waits:?}");
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
    // These are the number over another interface, and another number over the interface.
    let waits = "an earlier SMS to this number waits";
    assert!(send("+1", "2", "b").contains(waits));
    assert!(send("+1", "3", "b").contains(waits));
    let down = "an earlier SMS failed for now on this interface";
    assert!(send("+2", "4", "a").contains(down));
    // This is neither.
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
        "[websms]\nauth_method = none\ntimeout = 600\nhost[slow] = \"{}\"\nhost[quick] = \"{}\"\n\
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
    for number in 2..12 {
        let ran = websms(
            &pbx.conf,
            &["-i", "quick", "--", &format!("+{number}"), "a", "x"],
        );
        assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    }
    wait_for("the quick ones", || works.requests().len() == 10);
    // The slow one's first try is not over.
    wait_for("the slow one alone", || pbx.names("new").len() == 1);
    assert_eq!(hangs.connections(), 1);
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

/// Returns the system's figures of a process: memory in KiB, processor time in ticks.
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
        rig::wait_for_rest(websmsd.pid());
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
        // The costs are measured over this time.
        std::thread::sleep(Duration::from_secs(3));
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
        "[websms]\nauth_method = none\nhost[first] = \"{first}\"\n\
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
    let conf = two(&hangs.url(), &works.url(), "");
    let pbx = Pbx::new(&conf.replace("[websms]\n", "[websms]\ntimeout = 4\n"));
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
    // The interface's limit is 4 s; the machine may be slow to start and end the run.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    assert!(matches!(ran.code, Some(0 | 75)), "{}", ran.stderr);
}

#[test]
fn what_the_fallback_asked_for_outlives_the_run() {
    let first = Itsp::start(vec![Script::reply(503, "")]);
    let busy = Script::reply_with(503, &[("Retry-After", "60")], "");
    let second = Itsp::start(vec![busy]);
    let pbx = Pbx::new(&two(&first.url(), &second.url(), "retry = 1s,2m"));
    let _websmsd = pbx.websmsd();
    let ran = websms(&pbx.conf, &["-v", "--", "+1", "alice", "x", "first"]);
    assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    let file = pbx.files("new").remove(0);
    let line = file.lines().find_map(|line| line.strip_prefix("spare: "));
    let spare_s: u64 = line.unwrap_or_else(|| panic!("{file}")).parse().unwrap();
    assert!(spare_s.abs_diff(now_s() + 60) < 10, "{spare_s}");
    wait_for("another try", || first.requests().len() >= 2);
    assert_eq!(second.requests().len(), 1);
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
    // After the first try and two more the operator must act.
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
    let pbx = Pbx::with(&itsp.url(), "retry = 1s,10m");
    let _websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    // Its own pause is ten minutes now, and the interface's is still a second.
    wait_for("its tries", || itsp.requests().len() == 3);
    let start = Instant::now();
    pbx.queued("+2", "x");
    wait_for("the other", || itsp.requests().len() == 4);
    assert!(start.elapsed() < Duration::from_secs(300));
    wait_for("an end to it", || pbx.names("new").len() == 1);
}

#[test]
fn tries_are_counted_whether_they_are_written_down_or_not() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "expire = 12s");
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
    // The next pause is an hour.
    assert!(
        took > Duration::from_secs(2) && took < Duration::from_secs(300),
        "{took:?}"
    );
}
