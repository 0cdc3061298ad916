//! Remarks on a configuration, in file order: faults and warnings.

/// One remark on a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line of the file, from 1; 0 if it belongs to no line.
    pub line: u32,
    /// The severity of the remark.
    pub severity: Severity,
    /// The fact and the remedy, without any secret.
    pub text: String,
}

/// The severity of a [`Note`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be run.
    Fault,
    /// The configuration can be run, but is probably not meant this way.
    Warning,
    /// The configuration can be run, and the note says how it will work.
    Fact,
}

/// Remarks in file order.
#[derive(Default)]
pub struct Notes {
    list: Vec<Note>,
    faults: usize,
}

impl Notes {
    /// Adds a fault, with which the configuration cannot be run.
    pub fn fault(&mut self, line: u32, text: String) {
        self.push(line, Severity::Fault, text);
    }

    /// Adds a warning: the configuration can be run, but is probably not meant this way.
    pub fn warn(&mut self, line: u32, text: String) {
        self.push(line, Severity::Warning, text);
    }

    /// Returns the number of faults so far.
    pub fn faults(&self) -> usize {
        self.faults
    }

    /// Adds a remark. A remark that is there already is not added again, because a key without an index is
    /// read for every interface.
    pub fn push(&mut self, line: u32, severity: Severity, text: String) {
        let note = Note {
            line,
            severity,
            text,
        };
        if self.list.contains(&note) {
            return;
        }
        if severity == Severity::Fault {
            self.faults = self.faults.saturating_add(1);
        }
        let at = self.list.partition_point(|known| known.line <= line);
        self.list.insert(at, note);
    }

    /// Returns all remarks.
    pub fn finish(self) -> Vec<Note> {
        self.list
    }
}
