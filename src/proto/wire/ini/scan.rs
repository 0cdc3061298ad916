//! Divides bytes into tokens. The meaning of a byte depends on its place: at a statement, in a name (of a
//! section or an index), or in a value. Each has its function here.
//!
//! The longest token wins everywhere. For that reason a keyword or a word counts only if the run of
//! ordinary bytes around it ends where it ends.

/// A token at a place where a statement may begin.
#[derive(Debug, PartialEq)]
pub(super) enum Statement<'a> {
    /// The file has ended.
    End,
    /// A blank or a comment, and the end of the line.
    Blank,
    /// `[`, which was taken.
    Header,
    /// `name[` and blanks, which were taken.
    Indexed(&'a [u8]),
    /// A name, which was taken.
    Name(&'a [u8]),
    /// A name with which the file ends.
    LastName(&'a [u8]),
    /// A word such as `yes`, which PHP takes for a value here.
    Keyword,
    /// A `=` without a name before it.
    Equals,
    /// A byte that no name may hold.
    Stray,
}

/// A piece of a name or of a value.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// Bytes with no other meaning.
    Text(&'a [u8]),
    /// Blanks in a value, behind which the value goes on.
    Blanks(&'a [u8]),
    /// A run that is a word, `[A-Za-z_][A-Za-z0-9_]*`.
    Word(&'a [u8]),
    /// The bytes between two apostrophes.
    Raw(&'a [u8]),
    /// `"` and the blanks before it, which were taken.
    Quote,
    /// `${`, which was taken.
    Variable,
    /// A whole run such as `true` or `no`, and the blanks after it. The field is its value.
    Keyword(&'static [u8]),
    /// An operator and the blanks after it.
    Operator(u8),
    /// `]`, which was taken with the bytes that belong to it.
    Close,
    /// The end of the value.
    End(End),
    /// An apostrophe that is never closed, and was not taken.
    Unclosed,
    /// A byte that must not stand here, and was not taken.
    Stray,
}

/// The way in which a value ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// The value ended with its line, or with the file, or at a comment after blanks.
    Line,
    /// A comment directly behind the text ended the value.
    Cut,
    /// Such a comment ended the value, and the file with it.
    CutInput,
    /// A `''` ended the value; its second apostrophe was not taken.
    Empty,
    /// A NUL ended the value.
    Nul,
    /// A `$` with an impossible byte behind it ended the value.
    Dollar,
    /// The file ended in the middle of a token, without a line end.
    Input,
}

impl End {
    /// Whether the file ended before a line end did. In this case PHP takes an empty value for a fault.
    pub(super) fn is_input(self) -> bool {
        matches!(self, End::Input | End::CutInput)
    }
}

/// The kind of a name that is being read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NameKind {
    /// The name of a section, after `[`.
    Section,
    /// The name in the brackets of `name[index]`.
    Index,
}

/// A position in the file.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    counted: usize,
    line: u32,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a [u8]) -> Self {
        let bytes = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        Scanner {
            bytes,
            at: 0,
            counted: 0,
            line: 1,
        }
    }

    /// Returns the line, from 1, of the next byte.
    pub(super) fn line(&mut self) -> u32 {
        while self.counted < self.at {
            if ends_line(self.bytes, self.counted) {
                self.line = self.line.saturating_add(1);
            }
            self.counted = self.counted.saturating_add(1);
        }
        self.line
    }

    /// Returns the rest of the file.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at.checked_add(ahead)?).copied()
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let taken = self.rest().get(..bytes).unwrap_or_default();
        self.at = self.at.saturating_add(taken.len());
        taken
    }

    /// Returns how many bytes from `from` on satisfy `belongs`.
    fn run(&self, from: usize, belongs: fn(u8) -> bool) -> usize {
        let rest = self.rest().get(from..).unwrap_or_default();
        rest.iter().position(|b| !belongs(*b)).unwrap_or(rest.len())
    }

    fn skip_blanks(&mut self) {
        let blanks = self.run(0, is_blank);
        self.take(blanks);
    }

    /// Takes a comment and its line end. Returns `None` if the file ends first.
    fn comment(&mut self) -> Option<()> {
        let text = self.run(0, |b| !is_newline(b));
        self.take(text);
        self.newline()
    }

    fn newline(&mut self) -> Option<()> {
        let first = self.peek(0).filter(|b| is_newline(*b))?;
        self.take(if first == b'\r' && self.peek(1) == Some(b'\n') {
            2
        } else {
            1
        });
        Some(())
    }

    /// Takes the beginning of the next statement.
    pub(super) fn statement(&mut self) -> Statement<'a> {
        loop {
            let blanks = self.run(0, is_blank);
            match self.peek(blanks) {
                None => return Statement::End,
                Some(b'\n' | b'\r') => {
                    self.take(blanks);
                    self.newline();
                    return Statement::Blank;
                }
                Some(b';') => {
                    return if self.comment().is_some() {
                        Statement::Blank
                    } else {
                        Statement::End
                    };
                }
                Some(b'=') => return Statement::Equals,
                Some(_) => {}
            }
            // A space belongs to a name, but a tab does not; blanks with a tab are therefore skipped.
            let run = self.run(0, in_name);
            if run < blanks {
                self.take(blanks);
                continue;
            }
            return self.name_at_statement(run);
        }
    }

    fn name_at_statement(&mut self, run: usize) -> Statement<'a> {
        let after = self.peek(run);
        if run == 0 && after != Some(b'[') {
            return Statement::Stray;
        }
        let written = self.take(run);
        if after == Some(b'[') {
            self.take(1);
            if run == 0 {
                return Statement::Header;
            }
            self.skip_blanks();
            return Statement::Indexed(trim(written));
        }
        let name = trim(written);
        if after.is_none() {
            return Statement::LastName(name);
        }
        if !written.starts_with(b" ") && keyword(name).is_some() {
            return Statement::Keyword;
        }
        Statement::Name(name)
    }

    /// Takes `=` with the blanks around it, if it is next.
    pub(super) fn equals(&mut self) -> bool {
        let blanks = self.run(0, is_blank);
        let found = self.peek(blanks) == Some(b'=');
        if found {
            self.take(blanks.saturating_add(1));
            self.skip_blanks();
        }
        found
    }

    /// Takes the next piece of a section's name or of an index.
    pub(super) fn name_token(&mut self, name: NameKind) -> Token<'a> {
        let blanks = self.run(0, is_blank);
        match self.peek(blanks) {
            Some(b'"') => return self.quote(blanks),
            Some(b']') if name == NameKind::Index || blanks == 0 => {
                self.take(blanks.saturating_add(1));
                if name == NameKind::Section {
                    self.skip_blanks();
                    self.newline();
                }
                return Token::Close;
            }
            _ => {}
        }
        match (self.peek(0), self.peek(1)) {
            (Some(b'\''), _) => return self.raw(),
            (Some(b'$'), Some(b'{')) => return self.variable_start(),
            _ => {}
        }
        let (run, _) = self.dollar_run(is_plain_in_name, true);
        match self.take(run) {
            [] => Token::Stray,
            text if name == NameKind::Index && is_word(text) => Token::Word(text),
            text => Token::Text(text),
        }
    }

    /// Takes the next piece of a value.
    pub(super) fn value_token(&mut self) -> Token<'a> {
        let blanks = self.run(0, is_blank);
        match self.peek(blanks) {
            Some(b'\n' | b'\r') => {
                self.take(blanks);
                self.newline();
                return Token::End(End::Line);
            }
            Some(b';') => return self.comment_after_value(blanks),
            Some(b'"') => return self.quote(blanks),
            None if blanks == 0 => return Token::End(End::Line),
            _ if blanks > 0 => return Token::Blanks(self.take(blanks)),
            _ => {}
        }
        match (self.peek(0), self.peek(1)) {
            (Some(b'\''), Some(b'\'')) => self.end(End::Empty),
            (Some(b'\''), _) => self.raw(),
            (Some(b'$'), Some(b'{')) => self.variable_start(),
            (Some(b'$'), None | Some(0)) => self.end(End::Dollar),
            (Some(0), _) => self.end(End::Nul),
            (Some(b'='), _) => Token::Stray,
            (Some(operator), _) if is_operator(operator) => {
                self.take(1);
                self.skip_blanks();
                Token::Operator(operator)
            }
            _ => self.value_text(),
        }
    }

    fn value_text(&mut self) -> Token<'a> {
        let (run, open) = self.dollar_run(is_plain_in_value, false);
        if open {
            return Token::End(End::Input);
        }
        let text = self.take(run);
        if let Some(meaning) = keyword(text) {
            self.skip_blanks();
            return Token::Keyword(meaning);
        }
        if is_word(text) {
            Token::Word(text)
        } else {
            Token::Text(text)
        }
    }

    fn comment_after_value(&mut self, blanks: usize) -> Token<'a> {
        let before = self
            .at
            .checked_sub(1)
            .and_then(|at| self.bytes.get(at))
            .copied();
        let apart = blanks > 0 || before.is_some_and(|b| is_blank(b) || matches!(b, b'"' | b'\''));
        let end = match (self.comment(), apart) {
            (None, true) => End::Input,
            (Some(()), true) => End::Line,
            (Some(()), false) => End::Cut,
            (None, false) => End::CutInput,
        };
        Token::End(end)
    }

    fn end(&mut self, end: End) -> Token<'a> {
        self.take(1);
        Token::End(end)
    }

    fn quote(&mut self, blanks: usize) -> Token<'a> {
        self.take(blanks.saturating_add(1));
        Token::Quote
    }

    fn variable_start(&mut self) -> Token<'a> {
        self.take(2);
        Token::Variable
    }

    /// Takes `'…'` with at least one byte in it.
    fn raw(&mut self) -> Token<'a> {
        let rest = self.rest().get(1..).unwrap_or_default();
        match rest.iter().position(|b| *b == b'\'') {
            None => Token::Unclosed,
            Some(0) => Token::Stray,
            Some(bytes) => {
                self.take(1);
                let text = self.take(bytes);
                self.take(1);
                Token::Raw(text)
            }
        }
    }

    /// Takes `name}` after `${` and returns the name without blanks around it; `None` if something else
    /// stands there.
    pub(super) fn variable(&mut self) -> Option<&'a [u8]> {
        let run = self.run(0, in_name);
        if run == 0 || self.peek(run) != Some(b'}') {
            return None;
        }
        let name = trim(self.take(run));
        self.take(1);
        Some(name)
    }

    /// Takes the next byte, or `\` and a byte, inside double quotes. Returns `None` at the closing quote,
    /// at a `${` and at the end of the file.
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        match (self.peek(0)?, self.peek(1), self.peek(2)) {
            (b'"', ..) | (b'$', Some(b'{'), _) => None,
            // A quote at the end of its line closes, with or without a backslash: `"C:\dir\"`.
            (b'\\', Some(b'"'), None | Some(b'\n' | b'\r')) => Some(self.take(1)),
            (b'\\', Some(b'\\' | b'"' | b'$'), _) => {
                self.take(1);
                Some(self.take(1))
            }
            (b'\\', Some(_), _) => Some(self.take(2)),
            _ => Some(self.take(1)),
        }
    }

    /// Takes the end of the text in double quotes: the quote with the blanks after it, or a `${`.
    pub(super) fn quoted_end(&mut self) -> Token<'a> {
        match self.peek(0) {
            Some(b'"') => {
                self.take(1);
                self.skip_blanks();
                Token::Close
            }
            Some(_) => self.variable_start(),
            None => Token::Unclosed,
        }
    }

    /// Returns the length of the longest run of plain bytes and of `$` with the byte after it. After `$\`
    /// any third byte may belong to the run as well, so that both readings are followed until one ends; the
    /// second result says that the longer reading reached the end of the file. In names `\` takes the byte
    /// after it.
    fn dollar_run(&self, plain: fn(u8) -> bool, escapes: bool) -> (usize, bool) {
        let (mut between, mut dollar, mut third) = (true, false, false);
        let mut longest = 0;
        let mut escape = false;
        for (at, byte) in self.rest().iter().copied().enumerate() {
            let pair = dollar && byte != b'{' && byte != 0;
            let next = third || escape || pair || (between && plain(byte));
            third = pair && byte == b'\\';
            escape = escapes && between && byte == b'\\';
            dollar = between && byte == b'$';
            between = next;
            if between {
                longest = at.saturating_add(1);
            } else if !(dollar || third || escape) {
                return (longest, false);
            }
        }
        (longest, third)
    }
}

/// Whether a line is complete with the byte at `at`: `\n`, or a `\r` that no `\n` follows.
fn ends_line(bytes: &[u8], at: usize) -> bool {
    let next = at.checked_add(1).and_then(|next| bytes.get(next));
    match bytes.get(at) {
        Some(b'\n') => true,
        Some(b'\r') => next != Some(&b'\n'),
        _ => false,
    }
}

/// Returns the value of a keyword, in any case of its letters.
pub(super) fn keyword(word: &[u8]) -> Option<&'static [u8]> {
    let is = |known: &&[u8]| known.eq_ignore_ascii_case(word);
    if [&b"true"[..], b"on", b"yes"].iter().any(is) {
        return Some(b"1");
    }
    [&b"false"[..], b"off", b"no", b"none", b"null"]
        .iter()
        .any(is)
        .then_some(b"")
}

fn is_word(text: &[u8]) -> bool {
    text.first().is_some_and(|b| !b.is_ascii_digit())
        && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

fn trim(name: &[u8]) -> &[u8] {
    let start = name
        .iter()
        .position(|b| !is_blank(*b))
        .unwrap_or(name.len());
    let name = name.get(start..).unwrap_or_default();
    let end = name
        .iter()
        .rposition(|b| !is_blank(*b))
        .map_or(0, |p| p.saturating_add(1));
    name.get(..end).unwrap_or_default()
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn is_newline(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b'&' | b'|' | b'^' | b'~' | b'!' | b'(' | b')')
}

fn in_name(byte: u8) -> bool {
    !is_operator(byte)
        && !matches!(
            byte,
            b'=' | b'\n' | b'\r' | b'\t' | b';' | b'$' | b'{' | b'}' | b'"' | b'['
        )
}

fn is_plain_in_name(byte: u8) -> bool {
    !matches!(
        byte,
        b'$' | b'\n' | b'\r' | b';' | b'"' | b'\'' | b']' | b'\\'
    )
}

fn is_plain_in_value(byte: u8) -> bool {
    !is_operator(byte)
        && !matches!(
            byte,
            b'$' | b'=' | b' ' | b'\t' | b'\n' | b'\r' | b';' | b'"' | b'\'' | 0
        )
}
