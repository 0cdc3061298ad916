//! Tests places with a folder that is a list of names, and a clock that the test sets.

use super::*;
use std::time::Duration;

const MAX: usize = 1000;

fn name(to: &str, unique: u64, part: u64) -> String {
    match part {
        1 => format!("{to}.1795392000.{unique:016x}.call"),
        _ => format!("{to}.1795392000.{unique:016x}-{part}.call"),
    }
}

fn file(name: &str) -> File<'_> {
    File {
        name,
        bytes: b"",
        delay_s: 0,
    }
}

/// Returns the names of a text's call files.
fn parts(to: &str, unique: u64, parts: u64) -> Vec<String> {
    (1..=parts).map(|part| name(to, unique, part)).collect()
}

/// A folder and its counts, at a time that the test sets.
struct Folder {
    places: Places,
    names: Vec<String>,
    now: Instant,
    files_max: usize,
    /// The number of short SMS so far.
    texts: u64,
}

impl Folder {
    fn new() -> Folder {
        let now = Instant::now();
        Folder {
            places: Places::new(7, now),
            names: Vec::new(),
            now,
            files_max: MAX,
            texts: 0,
        }
    }

    fn look(&mut self) {
        self.places.begin_look(self.now);
        for name in &self.names {
            if self.places.is_full(self.files_max) {
                break;
            }
            self.places.see(name.as_bytes());
        }
        self.places.end_look(self.now);
    }

    /// Delivers as [`Spool::deliver`](super::super::Spool::deliver) does.
    fn deliver(&mut self, names: Vec<String>) -> Result<(), NoPlace> {
        let files: Vec<File> = names.iter().map(|name| file(name)).collect();
        let wanted = self.places.wanted(&files);
        if self.places.needs_look(&wanted, self.files_max, self.now) {
            self.look();
        }
        self.places.judge(&wanted, self.files_max)?;
        self.places.take(&wanted);
        self.places.settle(&wanted);
        self.places.remember(&wanted, self.now);
        self.names.extend(names);
        Ok(())
    }

    /// Returns how many of `count` short SMS to one number find a place.
    fn flood(&mut self, to: &str, count: usize) -> usize {
        let taken = (0..count).filter(|_| {
            self.texts += 1;
            self.deliver(vec![name(to, self.texts << 32, 1)]).is_ok()
        });
        taken.count()
    }
}

#[test]
fn a_number_that_nobody_takes_leaves_room_for_others() {
    let mut folder = Folder::new();
    for (to, expected) in [("+1", 251), ("+2", 188), ("+3", 141), ("+4", 106)] {
        assert_eq!(folder.flood(to, 2000), expected, "{to}");
    }
    // The next look changes nothing, and others have their places still.
    for _ in 0..3 {
        folder.now += Duration::from_secs(1);
        for to in ["+1", "+2", "+3", "+4"] {
            assert_eq!(folder.flood(to, 10), 0, "{to}");
        }
    }
    for number in 0..100 {
        assert_eq!(folder.flood(&format!("+5{number}"), 1), 1);
    }
    // Asterisk takes what waits for one of them.
    folder.names.retain(|name| !name.starts_with("+1."));
    folder.now += SPOOL_FULL_WAIT;
    assert_eq!(folder.flood("+1", 10), 10);
}

#[test]
fn a_destination_is_compared_without_dashes() {
    let mut folder = Folder::new();
    let spellings = ["12", "1-2", "-12", "12-", "--1--2--"];
    let taken: usize = spellings.iter().map(|to| folder.flood(to, 300)).sum();
    assert_eq!(taken, 251);
    assert_eq!(folder.flood("1.2", 1), 1);
    folder.now += Duration::from_secs(1);
    assert_eq!(folder.flood("-1-2-", 1), 0);
}

#[test]
fn what_a_request_brings_is_judged_one_after_the_other() {
    let check = |waiting: usize, brings: u64, expected: Result<(), NoPlace>| {
        let mut folder = Folder::new();
        assert_eq!(folder.flood("+1", waiting), waiting);
        let request = (0..brings).map(|unique| name("+1", unique, 1)).collect();
        assert_eq!(folder.deliver(request), expected, "{waiting} {brings}");
    };
    check(1, 250, Ok(()));
    let crowded = |file, held, free| Err(NoPlace::Crowded { file, held, free });
    check(1, 251, crowded(250, 251, 749));
    check(250, 2, crowded(1, 251, 749));
    check(251, 1, crowded(0, 251, 749));
    // A destination that holds nothing gets the places that it needs.
    check(0, 100, Ok(()));
    check(0, 2000, Ok(()));
}

#[test]
fn parts_behind_the_first_do_not_count_for_16_seconds() {
    // Twelve long texts a second, to twelve numbers or one; Asterisk takes each part when it is due.
    for numbers in [12, 1] {
        let mut folder = Folder::new();
        let mut due = Vec::new();
        for second in 0..60_u64 {
            folder.now += Duration::from_secs(1);
            due.retain(|(due_s, _)| *due_s > second);
            folder.names = due
                .iter()
                .map(|(_, name): &(u64, String)| name.clone())
                .collect();
            for text in 0..12 {
                let names = parts(&format!("+{}", text % numbers), second * 100 + text, 16);
                assert_eq!(folder.deliver(names.clone()), Ok(()), "{second}");
                due.extend((second + 1..).zip(names));
            }
        }
        assert!(folder.names.len() > MAX, "{}", folder.names.len());
        // A short SMS to another number has its place, too.
        assert_eq!(folder.flood("+999", 1), 1);
    }

    // Nobody takes the call files.
    let mut folder = Folder::new();
    for unique in 0..70 {
        let names = parts(&unique.to_string(), unique, 16);
        assert_eq!(folder.deliver(names), Ok(()), "{unique}");
    }
    for expected in [Ok(()), Err(NoPlace::Full)] {
        assert_eq!(folder.deliver(vec![name("+1", 99, 1)]), expected);
        folder.now += SPOOL_PART_WAIT + Duration::from_secs(1);
    }
}

#[test]
fn long_texts_to_a_number_that_nobody_takes_leave_room_too() {
    let mut folder = Folder::new();
    let flood = |folder: &mut Folder, to: u64| {
        let text = |unique| parts(&format!("+{to}"), to * 1000 + unique, 16);
        (0..100)
            .filter(|it| folder.deliver(text(*it)).is_ok())
            .count()
    };
    // A destination gets a quarter of the places, in files; later numbers find less.
    let taken: Vec<usize> = (1..=4).map(|to| flood(&mut folder, to)).collect();
    assert_eq!(taken, [16, 12, 9, 7]);
    folder.now += SPOOL_PART_WAIT + Duration::from_secs(1);
    assert_eq!(folder.names.len(), 44 * 16);
    assert_eq!(folder.flood("+999", 1), 1);
    assert_eq!(folder.places.taken, 44 * 16 + 1);
    // If Asterisk takes the first part of each text, there is no such bound.
    let mut folder = Folder::new();
    for unique in 0..100 {
        folder.now += SPOOL_FULL_WAIT;
        assert_eq!(folder.deliver(parts("+1", unique, 16)), Ok(()), "{unique}");
        folder.names.retain(|name| name.contains('-'));
    }
    // There is no such bound for a few texts, however low the limit.
    let mut folder = Folder::new();
    folder.files_max = 20;
    for unique in 0..4 {
        assert_eq!(folder.deliver(parts("+1", unique, 16)), Ok(()), "{unique}");
    }
}

#[test]
fn so_many_late_texts_are_remembered() {
    let mut folder = Folder::new();
    for unique in (0..).take(SPOOL_LATE_TEXTS_MAX + 10) {
        let names = parts(&unique.to_string(), unique, 2);
        let files: Vec<File> = names.iter().map(|name| file(name)).collect();
        let wanted = folder.places.wanted(&files);
        folder.places.remember(&wanted, folder.now);
    }
    assert_eq!(folder.places.late.used, SPOOL_LATE_TEXTS_MAX);
    folder.now += SPOOL_PART_WAIT + Duration::from_secs(1);
    folder.look();
    assert_eq!(folder.places.late.used, 0);
}

#[test]
fn files_under_way_are_counted_whatever_a_look_sees() {
    let mut folder = Folder::new();
    let names = [name("+1", 1, 1), name("+2", 2, 1), "other".to_owned()];
    let files: Vec<File> = names.iter().map(|name| file(name)).collect();
    let wanted = folder.places.wanted(&files);
    folder.places.take(&wanted);
    for _ in 0..2 {
        folder.look();
        assert_eq!(folder.places.taken, 3);
    }
    folder.places.settle(&wanted);
    folder.look();
    assert_eq!(folder.places.taken, 0);
    assert!(folder.places.pending.is_empty());
}

#[test]
fn the_folder_is_read_when_it_pays() {
    let mut folder = Folder::new();
    let wanted = folder.places.wanted(&[file(&name("+1", 0, 1))]);
    let needs = |folder: &Folder, later| {
        let now = folder.now + later;
        folder.places.needs_look(&wanted, MAX, now)
    };
    assert!(needs(&folder, Duration::ZERO));
    folder.flood("+1", 200);
    assert!(!needs(&folder, Duration::from_millis(999)));
    assert!(needs(&folder, SPOOL_COUNT_WAIT));
    // After a refusal the folder is read anew, ten times a second, or when enough were delivered.
    folder.look();
    folder.flood("+1", 100);
    folder.look();
    assert!(!needs(&folder, Duration::from_millis(99)));
    assert!(needs(&folder, SPOOL_FULL_WAIT));
    let more = (0..300).map(|to| name(&to.to_string(), to, 1));
    let files: Vec<String> = more.take(16).collect();
    assert_eq!(folder.deliver(files), Ok(()));
    assert!(needs(&folder, Duration::ZERO));
}
