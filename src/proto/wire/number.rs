//! Converts a telephone number to the spelling that a provider or a dialplan wants.

use alloc::borrow::Cow;
use alloc::string::String;

use crate::message::trim;

/// The spelling of a number (`number_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// The number is unchanged.
    AsIs,
    /// `omit+`: every `+` is dropped.
    OmitPlus,
    /// `no+`, `E164`, `E.164`: a leading `+` is dropped, then a leading `00`.
    Digits,
    /// `+E164`: a leading `00` is dropped, and the number gets exactly one leading `+`.
    Plus,
    /// `NANP`: ten digits remain of eleven that begin with 1, also behind a `+` or `00`.
    Nanp,
    /// `+NANP`: ten digits get `+1` before them; other numbers lose a leading `00` and get a leading `+`.
    PlusNanp,
}

/// The smallest number of digits that `number_format` changes. Shorter numbers are short codes.
const FORMATTED_DIGITS_MIN: usize = 7;

/// The words that providers write before a number to name the channel of its message.
const CHANNELS: [&str; 4] = ["whatsapp", "rcs", "sms", "tel"];

/// Removes from a webhook's number or name the blanks around it and its channel (`whatsapp:+1…`, in any
/// case), and applies [`clean`]. Returns the channel, too.
pub fn inbound(raw: &[u8]) -> (Cow<'_, [u8]>, Option<&'static str>) {
    let raw = trim(raw);
    let channel = CHANNELS.iter().find_map(|name| {
        let (start, rest) = raw.split_at_checked(name.len())?;
        let rest = rest.strip_prefix(b":")?;
        let is_it = start.eq_ignore_ascii_case(name.as_bytes());
        is_it.then_some((*name, trim(rest)))
    });
    match channel {
        Some((name, rest)) => (clean(rest), Some(name)),
        None => (clean(raw), None),
    }
}

/// Drops characters that people and web pages put between digits: RFC 3966's visual separators (blank, `-`,
/// `.`, `(`, `)`) and invisible characters, among them the marks of writing direction that come along when
/// a number is copied. If the rest is not digits with an optional `+`, or has fewer than
/// [`FORMATTED_DIGITS_MIN`] digits, the input is returned unchanged.
pub fn clean(raw: &[u8]) -> Cow<'_, [u8]> {
    let is_clean = raw.iter().all(|byte| matches!(byte, b'+' | b'0'..=b'9'));
    let text = match core::str::from_utf8(raw) {
        Ok(text) if !is_clean => text,
        _ => return Cow::Borrowed(raw),
    };
    let number: String = text.chars().filter(|c| !is_separator(*c)).collect();
    match number.len() < raw.len() && is_number(&number) {
        true => Cow::Owned(number.into_bytes()),
        false => Cow::Borrowed(raw),
    }
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '-' | '.' | '(' | ')'
            | '\u{a0}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// Whether a text is digits, enough of them, with an optional `+` before them.
fn is_number(raw: &str) -> bool {
    let digits = raw.strip_prefix('+').unwrap_or(raw);
    digits.len() >= FORMATTED_DIGITS_MIN && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the number in this spelling. Only digits with an optional `+` before them are changed.
pub fn format(raw: &str, format: NumberFormat) -> Cow<'_, str> {
    if !is_number(raw) {
        return Cow::Borrowed(raw);
    }
    let digits = raw.strip_prefix('+').unwrap_or(raw);
    let without_00 = digits.strip_prefix("00").unwrap_or(digits);
    let (start, rest) = match format {
        NumberFormat::AsIs => ("", raw),
        NumberFormat::OmitPlus => ("", digits),
        NumberFormat::Digits => ("", without_00),
        NumberFormat::Plus => ("+", without_00),
        NumberFormat::Nanp => match without_00.strip_prefix('1') {
            // Eleven digits begin with the country code. Ten digits behind a `+` belong to another country.
            Some(national) if national.len() == 10 => ("", national),
            _ => ("", raw),
        },
        NumberFormat::PlusNanp => match raw.len() {
            10 if raw.len() == without_00.len() => ("+1", raw),
            // Seven to nine digits are a local number, whose area is not known.
            0..10 => ("", raw),
            _ => ("+", without_00),
        },
    };
    match start {
        "" => Cow::Borrowed(rest),
        start => Cow::Owned([start, rest].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_invisible_characters_are_dropped_from_numbers() {
        fn check(raw: &str, expected: &str) {
            assert_eq!(clean(raw.as_bytes()), expected.as_bytes(), "{raw:?}");
        }
        check("+1-202-555-0183", "+12025550183");
        check("(202) 555-0183", "2025550183");
        check("+1 (202) 555.0183", "+12025550183");
        check("\u{202a}+12025550183\u{202c}", "+12025550183");
        check("+1\u{a0}202\u{200b}555\u{feff}0183", "+12025550183");
        check("\u{2066}\u{200e}0046701234567\u{2069}", "0046701234567");
        check("+12025550183", "+12025550183");
        // Six digits are a short code, seven a number.
        check("12-34-56", "12-34-56");
        check("12-34-567", "1234567");
        // Names, codes and other texts that are no numbers stay unchanged.
        check("ACME-Co", "ACME-Co");
        check("AT&T 1234567", "AT&T 1234567");
        check("*99#", "*99#");
        check("1 202 555 0183 x4", "1 202 555 0183 x4");
        check("1+202-555-0183", "1+202-555-0183");
        check("12025550183,12025550184", "12025550183,12025550184");
        check("\u{202a}x", "\u{202a}x");
        check("", "");
        assert_eq!(clean(b"\xff1-2025550183"), &b"\xff1-2025550183"[..]);
    }

    #[test]
    fn the_channel_before_a_number_is_dropped() {
        fn check(raw: &str, expected: &str, channel: Option<&str>) {
            let (number, dropped) = inbound(raw.as_bytes());
            assert_eq!(number, expected.as_bytes(), "{raw:?}");
            assert_eq!(dropped, channel, "{raw:?}");
        }
        check("whatsapp:+12025550183", "+12025550183", Some("whatsapp"));
        check("WhatsApp:+12025550183", "+12025550183", Some("whatsapp"));
        check("rcs:my_agent", "my_agent", Some("rcs"));
        check("SMS:12345", "12345", Some("sms"));
        check(" tel: +1-202-555-0183\n", "+12025550183", Some("tel"));
        check("tel:", "", Some("tel"));
        // One prefix is removed, and only these.
        check("sms:tel:+1", "tel:+1", Some("sms"));
        check("mms:+1", "mms:+1", None);
        check("sip:+1", "sip:+1", None);
        check("tel+1", "tel+1", None);
        check("x tel:+1", "x tel:+1", None);
        check("télé:1", "télé:1", None);
        check("Tel Aviv", "Tel Aviv", None);
        check(" +1 (202) 555-0183\r\n", "+12025550183", None);
        check("\u{202a}+12025550183\u{202c}", "+12025550183", None);
        check(" AT&T 1234567 ", "AT&T 1234567", None);
        check("", "", None);
        check(" \0", "", None);
    }

    #[test]
    fn numbers_get_the_format_asked_for() {
        use NumberFormat::{AsIs, Digits, Nanp, OmitPlus, Plus, PlusNanp};
        fn check(raw: &str, to: NumberFormat, expected: &str) {
            assert_eq!(format(raw, to), expected, "{raw} {to:?}");
        }
        check("+46701234567", AsIs, "+46701234567");
        check("+46701234567", OmitPlus, "46701234567");
        check("0046701234567", OmitPlus, "0046701234567");
        check("+46701234567", Digits, "46701234567");
        check("0046701234567", Digits, "46701234567");
        check("+0046701234567", Digits, "46701234567");
        check("46701234567", Plus, "+46701234567");
        check("0046701234567", Plus, "+46701234567");
        check("+0046701234567", Plus, "+46701234567");
        check("+46701234567", Plus, "+46701234567");
        check("+12025550183", Nanp, "2025550183");
        check("12025550183", Nanp, "2025550183");
        check("2025550183", Nanp, "2025550183");
        check("0012025550183", Nanp, "2025550183");
        check("+0012025550183", Nanp, "2025550183");
        check("001202555018", Nanp, "001202555018");
        check("00120255501834", Nanp, "00120255501834");
        check("0046701234567", Nanp, "0046701234567");
        check("+4670123456", Nanp, "+4670123456");
        check("+46701234567", Nanp, "+46701234567");
        check("2025550183", PlusNanp, "+12025550183");
        check("12025550183", PlusNanp, "+12025550183");
        check("+12025550183", PlusNanp, "+12025550183");
        check("0012025550183", PlusNanp, "+12025550183");
        check("+0012025550183", PlusNanp, "+12025550183");
        check("0046701234567", PlusNanp, "+46701234567");
        // Ten digits, too, can have a country's code behind 00, because no area code begins with 0.
        check("0046701234", PlusNanp, "+46701234");
        check("004670123", PlusNanp, "004670123");
        check("+467012345", PlusNanp, "+467012345");
        check("46701234567", PlusNanp, "+46701234567");
        check("5550183", PlusNanp, "5550183");
        check("202555018", PlusNanp, "202555018");
        // Short codes and names are left alone; the rows have six, seven and eight digits.
        check("+123456", OmitPlus, "+123456");
        check("+1234567", OmitPlus, "1234567");
        check("+12345678", OmitPlus, "12345678");
        check("123456", Plus, "123456");
        check("1234567", Plus, "+1234567");
        for format in [OmitPlus, Digits, Plus, Nanp, PlusNanp] {
            check("ACME+Co", format, "ACME+Co");
            check("+1202x550183", format, "+1202x550183");
            check("++12025550183", format, "++12025550183");
            check("+", format, "+");
        }
    }
}
