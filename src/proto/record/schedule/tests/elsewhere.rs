//! Tests a flush, and messages that another process has tried.

use super::*;

#[test]
fn what_failed_elsewhere_says_that_its_interface_is_down() {
    let mut story = Story::new();
    let entry = QueuedMessage {
        due_ms: story.now_ms + 5_000,
        ..entry("c")
    };
    story.schedule.add(name(1, 1), entry, story.now_ms);
    story.add(2, 2, "c");
    story.next("wait 5000").after(5_000).next("1 c");
}

#[test]
fn what_failed_elsewhere_has_been_with_the_next_interface_too() {
    let mut story = Story::new();
    let entry = QueuedMessage {
        due_ms: story.now_ms + 5_000,
        ..entry("a")
    };
    story.schedule.add(name(1, 1), entry, story.now_ms);
    story.next("wait 5000").after(5_000).next("1 a");
}

#[test]
fn a_flush_tries_each_once() {
    let mut story = Story::new();
    for number in 1..=4 {
        story.add(number, number, "c");
    }
    story.next("1 c").later(1, 1).next("wait 10000");
    story.schedule.flush();
    story.next("1 c").later(1, 1);
    story.next("2 c").done(2, 2).next("3 c").later(3, 3);
    story.next("4 c").done(4, 4).next("wait 10000");
    story.schedule.flush();
    story.next("1 c").later(1, 1).next("3 c").done(3, 3);
    story.next("wait 60000");
}

#[test]
fn a_flush_ends_where_some_in_a_row_have_failed() {
    let mut story = Story::new();
    for number in 1..=6 {
        story.add(number, number, "c");
    }
    let most = u64::try_from(FLUSH_FAILURES_MAX).unwrap();
    story.schedule.flush();
    for number in 1..=most {
        story.next(&format!("{number} c")).later(number, number);
    }
    // The pause no longer applies to that.
    story.next("wait 10000");
    story
        .after(10_000)
        .next("4 c")
        .later(4, 4)
        .next("wait 30000");
    // A message after one that was sent counts anew, and a failure on a says nothing about b.
    story.add(7, 7, "a");
    story.schedule.flush();
    story.next("1 c").later(1, 1).next("7 a").later(7, 7);
    story.next("7 b").done(7, 7).next("5 c").done(5, 5);
    for number in [2, 6, 3] {
        story.next(&format!("{number} c")).later(number, number);
    }
    story.next("wait 10000");
}

#[test]
fn of_those_not_tried_here_who_was_tried_least_goes_first() {
    let mut story = Story::new();
    for (number, tries) in [(1, 4), (2, 4), (3, 0), (4, 1)] {
        let entry = QueuedMessage {
            tries,
            ..entry("c")
        };
        story
            .schedule
            .add(name(number, number), entry, story.now_ms);
    }
    story.schedule.flush();
    story.next("1 c").later(1, 1).next("3 c").later(3, 3);
    story.next("4 c").later(4, 4).next("wait 10000");
}
