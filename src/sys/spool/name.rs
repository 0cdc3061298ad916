//! Parses a file's name into its destination and its text's number.

/// A call file's name of ours, parsed: `TO.SECONDS.UNIQUE.call` or `TO.SECONDS.UNIQUE-PART.call`, UNIQUE 16 hex
/// digits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallFileName<'a> {
    pub(super) to: &'a [u8],
    pub(super) unique: u64,
    /// Whether the file is a later part of its text, not the first.
    pub(super) is_later: bool,
}

impl CallFileName<'_> {
    /// Parses a name; `None` if it is not ours.
    pub(super) fn parse(name: &[u8]) -> Option<CallFileName<'_>> {
        let (rest, unique) = divided(name.strip_suffix(b".call")?)?;
        let (to, seconds) = divided(rest)?;
        let is_number = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let (unique, part) = unique.split_at_checked(16)?;
        let is_part = part.is_empty() || part.strip_prefix(b"-").is_some_and(is_number);
        let is_ours = is_number(seconds) && !to.is_empty() && is_part;
        is_ours.then_some(CallFileName {
            to,
            unique: hexadecimal(unique)?,
            is_later: !part.is_empty(),
        })
    }
}

/// Divides a name at its last dot.
fn divided(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let (before, rest) = name.split_at_checked(dot)?;
    Some((before, rest.get(1..)?))
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit & 0x0f,
            b'A'..=b'F' | b'a'..=b'f' => (digit & 0x0f).saturating_add(9),
            _ => return None,
        };
        number = number << 4 | u64::from(value);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_ours_is_known() {
        fn check(name: &str, expected: Option<(&str, u64, bool)>) {
            let name = CallFileName::parse(name.as_bytes());
            let found = name.map(|it| (it.to.to_vec(), it.unique, it.is_later));
            let expected =
                expected.map(|(to, unique, later)| (to.as_bytes().to_vec(), unique, later));
            assert_eq!(found, expected);
        }
        const UNIQUE: u64 = 0x0123_4567_89ab_cdef;
        let first = |to| Some((to, UNIQUE, false));
        check(
            "+12025550160.1795392000.0123456789abcdef.call",
            first("+12025550160"),
        );
        let later = Some(("+12025550160", UNIQUE, true));
        check("+12025550160.1795392000.0123456789abcdef-16.call", later);
        check("a.b.c.1795392000.0123456789abcdef.call", first("a.b.c"));
        check("...0.0123456789abcdef.call", first(".."));
        check("probe.0.0123456789ABCDEF.call", first("probe"));
        check("+12025550160.1795392000.0123456789abcde.call", None);
        check("+12025550160.1795392000.0123456789abcdef0.call", None);
        check("+12025550160.1795392000.0123456789abcdeg.call", None);
        check("+12025550160.1795392000.0123456789abcdef-.call", None);
        check("+12025550160.1795392000.0123456789abcdef-1x.call", None);
        check("+12025550160..0123456789abcdef.call", None);
        check("+12025550160.179x.0123456789abcdef.call", None);
        check(".1795392000.0123456789abcdef.call", None);
        check("1795392000.0123456789abcdef.call", None);
        check("+12025550160.1795392000.0123456789abcdef", None);
        check("+12025550160.1795392000.0123456789abcdef.call.tmp", None);
        check("+12025550160.1795392000.123.call", None);
        check("", None);
    }
}
