//! Reads the tokens of a file, with remarks on them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec::Vec;

use super::file::{BadIni, Surprise};
use super::scan::{Scanner, Token, is_newline};
use crate::limits::INI_SURPRISES_MAX;

/// The state with which statements and values are read.
pub(super) struct Reader<'a> {
    pub(super) scan: Scanner<'a>,
    variable: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
    /// The line in which the statement began.
    pub(super) line: u32,
    pub(super) surprises: Vec<Surprise>,
    pub(super) words: Vec<u32>,
    pub(super) computed: Vec<u32>,
    pub(super) expanded: Vec<u32>,
    pub(super) swallowed: Vec<(u32, Vec<u8>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        file: &'a [u8],
        variable: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Reader<'a> {
        Reader {
            scan: Scanner::new(file),
            variable,
            line: 0,
            surprises: Vec::new(),
            words: Vec::new(),
            computed: Vec::new(),
            expanded: Vec::new(),
            swallowed: Vec::new(),
        }
    }

    /// Reads the rest of `"..."` and adds it to `text`. Returns the number of symbols that PHP's parser
    /// held for it.
    pub(super) fn quoted(&mut self, text: &mut Vec<u8>) -> Result<usize, BadIni> {
        let line = self.scan.line();
        let start = text.len();
        let mut symbols = 3;
        loop {
            while let Some(part) = self.scan.quoted() {
                text.extend_from_slice(part);
            }
            match self.scan.quoted_end() {
                Token::Close => {
                    self.keep_lines(text.get(start..).unwrap_or_default());
                    return Ok(symbols);
                }
                Token::Variable => {
                    self.variable(text)?;
                    symbols = 5;
                }
                _ => {
                    let text = "a double quote is never closed: write \\\" for one inside \"...\", \
                        or the value in '...'";
                    return Err(BadIni {
                        line,
                        text: text.to_owned(),
                    });
                }
            }
        }
    }

    /// Reads the rest of `${name}`, looks it up and adds it to `text`.
    pub(super) fn variable(&mut self, text: &mut Vec<u8>) -> Result<(), BadIni> {
        let Some(name) = self.scan.variable() else {
            return Err(self.fault(
                "no ${name}, which stands for a variable of the environment: write the value in '...'",
            ));
        };
        match (self.variable)(name) {
            Some(value) => {
                self.expanded.push(self.line);
                text.extend_from_slice(&value);
            }
            None => self.note(
                "no such variable in the environment, so nothing stands for this ${...}: write the \
                value in '...' if it is meant as it stands",
            ),
        }
        Ok(())
    }

    pub(super) fn fault(&self, text: &str) -> BadIni {
        BadIni {
            line: self.line,
            text: text.to_owned(),
        }
    }

    /// Notes that the value of this line is a bare word with another meaning.
    pub(super) fn note_word(&mut self) {
        self.words.push(self.line);
    }

    /// Notes that the value of this line was computed.
    pub(super) fn note_computed(&mut self, text: &str) {
        self.computed.push(self.line);
        self.note(text);
    }

    /// Adds a remark on a part of a value or name that goes on in the next lines.
    pub(super) fn note_lines(&mut self, part: &[u8], text: &str) {
        if self.keep_lines(part) {
            self.note(text);
        }
    }

    /// Keeps the text below the first line of `part`. Returns whether there is any.
    pub(super) fn keep_lines(&mut self, part: &[u8]) -> bool {
        let at = part.iter().position(|byte| is_newline(*byte));
        let lines = at.and_then(|at| part.get(at..)).unwrap_or_default();
        if !lines.is_empty() {
            self.swallowed.push((self.line, lines.to_vec()));
        }
        !lines.is_empty()
    }

    pub(super) fn note(&mut self, text: &str) {
        if self.surprises.len() < INI_SURPRISES_MAX {
            self.surprises.push(Surprise {
                line: self.line,
                text: text.to_owned(),
            });
        }
    }

    pub(super) fn note_line(&mut self, before: &str, line: u32, after: &str) {
        if self.surprises.len() < INI_SURPRISES_MAX {
            self.note(&format!("{before}{line}{after}"));
        }
    }

    pub(super) fn note_constant(&mut self, word: &[u8]) {
        if is_like_a_constant(word) {
            self.note(
                "PHP would put the value of its constant here if it has one of this name; here the \
                word stays: write it in \"...\" to mean the same in both",
            );
        }
    }
}

/// Whether a word looks like one of PHP's constants: capitals, digits and at least one underscore, behind a
/// capital (`E_ALL`). Which constants exist depends on the extensions of an installation. Those that look
/// otherwise (`INF`, `SIGHUP`) are not noticed.
fn is_like_a_constant(word: &[u8]) -> bool {
    let fits = |b: &u8| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_');
    word.first().is_some_and(u8::is_ascii_uppercase)
        && word.contains(&b'_')
        && word.iter().all(fits)
}
