//! Makes a value from tokens: a text joined from its parts, or a number if there are operators.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::file::BadIni;
use super::reader::Reader;
use super::scan::{End, Token};

/// The greatest number of symbols on the stack of PHP's parser; with more it refuses the file.
const STACK_MAX: usize = 9999;

const KEYWORD: &str =
    "a word like yes, no or null stands beside other text: write the value in \"...\"";
const COMPUTED: &str = "& | ^ ~ ! ( ) compute with numbers, so this value is not the text that was \
    written: write it in \"...\"";
const APOSTROPHES: &str = "apostrophes inside a value are quotes and are dropped: write the value \
    in \"...\"";
const QUOTES: &str = "double quotes inside a value are dropped with the blanks around them: write \
    the value in '...', or in \"...\" with \\\" for each of them";
const LINES: &str = "an apostrophe opens a quotation that goes on in the next lines: write the \
    value in \"...\"";
const UNCLOSED: &str = "an apostrophe is never closed, the rest of the file is ignored: write the \
    value in \"...\"";
const JOINED: &str = "a $ at the end of a line takes the next line into the value: write the value \
    in '...'";

/// An operator, or an open bracket, to the left of an operand that it waits for.
enum Waiting {
    Bracket,
    Not,
    Invert,
    Binary(u8, i32),
}

enum Operand {
    Text(Vec<u8>),
    Number(i32),
}

/// Operators whose right side is still to come. This is a stack of our own instead of recursion, because
/// the file decides how deep it goes.
struct Pending {
    waiting: Vec<Waiting>,
    /// The number of symbols on the stack of PHP's parser.
    symbols: usize,
    seen: bool,
}

/// Reads the value after `=`, and returns how it ended. `symbols` are on the stack of PHP's parser already.
pub(super) fn read(reader: &mut Reader, symbols: usize) -> Result<(Vec<u8>, End), BadIni> {
    match reader.scan.value_token() {
        Token::End(end) if end.is_input() => {
            Err(reader.fault("the file ends in an empty value: end its line, or write \"\""))
        }
        Token::End(end) => Ok((Vec::new(), end)),
        Token::Keyword(meaning) => {
            let next = reader.scan.value_token();
            let end = value_end(reader, next).ok_or_else(|| reader.fault(KEYWORD))?;
            reader.note_word();
            Ok((meaning.to_vec(), end))
        }
        first => expression(
            reader,
            first,
            Pending {
                waiting: Vec::new(),
                symbols,
                seen: false,
            },
        ),
    }
}

/// Returns the end that a token behind a complete value means.
fn value_end(reader: &mut Reader, token: Token) -> Option<End> {
    match token {
        Token::End(end) => Some(end),
        Token::Unclosed => {
            reader.note(UNCLOSED);
            reader.keep_lines(reader.scan.rest());
            Some(End::Input)
        }
        _ => None,
    }
}

fn expression<'a>(
    reader: &mut Reader<'a>,
    first: Token<'a>,
    mut pending: Pending,
) -> Result<(Vec<u8>, End), BadIni> {
    let mut token = first;
    loop {
        while let Token::Operator(operator) = token {
            let waiting = match operator {
                b'(' => Waiting::Bracket,
                b'!' => Waiting::Not,
                b'~' => Waiting::Invert,
                _ => return Err(misplaced(reader, &token)),
            };
            push(reader, &mut pending, waiting)?;
            token = reader.scan.value_token();
        }
        let text;
        (text, token) = operand(reader, token, &pending)?;
        let mut operand = pending.apply(Operand::Text(text));
        while token == Token::Operator(b')') {
            let Some(Waiting::Bracket) = pending.waiting.pop() else {
                return Err(misplaced(reader, &token));
            };
            check_depth(reader, &pending, 2)?;
            pending.symbols = pending.symbols.saturating_sub(1);
            operand = pending.apply(operand);
            token = reader.scan.value_token();
        }
        if let Token::Operator(operator @ (b'|' | b'&' | b'^')) = token {
            push(
                reader,
                &mut pending,
                Waiting::Binary(operator, operand.number()),
            )?;
            token = reader.scan.value_token();
            continue;
        }
        let misplaced = misplaced(reader, &token);
        if !pending.waiting.is_empty() {
            return Err(misplaced);
        }
        if pending.seen {
            reader.note_computed(COMPUTED);
        }
        let end = value_end(reader, token).ok_or(misplaced)?;
        return Ok((operand.text(), end));
    }
}

fn push(reader: &Reader, pending: &mut Pending, waiting: Waiting) -> Result<(), BadIni> {
    pending.seen = true;
    pending.symbols = pending.symbols.saturating_add(waiting.symbols());
    pending.waiting.push(waiting);
    check_depth(reader, pending, 0)
}

fn check_depth(reader: &Reader, pending: &Pending, more: usize) -> Result<(), BadIni> {
    if pending.symbols.saturating_add(more) > STACK_MAX {
        return Err(
            reader.fault("parentheses or operators nest too deep: write the value in \"...\"")
        );
    }
    Ok(())
}

/// Joins all parts up to a token that is none, and returns that token, too.
fn operand<'a>(
    reader: &mut Reader<'a>,
    first: Token<'a>,
    pending: &Pending,
) -> Result<(Vec<u8>, Token<'a>), BadIni> {
    let mut text = Vec::new();
    let mut token = first;
    let (mut parts, mut plain, mut raw, mut quoted) = (0, false, false, false);
    loop {
        let symbols = match token {
            Token::Text(part) | Token::Word(part) => {
                plain = true;
                reader.note_lines(part, JOINED);
                if matches!(token, Token::Word(_)) {
                    reader.note_constant(part);
                }
                text.extend_from_slice(part);
                1
            }
            Token::Blanks(part) => {
                text.extend_from_slice(part);
                1
            }
            Token::Raw(part) => {
                raw = true;
                reader.note_lines(part, LINES);
                text.extend_from_slice(part);
                1
            }
            Token::Quote => {
                quoted = true;
                reader.quoted(&mut text)?
            }
            Token::Variable => {
                reader.variable(&mut text)?;
                3
            }
            _ => break,
        };
        check_depth(reader, pending, symbols.saturating_add(parts))?;
        parts = 1;
        token = reader.scan.value_token();
    }
    if parts == 0 {
        return Err(misplaced(reader, &token));
    }
    if plain && raw {
        reader.note(APOSTROPHES);
    }
    if plain && quoted {
        reader.note(QUOTES);
    }
    Ok((text, token))
}

/// Returns the fault of a token with which the value can neither go on nor end.
fn misplaced(reader: &Reader, token: &Token) -> BadIni {
    reader.fault(match token {
        Token::Keyword(_) => KEYWORD,
        Token::Stray => "a second = in a value: write the value in \"...\"",
        Token::Unclosed => "an apostrophe is never closed: write the value in \"...\"",
        Token::End(_) => {
            "an operator lacks its right side, or a ( is not closed: write the \
            value in \"...\""
        }
        Token::Operator(_) => {
            "one of & | ^ ~ ! ( ) stands where it computes nothing: write \
            the value in \"...\""
        }
        _ => "text behind a ): write the value in \"...\"",
    })
}

impl Waiting {
    fn symbols(&self) -> usize {
        if let Waiting::Binary(..) = self { 2 } else { 1 }
    }
}

impl Pending {
    /// Computes everything that waits for this operand, up to an open bracket. All binary operators have
    /// one precedence, so that the one to the left is always due.
    fn apply(&mut self, mut operand: Operand) -> Operand {
        loop {
            let number = match self.waiting.last() {
                None | Some(Waiting::Bracket) => return operand,
                Some(Waiting::Not) => i32::from(operand.number() == 0),
                Some(Waiting::Invert) => !operand.number(),
                Some(Waiting::Binary(b'|', left)) => left | operand.number(),
                Some(Waiting::Binary(b'&', left)) => left & operand.number(),
                Some(Waiting::Binary(_, left)) => left ^ operand.number(),
            };
            operand = Operand::Number(number);
            let done = self.waiting.pop().map_or(0, |waiting| waiting.symbols());
            self.symbols = self.symbols.saturating_sub(done);
        }
    }
}

impl Operand {
    fn text(self) -> Vec<u8> {
        match self {
            Operand::Text(text) => text,
            Operand::Number(number) => number.to_string().into_bytes(),
        }
    }

    /// Returns the number that C's `atoi` makes of it where `long` has 64 bits: the leading digits, limited
    /// to 64 bits, of which the lower 32 count.
    fn number(&self) -> i32 {
        let text = match self {
            Operand::Number(number) => return *number,
            Operand::Text(text) => text,
        };
        let space = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
        let mut digits = text.iter().skip_while(|b| space(b)).copied().peekable();
        let negative = digits.peek() == Some(&b'-');
        digits.next_if(|b| matches!(b, b'-' | b'+'));
        let mut number = 0i64;
        while let Some(digit) = digits.next_if(u8::is_ascii_digit) {
            let digit = i64::from(digit.wrapping_sub(b'0'));
            let digit = if negative {
                digit.wrapping_neg()
            } else {
                digit
            };
            number = number.saturating_mul(10).saturating_add(digit);
        }
        let [a, b, c, d, ..] = number.to_le_bytes();
        i32::from_le_bytes([a, b, c, d])
    }
}
