//! Takes an answer to a request for a list apart: its elements and the place of the next page.
//!
//! The answer comes from outside: it may be cut, ill-formed in one element, or no JSON at all. So it is not
//! parsed as a whole: brackets and strings alone say where an element begins and ends, and each element is
//! judged by itself afterwards. Thus no sender can spoil the SMS of others.
//!
//! Invariant: no more than [`POLL_VALUES_MAX`] values are walked over, and only the value that leads to the
//! next page is copied.

use alloc::vec::Vec;

use super::lister::{Lister, Paging};
use crate::limits::POLL_VALUES_MAX;
use crate::proto::grammar::{Alternatives, Conditions};
use crate::proto::wire::json;

/// The parts of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<'a> {
    /// The elements of the list in their order, each as its bytes in the answer.
    pub elements: Vec<&'a [u8]>,
    /// The value that names the next page; `None` if the answer names none.
    pub next: Option<Vec<u8>>,
    /// Whether the end of the list was reached, so that it is neither cut nor longer than is read.
    pub is_whole: bool,
}

/// Why an answer holds no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPage {
    /// The answer is no JSON; mostly it is an HTML page.
    NoJson,
    /// There is no list at the place that `poll_each` names.
    NoList,
}

impl BadPage {
    /// Returns the phrase for the log.
    pub fn phrase(self) -> &'static str {
        match self {
            BadPage::NoJson => "the answer is no JSON",
            BadPage::NoList => "the answer has no list where poll_each says",
        }
    }
}

/// Takes an answer apart.
pub fn read<'a>(answer: &'a [u8], lister: &Lister) -> Result<Page<'a>, BadPage> {
    let answer = answer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer);
    let answer = answer.trim_ascii();
    if !matches!(answer.first(), Some(b'{' | b'[')) {
        return Err(BadPage::NoJson);
    }
    let mut page = Page {
        elements: Vec::new(),
        next: None,
        is_whole: true,
    };
    if !lister.empty.is_empty() && hold(&lister.empty, answer) {
        return Ok(page);
    }
    let list = at(answer, &lister.each).ok_or(BadPage::NoList)?;
    match list.first() {
        Some(b'[') => {}
        // Some providers write null for an empty list.
        _ if list == b"null" => return Ok(page),
        _ => return Err(BadPage::NoList),
    }
    let mut members = Members::of(list);
    for (_, element) in members.by_ref() {
        page.elements.push(element);
    }
    page.is_whole = members.is_closed;
    page.next = match &lister.paging {
        Paging::Url(places) | Paging::Value(places) => first(answer, places),
        Paging::None | Paging::Page(_) | Paging::Offset => None,
    };
    Ok(page)
}

/// Whether all conditions hold for the values at their paths in the answer.
fn hold(conditions: &Conditions, answer: &[u8]) -> bool {
    let mut all = conditions.iter();
    all.all(|one| one.holds(&at(answer, &one.key).and_then(scalar).unwrap_or_default()))
}

/// Returns the first value at these places that is not empty.
fn first(answer: &[u8], places: &Alternatives) -> Option<Vec<u8>> {
    places.iter().find_map(|place| {
        let value = at(answer, place).and_then(scalar);
        value.filter(|value| !value.is_empty())
    })
}

fn scalar(value: &[u8]) -> Option<Vec<u8>> {
    json::parse(value).ok()?.scalar()
}

/// Returns the value at the end of a path.
fn at<'a>(value: &'a [u8], path: &[u8]) -> Option<&'a [u8]> {
    json::steps(path)?.into_iter().try_fold(value, child)
}

fn child<'a>(value: &'a [u8], step: &[u8]) -> Option<&'a [u8]> {
    let mut members = Members {
        takes_cut: true,
        ..Members::of(value)
    };
    if value.first() == Some(&b'[') {
        let is_number = step.iter().all(u8::is_ascii_digit);
        let number = core::str::from_utf8(step).ok().filter(|_| is_number)?;
        return members.nth(number.parse().ok()?).map(|(_, value)| value);
    }
    members
        .filter(|(key, _)| *key == step)
        .last()
        .map(|it| it.1)
}

/// Iterates over the members of an object or the elements of an array, each with its key, which is empty in
/// an array. A key is the bytes between its quotes, unescaped.
struct Members<'a> {
    rest: &'a [u8],
    has_keys: bool,
    values: usize,
    /// Whether the closing bracket was seen.
    is_closed: bool,
    /// Whether a value without an end counts, up to the end of the text.
    takes_cut: bool,
}

impl<'a> Members<'a> {
    fn of(value: &'a [u8]) -> Members<'a> {
        let (rest, has_keys) = match value.split_first() {
            Some((b'{', rest)) => (rest, true),
            Some((b'[', rest)) => (rest, false),
            _ => (&b""[..], false),
        };
        Members {
            rest,
            has_keys,
            values: 1,
            is_closed: false,
            takes_cut: false,
        }
    }

    fn skip(&mut self, bytes: usize) -> &'a [u8] {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or_default();
        self.rest = rest;
        skipped
    }

    fn skip_all(&mut self, these: &[u8]) {
        let count = self.rest.iter().take_while(|b| these.contains(b)).count();
        self.skip(count);
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_all(b" \t\r\n,");
        match (self.rest.first()?, self.has_keys) {
            (b']', false) | (b'}', true) => {
                self.is_closed = true;
                return None;
            }
            (b']' | b'}', _) => return None,
            _ if self.values > POLL_VALUES_MAX => return None,
            _ => {}
        }
        let mut key: &[u8] = b"";
        if self.has_keys {
            let bytes = string(self.rest).filter(|_| self.rest.starts_with(b"\""))?;
            let quoted = self.skip(bytes);
            key = quoted.get(1..quoted.len().saturating_sub(1))?;
            self.skip_all(b" \t\r\n");
            self.rest = self.rest.strip_prefix(b":")?;
            self.skip_all(b" \t\r\n");
        }
        let cut = self.takes_cut.then_some(self.rest.len());
        let bytes = extent(self.rest, &mut self.values).or(cut)?;
        Some((key, self.skip(bytes)))
    }
}

/// Returns the number of bytes of the value that begins here; `None` if it has no end. Adds the number of
/// values within it to `values`.
fn extent(text: &[u8], values: &mut usize) -> Option<usize> {
    let mut at = 0_usize;
    let mut depth = 0_usize;
    loop {
        let rest = text.get(at..)?;
        let first = rest.first()?;
        let mut bytes = 1;
        match first {
            b'"' => bytes = string(rest)?,
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                *values = values.saturating_add(1);
            }
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return Some(at),
            b',' => *values = values.saturating_add(1),
            _ => {}
        }
        at = at.saturating_add(bytes);
        if depth == 0 && matches!(first, b'"' | b'}' | b']') {
            *values = values.saturating_add(1);
            return Some(at);
        }
    }
}

/// Returns the number of bytes of the string that begins here, quotes included.
fn string(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let inner = text.get(1..)?;
    let end = inner.iter().position(|byte| match (is_escaped, byte) {
        (true, _) => {
            is_escaped = false;
            false
        }
        (false, b'\\') => {
            is_escaped = true;
            false
        }
        (false, byte) => *byte == b'"',
    })?;
    end.checked_add(2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proto::provider::poll::lister::Order;

    fn lister(each: &str, empty: &str, paging: Paging) -> Lister {
        Lister {
            path: String::new(),
            statics: Vec::new(),
            each: each.into(),
            empty: empty.into(),
            paging,
            order: Order::Newest,
            done: None,
            consumes: false,
            numbers: Vec::new(),
        }
    }

    #[test]
    fn elements_are_told_apart_whatever_they_are() {
        fn check(each: &str, answer: &str, expected: Result<(&[&str], bool), BadPage>) {
            let list = lister(each, "status=no_sms|no_mms", Paging::None);
            let found = read(answer.as_bytes(), &list);
            let found = found.as_ref().map_err(|bad| *bad).map(|page| {
                let text = |it: &&[u8]| String::from_utf8_lossy(it).into_owned();
                (
                    page.elements.iter().map(text).collect::<Vec<_>>(),
                    page.is_whole,
                )
            });
            let expected = expected.map(|(elements, whole)| {
                (
                    elements
                        .iter()
                        .map(|it| (*it).to_owned())
                        .collect::<Vec<_>>(),
                    whole,
                )
            });
            assert_eq!(found, expected, "{answer}");
        }
        check("", "[]", Ok((&[], true)));
        check("[]", " [ 1 , \"a\" ] ", Ok((&["1 ", "\"a\""], true)));
        check(
            "",
            "\u{feff}[{\"a\":[1,{}]},{}]",
            Ok((&["{\"a\":[1,{}]}", "{}"], true)),
        );
        check(
            "sms",
            r#"{"status":"success","sms":[{"a":1}]}"#,
            Ok((&[r#"{"a":1}"#], true)),
        );
        check(
            "data.data",
            r#"{"data":{"total":1,"data":[{}]}}"#,
            Ok((&["{}"], true)),
        );
        check("a[1]", "{\"a\":[0,[2,3]]}", Ok((&["2", "3"], true)));
        check("sms", r#"{"status":"no_sms"}"#, Ok((&[], true)));
        check("sms", r#"{"status":"no_mms","sms":1}"#, Ok((&[], true)));
        check("sms", r#"{"sms":null}"#, Ok((&[], true)));
        // Of several members with one key the last counts, as everywhere else in this crate.
        check("a", r#"{"a":[1],"a":[2]}"#, Ok((&["2"], true)));
        // The text of an SMS may look like the end of the answer.
        check(
            "",
            r#"["]","}",",","\"]","\\"]"#,
            Ok((&[r#""]""#, r#""}""#, r#"",""#, r#""\"]""#, r#""\\""#], true)),
        );
        // An ill-formed element is an element all the same.
        check(
            "",
            r#"[{"a":"\x"},{"b":tru},{c},{"d":1}]"#,
            Ok((
                &[r#"{"a":"\x"}"#, r#"{"b":tru}"#, "{c}", r#"{"d":1}"#],
                true,
            )),
        );
        // Brackets do not match, so that the end of the list is unknown.
        check("", "[{]},{}]", Ok((&["{]"], false)));
        check("", "[{}}]", Ok((&["{}"], false)));
        // A cut list has the elements that are complete.
        for (cut, expected) in [
            ("[", &[][..]),
            ("[{\"a\":1", &[]),
            ("[{\"a\":1}", &["{\"a\":1}"]),
            ("[{\"a\":1},", &["{\"a\":1}"]),
            ("[{\"a\":1},{\"b\":\"x", &["{\"a\":1}"]),
            ("[\"x\",\"y\\", &["\"x\""]),
        ] {
            check("", cut, Ok((expected, false)));
        }
        check("sms", r#"{"sms":[{"a":1}]"#, Ok((&["{\"a\":1}"], true)));
        check(
            "d.s",
            r#"{"n":1,"d":{"s":[{"a":1},{"#,
            Ok((&["{\"a\":1}"], false)),
        );
        for no_json in ["", " ", "<html>", "no", "\"[]\"", "1"] {
            check("", no_json, Err(BadPage::NoJson));
        }
        for no_list in [
            "{}",
            r#"{"sms":{}}"#,
            r#"{"sms":"[]"}"#,
            r#"{"sms":1}"#,
            "[]",
            r#"{"sms""#,
            "{sms:[]}",
            r#"{"sms" []}"#,
        ] {
            check("sms", no_list, Err(BadPage::NoList));
        }
        check("", "{}", Err(BadPage::NoList));
    }

    #[test]
    fn the_next_page_is_named_by_the_answer() {
        fn check(answer: &str, expected: Option<&str>) {
            let paging = Paging::Url("links.next|next_page_uri".into());
            let list = lister("a", "", paging);
            let next = read(answer.as_bytes(), &list).unwrap().next;
            assert_eq!(next.as_deref(), expected.map(str::as_bytes), "{answer}");
        }
        check(r#"{"a":[]}"#, None);
        check(r#"{"a":[],"next_page_uri":null}"#, None);
        check(r#"{"a":[],"next_page_uri":""}"#, None);
        check(r#"{"a":[],"next_page_uri":"\/p?x=1"}"#, Some("/p?x=1"));
        check(
            r#"{"next_page_uri":"/q","a":[],"links":{"next":"/p"}}"#,
            Some("/p"),
        );
        check(
            r#"{"next_page_uri":"/q","a":[],"links":{"next":null}}"#,
            Some("/q"),
        );
        check(r#"{"a":[],"next_page_uri":["/p"]}"#, None);
        check(r#"{"a":[],"next_page_uri":"\x"}"#, None);
        check(r#"{"a":[{"next_page_uri":"/p"}]}"#, None);
    }

    #[test]
    fn values_are_counted() {
        let count = |elements: usize, element: &str| {
            let answer = format!("[{}]", vec![element; elements].join(","));
            let page = read(answer.as_bytes(), &lister("", "", Paging::None));
            let page = page.as_ref().unwrap();
            (page.elements.len(), page.is_whole)
        };
        let most = POLL_VALUES_MAX;
        assert_eq!(count(most, "\"\""), (most, true));
        assert_eq!(count(most + 1, "\"\""), (most, false));
        // An object of two members counts itself and what its brackets and commas separate.
        let (elements, is_whole) = count(most, r#"{"a":1,"b":2}"#);
        assert!(elements <= most / 3 + 1 && !is_whole, "{elements}");
    }
}
