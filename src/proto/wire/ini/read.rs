//! Turns statements into entries of the tree, with notes on losses.

use alloc::format;
use alloc::vec::Vec;

use super::file::{BadIni, Ini};
use super::reader::Reader;
use super::scan::{End, NameKind, Statement, Token, is_blank, is_newline, keyword};
use super::tree::{Loss, Tree, reads_differently};
use super::value;

/// The state of reading a file.
struct File<'a> {
    reader: Reader<'a>,
    tree: Tree,
    /// Whether the statement's line begins with `#`, which many take for a comment.
    hash: bool,
    /// Whether the following bytes are the rest of a value that ended early, which was noted.
    leftover: bool,
}

pub(super) fn parse(
    bytes: &[u8],
    variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Ini, BadIni> {
    let mut file = File {
        reader: Reader::new(bytes, variable),
        tree: Tree::default(),
        hash: false,
        leftover: false,
    };
    while let Some(()) = file.statement()? {}
    let (root, lost) = file.tree.finish();
    Ok(Ini {
        root,
        lost,
        surprises: file.reader.surprises,
        words: file.reader.words,
        computed: file.reader.computed,
        expanded: file.reader.expanded,
        swallowed: file.reader.swallowed,
    })
}

impl File<'_> {
    /// Reads one statement. Returns `None` at the end of the file.
    fn statement(&mut self) -> Result<Option<()>, BadIni> {
        let line = self.reader.scan.line();
        if line != self.reader.line {
            self.hash = self.reader.scan.rest().iter().find(|b| !is_blank(**b)) == Some(&b'#');
        }
        self.reader.line = line;
        let leftover = core::mem::take(&mut self.leftover);
        let end = match self.reader.scan.statement() {
            Statement::End => return Ok(None),
            Statement::Blank => return Ok(Some(())),
            Statement::Header => return self.section().map(Some),
            Statement::Indexed(name) => self.indexed(name)?,
            Statement::Name(name) => {
                if !self.reader.scan.equals() {
                    self.bare_words(name, leftover);
                    return Ok(Some(()));
                }
                self.note_hash("an entry");
                let (value, end) = value::read(&mut self.reader, 4)?;
                let loss = self.tree.set(name, value, self.reader.line);
                self.note_loss(loss);
                end
            }
            Statement::LastName(name) => {
                self.bare_words(name, leftover);
                return Ok(None);
            }
            Statement::Keyword => {
                return Err(self.reader.fault(
                    "a word like yes, no or null cannot be a name: write a value as name = \"...\"",
                ));
            }
            Statement::Equals => return Err(self.reader.fault("a = without a name before it")),
            Statement::Stray => {
                return Err(self.reader.fault(
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
        let name = self.name(NameKind::Section)?;
        let loss = self.tree.open(&name, self.reader.line);
        if let Loss::Replaced(line) = loss {
            self.reader.note_line(
                "the name of this section is given twice, and all that stood under it before is lost (last \
                set in line ",
                line,
                "): write all entries under one header",
            );
        }
        Ok(())
    }

    /// Reads `name[index] = value` from behind `name[`.
    fn indexed(&mut self, name: &[u8]) -> Result<End, BadIni> {
        let index = self.name(NameKind::Index)?;
        if !self.reader.scan.equals() {
            return Err(self.reader.fault(if name.is_empty() {
                "blanks before a section header: begin its line with ["
            } else {
                "no = after name[index]"
            }));
        }
        self.note_hash("an entry");
        let (value, end) = value::read(&mut self.reader, 6)?;
        let loss = self.tree.set_in(name, &index, value, self.reader.line);
        self.note_loss(loss);
        if reads_differently(name) {
            self.reader
                .note("a name that is a number loses its sign or zeros before [: use another name");
        }
        Ok(end)
    }

    /// Reads the name of a section or an index, its `]` included.
    fn name(&mut self, kind: NameKind) -> Result<Vec<u8>, BadIni> {
        let mut name = Vec::new();
        let expanded = self.reader.expanded.len();
        loop {
            match self.reader.scan.name_token(kind) {
                Token::Text(part) => name.extend_from_slice(part),
                Token::Raw(part) => {
                    self.reader.note_lines(
                        part,
                        "an apostrophe in brackets opens a quotation that goes on in the next lines: \
                        write the name in \"...\"",
                    );
                    name.extend_from_slice(part);
                }
                Token::Word(word) => name.extend_from_slice(self.index_word(word)),
                Token::Quote => {
                    self.reader.quoted(&mut name)?;
                }
                Token::Variable => self.reader.variable(&mut name)?,
                Token::Close => {
                    // These are about values.
                    self.reader.expanded.truncate(expanded);
                    return Ok(name);
                }
                _ => {
                    return Err(self.reader.fault(
                        "a [ is not closed in its line, or an odd ' \" ; or $ stands in the \
                        brackets: write the name in \"...\"",
                    ));
                }
            }
        }
    }

    /// Returns a word in an index: PHP replaces three of its constants in any case of their letters.
    fn index_word<'w>(&mut self, word: &'w [u8]) -> &'w [u8] {
        let is_constant = [&b"true"[..], b"false", b"null"]
            .iter()
            .any(|constant| constant.eq_ignore_ascii_case(word));
        match keyword(word).filter(|_| is_constant) {
            Some(meaning) => {
                self.reader.note(
                    "as an index true is 1, and false and null mean the next number: write the \
                    index in \"...\"",
                );
                meaning
            }
            None => {
                self.reader.note_constant(word);
                word
            }
        }
    }

    fn note_hash(&mut self, what: &str) {
        if self.hash {
            self.reader.note(&format!(
                "# begins no comment, so this line makes {what}: begin it with ;"
            ));
        }
    }

    fn bare_words(&mut self, words: &[u8], leftover: bool) {
        if !leftover && !self.hash {
            self.tree.keep_bare(words, self.reader.line);
            self.reader
                .note("text without a = (a tab ends a name) is ignored: write name = value");
        }
    }

    fn note_loss(&mut self, loss: Loss) {
        match loss {
            Loss::None => {}
            Loss::Replaced(line) => {
                self.reader.note_line(
                    "set again, the value of line ",
                    line,
                    " is lost: keep one of them",
                );
            }
            Loss::ArrayByScalar(line) => self.reader.note_line(
                "the values with an index, the latest in line ",
                line,
                ", are lost: a name has values with an index or one without",
            ),
            Loss::ScalarByArray(line) => self.reader.note_line(
                "the value without an index of line ",
                line,
                " is lost: a name has values with an index or one without",
            ),
            Loss::AppendDropped => {
                self.reader
                    .note("no number is left for [], the entry is dropped: write an index");
            }
        }
    }

    fn note_end(&mut self, end: End) {
        match end {
            End::Line | End::Input => {}
            End::Cut | End::CutInput => self.reader.note(
                "a ; begins a comment, what follows it is dropped: write the value in \"...\", or a \
                blank before the ;",
            ),
            End::Nul => {
                self.leftover = true;
                self.reader.note("a NUL byte ends the value, what follows it is dropped: remove it");
            }
            End::Dollar => {
                self.leftover = true;
                self.reader.note("a $ at the end is dropped: write the value in '...'");
            }
            End::Empty => {
                self.leftover = true;
                // The second apostrophe is still there; it is harmless if it is alone.
                let rest = self.reader.scan.rest().get(1..).unwrap_or_default();
                let next = rest.iter().find(|b| !is_blank(**b));
                if next.is_some_and(|b| !is_newline(*b) && *b != b';') {
                    self.reader.note("'' ends a value, what follows it is dropped: write it in \"...\"");
                }
            }
        }
    }
}
