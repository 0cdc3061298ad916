//! Makes the id that a request's answer, its log lines and its call files share.

use std::fmt;

use crate::proto::record::inbox::id_text;
use crate::sys::files;

/// An id of 64 random bits as 16 hexadecimal digits; `-` if the system had no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(Option<u64>);

impl Id {
    /// Draws an id that nothing else has.
    pub fn draw() -> Id {
        Id(files::unique_number().ok())
    }

    /// Returns [`Id::message`] as a number; 0 if there is none.
    pub fn number(self, place: u64) -> u64 {
        self.message(place).unwrap_or(0)
    }

    /// Returns the id of the request's message at `place`, from 0: the first has the request's own id, the
    /// others are counted up from it.
    pub fn message(self, place: u64) -> Option<u64> {
        let Id(number) = self;
        number.map(|number| number.wrapping_add(place))
    }

    /// Returns the id as text.
    pub fn text(self) -> String {
        let Id(number) = self;
        number.map_or_else(|| "-".to_owned(), id_text)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_up_from_the_request() {
        let check = |number: Option<u64>, place: u64, expected: Option<&str>| {
            let text = Id(number).message(place).map(id_text);
            assert_eq!(text.as_deref(), expected);
        };
        check(Some(0xab), 0, Some("00000000000000ab"));
        check(Some(0xff), 1, Some("0000000000000100"));
        check(Some(0x0123_4567_89ab_cdef), 0, Some("0123456789abcdef"));
        check(Some(u64::MAX), 0, Some("ffffffffffffffff"));
        check(Some(u64::MAX), 2, Some("0000000000000001"));
        check(None, 0, None);
        assert_eq!(Id(None).to_string(), "-");
        assert_ne!(Id::draw(), Id::draw());
    }
}
