//! A telephone number → the spelling that a provider or a dialplan wants.

/// `number_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// Unchanged.
    AsIs,
    /// `omit+`: every `+` dropped.
    OmitPlus,
    /// `no+`, `E164`, `E.164`: a leading `+` dropped, then a leading `00`.
    Digits,
    /// `+E164`: exactly one leading `+`.
    Plus,
    /// `NANP`: ten digits.
    Nanp,
    /// `+NANP`: ten digits are `+1` and these, all others get a leading `+`.
    PlusNanp,
}

/// Least digits of a number that `number_format` touches: below are short codes.
const FORMATTED_DIGITS_MIN: usize = 7;

/// The number in that spelling. Only digits with an optional `+` before them are touched.
pub fn format(raw: &str, format: NumberFormat) -> String {
    let digits = raw.strip_prefix('+').unwrap_or(raw);
    let is_number =
        digits.len() >= FORMATTED_DIGITS_MIN && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return raw.to_owned();
    }
    match format {
        NumberFormat::AsIs => raw.to_owned(),
        NumberFormat::OmitPlus => digits.to_owned(),
        NumberFormat::Digits => digits.strip_prefix("00").unwrap_or(digits).to_owned(),
        NumberFormat::Plus => format!("+{digits}"),
        NumberFormat::Nanp => match digits.strip_prefix('1') {
            // Eleven digits that begin with the country code. With a `+`, ten digits are
            // another country's.
            Some(national) if national.len() == 10 => national.to_owned(),
            _ => raw.to_owned(),
        },
        NumberFormat::PlusNanp => match raw.len() {
            10 if !raw.starts_with('+') => format!("+1{digits}"),
            // Seven to nine digits are a local number, whose area nobody knows.
            0..10 => raw.to_owned(),
            _ => format!("+{digits}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check("+46701234567", Plus, "+46701234567");
        check("+12025550183", Nanp, "2025550183");
        check("12025550183", Nanp, "2025550183");
        check("2025550183", Nanp, "2025550183");
        check("+4670123456", Nanp, "+4670123456");
        check("+46701234567", Nanp, "+46701234567");
        check("2025550183", PlusNanp, "+12025550183");
        check("12025550183", PlusNanp, "+12025550183");
        check("+12025550183", PlusNanp, "+12025550183");
        check("+467012345", PlusNanp, "+467012345");
        check("46701234567", PlusNanp, "+46701234567");
        check("5550183", PlusNanp, "5550183");
        check("202555018", PlusNanp, "202555018");
        // Short codes and names are left alone: six, seven, eight digits.
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
