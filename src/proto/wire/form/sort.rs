//! Sorts parameters by their names as PHP 8.2's `ksort` does, for the names that a request can need.
//!
//! Two integers (`9`, `10`, `-1`, `05`) are compared by value, all other names by their bytes.
//!
//! Not covered: PHP also compares by value what it reads as a number in another way, with a point, an exponent,
//! blanks around it or more than 64 bits (`1.5`, `1e3`, `" 5"`). And where integers meet words that begin with
//! digits, PHP's order can be a circle (`9 < 10`, `10 < 1a`, `1a < 9`), so that its result depends on the steps
//! of its sort.

use core::cmp::Ordering;

use super::array::Pair;

/// Sorts by key. Equal keys keep their order. A PHP array has no equal keys, so a caller that adds a key
/// twice must replace the first value.
///
/// Each pair sinks to its place: requests have few parameters, and the standard library's sort may panic at an
/// order that is a circle.
pub fn ksort(pairs: &mut [Pair]) {
    for at in 1..pairs.len() {
        for upper in (1..=at).rev() {
            let lower = upper.saturating_sub(1);
            let (Some(before), Some(behind)) = (pairs.get(lower), pairs.get(upper)) else {
                break;
            };
            if compare(&before.0, &behind.0) != Ordering::Greater {
                break;
            }
            pairs.swap(lower, upper);
        }
    }
}

fn compare(a: &[u8], b: &[u8]) -> Ordering {
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}

/// Returns the value of an integer within 64 bits, which may have a sign and leading zeros.
fn integer(name: &[u8]) -> Option<i64> {
    str::from_utf8(name).ok()?.parse().ok()
}
