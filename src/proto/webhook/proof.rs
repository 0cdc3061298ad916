//! Defines proofs: the parts of a request that a proof covers, the reasons why it fails, and code that
//! several schemes share.

use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::NONCE_BYTES_MAX;
use crate::proto::wire::mac::same;
use crate::proto::wire::request::Request;

/// The parts of a request that its proof covers. Nothing else of the request may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// The query and the body are covered.
    Whole,
    /// The body is covered, the query is not.
    Body,
    /// The value of this parameter is covered (zadarma's `result`).
    Inside(&'static [u8]),
    /// Nothing of the request is covered. These bytes are read instead, a JSON object (the claims of
    /// gatewayapi's JWT).
    Claims(Vec<u8>),
    /// Nothing of the request is covered. These bytes are read instead, an element of the list that the
    /// provider was asked for.
    Element(Vec<u8>),
}

/// The result of a proof: what it covers, and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The parts of the request that may be read.
    pub coverage: Coverage,
    /// The signature, spelled as its scheme computes it; empty if there is none.
    pub signature: Vec<u8>,
}

/// The reason why a request proves nothing. All but the last are answered with 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The credentials or the signature are wrong, or the request holds something that they cannot cover.
    Wrong,
    /// The header field of the proof is missing, or occurs twice.
    Missing,
    /// The signature is right, but its time is not near the present. It may have been recorded.
    Time,
    /// The signature depends on the time, and the clock is not sane; the answer is 503.
    Clock,
}

impl Denied {
    /// Returns the phrase for the log, which tells the operator the kind of the failure.
    pub fn phrase(self) -> &'static str {
        match self {
            Denied::Wrong => "signature wrong",
            Denied::Missing => "signature missing or given twice",
            Denied::Time => "signature of another time",
            Denied::Clock => "clock not set",
        }
    }
}

/// Returns the token behind `Basic` or `Bearer` in the value of `Authorization`.
pub(super) fn token<'a>(value: &'a [u8], kind: &str) -> Result<&'a [u8], Denied> {
    let (name, token) = value.split_at_checked(kind.len()).ok_or(Denied::Wrong)?;
    let blanks = token.iter().take_while(|b| **b == b' ').count();
    match blanks > 0 && name.eq_ignore_ascii_case(kind.as_bytes()) {
        true => Ok(token.get(blanks..).unwrap_or_default()),
        false => Err(Denied::Wrong),
    }
}

/// Returns the value of a header field that must occur exactly once.
pub(super) fn the_one<'a>(request: &Request<'a>, name: &str) -> Result<&'a [u8], Denied> {
    let mut fields = request.headers(name);
    match (fields.next(), fields.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Denied::Missing),
    }
}

/// Returns a nonce. It must hold no dot, because providers join it to the rest with a dot.
pub(super) fn nonce<'a>(request: &Request<'a>, name: &str) -> Result<&'a [u8], Denied> {
    let value = the_one(request, name)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match (1..=NONCE_BYTES_MAX).contains(&value.len()) && value.iter().all(plain) {
        true => Ok(value),
        false => Err(Denied::Wrong),
    }
}

/// Reads seconds since 1970, written in digits alone.
pub(super) fn seconds(text: &[u8]) -> Result<u64, Denied> {
    // The parser of numbers takes a sign too, which is no part of a time.
    let digits = (1..=12).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let text = core::str::from_utf8(text).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(Denied::Wrong)
}

/// Whether a signature of that time is acceptable: it may be `age_s` off, or any time if that is `None`.
pub(super) fn fresh(signed_s: u64, now_s: Option<u64>, age_s: Option<u64>) -> Result<(), Denied> {
    let Some(age_s) = age_s else {
        return Ok(());
    };
    let now_s = now_s.ok_or(Denied::Clock)?;
    match signed_s.abs_diff(now_s) <= age_s {
        true => Ok(()),
        false => Err(Denied::Time),
    }
}

/// Whether a name holds neither `&` nor `=`, so that signing `&name=value` cannot confuse it with several
/// parameters.
pub(super) fn is_one_name(name: &[u8]) -> bool {
    !name.iter().any(|b| matches!(b, b'&' | b'='))
}

/// Checks that the given signature is the expected one, and returns it.
pub(super) fn equal(given: &[u8], expected: String) -> Result<Vec<u8>, Denied> {
    holds(same(given, expected.as_bytes()))?;
    Ok(expected.into_bytes())
}

/// Turns a condition into the result of a check.
pub(super) fn holds(condition: bool) -> Result<(), Denied> {
    match condition {
        true => Ok(()),
        false => Err(Denied::Wrong),
    }
}
