//! Tests sequences of questions, with the answers and the file that is written, and damaged files.

use super::*;

const MIDNIGHT_S: u64 = 20_782 * 86_400;

/// A disk with one count. `file` is what a running system sees, and also what it left behind.
struct Disk {
    file: Option<Vec<u8>>,
    synced: Option<Vec<u8>>,
    syncs: usize,
    limits: Limits,
    boot: Option<&'static str>,
}

impl Disk {
    fn new(rate: Option<(u64, Per)>, limit: Option<u64>) -> Disk {
        let rate = rate.map(|(count, per)| Rate { count, per });
        Disk {
            file: None,
            synced: None,
            syncs: 0,
            limits: Limits { rate, limit },
            boot: Some("one"),
        }
    }

    fn ask_on(&mut self, now_s: u64, day: Option<u64>) -> Answer {
        let moment = Moment {
            now_s,
            day,
            boot: self.boot,
        };
        let (answer, change) = ask(self.file.as_deref(), "eu", &self.limits, moment).unwrap();
        match change {
            Change::None => {}
            Change::Whole(bytes) => {
                self.synced = Some(bytes.clone());
                self.file = Some(bytes);
                self.syncs += 1;
            }
            Change::End(end) => {
                let file = self.file.as_mut().unwrap();
                let start = file.len() - end.len();
                file.splice(start.., end);
            }
        }
        answer
    }

    fn ask(&mut self, now_s: u64) -> Answer {
        self.ask_on(now_s, Some(now_s / 86_400))
    }

    /// Asks so many times and returns how often the answer was yes.
    fn granted(&mut self, asked: usize, now_s: u64) -> usize {
        (0..asked)
            .filter(|_| self.ask(now_s) == Answer::Granted)
            .count()
    }

    /// Simulates a power cut: what was not synced may be gone or not.
    fn restart(&mut self, boot: &'static str, unsynced: &str) {
        if unsynced == "lost" {
            self.file = self.synced.clone();
        }
        self.boot = Some(boot);
    }
}

#[test]
fn a_limit_holds_for_a_day_of_utc() {
    let mut disk = Disk::new(None, Some(3));
    assert_eq!(disk.granted(5, MIDNIGHT_S + 7), 3);
    assert_eq!(disk.ask(MIDNIGHT_S + 86_399), Answer::Limit);
    assert_eq!(disk.granted(5, MIDNIGHT_S + 86_400), 3);
    assert_eq!(disk.ask(MIDNIGHT_S + 86_400), Answer::Limit);
}

#[test]
fn a_rate_holds_from_its_first_sms_on() {
    fn check(per: Per, per_s: u64) {
        let start_s = MIDNIGHT_S + 59;
        let mut disk = Disk::new(Some((3, per)), None);
        assert_eq!(disk.granted(1, start_s), 1);
        assert_eq!(disk.granted(9, start_s), 2);
        let answer = Answer::Rate { wait_s: per_s };
        assert_eq!(disk.ask(start_s), answer);
        assert_eq!(
            disk.ask(start_s + per_s - 1),
            Answer::Rate { wait_s: 1 },
            "{per:?}"
        );
        assert_eq!(disk.granted(9, start_s + per_s), 3, "{per:?}");
    }
    check(Per::Second, 1);
    check(Per::Minute, 60);
    check(Per::Hour, 3600);
}

#[test]
fn both_hold_and_what_is_refused_is_not_counted() {
    let mut disk = Disk::new(Some((2, Per::Minute)), Some(5));
    let minutes = (0..5).map(|minute| disk.granted(9, MIDNIGHT_S + 60 * minute));
    assert_eq!(minutes.collect::<Vec<_>>(), [2, 2, 1, 0, 0]);
    assert_eq!(disk.ask(MIDNIGHT_S + 300), Answer::Limit);
}

#[test]
fn the_file_is_synced_once_in_ten() {
    fn check(limit: Option<u64>, asked: usize, syncs: usize) {
        let mut disk = Disk::new(Some((1000, Per::Second)), limit);
        disk.granted(asked, MIDNIGHT_S);
        assert_eq!(disk.syncs, syncs, "{limit:?} {asked}");
    }
    check(None, 10, 1);
    check(None, 11, 2);
    check(None, 100, 10);
    check(Some(500), 100, 10);
    check(Some(100), 100, 10);
    // Ten would be more than a tenth of these.
    check(Some(99), 99, 11);
    check(Some(19), 19, 19);
    check(Some(1), 1, 1);
    // An SMS that is denied costs nothing.
    check(Some(100), 200, 10);
}

#[test]
fn after_a_power_cut_all_that_may_have_been_sent_counts() {
    fn check(sent: usize, unsynced: &str, expected: usize) {
        let mut disk = Disk::new(None, Some(100));
        assert_eq!(disk.granted(sent, MIDNIGHT_S), sent);
        disk.restart("two", unsynced);
        let more = disk.granted(200, MIDNIGHT_S + 60);
        assert_eq!(more, expected, "{sent} {unsynced}");
        assert!(sent + more <= 100);
        // The loss is settled: another start costs nothing if nothing was sent.
        disk.restart("three", unsynced);
        assert_eq!(disk.ask(MIDNIGHT_S + 61), Answer::Limit);
    }
    for unsynced in ["lost", "kept"] {
        check(1, unsynced, 90);
        check(10, unsynced, 90);
        check(11, unsynced, 80);
        check(95, unsynced, 0);
    }
}

#[test]
fn a_rate_that_is_full_after_a_power_cut_ends() {
    let mut disk = Disk::new(Some((5, Per::Minute)), None);
    disk.granted(3, MIDNIGHT_S);
    disk.restart("two", "lost");
    let late_s = MIDNIGHT_S + 1000;
    assert_eq!(disk.ask(late_s), Answer::Rate { wait_s: 60 });
    assert_eq!(disk.ask(late_s + 59), Answer::Rate { wait_s: 1 });
    assert_eq!(disk.granted(9, late_s + 60), 5);
}

#[test]
fn a_power_cut_over_midnight_counts_the_reserve_today() {
    let mut disk = Disk::new(None, Some(100));
    disk.granted(95, MIDNIGHT_S);
    disk.restart("two", "lost");
    assert_eq!(disk.granted(200, MIDNIGHT_S + 86_400), 90);
}

#[test]
fn without_a_word_on_the_start_every_sms_is_synced() {
    let mut disk = Disk::new(None, Some(100));
    disk.boot = None;
    assert_eq!(disk.granted(200, MIDNIGHT_S), 100);
    assert_eq!(disk.syncs, 200);
}

#[test]
fn under_a_clock_that_is_not_sane_no_day_ends() {
    let mut disk = Disk::new(None, Some(4));
    assert_eq!(disk.ask_on(9, None), Answer::Granted);
    assert_eq!(disk.ask_on(86_400 * 2, None), Answer::Granted);
    // The clock is set: SMS sent before count today.
    assert_eq!(disk.granted(9, MIDNIGHT_S), 2);
    for now_s in [0, 86_400, 86_400 * 400] {
        assert_eq!(disk.ask_on(now_s, None), Answer::Limit, "{now_s}");
    }
    assert_eq!(disk.ask(MIDNIGHT_S), Answer::Limit);
    assert_eq!(disk.ask(MIDNIGHT_S + 86_400), Answer::Granted);
}

#[test]
fn a_clock_that_is_set_gives_nothing_back() {
    let mut disk = Disk::new(None, Some(2));
    disk.granted(9, MIDNIGHT_S);
    // The clock goes back an hour over midnight, and on again.
    assert_eq!(disk.ask(MIDNIGHT_S - 3600), Answer::Limit);
    assert_eq!(disk.ask(MIDNIGHT_S), Answer::Limit);
    // The clock goes far ahead and back: the wrong day is not waited for.
    assert_eq!(disk.granted(9, MIDNIGHT_S + 400 * 86_400), 2);
    assert_eq!(disk.ask(MIDNIGHT_S), Answer::Limit);
    assert_eq!(disk.granted(9, MIDNIGHT_S + 86_400), 2);

    let mut disk = Disk::new(Some((2, Per::Hour)), None);
    disk.granted(9, MIDNIGHT_S + 3000);
    assert_eq!(disk.ask(MIDNIGHT_S), Answer::Rate { wait_s: 3600 });
    assert_eq!(disk.ask(MIDNIGHT_S + 60), Answer::Rate { wait_s: 3540 });
}

#[test]
fn a_limit_that_is_changed_counts_what_was_sent() {
    let mut disk = Disk::new(None, Some(3));
    disk.granted(9, MIDNIGHT_S);
    disk.limits.limit = Some(5);
    assert_eq!(disk.granted(9, MIDNIGHT_S), 2);
    disk.limits.limit = Some(1);
    assert_eq!(disk.ask(MIDNIGHT_S), Answer::Limit);
}

#[test]
fn a_file_can_be_read_by_people() {
    let mut disk = Disk::new(Some((20, Per::Minute)), Some(500));
    disk.granted(12, MIDNIGHT_S);
    let file = String::from_utf8(disk.file.unwrap()).unwrap();
    let expected = "websms quota 1\ninterface: eu\nboot: one\nday: 20782\nsent: 10\n\
                    since: 1795564800\nburst: 10\nahead: 10\nexact: 00000000000000020782 \
                    00000000000000000012 00000000001795564800 00000000000000000012 \
                    00000000000000000008\n";
    assert_eq!(file, expected);
}

#[test]
fn a_file_that_is_none_is_told() {
    let mut disk = Disk::new(None, Some(500));
    disk.granted(1, MIDNIGHT_S);
    let good = String::from_utf8(disk.file.unwrap()).unwrap();
    let check = |file: &str, expected: Option<BadRecord>| {
        assert_eq!(Record::parse(file.as_bytes()).err(), expected, "{file:?}");
    };
    check(&good, None);
    check("", Some(BadRecord::Version));
    check(
        &good.replace("quota 1", "quota 2"),
        Some(BadRecord::Version),
    );
    check(
        &good.replace("day: ", "day: -"),
        Some(BadRecord::Field("day")),
    );
    check(
        &good.replace("sent: 0", "sent: 99999999999999999999"),
        Some(BadRecord::Field("sent")),
    );
    check(
        &good.replace("exact: 0", "exact: "),
        Some(BadRecord::Field("exact")),
    );
    check(
        &format!("{good}\n"),
        Some(BadRecord::Leftover("its last line")),
    );
    for end in 0..good.len() {
        assert!(Record::parse(&good.as_bytes()[..end]).is_err(), "{end}");
    }
}
