//! Remembers the elements of a provider's list that were dealt with, as lines of a file.
//!
//! The file is text: `websms poll 1`, then one line each: `id DIGEST` for an element, `good SECONDS` if a
//! poll had come to its end, and `open SECONDS` if a poll was under way. The seconds are the time from
//! which on SMS must be asked for if this is the last line. Lines are added together with their SMS, so
//! that nothing is written while no SMS come. A digest does not reveal a number or a text.
//!
//! An element is *settled* if it was known when a poll came to its end. In a list with the newest elements
//! first, a page of settled elements alone has only settled ones behind it. A page of elements that are
//! merely known does not show this: the program may have died before it read the next page.
//!
//! Invariant: never more than [`POLL_KNOWN_MAX`] settled elements are known, and hardly more of the present
//! walk, however long its list is; and no file grows beyond the length up to which one is read.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{
    POLL_AGE_S_MAX, POLL_FILE_BYTES_MAX, POLL_FIRST_AGE_S, POLL_KNOWN_MAX, POLL_OVERLAP_S,
};
use crate::proto::record::seen::parse_digest;

/// The number of further elements of a walk that are known before the oldest of them are forgotten, all at
/// once.
const OPEN_SPARE: usize = 1024;

/// The first line of the file.
const VERSION: &str = "websms poll 1\n";

/// The known elements of an interface's list.
#[derive(Debug, Default)]
pub struct Known {
    /// The settled elements, oldest first.
    settled: Vec<u64>,
    /// The elements of the present walk.
    open: Vec<u64>,
    /// The time from which on SMS are asked for; `None` before the first poll has come to its end.
    since_s: Option<u64>,
    /// Whether the file's last line says that a poll was under way.
    is_open: bool,
}

/// The file is damaged, or of an unknown version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKnown;

impl Known {
    /// Reads a file. All intact lines count, whatever is wrong with the file. If the file exists, the list
    /// was read before.
    pub fn parse(file: &[u8]) -> (Known, Result<(), BadKnown>) {
        let mut known = Known::default();
        let mut result = Ok(());
        let text = String::from_utf8_lossy(file);
        let lines = match text.strip_prefix(VERSION) {
            Some(lines) => lines,
            None => {
                result = Err(BadKnown);
                ""
            }
        };
        for line in lines.split_inclusive('\n') {
            let whole = line.strip_suffix('\n');
            if whole.and_then(|line| known.take(line)).is_none() {
                result = Err(BadKnown);
            }
        }
        known.since_s.get_or_insert(0);
        known.trim(&[]);
        (known, result)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (word, value) = line.split_once(' ')?;
        match word {
            "id" => self.open.push(parse_digest(value)?.get()),
            "good" | "open" => {
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                self.since_s = Some(value.parse().ok().filter(|_| digits)?);
                self.is_open = word == "open";
                if word == "good" {
                    self.settled.append(&mut self.open);
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Encodes the whole file.
    pub fn encode(&self) -> Vec<u8> {
        let since_s = self.since_s.unwrap_or(0);
        let mut file = VERSION.as_bytes().to_vec();
        file.extend_from_slice(&lines(&self.settled, "good", since_s));
        if !self.open.is_empty() {
            file.extend_from_slice(&lines(&self.open, "open", since_s));
        }
        file
    }

    /// Returns the length at which the file is written anew, because half of it is old.
    pub fn file_bytes_max(&self) -> usize {
        const LEAST: usize = 4096;
        /// The length of `id`, a blank, 16 digits and a line end.
        const LINE: usize = 20;
        let elements = self.settled.len().saturating_add(self.open.len());
        let bytes = elements.saturating_add(3).saturating_mul(LINE);
        bytes.saturating_mul(2).clamp(LEAST, POLL_FILE_BYTES_MAX)
    }

    /// Whether the file says that a poll did not come to its end.
    pub fn was_open(&self) -> bool {
        self.is_open || !self.open.is_empty()
    }

    /// Whether the list was never read to the end.
    pub fn is_first(&self) -> bool {
        self.since_s.is_none()
    }

    /// Whether an element was dealt with.
    pub fn has(&self, element: u64) -> bool {
        self.open.contains(&element) || self.is_settled(element)
    }

    /// Whether an element was known when a poll came to its end.
    pub fn is_settled(&self, element: u64) -> bool {
        // From the end, where those stand that the list still shows: else a poll at rest would search through
        // all of them for each.
        self.settled.iter().rev().any(|other| *other == element)
    }

    /// Records that an element was dealt with.
    pub fn add(&mut self, element: u64) {
        if self.has(element) {
            return;
        }
        self.open.push(element);
        // The list has no end.
        let excess = self.open.len().saturating_sub(POLL_KNOWN_MAX);
        if excess > OPEN_SPARE {
            self.open.drain(..excess);
        }
    }

    /// Records that a walk that began at `began_s` has read the list to its end, where all the elements
    /// that it `listed` are known.
    pub fn settle(&mut self, began_s: u64, listed: &[u64]) {
        self.settled.append(&mut self.open);
        self.since_s = Some(began_s.saturating_sub(POLL_OVERLAP_S));
        self.trim(listed);
    }

    /// Forgets the elements read first if there are too many. Elements that the list still shows are
    /// forgotten last.
    fn trim(&mut self, listed: &[u64]) {
        if self.settled.len() <= POLL_KNOWN_MAX {
            return;
        }
        let (mut shown, mut gone): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        for element in self.settled.drain(..) {
            match listed.contains(&element) {
                true => shown.push(element),
                false => gone.push(element),
            }
        }
        gone.append(&mut shown);
        let excess = gone.len().saturating_sub(POLL_KNOWN_MAX);
        self.settled = gone.split_off(excess.min(gone.len()));
    }

    /// Returns the time from which on SMS are asked for.
    pub fn since_s(&self, now_s: u64) -> u64 {
        const DAY_S: u64 = 86_400;
        match self.since_s {
            None => now_s.saturating_sub(POLL_FIRST_AGE_S),
            // The clock was ahead at that time, or is behind now.
            Some(since_s) if since_s > now_s => now_s.saturating_sub(DAY_S),
            Some(since_s) => since_s.max(now_s.saturating_sub(POLL_AGE_S_MAX)),
        }
    }
}

/// Encodes the lines of elements, and of the state of the poll at that time.
pub fn lines(elements: &[u64], word: &str, since_s: u64) -> Vec<u8> {
    let mut lines = String::new();
    for element in elements {
        lines.push_str(&format!("id {element:016x}\n"));
    }
    lines.push_str(&format!("{word} {since_s}\n"));
    lines.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_S: u64 = 1_795_000_000;

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let mut known = Known::default();
        assert!(known.is_first());
        known.add(1);
        known.add(2);
        known.add(1);
        known.settle(NOW_S, &[1, 2]);
        known.add(3);
        let file = known.encode();
        assert_eq!(known.file_bytes_max(), 4096);
        for element in 4..300 {
            known.add(element);
        }
        let long = known.encode().len();
        assert!((2 * long..2 * long + 64).contains(&known.file_bytes_max()));
        let expected = format!(
            "websms poll 1\nid 0000000000000001\nid 0000000000000002\ngood {since}\n\
             id 0000000000000003\nopen {since}\n",
            since = NOW_S - POLL_OVERLAP_S
        );
        assert_eq!(file, expected.as_bytes());
        let (read, result) = Known::parse(&file);
        assert_eq!((read.encode(), result), (file, Ok(())));
        assert!(!read.is_first() && read.has(3) && !read.is_settled(3) && read.is_settled(2));
        assert!(!read.has(4));
    }

    #[test]
    fn a_file_that_is_broken_counts_as_far_as_it_goes() {
        // Checks that SMS are asked for from that time on.
        fn check(file: &str, has_one: bool, since_s: u64) {
            let (known, result) = Known::parse(file.as_bytes());
            assert_eq!(result, Err(BadKnown), "{file}");
            // A file that exists shows that the list was read before.
            assert!(!known.is_first(), "{file}");
            assert_eq!(known.has(1), has_one, "{file}");
            assert_eq!(known.since_s(10), since_s, "{file}");
        }
        let one = "id 0000000000000001\n";
        check("", false, 0);
        check("websms poll 2\nid 0000000000000001\n", false, 0);
        check(&format!("websms poll 1\n{one}good 5\nid 00000000"), true, 5);
        check(&format!("websms poll 1\nid x\n{one}good 5\n"), true, 5);
        check(&format!("websms poll 1\n{one}good -5\n"), true, 0);
        check(&format!("websms poll 1\n{one}good +5\n"), true, 0);
        check(&format!("websms poll 1\n{one}bad 5\n"), true, 0);
        check(&format!("websms poll 1\n{one}\n"), true, 0);
    }

    #[test]
    fn from_when_on_is_asked() {
        let since = |file: &str| Known::parse(file.as_bytes()).0.since_s(NOW_S);
        assert_eq!(Known::default().since_s(NOW_S), NOW_S - POLL_FIRST_AGE_S);
        let good = |s: u64| format!("websms poll 1\ngood {s}\n");
        assert_eq!(since(&good(NOW_S - 5)), NOW_S - 5);
        assert_eq!(since(&good(NOW_S)), NOW_S);
        assert_eq!(since(&good(NOW_S + 1)), NOW_S - 86_400);
        assert_eq!(
            since(&good(NOW_S - POLL_AGE_S_MAX - 1)),
            NOW_S - POLL_AGE_S_MAX
        );
        // A poll under way keeps the time of the poll before.
        assert_eq!(
            since(&format!(
                "{}id 0000000000000001\nopen {}\n",
                good(NOW_S - 9),
                NOW_S - 9
            )),
            NOW_S - 9
        );
    }

    #[test]
    fn a_list_without_an_end_is_known_in_part() {
        let most = u64::try_from(POLL_KNOWN_MAX + OPEN_SPARE).unwrap_or(0);
        let mut known = Known::default();
        known.settle(NOW_S, &[]);
        for element in 1..=most {
            known.add(element);
        }
        assert!(known.has(1) && known.has(most));
        known.add(most + 1);
        assert!(!known.has(1) && known.has(most + 1));
        assert_eq!(known.open.len(), POLL_KNOWN_MAX);
        // As much again is settled: the file may not grow beyond what is read.
        known.settle(NOW_S, &[]);
        for element in most + 2..=2 * most {
            known.add(element);
        }
        assert!(known.file_bytes_max() <= POLL_FILE_BYTES_MAX);
        assert!(known.encode().len() * 3 / 2 < known.file_bytes_max());
    }

    #[test]
    fn what_the_list_still_shows_is_forgotten_last() {
        let most = u64::try_from(POLL_KNOWN_MAX).unwrap_or(0);
        for more in [0, 1, 10] {
            let mut known = Known::default();
            for element in 1..=most + more {
                known.add(element);
            }
            known.settle(NOW_S, &[1, 2, 3]);
            assert!(
                known.has(1) && known.has(3) && known.has(most + more),
                "{more}"
            );
            assert_eq!(known.has(4), more == 0, "{more}");
            assert_eq!(known.settled.len(), POLL_KNOWN_MAX);
        }
    }
}
