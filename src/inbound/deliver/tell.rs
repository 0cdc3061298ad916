//! Tells of the results of a request's messages: to the log, the counts, the status page and the hook.

use std::fmt;

use super::{MessageResult, Order};
use crate::inbound::Setup;
use crate::inbound::parts::Whole;
use crate::inbound::source::{FromTo, InBrackets, Source};
use crate::inbound::status::Counts;
use crate::message::Message;
use crate::proto::record::hook::{Event, environment};
use crate::proto::record::inbox::id_text;
use crate::proto::record::seen::Known;
use crate::proto::webhook::Item;
use crate::proto::wire::response::Refusal;
use crate::sys::hook::{self, Run};
use crate::sys::log::{self, Level};

impl Order<'_> {
    /// Logs and counts the result of each message and runs its hook.
    pub(super) fn tell(&self, items: &[Item], results: &[MessageResult], texts: &[(usize, Whole)]) {
        for (place, (item, result)) in items.iter().zip(results).enumerate() {
            self.log_fate(item, result);
            if let (Some(status), Ok(message)) = (&self.setup.status, &item.message) {
                let counts = &status.counts;
                counts.settle(&self.interface.name, message, result, &self.id.text());
            }
            let mut whole = texts.iter().filter(|(owner, _)| *owner == place);
            let whole = whole.next().map(|(_, whole)| &whole.message);
            if let Some(message) = whole.or(item.message.as_ref().ok()) {
                run_hook(self.setup, &self.interface.name, message, result);
            }
        }
    }

    pub(super) fn warn_of(&self, known: Known) {
        let words = match known {
            Known::OtherContent => "an id comes again with other contents, delivered",
            Known::Recut => "a signature comes again with other contents, not delivered",
            Known::New | Known::Same | Known::Resigned => return,
        };
        self.log(Level::Warning, format_args!("{words}"));
    }

    fn log_fate(&self, item: &Item, result: &MessageResult) {
        let Ok(message) = &item.message else {
            return;
        };
        let unique;
        let end = match result {
            // The line begins with it.
            MessageResult::Delivered(id) if *id == self.id.number(0) => "",
            MessageResult::Delivered(id) => {
                unique = id_text(*id);
                &unique
            }
            MessageResult::Held => "a part, whose others are awaited",
            MessageResult::Duplicate => "delivered before",
            MessageResult::Rejected(_) | MessageResult::TooLong | MessageResult::Crowded => return,
        };
        let route = FromTo(message, self.setup.config.log_numbers);
        let verdict = self.source.verdict();
        let comma = if end.is_empty() { "" } else { ", " };
        let (channel, dropped) = match item.channel {
            Some(channel) => (channel, ": dropped"),
            None => ("", ""),
        };
        let before = if channel.is_empty() { "" } else { ", " };
        self.log(
            Level::Info,
            format_args!("{verdict}, {route}{comma}{end}{before}{channel}{dropped}"),
        );
    }

    pub(super) fn log_beside(&self, words: fmt::Arguments<'_>) {
        let interface = InBrackets(&self.interface.name);
        log::beside_refusal(format_args!(
            "{} {}{interface}: {words}",
            self.id, self.source
        ));
    }

    pub(in crate::inbound) fn reject(&self, bad: &dyn fmt::Display) {
        let status = self.interface.webhook.reject_status;
        self.refuse(Refusal::Rejected(status), status, format_args!("{bad}"));
    }

    pub(in crate::inbound) fn refuse(
        &self,
        refusal: Refusal,
        status: u16,
        words: fmt::Arguments<'_>,
    ) {
        self.count(refusal);
        self.note("REJECTED", &self.id.text(), words);
        self.log_refusal(Level::Notice, Some(status), words);
    }

    /// Logs why a message must come again: a provider is told so by 503, and is asked again where it was asked.
    pub(super) fn log_later(&self, level: Level, words: fmt::Arguments<'_>) {
        self.log_refusal(level, None, words);
    }

    /// Logs a refusal, with a limit per second, so that a provider that repeats itself cannot fill the log.
    fn log_refusal(&self, level: Level, status: Option<u16>, words: fmt::Arguments<'_>) {
        let (id, source) = (self.id, self.source);
        let interface = InBrackets(&self.interface.name);
        let line = |middle: fmt::Arguments<'_>, end: &str| {
            log::refusal_at(
                level,
                format_args!("{id} {source}{interface}: {middle}{words}{end}"),
            );
        };
        match (source, status) {
            (Source::Peer(..), status) => line(format_args!("{}, ", status.unwrap_or(503)), ""),
            // Nobody gets an answer.
            (Source::Poll, None) => line(format_args!(""), "; to be asked for again"),
            (Source::Poll, Some(_)) => line(format_args!("passed over, "), ""),
        }
    }

    /// Records an event for the status page, if there is one.
    pub(super) fn note(&self, verdict: &str, id: &str, words: fmt::Arguments<'_>) {
        if self.setup.status.is_some() {
            Counts::note(verdict, &self.interface.name, id, &words.to_string());
        }
    }

    pub(super) fn count(&self, refusal: Refusal) {
        if let Some(status) = &self.setup.status {
            status.counts.refuse(refusal.reason());
        }
    }

    pub(in crate::inbound) fn log(&self, level: Level, words: fmt::Arguments<'_>) {
        let interface = InBrackets(&self.interface.name);
        log::event(
            level,
            format_args!("{} {}{interface}: {words}", self.id, self.source),
        );
    }
}

/// Runs the operator's own program for a message that is safe.
pub(super) fn run_hook(setup: &Setup, interface: &str, message: &Message, result: &MessageResult) {
    if let Some(program) = &setup.on_message
        && let MessageResult::Delivered(id) = result
    {
        let id = id_text(*id);
        hook::start(Run {
            label: format!("{id} {}", Event::Message.key()),
            program: program.clone(),
            environment: environment(Event::Message, &id, interface, message),
            input: message.text.as_bytes().to_vec(),
        });
    }
}
