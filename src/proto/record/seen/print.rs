//! An SMS → the digests that are remembered of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use crate::message::Message;

/// The interface of records that were read from a file of version 1.
pub(super) const UNKNOWN: u32 = 0;

/// What is remembered of one SMS: digests of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Of the interface's name (see [`interface`]).
    pub interface: u32,
    /// Of the interface's name and the provider's id.
    pub id: Option<NonZeroU64>,
    /// Of destination, sender and text.
    pub content: u64,
    /// Of scheme, secret and signature (see [`proof`]).
    pub proof: Option<NonZeroU64>,
}

/// At which interfaces a signature must not have been seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places<'a> {
    /// At none.
    All,
    /// At none of these.
    These(&'a [u32]),
}

/// The digest of an interface's name.
pub fn interface(name: &str) -> u32 {
    let digest = digest(&[name.as_bytes()]) >> 32;
    u32::try_from(digest).unwrap_or(u32::MAX).max(UNKNOWN + 1)
}

/// The digest of a signature.
pub fn proof(scheme: &str, secret: &[u8], signature: &[u8]) -> NonZeroU64 {
    not_zero(digest(&[scheme.as_bytes(), secret, signature]))
}

/// What Vonage signs alike: `&` and `=` as `_`. Else a recorded SMS would have other contents by one of
/// them.
fn alike(value: &[u8]) -> Vec<u8> {
    let signed = |b: &u8| if matches!(b, b'&' | b'=') { b'_' } else { *b };
    value.iter().map(signed).collect()
}

pub(super) fn not_zero(digest: u64) -> NonZeroU64 {
    NonZeroU64::new(digest).unwrap_or(NonZeroU64::MIN)
}

impl Print {
    /// Of a message that came in by an interface.
    pub fn of(
        name: &str,
        id: Option<&[u8]>,
        message: &Message,
        proof: Option<NonZeroU64>,
    ) -> Print {
        let (to, from) = (message.to.as_str(), message.from.as_str());
        let [from, text] = [from.as_bytes(), message.text.as_bytes()].map(alike);
        Print {
            interface: interface(name),
            id: id.map(|id| not_zero(digest(&[name.as_bytes(), id]))),
            content: digest(&[to.as_bytes(), &from, &text]),
            proof,
        }
    }

    /// The numbers that no two requests may bring at once.
    pub fn marks(&self) -> impl Iterator<Item = NonZeroU64> {
        self.id.into_iter().chain(self.proof)
    }
}

/// A digest as it stands in a file.
pub fn digits(digest: NonZeroU64) -> String {
    format!("{digest:016x}")
}

/// Reads [`digits`].
pub fn parse_digest(digits: &str) -> Option<NonZeroU64> {
    NonZeroU64::new(number(digits, 16)?)
}

/// So many lower-case hexadecimal digits.
pub(super) fn number(digits: &str, width: usize) -> Option<u64> {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let whole = digits.len() == width && digits.bytes().all(hex);
    u64::from_str_radix(digits, 16).ok().filter(|_| whole)
}

/// 64 bits over fields of which none can reach into the next.
pub fn digest(fields: &[&[u8]]) -> u64 {
    let mut sha1 = sha1_smol::Sha1::new();
    for field in fields {
        let bytes = u64::try_from(field.len()).unwrap_or(u64::MAX);
        sha1.update(&bytes.to_be_bytes());
        sha1.update(field);
    }
    let digest = sha1.digest().bytes();
    let start = digest.first_chunk::<8>();
    start.map_or(0, |start| u64::from_be_bytes(*start))
}

impl Places<'_> {
    pub(super) fn hold(&self, interface: u32) -> bool {
        match self {
            Places::All => true,
            Places::These(these) => these.contains(&interface),
        }
    }
}
