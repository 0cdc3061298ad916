//! Finds the present problems, each with its remedy.

use super::super::Setup;
use crate::limits::{CERTIFICATE_DAYS_MIN, DISK_FREE_BYTES_MIN, INBOX_SLOW_S, QUEUE_SLOW_S};
use crate::proto::record::metrics::{FAILING, INBOX_OLDEST, Metrics, POLLS_FAILING, QUEUE_OLDEST};
use crate::proto::record::sheet::Sheet;
use crate::proto::wire::{certificate, date};
use crate::sys::clock;
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
const SENDING_REMEDY: &str =
    "websms --selftest names the step that fails; websms --queue shows what waits";
const POLLING_REMEDY: &str = "websmsd --poll asks once and says each step";
const QUEUE_REMEDY: &str =
    "websms --queue shows why each SMS waits, websms --flush tries all of them now";
const DISK_REMEDY: &str =
    "free space there; until then SMS are refused, and providers send them again";
const RENEW_REMEDY: &str =
    "renew it and replace the files of tls_cert and tls_key; they are read again without a restart";

/// Writes the present problems, among them the remarks of `--check`.
pub(super) fn problems(setup: &Setup, metrics: &Metrics, remarks: &[String], sheet: &mut Sheet) {
    let now_s = clock::now_s();
    if !clock::is_sane(now_s) {
        sheet.problem("", &["the clock: ", CLOCK_FACT], &[CLOCK_REMEDY]);
    }
    let fault = setup.spool.look().err().map(|fault| fault.to_string());
    if let Some(text) = &fault {
        let parts = text.split_once("; ").or_else(|| text.split_once(": "));
        let (fact, remedy) = parts.unwrap_or((text, PBX_SPOOL_REMEDY));
        sheet.problem("", &["no SMS reaches asterisk: ", fact], &[remedy]);
    }
    disks(setup, sheet);
    certificate_end(setup, now_s, sheet);
    failing(metrics, sheet);
    if let Some(queue) = slow(metrics.figures[QUEUE_OLDEST], QUEUE_SLOW_S) {
        let fact = ["the oldest SMS in the queue waits for ", &queue];
        sheet.problem("", &fact, &[QUEUE_REMEDY]);
    }
    let inbox = slow(metrics.figures[INBOX_OLDEST], INBOX_SLOW_S);
    if let Some(inbox) = inbox.filter(|_| fault.is_none()) {
        let fact = ["the oldest SMS in the inbox waits for ", &inbox];
        let remedy = "see whether asterisk runs and the phone is there; then ";
        sheet.problem("", &fact, &[remedy, PBX_SPOOL_REMEDY]);
    }
    for remark in remarks {
        // The spool was checked already.
        if !remark.starts_with("outgoingdir does not exist") {
            sheet.problem("", &[remark], &[CHECK_REMEDY]);
        }
    }
}

/// Adds folders whose filesystem is nearly full.
fn disks(setup: &Setup, sheet: &mut Sheet) {
    let spool = &setup.config.spool;
    let folders = [
        ("outgoingdir", Some(&spool.outgoing)),
        ("stagingdir", Some(&spool.staging)),
        ("[queue] dir", setup.config.queue.dir.as_ref()),
    ];
    for (key, folder) in folders {
        let Some((bytes, files)) = folder.and_then(|folder| files::free(folder)) else {
            continue;
        };
        if bytes < DISK_FREE_BYTES_MIN {
            let kib = (bytes / 1024).to_string();
            let fact = [
                "the filesystem of ",
                key,
                " is full: ",
                &kib,
                " KiB are free",
            ];
            sheet.problem("", &fact, &[DISK_REMEDY]);
        } else if files == Some(0) {
            let fact = ["the filesystem of ", key, " takes no more files"];
            sheet.problem("", &fact, &[DISK_REMEDY]);
        }
    }
}

/// Adds a certificate that has expired or soon will.
fn certificate_end(setup: &Setup, now_s: u64, sheet: &mut Sheet) {
    let Some(tls) = &setup.config.listening.tls else {
        return;
    };
    let der = own(&tls.cert);
    let Some(validity) = der.as_deref().and_then(certificate::validity) else {
        return;
    };
    let ends = match validity.not_after_s.checked_sub(now_s) {
        None => "has ended on ",
        Some(left_s) if left_s / 86_400 < CERTIFICATE_DAYS_MIN => "ends on ",
        Some(_) => return,
    };
    let end = date::day(validity.not_after_s);
    let fact = ["the certificate of tls_cert ", ends, &end];
    sheet.problem("", &fact, &[RENEW_REMEDY]);
}

/// Adds interfaces that do not send, and those whose polls fail.
fn failing(metrics: &Metrics, sheet: &mut Sheet) {
    for it in &metrics.interfaces {
        let colon = if it.reason.is_empty() { "" } else { ": " };
        for (fact, words, colon, reason, remedy) in [
            (
                FAILING,
                "nothing was sent since ",
                colon,
                it.reason.as_str(),
                SENDING_REMEDY,
            ),
            (
                POLLS_FAILING,
                "polls have failed since ",
                "",
                "",
                POLLING_REMEDY,
            ),
        ] {
            let since_s = it.fact(fact);
            if since_s > 0 {
                let since = date::rfc3339(since_s);
                sheet.problem(&it.name, &[words, &since, colon, reason], &[remedy]);
            }
        }
    }
}

/// Returns how long the oldest SMS waits if that is longer than `slow_s`.
fn slow(oldest_s: Option<u64>, slow_s: u64) -> Option<String> {
    let oldest_s = oldest_s.filter(|oldest_s| *oldest_s > slow_s)?;
    Some(match oldest_s / 60 {
        minutes if minutes < 120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    })
}
