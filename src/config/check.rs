//! Parses `response_check` and `later_check` as [`Check`], `key_message_id` and `key_reason` as
//! [`AnswerPlace`].
//!
//! A regex is written as for PHP's `preg_match`. The engine here is smaller: patterns that it reads
//! differently are translated, and patterns that it cannot handle are a fault.

use crate::limits::REGEX_BYTES_MAX;
use crate::proto::grammar::{Alternatives, pair};
use crate::proto::provider::{AnswerPlace, Check};

use super::values::{Parsed, shown};

/// Parses `key=value` or `/regex/flags`; empty means none.
pub fn parse(value: &[u8]) -> Parsed<Option<Check>> {
    match value {
        [] => Ok(None),
        [b'/', rest @ ..] => regex(rest).map(|regex| Some(Check::Regex(regex))),
        value => match pair(value) {
            Some((key, value)) => Ok(Some(Check::KeyValue(key, value))),
            None => Err(
                "is neither key=value nor /regex/; write \"status=success\", say, in quotation \
                 marks"
                    .into(),
            ),
        },
    }
}

/// Parses `key_message_id` or `key_reason`: keys or paths (`a|b`), or `/regex/flags`.
pub fn answer_place(value: &[u8]) -> Parsed<AnswerPlace> {
    if let [b'/', rest @ ..] = value {
        return regex(rest).map(AnswerPlace::Regex);
    }
    let keys = Alternatives::parse(value)?;
    let has_regex = keys.iter().any(|key| key.starts_with(b"/"));
    match has_regex {
        true => Err("has a regex behind a |; a regex stands alone, and has a | of its own".into()),
        false => Ok(AnswerPlace::Keys(keys)),
    }
}

/// Parses a regex from behind its first `/`.
fn regex(rest: &[u8]) -> Parsed<regex_lite::Regex> {
    let rest = str::from_utf8(rest).map_err(|_| "is a regex that is not UTF-8")?;
    let (pattern, flags) = rest
        .rsplit_once('/')
        .ok_or("begins with / but has no closing one; write /regex/ or /regex/i")?;
    if pattern.is_empty() {
        return Err("is an empty regex, which every answer matches; take the key out".into());
    }
    let known = |flag| matches!(flag, 'i' | 'm' | 's' | 'x' | 'u');
    let (flag, _) = split_first(flags.trim_start_matches(known));
    if !flag.is_empty() {
        let flag = shown(flag.as_bytes());
        return Err(format!("has the regex flag {flag}; known are i m s x u"));
    }
    let pattern = translate(pattern, flags)?;
    regex_lite::RegexBuilder::new(&pattern)
        .case_insensitive(has(flags, b'i'))
        .multi_line(has(flags, b'm'))
        .dot_matches_new_line(has(flags, b's'))
        .ignore_whitespace(has(flags, b'x'))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|_| {
            "is a regex that does not compile here: look-around, back references, \\p{...}, \
             possessive quantifiers and nested classes are not supported, and its size is limited"
                .into()
        })
}

/// Translates a PCRE pattern for the engine here, where the two read the same letters differently: PCRE's
/// `$` also matches before a final line end, its `\<` is a `<`, a `{` that counts nothing and a `[` in a
/// class are literal, and the flag `x` leaves classes alone.
fn translate(pattern: &str, flags: &str) -> Parsed<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut place = Place::Outside;
    let mut before = ' ';
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let (mut text, tail) = split_first(rest);
        rest = tail;
        let mut after = c;
        let (prefix, next) = match (place, c) {
            (place, '\\') => {
                (text, rest) = split_first(rest);
                if text.is_empty() {
                    return Err("is a regex that ends in a backslash".into());
                }
                // An escape with a count or a repetition is no quantifier of its own.
                after = ' ';
                let prefix = if matches!(text, "<" | ">") { "" } else { "\\" };
                match place {
                    Place::ClassStart => (prefix, Place::Class),
                    place => (prefix, place),
                }
            }
            (Place::Outside, '+' | '*') if matches!(before, '*' | '+' | '?') => {
                return Err(
                    "is a regex with a repeated or possessive quantifier, which is not supported"
                        .into(),
                );
            }
            (Place::Outside, '$') if !has(flags, b'm') => {
                text = "(?:\\n?\\z)";
                ("", Place::Outside)
            }
            (Place::Outside, '{') if !counts(rest) => ("\\", Place::Outside),
            (Place::Outside, '[') => ("", Place::ClassStart),
            (Place::Outside, _) => ("", Place::Outside),
            (Place::ClassStart, '^') if before == '[' => ("", Place::ClassStart),
            (Place::ClassStart, ']') => ("\\", Place::Class),
            (Place::Class, ']') => ("", Place::Outside),
            (Place::ClassStart | Place::Class, '[') => {
                text = posix_name(rest);
                rest = rest.get(text.len()..).unwrap_or_default();
                let prefix = if text.is_empty() { "\\[" } else { "[" };
                (prefix, Place::Class)
            }
            (Place::ClassStart | Place::Class, c) => {
                let blank = has(flags, b'x') && (c == '#' || c == ' ');
                let prefix = if blank { "\\" } else { "" };
                (prefix, Place::Class)
            }
        };
        out.push_str(prefix);
        out.push_str(text);
        place = next;
        before = after;
    }
    Ok(out)
}

fn has(flags: &str, flag: u8) -> bool {
    flags.as_bytes().contains(&flag)
}

/// Returns the `:digit:]` that follows a `[` in a class; empty if the `[` is literal.
fn posix_name(rest: &str) -> &str {
    let end = rest.strip_prefix(':').and_then(|name| name.find(":]"));
    let name = end.and_then(|end| rest.get(..end.saturating_add(3)));
    let is_letter = |c: char| c.is_ascii_lowercase() || matches!(c, '^' | ':' | ']');
    name.filter(|name| name.chars().all(is_letter))
        .unwrap_or_default()
}

/// Returns the first character and the rest; both are empty at the end.
fn split_first(text: &str) -> (&str, &str) {
    let bytes = text.chars().next().map_or(0, char::len_utf8);
    text.split_at_checked(bytes).unwrap_or_default()
}

/// The place of a character in a pattern.
#[derive(Clone, Copy)]
enum Place {
    Outside,
    /// The character is behind `[` or `[^`, where a `]` is literal.
    ClassStart,
    Class,
}

/// Whether the text behind a `{` makes it a count: `3}`, `3,}`, `3,5}`.
fn counts(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else {
        return false;
    };
    let (min, max) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |n: &str| n.bytes().all(|b| b.is_ascii_digit());
    !min.is_empty() && digits(min) && digits(max)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Checks a regex: `Some(true)` if it matches, `Some(false)` if it does not, `None` if it is no regex.
    fn check(value: &str, answer: &str, expected: Option<bool>) {
        let found = match parse(value.as_bytes()) {
            Ok(Some(Check::Regex(regex))) => Some(regex.is_match(answer)),
            Ok(other) => panic!("{value}: {other:?}"),
            Err(_) => None,
        };
        assert_eq!(found, expected, "{value} {answer:?}");
    }

    #[test]
    fn regexes_as_in_php() {
        check("/ok/", "it is ok", Some(true));
        check("/ok/", "it is OK", Some(false));
        check("/ok/i", "it is OK", Some(true));
        check("/^ok$/", "ok", Some(true));
        check("/^ok$/", "ok\n", Some(true));
        check("/^ok$/", "ok\n\n", Some(false));
        check("/^ok$/", "no\nok\nno", Some(false));
        check("/^ok$/m", "no\nok\nno", Some(true));
        check("/ok|$/", "", Some(true));
        check("/a.b/", "a\nb", Some(false));
        check("/a.b/s", "a\nb", Some(true));
        check("/o k # rest/x", "ok", Some(true));
        check("/o[ ]k/x", "o k", Some(true));
        check("/o[#]k/x", "o#k", Some(true));
        check("/ok/u", "ok", Some(true));
        check("/ok/imsxu", "OK", Some(true));
        check("/a\\/b/", "a/b", Some(true));
        check("/a/b/", "a/b", Some(true));
        check("/\\<status\\>ok/", "<status>ok", Some(true));
        check(r#"/{"status":"ok"}/"#, r#"{"status":"ok"}"#, Some(true));
        check("/a{2}b/", "aab", Some(true));
        check("/a{2}b/", "ab", Some(false));
        check("/^a{2,}$/", "aaaa", Some(true));
        check("/^a{1,2}$/", "aaa", Some(false));
        check("/^a{,2}$/", "a{,2}", Some(true));
        check("/^a{x}$/", "a{x}", Some(true));
        check("/[$]/", "$", Some(true));
        check("/[$]/", "a", Some(false));
        check("/[]a]/", "]", Some(true));
        check("/[^]a]/", "]", Some(false));
        check("/[[{]/", "{", Some(true));
        check("/[[{]/", "[", Some(true));
        check("/[\\]$]/", "]", Some(true));
        check("/[[:digit:]]+$/", "abc123", Some(true));
        check("/^[[:digit:]$]+$/", "1$2", Some(true));
        check("/^[[:digit:]+*]+$/", "1+*", Some(true));
        check("/^[[:^digit:][a]+$/", "[a]", Some(true));
        check("/^[a[:digit]+$/", "[:digta", Some(true));
        check("/\\$5/", "$5", Some(true));
        check("/a+?b/", "aab", Some(true));
        check("/\\++a/", "++a", Some(true));
        check("/\\+a/", "+a", Some(true));
        check("/(?:ok|sent)/", "sent", Some(true));
        check("/(?i)ok/", "OK", Some(true));
    }

    #[test]
    fn what_is_no_regex_here() {
        for value in [
            "/",
            "//",
            "/ok",
            "//i",
            "/ok/g",
            "/ok/e",
            "/ok/ä",
            "/ok/i i",
            "/(/",
            "/[/",
            "/a**/",
            "/a\\",
            "/a\\/",
            "/(?=a)/",
            "/(?<!a)b/",
            "/(a)\\1/",
            "/a++/",
            "/a*+/",
            "/a?+/",
            "/\\Qa\\E/",
            "/(?>a)/",
            "/\\p{L}/",
        ] {
            check(value, "", None);
        }
        // The size of the compiled regex is limited, whatever the count.
        check("/a{100}/", &"a".repeat(100), Some(true));
        // Two characters took 64 bytes when this was written.
        check("/^(?:ab){4000}$/", &"ab".repeat(4000), Some(true));
        check("/^(?:ab){4200}$/", "", None);
        check("/(a{1000}){1000}/", "", None);
    }

    #[test]
    fn pairs() {
        fn check(value: &[u8], expected: Option<(&[u8], &[u8])>) {
            match (parse(value), expected) {
                (Ok(Some(Check::KeyValue(key, value))), Some(expected)) => {
                    assert_eq!((key.as_slice(), value.as_slice()), expected);
                }
                (Ok(None), None) => assert_eq!(value, b""),
                (Err(_), None) => assert_ne!(value, b""),
                (other, _) => panic!("{}: {other:?}", value.escape_ascii()),
            }
        }
        check(b"", None);
        check(b"a=b", Some((b"a", b"b")));
        check(b"a==", Some((b"a", b"=")));
        check(b"a=", Some((b"a", b"")));
        check(b"a=\xff", Some((b"a", b"\xff")));
        check(b"=b", None);
        check(b"ab", None);
    }
}
