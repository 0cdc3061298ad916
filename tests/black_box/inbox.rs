//! Tests the inbox, which keeps each SMS that was answered with 200 until Asterisk has it.
//!
//! The states I1 to I8 are those of the table in `src/proto/record/inbox.rs`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::rig::pbx::now_s;
use crate::rig::{
    self, CallFile, Called, FORM, Http, Ran, Scratch, Tracer, Websmsd, call_files, holds_within,
    post, wait_for, wait_for_rest, websms,
};

/// A spool and a state folder that outlive a daemon.
struct Home {
    scratch: Scratch,
    conf: PathBuf,
}

impl Home {
    /// Makes a home with an inbox; `more` is added to `[astqueue]`.
    fn new(more: &str) -> Home {
        Home::with(&format!("[astqueue]\ninbox = yes\ninbox_rate =\n{more}\n"))
    }

    fn with(conf: &str) -> Home {
        let scratch = Scratch::new();
        let conf = scratch.file("websms.conf", rig::spool_conf(&scratch, conf));
        Home { scratch, conf }
    }

    fn start(&self) -> Websmsd {
        self.start_at("")
    }

    /// Starts a daemon under another clock.
    fn start_at(&self, clock: &str) -> Websmsd {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&self.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        rig::set_clock(&mut run, clock);
        Websmsd::spawn(run, scratch)
    }

    /// Starts a daemon under a clock that can be set: by the content of the file, whose path is returned too.
    fn start_with_a_clock(&self, clock: &str) -> (Websmsd, PathBuf) {
        let scratch = Scratch::new();
        let file = scratch.file("clock", clock);
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("-c").arg(&self.conf);
        run.args(["-l", "127.0.0.1:0", "-v"]);
        rig::set_clock(&mut run, clock);
        run.env_remove("FAKETIME").env("FAKETIME_NO_CACHE", "1");
        run.env("FAKETIME_TIMESTAMP_FILE", &file);
        (Websmsd::spawn(run, scratch), file)
    }

    fn outgoing(&self) -> PathBuf {
        self.scratch.join("outgoing")
    }

    fn marker(&self) -> PathBuf {
        self.scratch.join("staging/websms.marker")
    }

    fn inbox(&self, place: &str) -> PathBuf {
        self.scratch.join("state/inbox").join(place)
    }

    /// Returns the names in a folder of the inbox, sorted.
    fn names(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.inbox(place)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Waits for so many call files and returns them.
    #[track_caller]
    fn wait_for_files(&self, many: usize) -> Vec<CallFile> {
        wait_for("call files", || call_files(&self.outgoing()).len() == many);
        call_files(&self.outgoing())
    }

    /// Takes all call files, as Asterisk does.
    fn take(&self) -> Vec<String> {
        let files = call_files(&self.outgoing()).into_iter();
        let take = |file: CallFile| {
            fs::remove_file(&file.path).unwrap();
            file.body()
        };
        files.map(take).collect()
    }

    /// Takes call files until the inbox is empty. Returns their texts in the order in which they came.
    #[track_caller]
    fn take_all(&self) -> Vec<String> {
        let mut texts = Vec::new();
        wait_for("an empty inbox", || {
            texts.extend(self.take());
            self.names("new").is_empty()
        });
        texts
    }

    /// Waits until each SMS has the current marker.
    #[track_caller]
    fn wait_for_records(&self) {
        wait_for("records", || {
            let marker = fs::read_to_string(self.marker()).unwrap_or_default();
            let marker = marker.split(' ').nth(3).unwrap_or("-").to_owned();
            let names = self.names("new");
            !names.is_empty() && names.iter().all(|name| name.ends_with(&marker))
        });
    }

    /// Returns the arrival of an SMS by its place in the order.
    fn arrived_s(&self, place: usize) -> u64 {
        let file = self.inbox("new").join(self.names("new").remove(place));
        let file = fs::read_to_string(file).unwrap();
        let mut lines = file.lines();
        let arrived = lines.find_map(|line| line.strip_prefix("arrived: "));
        arrived.unwrap().parse().unwrap()
    }

    /// Writes an SMS as an earlier run would leave it.
    fn plant(&self, order: u64, tail: &str, to: &str, arrived_s: u64, text: &str) -> PathBuf {
        let item = format!(
            "websms inbox 1\nid: {order:016x}\ninterface: \nto: {to}\nfrom: Bank\narrived: {arrived_s}\n\
             notice: 0\nreason: \ntext: {}\n\n{text}",
            text.len()
        );
        let destination = to.bytes().fold(7, |hash, byte| hash * 31 + u64::from(byte));
        let name = format!("{order:016x}-{order:016x}-{destination:016x}{tail}");
        fs::create_dir_all(self.inbox("new")).unwrap();
        let path = self.inbox("new").join(name);
        fs::write(&path, item).unwrap();
        path
    }

    /// Empties the spool as a reboot does if it is in memory.
    fn reboot(&self) {
        for folder in ["outgoing", "staging"] {
            fs::remove_dir_all(self.scratch.join(folder)).unwrap();
        }
        self.scratch.folder("outgoing");
    }

    fn websms(&self, arguments: &[&str]) -> Ran {
        websms(&self.conf, arguments)
    }
}

fn send(websmsd: &Websmsd, to: &str, text: &str) -> u16 {
    let body = format!("To=%2B{to}&From=Bank&Body={text}");
    websmsd.post("/", FORM, body).status
}

// ---- What is done, in order ---------------------------------------------------------------------

#[test]
fn an_sms_is_in_the_inbox_until_asterisk_has_taken_it() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "hello"), 200);
    let file = &home.wait_for_files(1)[0];
    assert_eq!(file.body(), "hello");
    let id = file.name.split('.').nth(2).unwrap();
    // I4: it has the marker, and waits.
    home.wait_for_records();
    let name = &home.names("new")[0];
    assert!(name.contains(id), "{name} {id}");
    assert!(home.names("tmp").is_empty());
    wait_for_rest(websmsd.pid());
    assert_eq!(home.names("new").len(), 1);
    // I5: it is forgotten.
    assert_eq!(home.take(), ["hello"]);
    wait_for("an empty inbox", || home.names("new").is_empty());
    assert!(call_files(&home.outgoing()).is_empty());
    websmsd.wait_for_log(&format!("{id} 127.0.0.1: 200, from Bank to +1\n"));
}

#[test]
fn one_call_file_a_destination_at_a_time_and_in_order() {
    let home = Home::new("");
    let websmsd = home.start();
    for number in 0..5 {
        assert_eq!(send(&websmsd, "1-2", &format!("a{number}")), 200);
        assert_eq!(send(&websmsd, "3", &format!("b{number}")), 200);
    }
    // Asterisk ignores `-`.
    assert_eq!(send(&websmsd, "12", "a5"), 200);
    let mut texts = Vec::new();
    for _ in 0..5 {
        texts.extend(home.wait_for_files(2).iter().map(CallFile::body));
        home.take();
    }
    texts.extend(home.take_all());
    let of = |letter| {
        texts
            .iter()
            .filter(move |text: &&String| text.starts_with(letter))
    };
    assert_eq!(
        of('a').collect::<Vec<_>>(),
        ["a0", "a1", "a2", "a3", "a4", "a5"]
    );
    assert_eq!(of('b').collect::<Vec<_>>(), ["b0", "b1", "b2", "b3", "b4"]);
}

#[test]
fn the_parts_of_a_long_text_follow_each_other_through_deaths() {
    let home = Home::new("");
    let mut websmsd = home.start();
    let text = "x".repeat(4500);
    assert_eq!(send(&websmsd, "1", &text), 200);
    assert_eq!(send(&websmsd, "1", "next"), 200);
    let mut texts = Vec::new();
    for part in 1..=5 {
        let file = home.wait_for_files(1).remove(0);
        assert_eq!(
            file.name.contains(&format!("-{part}.call")),
            part > 1,
            "{}",
            file.name
        );
        let tail = match part {
            1 => String::new(),
            part => format!(".{part}"),
        };
        wait_for("a record", || {
            let name = home.names("new").remove(0);
            name.contains(&format!("{tail}.")) && name.len() == 67 + tail.len()
        });
        if part % 2 == 0 {
            drop(websmsd);
            texts.extend(home.take());
            websmsd = home.start();
        } else {
            texts.extend(home.take());
        }
    }
    assert_eq!(texts.concat(), text);
    assert_eq!(home.take_all(), ["next"]);
}

#[test]
fn an_empty_text_and_a_file_of_others_for_the_same_number() {
    let home = Home::new("");
    // An earlier release, or another program, left this file.
    let strange = home.outgoing().join("+1.5.0123456789abcdef.call");
    fs::write(&strange, "Channel: Local/x@y\n").unwrap();
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", ""), 200);
    assert_eq!(send(&websmsd, "2", "b"), 200);
    wait_for("the other one", || call_files(&home.outgoing()).len() == 2);
    wait_for_rest(websmsd.pid());
    assert_eq!(call_files(&home.outgoing()).len(), 2, "one at a time");
    fs::remove_file(strange).unwrap();
    let mut bodies: Vec<String> = home.wait_for_files(2).iter().map(CallFile::body).collect();
    bodies.sort();
    assert_eq!(bodies, ["", "b"]);
    home.take_all();
}

// ---- What a death leaves ------------------------------------------------------------------------

#[test]
fn what_was_taken_while_nobody_ran_is_not_delivered_again() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    assert_eq!(send(&websmsd, "1", "b"), 200);
    home.wait_for_files(1);
    home.wait_for_records_of(1);
    drop(websmsd);
    assert_eq!(home.take(), ["a"]);
    let websmsd = home.start();
    assert_eq!(home.take_all(), ["b"]);
    drop(websmsd);
}

#[test]
fn an_emptied_spool_is_filled_again() {
    let home = Home::new("");
    let websmsd = home.start();
    for (to, text) in [("1", "a"), ("1", "b"), ("2", "c")] {
        assert_eq!(send(&websmsd, to, text), 200);
    }
    home.wait_for_files(2);
    home.wait_for_records_of(2);
    drop(websmsd);
    // I6: there is another marker and no call file.
    home.reboot();
    let websmsd = home.start();
    let mut texts: Vec<String> = home.wait_for_files(2).iter().map(CallFile::body).collect();
    texts.sort();
    assert_eq!(texts, ["a", "c"]);
    websmsd.wait_for_log("delivered again, for the spool was emptied");
    let mut texts = home.take_all();
    texts.sort();
    assert_eq!(texts, ["a", "b", "c"]);
    // The result is equal while the daemon runs.
    assert_eq!(send(&websmsd, "1", "d"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    // Other folders take their places, as after a mount over them.
    for folder in ["staging", "outgoing"] {
        let aside = home.scratch.join(&format!("{folder}.aside"));
        fs::rename(home.scratch.join(folder), aside).unwrap();
    }
    home.scratch.folder("outgoing");
    assert_eq!(home.wait_for_files(1)[0].body(), "d");
    assert_eq!(home.take_all(), ["d"]);
}

#[test]
fn a_move_that_was_not_recorded_is() {
    let home = Home::new("");
    let now = now_s();
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    drop(websmsd);
    let name = home.names("new").remove(0);
    let (stem, marker) = name.split_once('.').unwrap();
    // I3: there is no marker. I7: there is another one.
    for old in [stem.to_owned(), format!("{stem}.00000000000000ab")] {
        let now = home.names("new").remove(0);
        fs::rename(home.inbox("new").join(now), home.inbox("new").join(old)).unwrap();
        let websmsd = home.start();
        wait_for("a record", || home.names("new")[0].ends_with(marker));
        assert_eq!(call_files(&home.outgoing()).len(), 1);
        drop(websmsd);
    }
    let websmsd = home.start();
    // I2, with a call file of exactly this name, which is never replaced.
    let path = home.plant(u64::MAX - 9, "", "5", now, "planted");
    wait_for_rest(websmsd.pid());
    drop(websmsd);
    let websmsd = home.start();
    home.wait_for_files(2);
    wait_for("a record", || !path.exists());
    let mut texts = home.take_all();
    texts.sort();
    assert_eq!(texts, ["a", "planted"]);
    drop(websmsd);
}

#[test]
fn a_call_file_that_a_death_left_staged_is_written_anew() {
    let home = Home::new("");
    let now = now_s();
    home.plant(1, "", "1", now, "a");
    let staged = format!("staging/1.{now}.0000000000000001.call");
    home.scratch.folder("staging");
    home.scratch.file(&staged, "Channel: hal");
    let websmsd = home.start();
    assert_eq!(home.wait_for_files(1)[0].body(), "a");
    assert!(!home.scratch.join(&staged).exists());
    home.take_all();
    assert!(!websmsd.log().contains("cannot deliver"));
}

#[test]
fn another_outgoing_has_another_marker() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    let before = fs::read_to_string(home.marker()).unwrap();
    let aside = home.scratch.join("aside");
    fs::rename(home.outgoing(), &aside).unwrap();
    home.scratch.folder("outgoing");
    assert_eq!(home.wait_for_files(1)[0].body(), "a");
    assert_ne!(fs::read_to_string(home.marker()).unwrap(), before);
    // An inbox that comes back with its files is recognised, and its SMS are not doubled.
    home.wait_for_records();
    assert_eq!(home.take(), ["a"]);
    wait_for("an empty inbox", || home.names("new").is_empty());
    drop(websmsd);
}

#[test]
fn a_half_written_file_is_nothing_and_swept_when_old() {
    let home = Home::new("");
    home.plant(1, "", "1", now_s(), "a");
    fs::create_dir_all(home.inbox("tmp")).unwrap();
    let name = home.names("new").remove(0);
    let half = home.inbox("tmp").join(&name);
    fs::rename(home.inbox("new").join(&name), &half).unwrap();
    // I1: the change time cannot be set, so the clock is advanced instead.
    drop(home.start());
    assert!(half.exists());
    let websmsd = home.start_at("+2h");
    wait_for("the sweep", || !half.exists());
    assert!(call_files(&home.outgoing()).is_empty());
    drop(websmsd);
}

impl Home {
    /// Waits until so many SMS have the current marker.
    #[track_caller]
    fn wait_for_records_of(&self, many: usize) {
        wait_for("records", || {
            let names = self.names("new");
            names.iter().filter(|name| name.contains('.')).count() == many
        });
    }
}

// ---- What Asterisk does not take ----------------------------------------------------------------

#[test]
fn without_a_spool_sms_wait_and_go_when_it_comes() {
    let home = Home::new("");
    fs::remove_dir(home.outgoing()).unwrap();
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    assert_eq!(send(&websmsd, "2", "b"), 200);
    websmsd.wait_for_log("cannot deliver SMS, they wait in the inbox: ");
    websmsd.wait_for_log("outgoing does not exist");
    assert_eq!(home.names("new").len(), 2);
    home.scratch.folder("outgoing");
    home.wait_for_files(2);
    // Nobody is connected, so the filesystem of the spool can be unmounted.
    let folder = format!("/proc/{}/fd", websmsd.pid());
    wait_for("folders that are closed", || {
        let open = fs::read_dir(&folder).unwrap();
        let mut paths = open.filter_map(|it| fs::read_link(it.unwrap().path()).ok());
        !paths.any(|path| path.starts_with(home.outgoing()))
    });
    websmsd.wait_for_log("SMS can be delivered again");
    let log = websmsd.log();
    let told = |words: &str| log.matches(words).count();
    assert_eq!(told("they wait in the inbox: "), 1, "{log}");
    assert!(!log.contains("webhooks get 503"), "{log}");
    home.take_all();
}

#[test]
fn an_old_one_goes_to_failed_and_can_be_had_back() {
    let home = Home::with("[astqueue]\ninbox = yes\n[queue]\nexpire = 1h\n");
    home.plant(1, "", "1", now_s() - 3700, "old");
    home.plant(2, "", "1", now_s() - 100, "new");
    let websmsd = home.start();
    home.wait_for_files(1);
    assert_eq!(home.take_all(), ["new"]);
    // I8: it is in `failed/`.
    let failed = home.names("failed");
    assert_eq!(failed.len(), 1);
    let file = fs::read_to_string(home.inbox("failed").join(&failed[0])).unwrap();
    assert!(
        file.contains("\nreason: older than expire, and Asterisk has not taken it\n"),
        "{file}"
    );
    websmsd.wait_for_log("inbox 0000000000000001: to=1 given up: older than expire");
    let listed = home.websms(&["--queue"]).stdout;
    assert!(listed.contains("0 in the inbox, 1 given up\n"), "{listed}");
    assert!(
        listed.contains("0000000000000001 inbox-failed to=1 interface=- age=1h1m: older than"),
        "{listed}"
    );
    let shown = home.websms(&["--show", "0000000000000001"]).stdout;
    assert!(
        shown.contains("state: failed\nto: 1\nfrom: Bank\n"),
        "{shown}"
    );
    assert!(shown.ends_with("\n\nold\n"), "{shown}");
    let ran = home.websms(&["--retry", "all"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (Some(0), "0000000000000001 waits for 1\n")
    );
    assert_eq!(home.take_all(), ["old"]);
    assert!(home.names("failed").is_empty());
}

/// A router without a battery begins with the time of its last file, which may be long ago.
#[test]
fn a_clock_that_is_set_makes_no_sms_old_that_came_just_before() {
    let home = Home::with("[astqueue]\ninbox = yes\n[queue]\nexpire = 1h\n");
    fs::remove_dir(home.outgoing()).unwrap();
    let (websmsd, clock) = home.start_with_a_clock("-3h");
    assert_eq!(send(&websmsd, "1", "a"), 200);
    websmsd.wait_for_log("cannot deliver SMS, they wait in the inbox: ");
    assert!(home.arrived_s(0) < now_s() - 2 * 3600);
    // Another process has put this one in, under the same clock.
    home.plant(9, "", "9", now_s() - 3 * 3600, "other's");
    let flush = home.scratch.join("state/inbox/flush");
    fs::write(&flush, "").unwrap();
    wait_for_rest(websmsd.pid());
    fs::write(&clock, "+0").unwrap();
    home.scratch.folder("outgoing");
    home.wait_for_files(2);
    assert!(home.names("failed").is_empty(), "{}", websmsd.log());
    // Their arrival is corrected at the next look, so that no later start finds them old.
    home.wait_for_records();
    fs::write(&flush, "").unwrap();
    wait_for("arrivals by the right clock", || {
        [0, 1].map(|it| home.arrived_s(it)).iter().min() > Some(&(now_s() - 600))
    });
    // The clock of a computer may be ahead as well.
    fs::write(&clock, "+3h").unwrap();
    assert_eq!(send(&websmsd, "2", "b"), 200);
    home.wait_for_files(3);
    home.wait_for_records_of(3);
    assert!(home.arrived_s(2) > now_s() + 2 * 3600);
    fs::write(&clock, "+0").unwrap();
    fs::write(&flush, "").unwrap();
    wait_for("an arrival that is not ahead", || {
        home.arrived_s(2) < now_s() + 600
    });
    let mut texts = home.take_all();
    texts.sort();
    assert_eq!(texts, ["a", "b", "other's"]);
}

/// One that came under a clock of 1970 has no date, and gets one that may be wrong as well.
#[test]
fn an_sms_that_gets_its_date_before_the_clock_is_set_is_not_old_after() {
    let home = Home::with("[astqueue]\ninbox = yes\n[queue]\nexpire = 1h\n");
    fs::remove_dir(home.outgoing()).unwrap();
    home.plant(1, "", "1", 0, "a");
    let (websmsd, clock) = home.start_with_a_clock("-3h");
    wait_for("a date", || home.arrived_s(0) > 0);
    wait_for_rest(websmsd.pid());
    fs::write(&clock, "+0").unwrap();
    home.scratch.folder("outgoing");
    home.wait_for_files(1);
    assert!(home.names("failed").is_empty(), "{}", websmsd.log());
}

#[test]
fn under_an_insane_clock_nothing_is_old_and_its_age_counts_from_the_first_sane_look() {
    let home = Home::new("");
    home.plant(1, "", "2", 1_000_000_000, "planted");
    let websmsd = home.start_at("@1970-01-01 00:10:00");
    assert_eq!(send(&websmsd, "1", "came"), 200);
    home.wait_for_files(2);
    // A crash between move and record would deliver an SMS twice.
    home.wait_for_records();
    let is_stamped = || {
        let last = home.names("new").pop().unwrap();
        let file = fs::read_to_string(home.inbox("new").join(last));
        file.is_ok_and(|file| !file.contains("\narrived: 0\n"))
    };
    assert!(!is_stamped());
    drop(websmsd);
    let websmsd = home.start();
    wait_for("a stamp", is_stamped);
    let mut texts = home.take_all();
    texts.sort();
    assert_eq!(texts, ["came", "planted"]);
    drop(websmsd);
}

#[test]
fn an_sms_is_shown_and_dropped_with_its_call_file() {
    let home = Home::new("");
    let websmsd = home.start();
    for text in ["a", "b"] {
        assert_eq!(send(&websmsd, "1", text), 200);
    }
    let file = home.wait_for_files(1).remove(0);
    home.wait_for_records_of(1);
    let id = file.name.split('.').nth(2).unwrap();
    let listed = home.websms(&["--queue"]).stdout;
    assert!(
        listed.starts_with("0 waiting, 0 failed\n2 in the inbox, 0 given up\n"),
        "{listed}"
    );
    let line = format!("{id} inbox to=+1 interface=- age=");
    assert!(listed.contains(&line), "{listed}");
    assert!(listed.contains(": in Asterisk's spool\n"), "{listed}");
    assert!(
        listed.contains(": waits for its turn in Asterisk's spool\n"),
        "{listed}"
    );
    let json = home.websms(&["--queue", "--json"]).stdout;
    assert!(
        json.contains(",\"inbox\":[{\"id\":\"") && json.contains("],\"inbox_failed\":[],"),
        "{json}"
    );
    let shown = home.websms(&["--show", id]).stdout;
    assert!(
        shown.contains(&format!("id: {id}\nstate: inbox\n")),
        "{shown}"
    );
    let ran = home.websms(&["--drop", id]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // The next one is delivered at once.
    wait_for("the next", || {
        let files = call_files(&home.outgoing());
        files.len() == 1 && files[0].body() == "b"
    });
    assert_eq!(home.take_all(), ["b"]);
}

#[test]
fn the_status_page_has_its_number_and_the_age_of_its_oldest() {
    let home = Home::with("[websmsd]\nstatus_path = /status\n[astqueue]\ninbox = yes\n");
    home.plant(1, "", "1", now_s() - 100, "a");
    let websmsd = home.start();
    home.wait_for_files(1);
    wait_for("the figures", || {
        let page = websmsd.get("/status").text();
        let figure = |name: &str| {
            let start = format!("websms_inbox_{name} ");
            let mut lines = page.lines();
            lines.find_map(|line| line.strip_prefix(&start)?.parse::<u64>().ok())
        };
        let age = figure("oldest_age_seconds").unwrap_or(0);
        figure("messages") == Some(1)
            && figure("failed_messages") == Some(0)
            && (100..160).contains(&age)
    });
    home.take_all();
    wait_for("an empty one", || {
        let page = websmsd.get("/status").text();
        page.contains("websms_inbox_messages 0\n")
            && page.contains("websms_inbox_oldest_age_seconds 0\n")
    });
    // Without an inbox there are no such figures.
    let websmsd = Websmsd::start("[websmsd]\nstatus_path = /status\n");
    assert!(!websmsd.get("/status").text().contains("inbox_messages"));
}

// ---- Bounds -------------------------------------------------------------------------------------

#[test]
fn a_full_inbox_says_503_and_one_number_leaves_room_for_all() {
    let home = Home::new("max = 9");
    let websmsd = home.start();
    let taken = |to: &str| (0..9).filter(|_| send(&websmsd, to, "x") == 200).count();
    assert_eq!(taken("1"), 3);
    websmsd.wait_for_log("503, not delivered to +1: 3 SMS for it wait in the inbox");
    for to in 2..8 {
        assert_eq!(send(&websmsd, &to.to_string(), "x"), 200, "{to}");
    }
    let full = websmsd.post("/", FORM, "To=%2B9&From=Bank&Body=x");
    assert_eq!(full.status, 503);
    assert!(full.header("retry-after").is_some());
    websmsd.wait_for_log("the inbox holds 9 SMS, and its limit is max");
    home.take_all();
    assert_eq!(send(&websmsd, "9", "x"), 200);
}

#[test]
fn a_burst_comes_in_and_then_so_many_as_inbox_rate_says() {
    let home = Home::with("[astqueue]\ninbox = yes\ninbox_rate = 2/h\nmax = 1000\n");
    let websmsd = home.start();
    let taken = (0..25)
        .filter(|to| send(&websmsd, &to.to_string(), "x") == 200)
        .count();
    assert_eq!(taken, 20);
    websmsd.wait_for_log("503, not delivered: more SMS came than inbox_rate allows");
}

// ---- Bad files and folders ----------------------------------------------------------------------

#[test]
fn what_is_no_sms_is_set_aside_and_the_good_ones_are_delivered() {
    let home = Home::new("");
    let now = now_s();
    let cut = home.plant(1, "", "1", now, "cut");
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 1]).unwrap();
    let later = home.plant(2, "", "2", now, "later");
    let file = fs::read_to_string(&later).unwrap();
    fs::write(&later, file.replace("inbox 1", "inbox 2")).unwrap();
    let folder = home.plant(3, "", "3", now, "folder");
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    let long = home.plant(4, "", "4", now, "long");
    fs::write(&long, vec![b'x'; 20 * 1024]).unwrap();
    let link = home.plant(5, "", "5", now, "link");
    fs::remove_file(&link).unwrap();
    symlink("/etc/passwd", &link).unwrap();
    fs::write(home.inbox("new").join("README"), "not ours").unwrap();
    home.plant(6, "", "6", now, "good");
    let websmsd = home.start();
    assert_eq!(home.wait_for_files(1)[0].body(), "good");
    for (id, why) in [
        (1, "it is cut"),
        (2, "its first line is not of this version"),
        (3, "not a regular file"),
        (4, "longer than 17408 bytes"),
        (5, "not a regular file"),
    ] {
        websmsd.wait_for_log(&format!("inbox {id:016x}: no SMS: {why}; set aside"));
    }
    wait_for("them aside", || home.names("failed").len() == 5);
    assert!(
        home.names("failed")
            .iter()
            .all(|name| name.ends_with(".bad"))
    );
    home.take();
    wait_for("the good one gone", || home.names("new") == ["README"]);
    let ran = home.websms(&["--drop", "all"]);
    assert_eq!(
        (ran.code, ran.stdout.lines().count()),
        (Some(0), 5),
        "{ran:?}"
    );
    assert!(home.names("failed").is_empty());
}

#[test]
fn a_marker_that_cannot_be_written_holds_sms_back_and_nothing_is_lost() {
    let home = Home::new("");
    // A folder in its place is no marker of ours.
    fs::create_dir_all(home.marker().join("more")).unwrap();
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    home.take_all();
    if rig::is_root() {
        return;
    }
    let staging = home.scratch.join("staging");
    fs::remove_file(home.marker()).unwrap();
    fs::set_permissions(&staging, fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(send(&websmsd, "1", "b"), 200);
    websmsd.wait_for_log("cannot deliver SMS, they wait in the inbox: cannot write a file in ");
    assert!(call_files(&home.outgoing()).is_empty());
    fs::set_permissions(&staging, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(home.take_all(), ["b"]);
}

/// Returns the answer to a request while each call of this kind that the daemon makes fails.
fn answer_under(websmsd: &Websmsd, call: &str, error: &str) -> u16 {
    let inject = format!("inject={call}:error={error}");
    let filter = format!("trace={call}");
    let tracer = Tracer::attach(
        websmsd.pid(),
        &websmsd.scratch,
        &["-e", &filter, "-e", &inject],
    );
    let status = send(websmsd, "1", "x");
    tracer.detach();
    status
}

#[test]
fn a_full_or_read_only_flash_says_503_and_names_the_folder() {
    let home = Home::new("");
    let websmsd = home.start();
    for (call, error, words) in [
        ("write", "ENOSPC", "the disk is full"),
        ("renameat", "EROFS", "the filesystem is read-only"),
        ("fsync", "EIO", "the disk fails"),
    ] {
        assert_eq!(answer_under(&websmsd, call, error), 503, "{call} {error}");
        assert!(home.names("new").is_empty() && home.names("tmp").is_empty());
        // If nothing can be written, the log cannot be written either.
        if call != "write" {
            let folder = home.scratch.join("state/inbox").display().to_string();
            websmsd.wait_for_log(&format!("the inbox {folder} cannot take it: {words}"));
        }
    }
    assert_eq!(send(&websmsd, "1", "good"), 200);
    assert_eq!(home.take_all(), ["good"]);
}

#[test]
fn an_inbox_of_another_user_is_not_used_and_says_503() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.take_all();
    let inbox = home.scratch.join("state/inbox");
    if rig::is_root() {
        chown(&inbox, Some(12_345), Some(12_345)).unwrap();
    } else {
        fs::set_permissions(&inbox, fs::Permissions::from_mode(0o000)).unwrap();
    }
    assert_eq!(send(&websmsd, "1", "b"), 503);
    websmsd.wait_for_log("state/inbox cannot take it: no permission");
    if rig::is_root() {
        chown(&inbox, Some(0), Some(0)).unwrap();
    } else {
        fs::set_permissions(&inbox, fs::Permissions::from_mode(0o700)).unwrap();
    }
    assert_eq!(send(&websmsd, "1", "c"), 200);
    assert_eq!(home.take_all(), ["c"]);
}

#[test]
fn a_folder_that_is_removed_is_made_anew() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.take_all();
    rig::remove_folder(&home.scratch.join("state"));
    assert_eq!(send(&websmsd, "1", "b"), 200);
    assert_eq!(home.take_all(), ["b"]);
    assert_eq!(send(&websmsd, "1", "c"), 200);
    assert_eq!(home.take_all(), ["c"]);
}

// ---- Others who write ---------------------------------------------------------------------------

#[test]
fn a_replay_goes_through_the_inbox_with_and_without_a_daemon() {
    let home = Home::new("");
    let kept = format!(
        "websms request 2\ntime: 0\naddress: 192.0.2.7\ninterface: \ncoverage: whole\nsignature: -\n\
         items: all\nmethod: POST\ntarget: /\ncontent-type: {FORM}\nclaims: 0\nbody: 26\n\n\
         To=%2B1&From=Bank&Body=hey"
    );
    let file = home.scratch.file("kept", kept);
    let replay = || {
        let scratch = Scratch::new();
        let mut run = rig::daemon_command(Called::Link, &scratch);
        run.arg("--replay").arg(&file).arg("-c").arg(&home.conf);
        let ran = rig::finish(run);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains(": in the inbox, "), "{ran:?}");
    };
    replay();
    assert_eq!(home.wait_for_files(1)[0].body(), "hey");
    home.wait_for_records();
    let websmsd = home.start();
    assert_eq!(home.take_all(), ["hey"]);
    replay();
    // The daemon does it, because it was told.
    let start = Instant::now();
    home.wait_for_files(1);
    // A daemon that was not told looks after 30 s.
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(home.take_all(), ["hey"]);
    drop(websmsd);
}

#[test]
fn what_an_inbox_holds_is_delivered_though_none_is_wanted_any_more() {
    let home = Home::new("");
    home.plant(1, "", "1", now_s(), "left");
    let conf = fs::read_to_string(&home.conf).unwrap();
    fs::write(&home.conf, conf.replace("inbox = yes", "inbox = no")).unwrap();
    let websmsd = home.start();
    assert_eq!(home.take_all(), ["left"]);
    assert_eq!(send(&websmsd, "1", "direct"), 200);
    assert_eq!(home.wait_for_files(1)[0].body(), "direct");
    assert!(home.names("new").is_empty());
    // A reload turns it round.
    fs::write(&home.conf, conf).unwrap();
    websmsd.signal("HUP");
    websmsd.wait_for_log("configuration read again");
    home.take();
    assert_eq!(send(&websmsd, "1", "kept"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    assert_eq!(home.take_all(), ["kept"]);
}

#[test]
fn of_two_daemons_one_delivers_and_the_other_follows() {
    let home = Home::new("");
    let first = home.start();
    assert_eq!(send(&first, "1", "a"), 200);
    home.wait_for_files(1);
    let second = home.start();
    second.wait_for_log("another process delivers from it");
    assert_eq!(home.take_all(), ["a"]);
    drop(first);
    assert_eq!(send(&second, "1", "b"), 200);
    assert_eq!(home.take_all(), ["b"]);
}

// ---- What it costs ------------------------------------------------------------------------------

#[test]
fn nothing_is_written_and_nobody_wakes_while_nothing_happens() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    let tracer = Tracer::attach(websmsd.pid(), &websmsd.scratch, &["-e", "trace=file,desc"]);
    let written = |trace: &str| {
        let calls = ["write(", "renameat", "unlink", "fsync(", "O_CREAT", "mkdir"];
        calls.iter().any(|call| trace.contains(call))
    };
    assert!(!holds_within(Duration::from_secs(2), || false));
    let trace = tracer.detach();
    assert!(!written(&trace), "{trace}");
}

#[test]
fn an_sms_costs_two_synced_writes_and_one_removal() {
    let home = Home::new("");
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "first"), 200);
    home.take_all();
    let options = ["-y", "-e", "trace=fsync,fdatasync,unlinkat,renameat,openat"];
    let tracer = Tracer::attach(websmsd.pid(), &websmsd.scratch, &options);
    assert_eq!(send(&websmsd, "1", "a"), 200);
    home.wait_for_files(1);
    home.wait_for_records();
    home.take_all();
    wait_for_rest(websmsd.pid());
    let trace = tracer.detach();
    let count = |call: &str, more: &str| {
        let is_ours = |line: &&str| line.contains("state/inbox") && line.contains(more);
        let calls = trace.lines().filter(is_ours);
        calls
            .filter(|line| line.contains(&format!(" {call}(")))
            .count()
    };
    assert_eq!(count("fsync", "") + count("fdatasync", ""), 2, "{trace}");
    assert_eq!(count("openat", "O_CREAT"), 1, "{trace}");
    assert_eq!(count("unlinkat", ""), 1, "{trace}");
    // One is the move into its place, the other the record.
    assert_eq!(count("renameat", ""), 2, "{trace}");
}

#[test]
fn a_thousand_sms_cost_a_megabyte_at_most_and_no_time() {
    let figure = |websmsd: &Websmsd| {
        let status = fs::read_to_string(format!("/proc/{}/status", websmsd.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line
            .unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap();
        kib
    };
    let ticks = |websmsd: &Websmsd| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", websmsd.pid())).unwrap();
        let fields: Vec<u64> = stat
            .rsplit(") ")
            .next()
            .unwrap()
            .split(' ')
            .filter_map(|field| field.parse().ok())
            .collect();
        // These are utime and stime; some fields before them are no numbers.
        fields[10] + fields[11]
    };
    let home = Home::new("max = 1500");
    let websmsd = home.start();
    // The costs of the first SMS do not count for the thousand.
    for number in 0..20 {
        assert_eq!(send(&websmsd, &format!("9{number}"), "x"), 200);
    }
    home.take_all();
    let before = figure(&websmsd);
    let text = "x".repeat(160);
    for number in 0..1000 {
        assert_eq!(
            send(&websmsd, &(number % 100).to_string(), &text),
            200,
            "{number}"
        );
    }
    home.wait_for_files(100);
    home.wait_for_records_of(100);
    wait_for_rest(websmsd.pid());
    let (more, spent) = (figure(&websmsd).saturating_sub(before), ticks(&websmsd));
    assert!(more <= 1024, "{more} KiB");
    assert!(!holds_within(Duration::from_secs(2), || false));
    let spent = ticks(&websmsd) - spent;
    assert!(spent <= 1, "{spent} ticks");
    println!("-- inbox: 1,000 SMS cost {more} KiB, and {spent} ticks in 2 s");
}

#[test]
fn without_an_inbox_none_is_made() {
    let websmsd = Websmsd::start("[astqueue]\ninbox = auto\n");
    assert_eq!(send(&websmsd, "1", "a"), 200);
    assert_eq!(websmsd.call_file().body(), "a");
    assert!(!websmsd.scratch.join("state/inbox").exists());
    let mut http = Http::connect(websmsd.address);
    http.send(post("/", FORM, "To=2&From=Bank&Body=b"));
    assert_eq!(http.answer().status, 200);
    assert!(!websmsd.staging().join("websms.marker").exists());
}

#[test]
fn auto_is_yes_where_a_restart_empties_the_spool_alone() {
    let memory = std::path::Path::new("/dev/shm");
    let kind = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(memory)
        .output();
    if !kind.is_ok_and(|kind| kind.stdout == b"tmpfs\n") {
        return;
    }
    let spool = Scratch::within(memory);
    let folder = spool.path().display();
    let conf = format!(
        "[websmsd]\npermit_addr = 127.0.0.1\nproxy_addr =\n[astqueue]\n\
         outgoingdir = \"{folder}/outgoing\"\nstagingdir = \"{folder}/staging\"\n"
    );
    spool.folder("outgoing");
    let home = Home::with(&conf);
    let checked = |home: &Home| home.websms(&["--check"]).stdout;
    let said = checked(&home);
    assert!(
        said.contains(": note: SMS are kept in the inbox, below [queue] dir, until"),
        "{said}"
    );
    let websmsd = home.start();
    assert_eq!(send(&websmsd, "1", "a"), 200);
    let outgoing = spool.join("outgoing");
    wait_for("its call file", || call_files(&outgoing).len() == 1);
    assert_eq!(home.names("new").len(), 1);
    drop(websmsd);
    let no = Home::with(&conf.replace("[astqueue]\n", "[astqueue]\ninbox = no\n"));
    let said = checked(&no);
    assert!(
        said.contains("warning: a restart empties outgoingdir, and inbox is no: what asterisk"),
        "{said}"
    );
    let neither = Home::with(&format!("{conf}[queue]\ndir = \"{folder}/state\"\n"));
    let said = checked(&neither);
    assert!(
        said.contains("warning: a restart empties outgoingdir, and there is no [queue] dir that"),
        "{said}"
    );
    let unsynced = Home::with(&conf.replace("[astqueue]\n", "[astqueue]\nsync = no\n"));
    let said = checked(&unsynced);
    assert!(
        said.contains("warning: sync is no: what is answered with 200 does not outlive"),
        "{said}"
    );
}
