//! Tests the files after a pass over a folder and under a clock that belong to the test.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::config;
use crate::proto::provider::{Blame, Cause, Reason};

/// A sane time: the day after the release's own date.
const NOW_S: u64 = crate::sys::clock::RELEASE_S + 86_400;

/// A queue folder, which is removed with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Scratch {
        let name = format!("websms-pass-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("queue")).unwrap();
        Scratch(path)
    }

    fn config(&self, more: &str) -> Arc<Config> {
        let dir = self.0.display();
        let text = format!(
            "[websms]\nhost = http://127.0.0.1:9\nauth_method = none\n\
             [queue]\ndir = \"{dir}\"\nretry = 10s,1m\nexpire = 1h\n{more}\n"
        );
        let reading = config::read(text.as_bytes(), &|_| None);
        Arc::new(
            reading
                .config
                .unwrap_or_else(|| panic!("{:?}", reading.notes)),
        )
    }

    fn files(&self, place: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("queue").join(place))
            .into_iter()
            .flatten();
        let mut files: Vec<String> = entries
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        files.sort();
        files
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns a queue file: one message of `order` to a number of its own.
fn file(order: u64, queued_s: u64, due_s: u64) -> (QueueName, String) {
    let text = format!(
        "websms queue 1\nid: {order:016x}\ninterface: \nto: +{order}\nfrom: alice\nqueued: {queued_s}\n\
         tries: 1\nunsure: 0\ndue: {due_s}\nreason: provider answered 503\ntext: 1\n\nx"
    );
    (Item::parse(text.as_bytes()).unwrap().name(order), text)
}

/// Runs `test` on a pass that has looked at the messages once. The test may set the clock.
fn with_pass(
    name: &str,
    messages: &[(QueueName, String)],
    stamp_s: u64,
    test: impl FnOnce(&mut Pass<'_>, &Scratch, &Cell<Moment>),
) {
    let scratch = Scratch::new(name);
    let config = scratch.config("");
    let folder = crate::state::State::of(&config).unwrap().queue();
    for (name, text) in messages {
        folder.put(&name.text(), text.as_bytes()).unwrap();
    }
    let source: CurrentConfig = Arc::new(move || Arc::clone(&config));
    let now = Cell::new(Moment {
        since_ms: 1,
        stamp_s,
    });
    let clock = || now.get();
    let drain = folder.drain().unwrap().unwrap();
    let mut pass = Pass::new(&folder, drain, &source, &clock);
    pass.look();
    test(&mut pass, &scratch, &now);
}

/// Advances both clocks.
fn wait(now: &Cell<Moment>, s: u64) {
    let Moment { since_ms, stamp_s } = now.get();
    now.set(Moment {
        since_ms: since_ms + s * 1000,
        stamp_s: if stamp_s == 0 { 0 } else { stamp_s + s },
    });
}

/// Checks that the message of that order is sent next, over the only interface.
#[track_caller]
fn take(pass: &mut Pass<'_>, order: u64) -> (QueueName, Box<Item>) {
    match pass.schedule.next(pass.now_ms()) {
        Next::Send(name, via) if name.order == order && via.is_empty() => {
            let item = pass.recall(&name).unwrap();
            (name, item)
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn waits(pass: &mut Pass<'_>, ms: u64) {
    let now_ms = pass.now_ms();
    match pass.schedule.next(now_ms) {
        Next::Wait(Some(at_ms)) => assert_eq!(at_ms - now_ms, ms),
        other => panic!("{other:?}"),
    }
}

fn reason(cause: Cause) -> Reason {
    cause.into()
}

fn later(status: u16) -> Result<Verdict, Outcome> {
    Ok(Verdict::Later {
        reason: reason(Cause::Status(status)),
        retry_after_s: None,
        blame: Blame::Interface,
    })
}

#[test]
fn a_file_says_when_its_message_is_due() {
    with_pass(
        "due",
        &[file(1, NOW_S, NOW_S + 7)],
        NOW_S,
        |pass, _, now| {
            waits(pass, 7_000);
            wait(now, 7);
            take(pass, 1);
        },
    );
}

#[test]
fn what_is_sent_or_refused_leaves_the_queue() {
    let messages = [file(1, NOW_S, 0), file(2, NOW_S, 0)];
    with_pass("ends", &messages, NOW_S, |pass, scratch, _| {
        let (name, item) = take(pass, 1);
        let sent = Verdict::Sent {
            id: None,
            parts: Vec::new(),
            reason: reason(Cause::Status(200)),
        };
        pass.settle(&name, item, "", Ok(sent));
        let (name, item) = take(pass, 2);
        let refused = Verdict::Refused {
            reason: reason(Cause::Status(400)),
        };
        pass.settle(&name, item, "", Ok(refused));
        assert!(scratch.files("new").is_empty());
        let failed = scratch.files("failed");
        assert_eq!(failed.len(), 1);
        assert!(failed[0].contains("\ntries: 2\n"), "{failed:?}");
        assert!(
            failed[0].contains("\nreason: provider answered 400\n"),
            "{failed:?}"
        );
    });
}

#[test]
fn a_file_is_written_for_news_and_not_for_each_try() {
    with_pass("news", &[file(1, NOW_S, 0)], NOW_S, |pass, scratch, now| {
        let before = scratch.files("new");
        for (status, seconds) in [(503, 10), (503, 60), (503, 60)] {
            let (name, item) = take(pass, 1);
            pass.settle(&name, item, "", later(status));
            wait(now, seconds);
        }
        assert_eq!(scratch.files("new"), before, "the reason is the one it has");
        let (name, item) = take(pass, 1);
        assert_eq!(item.tries, 4, "they are counted all the same");
        pass.settle(&name, item, "", later(500));
        let file = scratch.files("new").remove(0);
        assert!(file.contains("\ntries: 5\n"), "{file}");
        assert!(file.contains("\nreason: provider answered 500\n"), "{file}");
        let due = format!("\ndue: {}\n", now.get().stamp_s + 10);
        assert!(file.contains(&due), "{due:?} in {file}");
    });
}

#[test]
fn what_may_have_been_sent_is_tried_twice_more() {
    with_pass(
        "unsure",
        &[file(1, NOW_S, 0)],
        NOW_S,
        |pass, scratch, now| {
            for unsure in [1, 2, 3] {
                assert!(scratch.files("failed").is_empty(), "{unsure}");
                let (name, mut item) = take(pass, 1);
                // This is as before a try that is counted.
                item.unsure = if item.unsure == 0 { 0 } else { item.unsure + 1 };
                let verdict = Verdict::Unsure {
                    reason: reason(Cause::Step("timeout while waiting for the answer")),
                };
                pass.settle(&name, item, "", Ok(verdict));
                wait(now, 60);
            }
            let failed = scratch.files("failed").remove(0);
            assert!(failed.contains("\nunsure: 3\n"), "{failed}");
            assert!(
                failed.contains("\nreason: it may have been sent: "),
                "{failed}"
            );
        },
    );
}

#[test]
fn what_is_too_old_goes_to_failed() {
    with_pass(
        "expire",
        &[file(1, NOW_S - 3_000, NOW_S + 60)],
        NOW_S,
        |pass, scratch, now| {
            wait(now, 599);
            take(pass, 1);
            assert!(scratch.files("failed").is_empty());
        },
    );
    with_pass(
        "expired",
        &[file(1, NOW_S - 3_000, 0)],
        NOW_S,
        |pass, scratch, now| {
            let (name, item) = take(pass, 1);
            pass.settle(&name, item, "", later(503));
            wait(now, 601);
            match pass.schedule.next(pass.now_ms()) {
                Next::Expire(name) => pass.expire(&name),
                other => panic!("{other:?}"),
            }
            let failed = scratch.files("failed").remove(0);
            let reason = "\nreason: expired; last: provider answered 503\n";
            assert!(failed.contains(reason), "{failed}");
            assert!(scratch.files("new").is_empty());
        },
    );
}

#[test]
fn under_a_clock_that_is_not_sane_nothing_expires_and_time_counts_from_when_it_is() {
    let messages = [file(1, 0, 0), file(2, 0, NOW_S + 1_000_000)];
    with_pass("clock", &messages, 0, |pass, scratch, now| {
        wait(now, 1_000_000);
        let (name, item) = take(pass, 1);
        pass.settle(&name, item, "", later(500));
        assert!(scratch.files("new")[0].contains("\ndue: 0\n"));
        now.set(Moment {
            stamp_s: NOW_S,
            ..now.get()
        });
        pass.reconfigure();
        let stamped = format!("\nqueued: {NOW_S}\n");
        let files = scratch.files("new");
        assert!(
            files.iter().all(|file| file.contains(&stamped)),
            "{files:?}"
        );
        wait(now, 3_599);
        assert!(!matches!(
            pass.schedule.next(pass.now_ms()),
            Next::Expire(_)
        ));
        wait(now, 2);
        assert!(matches!(pass.schedule.next(pass.now_ms()), Next::Expire(_)));
    });
}

#[test]
fn what_somebody_removed_is_not_put_back() {
    with_pass(
        "removed",
        &[file(1, NOW_S, 0)],
        NOW_S,
        |pass, scratch, _| {
            let (name, item) = take(pass, 1);
            pass.folder.remove(&name.text()).unwrap();
            pass.settle(&name, item, "", later(500));
            pass.look();
            assert!(scratch.files("new").is_empty() && pass.schedule.is_empty());
        },
    );
}

#[test]
fn what_is_no_message_is_set_aside() {
    let (name, _) = file(1, NOW_S, 0);
    with_pass(
        "bad",
        &[(name, "cut".to_owned())],
        NOW_S,
        |pass, scratch, _| {
            assert!(scratch.files("new").is_empty() && pass.schedule.is_empty());
            assert_eq!(scratch.files("failed"), ["cut"]);
        },
    );
}
