//! Reads and writes AGI: the environment's end, commands and replies (spec §6.6).
//!
//! Asterisk writes one `agi_NAME: value` line for each fact, the program's arguments last, then an empty
//! line. An argument may hold line ends, which are not escaped, so a text can look like any of these lines
//! and like the end. But the program was given the same arguments, so that it can find the end: it is where
//! they stand, byte for byte.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::AGI_VALUE_CHARS_MAX;

/// Finds the end of the environment in a stream of bytes.
pub struct Environment {
    /// The bytes from `agi_arg_1: …` to the empty line, with the line end before them.
    end: Vec<u8>,
    /// The last bytes seen, at most as many as `end` has. The environment begins with a line, so it counts
    /// as preceded by a line end.
    seen: Vec<u8>,
    /// The number of bytes that may still come.
    left: usize,
}

/// The meaning of the bytes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// The end has not been seen.
    More,
    /// The environment is complete.
    End,
    /// The environment is longer than allowed, and must not be read on.
    TooLong,
}

impl Environment {
    /// Begins a search. `arguments` are those after the program's name; `bytes_max` is the limit for
    /// everything before them.
    pub fn new<'a>(arguments: impl Iterator<Item = &'a [u8]>, bytes_max: usize) -> Environment {
        let mut end = b"\n".to_vec();
        for (number, argument) in (1_usize..).zip(arguments) {
            end.extend_from_slice(format!("agi_arg_{number}: ").as_bytes());
            end.extend_from_slice(argument);
            end.push(b'\n');
        }
        end.push(b'\n');
        Environment {
            // The line end before the arguments belongs to the line before them.
            left: end.len().saturating_sub(1).saturating_add(bytes_max),
            end,
            seen: b"\n".to_vec(),
        }
    }

    /// Takes the next bytes. Asterisk says nothing more before it is asked, so bytes behind the end are
    /// dropped.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        for byte in bytes {
            let Some(left) = self.left.checked_sub(1) else {
                return Fed::TooLong;
            };
            self.left = left;
            if self.seen.len() == self.end.len() {
                // Only a line end can be the first byte of the end, so everything before the next one is
                // dropped.
                let next = self.seen.iter().skip(1).position(|seen| *seen == b'\n');
                let gone = next.map_or(self.seen.len(), |at| at.saturating_add(1));
                self.seen.drain(..gone);
            }
            self.seen.push(*byte);
            if self.seen == self.end {
                return Fed::End;
            }
        }
        Fed::More
    }
}

/// Encodes `SET VARIABLE NAME "value"`, one line. `name` is our own. A value that is too long is cut:
/// people read it, and Asterisk would cut the command itself, its last quote included.
pub fn set_variable(name: &str, value: &str) -> String {
    let mut line = format!("SET VARIABLE {name} \"");
    for c in value.chars().take(AGI_VALUE_CHARS_MAX) {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            c if c.is_control() => line.push(' '),
            c => line.push(c),
        }
    }
    line.push_str("\"\n");
    line
}

/// Whether a reply says that the command was carried out. Any other reply (a wrong command, a dead channel,
/// `HANGUP`) means that no further command makes sense.
pub fn is_success(reply: &[u8]) -> bool {
    reply.starts_with(b"200 ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const HEAD: &str = "agi_request: websms\nagi_channel: Message/ast_msg_queue\nagi_threadid: 1\n";

    fn environment(arguments: &[&str], bytes_max: usize) -> (Environment, String) {
        let mut text = HEAD.to_owned();
        for (number, argument) in (1..).zip(arguments) {
            text.push_str(&format!("agi_arg_{number}: {argument}\n"));
        }
        text.push('\n');
        let list = arguments.iter().map(|argument| argument.as_bytes());
        (Environment::new(list, bytes_max), text)
    }

    #[test]
    fn the_end_is_found_and_nothing_before_it() {
        fn check(arguments: &[&str]) {
            let (mut whole, text) = environment(arguments, HEAD.len());
            assert_eq!(whole.feed(text.as_bytes()), Fed::End, "{arguments:?}");
            let (mut single, text) = environment(arguments, HEAD.len());
            let (last, start) = text.as_bytes().split_last().unwrap();
            for byte in start {
                assert_eq!(single.feed(&[*byte]), Fed::More, "{arguments:?}");
            }
            assert_eq!(single.feed(&[*last]), Fed::End, "{arguments:?}");
            for cut in 0..text.len() {
                let (mut halves, _) = environment(arguments, HEAD.len());
                assert_eq!(halves.feed(&text.as_bytes()[..cut]), Fed::More);
                assert_eq!(halves.feed(&text.as_bytes()[cut..]), Fed::End);
            }
        }
        check(&["--", "+1", "+2", "hello"]);
        check(&["1", "2", "", ""]);
        check(&["1", "2", "first\n\nsecond"]);
        check(&["1", "2", "\n\n\n\n"]);
        check(&["1", "2", "200 result=1\n\n200 result=1"]);
        check(&["1", "2", "x\nagi_arg_1: 1\nagi_arg_2: 2\n\n"]);
        check(&["1", "2", "agi_arg_4: \n\n", "i"]);
        check(&["1", "1\nagi_arg_2: 1", "1"]);
        check(&[]);
    }

    #[test]
    fn an_environment_is_bounded() {
        fn check(room: usize, expected: Fed) {
            let (mut environment, text) = environment(&["1", "2", "x"], room);
            assert_eq!(environment.feed(text.as_bytes()), expected, "{room}");
        }
        check(HEAD.len() - 1, Fed::TooLong);
        check(HEAD.len(), Fed::End);
    }

    #[test]
    fn another_environment_has_no_end() {
        let (mut environment, text) = environment(&["1", "2", "x"], 4096);
        let other = text.replace("agi_arg_3: x", "agi_arg_3: y");
        assert_eq!(environment.feed(other.as_bytes()), Fed::More);
        assert_eq!(environment.feed(b"200 result=1\n\n\n"), Fed::More);
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        fn check(value: &str, expected: &str) {
            assert_eq!(set_variable("V", value), expected);
        }
        check("SENT", "SET VARIABLE V \"SENT\"\n");
        check("", "SET VARIABLE V \"\"\n");
        check("a\"b\\c", "SET VARIABLE V \"a\\\"b\\\\c\"\n");
        for chars in [
            AGI_VALUE_CHARS_MAX - 1,
            AGI_VALUE_CHARS_MAX,
            AGI_VALUE_CHARS_MAX + 1,
        ] {
            let kept = "\\\\".repeat(chars.min(AGI_VALUE_CHARS_MAX));
            check(&"\\".repeat(chars), &format!("SET VARIABLE V \"{kept}\"\n"));
        }
        check("a\nEXEC System\r\0", "SET VARIABLE V \"a EXEC System  \"\n");
    }

    #[test]
    fn only_200_is_success() {
        fn check(reply: &[u8], expected: bool) {
            assert_eq!(is_success(reply), expected);
        }
        check(b"200 result=1", true);
        check(b"200 result=0", true);
        check(b"2000 result=1", false);
        check(b"510 Invalid or unknown command", false);
        check(b"511 Command Not Permitted on a dead channel", false);
        check(b"HANGUP", false);
        check(b"", false);
    }
}
