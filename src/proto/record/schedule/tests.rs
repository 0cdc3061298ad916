//! Tests sequences of events against the schedule, with one step per line.

use super::*;

mod elsewhere;

const PAUSES: [u64; 3] = [10_000, 30_000, 60_000];

/// A schedule and its clock. The interfaces are `a` (then `b`), `b` and `c`.
struct Story {
    schedule: Schedule,
    now_ms: u64,
}

fn name(number: u64, destination: u64) -> QueueName {
    QueueName {
        order: number,
        id: format!("{number:016x}"),
        destination,
        interface: 0,
    }
}

/// Returns a message that is due and never expires.
fn entry(interface: &str) -> QueuedMessage {
    QueuedMessage {
        interface: interface.to_owned(),
        due_ms: 0,
        spare_due_ms: 0,
        expires_ms: None,
        chars: 10,
        unsure: false,
        forbidden: false,
        tries: 0,
    }
}

impl Story {
    fn new() -> Story {
        let chain = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), 10)).collect();
        let chains = [("a", ["a", "b"].as_slice()), ("b", &["b"]), ("c", &["c"])];
        let settings = Settings {
            chains: chains
                .map(|(name, names)| (name.to_owned(), chain(names)))
                .into_iter()
                .collect(),
            pauses_ms: PAUSES.to_vec(),
            senders_max: 4,
        };
        Story {
            schedule: Schedule::new(settings),
            now_ms: 1_000_000,
        }
    }

    fn add(&mut self, number: u64, destination: u64, interface: &str) {
        let entry = QueuedMessage {
            expires_ms: Some(10_000_000),
            ..entry(interface)
        };
        self.schedule
            .add(name(number, destination), entry, self.now_ms);
    }

    /// Checks the next step: `3 a` is message 3 over a, `wait 10000` so many ms, `wait` for news only,
    /// `expire 3`.
    #[track_caller]
    fn next(&mut self, expected: &str) -> &mut Story {
        let words = match self.schedule.next(self.now_ms) {
            Next::Send(name, via) => format!("{} {via}", name.order),
            Next::Expire(name) => format!("expire {}", name.order),
            Next::Wait(Some(at_ms)) if at_ms < 10_000_000 => {
                format!("wait {}", at_ms - self.now_ms)
            }
            Next::Wait(_) => "wait".to_owned(),
        };
        assert_eq!(words, expected);
        self
    }

    fn tried(&mut self, number: u64, destination: u64, tried: Tried) -> &mut Story {
        self.schedule
            .tried(&name(number, destination), tried, self.now_ms, 0);
        self
    }

    fn done(&mut self, number: u64, destination: u64) -> &mut Story {
        self.tried(number, destination, Tried::Done)
    }

    fn later(&mut self, number: u64, destination: u64) -> &mut Story {
        self.tried(number, destination, Tried::Later { wait_ms: 0 })
    }

    fn after(&mut self, ms: u64) -> &mut Story {
        self.now_ms += ms;
        self
    }
}

#[test]
fn first_come_first_sent_one_a_destination_and_one_an_interface() {
    let mut story = Story::new();
    story.add(1, 1, "b");
    story.add(2, 1, "c");
    story.add(3, 3, "b");
    story.add(4, 4, "c");
    story.next("1 b").next("4 c").next("wait");
    story.done(1, 1).next("3 b").next("wait");
    story
        .done(4, 4)
        .next("2 c")
        .done(2, 1)
        .done(3, 3)
        .next("wait");
    assert!(story.schedule.is_empty() && !story.schedule.is_busy());
}

#[test]
fn no_more_than_the_senders_are_under_way() {
    let mut story = Story::new();
    story.schedule.settings.senders_max = 1;
    story.add(1, 1, "b");
    story.add(2, 2, "c");
    story.next("1 b").next("wait").done(1, 1).next("2 c");
}

#[test]
fn while_an_interface_is_down_one_message_a_pause_probes_for_all() {
    let mut story = Story::new();
    for number in 1..4 {
        story.add(number, number, "c");
    }
    story.next("1 c").later(1, 1).next("wait 10000");
    story.after(9_999).next("wait 1");
    // The probe is the message that was tried longest ago.
    story
        .after(1)
        .next("2 c")
        .next("wait")
        .later(2, 2)
        .next("wait 30000");
    story
        .after(30_000)
        .next("3 c")
        .later(3, 3)
        .next("wait 60000");
    story
        .after(60_000)
        .next("1 c")
        .later(1, 1)
        .next("wait 60000");
    // One message succeeds, and all others are due.
    story
        .after(60_000)
        .next("2 c")
        .done(2, 2)
        .next("1 c")
        .done(1, 1)
        .next("3 c");
}

#[test]
fn a_message_that_fails_alone_holds_up_nobody() {
    let mut story = Story::new();
    story.add(1, 1, "c");
    story.next("1 c").later(1, 1);
    story.add(2, 2, "c");
    story
        .after(10_000)
        .next("2 c")
        .done(2, 2)
        .next("1 c")
        .later(1, 1);
    // Its own pause is now longer than the interface's.
    story.add(3, 3, "c");
    story
        .after(10_000)
        .next("3 c")
        .done(3, 3)
        .next("wait 20000");
    story.after(20_000).next("1 c").later(1, 1);
    story.add(4, 4, "c");
    story
        .after(10_000)
        .next("4 c")
        .done(4, 4)
        .next("wait 50000");
}

#[test]
fn a_message_that_always_fails_and_is_alone_makes_no_pause_of_the_interface_longer() {
    let mut story = Story::new();
    story.add(1, 1, "c");
    story.next("1 c").later(1, 1).next("wait 10000");
    story.after(10_000).next("1 c").later(1, 1);
    story
        .next("wait 30000")
        .after(30_000)
        .next("1 c")
        .later(1, 1);
    // The next one goes after the shortest pause, not after the longest.
    story.add(2, 2, "c");
    story
        .next("wait 10000")
        .after(10_000)
        .next("2 c")
        .done(2, 2);
    story
        .next("wait 50000")
        .after(50_000)
        .next("1 c")
        .later(1, 1);
    // Another message fails too, so the interface is at fault.
    story.add(3, 3, "c");
    story.after(10_000).next("3 c").later(3, 3);
    story
        .next("wait 30000")
        .after(30_000)
        .next("3 c")
        .later(3, 3);
    story
        .next("wait 30000")
        .after(30_000)
        .next("1 c")
        .later(1, 1);
    story.next("wait 60000");
}

#[test]
fn an_interface_that_takes_no_such_text_is_passed_over_for_it_alone() {
    let mut story = Story::new();
    let long = QueuedMessage {
        chars: 11,
        ..entry("a")
    };
    story.schedule.add(name(1, 1), long, story.now_ms);
    story.next("1 a").later(1, 1).next("wait 10000");
    // Others go over b, and the message goes on over a.
    story.add(2, 2, "a");
    story.next("2 b").done(2, 2);
    story.after(10_000).next("1 a").later(1, 1);
    story.next("wait 30000");
    story.schedule.flush();
    story.next("1 a").later(1, 1).next("wait 60000");
    // A new configuration lets it use that interface.
    let mut settings = story.schedule.settings.clone();
    let chain = vec![("a".to_owned(), 10), ("b".to_owned(), 11)];
    settings.chains.insert("a".to_owned(), chain);
    story.schedule.reconfigure(settings);
    story.next("1 b").done(1, 1).next("wait");
}

#[test]
fn others_go_on_while_an_interface_is_down() {
    let mut story = Story::new();
    story.add(1, 1, "b");
    story.add(2, 2, "b");
    story.add(3, 3, "c");
    story.next("1 b").later(1, 1).next("3 c").next("wait 10000");
}

#[test]
fn the_next_interface_takes_over_and_the_first_is_probed() {
    let mut story = Story::new();
    story.add(1, 1, "a");
    story.add(2, 2, "a");
    story.next("1 a").later(1, 1);
    // There is no pause: it goes over b, and the other one too, without asking a.
    story
        .next("1 b")
        .done(1, 1)
        .next("2 b")
        .done(2, 2)
        .next("wait");
    story.add(3, 3, "a");
    story
        .after(10_000)
        .next("3 a")
        .later(3, 3)
        .next("3 b")
        .later(3, 3);
    story
        .next("wait 10000")
        .after(10_000)
        .next("3 b")
        .later(3, 3);
    story
        .next("wait 20000")
        .after(20_000)
        .next("3 a")
        .done(3, 3);
}

#[test]
fn one_that_may_have_been_sent_stays_with_its_interface() {
    let mut story = Story::new();
    story.add(1, 1, "a");
    story
        .next("1 a")
        .tried(1, 1, Tried::Unsure)
        .next("wait 10000");
    story
        .after(10_000)
        .next("1 a")
        .tried(1, 1, Tried::Unsure)
        .next("wait 30000");
    story.after(30_000).next("1 a").done(1, 1).next("wait");
}

#[test]
fn what_the_provider_asks_for_counts_up_to_the_longest_pause() {
    let check = |wait_ms: u64, expected: &str| {
        let mut story = Story::new();
        story.add(1, 1, "c");
        story
            .next("1 c")
            .tried(1, 1, Tried::Later { wait_ms })
            .next(expected);
    };
    check(0, "wait 10000");
    check(9_999, "wait 10000");
    check(45_000, "wait 45000");
    check(60_000, "wait 60000");
    check(60_001, "wait 60000");
    check(u64::MAX, "wait 60000");
}

#[test]
fn an_interface_that_may_not_send_is_not_down() {
    let mut story = Story::new();
    story.add(1, 1, "c");
    story.add(2, 2, "c");
    let held = Tried::Held { wait_ms: 3_000 };
    story.next("1 c").tried(1, 1, held).next("wait 3000");
    story.after(3_000).next("1 c").done(1, 1).next("2 c");
}

#[test]
fn the_old_are_given_up_whatever_they_wait_for() {
    let mut story = Story::new();
    story.add(1, 1, "gone");
    story.add(2, 2, "c");
    story.add(3, 2, "c");
    story.next("2 c").later(2, 2).next("wait 10000");
    story.after(9_000_000).next("expire 1");
    story.schedule.remove(&name(1, 1));
    story.next("expire 2");
    story.schedule.remove(&name(2, 2));
    story.next("expire 3");
    story.schedule.remove(&name(3, 2));
    story.next("wait");
}

#[test]
fn who_has_no_interface_holds_up_nobody() {
    let mut story = Story::new();
    story.add(1, 1, "gone");
    story.add(2, 1, "c");
    story.add(3, 1, "c");
    assert_eq!(story.schedule.lost().get(&"gone".to_owned()), Some(&1));
    story.next("2 c").next("wait");
    // Once the interface is back, the message is the first again when nothing is under way to its number.
    let mut settings = story.schedule.settings.clone();
    let chain = vec![("gone".to_owned(), 10)];
    settings.chains.insert("gone".to_owned(), chain);
    story.schedule.reconfigure(settings);
    assert!(story.schedule.lost().is_empty());
    story
        .next("wait")
        .done(2, 1)
        .next("1 gone")
        .done(1, 1)
        .next("3 c");
}

#[test]
fn one_that_cannot_go_holds_up_its_own_number_alone() {
    let mut story = Story::new();
    for (number, destination) in [(1, 1), (2, 1), (3, 3)] {
        story.add(number, destination, "c");
    }
    let aside = Tried::Aside { wait_ms: 5_000 };
    story.schedule.flush();
    story.next("1 c").tried(1, 1, aside);
    story.next("3 c").done(3, 3).next("wait 5000");
    story.after(5_000).next("1 c");
}

#[test]
fn another_expiry_counts_from_when_they_came() {
    let mut story = Story::new();
    story.add(1, 1, "gone");
    let seconds = Duration::from_secs;
    story.schedule.move_expiry(seconds(9_000), seconds(600));
    story.next("wait 600000");
    story.schedule.move_expiry(seconds(600), seconds(1_200));
    story.next("wait 1200000").after(1_200_000).next("expire 1");
}

#[test]
fn under_an_insane_clock_nothing_is_too_old() {
    let mut story = Story::new();
    story.schedule.add(name(1, 1), entry("gone"), story.now_ms);
    story.after(u64::MAX / 2).next("wait");
}

#[test]
fn a_message_that_is_forbidden_holds_up_its_own_destination_only() {
    let mut story = Story::new();
    story.add(1, 1, "a");
    story.add(2, 1, "a");
    story.add(3, 3, "a");
    story.next("1 a");
    story.tried(1, 1, Tried::Forbidden { wait_ms: 0 });
    // The interface is up, another destination goes, and no other interface gets the forbidden message.
    story.next("3 a").done(3, 3).next("wait 10000");
    story.after(10_000).next("1 a");
    story.tried(1, 1, Tried::Forbidden { wait_ms: 0 });
    // Its pauses become longer.
    story.next("wait 30000");
    story.after(30_000).next("1 a").done(1, 1).next("2 a");
}

#[test]
fn what_another_interface_asked_for_holds_for_it_alone() {
    let mut story = Story::new();
    let now_ms = story.now_ms;
    let waiting = QueuedMessage {
        due_ms: now_ms + 1_000,
        spare_due_ms: now_ms + 20_000,
        ..entry("a")
    };
    story.schedule.add(name(1, 1), waiting, now_ms);
    story.next("wait 1000").after(1_000).next("1 a").later(1, 1);
    // Its own interface is down for ten seconds, and the other one must not be asked for nineteen.
    story
        .next("wait 10000")
        .after(10_000)
        .next("1 a")
        .later(1, 1);
    story.next("wait 9000").after(9_000).next("1 b");
}

#[test]
fn a_forbidden_message_of_another_process_says_nothing_of_its_interface() {
    let mut story = Story::new();
    let now_ms = story.now_ms;
    let waiting = QueuedMessage {
        due_ms: now_ms + 5_000,
        forbidden: true,
        ..entry("c")
    };
    story.schedule.add(name(1, 1), waiting, now_ms);
    story.add(2, 2, "c");
    story.next("2 c").done(2, 2).next("wait 5000");
}

#[test]
fn a_configuration_may_bring_an_interface_back() {
    let mut story = Story::new();
    story.add(1, 1, "new");
    story.next("wait");
    let mut settings = story.schedule.settings.clone();
    settings
        .chains
        .insert("new".to_owned(), vec![("new".to_owned(), 10)]);
    story.schedule.reconfigure(settings);
    story.next("1 new");
}

#[test]
fn what_was_removed_from_the_folder_is_forgotten_unless_under_way() {
    let mut story = Story::new();
    story.add(1, 1, "b");
    story.add(2, 2, "b");
    story.next("1 b");
    story.schedule.retain(|_| false);
    assert!(story.schedule.holds(&name(1, 1)) && !story.schedule.holds(&name(2, 2)));
    assert_eq!(story.schedule.len(), 1);
}

#[test]
fn pauses() {
    let check = |place: usize, jitter: u64, expected: u64| {
        assert_eq!(
            pause_ms(&PAUSES, place, jitter),
            expected,
            "{place} {jitter}"
        );
    };
    check(0, 0, 10_000);
    check(0, 200, 8_000);
    check(0, 1_000, 8_000);
    check(1, 100, 27_000);
    check(2, 0, 60_000);
    check(3, 0, 60_000);
    check(usize::MAX, 0, 60_000);
}

#[test]
fn a_time_further_off_than_the_longest_pause_is_now() {
    let check = |due_s: u64, now_s: u64, expected: u64| {
        assert_eq!(
            due_in_ms(due_s, now_s, &PAUSES),
            expected,
            "{due_s} {now_s}"
        );
    };
    check(0, 100, 0);
    check(100, 100, 0);
    check(101, 100, 1_000);
    check(160, 100, 60_000);
    check(161, 100, 0);
    check(u64::MAX, 0, 0);
    // The clock went back an hour.
    check(1_795_392_060, 1_795_388_400, 0);
}
