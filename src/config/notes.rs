//! Remarks on a configuration, in file order: faults and warnings.

/// One remark on a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Line of the file, from 1; 0 where it belongs to no line.
    pub line: u32,
    /// Whether it can be run so.
    pub severity: Severity,
    /// Fact and remedy, no secret in it.
    pub text: String,
}

/// How bad a [`Note`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It cannot be run.
    Fault,
    /// It can, but probably not as meant.
    Warning,
    /// It can, and the note says how it will run.
    Fact,
}

/// Remarks in file order.
#[derive(Default)]
pub struct Notes {
    list: Vec<Note>,
    faults: usize,
}

impl Notes {
    /// It cannot be run so.
    pub fn fault(&mut self, line: u32, text: String) {
        self.push(line, Severity::Fault, text);
    }

    /// It can, but probably not as meant.
    pub fn warn(&mut self, line: u32, text: String) {
        self.push(line, Severity::Warning, text);
    }

    /// Faults so far.
    pub fn faults(&self) -> usize {
        self.faults
    }

    /// A remark of either kind. One that is there already is not added again: a key without an index is read
    /// for every interface.
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

    /// All of them.
    pub fn finish(self) -> Vec<Note> {
        self.list
    }
}
