//! Tests an installation step by step, with a remedy for each step that fails.
//!
//! `websms --selftest` tests the outbound path and `websmsd --selftest` the inbound one, on the live
//! system, but no SMS is sent and none is delivered.
//!
//! Invariant: no step shows a secret, a text, or a library's words.

mod inbound;
mod outbound;
mod sample;
mod spool;

use std::fmt::{self, Write as _};
use std::path::Path;

use crate::config::{Config, Note, Reading, Severity};
use crate::inbound::{CLOCK_FACT, CLOCK_REMEDY};
use crate::privileges::NotEntered;
use crate::proto::wire::json;
use crate::surroundings;
use crate::sys::clock;

pub use inbound::{Wanted, inbound};
pub use outbound::outbound;

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The step holds.
    Ok,
    /// The step holds for now, or in part.
    Warn,
    /// The step does not hold.
    Fail,
    /// The step could not be tested.
    Skip,
}

impl Finding {
    /// Returns the word in four columns.
    fn word(self) -> &'static str {
        match self {
            Finding::Ok => "ok  ",
            Finding::Warn => "warn",
            Finding::Fail => "FAIL",
            Finding::Skip => "skip",
        }
    }
}

/// All steps in the order in which they were taken.
#[derive(Default)]
pub struct Report {
    /// The step that is being tested.
    name: &'static str,
    /// The interface of the step; empty if it concerns all of them, or if there is no index.
    interface: String,
    /// The report for a person: one line per step, with the remedy below it.
    text: String,
    /// The report for a monitor: one object per step, separated by commas.
    json: Vec<u8>,
    fails: bool,
    /// Whether there is no configuration to test.
    unusable: bool,
}

/// The conclusion of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// No step failed.
    Holds,
    /// A step failed.
    Fails,
    /// The configuration cannot be used, or names no such interface.
    Unusable,
}

impl Report {
    /// Adds the result of the present step. The remedy is empty if nothing need be done.
    fn add(&mut self, finding: Finding, fact: fmt::Arguments<'_>, remedy: &str) {
        let (word, fact) = (finding.word(), fact.to_string());
        let result = word.trim_ascii_end().to_ascii_lowercase();
        self.fails |= finding == Finding::Fail;
        let members = [
            ("{\"name\":", self.name),
            (",\"interface\":", &self.interface),
            (",\"result\":", &result),
            (",\"text\":", &fact),
            (",\"remedy\":", remedy),
        ];
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        for (start, text) in members {
            self.json.extend_from_slice(start.as_bytes());
            json::write_string(text.as_bytes(), &mut self.json);
        }
        self.json.push(b'}');
        let (before, after) = match self.interface.is_empty() {
            true => ("", ""),
            false => (" [", "]"),
        };
        let interface = &self.interface;
        let step = [word, "  ", self.name, before, interface, after, ": ", &fact];
        self.text.extend(step);
        if !remedy.is_empty() {
            self.text.extend(["\n      -> ", remedy]);
        }
        self.text.push('\n');
    }

    fn ok(&mut self, fact: fmt::Arguments<'_>) {
        self.add(Finding::Ok, fact, "");
    }

    /// Returns the conclusion of the report.
    pub fn conclusion(&self) -> Conclusion {
        match (self.unusable, self.fails) {
            (true, _) => Conclusion::Unusable,
            (false, true) => Conclusion::Fails,
            (false, false) => Conclusion::Holds,
        }
    }

    /// Returns the report for a person: one line per step, with the remedy below it.
    pub fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns the report for a monitor: one object.
    pub fn json(&self) -> Vec<u8> {
        let start: &[u8] = match self.conclusion() {
            Conclusion::Holds => b"{\"ok\":true,\"steps\":[",
            _ => b"{\"ok\":false,\"steps\":[",
        };
        [start, &self.json, b"]}\n"].concat()
    }
}

/// Adds the configuration and all remarks on it as steps. Returns `None` if it cannot be used. After this
/// call the process runs as the owner of the folders; `first` does everything that needs root.
fn configuration(
    path: &Path,
    report: &mut Report,
    first: &mut dyn FnMut(&Config),
) -> Option<Config> {
    report.name = "configuration";
    let (Reading { config, notes, .. }, entered) = surroundings::load_whole(path, first);
    for note in &notes {
        let finding = match note.severity {
            Severity::Fault => Finding::Fail,
            Severity::Warning => Finding::Warn,
            Severity::Fact => Finding::Ok,
        };
        match note.line {
            0 => report.add(finding, format_args!("{}", note.text), ""),
            line => report.add(finding, format_args!("line {line}: {}", note.text), ""),
        }
    }
    // A refusal of the system is no fault of the configuration.
    report.unusable = config.is_none() && !matches!(entered, Err(NotEntered::System(_)));
    let is_fact = |note: &Note| note.severity == Severity::Fact;
    if config.is_some() && notes.iter().all(is_fact) {
        report.ok(format_args!("{} can be used", path.display()));
    }
    config
}

/// Reports that there is no interface of the requested name.
fn no_interface(report: &mut Report, fact: fmt::Arguments<'_>) {
    report.name = "interface";
    report.add(Finding::Fail, fact, "");
    report.unusable = true;
}

fn check_clock(report: &mut Report) {
    report.name = "clock";
    match clock::is_sane(clock::now_s()) {
        true => report.ok(format_args!("it can be right")),
        false => report.add(Finding::Fail, format_args!("{CLOCK_FACT}"), CLOCK_REMEDY),
    }
}

/// Adds an item to a list that is shown, with commas between.
fn list(shown: &mut String, one: &dyn fmt::Display) {
    if !shown.is_empty() {
        shown.push_str(", ");
    }
    let _ = write!(shown, "{one}");
}

/// Splits a text at a mark, and returns the parts before and behind it.
fn cut<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text.find(mark)?;
    Some((text.get(..at)?, text.get(at.saturating_add(mark.len())..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_text_and_json() {
        let mut report = Report {
            name: "clock",
            ..Report::default()
        };
        report.ok(format_args!("it can be right"));
        assert_eq!(report.conclusion(), Conclusion::Holds);
        (report.name, report.interface) = ("dns", "a".to_owned());
        report.add(Finding::Warn, format_args!("one \"name\""), "");
        assert_eq!(report.conclusion(), Conclusion::Holds);
        report.name = "tcp";
        report.add(Finding::Fail, format_args!("refused"), "look there");
        assert_eq!(report.conclusion(), Conclusion::Fails);
        assert_eq!(
            String::from_utf8_lossy(report.text()),
            "ok    clock: it can be right\nwarn  dns [a]: one \"name\"\nFAIL  tcp [a]: refused\n      \
             -> look there\n"
        );
        let json = String::from_utf8(report.json()).unwrap_or_default();
        assert_eq!(
            json,
            "{\"ok\":false,\"steps\":[\
             {\"name\":\"clock\",\"interface\":\"\",\"result\":\"ok\",\"text\":\"it can be right\",\"remedy\":\"\"},\
             {\"name\":\"dns\",\"interface\":\"a\",\"result\":\"warn\",\"text\":\"one \\\"name\\\"\",\"remedy\":\"\"},\
             {\"name\":\"tcp\",\"interface\":\"a\",\"result\":\"fail\",\"text\":\"refused\",\"remedy\":\"look there\"}]}\n"
        );
        report.unusable = true;
        assert_eq!(report.conclusion(), Conclusion::Unusable);
    }
}
