//! What a proof is: what of a request it covers, why it may not hold, and the parts that schemes have
//! in common.

use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::NONCE_BYTES_MAX;
use crate::proto::wire::mac::same;
use crate::proto::wire::request::Request;

/// What of a request its proof covers. Nothing else of it may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// Query and body.
    Whole,
    /// The body, not the query.
    Body,
    /// What stands inside this parameter (zadarma's `result`).
    Inside(&'static [u8]),
    /// Nothing of the request; these bytes instead, a JSON object (the claims of gatewayapi's
    /// JWT).
    Claims(Vec<u8>),
    /// Nothing of it; these bytes instead, an element of the list that the provider was asked for.
    Element(Vec<u8>),
}

/// What a request proves, and by which signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What may be read.
    pub coverage: Coverage,
    /// The signature, written in the one way that its scheme computes it; empty where there is none.
    pub signature: Vec<u8>,
}

/// Why a request proves nothing. All but the last are 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Credentials or signature wrong, or something in the request that they cannot cover.
    Wrong,
    /// The proof's header field is not there, or twice.
    Missing,
    /// A right signature, of another time than now: perhaps recorded.
    Time,
    /// A time-windowed signature under a clock that is not sane: 503.
    Clock,
}

impl Denied {
    /// For the log: the operator's first question is which of them it was.
    pub fn phrase(self) -> &'static str {
        match self {
            Denied::Wrong => "signature wrong",
            Denied::Missing => "signature missing or given twice",
            Denied::Time => "signature of another time",
            Denied::Clock => "clock not set",
        }
    }
}

/// What stands behind `Basic` or `Bearer` in the value of `Authorization`.
pub(super) fn token<'a>(value: &'a [u8], kind: &str) -> Result<&'a [u8], Denied> {
    let (name, token) = value.split_at_checked(kind.len()).ok_or(Denied::Wrong)?;
    let blanks = token.iter().take_while(|b| **b == b' ').count();
    match blanks > 0 && name.eq_ignore_ascii_case(kind.as_bytes()) {
        true => Ok(token.get(blanks..).unwrap_or_default()),
        false => Err(Denied::Wrong),
    }
}

/// The value of a header field that must be there, and once.
pub(super) fn the_one<'a>(request: &Request<'a>, name: &str) -> Result<&'a [u8], Denied> {
    let mut fields = request.headers(name);
    match (fields.next(), fields.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Denied::Missing),
    }
}

/// A nonce that can be told from what stands before and behind it: providers join it to the rest
/// with a dot.
pub(super) fn nonce<'a>(request: &Request<'a>, name: &str) -> Result<&'a [u8], Denied> {
    let value = the_one(request, name)?;
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match (1..=NONCE_BYTES_MAX).contains(&value.len()) && value.iter().all(plain) {
        true => Ok(value),
        false => Err(Denied::Wrong),
    }
}

/// Seconds since 1970, as digits and nothing else.
pub(super) fn seconds(text: &[u8]) -> Result<u64, Denied> {
    // What a number's own parser takes besides digits is no time.
    let digits = (1..=12).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let text = core::str::from_utf8(text).ok().filter(|_| digits);
    text.and_then(|text| text.parse().ok()).ok_or(Denied::Wrong)
}

/// Whether a signature of that time may still be taken: it may be `age_s` off, `None` if by any time.
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

/// Whether a name cannot be taken for several parameters where `&name=value` of each is signed.
pub(super) fn is_one_name(name: &[u8]) -> bool {
    !name.iter().any(|b| matches!(b, b'&' | b'='))
}

/// Whether what was given is what was expected; that.
pub(super) fn equal(given: &[u8], expected: String) -> Result<Vec<u8>, Denied> {
    holds(same(given, expected.as_bytes()))?;
    Ok(expected.into_bytes())
}

/// A condition as a proof.
pub(super) fn holds(condition: bool) -> Result<(), Denied> {
    match condition {
        true => Ok(()),
        false => Err(Denied::Wrong),
    }
}
