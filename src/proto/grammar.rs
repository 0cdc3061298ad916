//! The grammar that keys of a configuration share (spec §3): `a|b`, the places where a value may stand, and
//! `key=a|b,key=c`, conditions that must all hold.
//!
//! Both are applied to input: a webhook, a provider's answer or an element of its list. The caller decides
//! where to look.
//!
//! Invariant: no alternative is empty, no condition lacks its key, and no key has two conditions.

use alloc::vec;
use alloc::vec::Vec;

use crate::limits::{ALTERNATIVES_MAX, CONDITIONS_MAX};

/// Names or paths in order of preference: the first one that the input has counts. Empty for an empty key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alternatives {
    /// The text as written, without blanks around the names.
    text: Vec<u8>,
}

impl Alternatives {
    /// Reads `a|b`; an empty text gives no names. An error says what is wrong and what to write instead.
    pub fn parse(text: &[u8]) -> Result<Alternatives, &'static str> {
        let mut read = Alternatives::default();
        if text.is_empty() {
            return Ok(read);
        }
        for (nth, name) in text.split(|byte| *byte == b'|').enumerate() {
            if name.trim_ascii().is_empty() {
                return Err("has an empty name before or behind a |; write a|b");
            }
            if nth >= ALTERNATIVES_MAX {
                return Err("has more than 16 alternatives; give the ones that this provider uses");
            }
            if nth > 0 {
                read.text.push(b'|');
            }
            read.text.extend_from_slice(name.trim_ascii());
        }
        Ok(read)
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the names, the first choice first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let names = self.text.split(|byte| *byte == b'|');
        names.filter(|name| !name.is_empty())
    }

    /// Returns the text as it was written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

/// Conditions that must all hold. An empty key has none, and then they hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    list: Vec<Condition>,
}

/// One condition: a key has one of these values. A missing key counts as empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The name or path of the value.
    pub key: Vec<u8>,
    /// The permitted values, `a|b` as written, without blanks around them.
    values: Vec<u8>,
}

impl Conditions {
    /// Reads `key=a|b,key=c`, in which `\,` is a comma and `\\` a backslash. An error says what is wrong and
    /// what to write instead.
    pub fn parse(text: &[u8]) -> Result<Conditions, &'static str> {
        let mut read = Conditions::default();
        for entry in entries(text) {
            let Some((key, values)) = pair(entry.trim_ascii()) else {
                return Err(
                    "has a condition that is no key=value; write \"event=SMS\", say, in quotation \
                     marks, and a comma of a value as \\,",
                );
            };
            let key = key.trim_ascii().to_vec();
            if key.contains(&b'|') {
                return Err("has | before an =; alternatives stand behind it: key=a|b");
            }
            if read.list.iter().any(|other| other.key == key) {
                return Err(
                    "has two conditions for one key, and both would have to hold; write key=a|b",
                );
            }
            if read.list.len() >= CONDITIONS_MAX {
                return Err("has more than 16 conditions; take out what others imply");
            }
            if values.split(|byte| *byte == b'|').count() > ALTERNATIVES_MAX {
                return Err("has more than 16 values in one condition; name fewer");
            }
            let values = values.trim_ascii().to_vec();
            read.list.push(Condition { key, values });
        }
        Ok(read)
    }

    /// Whether there are no conditions.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the conditions in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.list.iter()
    }
}

impl Condition {
    /// Whether the condition holds for this value. The caller passes an empty value for a missing key.
    pub fn holds(&self, value: &[u8]) -> bool {
        self.values().any(|known| known == value)
    }

    /// Returns the permitted values, at least one. An empty value stands for a missing key.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        let values = self.values.split(|byte| *byte == b'|');
        values.map(<[u8]>::trim_ascii)
    }
}

/// Splits a text at its commas and drops empty entries. `\,` is a comma within an entry, `\\` a backslash.
pub fn entries(text: &[u8]) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        let Some(entry) = entries.last_mut() else {
            break;
        };
        match (byte, rest.as_slice()) {
            (b'\\', [escaped @ (b',' | b'\\'), ..]) => {
                entry.push(*escaped);
                rest.next();
            }
            (b',', _) => entries.push(Vec::new()),
            _ => entry.push(*byte),
        }
    }
    entries.retain(|entry| !entry.trim_ascii().is_empty());
    entries
}

/// Splits `key=value` at the first `=`. Returns `None` if there is no `=` or no key.
pub fn pair(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (key, rest) = text.split_at_checked(at)?;
    match (key, rest) {
        ([], _) | (_, []) => None,
        (key, [_, value @ ..]) => Some((key.to_vec(), value.to_vec())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl From<&str> for Alternatives {
    fn from(text: &str) -> Alternatives {
        Alternatives::parse(text.as_bytes()).unwrap()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
impl From<&str> for Conditions {
    fn from(text: &str) -> Conditions {
        Conditions::parse(text.as_bytes()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn alternatives() {
        fn check(input: &str, expected: Result<&[&str], &str>) {
            let found = Alternatives::parse(input.as_bytes());
            let names = found.map(|read| read.iter().map(text).collect::<Vec<String>>());
            match (names, expected) {
                (Ok(names), Ok(expected)) => assert_eq!(names, expected, "{input}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => assert_eq!(found.is_ok(), expected.is_ok(), "{input}"),
            }
        }
        check("", Ok(&[]));
        check("to", Ok(&["to"]));
        check("a b[0].c", Ok(&["a b[0].c"]));
        check("to|data.to[0]|msisdn", Ok(&["to", "data.to[0]", "msisdn"]));
        check(" to | msisdn ", Ok(&["to", "msisdn"]));
        check("to\\|x", Ok(&["to\\", "x"]));
        check("a,b|c", Ok(&["a,b", "c"]));
        for empty in ["|", "a|", "|a", "a||b", "a| |b", " "] {
            check(empty, Err("empty name"));
        }
        let many = |count: usize| vec!["a"; count].join("|");
        for count in [ALTERNATIVES_MAX - 1, ALTERNATIVES_MAX] {
            check(&many(count), Ok(&vec!["a"; count]));
        }
        check(&many(ALTERNATIVES_MAX + 1), Err("more than 16"));
        let written = Alternatives::from(" a | b");
        assert_eq!(written.as_bytes(), b"a|b");
        assert!(!written.is_empty() && Alternatives::default().is_empty());
    }

    #[test]
    fn conditions() {
        fn check(input: &str, expected: Result<&[&str], &str>) {
            let found = Conditions::parse(input.as_bytes()).map(|read| {
                let shown = |it: &Condition| {
                    let values = it.values().map(text).collect::<Vec<String>>();
                    format!("{}: {}", text(&it.key), values.join("/"))
                };
                read.iter().map(shown).collect::<Vec<String>>()
            });
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{input}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => assert_eq!(found.is_ok(), expected.is_ok(), "{input}: {found:?}"),
            }
        }
        check("", Ok(&[]));
        check("event=SMS", Ok(&["event: SMS"]));
        check("a.b=c=d", Ok(&["a.b: c=d"]));
        check("type=a|b", Ok(&["type: a/b"]));
        check("type=a|", Ok(&["type: a/"]));
        check("type=", Ok(&["type: "]));
        check("type=|a", Ok(&["type: /a"]));
        check("type=a,b.c=d|e", Ok(&["type: a", "b.c: d/e"]));
        check(" type = a | b , c = d ", Ok(&["type: a/b", "c: d"]));
        check("type=a\\,b,c=d", Ok(&["type: a,b", "c: d"]));
        check("type=a\\\\,c=d", Ok(&["type: a\\", "c: d"]));
        check("type=a\\b", Ok(&["type: a\\b"]));
        check(",type=a,,c=d,", Ok(&["type: a", "c: d"]));
        check("type=a=b|c", Ok(&["type: a=b/c"]));
        for none in ["event", "type=a,b", "=a", "type=a,=b", " =a", "type=a,b|c"] {
            check(none, Err("no key=value"));
        }
        for key in ["a|b=c", "type=x,a|b=c"] {
            check(key, Err("before an ="));
        }
        for twice in ["a=b,a=c", "a=b,c=d,a =b"] {
            check(twice, Err("write key=a|b"));
        }
        let many = |count: usize| {
            let one = |nth| format!("k{nth}=v");
            (0..count).map(one).collect::<Vec<String>>().join(",")
        };
        for count in [CONDITIONS_MAX - 1, CONDITIONS_MAX] {
            let shown: Vec<String> = (0..count).map(|nth| format!("k{nth}: v")).collect();
            let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
            check(&many(count), Ok(&shown));
        }
        check(&many(CONDITIONS_MAX + 1), Err("more than 16 conditions"));
        let values = |count: usize| format!("k={}", vec!["v"; count].join("|"));
        for count in [ALTERNATIVES_MAX - 1, ALTERNATIVES_MAX] {
            let shown = format!("k: {}", vec!["v"; count].join("/"));
            check(&values(count), Ok(&[&shown]));
        }
        check(&values(ALTERNATIVES_MAX + 1), Err("more than 16 values"));
    }

    #[test]
    fn a_condition_holds_of_its_values_alone() {
        fn check(condition: &str, value: &str, expected: bool) {
            let conditions = Conditions::from(condition);
            let found = conditions.iter().all(|it| it.holds(value.as_bytes()));
            assert_eq!(found, expected, "{condition} {value}");
        }
        check("type=in", "in", true);
        check("type=in", "In", false);
        check("type=in", "", false);
        check("type=in|", "", true);
        check("type=", "", true);
        check("type=", "in", false);
        check("type=a|b", "a", true);
        check("type=a|b", "b", true);
        check("type=a|b", "a|b", false);
        check("type=a\\,b", "a,b", true);
        check("", "whatever", true);
    }
}
