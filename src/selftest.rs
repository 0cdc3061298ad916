//! An installation → what of it holds and what does not, step by step, each with its remedy.
//!
//! `websms --selftest` walks the outbound path and `websmsd --selftest` the inbound one, on the live
//! system, but no SMS is sent and none is delivered.
//!
//! Invariant: no step shows a secret, a text, or a library's words.

mod inbound;
mod outbound;
mod sample;
mod spool;

use std::fmt::Write as _;
use std::path::Path;

use crate::check;
use crate::config::{Config, Reading, Severity};
use crate::proto::json;
use crate::sys::clock;

pub use inbound::{Wanted, inbound};
pub use outbound::outbound;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It holds.
    Ok,
    /// It holds for now, or in part.
    Warn,
    /// It does not hold.
    Fail,
    /// It could not be looked at.
    Skip,
}

impl Finding {
    fn word(self) -> &'static str {
        match self {
            Finding::Ok => "ok",
            Finding::Warn => "warn",
            Finding::Fail => "FAIL",
            Finding::Skip => "skip",
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: &'static str,
    /// Empty where it concerns them all, or where there is no index.
    interface: String,
    finding: Finding,
    fact: String,
    /// What helps; empty where nothing need be done.
    remedy: String,
}

/// All steps in the order in which they were taken.
#[derive(Debug, Default)]
pub struct Report {
    steps: Vec<Step>,
    /// There is no configuration to go by.
    unusable: bool,
}

/// How a report came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// No step failed.
    Holds,
    /// One did.
    Fails,
    /// The configuration cannot be used, or names no such interface.
    Unusable,
}

impl Report {
    fn add(
        &mut self,
        name: &'static str,
        interface: &str,
        finding: Finding,
        fact: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.steps.push(Step {
            name,
            interface: interface.to_owned(),
            finding,
            fact: fact.into(),
            remedy: remedy.into(),
        });
    }

    fn ok(&mut self, name: &'static str, interface: &str, fact: impl Into<String>) {
        self.add(name, interface, Finding::Ok, fact, "");
    }

    /// How it came out.
    pub fn outcome(&self) -> Outcome {
        let fails = self.steps.iter().any(|step| step.finding == Finding::Fail);
        match (self.unusable, fails) {
            (true, _) => Outcome::Unusable,
            (false, true) => Outcome::Fails,
            (false, false) => Outcome::Holds,
        }
    }

    /// For a person: a line a step, the remedy below it.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for step in &self.steps {
            let name = match step.interface.as_str() {
                "" => step.name.to_owned(),
                interface => format!("{} [{interface}]", step.name),
            };
            let _ = writeln!(out, "{:4}  {name}: {}", step.finding.word(), step.fact);
            if !step.remedy.is_empty() {
                let _ = writeln!(out, "      -> {}", step.remedy);
            }
        }
        out
    }

    /// For a monitor: one object.
    pub fn json(&self) -> Vec<u8> {
        let mut out = b"{\"ok\":".to_vec();
        let holds = self.outcome() == Outcome::Holds;
        out.extend_from_slice(holds.to_string().as_bytes());
        out.extend_from_slice(b",\"steps\":[");
        for (at, step) in self.steps.iter().enumerate() {
            let members = [
                ("{\"name\":", step.name),
                (",\"interface\":", step.interface.as_str()),
                (",\"result\":", &step.finding.word().to_ascii_lowercase()),
                (",\"text\":", step.fact.as_str()),
                (",\"remedy\":", step.remedy.as_str()),
            ];
            if at > 0 {
                out.push(b',');
            }
            for (start, text) in members {
                out.extend_from_slice(start.as_bytes());
                json::write_string(text.as_bytes(), &mut out);
            }
            out.push(b'}');
        }
        out.extend_from_slice(b"]}\n");
        out
    }
}

/// The configuration and all remarks on it as steps. `None`: it cannot be used.
fn configuration(path: &Path, report: &mut Report) -> Option<Config> {
    const NAME: &str = "configuration";
    let Reading { config, mut notes } = check::load(path);
    if let Some(config) = &config {
        notes.extend(check::surroundings(path, config));
    }
    for note in &notes {
        let finding = match note.severity {
            Severity::Fault => Finding::Fail,
            Severity::Warning => Finding::Warn,
        };
        let fact = match note.line {
            0 => note.text.clone(),
            line => format!("line {line}: {}", note.text),
        };
        report.add(NAME, "", finding, fact, "");
    }
    match config {
        Some(config) => {
            if notes.is_empty() {
                report.ok(NAME, "", format!("{} can be used", path.display()));
            }
            Some(config)
        }
        None => {
            report.unusable = true;
            None
        }
    }
}

fn check_clock(report: &mut Report) {
    match clock::is_sane(clock::now_s()) {
        true => report.ok("clock", "", "it can be right"),
        false => report.add(
            "clock",
            "",
            Finding::Fail,
            "it stands before this program was released, so certificates, signatures and ages cannot \
             be judged",
            "set it, and see that it is set at start: ntpd, or chronyd",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_text_and_json() {
        let mut report = Report::default();
        report.ok("clock", "", "it can be right");
        assert_eq!(report.outcome(), Outcome::Holds);
        report.add("dns", "a", Finding::Warn, "one \"name\"", "");
        assert_eq!(report.outcome(), Outcome::Holds);
        report.add("tcp", "a", Finding::Fail, "refused", "look there");
        assert_eq!(report.outcome(), Outcome::Fails);
        assert_eq!(
            report.text(),
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
        assert_eq!(report.outcome(), Outcome::Unusable);
    }
}
