//! A parameter's name → the path to its value, as PHP reads it.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// PHP's `max_input_nesting_level`.
const LEVELS_MAX: usize = 64;

/// What a name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// The key, then its indices.
    Path(Vec<Step<'a>>),
    /// More than 64 indices: PHP drops the pair and removes what its first key held.
    TooDeep(Cow<'a, [u8]>),
    /// No parameter.
    None,
}

/// One step down.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// `[x]`, or the name's beginning.
    Index(Cow<'a, [u8]>),
    /// `[]`
    Append,
    /// Here PHP drops the pair; the arrays above have been made.
    Drop,
}

/// Reads a decoded name.
pub(super) fn parse(name: &[u8]) -> Name<'_> {
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    let spaces = name.iter().take_while(|b| **b == b' ').count();
    let name = name.get(spaces..).unwrap_or_default();

    let bracket = name.iter().position(|b| *b == b'[').unwrap_or(name.len());
    let (head, mut rest) = name.split_at_checked(bracket).unwrap_or((name, &[]));
    let key = mangled(head, b" .");
    if key.is_empty() {
        return Name::None;
    }
    let mut last = Step::Index(key);
    let mut path = Vec::new();
    while let Some(after) = rest.strip_prefix(b"[") {
        if path.len() >= LEVELS_MAX {
            return match path.swap_remove(0) {
                Step::Index(top) => Name::TooDeep(top),
                _ => Name::None,
            };
        }
        // One blank, however many there are.
        let blanks = usize::from(after.first().is_some_and(|b| is_space(*b)));
        let inner = after.get(blanks..).unwrap_or_default();
        let next = if let Some(tail) = inner.strip_prefix(b"]") {
            rest = tail;
            Step::Append
        } else if let Some(length) = inner.iter().position(|b| *b == b']') {
            let length = length.saturating_add(blanks);
            rest = after.get(length.saturating_add(1)..).unwrap_or_default();
            Step::Index(Cow::Borrowed(after.get(..length).unwrap_or_default()))
        } else {
            if path.is_empty() {
                last = Step::Index(mangled(name, b" .["));
            }
            break;
        };
        if forged_prefix(&last, name) {
            break;
        }
        path.push(last);
        last = next;
    }
    path.push(match forged_prefix(&last, name) {
        true => Step::Drop,
        false => last,
    });
    Name::Path(path)
}

/// With each of `bytes` replaced by `_`.
fn mangled<'a>(name: &'a [u8], bytes: &[u8]) -> Cow<'a, [u8]> {
    if !name.iter().any(|b| bytes.contains(b)) {
        return Cow::Borrowed(name);
    }
    let replaced = |b: &u8| if bytes.contains(b) { b'_' } else { *b };
    Cow::Owned(name.iter().map(replaced).collect())
}

/// Whether a key looks like a cookie's prefix that the name itself does not begin with: PHP drops
/// such a pair.
fn forged_prefix(step: &Step, name: &[u8]) -> bool {
    let Step::Index(key) = step else {
        return false;
    };
    [&b"__Host-"[..], b"__Secure-"]
        .iter()
        .any(|prefix| key.starts_with(prefix) && !name.starts_with(prefix))
}

/// C's `isspace`.
pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}
