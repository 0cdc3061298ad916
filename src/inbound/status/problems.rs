//! Finds the present problems, each with its remedy.

use super::super::Setup;
use super::Status;
use crate::limits::{
    CERTIFICATE_DAYS_MIN, DISK_FREE_BYTES_MIN, INBOX_SLOW_S, PAGE_ENTRIES_MAX, QUEUE_SLOW_S,
};
use crate::proto::record::event::Event;
use crate::proto::record::metrics::{Metrics, Queue};
use crate::proto::record::sheet::{Problem, View};
use crate::proto::wire::{certificate, date};
use crate::sys::clock;
use crate::sys::events::Held;
use crate::sys::files;
use crate::sys::tls::certificate::own;

/// The fact about a clock that is not set.
pub const CLOCK_FACT: &str = "it stands before this program was released, so certificates, signatures and ages cannot be judged";
/// The remedy for a clock that is not set.
pub const CLOCK_REMEDY: &str = "set it, and see that it is set at start: ntpd, or chronyd";
/// The remedy if Asterisk runs and takes no call files.
pub const PBX_SPOOL_REMEDY: &str = "asterisk -rx 'module load pbx_spool.so', and load it in modules.conf; if it is loaded, outgoingdir \
     must be the folder outgoing in astspooldir of asterisk.conf";

const CHECK_REMEDY: &str =
    "correct it and reload (SIGHUP); websmsd --check says the same, line by line";
const SENDING_REMEDY: &str = "websms --selftest walks the way to the provider and names the step that fails; websms --queue shows \
     what waits";
const POLLING_REMEDY: &str = "websmsd --poll asks once and says each step";
const QUEUE_REMEDY: &str =
    "websms --queue shows why each SMS waits, websms --flush tries all of them now";
const DISK_REMEDY: &str =
    "free space there; until then SMS are refused, and providers send them again";
const RENEW_REMEDY: &str =
    "renew it and replace the files of tls_cert and tls_key; they are read again without a restart";

/// Finds the present problems.
pub(super) fn problems(
    status: &Status,
    setup: &Setup,
    metrics: &Metrics,
    held: &Held,
    view: View,
) -> Vec<Problem> {
    let mut found = Found(Vec::new());
    let now_s = clock::now_s();
    if !clock::is_sane(now_s) {
        found.add("", format!("the clock: {CLOCK_FACT}"), CLOCK_REMEDY);
    }
    let is_there = match setup.spool.look() {
        Ok(()) => true,
        Err(fault) => {
            let text = fault.to_string();
            let parts = text.split_once("; ").or_else(|| text.split_once(": "));
            let (fact, remedy) = parts.unwrap_or((&text, PBX_SPOOL_REMEDY));
            let fact = format!("no SMS reaches asterisk: {fact}");
            found.add("", fact, remedy);
            false
        }
    };
    disks(setup, &mut found);
    certificate_end(setup, now_s, &mut found);
    failing(metrics, held, view, &mut found);
    if let Some(queue) = slow(metrics.outbound.queue, QUEUE_SLOW_S) {
        let fact = format!("the oldest SMS in the queue waits for {}", minutes(queue));
        found.add("", fact, QUEUE_REMEDY);
    }
    if let Some(inbox) = slow(metrics.inbound.inbox, INBOX_SLOW_S).filter(|_| is_there) {
        let fact = format!("the oldest SMS in the inbox waits for {}", minutes(inbox));
        let remedy =
            format!("see whether asterisk runs and the phone is there; then {PBX_SPOOL_REMEDY}");
        found.add("", fact, &remedy);
    }
    for remark in super::gather::remarks(status, &setup.config) {
        // The spool was checked already.
        if !remark.starts_with("outgoingdir does not exist") {
            found.add("", remark, CHECK_REMEDY);
        }
    }
    found.0
}

struct Found(Vec<Problem>);

impl Found {
    fn add(&mut self, interface: &str, text: String, remedy: &str) {
        if self.0.len() < PAGE_ENTRIES_MAX {
            self.0.push(Problem {
                interface: interface.to_owned(),
                text,
                remedy: remedy.to_owned(),
            });
        }
    }
}

/// Adds folders whose filesystem is nearly full.
fn disks(setup: &Setup, found: &mut Found) {
    let spool = &setup.config.spool;
    let folders = [
        ("outgoingdir", Some(spool.outgoing.as_path())),
        ("stagingdir", Some(spool.staging.as_path())),
        ("[queue] dir", setup.config.queue.dir.as_deref()),
    ];
    for (key, folder) in folders {
        let Some((bytes, files)) = folder.and_then(files::free) else {
            continue;
        };
        let what = match (bytes < DISK_FREE_BYTES_MIN, files) {
            (true, _) => format!(
                "the filesystem of {key} is full: {} KiB are free",
                bytes / 1024
            ),
            (false, Some(0)) => format!("the filesystem of {key} takes no more files"),
            _ => continue,
        };
        found.add("", what, DISK_REMEDY);
    }
}

/// Adds a certificate that has expired or soon will.
fn certificate_end(setup: &Setup, now_s: u64, found: &mut Found) {
    let Some(tls) = &setup.config.listening.tls else {
        return;
    };
    let der = own(&tls.cert);
    let Some(validity) = der.as_deref().and_then(certificate::validity) else {
        return;
    };
    let end = date::day(validity.not_after_s);
    let fact = match validity.not_after_s.checked_sub(now_s) {
        None => format!("the certificate of tls_cert has ended on {end}"),
        Some(left_s) if left_s / 86_400 < CERTIFICATE_DAYS_MIN => {
            format!("the certificate of tls_cert ends on {end}")
        }
        Some(_) => return,
    };
    found.add("", fact, RENEW_REMEDY);
}

/// Adds interfaces that do not send, and those whose polls fail.
fn failing(metrics: &Metrics, held: &Held, view: View, found: &mut Found) {
    for failures in &held.failures {
        let first = failures.first.as_deref().and_then(Event::parse);
        let (Some(first), Some(last)) = (first, Event::parse(&failures.last)) else {
            continue;
        };
        let since = date::rfc3339(first.time_s);
        let mut fact = format!("nothing was sent since {since}");
        if view == View::Whole {
            fact.push_str(": ");
            fact.push_str(&String::from_utf8_lossy(last.reason));
        }
        found.add(&failures.key, fact, SENDING_REMEDY);
    }
    for polls in metrics.polls.iter().filter(|polls| polls.failing_s > 0) {
        let since = date::rfc3339(polls.failing_s);
        found.add(
            &polls.name,
            format!("polls have failed since {since}"),
            POLLING_REMEDY,
        );
    }
}

/// Returns how long the oldest SMS waits if that is longer than `slow_s`.
fn slow(queue: Option<Queue>, slow_s: u64) -> Option<u64> {
    let queue = queue.filter(|queue| queue.waiting > 0)?;
    queue.oldest_s.filter(|oldest_s| *oldest_s > slow_s)
}

fn minutes(span_s: u64) -> String {
    match span_s / 60 {
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    }
}
