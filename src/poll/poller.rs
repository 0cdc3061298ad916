//! Polls for one interface: makes a request, reads its answer and delivers the elements in it.

use std::io;
use std::time::Duration;

use super::memory::{Memory, read_held, write_held};
use crate::config::{Config, Outgoing, Polling};
use crate::inbound::{Kind, Setup, deliver_elements, read_element};
use crate::limits::{POLL_ANSWER_BYTES_MAX, POLL_HELD_BYTES_MAX, POLL_KNOWN_MAX, POLL_OVERLAP_S};
use crate::outbound::attempt::{connection, server};
use crate::proto::provider::poll::lister::{Lister, Order};
use crate::proto::provider::poll::page::{self, BadPage, Page};
use crate::proto::provider::poll::request::{Ask, Spot, encode_done, encode_list};
use crate::proto::provider::{BodyEnd, Call, Reply, retry_after_s, said_of_list};
use crate::proto::record::poll::schedule::Schedule;
use crate::proto::record::poll::walk::{Found, Progress, Walk};
use crate::proto::webhook::interface::Interface;
use crate::proto::wire::json;
use crate::state::State;
use crate::sys::cause::Cause;
use crate::sys::client;
use crate::sys::clock::{self, Deadline};
use crate::sys::log::{self, Clean, Level};

/// The result of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepped {
    /// The list has another page.
    More,
    /// The list has another page, which the next poll reads.
    Enough,
    /// The list was read to its end.
    Good,
    /// The list could not be read for now.
    Failed,
}

/// An interface whose provider is polled.
pub(super) struct Poller {
    name: String,
    /// When the next request is due.
    pub schedule: Schedule,
    memory: Option<Memory>,
    walk: Option<Walk>,
    /// Whether a poll has begun and has another page.
    is_under_way: bool,
    /// New elements, in the order of the list.
    held: Vec<Held>,
    held_bytes: usize,
    /// The number of SMS that were there at the very first poll.
    there_before: usize,
    /// Whether the elements that an earlier run held were read.
    is_held_read: bool,
    /// The number of elements in the file of held elements.
    written: usize,
    /// Whether it was logged that the provider could not be told of stored SMS.
    done_is_failing: bool,
}

/// An element that is not stored yet.
struct Held {
    key: u64,
    bytes: Vec<u8>,
}

/// The configuration of one interface.
struct Parts<'a> {
    setup: &'a Setup,
    polling: &'a Polling,
    interface: &'a Interface,
    outgoing: &'a Outgoing,
}

/// The reason why a poll failed.
struct Bad {
    why: String,
    /// Whether the operator must act.
    is_account: bool,
    /// Whether the page has gone, so that the next poll begins anew.
    is_gone: bool,
    /// The pause that the provider asked for.
    asked_s: u64,
}

impl From<&str> for Box<Bad> {
    fn from(why: &str) -> Box<Bad> {
        Box::new(Bad {
            why: why.to_owned(),
            is_account: false,
            is_gone: false,
            asked_s: 0,
        })
    }
}

type Say<'a> = dyn FnMut(&str) + 'a;

impl Poller {
    /// Creates a poller that is due at once.
    pub fn new(name: &str, every: Duration, now: Duration) -> Poller {
        Poller {
            name: name.to_owned(),
            schedule: Schedule::new(every, now),
            memory: None,
            walk: None,
            is_under_way: false,
            held: Vec::new(),
            held_bytes: 0,
            there_before: 0,
            is_held_read: false,
            written: 0,
            done_is_failing: false,
        }
    }

    /// Returns the interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes one request. `say` receives the result.
    pub fn step(&mut self, setup: &Setup, now: &dyn Fn() -> Duration, say: &mut Say) -> Stepped {
        let config = &setup.config;
        let polling = config.polls.iter().find(|it| it.interface == self.name);
        let mut interfaces = config.rules.interfaces.iter();
        let interface = interfaces.find(|it| it.name == self.name);
        let outgoing = polling.and_then(|polling| config.interface(&polling.outgoing));
        let (Some(polling), Some(interface), Some(outgoing)) = (polling, interface, outgoing)
        else {
            return Stepped::Failed;
        };
        let parts = Parts {
            setup,
            polling,
            interface,
            outgoing,
        };
        if !self.is_under_way {
            self.schedule.begin(now());
        }
        let stepped = self.ask(&parts, say);
        self.is_under_way = matches!(stepped, Ok(Progress::More));
        let stepped = match stepped {
            Ok(Progress::More) => {
                self.schedule.go_on(now());
                return Stepped::More;
            }
            Ok(Progress::Enough) => {
                self.schedule.succeed(now());
                let words =
                    "the list is longer than one poll reads, and the next one goes on there";
                say(words);
                self.log(Level::Notice, words);
                return Stepped::Enough;
            }
            Ok(_) => {
                self.walk = None;
                if self.schedule.succeed(now()) {
                    self.log(Level::Notice, "works again");
                }
                Stepped::Good
            }
            Err(bad) => {
                // A failed network does not stop the delivery of SMS that are held.
                if !polling.lister.consumes
                    && !self.held.is_empty()
                    && !self.store(&parts, None, say)
                {
                    self.walk = None;
                }
                say(&format!("failed: {}", bad.why));
                if self.schedule.fail(now(), bad.asked_s) {
                    let (level, more) = match bad.is_account {
                        true => (Level::Error, ": the account is refused; trying on"),
                        false => (Level::Warning, "; trying on"),
                    };
                    self.log(level, &[&bad.why, more].concat());
                }
                Stepped::Failed
            }
        };
        if let Some(status) = &setup.status {
            status.counts.poll(&self.name, stepped == Stepped::Good);
        }
        stepped
    }

    fn log(&self, level: Level, words: &str) {
        let name = Clean(self.name.as_bytes());
        match self.name.as_str() {
            "" => log::event(level, format_args!("poll: {words}")),
            _ => log::event(level, format_args!("poll [{name}]: {words}")),
        }
    }

    fn ask(&mut self, parts: &Parts<'_>, say: &mut Say) -> Result<Progress, Box<Bad>> {
        let lister = &parts.polling.lister;
        self.remember(parts, lister)?;
        // An element that was shown once and could not be stored comes before anything new.
        if lister.consumes && !self.held.is_empty() && !self.store(parts, None, say) {
            return Err(NOT_STORED.into());
        }
        let now_s = clock::now_s();
        let since_s = match &self.memory {
            Some(memory) => memory.known.since_s(now_s),
            None => now_s,
        };
        let is_under_way = self.is_under_way;
        let walk = self.walk.get_or_insert_with(|| Walk::new(now_s, since_s));
        if !is_under_way {
            walk.resume();
        }
        let ask = Ask {
            spot: walk.spot(),
            number: walk.number(lister),
            since_s: walk.since_s,
            now_s,
            id: b"",
        };
        let call = encode_list(&parts.outgoing.account, lister, &ask);
        let call = call.map_err(|bad| Box::<Bad>::from(bad.to_string().as_str()))?;
        let reply = fetch(parts.polling, parts.outgoing, &call);
        let reply = reply.map_err(|why| Box::<Bad>::from(why.as_str()))?;
        let page = page(parts.polling, parts.outgoing, &reply, now_s);
        let page = page.inspect_err(|bad| {
            if bad.is_gone {
                walk.begin_anew();
            }
        })?;
        self.take_in(parts, &call, &reply, &page, say)
    }

    /// Reads the known elements of the list; for a list that shows everything once, also those not stored yet.
    fn remember(&mut self, parts: &Parts<'_>, lister: &Lister) -> Result<(), Box<Bad>> {
        if self.memory.is_some() || (lister.consumes && self.is_held_read) {
            return Ok(());
        }
        let Some(state) = State::of(&parts.setup.config) else {
            return Err("there is no [queue] dir".into());
        };
        let unread = |error: io::Error| {
            let why = format!("what was delivered cannot be read: {}", Cause(&error));
            Box::<Bad>::from(why.as_str())
        };
        if lister.consumes {
            for bytes in read_held(&state.poll_held(&self.name)).map_err(unread)? {
                let (_, key) = read_element(parts.interface, &bytes);
                self.held.push(Held { key, bytes });
            }
            self.is_held_read = true;
            self.written = self.held.len();
            return Ok(());
        }
        self.memory = Some(Memory::load(state.poll(&self.name)).map_err(unread)?);
        Ok(())
    }

    /// Writes down the elements that will not be shown again and are not stored. If that fails, they are in
    /// memory.
    fn write_held(&mut self, parts: &Parts<'_>) {
        // Elements are added at the end and go when they are stored, so an equal number means the same
        // elements.
        if self.held.len() == self.written {
            return;
        }
        let elements = self.held.iter().map(|it| it.bytes.as_slice());
        let journal = State::of(&parts.setup.config).map(|state| state.poll_held(&self.name));
        let written = journal.map(|journal| write_held(&journal, elements));
        if let Some(Err(error)) = written {
            let words = format!("what is listed once is in memory only: {}", Cause(&error));
            self.log(Level::Error, &words);
        }
        self.written = self.held.len();
    }

    /// Takes the elements of a page, and decides how the poll goes on.
    fn take_in(
        &mut self,
        parts: &Parts<'_>,
        call: &Call,
        reply: &Reply,
        page: &Page<'_>,
        say: &mut Say,
    ) -> Result<Progress, Box<Bad>> {
        let lister = &parts.polling.lister;
        let (all_settled, new) = self.sort(parts, page);
        let elements = page.elements.len();
        say(&format!(
            "answer: {}, {} bytes, {elements} elements, {new} of them new",
            reply.status,
            reply.body.len()
        ));
        let found = Found {
            elements,
            next: page.next.as_deref(),
            all_settled,
            is_whole: page.is_whole,
        };
        let is_cut = !page.is_whole && reply.end == BodyEnd::Cut;
        let Some(walk) = &mut self.walk else {
            return Err("there is no walk".into());
        };
        // A page that was cut off is requested again.
        let progress = match is_cut {
            true => Progress::Lost("the answer was cut off"),
            false => walk.turn(lister, &call.url, found),
        };
        let end_s = match progress {
            Progress::End => Some(walk.began_s),
            _ => None,
        };
        let is_full = self.held_bytes > POLL_HELD_BYTES_MAX;
        if lister.consumes {
            self.write_held(parts);
        }
        let is_stored = match progress {
            Progress::More if !lister.consumes && !is_full => true,
            _ => self.store(parts, end_s, say),
        };
        if !is_stored && !lister.consumes {
            self.walk = None;
        }
        match progress {
            _ if !is_stored => Err(NOT_STORED.into()),
            Progress::Lost(why) => {
                if !is_cut {
                    self.walk = None;
                }
                Err(why.into())
            }
            progress => Ok(progress),
        }
    }

    /// Holds the new elements. Returns whether there is an element and all are settled, and how many are new.
    fn sort(&mut self, parts: &Parts<'_>, page: &Page<'_>) -> (bool, usize) {
        let (mut all_settled, mut new) = (!page.elements.is_empty(), 0_usize);
        for element in &page.elements {
            let (kind, key) = read_element(parts.interface, element);
            let mut is_held = true;
            if let (Some(memory), Some(walk)) = (&mut self.memory, &mut self.walk) {
                all_settled = all_settled && memory.known.is_settled(key);
                let is_known = memory.known.has(key);
                if memory.known.is_first() && kind == Kind::Sms && !is_known {
                    self.there_before = self.there_before.saturating_add(1);
                }
                if memory.known.is_first() || kind == Kind::Other {
                    memory.known.add(key);
                }
                is_held = !is_known && !memory.known.is_first();
                if walk.listed.len() < POLL_KNOWN_MAX {
                    walk.listed.push(key);
                }
            } else {
                all_settled = false;
            }
            let is_twice = self.memory.is_some() && self.held.iter().any(|it| it.key == key);
            if is_held && kind != Kind::Other && !is_twice {
                new = new.saturating_add(1);
                self.held_bytes = self.held_bytes.saturating_add(element.len());
                self.held.push(Held {
                    key,
                    bytes: element.to_vec(),
                });
            }
        }
        (all_settled, new)
    }

    /// Delivers what is held, oldest first, and notes it. With `end_s` the list was read to its end, by a
    /// walk that began then. Returns whether all of it is safe; an SMS that is not is requested again, or
    /// held if the list would not show it again.
    fn store(&mut self, parts: &Parts<'_>, end_s: Option<u64>, say: &mut Say) -> bool {
        let lister = &parts.polling.lister;
        let mut held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        if lister.order == Order::Newest {
            held.reverse();
        }
        let count = held.len();
        let elements: Vec<&[u8]> = held.iter().map(|it| it.bytes.as_slice()).collect();
        let safe = deliver_elements(parts.setup, parts.interface, &elements, lister.consumes);
        let (mut stored, mut left) = (Vec::new(), Vec::new());
        for (held, is_safe) in held.into_iter().zip(safe) {
            match is_safe {
                true => stored.push(held),
                false => left.push(held),
            }
        }
        let is_stored = left.is_empty();
        self.note(&stored, end_s.filter(|_| is_stored), say);
        if !stored.is_empty() {
            say(&format!("stored: {} of {count}", stored.len()));
            self.tell_done(parts, &stored);
        }
        if lister.consumes {
            if lister.order == Order::Newest {
                left.reverse();
            }
            self.held = left;
            self.write_held(parts);
        }
        is_stored
    }

    fn note(&mut self, stored: &[Held], end_s: Option<u64>, say: &mut Say) {
        let (Some(memory), Some(walk)) = (&mut self.memory, &self.walk) else {
            return;
        };
        let was_first = memory.known.is_first();
        let mut noted = Vec::new();
        for held in stored {
            memory.known.add(held.key);
            noted.push(held.key);
        }
        let settled_s = end_s.map(|began_s| began_s.saturating_sub(POLL_OVERLAP_S));
        if let Some(began_s) = end_s {
            memory.known.settle(began_s, &walk.listed);
        }
        if was_first && end_s.is_none() {
            return;
        }
        memory.write(&noted, settled_s, walk.since_s);
        if was_first {
            let count = std::mem::take(&mut self.there_before);
            let words = format!(
                "first poll: {count} SMS are there already, which are noted and not delivered"
            );
            say(&words);
            self.log(Level::Notice, &words);
        }
    }

    /// Tells the provider which elements are stored, if it wants to know.
    fn tell_done(&mut self, parts: &Parts<'_>, stored: &[Held]) {
        let lister = &parts.polling.lister;
        let Some(done) = &lister.done else {
            return;
        };
        let names_each = done.path.contains("{id}");
        let count = if names_each { stored.len() } else { 1 };
        let now_s = clock::now_s();
        let mut fault = None;
        for held in stored.iter().take(count) {
            let id = element_id(parts.interface, &held.bytes);
            let ask = Ask {
                spot: &Spot::First,
                number: "",
                since_s: now_s,
                now_s,
                id: &id,
            };
            if names_each && id.is_empty() {
                continue;
            }
            let call = encode_done(&parts.outgoing.account, lister, done, &ask);
            let Ok(call) = call else {
                continue;
            };
            match fetch(parts.polling, parts.outgoing, &call) {
                Ok(reply) if (200..300).contains(&reply.status) => continue,
                Ok(reply) => fault = Some(format!("provider answered {}", reply.status)),
                Err(reason) => fault = Some(reason),
            }
            break;
        }
        if let Some(fault) = &fault
            && !self.done_is_failing
        {
            let words = format!("what is stored cannot be told (poll_done): {fault}");
            self.log(Level::Warning, &words);
        }
        self.done_is_failing = fault.is_some();
    }
}

const NOT_STORED: &str = "not all of it could be stored";

/// Returns the id of an element; empty if it has none.
fn element_id(interface: &Interface, element: &[u8]) -> Vec<u8> {
    let keys = interface.polled.as_ref().map(|polled| &polled.key_id);
    let value = json::parse(element).ok();
    let found = keys.zip(value).and_then(|(keys, value)| {
        keys.iter()
            .find_map(|key| value.find(key)?.first()?.scalar())
    });
    found.unwrap_or_default()
}

/// Finds the list in an answer.
fn page<'a>(
    polling: &Polling,
    outgoing: &Outgoing,
    reply: &'a Reply,
    now_s: u64,
) -> Result<Page<'a>, Box<Bad>> {
    let status = reply.status;
    // These statuses mean that the page has gone, not the list.
    let mut is_gone =
        matches!(status, 400..=499) && !matches!(status, 401..=403 | 407 | 408 | 425 | 429);
    let mut why = match status {
        200..=299 => match page::read(&reply.body, &polling.lister) {
            Ok(page) => return Ok(page),
            Err(bad) => {
                is_gone = bad == BadPage::NoList;
                [bad.phrase(), ", with "].concat()
            }
        },
        300..=399 => "redirects are refused, ".to_owned(),
        _ => String::new(),
    };
    why.push_str(&format!("provider answered {status}"));
    let said = said_of_list(reply, &outgoing.account);
    if !said.is_empty() {
        why.push_str(": ");
        why.push_str(&said);
    }
    Err(Box::new(Bad {
        why,
        is_account: matches!(status, 401 | 402 | 407),
        is_gone,
        asked_s: retry_after_s(reply, now_s).unwrap_or(0),
    }))
}

fn fetch(polling: &Polling, outgoing: &Outgoing, call: &Call) -> Result<Reply, String> {
    let deadline = Deadline::after(polling.timeout);
    let settings = connection(&outgoing.client);
    let fetched = client::fetch(call, &settings, &deadline, POLL_ANSWER_BYTES_MAX);
    fetched.map_err(|failure| [failure.phrase(), ": ", &server(call, &outgoing.client)].concat())
}

/// Requests the first page of a list and delivers nothing. Returns its size, how many elements it has, and how
/// many of them are SMS.
pub fn look(config: &Config, polling: &Polling) -> Result<(usize, usize, usize), String> {
    let mut interfaces = config.rules.interfaces.iter();
    let interface = interfaces.find(|it| it.name == polling.interface);
    let outgoing = config.interface(&polling.outgoing);
    let (Some(interface), Some(outgoing)) = (interface, outgoing) else {
        return Err("no interface of that name".to_owned());
    };
    let now_s = clock::now_s();
    let lister = &polling.lister;
    let ask = Ask {
        spot: &Spot::First,
        number: lister.numbers.first().map_or("", String::as_str),
        since_s: now_s.saturating_sub(POLL_OVERLAP_S),
        now_s,
        id: b"",
    };
    let call = encode_list(&outgoing.account, lister, &ask).map_err(|bad| bad.to_string())?;
    let reply = fetch(polling, outgoing, &call)?;
    let page = page(polling, outgoing, &reply, now_s).map_err(|bad| bad.why)?;
    let is_sms = |element: &&&[u8]| read_element(interface, element).0 == Kind::Sms;
    let sms = page.elements.iter().filter(is_sms).count();
    Ok((reply.body.len(), page.elements.len(), sms))
}
