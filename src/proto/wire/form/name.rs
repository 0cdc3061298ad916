//! Reads a parameter's name as the path to its value, as PHP does.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::key::Key;

/// PHP's `max_input_nesting_level`.
const LEVELS_MAX: usize = 64;

/// The meaning of a name.
pub(super) enum ParameterName {
    /// The name is a path: the steps to the innermost array, and the key in it.
    Path(Vec<Step>, Step),
    /// The name has more than 64 indices: PHP drops the pair and removes the value of its first key.
    TooDeep(Key),
    /// The name means no parameter.
    None,
}

/// One step down.
pub(super) enum Step {
    /// `[x]`, or the beginning of the name.
    Index(Key),
    /// `[]`, which appends.
    Append,
    /// PHP drops the pair here, after it has made the arrays above.
    Drop,
}

/// Reads a decoded name.
pub(super) fn parse(name: &[u8]) -> ParameterName {
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    let spaces = name.iter().take_while(|b| **b == b' ').count();
    let name = name.get(spaces..).unwrap_or_default();

    let bracket = name.iter().position(|b| *b == b'[').unwrap_or(name.len());
    let (head, mut rest) = name.split_at_checked(bracket).unwrap_or((name, &[]));
    let key = mangled(head, b" .");
    if key.is_empty() {
        return ParameterName::None;
    }
    let mut last = Step::Index(Key::parse(&key));
    let mut path = Vec::new();
    while let Some(after) = rest.strip_prefix(b"[") {
        if path.len() >= LEVELS_MAX {
            return match path.swap_remove(0) {
                Step::Index(top) => ParameterName::TooDeep(top),
                _ => ParameterName::None,
            };
        }
        // One blank is skipped, however many there are.
        let blanks = usize::from(after.first().is_some_and(|b| is_space(*b)));
        let inner = after.get(blanks..).unwrap_or_default();
        let next = if let Some(tail) = inner.strip_prefix(b"]") {
            rest = tail;
            Step::Append
        } else if let Some(length) = inner.iter().position(|b| *b == b']') {
            let length = length.saturating_add(blanks);
            rest = after.get(length.saturating_add(1)..).unwrap_or_default();
            Step::Index(Key::parse(after.get(..length).unwrap_or_default()))
        } else {
            if path.is_empty() {
                last = Step::Index(Key::parse(&mangled(name, b" .[")));
            }
            break;
        };
        if forged_prefix(&last, name) {
            break;
        }
        path.push(last);
        last = next;
    }
    match forged_prefix(&last, name) {
        true => ParameterName::Path(path, Step::Drop),
        false => ParameterName::Path(path, last),
    }
}

/// Replaces each of `bytes` with `_`.
fn mangled<'a>(name: &'a [u8], bytes: &[u8]) -> Cow<'a, [u8]> {
    if !name.iter().any(|b| bytes.contains(b)) {
        return Cow::Borrowed(name);
    }
    let replaced = |b: &u8| if bytes.contains(b) { b'_' } else { *b };
    Cow::Owned(name.iter().map(replaced).collect())
}

/// Whether a key looks like a cookie's prefix although the name itself does not begin with it. PHP drops
/// such a pair.
fn forged_prefix(step: &Step, name: &[u8]) -> bool {
    let Step::Index(Key::Bytes(key)) = step else {
        return false;
    };
    [&b"__Host-"[..], b"__Secure-"]
        .iter()
        .any(|prefix| key.starts_with(prefix) && !name.starts_with(prefix))
}

/// Whether a byte is white space by C's `isspace`.
pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}
