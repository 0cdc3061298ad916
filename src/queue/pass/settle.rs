//! Settles a try: the message has ended, or it waits and its file may be updated.

use std::borrow::Cow;
use std::time::Duration;

use super::Pass;
use crate::limits::{FORBIDDEN_TRIES_MAX, UNSURE_TRIES_MAX};
use crate::outbound::hold::due_s;
use crate::outbound::log;
use crate::outbound::outcome::{MAYBE_SENT, Outcome, Status, settle, unsure};
use crate::proto::provider::{Blame, Verdict};
use crate::proto::record::envelope::{Item, QueueName};
use crate::proto::record::notice::Why;
use crate::proto::record::schedule::Tried;
use crate::queue::ends::GivenUp;
use crate::sys::cause::Cause;
use crate::sys::log::{self as syslog, Level};

impl Pass<'_> {
    /// Settles a try by its result.
    pub(super) fn settle(
        &mut self,
        name: &QueueName,
        mut item: Box<Item>,
        via: &str,
        verdict: Result<Verdict, Outcome>,
    ) {
        item.tries = item.tries.saturating_add(1);
        match verdict {
            Ok(verdict @ Verdict::Sent { .. }) => {
                self.ends.remove(name);
                self.standing.sent(via);
                self.log(&item, via, &settle(verdict));
                self.tried(name, Tried::Done);
            }
            Ok(Verdict::Refused { reason }) => {
                self.standing.answered(via);
                self.refuse(name, item, via, reason.text());
            }
            Ok(Verdict::Unsure { reason }) => {
                item.unsure = item.unsure.max(1);
                via.clone_into(&mut item.interface);
                let reason = unsure(&reason);
                self.tried(name, Tried::Unsure);
                if item.unsure >= UNSURE_TRIES_MAX {
                    let outcome = Outcome::new(Status::Failed, reason);
                    self.give_up(name, item, via, outcome, Why::Unsure);
                    self.schedule.remove(name);
                    return;
                }
                self.log_try(&item, via, &reason);
                item.set_reason(&reason);
                item.due_s = due_s(self.stamp_s(), self.config.queue.pause(Duration::ZERO));
                self.write(name, &item);
            }
            Ok(Verdict::Later {
                reason,
                retry_after_s,
                blame,
            }) => {
                let reason = reason.text();
                let asked = Duration::from_secs(retry_after_s.unwrap_or(0));
                let wait_ms = u64::try_from(asked.as_millis()).unwrap_or(u64::MAX);
                match blame {
                    Blame::Interface => self.tried(name, Tried::Later { wait_ms }),
                    Blame::Account => {
                        if self.standing.refuses_account(via) {
                            log::account_refused(via, &reason);
                        }
                        self.tried(name, Tried::Later { wait_ms });
                    }
                    Blame::Message => {
                        item.forbidden = item.forbidden.saturating_add(1);
                        if self.standing.forbids(name, via) && item.forbidden >= FORBIDDEN_TRIES_MAX
                        {
                            return self.refuse(name, item, via, reason);
                        }
                        self.tried(name, Tried::Forbidden { wait_ms });
                    }
                }
                self.later(name, item, via, &reason, asked);
            }
            // The operator may repair the configuration before the message is too old.
            Err(fault) => {
                self.tried(name, Tried::Later { wait_ms: 0 });
                self.later(name, item, via, &fault.reason, Duration::ZERO);
            }
        }
    }

    /// Ends a message that the provider answers and refuses.
    fn refuse(&mut self, name: &QueueName, item: Box<Item>, via: &str, reason: Cow<'static, str>) {
        let outcome = Outcome::new(Status::Refused, reason);
        self.give_up(name, item, via, outcome, Why::Refused);
        self.tried(name, Tried::Done);
    }

    /// Lets a message wait, and writes its reason into its file if it is new.
    fn later(
        &mut self,
        name: &QueueName,
        mut item: Box<Item>,
        via: &str,
        reason: &str,
        asked: Duration,
    ) {
        item.set_reason(reason);
        if item.unsure >= UNSURE_TRIES_MAX {
            return self.doubt(name, item, via);
        }
        self.log_try(&item, via, reason);
        if self.tries.note(name, &item) || asked > Duration::ZERO {
            item.due_s = due_s(self.stamp_s(), self.config.queue.pause(asked));
            self.write(name, &item);
        }
    }

    /// Gives up a message that may have been sent, after the greatest number of tries.
    pub(super) fn doubt(&mut self, name: &QueueName, item: Box<Item>, via: &str) {
        let words = format!("last: {}", item.reason);
        let outcome = Outcome::new(Status::Failed, words);
        self.give_up(name, item, via, outcome, Why::Unsure);
        self.schedule.remove(name);
    }

    pub(super) fn expire(&mut self, name: &QueueName) {
        let item = match self.recall(name) {
            Ok(item) => item,
            Err(why) => {
                self.schedule.remove(name);
                return self.unread(name, &why);
            }
        };
        // The clock may have been set since the time was computed.
        let expires_ms = self.expires_ms(&item);
        if expires_ms.is_none_or(|at_ms| at_ms > self.now_ms()) {
            self.schedule.set_expiry(name, expires_ms);
            return;
        }
        let last = match item.reason.as_str() {
            "" => "never tried",
            reason => reason,
        };
        let outcome = Outcome::new(Status::Failed, format!("expired; last: {last}"));
        let via = item.interface.clone();
        self.give_up(name, item, &via, outcome, Why::Expired);
        self.schedule.remove(name);
    }

    /// Gives up a message. Its reason must not claim that it is unsent if it may have been sent.
    pub(super) fn give_up(
        &mut self,
        name: &QueueName,
        item: Box<Item>,
        via: &str,
        mut outcome: Outcome,
        why: Why,
    ) {
        if item.unsure > 0 && !outcome.reason.starts_with(MAYBE_SENT) {
            outcome.reason = format!("{MAYBE_SENT} before; {}", outcome.reason).into();
        }
        let given_up = GivenUp {
            item,
            via: via.to_owned(),
            outcome,
            why,
        };
        self.ends.give_up(name, given_up, &self.config);
    }

    pub(super) fn write(&mut self, name: &QueueName, item: &Item) -> bool {
        // Somebody has removed the file meanwhile and does not want it back.
        if !self.is_there(name) {
            return false;
        }
        match self.folder.replace(&name.text(), &item.encode()) {
            Ok(()) => {
                self.tries.written(name, item, Duration::ZERO);
                true
            }
            Err(error) => {
                if !self.tries.is_unwritten(name) {
                    let words = Cause(&error);
                    let words = format_args!("queue {}: cannot be written: {words}", name.id);
                    syslog::event(Level::Error, words);
                }
                self.tries.unwritten(name, item);
                false
            }
        }
    }
}
