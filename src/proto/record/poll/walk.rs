//! Walks through an interface's list page by page: decides what is asked for next, and when the list has
//! ended.
//!
//! A walk may take several polls: if the network or the limit of requests stops one, the walk goes on at
//! the page that it did not get. It knows no SMS: callers pass the number of elements of a page, and
//! whether all of them were settled.

use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{POLL_NEXT_BYTES_MAX, POLL_REQUESTS_MAX};
use crate::proto::provider::poll::lister::{Lister, Order, Paging};
use crate::proto::provider::poll::next::{BadNext, follow};
use crate::proto::provider::poll::request::Spot;

/// The state of a walk.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The time at which it began, seconds since 1970.
    pub began_s: u64,
    /// The time from which on SMS are asked for, seconds since 1970.
    pub since_s: u64,
    /// The elements that it has read.
    pub listed: Vec<u64>,
    spot: Spot,
    /// The index of the own number that is asked for.
    number: usize,
    /// The number of requests of the present poll.
    requests: usize,
    /// The number of elements before `{offset}`.
    offset: u64,
}

/// The contents of a page.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The number of its elements.
    pub elements: usize,
    /// The value that names the next page.
    pub next: Option<&'a [u8]>,
    /// Whether the page has elements and all of them are settled.
    pub all_settled: bool,
    /// Whether the page was read to its end.
    pub is_whole: bool,
}

/// The progress of a walk after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is another page.
    More,
    /// There is another page, and the next poll asks for it.
    Enough,
    /// The list has ended.
    End,
    /// The list cannot be followed, and the next poll starts at its beginning.
    Lost(&'static str),
}

impl Walk {
    /// Begins a walk at the list's beginning.
    pub fn new(began_s: u64, since_s: u64) -> Walk {
        Walk {
            began_s,
            since_s,
            listed: Vec::new(),
            spot: Spot::First,
            number: 0,
            requests: 0,
            offset: 0,
        }
    }

    /// Goes on with the walk in another poll.
    pub fn resume(&mut self) {
        self.requests = 0;
    }

    /// Returns the place in the list that the next request asks for.
    pub fn spot(&self) -> &Spot {
        &self.spot
    }

    /// Returns the own number that is asked for; empty if one list holds the SMS of all numbers.
    pub fn number<'a>(&self, lister: &'a Lister) -> &'a str {
        lister.numbers.get(self.number).map_or("", String::as_str)
    }

    /// Records that the page of the answer to `asked` was dealt with, and returns the next step.
    pub fn turn(&mut self, lister: &Lister, asked: &str, found: Found) -> Progress {
        self.requests = self.requests.saturating_add(1);
        if !found.is_whole {
            return Progress::Lost("the answer is longer than any that is read, or cut");
        }
        let is_known = lister.order == Order::Newest && found.all_settled && !lister.consumes;
        let goes_on = match is_known {
            true => Ok(false),
            false => self.go_on(lister, asked, found),
        };
        match goes_on {
            Err(bad) => return Progress::Lost(bad.phrase()),
            Ok(true) => {}
            Ok(false) => {
                self.number = self.number.saturating_add(1);
                self.spot = Spot::First;
                self.offset = 0;
                if self.number >= lister.numbers.len() {
                    return Progress::End;
                }
            }
        }
        match self.requests < POLL_REQUESTS_MAX {
            true => Progress::More,
            false => Progress::Enough,
        }
    }

    /// Goes on to the next page. Returns whether there is one.
    fn go_on(&mut self, lister: &Lister, asked: &str, found: Found) -> Result<bool, BadNext> {
        let is_empty = found.elements == 0;
        let elements = u64::try_from(found.elements).unwrap_or(u64::MAX);
        self.spot = match (&lister.paging, found.next) {
            // Elements are shown only once, so that the same request gets the next page.
            _ if lister.consumes => return Ok(!is_empty),
            (Paging::None, _) => return Ok(false),
            (Paging::Url(_) | Paging::Value(_), None) => return Ok(false),
            (Paging::Url(_), Some(next)) => Spot::Url(follow(asked, next)?),
            (Paging::Value(_), Some(next)) => match &self.spot {
                _ if next.len() > POLL_NEXT_BYTES_MAX => return Err(BadNext::TooLong),
                Spot::Value(before) if before == next => return Err(BadNext::Same),
                _ => Spot::Value(next.to_vec()),
            },
            (Paging::Page(_) | Paging::Offset, _) if is_empty => return Ok(false),
            (Paging::Page(first), _) => {
                let page = match self.spot {
                    Spot::Number(page) => page,
                    _ => *first,
                };
                Spot::Number(page.saturating_add(1))
            }
            (Paging::Offset, _) => {
                self.offset = self.offset.saturating_add(elements);
                Spot::Number(self.offset)
            }
        };
        Ok(true)
    }

    /// Goes back to the list's beginning for the next poll, because the provider does not have the page
    /// that was asked for. Returns whether this changes the place.
    pub fn begin_anew(&mut self) -> bool {
        let is_inside = self.spot != Spot::First || self.number > 0;
        (self.spot, self.number, self.offset) = (Spot::First, 0, 0);
        is_inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lister(paging: Paging) -> Lister {
        Lister {
            path: String::new(),
            statics: Vec::new(),
            each: Vec::new(),
            empty: "".into(),
            paging,
            order: Order::Newest,
            done: None,
            consumes: false,
            numbers: Vec::new(),
        }
    }

    const ASKED: &str = "https://h/m?p=1";

    /// Returns a page with elements that are new.
    fn page(elements: usize, next: Option<&str>) -> Found<'_> {
        Found {
            elements,
            next: next.map(str::as_bytes),
            all_settled: false,
            is_whole: true,
        }
    }

    fn settled(next: Option<&str>) -> Found<'_> {
        Found {
            all_settled: true,
            ..page(3, next)
        }
    }

    /// Walks through these pages, and checks the step and the place after each.
    fn check(lister: &Lister, pages: &[Found<'_>], expected: &[&str]) {
        let mut walk = Walk::new(0, 0);
        let mut shown = Vec::new();
        for found in pages {
            let then = walk.turn(lister, ASKED, *found);
            let number = walk.number(lister);
            let spot = match walk.spot() {
                Spot::First => "first".to_owned(),
                Spot::Url(url) => url.clone(),
                Spot::Number(at) => at.to_string(),
                Spot::Value(value) => String::from_utf8_lossy(value).into_owned(),
            };
            shown.push(match then {
                Progress::More => format!("{spot} {number}").trim_end().to_owned(),
                Progress::Enough => "enough".to_owned(),
                Progress::End => "end".to_owned(),
                Progress::Lost(why) => why.split(',').next().unwrap_or_default().to_owned(),
            });
        }
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_list_goes_on_until_its_end() {
        check(&lister(Paging::None), &[page(3, Some("/x"))], &["end"]);
        let url = lister(Paging::Url("next".into()));
        check(
            &url,
            &[page(3, Some("/x")), page(0, Some("/y")), page(3, None)],
            &["https://h/x", "https://h/y", "end"],
        );
        let pages = lister(Paging::Page(1));
        check(
            &pages,
            &[page(3, None), page(1, None), page(0, None)],
            &["2", "3", "end"],
        );
        check(
            &lister(Paging::Page(0)),
            &[page(3, None), page(0, None)],
            &["1", "end"],
        );
        check(
            &lister(Paging::Offset),
            &[page(50, None), page(7, None), page(0, None)],
            &["50", "57", "end"],
        );
        let value = lister(Paging::Value("next".into()));
        check(
            &value,
            &[page(3, Some("a")), page(3, Some("b")), page(3, None)],
            &["a", "b", "end"],
        );
    }

    #[test]
    fn a_page_that_is_known_ends_a_list_whose_newest_stand_first() {
        let url = lister(Paging::Url("next".into()));
        check(&url, &[settled(Some("/x"))], &["end"]);
        // This holds even if the URL could not be followed.
        check(&url, &[settled(Some("https://evil/"))], &["end"]);
        let oldest = Lister {
            order: Order::Oldest,
            ..url
        };
        check(
            &oldest,
            &[settled(Some("/x")), settled(None)],
            &["https://h/x", "end"],
        );
    }

    #[test]
    fn a_list_that_leads_nowhere_is_lost() {
        let url = lister(Paging::Url("next".into()));
        check(
            &url,
            &[page(3, Some("https://evil.example/"))],
            &["the next page is on another host"],
        );
        check(
            &url,
            &[page(3, Some(ASKED))],
            &["the next page is the one before"],
        );
        let value = lister(Paging::Value("next".into()));
        check(
            &value,
            &[page(3, Some("a")), page(3, Some("a"))],
            &["a", "the next page is the one before"],
        );
        let long = "a".repeat(POLL_NEXT_BYTES_MAX + 1);
        check(
            &value,
            &[page(3, Some(&long))],
            &["the next page has a URL of more than 2048 bytes"],
        );
        let cut = Found {
            is_whole: false,
            ..settled(None)
        };
        check(
            &url,
            &[cut],
            &["the answer is longer than any that is read"],
        );
    }

    #[test]
    fn a_poll_has_so_many_requests() {
        let pages = lister(Paging::Page(1));
        let mut walk = Walk::new(0, 0);
        for nth in 1..POLL_REQUESTS_MAX {
            assert_eq!(
                walk.turn(&pages, ASKED, page(1, None)),
                Progress::More,
                "{nth}"
            );
        }
        assert_eq!(walk.turn(&pages, ASKED, page(1, None)), Progress::Enough);
        assert_eq!(walk.spot(), &Spot::Number(21));
        walk.resume();
        assert_eq!(walk.turn(&pages, ASKED, page(1, None)), Progress::More);
        assert_eq!(walk.turn(&pages, ASKED, page(0, None)), Progress::End);
    }

    #[test]
    fn each_number_has_its_list() {
        let numbers = Lister {
            numbers: vec!["+1".to_owned(), "+2".to_owned()],
            ..lister(Paging::Offset)
        };
        assert_eq!(Walk::new(0, 0).number(&numbers), "+1");
        check(
            &numbers,
            &[page(5, None), page(0, None), page(6, None), settled(None)],
            &["5 +1", "first +2", "6 +2", "end"],
        );
    }

    #[test]
    fn what_is_consumed_is_asked_for_until_nothing_comes() {
        let consumes = Lister {
            consumes: true,
            ..lister(Paging::None)
        };
        check(
            &consumes,
            &[page(50, None), settled(None), page(0, None)],
            &["first", "first", "end"],
        );
    }

    #[test]
    fn a_page_that_is_gone_is_not_asked_for_again() {
        let mut walk = Walk::new(0, 0);
        assert!(!walk.begin_anew());
        walk.turn(&lister(Paging::Page(1)), ASKED, page(1, None));
        assert!(walk.begin_anew() && walk.spot() == &Spot::First);
    }
}
