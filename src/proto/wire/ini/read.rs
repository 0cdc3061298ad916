//! Statements → entries of the tree, and notes on what was lost on the way.

use super::scan::{End, Name, Scanner, Statement, Token, is_blank, is_newline, keyword};
use super::tree::{Loss, Tree, reads_differently};
use super::{BadIni, Ini, Surprise, constants};
use crate::limits::INI_SURPRISES_MAX;

/// A file under way.
pub(super) struct Reader<'a> {
    pub(super) scan: Scanner<'a>,
    variable: &'a dyn Fn(&[u8]) -> Option<Vec<u8>>,
    tree: Tree,
    surprises: Vec<Surprise>,
    words: Vec<u32>,
    computed: Vec<u32>,
    /// The line in which the statement began.
    line: u32,
    /// That line begins with `#`, which many take for a comment.
    hash: bool,
    /// What follows is the rest of a value that ended early, which was noted.
    leftover: bool,
}

pub(super) fn parse(
    file: &[u8],
    variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Ini, BadIni> {
    let mut reader = Reader {
        scan: Scanner::new(file),
        variable,
        tree: Tree::default(),
        surprises: Vec::new(),
        words: Vec::new(),
        computed: Vec::new(),
        line: 0,
        hash: false,
        leftover: false,
    };
    while let Some(()) = reader.statement()? {}
    Ok(Ini {
        root: reader.tree.finish(),
        surprises: reader.surprises,
        words: reader.words,
        computed: reader.computed,
    })
}

impl<'a> Reader<'a> {
    /// Reads one statement; `None` at the end of the file.
    fn statement(&mut self) -> Result<Option<()>, BadIni> {
        let line = self.scan.line();
        if line != self.line {
            self.hash = self.scan.rest().iter().find(|b| !is_blank(**b)) == Some(&b'#');
        }
        self.line = line;
        let leftover = std::mem::take(&mut self.leftover);
        let end = match self.scan.statement() {
            Statement::End => return Ok(None),
            Statement::Blank => return Ok(Some(())),
            Statement::Header => return self.section().map(Some),
            Statement::Indexed(name) => self.indexed(name)?,
            Statement::Name(name) => {
                if !self.scan.equals() {
                    self.bare_word(leftover);
                    return Ok(Some(()));
                }
                self.note_hash("an entry");
                let (value, end) = self.value(4)?;
                let loss = self.tree.set(name, value, self.line);
                self.note_loss(loss);
                end
            }
            Statement::LastName => {
                self.bare_word(leftover);
                return Ok(None);
            }
            Statement::Keyword => {
                return Err(self.fault(
                    "a word like yes, no or null cannot be a name: write a value as name = \"...\"",
                ));
            }
            Statement::Equals => return Err(self.fault("a = without a name before it")),
            Statement::Stray => {
                return Err(self.fault(
                    "one of & | ^ $ ~ ( ) { } ! \" stands where a name or a section is due: begin \
                    a comment with ;, write a value in \"...\"",
                ));
            }
        };
        self.note_end(end);
        Ok(if end.is_input() { None } else { Some(()) })
    }

    fn section(&mut self) -> Result<(), BadIni> {
        self.note_hash("a section");
        let name = self.name(Name::Section)?;
        let loss = self.tree.open(&name, self.line);
        if let Loss::Replaced(line) = loss {
            self.note_line(
                "this section takes the place of one, or of an entry, of the same name, and what \
                stood there is lost (last set in line ",
                line,
                "): write all its entries under one header",
            );
        }
        Ok(())
    }

    /// `name[index] = value`, of which `name[` was read.
    fn indexed(&mut self, name: &[u8]) -> Result<End, BadIni> {
        let index = self.name(Name::Index)?;
        if !self.scan.equals() {
            return Err(self.fault(if name.is_empty() {
                "blanks before a section header: begin its line with ["
            } else {
                "no = after name[index]"
            }));
        }
        self.note_hash("an entry");
        let (value, end) = self.value(6)?;
        let loss = self.tree.set_in(name, &index, value, self.line);
        self.note_loss(loss);
        if reads_differently(name) {
            self.note("a name that is a number loses its sign or zeros before [: use another name");
        }
        Ok(end)
    }

    /// The name of a section or an index, up to and with its `]`.
    fn name(&mut self, kind: Name) -> Result<Vec<u8>, BadIni> {
        let mut name = Vec::new();
        loop {
            match self.scan.name_token(kind) {
                Token::Text(part) => name.extend_from_slice(part),
                Token::Raw(part) => {
                    if part.iter().any(|b| is_newline(*b)) {
                        self.note(
                            "an apostrophe in brackets opens a quotation that goes on in the next \
                            lines: write the name in \"...\"",
                        );
                    }
                    name.extend_from_slice(part);
                }
                Token::Word(word) => name.extend_from_slice(self.index_word(word)),
                Token::Quote => {
                    self.quoted(&mut name)?;
                }
                Token::Variable => self.variable(&mut name)?,
                Token::Close => return Ok(name),
                _ => {
                    return Err(self.fault(
                        "a [ is not closed in its line, or an odd ' \" ; or $ stands in the \
                        brackets: write the name in \"...\"",
                    ));
                }
            }
        }
    }

    /// A word in an index: PHP knows three of its constants in any case of their letters.
    fn index_word<'w>(&mut self, word: &'w [u8]) -> &'w [u8] {
        let is_constant = [&b"true"[..], b"false", b"null"]
            .iter()
            .any(|constant| constant.eq_ignore_ascii_case(word));
        match keyword(word).filter(|_| is_constant) {
            Some(meaning) => {
                self.note(
                    "as an index true is 1, and false and null mean the next number: write the \
                    index in \"...\"",
                );
                meaning
            }
            None => {
                self.note_constant(word);
                word
            }
        }
    }

    /// The rest of `"..."`, added to `text`; the symbols that PHP's parser held for it.
    pub(super) fn quoted(&mut self, text: &mut Vec<u8>) -> Result<usize, BadIni> {
        let line = self.scan.line();
        let mut symbols = 3;
        loop {
            while let Some(part) = self.scan.quoted() {
                text.extend_from_slice(part);
            }
            match self.scan.quoted_end() {
                Token::Close => return Ok(symbols),
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

    /// The rest of `${name}`, looked up and added to `text`.
    pub(super) fn variable(&mut self, text: &mut Vec<u8>) -> Result<(), BadIni> {
        let Some(name) = self.scan.variable() else {
            return Err(self.fault(
                "no ${name}, which stands for a variable of the environment: write the value in '...'",
            ));
        };
        match (self.variable)(name) {
            Some(value) => text.extend_from_slice(&value),
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

    /// The value of this line is a bare word that means something else.
    pub(super) fn note_word(&mut self) {
        self.words.push(self.line);
    }

    /// The value of this line was computed.
    pub(super) fn note_computed(&mut self, text: &str) {
        self.computed.push(self.line);
        self.note(text);
    }

    pub(super) fn note(&mut self, text: &str) {
        if self.surprises.len() < INI_SURPRISES_MAX {
            self.surprises.push(Surprise {
                line: self.line,
                text: text.to_owned(),
            });
        }
    }

    fn note_line(&mut self, before: &str, line: u32, after: &str) {
        if self.surprises.len() < INI_SURPRISES_MAX {
            self.note(&format!("{before}{line}{after}"));
        }
    }

    pub(super) fn note_constant(&mut self, word: &[u8]) {
        if constants::is_likely(word) {
            self.note(
                "PHP would put the value of its constant here if it has one of this name; here the \
                word stays: write it in \"...\" to mean the same in both",
            );
        }
    }

    fn note_hash(&mut self, what: &str) {
        if self.hash {
            self.note(&format!(
                "# begins no comment, so this line makes {what}: begin it with ;"
            ));
        }
    }

    fn bare_word(&mut self, leftover: bool) {
        if !leftover && !self.hash {
            self.note("text without a = (a tab ends a name) is ignored: write name = value");
        }
    }

    fn note_loss(&mut self, loss: Loss) {
        match loss {
            Loss::None => {}
            Loss::Replaced(line) => {
                self.note_line(
                    "set again, the value of line ",
                    line,
                    " is lost: keep one of them",
                );
            }
            Loss::ArrayByScalar(line) => self.note_line(
                "the values with an index, the latest in line ",
                line,
                ", are lost: a name has values with an index or one without",
            ),
            Loss::ScalarByArray(line) => self.note_line(
                "the value without an index of line ",
                line,
                " is lost: a name has values with an index or one without",
            ),
            Loss::AppendDropped => {
                self.note("no number is left for [], the entry is dropped: write an index");
            }
        }
    }

    fn note_end(&mut self, end: End) {
        match end {
            End::Line | End::Input => {}
            End::Cut | End::CutInput => self.note(
                "a ; begins a comment, what follows it is dropped: write the value in \"...\", or a \
                blank before the ;",
            ),
            End::Nul => {
                self.leftover = true;
                self.note("a NUL byte ends the value, what follows it is dropped: remove it");
            }
            End::Dollar => {
                self.leftover = true;
                self.note("a $ at the end is dropped: write the value in '...'");
            }
            End::Empty => {
                self.leftover = true;
                // The second apostrophe is still there and harmless if it is alone.
                let rest = self.scan.rest().get(1..).unwrap_or_default();
                let next = rest.iter().find(|b| !is_blank(**b));
                if next.is_some_and(|b| !is_newline(*b) && *b != b';') {
                    self.note("'' ends a value, what follows it is dropped: write it in \"...\"");
                }
            }
        }
    }
}
