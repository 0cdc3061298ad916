//! A parameter's name → the path to its value, as PHP reads it.

use std::borrow::Cow;

/// PHP's `max_input_nesting_level`.
const LEVELS_MAX: usize = 64;

/// What a name says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// The key, then its indices; `None` appends.
    Path(Vec<Option<Cow<'a, [u8]>>>),
    /// More than 64 indices: PHP drops the pair and removes what its first key held.
    TooDeep(Cow<'a, [u8]>),
    /// No parameter.
    None,
}

/// Reads a decoded name.
pub(super) fn parse(name: &[u8]) -> Name<'_> {
    let name = name.split(|b| *b == 0).next().unwrap_or_default();
    let spaces = name.iter().take_while(|b| **b == b' ').count();
    let name = name.get(spaces..).unwrap_or_default();

    let bracket = name.iter().position(|b| *b == b'[').unwrap_or(name.len());
    let (head, mut rest) = name.split_at_checked(bracket).unwrap_or((name, &[]));
    let key = mangled(head, b" .");
    if key.is_empty() || forged_prefix(head, &key) {
        return Name::None;
    }
    let mut path = vec![Some(key)];
    while let Some(after) = rest.strip_prefix(b"[") {
        if path.len() > LEVELS_MAX {
            return match path.swap_remove(0) {
                Some(top) => Name::TooDeep(top),
                None => Name::None,
            };
        }
        // One blank, however many there are.
        let blanks = usize::from(after.first().is_some_and(|b| is_space(*b)));
        let inner = after.get(blanks..).unwrap_or_default();
        if let Some(tail) = inner.strip_prefix(b"]") {
            path.push(None);
            rest = tail;
            continue;
        }
        let Some(length) = inner.iter().position(|b| *b == b']') else {
            if path.len() > 1 {
                break;
            }
            let key = mangled(name, b" .[");
            if forged_prefix(name, &key) {
                return Name::None;
            }
            return Name::Path(vec![Some(key)]);
        };
        let length = length.saturating_add(blanks);
        path.push(Some(Cow::Borrowed(after.get(..length).unwrap_or_default())));
        rest = after.get(length.saturating_add(1)..).unwrap_or_default();
    }
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

/// Whether mangling made a cookie prefix that was not there: PHP drops such a name.
fn forged_prefix(head: &[u8], key: &[u8]) -> bool {
    [&b"__Host-"[..], b"__Secure-"]
        .iter()
        .any(|prefix| key.starts_with(prefix) && !head.starts_with(prefix))
}

/// C's `isspace`.
pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t'..=b'\r')
}
