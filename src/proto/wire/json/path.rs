//! Splits a key that is a path into its steps.

use alloc::vec::Vec;

/// Whether a key is a path rather than a name.
pub fn is_path(key: &[u8]) -> bool {
    key.iter().any(|b| matches!(b, b'.' | b'['))
}

/// Splits `a.b[0].c` into its steps. A `[]` at the end means the list as such and is no step. Returns
/// `None` if a step is empty or a bracket has no partner.
pub fn steps(path: &[u8]) -> Option<Vec<&[u8]>> {
    let mut rest = path.strip_suffix(b"[]").unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(inner) = rest.strip_prefix(b"[") {
            let end = inner.iter().position(|b| *b == b']')?;
            (inner.get(..end)?, inner.get(end.checked_add(1)?..)?)
        } else {
            // A dot stands between steps, but not before the first.
            let name = match steps.is_empty() {
                true => rest,
                false => rest.strip_prefix(b".")?,
            };
            let end = name.iter().position(|b| matches!(b, b'.' | b'['));
            name.split_at_checked(end.unwrap_or(name.len()))?
        };
        if step.is_empty() {
            return None;
        }
        steps.push(step);
        rest = after;
    }
    Some(steps)
}
