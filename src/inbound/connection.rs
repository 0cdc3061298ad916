//! Serves one connection: reads requests and writes answers.
//!
//! A request is read only as far as needed to judge it: head, then address and path, then the body, then
//! credentials, then messages. 200 is sent only when every SMS is safe.
//!
//! Invariant: an answer given before the body was read to its end is the connection's last, so
//! that an unread body never becomes the next request.

mod bytes;

use std::io;
use std::net::IpAddr;

use super::buffer::{Buffer, FillError};
use super::deliver::{MessageResult, Order, RequestResult};
use super::id::Id;
use super::source::{InBrackets, Source};
use super::status::{Page, StatusData};
use super::{Service, Setup};
use crate::limits::{ANSWER_WAIT, ECHO_BYTES_MAX, LINGER_BYTES_MAX, LINGER_WAIT};
use crate::proto::grammar::Alternatives;
use crate::proto::record::kept::Items;
use crate::proto::record::seen::Signature;
use crate::proto::webhook::access::{self, Admission, Caller, Permit};
use crate::proto::webhook::interface::Webhook;
use crate::proto::webhook::proof::{self, Coverage};
use crate::proto::webhook::verify::Scheme;
use crate::proto::webhook::{self, BadWebhook, Reading};
use crate::proto::wire::form::{self, Value};
use crate::proto::wire::request::{BadRequest, Framing, Request, Version};
use crate::proto::wire::response::{self, After, Answer, Refusal};
use crate::sys::clock::{self, Deadline};
use crate::sys::listener::Slot;
use crate::sys::lock::Share;
use crate::sys::log::{self, Level};
use crate::sys::stream::Stream;

/// Serves one connection, which has its slot, to its end. `peer` is the address of its other end.
pub fn serve(service: &Service, stream: &mut dyn Stream, peer: IpAddr, slot: &Slot) {
    let mut connection = Connection {
        service,
        stream,
        peer,
        buffer: Buffer::new(&service.memory, slot.peer()),
        wait: Wait::First,
        id: Id::draw(),
        mode: AnswerMode::UNKNOWN,
    };
    while connection.exchange() == Flow::Next {
        connection.wait = Wait::Idle;
        connection.id = Id::draw();
    }
}

/// One connection between two requests, or in one.
pub(super) struct Connection<'s> {
    service: &'s Service,
    stream: &'s mut dyn Stream,
    peer: IpAddr,
    buffer: Buffer<'s>,
    wait: Wait,
    /// The current request's id.
    id: Id,
    mode: AnswerMode,
}

/// The event that is awaited before a request begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The connection's first byte.
    First,
    /// Another request, if there is one.
    Idle,
}

/// The way in which the current request must be answered.
#[derive(Debug, Clone, Copy)]
struct AnswerMode {
    version: Version,
    keeps_alive: bool,
    head_only: bool,
}

/// The state of the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    End,
}

/// The reason why a request is not read further.
enum Stop {
    /// Nobody is there to be answered, or no request has begun.
    Silent,
    /// The request gets this answer, which is the connection's last.
    Refused(Refusal, Option<Caller>),
}

/// The result of reading the head alone.
enum Opening<'c> {
    /// The body must be read.
    Body(Admission<'c>, Framing),
    /// The answer is known already. The framing tells whether a body was left unread.
    Early(Reply<'c>, Framing),
}

/// An answer that needs nothing more of the request.
pub(super) enum Reply<'c> {
    /// A refusal: its status says why.
    Refused(Refusal),
    /// The value of `key_echo`.
    Echo(Vec<u8>),
    /// The status page.
    Page(Page),
    /// 200 to a reachability check.
    Empty,
    /// `report_success` of an interface.
    Accepted(&'c Webhook),
    /// `reject_status` of an interface.
    Rejected(&'c Webhook),
}

impl AnswerMode {
    /// The mode for a request whose head could not be read.
    const UNKNOWN: AnswerMode = AnswerMode {
        version: Version::Http11,
        keeps_alive: false,
        head_only: false,
    };

    fn of(request: &Request) -> AnswerMode {
        AnswerMode {
            version: request.version,
            keeps_alive: request.keeps_alive(),
            head_only: request.method == "HEAD",
        }
    }
}

impl From<BadRequest> for Stop {
    fn from(bad: BadRequest) -> Stop {
        Stop::Refused(refusal(bad), None)
    }
}

/// Converts a fault of the peer's into a refusal.
fn refusal(bad: BadRequest) -> Refusal {
    match bad {
        BadRequest::Malformed(what) => Refusal::Malformed(what),
        BadRequest::TargetTooLong => Refusal::TargetTooLong,
        BadRequest::HeadTooLong => Refusal::HeadTooLong,
        BadRequest::BodyTooLong => Refusal::TooLong,
        BadRequest::ContentEncoding => Refusal::Encoding,
    }
}

impl From<FillError> for Stop {
    fn from(error: FillError) -> Stop {
        match error {
            FillError::Ended => Stop::Refused(Refusal::Malformed("cut off"), None),
            FillError::Slow => Stop::Refused(Refusal::Slow, None),
            FillError::NoRoom => Stop::Refused(Refusal::Busy, None),
            FillError::Broken => Stop::Silent,
        }
    }
}

impl Connection<'_> {
    /// Reads one request and answers it.
    fn exchange(&mut self) -> Flow {
        self.mode = AnswerMode::UNKNOWN;
        match self.request() {
            Ok(then) => then,
            Err(Stop::Silent) => Flow::End,
            Err(Stop::Refused(refusal, caller)) => {
                self.log_refusal(caller, "", refusal);
                self.answer(&refusal.answer(), None)
            }
        }
    }

    fn request(&mut self) -> Result<Flow, Stop> {
        let (head_bytes, deadline) = self.read_head()?;
        let setup = self.service.setup();
        let (reply, used) = match self.open(&setup, head_bytes)? {
            Opening::Early(reply, Framing::Length(0)) => (reply, Some(head_bytes)),
            Opening::Early(reply, _) => (reply, None),
            Opening::Body(entry, framing) => {
                let request_bytes = self.read_body(head_bytes, framing, deadline)?;
                let reply = self.judge(&setup, entry, head_bytes, request_bytes)?;
                (reply, Some(request_bytes))
            }
        };
        let answer = match &reply {
            Reply::Refused(refusal) => refusal.answer(),
            Reply::Echo(value) => Answer::echo(value),
            Reply::Page(page) => {
                Answer::page(page.status, &page.body, page.content_type, page.fields)
            }
            Reply::Empty => Answer::empty(),
            Reply::Accepted(webhook) => accepted(webhook),
            Reply::Rejected(webhook) => rejected(webhook),
        };
        let closes = matches!(&reply, Reply::Refused(refusal) if refusal.closes());
        Ok(self.answer(&answer, used.filter(|_| !closes)))
    }

    /// Decides what the head alone allows: address and path first, then the checks that providers make
    /// without a signature.
    fn open<'c>(&mut self, setup: &'c Setup, head_bytes: usize) -> Result<Opening<'c>, Stop> {
        let head = self.buffer.filled().get(..head_bytes).unwrap_or_default();
        let request = Request::parse(head)?;
        self.mode = AnswerMode::of(&request);
        let framing = match request.framing() {
            // The limit is told only to a peer that is let in.
            Err(BadRequest::BodyTooLong) => Err(BadRequest::BodyTooLong),
            framing => Ok(framing?),
        };
        let rules = &setup.config.rules;
        if let Some(status) = &setup.status
            && access::reads_status(rules, self.peer, &request)
        {
            let framing = framing.unwrap_or(Framing::Chunked);
            return Ok(Opening::Early(self.page(setup, status, &request), framing));
        }
        let entry = match access::admit(rules, self.peer, &request) {
            Ok(entry) => entry,
            Err(denied) => {
                let refusal = not_admitted(denied);
                let caller = access::caller(rules, self.peer, &request);
                self.log_refusal(Some(caller), "", refusal);
                let framing = framing.unwrap_or(Framing::Chunked);
                return Ok(Opening::Early(Reply::Refused(refusal), framing));
            }
        };
        let caller = entry.caller();
        if let Caller::Proxy(_) = caller {
            // Any client of the proxy can cause this, so it counts as a refusal.
            log::refusal(format_args!(
                "{} proxy {} names nobody behind it, its own address counts",
                self.id, self.peer
            ));
        }
        let stop = |bad| Stop::Refused(refusal(bad), Some(caller));
        let framing = framing.map_err(stop)?;
        request.encoding().map_err(stop)?;

        let key_echo = &entry.interface().gate.key_echo;
        if let Some(value) = query_value(&request, key_echo) {
            let reply = match value.len() {
                0..=ECHO_BYTES_MAX => Reply::Echo(value),
                _ => {
                    self.log_refusal(Some(caller), "", Refusal::EchoTooLong);
                    Reply::Refused(Refusal::EchoTooLong)
                }
            };
            return Ok(Opening::Early(reply, framing));
        }
        let is_check = matches!(request.method, "GET" | "HEAD")
            && framing == Framing::Length(0)
            && request.query().iter().all(|b| *b == b'&');
        if is_check {
            return Ok(Opening::Early(Reply::Empty, framing));
        }
        if request.expects_continue()
            && framing != Framing::Length(0)
            && self.buffer.filled().len() == head_bytes
            && let Err(error) = self
                .stream
                .write(response::CONTINUE, Deadline::after(ANSWER_WAIT))
        {
            log::event(
                Level::Debug,
                format_args!("{} {}: {}", self.id, self.peer, gone(&error)),
            );
            return Err(Stop::Silent);
        }
        Ok(Opening::Body(entry, framing))
    }

    /// Checks credentials, then the method, and chooses the answer to a whole request.
    fn judge<'c>(
        &self,
        setup: &'c Setup,
        entry: Admission<'c>,
        head_bytes: usize,
        request_bytes: usize,
    ) -> Result<Reply<'c>, Stop> {
        let filled = self.buffer.filled();
        let head = filled.get(..head_bytes).unwrap_or_default();
        let mut request = Request::parse(head)?;
        request.body = filled.get(head_bytes..request_bytes).unwrap_or_default();

        let (interface, caller) = (entry.interface(), entry.caller());
        let refused = |refusal: Refusal| {
            self.log_refusal(Some(caller), &interface.name, refusal);
            Ok(Reply::Refused(refusal))
        };
        let now_s = clock::now_s();
        let sane_s = Some(now_s).filter(|now_s| clock::is_sane(*now_s));
        let turn = self.service.readers.take();
        let checked = access::check(entry, &request, sane_s);
        drop(turn);
        let permit = match checked {
            Ok(permit) => permit,
            Err(denied) => return refused(not_proved(denied, interface.gate.credentials.scheme)),
        };
        match request.method {
            "GET" | "POST" => {}
            "HEAD" => return Ok(Reply::Empty),
            _ => return refused(Refusal::Method),
        }
        let order = Order {
            setup,
            interface,
            id: self.id,
            source: Source::Peer(self.peer, Some(caller)),
            share: Share::Shared,
            signature: Signature::of(&setup.config.rules, interface, permit.signature()),
        };
        Ok(self.take_in(&order, permit, &request, now_s))
    }

    /// Reads the messages of a request that has passed every check, and delivers them. A refused part is kept.
    fn take_in<'c>(
        &self,
        order: &Order<'c>,
        permit: Permit<'c>,
        request: &Request<'_>,
        now_s: u64,
    ) -> Reply<'c> {
        let webhook = &order.interface.webhook;
        // Only a refused request is needed again.
        let rejected = order.setup.rejected.as_ref();
        let coverage = rejected.map(|_| permit.coverage().clone());
        let keep = |items: Items| {
            let is_message = |coverage: &Coverage| {
                let _turn = self.service.readers.take();
                request.method == "POST" || webhook::names_any(coverage, request, webhook)
            };
            if let Some(coverage) = coverage.filter(is_message) {
                order.keep(request, coverage, items, now_s);
            }
        };
        let turn = self.service.readers.take();
        let reading = webhook::read(permit, request);
        drop(turn);
        match reading {
            Ok(Reading::Messages(items, reports)) => {
                order.take_reports(&reports);
                let outcome = order.deliver(&items, now_s);
                if let Some(refused) = refused_items(&outcome) {
                    keep(refused);
                }
                outcome.reply
            }
            Ok(Reading::Filtered(reports)) => {
                // Reports that say something new are logged elsewhere, with the id of their SMS.
                let level = match order.take_reports(&reports) {
                    true => Level::Debug,
                    false => Level::Info,
                };
                order.log(level, format_args!("no message, acknowledged"));
                Reply::Accepted(webhook)
            }
            Err(BadWebhook::TooMuch(what)) => {
                order.refuse(Refusal::TooLong, 413, format_args!("{what}"));
                Reply::Refused(Refusal::TooLong)
            }
            Err(bad) => {
                order.reject(&bad);
                keep(Items::All);
                Reply::Rejected(webhook)
            }
        }
    }

    /// Returns the status page, for a peer that may read it.
    fn page(&self, setup: &Setup, status: &StatusData, request: &Request) -> Reply<'static> {
        if !matches!(request.method, "GET" | "HEAD") {
            self.log_refusal(None, "", Refusal::PageMethod);
            return Reply::Refused(Refusal::PageMethod);
        }
        let page = status.answer(setup, request, self.service.slots.taken());
        if page.is_wrong {
            self.log_refusal(None, "", Refusal::Credentials);
        }
        Reply::Page(page)
    }

    fn log_refusal(&self, caller: Option<Caller>, interface: &str, refusal: Refusal) {
        self.service.count_refusal(refusal.reason());
        log::refusal(format_args!(
            "{} {}{}: {}, {}",
            self.id,
            Source::Peer(self.peer, caller),
            InBrackets(interface),
            refusal.status(),
            refusal.phrase()
        ));
    }

    /// Writes an answer. `used` is the length of the request if all of it was read; without it the connection
    /// ends.
    fn answer(&mut self, answer: &Answer, used: Option<usize>) -> Flow {
        let stays = used.is_some() && self.mode.keeps_alive && !self.service.slots.are_short();
        let after = match (stays, self.mode.version) {
            (false, _) => After::Close,
            (true, Version::Http10) => After::OpenHttp10,
            (true, Version::Http11) => After::Open,
        };
        let method = if self.mode.head_only { "HEAD" } else { "" };
        let id = self.id.text();
        let (start, rest) = response::encode(&answer.with_id(&id), after, method);
        let deadline = Deadline::after(ANSWER_WAIT);
        let mut written = self.stream.write(&start, deadline);
        if written.is_ok() && !rest.is_empty() {
            written = self.stream.write(rest, deadline);
        }
        if let Err(error) = written {
            log::event(
                Level::Debug,
                format_args!("{} {}: {}", self.id, self.peer, gone(&error)),
            );
            return Flow::End;
        }
        self.buffer.remove(0..used.unwrap_or(0));
        if stays {
            self.buffer.shrink();
            return Flow::Next;
        }
        if used.is_none() || !self.buffer.filled().is_empty() {
            self.linger();
        }
        Flow::End
    }

    /// Waits until the peer has read the answer: a connection that is closed with unread bytes is reset,
    /// and the answer may be lost with it.
    fn linger(&mut self) {
        self.stream.finish();
        let deadline = Deadline::after(LINGER_WAIT);
        let mut left = LINGER_BYTES_MAX;
        let mut unread = [0; 2048];
        while left > 0 {
            match self.stream.read(&mut unread, deadline) {
                Ok(0) | Err(_) => return,
                Ok(read) => left = left.saturating_sub(read),
            }
        }
    }
}

/// Returns the messages of an answered request that were not acceptable or too long, if any; the provider
/// does not send them again.
fn refused_items(outcome: &RequestResult<'_>) -> Option<Items> {
    let answered = matches!(outcome.reply, Reply::Accepted(_) | Reply::Rejected(_));
    let results = outcome.results.iter().zip(1..);
    let refused = results.filter(|(result, _)| {
        matches!(result, MessageResult::Rejected(_) | MessageResult::TooLong)
    });
    let places: Vec<usize> = refused.map(|(_, place)| place).collect();
    let of = outcome.results.len();
    if !answered || places.is_empty() {
        None
    } else if places.len() == of {
        Some(Items::All)
    } else {
        Some(Items::Some { places, of })
    }
}

/// Returns 200 with the body that the provider expects.
fn accepted(webhook: &Webhook) -> Answer<'_> {
    Answer::accepted(&webhook.report_success, &webhook.report_type)
}

/// Returns `reject_status`. A status of success carries the provider's own success text; otherwise the provider
/// would try again.
fn rejected(webhook: &Webhook) -> Answer<'_> {
    match webhook.reject_status {
        status @ 200..=299 => accepted(webhook).with_status(status),
        status => Refusal::Rejected(status).answer(),
    }
}

/// Converts a request that no interface takes into a refusal.
fn not_admitted(denied: access::Denied) -> Refusal {
    match denied {
        access::Denied::Address => Refusal::Address,
        access::Denied::Path => Refusal::Path,
    }
}

/// Converts a request without valid credentials into a refusal; if the scheme has a user, the answer asks
/// for one.
fn not_proved(denied: proof::Denied, scheme: &Scheme) -> Refusal {
    match (denied, scheme) {
        (proof::Denied::Clock, _) => Refusal::Clock,
        (_, scheme) if scheme.asks_for_user() => Refusal::Credentials,
        (denied, _) => Refusal::Signature(denied.phrase()),
    }
}

/// Returns the value of a query parameter, if it has one.
fn query_value(request: &Request, key: &Alternatives) -> Option<Vec<u8>> {
    let query = request.query();
    if query.is_empty() || key.is_empty() {
        return None;
    }
    let query = form::parse_urlencoded(query).ok()?;
    key.iter().find_map(|name| match query.get(name)? {
        Value::Scalar(value) => Some(value.to_vec()),
        Value::Array(_) => None,
    })
}

/// Describes a peer that could not be answered.
fn gone(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::TimedOut => "does not take its answer",
        _ => "left before its answer",
    }
}

#[cfg(test)]
mod tests;
