//! Checks queue files, the schedule and counts: files are read as they were written, no number gets two SMS
//! at once, and no limit is exceeded.

use std::collections::{BTreeMap, BTreeSet};

use websms::proto::wire::certificate;
use websms::proto::record::envelope::{Item, QueueName};
use websms::proto::record::kept::Kept;
use websms::proto::record::notice::Told;
use websms::proto::record::quota;
use websms::proto::record::schedule::{self, Next, QueuedMessage, Schedule, Tried};
use websms::proto::record::seen::{FILE_BYTES_MAX, Format, Seen};

/// Reads a queue file: after it is written and read again it is equal, and so is its name.
pub fn envelope(bytes: &[u8]) {
    if let Ok(item) = Item::parse(bytes) {
        let written = item.encode();
        assert_eq!(Item::parse(&written).as_ref(), Ok(&item));
        assert_eq!(Item::parse(&written[..written.len() - 1]).ok(), None);
        let name = item.name(u64::from(bytes[0]));
        assert_eq!(QueueName::parse(&name.text()), Some(name));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(name) = QueueName::parse(text)
    {
        assert_eq!(name.text(), text);
    }
}

/// Lets messages come, be tried and end in any order: one per destination, one per interface, the first one
/// first, and none is forgotten.
pub fn schedule(bytes: &[u8]) {
    let interfaces = ["a", "b", "c"];
    let chains = [
        ("a", vec!["a", "b"]),
        ("b", vec!["b"]),
        ("c", vec!["c", "a"]),
    ];
    // These are the lengths of text that each of them takes.
    let owned = |names: &[&str]| {
        let longest = |name: &str| if name == "b" { 100 } else { usize::MAX };
        let names = names.iter();
        names.map(|name| ((*name).to_owned(), longest(name))).collect()
    };
    let mut schedule = Schedule::new(schedule::Settings {
        chains: chains
            .iter()
            .map(|(name, chain)| ((*name).to_owned(), owned(chain)))
            .collect(),
        pauses_ms: vec![10, 30, 60],
        senders_max: 3,
    });
    let mut now_ms = 1;
    let mut waiting: BTreeSet<QueueName> = BTreeSet::new();
    let mut under_way: BTreeMap<QueueName, String> = BTreeMap::new();
    for (number, step) in bytes.chunks(2).enumerate() {
        let value = u64::from(step.get(1).copied().unwrap_or(0));
        match step[0] % 5 {
            0 => {
                let name = QueueName {
                    order: number as u64,
                    id: format!("{number:016x}"),
                    destination: value % 5,
                    interface: 0,
                };
                let entry = QueuedMessage {
                    interface: interfaces[value as usize % 3].to_owned(),
                    due_ms: now_ms * (value & 1),
                    expires_ms: (value & 2 != 0).then_some(now_ms + value * 4),
                    unsure: value & 4 != 0,
                    forbidden: value & 8 != 0,
                    spare_due_ms: 0,
                    chars: value as usize,
                    tries: u32::from(step[0]) / 5,
                };
                schedule.add(name.clone(), entry, now_ms);
                waiting.insert(name);
            }
            1 => now_ms += value,
            4 => schedule.flush(),
            2 => {
                let Some((name, _)) = under_way.pop_first() else {
                    continue;
                };
                let tried = match value % 4 {
                    0 => Tried::Done,
                    1 => Tried::Later { wait_ms: value },
                    2 => Tried::Unsure,
                    _ => Tried::Held { wait_ms: value },
                };
                schedule.tried(&name, tried, now_ms, value);
                if tried == Tried::Done {
                    waiting.remove(&name);
                }
            }
            _ => match schedule.next(now_ms) {
                Next::Send(name, via) => {
                    assert!(waiting.contains(&name));
                    let earlier = waiting.iter().find(|it| it.destination == name.destination);
                    assert_eq!(earlier, Some(&name), "not the first of its destination");
                    assert!(
                        under_way.values().all(|other| *other != via),
                        "two over {via}"
                    );
                    assert!(under_way.insert(name, via).is_none(), "sent twice");
                    assert!(under_way.len() <= 3);
                }
                Next::Expire(name) => {
                    assert!(waiting.remove(&name) && !under_way.contains_key(&name));
                    schedule.remove(&name);
                }
                Next::Wait(at_ms) => assert!(at_ms.is_none_or(|at_ms| at_ms > now_ms)),
            },
        }
        assert_eq!(schedule.len(), waiting.len());
        assert_eq!(schedule.is_busy(), !under_way.is_empty());
    }
}

/// Reads files of counts, notices, certificates, kept requests and delivered SMS without harm. Whatever the
/// clock and the machine do, no more SMS are sent over an interface in a day than its limit.
pub fn state(bytes: &[u8]) {
    // A kept request of any version is written so that it does nothing to a terminal.
    if let Ok(kept) = Kept::parse(bytes) {
        let written = kept.encode();
        assert_eq!(Kept::parse(&written), Ok(kept));
        assert!(Kept::parse(&written[..written.len() - 1]).is_err());
        let text = String::from_utf8(written).expect("UTF-8");
        assert!(!text.replace('\n', "").chars().any(char::is_control));
    }
    let _ = certificate::validity(bytes);
    if let Some(told) = Told::parse(bytes) {
        assert!(Told::parse(&told.encode()).is_some());
    }
    // Records of delivered SMS, of any version and with any fault, are written as they were read.
    let (seen, _) = Seen::parse(bytes);
    let written = seen.encode();
    assert!(written.len() <= seen.file_bytes_max() && seen.file_bytes_max() <= FILE_BYTES_MAX);
    let (again, result) = Seen::parse(&written);
    assert_eq!((again.encode(), result), (written, Ok(Format::Current)));
    let settings = quota::Limits {
        rate: Some(quota::Rate {
            count: 5,
            per: quota::Per::Minute,
        }),
        limit: Some(20),
    };
    let ask = |file: Option<&[u8]>, now_s: u64, boot: &str| {
        let moment = quota::Moment {
            now_s,
            day: Some(now_s / 86_400),
            boot: Some(boot),
        };
        let (answer, change) = quota::ask(file, "a", &settings, moment).ok()?;
        let file = match change {
            quota::Change::None => file.unwrap_or_default().to_vec(),
            quota::Change::Whole(whole) => whole,
            quota::Change::End(end) => {
                let before = file.unwrap_or_default();
                [&before[..before.len() - end.len()], &end].concat()
            }
        };
        Some((answer, file))
    };
    if let Some((_, file)) = ask(Some(bytes), 1_800_000_000, "boot") {
        assert!(
            ask(Some(&file), 1_800_000_000, "boot").is_some(),
            "its own file"
        );
    }
    // This plays within one day: the time goes on, and the machine starts anew.
    let (mut file, mut now_s, mut boots, mut granted) = (None::<Vec<u8>>, 1_800_057_600, 0, 0);
    for step in bytes.iter().take(300) {
        match step % 8 {
            0 => boots += 1,
            1 => now_s += u64::from(*step),
            _ => {
                let (answer, written) =
                    ask(file.as_deref(), now_s, &boots.to_string()).expect("a count");
                granted += u64::from(answer == quota::Answer::Granted);
                file = Some(written);
            }
        }
    }
    assert!(granted <= 20, "{granted} of 20");
}
