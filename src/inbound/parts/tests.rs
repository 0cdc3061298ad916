//! Tests which texts go when there are too many, and what becomes of a part while its text is delivered.

use super::*;
use crate::message::{Number, Sender};

/// Takes texts of these senders with so many parts of so many bytes each; checks which of them goes
/// after the last came.
fn check(texts: &[(u64, usize, usize)], expected: Option<usize>) {
    let wait = Duration::from_secs(60);
    let mut state = State::default();
    for (text, (sender, parts, bytes)) in (0..).zip(texts) {
        let name = |id: usize| PartName {
            text,
            id: u64::try_from(id).unwrap_or(0),
            content: 0,
            number: 1,
            total: 16,
        };
        state.texts.push(Incomplete {
            due: Deadline::after(wait),
            sender: *sender,
            parts: (0..*parts).map(|id| (name(id), *bytes)).collect(),
        });
    }
    state.make_room(texts.last().map_or(0, |(sender, ..)| *sender));
    let gone = state
        .texts
        .iter()
        .position(|text| text.due.left().is_none());
    assert_eq!(gone, expected, "{texts:?}");
}

#[test]
fn beyond_its_bounds_the_oldest_text_goes() {
    // Too many parts of one sender: the oldest text of that sender goes.
    let of_sender = PARTS_OF_SENDER_MAX;
    for (more, expected) in [(0, None), (1, Some(1)), (2, Some(1))] {
        let texts = [(7, 9, 1), (1, 9, 1), (1, of_sender - 9 + more, 1)];
        check(&texts, expected);
    }
    // Too many parts in all: the oldest text goes.
    let each = PARTS_HELD_MAX / 8;
    for (more, expected) in [(0, None), (1, Some(0))] {
        let mut texts: Vec<(u64, usize, usize)> = (0..8).map(|sender| (sender, each, 1)).collect();
        texts.push((9, more, 1));
        check(&texts, expected);
    }
    for (more, expected) in [(0, None), (1, Some(0))] {
        check(&[(1, 1, PARTS_BYTES_MAX - 1), (2, 1, 1 + more)], expected);
    }
}

/// Parts in a folder that is removed with them.
struct Held(Parts);

impl Held {
    fn new(test: &str) -> Held {
        let name = format!("websms-parts-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        let is_ours = |name: &str| PartName::parse(name).is_some();
        Held(Parts::new(Folder::new(&path, is_ours)))
    }

    /// Takes a part of a text of two parts, which is to wait for a minute.
    fn take(&self, number: usize, id: u64) -> Taken {
        self.take_of(2, number, id)
    }

    fn take_of(&self, total: usize, number: usize, id: u64) -> Taken {
        let part = Part {
            reference: b"r".to_vec(),
            number,
            total,
        };
        let message = Message {
            to: Number::parse_inbound(b"+1").unwrap(),
            from: Sender::parse_inbound(b"Bank").unwrap(),
            text: Text::parse_inbound(format!("part {number}").as_bytes(), None),
        };
        self.0.take(&part, "", &message, id, MINUTE).unwrap()
    }

    /// Takes the last part and returns the text.
    fn whole(&self, id: u64) -> Whole {
        match self.take(2, id) {
            Taken::Whole(whole) => whole,
            _ => panic!("the text lacks parts"),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.folder.root());
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_text_that_cannot_go_waits_for_its_last_part_to_come_again() {
    let held = Held::new("again");
    assert!(matches!(held.take(1, 1), Taken::Held));
    let whole = held.whole(2);
    held.0.settle(whole, false, MINUTE);
    let left = held.0.state().texts[0].due.left().unwrap();
    assert!(left > MINUTE / 2, "{left:?}");
    let whole = held.whole(3);
    assert_eq!(whole.message.text.to_utf8(), "part 1part 2");
}

#[test]
fn a_part_that_comes_again_while_its_text_goes_begins_no_text() {
    let held = Held::new("going");
    assert!(matches!(held.take(1, 1), Taken::Held));
    let whole = held.whole(2);
    assert!(matches!(held.take(2, 3), Taken::UnderWay(_)));
    assert!(matches!(held.take(1, 4), Taken::UnderWay(_)));
    held.0.settle(whole, true, MINUTE);
    assert!(matches!(held.take(2, 5), Taken::Known));
    assert!(held.0.state().texts.is_empty());
}

#[test]
fn a_part_that_comes_while_others_cannot_go_joins_them() {
    let held = Held::new("joins");
    assert!(matches!(held.take_of(3, 1, 1), Taken::Held));
    let text = held.0.state().start(0);
    assert!(matches!(held.take_of(3, 2, 2), Taken::Held));
    held.0.put_back(text, MINUTE);
    match held.take_of(3, 3, 3) {
        Taken::Whole(whole) => assert_eq!(whole.message.text.to_utf8(), "part 1part 2part 3"),
        _ => panic!("the text lacks parts"),
    }
}
