//! Sorts like PHP 8.2's `ksort`.
//!
//! PHP's order of keys is not transitive where numbers and words meet (`9 < 10`, `10 < 9a`, and `9a < 9`
//! never, but `" 9" < 10 < "9a"` and `" 9" < "1a"`), so the result also depends on the steps of the sort.
//! PHP sorts up to 16 keys by insertion, and these are its steps. More keys are sorted in the same way
//! here; only odd mixes of keys can come out differently than in PHP.

use core::cmp::Ordering;

use super::array::{Key, Pair};
use super::double::double;

/// Sorts by key. Equal keys keep their order. A PHP array has no equal keys, so a caller that adds a key
/// twice must replace the first value.
pub fn ksort(pairs: &mut [Pair]) {
    match pairs {
        [_, _, _] => sort_3(pairs),
        [_, _, _, _] => sort_4(pairs),
        [_, _, _, _, _] => sort_5(pairs),
        _ => insert(pairs),
    }
}

/// Whether the pair at `a` must come after the one at `b`. Equal pairs keep their order, because `a` came
/// first in every call.
fn after(pairs: &[Pair], a: usize, b: usize) -> bool {
    match (pairs.get(a), pairs.get(b)) {
        (Some(a), Some(b)) => compare(&a.0, &b.0) == Ordering::Greater,
        _ => false,
    }
}

fn sort_2(pairs: &mut [Pair], at: usize) {
    let next = at.saturating_add(1);
    if after(pairs, at, next) {
        pairs.swap(at, next);
    }
}

fn sort_3(pairs: &mut [Pair]) {
    if !after(pairs, 0, 1) {
        if !after(pairs, 1, 2) {
            return;
        }
        pairs.swap(1, 2);
        sort_2(pairs, 0);
        return;
    }
    // The middle pair belongs after the last.
    if after(pairs, 1, 2) {
        pairs.swap(0, 2);
        return;
    }
    pairs.swap(0, 1);
    sort_2(pairs, 1);
}

fn sort_4(pairs: &mut [Pair]) {
    if let Some(first) = pairs.get_mut(..3) {
        sort_3(first);
    }
    sink(pairs, 3);
}

fn sort_5(pairs: &mut [Pair]) {
    if let Some(first) = pairs.get_mut(..4) {
        sort_4(first);
    }
    sink(pairs, 4);
}

/// Moves the pair at `at` down, one step at a time.
fn sink(pairs: &mut [Pair], at: usize) {
    for upper in (1..=at).rev() {
        let lower = upper.saturating_sub(1);
        if !after(pairs, lower, upper) {
            return;
        }
        pairs.swap(lower, upper);
    }
}

/// Inserts the first six pairs by single steps, the others by steps of two.
fn insert(pairs: &mut [Pair]) {
    for at in 1..pairs.len() {
        if at < 6 {
            sink(pairs, at);
            continue;
        }
        let mut place = at.saturating_sub(1);
        if !after(pairs, place, at) {
            continue;
        }
        while place > 0 {
            if place == 1 {
                place = usize::from(!after(pairs, 0, at));
                break;
            }
            place = place.saturating_sub(2);
            if !after(pairs, place, at) {
                place = place.saturating_add(1);
                if !after(pairs, place, at) {
                    place = place.saturating_add(1);
                }
                break;
            }
        }
        if let Some(moved) = pairs.get_mut(place..=at) {
            moved.rotate_right(1);
        }
    }
}

/// Compares two keys as PHP 8.2 does: numbers and numeric strings by value, others by their bytes.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (Some(x), Some(y)) = (Number::parse(a), Number::parse(b)) else {
        return a.cmp(b);
    };
    // An integer key and a string are compared as doubles; two strings are compared more exactly.
    let keys = matches!(Key::parse(a), Key::Int(_)) || matches!(Key::parse(b), Key::Int(_));
    match (x, y) {
        (Number::Int(x), Number::Int(y)) => return x.cmp(&y),
        (Number::Int(_), Number::Beyond(over, _)) if !keys => return 0.cmp(&over),
        (Number::Beyond(over, _), Number::Int(_)) if !keys => return over.cmp(&0),
        _ => {}
    }
    let beyond = matches!((x, y), (Number::Beyond(..), Number::Beyond(..)));
    let (x, y) = (x.as_f64(), y.as_f64());
    if x == y && (beyond || (!keys && x.is_infinite())) {
        return a.cmp(b);
    }
    x.partial_cmp(&y).unwrap_or(Ordering::Equal)
}

/// The number of digits of the largest 64-bit integer.
const INTEGER_DIGITS_MAX: usize = 19;

/// A string that PHP takes for a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Int(i64),
    Float(f64),
    /// A number whose part before the point exceeds 64 bits: its sign, and its approximate value.
    Beyond(i8, f64),
}

impl Number {
    /// Parses blanks on both sides, a sign, digits with a point, and an exponent.
    fn parse(bytes: &[u8]) -> Option<Number> {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
        let start = bytes.iter().position(|b| !blank(b))?;
        let end = bytes.iter().rposition(|b| !blank(b))?;
        let text = core::str::from_utf8(bytes.get(start..=end)?).ok()?;
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent_holds = exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        });
        let empty = whole.is_empty() && fraction.is_empty();
        if empty || !digits(whole) || !digits(fraction) || !exponent_holds {
            return None;
        }
        let float = double(whole, fraction, exponent.unwrap_or("0"));
        let float = if text.starts_with('-') { -float } else { float };
        let beyond = Number::Beyond(if float < 0.0 { -1 } else { 1 }, float);
        Some(
            if whole.trim_start_matches('0').len() > INTEGER_DIGITS_MAX {
                beyond
            } else if mantissa.contains('.') || exponent.is_some() {
                Number::Float(float)
            } else {
                text.parse().map_or(beyond, Number::Int)
            },
        )
    }

    fn as_f64(self) -> f64 {
        match self {
            #[expect(
                clippy::as_conversions,
                reason = "PHP's cast to double rounds the same way"
            )]
            Number::Int(number) => number as f64,
            Number::Float(number) | Number::Beyond(_, number) => number,
        }
    }
}
