//! Tests a queue with faults (bad files, full disks, odd clocks, killed daemons, other configurations), its
//! limits, and `--flush`: nothing is lost, and nothing is sent more often than permitted.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use websms::limits::{
    FLUSH_FAILURES_MAX, QUEUE_FAILED_MAX, QUEUE_FILE_BYTES_MAX, QUEUE_LOOKS_MAX, QUEUE_WRITE_PAUSE,
    UNSURE_TRIES_MAX,
};
use websms::proto::record::envelope::interface;

use crate::rig::pbx::{Pbx, item, now_s, refusing_for_now, texts};
use crate::rig::{
    self, Called, Decision, Itsp, Received, Scratch, Script, Websmsd, finish, wait_for, websms,
};

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
    wait_for("the end of the good", || pbx.names("new") == ["README"]);
    for why in [
        "it is cut",
        "its first line is not of this version",
        "its line to is missing or wrong",
        "not a regular file",
    ] {
        websmsd.wait_for_log(why);
    }
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
    // The daemon makes the folder again as soon as it notices that it is gone.
    wait_for("its place", || {
        let _ = fs::remove_dir_all(blocked.queue().join("tmp"));
        fs::write(blocked.queue().join("tmp"), "in its place").is_ok()
    });
    let ran = blocked.send("+1", "x");
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the queue cannot take it: "),
        "{}",
        ran.stderr
    );
}

/// Runs a shell in a mount namespace of its own, in which `folder` is a small disk.
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
    // While the clock shows 1970 a message gets no time, and waits whatever its age.
    pbx.plant(1, "+1", &item(1, "+1", 0, "no time"));
    pbx.plant(2, "+2", &item(2, "+2", 1_795_392_000, "an old one"));
    let websmsd = pbx.websmsd_at("@1970-01-01 00:10:00");
    wait_for("tries", || itsp.connections() > 4);
    assert_eq!(pbx.names("new").len(), 2, "{}", websmsd.log());
    drop(websmsd);
    // The clock is set: one message gets its time and ends later, the other ends now.
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
    let drained = || {
        !websms(&pbx.conf, &["--queue"])
            .stdout
            .contains("no websmsd drains")
    };
    fs::remove_dir_all(pbx.queue())
        .or_else(|_| fs::remove_dir_all(pbx.queue()))
        .unwrap_or(());
    wait_for("a daemon that drains again", drained);
    // Only its lock is removed, as by a removal of the folder that the daemon has interrupted.
    fs::remove_file(pbx.queue().join("lock")).unwrap();
    wait_for("a daemon that drains once more", drained);
    pbx.queued("+1", "x");
    pbx.wait_until_empty();
    assert_eq!(itsp.requests().len(), 2);
}

// ---- Sent no more often than it may be ---------------------------------------------------------

/// Returns a waiting message that may have been sent, with so many tries since.
fn unsure(order: u64, to: &str, tries: u32) -> String {
    item(order, to, now_s(), "x").replace("unsure: 0", &format!("unsure: {tries}"))
}

#[test]
fn a_last_try_that_nobody_heard_of_was_the_last() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "");
    // A daemon left this that was killed while the provider worked on it.
    pbx.plant(1, "+1", &unsure(1, "+1", UNSURE_TRIES_MAX));
    pbx.plant(2, "+2", &unsure(2, "+2", UNSURE_TRIES_MAX - 1));
    let _websmsd = pbx.websmsd();
    pbx.wait_until_empty();
    assert_eq!(itsp.requests().len(), 1);
    assert_eq!(itsp.request().form("To"), "+2");
    let file = pbx.files("failed").remove(0);
    let reason = "\nreason: it may have been sent before; last: provider answered 503\n";
    assert!(file.contains(reason), "{file}");
}

/// A process that is killed with the value.
struct Mortal(Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a daemon on a full disk where these messages wait, given as (number, file). Its log is discarded.
fn on_a_full_disk(pbx: &Pbx, waiting: &[(u64, String)]) -> Mortal {
    let state = pbx.scratch.folder("state");
    let held = pbx.scratch.folder("held");
    for (order, text) in waiting {
        let name = format!(
            "{order:016x}-{order:016x}-{order:016x}-{:016x}",
            interface("")
        );
        fs::write(held.join(name), text).unwrap();
    }
    let run = format!(
        "mkdir -p '{state}/queue/new' '{state}/queue/tmp' '{state}/queue/failed' && \
         cp '{held}'/* '{state}/queue/new' && touch '{state}/queue/lock' && \
         dd if=/dev/zero of='{state}/filler' bs=1k 2>/dev/null; \
         exec '{program}' websmsd -c '{conf}' -l 127.0.0.1:0",
        state = state.display(),
        held = held.display(),
        program = rig::binary().display(),
        conf = pbx.conf.display(),
    );
    Mortal(on_a_small_disk(&state, &run))
}

#[test]
fn what_cannot_be_counted_is_not_sent_again() {
    // The other stays in the queue, because removing it would free some of the disk.
    let itsp = Itsp::start(vec![Script::Close, Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let waiting = [
        (1, item(1, "+1", now_s(), "x")),
        (2, item(2, "+2", now_s(), "y")),
    ];
    let daemon = on_a_full_disk(&pbx, &waiting);
    let sent = |text: &str| {
        let requests = itsp.requests();
        requests
            .iter()
            .filter(|request| request.form("Body") == text)
            .count()
    };
    // Each of its tries comes a pause of a second after the one before.
    wait_for("tries of the other", || sent("y") > 2);
    drop(daemon);
    assert_eq!(sent("x"), 1);
}

#[test]
fn what_cannot_be_counted_holds_up_nobody() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "");
    let waiting = [(1, unsure(1, "+1", 1)), (2, item(2, "+2", now_s(), "x"))];
    let daemon = on_a_full_disk(&pbx, &waiting);
    wait_for("the other", || !itsp.requests().is_empty());
    assert_eq!(itsp.request().form("To"), "+2");
    drop(daemon);
}

#[test]
fn what_cannot_be_moved_to_failed_is_kept_until_it_can() {
    let refused = Itsp::start(vec![Script::reply(400, "")]);
    let pbx = Pbx::with(&refused.url(), "");
    pbx.plant(1, "+1", &item(1, "+1", now_s(), "x"));
    pbx.plant(2, "+2", "no message");
    fs::write(pbx.queue().join("failed"), "").unwrap();
    // It finds the folder's place taken, and makes the others.
    let scratch = Scratch::new();
    let mut run = rig::daemon_command(Called::Link, &scratch);
    run.arg("-c")
        .arg(&pbx.conf)
        .args(["-l", "127.0.0.1:0", "-v"]);
    let websmsd = Websmsd::spawn(run, scratch);
    websmsd.wait_for_log("the queue");
    assert_eq!(pbx.names("new").len(), 2, "{}", websmsd.log());
    fs::remove_file(pbx.queue().join("failed")).unwrap();
    wait_for("failed/", || pbx.names("failed").len() == 2);
}

#[test]
fn what_is_owed_to_failed_does_not_keep_the_daemon_busy_nor_come_back() {
    let script = |request: &Received| match request.form("To").as_str() {
        "+1" => (400, String::new()),
        _ => (200, String::new()),
    };
    let itsp = Itsp::start(vec![Script::Decide(Decision(Arc::new(script)))]);
    let pbx = Pbx::with(&itsp.url(), "first = yes");
    let path = pbx.plant(1, "+1", &item(1, "+1", now_s(), "x"));
    // This is another filesystem, to which nothing can be moved.
    let elsewhere = Scratch::within(Path::new("/dev/shm"));
    symlink(elsewhere.path(), pbx.queue().join("failed")).unwrap();
    let websmsd = pbx.websmsd();
    websmsd.wait_for_log("given up, but its file cannot be moved to failed/");
    let inode = || fs::metadata(&path).unwrap().ino();
    // It is written once with its reason, and then stays unchanged although news comes.
    pbx.queued("+2", "first");
    wait_for("the first", || itsp.requests().len() == 2);
    let rests = inode();
    pbx.queued("+2", "second");
    wait_for("the second", || itsp.requests().len() == 3);
    rig::wait_for_rest(websmsd.pid());
    assert_eq!(inode(), rests);
    fs::remove_file(&path).unwrap();
    pbx.queued("+2", "third");
    wait_for("the third", || itsp.requests().len() == 4);
    wait_for("an empty queue", || pbx.names("new").is_empty());
    rig::wait_for_rest(websmsd.pid());
    assert_eq!(pbx.names("new").len(), 0);
}

// ---- Another configuration ---------------------------------------------------------------------

#[test]
fn what_waits_for_an_interface_that_has_gone_holds_up_nobody_and_goes_when_it_is_back() {
    let itsp = Itsp::start(vec![Script::reply(503, ""), Script::reply(200, "")]);
    let conf = |index: &str| {
        format!(
            "[websms]\nauth_method = none\nhost [{index}] = \"{}\"\n\
             [websmsd]\npermit_addr = 127.0.0.1\n[queue]\nretry = 1s\n",
            itsp.url()
        )
    };
    let pbx = Pbx::new(&conf("main"));
    let websmsd = pbx.websmsd();
    let write = |index: &str| {
        let text = rig::spool_conf(&pbx.scratch, &conf(index));
        fs::write(&pbx.conf, text).unwrap();
        websmsd.signal("HUP");
    };
    write("trunk");
    websmsd.wait_for_log("configuration read again");
    let left = item(1, "+1", now_s(), "left").replace("interface: ", "interface: main");
    // Only moved-in files are news.
    let path = pbx.plant(1, "+1", &left);
    let aside = pbx.scratch.join("aside");
    fs::rename(&path, &aside).unwrap();
    fs::rename(&aside, &path).unwrap();
    websmsd
        .wait_for_log("1 SMS wait for interface \"main\", which the configuration does not have");
    let send = |text: &str| {
        let ran = websms(&pbx.conf, &["-v", "--", "+1", "alice", text, "trunk"]);
        assert!(ran.stderr.contains("QUEUED"), "{}", ran.stderr);
    };
    send("second");
    wait_for("the second", || {
        texts(&itsp.requests()).contains(&"second".to_owned())
    });
    wait_for("the first alone", || pbx.names("new").len() == 1);
    // Nothing happens in the queue, so the signal must have been noticed.
    write("main");
    pbx.wait_until_empty();
    assert!(texts(&itsp.requests()).contains(&"left".to_owned()));
}

#[test]
fn a_shorter_expiry_holds_for_what_waits() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "expire = 1h\n");
    let websmsd = pbx.websmsd();
    pbx.queued("+1", "x");
    let text = fs::read_to_string(&pbx.conf).unwrap();
    fs::write(&pbx.conf, text.replace("expire = 1h", "expire = 1s")).unwrap();
    websmsd.signal("HUP");
    wait_for("failed/", || pbx.names("failed").len() == 1);
}

#[test]
fn a_queue_that_may_not_be_used_is_not_called_undrained() {
    let itsp = Itsp::start(vec![Script::reply(503, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    let _websmsd = pbx.websmsd();
    let queue = pbx.queue();
    let open = |mode| fs::set_permissions(&queue, fs::Permissions::from_mode(mode)).unwrap();
    open(0o700);
    open(0o000);
    let mut run = rig::command(&rig::binary());
    run.arg("-c")
        .arg(&pbx.conf)
        .args(["--", "+1", "alice", "x"]);
    if fs::metadata(&queue).unwrap().uid() == 0 {
        run.uid(65534).gid(65534).current_dir("/");
        fs::set_permissions(pbx.scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&pbx.conf, fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(pbx.scratch.join("state"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ran = finish(run);
    open(0o700);
    assert_eq!(ran.code, Some(75), "{}", ran.stderr);
    let told = "provider answered 503; the queue cannot be used: no permission";
    assert!(ran.tells("FAILED", told), "{}", ran.stderr);
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
        // The queue is flushed daily, so an SMS that is put in will be sent.
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
    // A provider that is away does not cost the time of each message.
    assert_eq!(itsp.connections(), FLUSH_FAILURES_MAX);
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
    // The first time it is written for its other reason.
    for _ in 0..2 {
        websms(&pbx.conf, &["--flush"]);
        let file = pbx.files("new").remove(0);
        assert!(file.contains("\ntries: 2\n"), "{file}");
    }
    let path = pbx.queue().join("new").join(&pbx.names("new")[0]);
    let long_ago = std::time::SystemTime::now() - QUEUE_WRITE_PAUSE - Duration::from_secs(9);
    let planted = fs::File::options().write(true).open(path).unwrap();
    planted.set_modified(long_ago).unwrap();
    websms(&pbx.conf, &["--flush"]);
    let file = pbx.files("new").remove(0);
    assert!(file.contains("\ntries: 3\n"), "{file}");
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

#[test]
fn a_flush_on_a_full_disk_sends_all_the_same() {
    let itsp = Itsp::accepting();
    let pbx = Pbx::with(&itsp.url(), "");
    let state = pbx.scratch.folder("state");
    let held = pbx.scratch.file("held", item(1, "+1", now_s(), "x"));
    let out = pbx.scratch.join("out");
    let run = format!(
        "mkdir -p '{state}/queue/new' '{state}/queue/tmp' && \
         cp '{held}' '{state}/queue/new/{name}' && touch '{state}/queue/lock' && \
         dd if=/dev/zero of='{state}/filler' bs=1k 2>/dev/null; \
         '{program}' -c '{conf}' --flush >'{out}' 2>&1; echo $? >>'{out}'",
        state = state.display(),
        held = held.display(),
        name = format_args!("{0:016x}-{0:016x}-{0:016x}-{0:016x}", 1),
        program = rig::binary().display(),
        conf = pbx.conf.display(),
        out = out.display(),
    );
    let mut child = on_a_small_disk(&state, &run);
    rig::wait_for_exit(&mut child);
    let told = fs::read_to_string(&out).unwrap();
    assert!(told.ends_with("0000000000000001 sent\n0\n"), "{told}");
    assert_eq!(itsp.requests().len(), 1);
}

#[test]
fn a_flush_tells_the_reason_of_its_own_try() {
    let itsp = Itsp::start(vec![Script::reply(500, "")]);
    let pbx = Pbx::with(&itsp.url(), "");
    pbx.plant(1, "+1", &item(1, "+1", now_s(), "x"));
    let ran = websms(&pbx.conf, &["--flush"]);
    let line = "0000000000000001 waits to +1: provider answered 500";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}
